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


def mel_matrix(mels: int, low_hz: float, high_hz: float, fft: int = FFT, scale: str = 'htk') -> np.ndarray:
    """Return triangular mel filters, float32 [fft // 2 + 1, mels].

    `scale` 'htk' gives each filter unit sum, 'slaney' (linear below 1 kHz) unit area in Hz, as Whisper has them.
    """
    to_mel, to_hz = SCALES[scale]
    edges = to_hz(np.linspace(to_mel(low_hz), to_mel(high_hz), mels + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, fft // 2 + 1)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rise, fall))
    if scale == 'slaney':
        return (filters * 2 / (edges[2:] - edges[:-2])).astype(np.float32)
    return (filters / np.maximum(filters.sum(axis=0), 1e-9)).astype(np.float32)


def htk_mel(hz):
    """Return HTK's mel of Hz, a NumPy array or a number."""
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def htk_hz(mel):
    """Return the Hz of HTK's mel."""
    return 700 * (10 ** (mel / 2595) - 1)


def _slaney_mel(hz):
    hz = np.asarray(hz, np.float64)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4))


def _slaney_hz(mel):
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))


SCALES = {'htk': (htk_mel, htk_hz), 'slaney': (_slaney_mel, _slaney_hz)}


def framed(samples, frames: int):
    """Cut float32 [B, n], n >= (frames + 3) * HOP, into [B, frames, FRAME], HOP apart."""
    batch = samples.shape[0] or -1
    chunks = ops.reshape(samples[:, :(frames + 3) * HOP], (batch, frames + 3, HOP))
    return ops.concatenate([chunks[:, 0:frames], chunks[:, 1:frames + 1],
                            chunks[:, 2:frames + 2, :FRAME - 2 * HOP]], axis=-1)


def unquantised(constant: np.ndarray, live):
    """Return a constant as a tensor that no converter quantises; `live` is a finite scalar of the input.

    Zero times a live value: a constant matrix would be quantised to int8 with its input, and a power spectrum
    has far more range than 8 bits hold.
    """
    return ops.convert_to_tensor(constant) + 0.0 * ops.cast(live, 'float32')


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
        frames = samples.shape[1] // HOP
        cut = framed(ops.pad(samples, [[0, 0], [0, 3 * HOP]]), frames)
        real, imaginary = ops.rfft(ops.pad(cut * self.window, [[0, 0], [0, 0], [0, FFT - FRAME]]))
        power = ops.square(real) + ops.square(imaginary)
        mel = ops.log(ops.matmul(power, unquantised(self.filters, length[0])) + self.settings['floor'])
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
