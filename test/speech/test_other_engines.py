"""SpeechRecognition's AudioData reaches our recogniser whole; its engines stand in for ours; cloud on request."""
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import speech_recognition as sr
from tone_model import ToneGraph, silence, tones

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech import other_engines
from robot_ai.speech.other_engines import EngineRecognizer, audio_data_of, make_recognizer, samples_of
from robot_ai.speech.recognizer import Final, Partial, SpeechRecognizer, VoiceActivity


@pytest.mark.parametrize('width, pack', [
    (1, lambda x: np.rint(x * 127 + 128).astype(np.uint8).tobytes()),
    (2, lambda x: np.rint(x * 32767).astype('<i2').tobytes()),
    (3, lambda x: np.rint(x * (2**23 - 1)).astype('<i4').view(np.uint8).reshape(-1, 4)[:, :3].tobytes()),
    (4, lambda x: np.rint(x * (2**31 - 1)).astype('<i4').tobytes()),
])
def test_audio_data_of_every_width(width, pack):
    wave = tones('sí', 0.3).astype(np.float64)
    assert np.abs(samples_of(sr.AudioData(pack(wave), 16000, width)) - wave).max() < 0.01


def test_audio_data_reaches_our_recognizer():
    samples = tones('hola amigo')
    again = samples_of(audio_data_of(samples))
    assert np.abs(again - samples).max() < 1e-4
    assert SpeechRecognizer('', graph=ToneGraph()).recognize(again).text == 'hola amigo'


def test_strange_width_is_refused():
    audio = sr.AudioData(b'\0' * 10, 16000, 2)
    audio.sample_width = 5
    with pytest.raises(AudioError, match='5 bytes'):
        samples_of(audio)


@pytest.fixture
def sphinx(monkeypatch):
    """An engine that says how long the sound was."""
    monkeypatch.setattr(sr.Recognizer, 'recognize_sphinx',
                        lambda self, audio: f'¡Son {len(audio.frame_data) // 32000}!')
    monkeypatch.setitem(sys.modules, 'pocketsphinx', object())
    monkeypatch.setattr(EngineRecognizer, 'min_voice', -1000)  # tones are no voice


def test_an_engine_stands_in_for_ours(sphinx):
    recognizer = make_recognizer('sphinx', '')
    sound = np.concatenate([silence(0.5), tones('buenos días'), silence(1.0, 1)])
    events = recognizer.stream().accept(sound)
    assert [type(event) for event in events] == [VoiceActivity, VoiceActivity, Final]
    assert events[-1].text == 'son dos' and events[-1].start == pytest.approx(0.2, abs=0.1)
    assert [final.text for final in recognizer.transcribe(sound)] == ['son dos']
    assert recognizer.recognize(tones('a')).text == 'son cero'
    stream = recognizer.stream()
    stream.set_context(phrases=['hola'], profile='paused_speech')
    assert not [event for event in stream.accept(sound) if isinstance(event, Partial)]


def test_an_engine_that_understands_nothing_gives_nothing(sphinx, monkeypatch):
    def nothing(self, audio):
        raise sr.UnknownValueError
    monkeypatch.setattr(sr.Recognizer, 'recognize_sphinx', nothing)
    assert make_recognizer('sphinx', '').transcribe(np.concatenate([tones('hola'), silence(1.0)])) == []


def test_cloud_needs_a_yes_and_warns(caplog):
    with pytest.raises(ConfigurationError, match='allow_cloud'):
        make_recognizer('google', '')
    assert EngineRecognizer('google', allow_cloud=True).engine == 'google'
    assert 'google' in caplog.text


def test_unknown_or_absent_engines_are_named(monkeypatch):
    with pytest.raises(ConfigurationError, match='robot_ai, vosk'):
        make_recognizer('dragon', '')
    monkeypatch.setitem(sys.modules, 'vosk', None)
    with pytest.raises(ConfigurationError, match='not installed'):
        make_recognizer('vosk', '')


@pytest.fixture
def vosk(monkeypatch, tmp_path):
    """The API of vosk as far as it is used; its 'model' is a folder with a file that holds what it always hears."""
    class Model:
        def __init__(self, folder):
            self.text = (Path(folder) / 'says').read_text()

    class KaldiRecognizer:
        def __init__(self, model, rate):
            self.text, self.rate = model.text, rate

        def AcceptWaveform(self, data):
            self.seconds = len(data) / 2 / self.rate

        def FinalResult(self):
            return json.dumps({'text': f'{self.text} {round(self.seconds * 10)}'})
    module = types.SimpleNamespace(Model=Model, KaldiRecognizer=KaldiRecognizer, SetLogLevel=lambda level: None)
    monkeypatch.setitem(sys.modules, 'vosk', module)
    return tmp_path


def test_vosk_reads_its_model_once_and_hears_16_khz(vosk):
    (vosk / 'says').write_text('hola')
    recognizer = make_recognizer('vosk', '', model=str(vosk))
    (vosk / 'says').unlink()
    assert recognizer.recognize(np.zeros(8000, np.float32)).text == 'hola cinco'


def test_vosk_without_a_model_says_where_one_belongs(vosk):
    with pytest.raises(ConfigurationError, match='no model.*none is no folder.*sprc download vosk'):
        make_recognizer('vosk', '', model=str(vosk / 'none'))
    with pytest.raises(ConfigurationError, match='cannot be used as a model'):
        make_recognizer('vosk', '', model=str(vosk))


@pytest.mark.parametrize('engine', ['whisper', 'faster_whisper'])
def test_the_whispers_download_nothing(engine, monkeypatch, tmp_path):
    asked = []

    class WhisperModel:
        def __init__(self, name, local_files_only=False):
            assert local_files_only
            raise OSError(f'no files of {name}\nsecond line')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setitem(sys.modules, 'faster_whisper', types.SimpleNamespace(WhisperModel=WhisperModel))
    monkeypatch.setitem(sys.modules, 'whisper', types.SimpleNamespace(
        _MODELS={'base': 'https://example.org/base.pt'}, load_model=asked.append))
    with pytest.raises(ConfigurationError,
                       match="'base'.*nothing is downloaded.*(no files of base|base.pt does not exist)$"):
        make_recognizer(engine, '')
    assert not asked


def test_ours_is_made_by_name(monkeypatch):
    made = []
    monkeypatch.setattr(other_engines, 'open_recognizer', lambda *arguments: made.append(arguments))
    make_recognizer('robot_ai', 'folder', 2, ['hola'], 'paused_speech')
    assert made == [('folder', 2, ['hola'], 'paused_speech')]
