"""The letters that a speech model hears in a recording, as features for the classifiers of `dtw`.

A CTC model gives a letter as a spike somewhere within it, blanks around it: five frames (200 ms) are shown
together, and linear discriminant analysis finds what they tell of the phoneme in the middle.
"""
import numpy as np

from training.audiobook import features
from training.audiobook.ctc import CtcAligner

REACH = 2  # frames of the model on either side
FLOOR = 0.02  # probabilities below it are alike
PLAIN = dict(zip('áéíóúü', 'aeiouu'))  # espeak-ng's phonemes tell the accent by another sign


class Letters:
    """Listens with one model; call it with samples."""

    def __init__(self, model: str = '', recognizer=None):
        """Load the model in folder `model` (empty: the one shipped), or take an open `recognizer`."""
        self._aligner = CtcAligner(model, recognizer)
        labels = self._aligner.labels
        names = sorted({PLAIN.get(label, label) for label in labels})
        self._merge = np.zeros((len(labels), len(names)), np.float32)
        for label, index in labels.items():
            self._merge[index, names.index(PLAIN.get(label, label))] = 1

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return float32 [n // 320, H] of float32 [n] at 16 kHz: logarithms of the letters' probabilities, from 0."""
        log_probs, frames = self._aligner.listen(samples), len(samples) // features.HOP
        heard = np.log1p(np.exp(log_probs) @ self._merge / FLOOR)
        padded = np.pad(heard, ((REACH, REACH), (0, 0)), mode='edge')
        middle = (np.arange(frames) + 0.5) * features.FRAME_S / self._aligner.frame_s
        middle = np.minimum(middle.astype(int), len(heard) - 1)
        return np.concatenate([padded[middle + k] for k in range(2 * REACH + 1)], axis=1).astype(np.float32)
