"""Sounds without speech, made from a seed: minute-long scenes to count false transcripts on; float32 [n], 16 kHz.

Steady noises, hums, machines, knocks, beeps and chords, each at several levels and with sudden starts: what
a robot stands in. Babble is mixed from recordings that the caller gives.
"""
from collections.abc import Callable

import numpy as np

from robot_ai.speech.audio import SAMPLE_RATE


def coloured(n: int, rng: np.random.Generator, power: float) -> np.ndarray:
    """Noise whose power falls with frequency to `power`: 0 white, 1 pink, 2 brown; deviation 1."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= np.maximum(np.arange(len(spectrum)), 20 * n / SAMPLE_RATE) ** (-power / 2)
    noise = np.fft.irfft(spectrum, n)
    return noise / noise.std()


def harmonics(n: int, hz, amplitudes) -> np.ndarray:
    """Sum of harmonics of `hz` (a number, or one a sample)."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(np.asarray(hz, float), n)) / SAMPLE_RATE
    return sum(a * np.sin((k + 1) * phase) for k, a in enumerate(amplitudes))


def _motor(n, rng):
    hz = rng.uniform(60, 200) + 20 * np.cumsum(rng.standard_normal(n)) / np.sqrt(n)
    return harmonics(n, hz, 1 / np.arange(1, 20)) + 0.3 * coloured(n, rng, 1)


def _knocks(n, rng):
    out = 0.003 * coloured(n, rng, 1)
    for start in rng.integers(0, n - 8000, 40):
        length = int(rng.integers(400, 6000))
        fade = np.exp(-np.arange(length) / length * 7)
        out[start:start + length] += fade * coloured(length, rng, rng.uniform(0, 2))
    return out


def _beeps(n, rng):
    out = 0.003 * coloured(n, rng, 1)
    for start in rng.integers(0, n - 16000, 25):
        length = int(rng.integers(1500, 14000))
        out[start:start + length] += harmonics(length, rng.uniform(300, 2500), (1, 0.3, 0.1))
    return out


def _chords(n, rng):
    out, at = 0.002 * coloured(n, rng, 1), 0
    while at < n - 16000:
        length = int(rng.integers(3000, 16000))
        fade = np.minimum(1, np.arange(length) / 400) * np.exp(-np.arange(length) / length * 3)
        for step in rng.choice([0, 3, 4, 7, 10, 12], 3, replace=False):
            out[at:at + length] += fade * harmonics(length, 220 * 2 ** (step / 12), (1, 0.5, 0.3, 0.2)) / 3
        at += length
    return out


def _switched(n, rng):
    """Noise that begins and ends: doors, taps, passing cars."""
    level, parts = 0.01, []
    while sum(map(len, parts)) < n:
        length = int(rng.uniform(0.3, 6) * SAMPLE_RATE)
        level = rng.choice([0.01, 0.1, 0.5, 1.0])
        parts.append(level * coloured(length, rng, rng.uniform(0, 2)))
    return np.concatenate(parts)[:n]


SCENES: dict[str, Callable] = {
    'silence': lambda n, rng: np.zeros(n),
    'white': lambda n, rng: coloured(n, rng, 0),
    'pink': lambda n, rng: coloured(n, rng, 1),
    'brown': lambda n, rng: coloured(n, rng, 2),
    'hum 50 Hz': lambda n, rng: harmonics(n, 50, (1, 0.2, 0.5, 0.1, 0.3)) + 0.01 * coloured(n, rng, 0),
    'hum 100 Hz': lambda n, rng: harmonics(n, 100, (1, 0.6, 0.4, 0.3, 0.2)) + 0.01 * coloured(n, rng, 0),
    'fan': lambda n, rng: coloured(n, rng, 1.5) * (1 + 0.3 * np.sin(np.arange(n) * 2 * np.pi * 9 / SAMPLE_RATE)),
    'motor': _motor,
    'clicks': lambda n, rng: (rng.random(n) < 3 / SAMPLE_RATE) * 20.0 + 0.003 * coloured(n, rng, 0),
    'knocks': _knocks,
    'beeps': _beeps,
    'chords': _chords,
    'switched': _switched,
}


def scene(name: str, seconds: float, level_db: float, seed: int) -> np.ndarray:
    """Return a scene by name at `level_db` dBFS (of its deviation), float32 [n], clipped to -1..1."""
    rng = np.random.default_rng([seed, list(SCENES).index(name)])
    sound = np.asarray(SCENES[name](round(seconds * SAMPLE_RATE), rng), float)
    sound *= 10 ** (level_db / 20) / max(sound.std(), 1e-9)
    return np.clip(sound, -1, 1).astype(np.float32)


def babble(clips: list[np.ndarray], seconds: float, level_db: float, seed: int, voices: int = 6) -> np.ndarray:
    """Mix random clips, float32 [n] each, into `voices` people who talk at once."""
    rng, n = np.random.default_rng(seed), round(seconds * SAMPLE_RATE)
    total = np.zeros(n)
    for _ in range(voices):
        row = np.zeros(0)
        while len(row) < n:
            clip = clips[int(rng.integers(len(clips)))]
            row = np.concatenate([row, clip / max(float(clip.std()), 1e-6)])
        total += row[:n]
    total *= 10 ** (level_db / 20) / max(total.std(), 1e-9)
    return np.clip(total, -1, 1).astype(np.float32)
