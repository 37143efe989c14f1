"""Pen strokes in, one symbol's trajectory out: float32 [64, 3], where the pen went in the order of writing.

The only definition of this step, for the trainer and for the canvas. A picture of ink forgets how it came to be; the
pen's path tells a 5 from an s, a u from a v and a 2 from a z better than their pictures do.
"""
import numpy as np

from robot_ai.vision.ink import Strokes, check_strokes

POINTS = 64  # of a trajectory, whatever it shows


def trajectory_of(strokes: Strokes) -> np.ndarray:
    """Return strokes (lists of (x, y), y down) resampled along their length: float32 [64, 3].

    Columns: x and y with the middle of the points' box at 0 and its longer side from -1 to 1, and 1 where a stroke
    begins. Each stroke has points by its length, at least one; of more than 64 strokes the longest count. All zeros for
    no ink. Raises ImageError as `ink.check_strokes` does.
    """
    arrays = [np.asarray(array, np.float64) for array in check_strokes(strokes)]
    out = np.zeros((POINTS, 3), np.float32)
    if not arrays:
        return out
    passed = [np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(array, axis=0).T))]) for array in arrays]
    lengths = np.array([length[-1] for length in passed])
    if len(arrays) > POINTS:
        kept = np.sort(np.argsort(-lengths, kind='stable')[:POINTS])
        arrays, passed, lengths = [arrays[n] for n in kept], [passed[n] for n in kept], lengths[kept]
    first = 0
    for array, length, count in zip(arrays, passed, _shares(lengths)):
        at = np.linspace(0, length[-1], count) if count > 1 else [length[-1] / 2]
        for axis in (0, 1):
            out[first:first + count, axis] = np.interp(at, length, array[:, axis])
        out[first, 2] = 1
        first += count
    out[:, :2] = fit(out[None, :, :2])[0]
    return out


def fit(points: np.ndarray) -> np.ndarray:
    """Return points float [n, any, 2] moved and scaled so that each row's box is centred, its longer side 2."""
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    longer = (high - low).max(axis=2, keepdims=True)
    return (points - (low + high) / 2) * (2 / np.where(longer > 0, longer, 1))


def _shares(lengths):
    """Return how many of the points each stroke has: int [strokes], summing to POINTS."""
    rest = POINTS - len(lengths)
    total = lengths.sum()
    wanted = rest * (lengths / total if total > 0 else np.full(len(lengths), 1 / len(lengths)))
    count = np.floor(wanted).astype(int)
    count[np.argsort(count - wanted, kind='stable')[:rest - count.sum()]] += 1  # the largest remainders
    return count + 1
