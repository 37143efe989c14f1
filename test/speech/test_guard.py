"""Knocks, beeps and chords are no voice, speech is; even before any model has heard it."""
import shutil
import subprocess

import numpy as np
import pytest
from tone_model import ToneGraph, silence, tones

from robot_ai.speech import noises
from robot_ai.speech.audio import read_audio
from robot_ai.speech.cleaning import HighPass
from robot_ai.speech.guard import MIN_VOICE, NAMES, features, voice_log_odds
from robot_ai.speech.recognizer import SpeechRecognizer, VoiceActivity


@pytest.mark.parametrize('name', [name for name in noises.SCENES if name != 'silence'])
def test_made_noises_are_no_voice(name):
    sound = HighPass().whole(noises.scene(name, 6, -25, seed=77))
    assert voice_log_odds(sound) < MIN_VOICE


@pytest.mark.parametrize('text', ['hola', 'sí', 'hola, quiero un vaso de agua'])
@pytest.mark.parametrize('voice', ['es', 'es+f2', 'es-419+m4'])
def test_speech_is_a_voice(tmp_path, voice, text):
    if not shutil.which('espeak-ng'):
        pytest.skip('needs espeak-ng')
    path = tmp_path / 'a.wav'
    subprocess.run(['espeak-ng', '-v', voice, '-w', str(path), text], check=True)
    sound = HighPass().whole(read_audio(path))
    assert voice_log_odds(sound) > MIN_VOICE
    assert voice_log_odds(sound * 0.01) == pytest.approx(voice_log_odds(sound), abs=0.02)  # level says nothing


def test_features_are_finite_for_anything():
    for sound in (np.zeros(16000), np.ones(16000), np.eye(1, 16000)[0], np.random.default_rng(0).standard_normal(2000)):
        assert features(sound.astype(np.float32)).shape == (len(NAMES),)
        assert np.isfinite(features(sound.astype(np.float32))).all()
    for n in (0, 100, 600, 1000, 1700):
        assert np.isfinite(voice_log_odds(np.zeros(n, np.float32)))


def test_what_is_no_voice_is_not_encoded():
    graph = ToneGraph(guard={})
    sound = np.concatenate([silence(1), tones('aaaaaaaa'), silence(1)])
    events = SpeechRecognizer('', graph=graph).stream().accept(sound)
    assert [type(event) for event in events] == [VoiceActivity, VoiceActivity] and graph.calls == []
