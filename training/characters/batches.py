"""Cached drawings in, training batches out: a batch is a function of its step alone, so runs resume exactly.

A cached drawing is seen some times in a run, so each time it is turned, stretched and bent a little more: at
32 x 32 that costs 20 microseconds, a hundredth of the network's step.
"""
import json
from pathlib import Path

import cv2
import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.vision.ink import SIZE

FIELDS = 64  # smooth random displacements to choose from


class Cache:
    """What `training.characters.prepare` wrote: drawings, labels, sources."""

    def __init__(self, folder: Path):
        """Open the folder; ConfigurationError where it is no finished cache."""
        folder = Path(folder).expanduser()
        if not (folder / 'validation.npz').is_file() or not list(folder.glob('variant_*.npy')):
            raise ConfigurationError(f'{folder}: no cache; make it with python -m training.characters.prepare')
        self.folder = folder
        facts = json.loads((folder / 'facts.json').read_text())
        self.labels, self.sources, self.facts = facts['labels'], facts['sources'], facts
        index = np.load(folder / 'index.npz')
        if 'wide' not in index:
            raise ConfigurationError(f'{folder}: a cache of an earlier version; make it anew')
        self.wide_labels = facts['wide']  # of the second output
        self.label, self.wide, self.source = index['label'], index['wide'], index['source']
        names = sorted(path.name for path in folder.glob('variant_*.npy'))
        self.variants = [np.load(folder / name, mmap_mode='r') for name in names]
        self.plain = names.index('variant_plain.npy') if 'variant_plain.npy' in names else None  # which of them
        self.validation = dict(np.load(folder / 'validation.npz'))
        path = folder / 'trajectory.npy'
        self.trajectory = np.load(path, mmap_mode='r') if path.is_file() else None  # float16 [samples, 64, 3]

    def __reduce__(self):
        """Be opened anew in another process, which shares the mapped drawings."""
        return Cache, (self.folder,)

    def validates(self, source: str) -> np.ndarray:
        """Return which validation rows are of a source: bool [rows]."""
        return self.validation['source'] == self.sources.index(source)

    def cumulative(self, shares: dict, balance: float) -> np.ndarray:
        """Return the cumulative probabilities of the samples; see Batches."""
        weights = np.zeros(len(self.label))
        for number, source in enumerate(self.sources):
            mine = self.source == number
            classes = (self.wide if source == 'detexify' else self.label)[mine]
            weight = np.bincount(classes).astype(float)[classes] ** -balance
            weights[mine] = shares.get(source, 0.0) * weight / weight.sum()
        return np.cumsum(weights / weights.sum())

    @staticmethod
    def draw(cumulative: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return the numbers of `count` samples drawn by their cumulative probabilities."""
        return np.searchsorted(cumulative, rng.random(count)).clip(max=len(cumulative) - 1)


class Batches:
    """Draws samples by source and class: `batch(step)` -> {'ink' uint8 [B, 32, 32], 'label', 'wide' int32 [B]}.

    'label' or 'wide' is -1 where a sample has no class of that output.
    """

    def __init__(self, cache: Cache, size: int, shares: dict, balance: float, seed: int, distortion: float = 0.0,
                 plain: tuple[float, float] | None = None, steps: int = 0):
        """`shares`: source -> how often; `balance`: 0 draws classes by count, 1 all alike; `distortion`: see `bent`.

        `plain`: share of undistorted drawings in the first step and in the last of `steps`; None: as large as that of
        each other view.
        """
        self.cache, self.size, self.seed, self.distortion = cache, size, seed, distortion
        self.plain, self.steps = plain, steps
        if plain and (cache.plain is None or len(cache.variants) < 2):
            raise ConfigurationError(f'{cache.folder}: PLAIN needs distorted views and the undistorted one; make them '
                                     'with python -m training.characters.prepare --undistorted')
        self.cumulative = cache.cumulative(shares, balance)
        coarse = np.random.default_rng(seed).normal(0, 1, (FIELDS, 5, 5, 2)).astype(np.float32)
        self.fields = np.stack([cv2.resize(field, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for field in coarse])

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        rows = self.cache.draw(self.cumulative, self.size, rng)
        variants = rng.choice(len(self.cache.variants), self.size, p=self._views(step))
        ink = np.empty((self.size, SIZE, SIZE), np.uint8)
        for place, (row, variant) in enumerate(zip(rows, variants)):
            ink[place] = self.cache.variants[variant][row]
        if self.distortion:
            ink = bent(ink, self.fields, rng, self.distortion)
        return {'ink': ink, 'label': self.cache.label[rows], 'wide': self.cache.wide[rows]}

    def _views(self, step):
        count = len(self.cache.variants)
        if not self.plain:
            return np.full(count, 1 / count)
        share = float(np.interp(step, (0, self.steps), self.plain))
        return np.where(np.arange(count) == self.cache.plain, share, (1 - share) / (count - 1))


def bent(ink: np.ndarray, fields: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return inks uint8 [n, 32, 32] turned, sheared, stretched, shifted and bent at random.

    `strength` 1: 0.1 rad, 8 %, 0.7 px and 0.6 px of standard deviation. `fields`: [any, 32, 32, 2].
    """
    count = len(ink)
    matrix = np.eye(2) + strength * rng.normal(0, 0.08, (count, 2, 2))
    turn = strength * rng.normal(0, 0.1, count)
    matrix = matrix @ np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], -1).reshape(-1, 2, 2)
    shift = strength * rng.normal(0, 0.7, (count, 1, 1, 2)) + (SIZE - 1) / 2
    axis = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
    base = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)  # [h * w, (x, y)]
    maps = base @ matrix.astype(np.float32).transpose(0, 2, 1)  # float32 throughout: a fifth of the time
    maps = maps.reshape(count, SIZE, SIZE, 2) + shift.astype(np.float32)
    maps += np.float32(0.6 * strength) * fields[rng.integers(len(fields), size=count)]
    out = np.empty_like(ink)
    for place in range(count):
        cv2.remap(ink[place], maps[place], None, cv2.INTER_LINEAR, dst=out[place])
    return out
