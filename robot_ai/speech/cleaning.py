"""Sound cleaning, in two steps: a streaming high-pass, then the level of one utterance; float32 [n] to [n].

The only definition: recogniser, trainer and tests call it. The high-pass is causal and runs in hops of
10 ms whatever the blocks, so that a stream in blocks equals the whole bit for bit. The level is set per
utterance, never by a running gain, since an utterance is encoded again as it grows.
"""
import math

import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE

HOP = 160  # samples: 10 ms
CUTOFF_HZ = 60.0  # below lie DC, mains hum's fundamental, motors and handling; no speech
TARGET_DBFS = -23.0  # level of the loud frames; the rare peak above full scale is clipped
MAX_GAIN_DB = 30.0  # quieter sound than -53 dBFS stays quiet
LEVEL_FRAME = 400  # samples: 25 ms
LEVEL_PERCENTILE = 90.0  # of the frames' power: the speech, not the pauses


def clean(samples: np.ndarray) -> np.ndarray:
    """Clean one whole utterance, float32 [n] at 16 kHz: high-pass, then level. Returns float32 [n]."""
    return set_level(HighPass().whole(samples))


def set_level(samples: np.ndarray) -> np.ndarray:
    """Scale an utterance so that its loud frames lie at TARGET_DBFS, within MAX_GAIN_DB."""
    frames = len(samples) // LEVEL_FRAME
    if frames == 0:
        return samples
    power = np.square(samples[:frames * LEVEL_FRAME].reshape(frames, LEVEL_FRAME)).mean(axis=1)
    loud = float(np.percentile(power, LEVEL_PERCENTILE))
    if loud <= 0:
        return samples
    gain_db = min(TARGET_DBFS - 10 * math.log10(loud), MAX_GAIN_DB)
    return np.clip(samples * np.float32(10 ** (gain_db / 20)), -1, 1)


def reduce_noise(samples: np.ndarray, noise: np.ndarray | None = None, amount: float = 0.7) -> np.ndarray:
    """Gate an utterance's spectrum by its noise (float32 [m], such as the sound before it); returns float32 [n].

    Needs the extra `noise` (noisereduce); ConfigurationError without it. Off by default.
    """
    try:
        import noisereduce
    except ImportError:
        raise ConfigurationError('noise reduction needs noisereduce: pip install robot_ai[noise]') from None
    if len(samples) < LEVEL_FRAME:
        return samples
    reduced = noisereduce.reduce_noise(y=samples, sr=SAMPLE_RATE, stationary=True, prop_decrease=amount,
                                       y_noise=noise if noise is not None and len(noise) >= 4096 else None)
    return np.asarray(reduced, np.float32)


class HighPass:
    """Second-order Butterworth high-pass at CUTOFF_HZ over a stream, without any delay."""

    def __init__(self):
        """Start from silence."""
        self._response, self._observe, self._advance, self._control = _hop_matrices()
        self._state = np.zeros(2)
        self._input = np.zeros(HOP)
        self._pending = np.zeros(0, np.float32)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take float32 [n]; return the filtered whole hops, float32 [m]; the rest waits for more."""
        samples = np.concatenate([self._pending, block]) if len(self._pending) else block
        hops = len(samples) // HOP
        out = np.empty(hops * HOP, np.float32)
        for i in range(0, hops * HOP, HOP):
            out[i:i + HOP] = self._hop(samples[i:i + HOP])
        self._pending = np.array(samples[hops * HOP:], np.float32)
        return out

    def flush(self) -> np.ndarray:
        """Return the last, unfinished hop, float32 [n < HOP]; the filter is at its start again."""
        rest = self._pending
        out = self._hop(np.pad(rest, (0, HOP - len(rest))))[:len(rest)].astype(np.float32)
        self._state[:] = 0
        self._pending = np.zeros(0, np.float32)
        return out

    def whole(self, samples: np.ndarray) -> np.ndarray:
        """Filter one whole recording, float32 [n] to float32 [n]."""
        return np.concatenate([self.push(samples), self.flush()])

    def _hop(self, samples):
        self._input[:] = samples  # one aligned buffer: BLAS then rounds alike whatever the caller's block
        out = self._response @ self._input + self._observe @ self._state
        self._state = self._advance @ self._state + self._control @ self._input
        return out


def _hop_matrices():
    """Return the filter as a linear map of one hop: out = R in + O state, state' = A state + C in."""
    w = math.tan(math.pi * CUTOFF_HZ / SAMPLE_RATE)  # bilinear transform
    norm = 1 / (1 + math.sqrt(2) * w + w * w)
    b = np.array([norm, -2 * norm, norm])
    a1, a2 = 2 * (w * w - 1) * norm, (1 - math.sqrt(2) * w + w * w) * norm
    step = np.array([[-a1, 1.0], [-a2, 0.0]])  # transposed direct form II
    gain = np.array([b[1] - a1 * b[0], b[2] - a2 * b[0]])
    powers = [np.eye(2)]
    for _ in range(HOP):
        powers.append(step @ powers[-1])
    observe = np.stack([powers[k][0] for k in range(HOP)])  # [HOP, 2]
    impulse = np.array([b[0], *(powers[k][0] @ gain for k in range(HOP - 1))])
    response = np.zeros((HOP, HOP))
    for k in range(HOP):
        response[k:, k] = impulse[:HOP - k]
    control = np.stack([powers[HOP - 1 - k] @ gain for k in range(HOP)], axis=1)  # [2, HOP]
    return response, observe, powers[HOP], control
