"""Cepstra and each frame's phoneme in, log posteriors of phonemes out: fitted to espeak-ng's voices or one reader.

Linear discriminant analysis over seven frames of cepstra: one shared covariance, one mean a phoneme, fitted in
one step from sums. For a reader, whose phonemes are a first guess, frames are judged by a classifier that was
fitted without their own part of the recording, so that a wrong guess does not confirm itself.
"""
import numpy as np

CONTEXT = 3  # frames on either side
FOLDS = 5  # parts a recording is dealt into
FOLD_FRAMES = 400  # a part's runs: 8 s
SHRINK = 0.1  # of the covariance towards its diagonal
PRIOR_FRAMES = 4.0  # the mean over all frames weighs as much in each phoneme's mean


def stack(cepstra: np.ndarray) -> np.ndarray:
    """Return each frame with its neighbours, float32 [T, 7 * 13]."""
    padded = np.pad(cepstra, ((CONTEXT, CONTEXT), (0, 0)), mode='edge')
    frames = len(cepstra)
    return np.concatenate([padded[k:k + frames] for k in range(2 * CONTEXT + 1)], axis=1)


class Sums:
    """What linear discriminant analysis needs to know of frames: counts, sums and products."""

    def __init__(self, frames: np.ndarray, labels: np.ndarray, classes: int):
        """Sum stacked frames [T, D] by their labels int [T]; -1 is none."""
        weights = np.ones(len(labels))
        chosen = labels >= 0
        x, y, w = frames[chosen].astype(np.float64), labels[chosen], weights[chosen].astype(np.float64)
        self.count = np.bincount(y, w, classes)
        self.sum = np.zeros((classes, frames.shape[1]))
        np.add.at(self.sum, y, x * w[:, None])
        self.product = (x * w[:, None]).T @ x

    def plus(self, other: 'Sums', weight: float = 1.0) -> 'Sums':
        """Return these sums with `weight` times the other's."""
        joined = object.__new__(Sums)
        for name in ('count', 'sum', 'product'):
            setattr(joined, name, getattr(self, name) + weight * getattr(other, name))
        return joined

    def classifier(self):
        """Return (weights [D, P], biases [P]) of the log posteriors."""
        total = self.count.sum()
        mean = self.sum.sum(axis=0) / total
        means = (self.sum + PRIOR_FRAMES * mean) / (self.count + PRIOR_FRAMES)[:, None]
        within = (self.product - (means * self.count[:, None]).T @ means) / total
        within = (1 - SHRINK) * within + SHRINK * np.diag(np.diag(within)) + 1e-3 * np.eye(len(mean))
        weights = np.linalg.solve(within, means.T)
        prior = np.log((self.count + 1) / (total + len(self.count)))
        return weights, prior - 0.5 * np.sum(means * weights.T, axis=1)


def log_posteriors(frames: np.ndarray, classifier: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return log posteriors float32 [T, P] of stacked frames [T, D]."""
    weights, biases = classifier
    scores = frames @ weights.astype(np.float32) + biases.astype(np.float32)
    scores -= scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def classify(frames: np.ndarray, labels: np.ndarray, start: Sums, start_share: float = 0.3) -> np.ndarray:
    """Return log posteriors float32 [T, P] of a reader's stacked frames [T, D].

    `labels` int [T] is the first guess, -1 for none. `start` are the sums of other voices, which weigh
    `start_share` of the reader's own frames.
    """
    classes = len(start.count)
    fold = (np.arange(len(frames)) // FOLD_FRAMES) % FOLDS
    parts = [Sums(frames[fold == k], labels[fold == k], classes) for k in range(FOLDS)]
    result = np.empty((len(frames), classes), np.float32)
    for k in range(FOLDS):
        others = [part for number, part in enumerate(parts) if number != k]
        known = sum(part.count.sum() for part in others)
        sums = start.plus(start, start_share * max(known, 500.0) / start.count.sum() - 1)
        for part in others:
            sums = sums.plus(part)
        result[fold == k] = log_posteriors(frames[fold == k], sums.classifier())
    return result
