"""Whisper's front end: 16 kHz samples [B, n] in, log-mel features [B, n / 160, mels] out, inside the graph.

Equal to `transformers`' WhisperFeatureExtractor to 1e-4. Its transform has 400 points, for which LiteRT has no
operation (powers of two only), so it is a product with the sine and cosine matrices: 3 % of the encoder's work.
"""
import keras
import numpy as np
from keras import ops

from training.speech.features import FRAME, HOP, SAMPLE_RATE, framed, mel_matrix, unquantised

RANGE = 8.0  # decades of power below the loudest that are kept


class WhisperLogMel(keras.layers.Layer):
    """samples float32 [B, n], n a multiple of 160 -> float32 [B, n / 160, mels], about -1..1 for loud speech."""

    def __init__(self, mels: int = 80, **kwargs):
        """`mels` is 80, or 128 for large-v3."""
        super().__init__(**kwargs)
        self.settings = {'mels': mels, 'scale': 'slaney', 'low_hz': 0.0, 'high_hz': SAMPLE_RATE / 2, 'fft': FRAME,
                         'frame': FRAME, 'hop': HOP, 'padding': 'reflect', 'log': 10, 'range_decades': RANGE}
        self.filters = mel_matrix(mels, 0.0, SAMPLE_RATE / 2, FRAME, 'slaney')
        window = np.hanning(FRAME + 1)[:FRAME]
        angles = 2 * np.pi * np.outer(np.arange(FRAME), np.arange(FRAME // 2 + 1)) / FRAME
        self.cosine = (window[:, None] * np.cos(angles)).astype(np.float32)
        self.sine = (window[:, None] * np.sin(angles)).astype(np.float32)

    def call(self, samples):
        """Return the features; see the class."""
        frames, side = samples.shape[1] // HOP, FRAME // 2
        padded = ops.pad(samples, [[0, 0], [side, side]], mode='reflect')
        cut = framed(ops.pad(padded, [[0, 0], [0, 3 * HOP - 2 * side]]), frames)
        live = samples[0, 0]
        power = (ops.square(ops.matmul(cut, unquantised(self.cosine, live)))
                 + ops.square(ops.matmul(cut, unquantised(self.sine, live))))
        energy = ops.matmul(power, unquantised(self.filters, live))
        mel = ops.log(ops.maximum(energy, 1e-10)) / np.float32(np.log(10))
        mel = ops.maximum(mel, ops.max(mel, axis=(1, 2), keepdims=True) - RANGE)
        return (mel + 4.0) / 4.0

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'mels': self.settings['mels']}
