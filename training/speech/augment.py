"""Changes to one clip's sound, each with its own probability: speed, room, noise, babble, telephone, level.

All of them are NumPy on float32 [n] at 16 kHz and take their chance from the generator given, so that the same
generator gives the same sound. Masks in time and frequency are the model's (they need its features).
"""
import numpy as np
from scipy.signal import fftconvolve

from robot_ai.speech.audio import SAMPLE_RATE

DEFAULTS = {'speed': 0.5, 'speed_range': 0.12, 'room': 0.3, 'noise': 0.5, 'babble': 0.1, 'telephone': 0.08,
            'clip': 0.03, 'shift': 1.0, 'snr_db': (3.0, 35.0), 'gain_db': (-25.0, 3.0)}


def augment(sound: np.ndarray, rng: np.random.Generator, settings: dict, other=None, limit: int = 0) -> np.ndarray:
    """Return a changed copy of at most `limit` samples (0: any), nothing cut off.

    `settings` overrides DEFAULTS (probabilities); `other()` gives sound for babble.
    """
    s = {**DEFAULTS, **settings}
    if rng.random() < s['speed']:
        factor = 1 + rng.uniform(-s['speed_range'], s['speed_range'])
        sound = change_speed(sound, max(factor, len(sound) / limit) if limit else factor)
    if rng.random() < s['shift']:
        sound = _pad_silence(sound, rng, (limit - len(sound)) // 2 if limit else SAMPLE_RATE)
    if rng.random() < s['room']:
        sound = add_room(sound, rng, rng.uniform(0.1, 0.7))
    if other is not None and rng.random() < s['babble']:
        voice = np.resize(other(), len(sound))
        sound = mix(sound, voice, rng.uniform(max(5.0, s['snr_db'][0]), s['snr_db'][1]))
    if rng.random() < s['noise']:
        sound = mix(sound, coloured_noise(len(sound), rng), rng.uniform(*s['snr_db']))
    if rng.random() < s['telephone']:
        sound = band_limit(sound, 300, 3400)
    level = 10 ** (rng.uniform(*s['gain_db']) / 20) / max(1e-4, float(np.abs(sound).max()))
    sound = sound * level
    if rng.random() < s['clip']:
        sound = np.clip(sound * 4, -level, level)
    return np.clip(sound, -1, 1).astype(np.float32)


def _pad_silence(sound, rng, room):
    """Up to 0.4 s (and `room`) of faint noise before and after: endpoints are never exact."""
    before, after = rng.integers(0, max(1, min(room, int(0.4 * SAMPLE_RATE))), 2)
    padded = np.pad(sound, (int(before), int(after)))
    return padded + rng.standard_normal(len(padded)).astype(np.float32) * 1e-4


def change_speed(sound: np.ndarray, factor: float) -> np.ndarray:
    """Play `factor` times as fast, pitch moving along (linear interpolation: enough for a few per cent)."""
    n = max(1, int(len(sound) / factor))
    return np.interp(np.arange(n) * factor, np.arange(len(sound)), sound).astype(np.float32)


def add_room(sound: np.ndarray, rng: np.random.Generator, decay_s: float) -> np.ndarray:
    """Convolve with a random exponentially decaying tail of `decay_s` seconds to -60 dB."""
    n = int(decay_s * SAMPLE_RATE)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n) * rng.uniform(0.01, 0.08)
    tail[:int(rng.uniform(0.001, 0.01) * SAMPLE_RATE)] = 0
    tail[0] = 1
    return fftconvolve(sound, tail.astype(np.float32))[:len(sound)].astype(np.float32)


def coloured_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return float32 [n] of noise whose spectrum falls by a random power, sometimes with a mains hum."""
    size = 1 << max(4, int(np.ceil(np.log2(n))))
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum *= np.maximum(np.arange(len(spectrum)), 4.0) ** -rng.uniform(0, 1.0)
    noise = np.fft.irfft(spectrum)[:n]
    noise /= np.std(noise) + 1e-9
    if rng.random() < 0.2:
        hum = rng.choice([50, 60]) * rng.integers(1, 5)
        noise += rng.uniform(0.3, 1.5) * np.sin(2 * np.pi * hum * np.arange(n) / SAMPLE_RATE)
    return noise.astype(np.float32)


def mix(sound: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise [n] at a signal-to-noise ratio taken over the whole clip's mean powers."""
    power, other = float(np.mean(np.square(sound))), float(np.mean(np.square(noise)))
    if power <= 0 or other <= 0:
        return sound
    return (sound + noise * np.sqrt(power / other * 10 ** (-snr_db / 10))).astype(np.float32)


def band_limit(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """Keep `low_hz`..`high_hz`: the telephone's band."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)
