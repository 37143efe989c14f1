"""Cleaning removes DC and rumble, keeps speech, and does not depend on how the sound is cut."""
import numpy as np
import pytest

from robot_ai.speech.cleaning import CUTOFF_HZ, TARGET_DBFS, HighPass, clean, reduce_noise, set_level


def sine(hz, seconds=2.0, amplitude=0.1):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * 16000)) / 16000)).astype(np.float32)


def gain_db(hz):
    out = HighPass().whole(sine(hz))[8000:]
    return 10 * np.log10(np.square(out).mean() / np.square(sine(hz)[8000:]).mean())


def test_response_is_butterworths():
    assert gain_db(CUTOFF_HZ) == pytest.approx(-3.01, abs=0.1)
    assert gain_db(CUTOFF_HZ / 4) == pytest.approx(-10 * np.log10(1 + 4**4), abs=0.3)
    assert gain_db(300) == pytest.approx(0, abs=0.05)


def test_equals_scipys_filter():
    signal = pytest.importorskip('scipy.signal')
    noise = np.random.default_rng(1).standard_normal(16123).astype(np.float32)
    b, a = signal.butter(2, CUTOFF_HZ, 'high', fs=16000)
    assert np.abs(HighPass().whole(noise) - signal.lfilter(b, a, noise)).max() < 1e-5


def test_dc_is_removed():
    assert np.abs(HighPass().whole(np.full(16000, 0.5, np.float32))[4000:]).max() < 1e-4


def test_stream_in_blocks_equals_the_whole_bit_for_bit():
    rng = np.random.default_rng(2)
    sound = rng.standard_normal(16000).astype(np.float32)
    filter_, parts, start = HighPass(), [], 0
    while start < len(sound):
        size = int(rng.integers(0, 700))
        parts.append(filter_.push(sound[start:start + size]))
        start += size
    assert np.array_equal(np.concatenate([*parts, filter_.flush()]), HighPass().whole(sound))


def test_level_is_that_of_the_loud_frames():
    sound = np.concatenate([sine(300, 1.0, 0.01), np.zeros(8000, np.float32)])
    out = set_level(sound)
    assert 10 * np.log10(np.square(out[4000:12000]).mean()) == pytest.approx(TARGET_DBFS, abs=0.3)
    louder = set_level(sound * 20)
    assert np.abs(out - louder).max() < 1e-5


def test_level_of_nothing_is_nothing():
    for n in (0, 10, 16000):
        assert np.array_equal(clean(np.zeros(n, np.float32)), np.zeros(n, np.float32))
    whisper = set_level(sine(300, 1.0, 1e-6))
    assert np.abs(whisper).max() < 1e-4  # a limited gain: silence does not become a roar


def test_noise_reduction_raises_the_signal_to_noise_ratio():
    pytest.importorskip('noisereduce')
    noise = np.random.default_rng(4).standard_normal(32000).astype(np.float32) * 0.01
    speech = noise.copy()
    for hz in range(120, 4000, 120):  # a voice has many harmonics; a lone tone would pass for noise
        speech[8000:16000] += sine(hz, 0.5, 0.05)
    out = reduce_noise(speech, noise)
    assert len(out) == len(speech)

    def ratio(sound):
        return np.square(sound[9000:15000]).mean() / np.square(sound[20000:]).mean()
    assert ratio(out) > 2 * ratio(speech)
