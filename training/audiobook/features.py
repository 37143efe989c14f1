"""16 kHz samples [n] in, cepstra [T, 13] and level [T] out; 20 ms apart, frame t centred on t * 20 ms + 10 ms.

Cepstra, not mel bands: what two voices differ in (pitch, tilt of the spectrum) goes with the mean that is taken
off and the high coefficients that are left out.
"""
import numpy as np
from scipy.fft import dct

SAMPLE_RATE = 16000  # Hz
HOP = 320  # samples, 20 ms
WINDOW = 512  # samples, 32 ms: a Hann window, one FFT
BANDS = 26  # mel bands, 100..7000 Hz
CEPSTRA = 13
FRAME_S = HOP / SAMPLE_RATE
BLOCK = 4096  # frames computed at a time


def _mel_filters():
    def mel(hz):
        return 2595 * np.log10(1 + hz / 700)
    edges = 700 * (10 ** (np.linspace(mel(100), mel(7000), BANDS + 2) / 2595) - 1)
    frequencies = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32).T  # [257, BANDS]


_FILTERS = _mel_filters()
_HANN = np.hanning(WINDOW).astype(np.float32)


def compute(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (cepstra float32 [T, 13], level float32 [T] in dB) of float32 [n]; T = n // 320."""
    frames = len(samples) // HOP
    cepstra, level = np.empty((frames, CEPSTRA), np.float32), np.empty(frames, np.float32)
    side = (WINDOW - HOP) // 2
    padded = np.pad(samples[:frames * HOP], side)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] if frames else None
    for begin in range(0, frames, BLOCK):
        part = windows[begin:begin + BLOCK]
        level[begin:begin + BLOCK] = 10 * np.log10(np.mean(part ** 2, axis=1) + 1e-10)
        spectrum = np.abs(np.fft.rfft(part * _HANN)) ** 2
        mel = np.log(spectrum.astype(np.float32) @ _FILTERS + 1e-7)
        cepstra[begin:begin + BLOCK] = dct(mel, type=2, axis=1, norm='ortho')[:, :CEPSTRA]
    return cepstra, level


def speech_frames(level: np.ndarray, margin_db: float = 9.0) -> np.ndarray:
    """Return which frames hold speech, bool [T], from their level in dB against the recording's own floor.

    The floor is the 10th percentile, the peak the 95th; the threshold lies `margin_db` above the floor, but no
    higher than half way (in dB) between them. Single frames are filled or dropped (median of five).
    """
    if not len(level):
        return np.zeros(0, bool)
    floor, peak = np.percentile(level, 10), np.percentile(level, 95)
    raw = level > floor + min(margin_db, 0.5 * (peak - floor))
    votes = np.convolve(raw, np.ones(5), 'same')
    return votes >= 3


def normalize(cepstra: np.ndarray, speech: np.ndarray) -> np.ndarray:
    """Return the cepstra with mean 0 and deviation 1 over the frames that hold speech, float32 [T, 13]."""
    chosen = cepstra[speech] if speech.sum() >= 20 else cepstra
    if not len(chosen):
        return cepstra
    return (cepstra - chosen.mean(axis=0)) / (chosen.std(axis=0) + 1e-3)


def deltas(features: np.ndarray, reach: int = 2) -> np.ndarray:
    """Return the slope of each column over 2 * reach + 1 frames, float32 [T, D]."""
    padded = np.pad(features, ((reach, reach), (0, 0)), mode='edge')
    total = sum(k * (padded[reach + k:len(padded) - reach + k] - padded[reach - k:len(padded) - reach - k])
                for k in range(1, reach + 1))
    return (total / (2 * sum(k * k for k in range(1, reach + 1)))).astype(np.float32)
