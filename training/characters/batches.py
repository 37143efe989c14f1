"""Cached drawings in, training batches out: a batch is a function of its step alone, so runs resume exactly."""
import json
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.vision.ink import SIZE


class Cache:
    """What `training.characters.prepare` wrote: drawings, labels, sources."""

    def __init__(self, folder: Path):
        """Open the folder; ConfigurationError where it is no finished cache."""
        folder = Path(folder).expanduser()
        if not (folder / 'validation.npz').is_file() or not list(folder.glob('variant_*.npy')):
            raise ConfigurationError(f'{folder}: no cache; make it with python -m training.characters.prepare')
        facts = json.loads((folder / 'facts.json').read_text())
        self.labels, self.sources, self.facts = facts['labels'], facts['sources'], facts
        index = np.load(folder / 'index.npz')
        self.label, self.source = index['label'], index['source']
        self.variants = [np.load(path, mmap_mode='r') for path in sorted(folder.glob('variant_*.npy'))]
        self.validation = dict(np.load(folder / 'validation.npz'))


class Batches:
    """Draws samples by source and class: `batch(step)` -> {'ink' uint8 [B, 32, 32], 'label' int32 [B]}."""

    def __init__(self, cache: Cache, size: int, shares: dict, balance: float, seed: int):
        """`shares`: source -> how often; `balance`: 0 draws classes by count, 1 all alike."""
        self.cache, self.size, self.seed = cache, size, seed
        weights = np.zeros(len(cache.label))
        for number, source in enumerate(cache.sources):
            mine = cache.source == number
            counts = np.bincount(cache.label[mine], minlength=len(cache.labels)).astype(float)
            weight = counts[cache.label[mine]] ** -balance
            weights[mine] = shares.get(source, 0.0) * weight / weight.sum()
        self.cumulative = np.cumsum(weights / weights.sum())

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        rows = np.searchsorted(self.cumulative, rng.random(self.size)).clip(max=len(self.cumulative) - 1)
        variants = rng.integers(len(self.cache.variants), size=self.size)
        ink = np.empty((self.size, SIZE, SIZE), np.uint8)
        for place, (row, variant) in enumerate(zip(rows, variants)):
            ink[place] = self.cache.variants[variant][row]
        return {'ink': ink, 'label': self.cache.label[rows]}
