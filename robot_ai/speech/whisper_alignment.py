"""Where each token was heard: cross-attention scores [A heads, N tokens, T frames] in, frame borders out.

As OpenAI's `timing.py`: softmax over the frames, each head's weights made comparable, a median over time, the mean
over heads, then the cheapest monotonic path (dynamic time warping).
"""
import numpy as np

MEDIAN_FRAMES = 7


def token_frames(scores: np.ndarray, frames: int) -> np.ndarray:
    """Return int [N + 1]: the frame at which each token begins, then the end; `frames` of T hold sound.

    Row i of `scores` belongs to the step that gave token i; a last row, of the end, is part of N.
    """
    scores = scores[:, :, :max(1, frames)].astype(np.float64)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    spread = weights.std(axis=1, keepdims=True)
    weights = (weights - weights.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    rows, columns = warp(-median(weights, MEDIAN_FRAMES).mean(axis=0))
    jumps = np.diff(rows, prepend=-1) > 0
    return np.append(columns[jumps], columns[-1])


def median(x: np.ndarray, width: int) -> np.ndarray:
    """Return the running median over the last axis, its ends reflected; x as it is where it is too short."""
    side = width // 2
    if x.shape[-1] <= side:
        return x
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(side, side)], mode='reflect')
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width, axis=-1), axis=-1)


def warp(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the cheapest path through cost [N, T] from corner to corner.

    Steps go down, right, or both; by anti-diagonals, so that NumPy does the work.
    """
    n, t = cost.shape
    total = np.full((n + 1, t + 1), np.inf)
    total[0, 0] = 0.0
    for d in range(2, n + t + 1):
        i = np.arange(max(1, d - t), min(n, d - 1) + 1)
        j = d - i
        total[i, j] = cost[i - 1, j - 1] + np.minimum(total[i - 1, j - 1],
                                                      np.minimum(total[i - 1, j], total[i, j - 1]))
    i, j, path = n, t, []
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        diagonal, up, left = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
        if diagonal < up and diagonal < left:
            i, j = i - 1, j - 1
        elif up < diagonal and up < left:
            i -= 1
        else:
            j -= 1
    path = np.array(path[::-1])
    return path[:, 0], path[:, 1]
