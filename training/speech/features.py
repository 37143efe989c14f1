"""The one front end: 16 kHz samples [B, n] in, log-mel features [B, n / 160, mels] out, inside the graph.

Framing by slices of 10 ms chunks, the transform by `keras.ops.rfft` (a LiteRT builtin at 512 points), so that the
exported graph needs no TensorFlow operation. The parameters are stored in model.yaml; no other code computes
features.
"""
import keras
import numpy as np
from keras import ops

SAMPLE_RATE = 16000
HOP = 160  # samples, 10 ms
FRAME = 400  # samples, 25 ms
FFT = 512
PARAMETERS = {'mels': 64, 'low_hz': 60.0, 'high_hz': 7600.0, 'floor': 1e-6}


def mel_matrix(mels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Return the triangular mel filters (HTK scale), float32 [FFT // 2 + 1, mels], each of unit sum."""
    def to_mel(hz):
        return 2595 * np.log10(1 + np.asarray(hz) / 700)
    edges = 700 * (10 ** (np.linspace(to_mel(low_hz), to_mel(high_hz), mels + 2) / 2595) - 1)
    bins = np.linspace(0, SAMPLE_RATE / 2, FFT // 2 + 1)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rise, fall))
    return (filters / np.maximum(filters.sum(axis=0), 1e-9)).astype(np.float32)


class LogMel(keras.layers.Layer):
    """samples float32 [B, n] (n a multiple of 160), length int32 [B] -> float32 [B, n / 160, mels].

    Each utterance is shifted to zero mean and scaled to unit deviation over its own valid frames, per mel: level,
    microphone and room colour fall out. Frames past `length` are zero.
    """

    def __init__(self, mels: int = 64, low_hz: float = 60.0, high_hz: float = 7600.0, floor: float = 1e-6, **kwargs):
        """`floor` is the power added before the logarithm: about the quantisation noise of a quiet room."""
        super().__init__(**kwargs)
        self.settings = {'mels': mels, 'low_hz': low_hz, 'high_hz': high_hz, 'floor': floor}
        self.filters = mel_matrix(mels, low_hz, high_hz)
        self.window = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)

    def call(self, samples, length):
        """Return the features; see the class."""
        batch, n = samples.shape[0] or -1, samples.shape[1]
        frames = n // HOP
        chunks = ops.reshape(ops.pad(samples, [[0, 0], [0, 3 * HOP]]), (batch, frames + 3, HOP))
        framed = ops.concatenate([chunks[:, 0:frames], chunks[:, 1:frames + 1],
                                  chunks[:, 2:frames + 2, :FRAME - 2 * HOP]], axis=-1)
        framed = ops.pad(framed * self.window, [[0, 0], [0, 0], [0, FFT - FRAME]])
        real, imaginary = ops.rfft(framed)
        power = ops.square(real) + ops.square(imaginary)
        # Zero times a live value: a constant matrix would be quantised to int8 with its input, and a power
        # spectrum has far more range than 8 bits hold.
        filters = ops.convert_to_tensor(self.filters) + 0.0 * ops.cast(length[0], 'float32')
        mel = ops.log(ops.matmul(power, filters) + self.settings['floor'])
        valid = ops.expand_dims(ops.arange(frames), 0) * HOP < ops.expand_dims(length, 1)
        valid = ops.cast(valid, 'float32')[..., None]
        count = ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1.0)
        mean = ops.sum(mel * valid, axis=1, keepdims=True) / count
        centred = (mel - mean) * valid
        deviation = ops.sqrt(ops.sum(ops.square(centred), axis=1, keepdims=True) / count + 0.01)
        return centred / deviation

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.settings}
