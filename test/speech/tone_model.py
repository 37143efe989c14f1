"""A stand-in for a trained graph: each letter is a tone, each 40 ms frame says which tone it hears.

Sound made by `tones('hola')` is thus decoded as 'hola' by the real recogniser, endpointer and decoder, with
times that are known beforehand.
"""
from pathlib import Path

import numpy as np

from robot_ai.model_store import ModelInfo

FRAME = 640  # samples: 40 ms
TONE_FRAMES, GAP_FRAMES = 3, 2  # a letter lasts 200 ms; the gap holds a whole frame wherever frames begin
LABELS = ['', *' abcdefghijklmnopqrstuvwxyzáéíóúüñ']
BUCKETS_S = [2, 4, 8]


def frequency(label):
    return 400 + 80 * label  # Hz, apart enough for 40 ms


def tones(text, amplitude=0.2):
    t = np.arange(TONE_FRAMES * FRAME) / 16000
    gap = np.zeros(GAP_FRAMES * FRAME)
    voice = sum(0.4 * np.sin(2 * np.pi * hz * t) for hz in (320, 1320, 3500))  # a lone tone is no voice
    parts = [[amplitude * (np.sin(2 * np.pi * frequency(LABELS.index(c)) * t) + voice), gap] for c in text]
    return np.concatenate([part for pair in parts for part in pair]).astype(np.float32)


def silence(seconds, seed=0):
    noise = np.random.default_rng(seed).standard_normal(round(seconds * 16000))
    return (noise * 0.0005).astype(np.float32)


class ToneGraph:
    """Has what the recogniser uses of GraphRunner: `info` and `run`."""

    def __init__(self, **parameters):
        self.calls = []
        self.info = ModelInfo(Path('tone'), 'speech', 'tone', '1', Path('tone/none'), '0' * 64, tuple(LABELS),
                              {'sample_rate': 16000, 'frame_s': 0.04, 'buckets_s': BUCKETS_S,
                               'guard': {'min_voice': -1000}, **parameters}, {})

    def run(self, signature, samples, length):
        self.calls.append(signature)
        assert samples.shape == (1, int(signature.split('_')[1]) * 16000)
        frames = samples[0].reshape(-1, FRAME)
        spectrum = np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1))
        heard = np.rint((spectrum.argmax(axis=1) * 16000 / FRAME - 400) / 80).astype(int)
        loud = np.sqrt(np.square(frames).mean(axis=1)) > 0.03
        heard = np.where(loud & (heard > 0) & (heard < len(LABELS)), heard, 0)
        probs = np.full((len(frames), len(LABELS)), 0.05 / len(LABELS))
        probs[np.arange(len(frames)), heard] += 0.95
        return {'log_probs': np.log(probs).astype(np.float32)[None]}
