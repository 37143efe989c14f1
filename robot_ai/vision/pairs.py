r"""Symbols' probabilities and their tree in, one label each out, decided together: which symbol hangs on which.

The parser network gives each symbol its own probabilities; that a digit follows digits, or that n or \infty stands over
\sum, is a matter of pairs. Counts of (parent, relation, child) in training formulas give each pair's pointwise mutual
information, smoothed towards what the relation alone says, and dynamic programming over the tree finds the labels
whose sum of log-probabilities and weighted information is greatest.
"""
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError

CANDIDATES = 8  # labels considered a symbol
WEIGHT = 0.2  # of a pair's information; chosen on CROHME 2013
FILE = 'pairs.npz'  # in a model folder: 'counts' as Pairs takes them
SMOOTHING = 30.0  # a pair's counts weigh as much as the relation's where a parent has so many children


class Pairs:
    """What hangs on what: `counts` [relations, labels + 1, labels]; the last parent is the formula's beginning."""

    def __init__(self, counts: np.ndarray):
        counts = np.asarray(counts, np.float64)
        alone = counts.sum(axis=(0, 1)) + 1
        alone /= alone.sum()
        by_relation = counts.sum(axis=1)
        by_relation = (by_relation + 20 * alone) / (by_relation.sum(axis=1, keepdims=True) + 20)
        smoothed = (counts + SMOOTHING * by_relation[:, None]) / (counts.sum(axis=2, keepdims=True) + SMOOTHING)
        self.information = (WEIGHT * (np.log(smoothed) - np.log(alone))).astype(np.float32)

    @classmethod
    def read(cls, path: Path, labels: int) -> 'Pairs':
        """Read a file of counts for so many labels; ModelError where it is none."""
        try:
            with np.load(path) as arrays:
                counts = arrays['counts']
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f'{path}: no counts of pairs: {error}') from None
        if counts.ndim != 3 or counts.shape[1:] != (labels + 1, labels):
            raise ModelError(f'{path}: counts of shape {counts.shape}, expected [relations, {labels + 1}, {labels}]')
        return cls(counts)

    def decide(self, scores: np.ndarray, parents: Sequence[int], relations: Sequence[int]) -> tuple[np.ndarray, float]:
        """Return the symbols' probabilities beside their neighbours and the sum of log-probabilities and information.

        `scores` [n, labels]; `parents` [n] (-1: none), `relations` [n]: a tree, as parsing.best_tree returns it. Each
        row of the result [n, labels] takes its neighbours for what was decided; its greatest is the symbol's decision.
        """
        count, top = len(scores), min(CANDIDATES, scores.shape[1])
        candidates = np.argsort(-scores, axis=1)[:, :top]
        value = np.log(np.take_along_axis(scores, candidates, axis=1) + 1e-6)
        order = _children_first(parents)
        choice = [None] * count  # of each candidate of the parent: the best of this symbol
        for child in order:
            parent, relation = parents[child], relations[child]
            above = candidates[parent] if parent >= 0 else [len(self.information[0]) - 1]
            sums = self.information[relation][np.ix_(above, candidates[child])] + value[child]
            choice[child] = sums.argmax(axis=1)
            if parent >= 0:
                value[parent] += sums.max(axis=1)
            else:
                total = float(sums.max())
        chosen = np.zeros(count, int)
        for child in reversed(order):
            parent = parents[child]
            chosen[child] = choice[child][chosen[parent] if parent >= 0 else 0]
        return self._beside(scores, candidates[np.arange(count), chosen], parents, relations), total

    def _beside(self, scores, labels, parents, relations):
        """Return the probabilities [n, labels] of each symbol, its neighbours' labels given."""
        logs = np.log(scores + 1e-6)
        for child, (parent, relation) in enumerate(zip(parents, relations)):
            logs[child] += self.information[relation][labels[parent] if parent >= 0 else -1]
            if parent >= 0:
                logs[parent] += self.information[relation][:-1, labels[child]]
        out = np.exp(logs - logs.max(axis=1, keepdims=True))
        return out / out.sum(axis=1, keepdims=True)


def _children_first(parents):
    children = [[] for _ in parents]
    for child, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(child)
    order = [child for child, parent in enumerate(parents) if parent < 0]
    for node in order:  # grows while it is read
        order += children[node]
    return order[::-1]
