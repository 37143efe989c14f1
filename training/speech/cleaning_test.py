"""Training hears raw clips, recognition cleaned sound: the features must hardly tell them apart.

A high-pass or a level that left what training's own gains spread over would show here.
"""
import shutil
import subprocess

import keras
import numpy as np
import pytest

from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.cleaning import LEVEL_FRAME, LEVEL_PERCENTILE, TARGET_DBFS, clean
from training.speech.augment import DEFAULTS
from training.speech.features import LogMel

TOLERANCE = 0.1  # of the features' unit deviation; 0.02 to 0.09 measured for these


def features(sound):
    whole = sound[None, :len(sound) // 160 * 160]
    return keras.ops.convert_to_numpy(LogMel()(whole, np.array([whole.size], np.int32)))


def apart(one, other):
    return float(np.sqrt(np.mean(np.square(features(one) - features(other)))))


def loudness(sound):
    frames = sound[:len(sound) // LEVEL_FRAME * LEVEL_FRAME].reshape(-1, LEVEL_FRAME)
    return 10 * np.log10(np.percentile(np.square(frames).mean(axis=1), LEVEL_PERCENTILE))


@pytest.mark.skipif(not shutil.which('espeak-ng'), reason='needs espeak-ng')
@pytest.mark.parametrize(('voice', 'text'), [('es', '¿Dónde está la estación?'), ('es-419', 'Mañana iremos al médico.'),
                                             ('es+f3', 'No tengo tiempo.')])
@pytest.mark.parametrize('noise', [0.0, 0.05])
def test_cleaned_speech_has_the_features_of_raw_speech(tmp_path, voice, text, noise):
    subprocess.run(['espeak-ng', '-v', voice, '-w', str(tmp_path / 'a.wav'), text], check=True)
    raw = read_audio(tmp_path / 'a.wav')
    raw = raw + noise * raw.std() * np.random.default_rng(1).standard_normal(len(raw)).astype(np.float32)
    softest, loudest = (np.clip(raw / np.abs(raw).max() * 10 ** (gain / 20), -1, 1) for gain in DEFAULTS['gain_db'])
    # Recognition's level lies within the levels that training draws, and the features move less than between those.
    assert loudness(softest) < TARGET_DBFS < loudness(loudest)
    assert loudness(clean(raw)) == pytest.approx(TARGET_DBFS, abs=0.2)
    moved = apart(clean(raw), raw)
    assert 0 < moved < TOLERANCE and moved < apart(softest, loudest)
    # What no training clip has is taken away before the model sees it.
    rumble = 0.05 + raw.std() * np.sin(2 * np.pi * 20 * np.arange(len(raw)) / SAMPLE_RATE).astype(np.float32)
    assert apart(clean(raw + rumble), raw) < apart(raw + rumble, raw)
