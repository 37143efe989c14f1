"""Cached trajectories in, distorted training batches out: a batch is a function of its step alone.

Distortion is that of `augment.distort_strokes`, on the resampled points of a whole batch at once; in some samples the
order of the strokes or the direction of writing changes, as it does from hand to hand.
"""
import numpy as np

from robot_ai.vision.trajectory import fit
from training.characters.augment import ELASTIC, MAX_ROTATION

MAX_STROKES = 8  # that move on their own
REORDERED = 0.08  # share of the samples whose strokes change places; of as many others the pen's direction is turned


def distorted(trajectory: np.ndarray, rng: np.random.Generator, strength: np.ndarray) -> np.ndarray:
    """Return trajectories float32 [n, 64, 3] turned, sheared, stretched and bent, their strokes shifted.

    `strength` [n]: 1 as `augment.distort_strokes`, 0 not at all. A dot stays one.
    """
    count = len(trajectory)
    points, begins = trajectory[..., :2], trajectory[..., 2:]
    angle = np.clip(rng.normal(0, 0.1 * strength, count), -MAX_ROTATION, MAX_ROTATION)
    shear, stretch = rng.normal(0, 0.12 * strength, count), np.exp(rng.normal(0, 0.12 * strength, count))
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(count)
    matrix = (np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
              @ np.array([[stretch, shear], [zero, 1 / stretch]]).transpose(2, 0, 1))
    # Two waves an axis, one along it and one across; the longer side is 2.
    height = ELASTIC * strength[:, None] * rng.normal(0, 1, (2, 2, count, 1))
    frequency, phase = rng.uniform(0.5, 1.6, (2, 2, count, 1)) * np.pi, rng.uniform(0, 2 * np.pi, (2, 2, count, 1))
    bend = np.stack([sum(height[axis, k] * np.sin(frequency[axis, k] * points[..., 1 - axis if k == 0 else axis]
                                                  + phase[axis, k]) for k in (0, 1)) for axis in (0, 1)], axis=-1)
    moved = (points + bend) @ matrix.transpose(0, 2, 1)
    stroke = np.minimum(begins[..., 0].cumsum(axis=1).astype(int) - 1, MAX_STROKES - 1)
    strength = strength[:, None, None]
    shift = 0.024 * strength * rng.normal(0, 1, (count, MAX_STROKES, 2))
    moved = moved + np.take_along_axis(shift, np.maximum(stroke, 0)[..., None], axis=1)
    moved = moved + 0.006 * strength * rng.normal(0, 1, moved.shape)  # a digitiser's grain
    moved[np.ptp(points, axis=1).max(axis=1) == 0] = 0
    return np.concatenate([fit(moved), begins], axis=2).astype(np.float32)


def reordered(trajectory: np.ndarray, rng: np.random.Generator, share: float = REORDERED) -> np.ndarray:
    """Return trajectories float32 [n, 64, 3] some of whose strokes changed places or direction."""
    out, how = trajectory.copy(), rng.random(len(trajectory))
    for row in np.flatnonzero(how < 2 * share):
        strokes = np.split(trajectory[row], np.flatnonzero(trajectory[row, 1:, 2]) + 1)
        if how[row] < share:
            strokes = [strokes[n] for n in rng.permutation(len(strokes))]
        else:
            strokes = [np.concatenate([s[::-1, :2], s[:, 2:]], axis=1) for s in strokes]
        out[row] = np.concatenate(strokes)
    return out


class Batches:
    """Draws samples by source and class: `batch(step)` -> {'trajectory' float32 [B, 64, 3], 'label', 'wide'}."""

    def __init__(self, cache, size: int, shares: dict, balance: float, seed: int, strength: float):
        """`cache`: training.characters.batches.Cache. See batches.Batches; MNIST has no strokes and is left out."""
        self.cache, self.size, self.seed, self.strength = cache, size, seed, strength
        self.cumulative = cache.cumulative({**shares, 'mnist': 0.0}, balance)

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        rows = self.cache.draw(self.cumulative, self.size, rng)
        path = reordered(self.cache.trajectory[rows].astype(np.float32), rng)
        strength = self.strength * rng.choice([0.3, 1.0], self.size)
        return {'trajectory': distorted(path, rng, strength),
                'label': self.cache.label[rows], 'wide': self.cache.wide[rows]}
