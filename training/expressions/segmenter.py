"""The segmenters: a group of strokes (geometry, the recogniser's scores) in, log-odds of being one symbol out.

Every candidate group of CROHME's training expressions is an example; the true ones are about a third. The same
network, trained anew, weighs sets of a picture's pieces of ink (robot_ai.vision.pieces): `cache_pictures`.
"""
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import PEN
from robot_ai.vision.pieces import candidates
from robot_ai.vision.segmentation import FEATURES, candidate_groups
from training.characters.data import read_lines
from training.expressions.pictures import SYMBOL_HEIGHT, is_one_symbol, symbol_points, truth_sets


def cache(folder: Path, recognizer: CharacterRecognizer, part: str, share: float, seed: int) -> dict[str, np.ndarray]:
    """Return 'features' float16 [groups, 18], 'scores' float16 [groups, classes], 'whole' uint8 of a part.

    `share`: of the expressions that are used.
    """
    rng = np.random.default_rng(seed)
    rows, started = {'features': [], 'scores': [], 'whole': []}, time.monotonic()
    for item in read_lines(folder / f'expressions-{part}.jsonl.xz'):
        if rng.random() >= share:
            continue
        strokes = [np.asarray(stroke, np.float32)[:, :2] for stroke in item['strokes']]
        groups = candidate_groups(strokes)
        pen = groups.pen * float(np.exp(rng.normal(0, 0.3)))
        scores = recognizer.drawn_scores([strokes[a:b] for a, b in groups.spans], pen)
        truth = {tuple(sorted(s['strokes'])) for s in item['symbols']}
        rows['features'].append(groups.features.astype(np.float16))
        rows['scores'].append(scores.astype(np.float16))
        rows['whole'].append(np.array([tuple(range(a, b)) in truth for a, b in groups.spans], np.uint8))
    print(f"{sum(map(len, rows['whole']))} groups of {part}: {time.monotonic() - started:.0f} s", flush=True)
    return {key: np.concatenate(value) for key, value in rows.items()}


def cache_pictures(folder: Path, recognizer: CharacterRecognizer, part: str, share: float,
                   seed: int) -> dict[str, np.ndarray]:
    """Return the same arrays for the candidates in a part's expressions, drawn with varied pens and sizes."""
    rng = np.random.default_rng(seed)
    rows, started = {'features': [], 'scores': [], 'whole': []}, time.monotonic()
    for item in read_lines(folder / f'expressions-{part}.jsonl.xz'):
        if rng.random() >= share:
            continue
        height, pen = SYMBOL_HEIGHT * np.exp(rng.uniform(-0.4, 0.5)), PEN * float(np.exp(rng.normal(0, 0.25)))
        pieces, truth = truth_sets(item, height, pen)
        if not pieces:
            continue
        read, points = candidates(recognizer, pieces), symbol_points(item, height)
        rows['features'].append(read.features.astype(np.float16))
        rows['scores'].append(read.scores.astype(np.float16))
        rows['whole'].append(np.array([members in truth for members in read.sets] + [
            is_one_symbol(side, points) for side in read.found[len(read.sets):]], np.uint8))
    print(f"{sum(map(len, rows['whole']))} sets of {part}: {time.monotonic() - started:.0f} s", flush=True)
    return {key: np.concatenate(value) for key, value in rows.items()}


def build(classes: int, width: int = 64, dropout: float = 0.1) -> keras.Model:
    """Return the network: {'features' [b, 18], 'scores' [b, classes]} -> log-odds [b, 1]."""
    features, scores = layers.Input((FEATURES,), name='features'), layers.Input((classes,), name='scores')
    best = ops.max(scores[:, 1:], axis=1, keepdims=True)
    sure = ops.concatenate([ops.log(best + 1e-4), ops.log(scores[:, :1] + 1e-4)], axis=1)
    x = layers.Concatenate()([layers.Dense(width, name='embed_scores')(ops.sqrt(scores + 1e-9)), sure, features])
    x = layers.Dense(width, activation='gelu', name='first')(x)
    x = layers.Dropout(dropout)(layers.Dense(width, activation='gelu', name='second')(x))
    return keras.Model({'features': features, 'scores': scores}, layers.Dense(1, name='log_odds')(x),
                       name='segmenter')


def loss_sums(model, batch, training):
    """Return sums over groups: 'loss' (binary cross-entropy), 'weight' and 'error'."""
    odds = model({'features': batch['features'], 'scores': batch['scores']}, training=training)[:, 0]
    whole = ops.cast(batch['whole'], 'float32')
    loss = ops.softplus(odds) - whole * odds
    wrong = ops.not_equal(odds > 0, whole > 0.5)
    return {'loss': ops.sum(loss), 'weight': ops.sum(ops.ones_like(odds)),
            'error': ops.sum(ops.cast(wrong, 'float32'))}


class Batches:
    """Batches of cached groups: `batch(step)`, a function of the step alone."""

    def __init__(self, path: Path, size: int, seed: int):
        self.rows, self.size, self.seed = dict(np.load(path)), size, seed

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        return self.take(rng.integers(len(self.rows['whole']), size=self.size))

    def take(self, chosen) -> dict[str, np.ndarray]:
        """Return the chosen groups."""
        return {'features': self.rows['features'][chosen].astype(np.float32),
                'scores': self.rows['scores'][chosen].astype(np.float32), 'whole': self.rows['whole'][chosen]}


class Validation:
    """Cross-entropy and error on the groups of 2013; keeps the best network as best.keras beside the cache."""

    def __init__(self, path: Path):
        self.batches, self.folder, self.best = Batches(path, 0, 0), Path(path).parent, np.inf

    def __call__(self, model) -> dict[str, float]:
        """Return 'error' and 'loss' (the one that is minimised)."""
        sums = loss_sums(model, self.batches.take(slice(None)), False)
        figures = {key: float(sums[key]) / float(sums['weight']) for key in ('error', 'loss')}
        if figures['loss'] < self.best:
            self.best = figures['loss']
            model.save(self.folder / 'best.keras')
        return figures
