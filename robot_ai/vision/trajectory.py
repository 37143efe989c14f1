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
    arrays = check_strokes(strokes)
    out = np.zeros((POINTS, 3), np.float32)
    if not arrays:
        return out
    points = np.concatenate(arrays).astype(np.float64)
    ends = np.cumsum([len(array) for array in arrays]) - 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    step = np.zeros(len(points))
    step[1:] = np.hypot(*np.diff(points, axis=0).T)
    step[starts] = 1.0  # a gap between strokes, so that one length is one place
    passed = np.cumsum(step)
    lengths = passed[ends] - passed[starts]
    if len(arrays) > POINTS:
        kept = np.sort(np.argsort(-lengths, kind='stable')[:POINTS])
        starts, lengths = starts[kept], lengths[kept]
    count = _shares(lengths)
    first = np.cumsum(count) - count
    number = np.arange(POINTS) - np.repeat(first, count)  # of a point in its stroke
    part = np.where(np.repeat(count, count) > 1, number / np.repeat(np.maximum(count - 1, 1), count), 0.5)
    at = np.repeat(passed[starts], count) + part * np.repeat(lengths, count)
    for axis in (0, 1):
        out[:, axis] = np.interp(at, passed, points[:, axis])
    out[first, 2] = 1
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
