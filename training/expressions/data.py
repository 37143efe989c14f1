"""CROHME's training expressions in, a cache of symbols' scores, boxes and trees out; batches for the parser.

The scores are the shipped character model's own, on distorted drawings of each symbol, so that the parser learns
what the recogniser confuses. One row is one expression, padded to MAX_SYMBOLS.
"""
import time
from pathlib import Path

import numpy as np

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import PEN, normalize_symbol, render_strokes
from robot_ai.vision.layout import typical_size
from robot_ai.vision.parsing import normalized_boxes
from training.characters.augment import camera, distort_strokes
from training.characters.data import read_lines
from training.expressions.trees import tree_of

MAX_SYMBOLS = 32  # training expressions with more (1 %) are left out
ROOT_INDEX = MAX_SYMBOLS


def cache(folder: Path, recognizer: CharacterRecognizer, part: str, variants: int, seed: int) -> dict[str, np.ndarray]:
    """Return the arrays of `variants` distorted views of each expression of a part ('train', 'validation-2013').

    'scores' float16 [rows, 32, classes], 'boxes' float32 [rows, 32, 4], 'label', 'parent', 'relation' int16
    [rows, 32], 'count' int16 [rows]. One view without distortion where `variants` is 0.
    """
    rng = np.random.default_rng(seed)
    index = {label: number for number, label in enumerate(recognizer.labels)}
    rows, started = [], time.monotonic()
    items = [(item, tree_of(item)) for item in read_lines(folder / f'expressions-{part}.jsonl.xz')]
    items = [(item, tree) for item, tree in items if tree and len(tree.labels) <= MAX_SYMBOLS
             and all(label in index for label in tree.labels)]
    print(f'{len(items)} expressions of {part}', flush=True)
    for variant in range(max(1, variants)):
        for item, tree in items:
            rows.append(_row(item, tree, recognizer, index, rng if variants else None))
        print(f'variant {variant}: {time.monotonic() - started:.0f} s', flush=True)
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def _row(item, tree, recognizer, index, rng):
    strokes = [np.asarray(stroke, np.float32)[:, :2] for stroke in item['strokes']]
    boxes = tree.boxes
    pen = PEN * typical_size(boxes)
    if rng is not None:
        strokes = _skewed(strokes, rng)
        boxes = np.array([_bounds([strokes[i] for i in mine]) for mine in tree.strokes])
        pen = typical_size(boxes) * float(np.clip(np.exp(rng.normal(np.log(PEN), 0.3)), 0.025, 0.12))
    inks = []
    for mine in tree.strokes:
        lines = [strokes[i] for i in mine]
        picture = render_strokes(lines if rng is None else distort_strokes(lines, rng, 0.6), pen)
        inks.append(normalize_symbol(camera(picture, rng) if rng is not None and rng.random() < 0.25 else picture))
    scores, _ = recognizer.scores(inks)
    count = len(inks)
    row = {'scores': np.zeros((MAX_SYMBOLS, scores.shape[1]), np.float16),
           'boxes': np.zeros((MAX_SYMBOLS, 4), np.float32), 'count': np.int16(count),
           **{key: np.zeros(MAX_SYMBOLS, np.int16) for key in ('label', 'parent', 'relation')}}
    row['scores'][:count], row['boxes'][:count] = scores, normalized_boxes(boxes)
    row['label'][:count] = [index[label] for label in tree.labels]
    row['parent'][:count] = [ROOT_INDEX if p < 0 else p for p in tree.parents]
    row['relation'][:count] = tree.relations
    return row


def _skewed(strokes, rng):
    """Turn, stretch and shear a whole expression a little, and write each stroke a little elsewhere."""
    angle, stretch, shear = rng.normal(0, 0.03), np.exp(rng.normal(0, 0.1)), rng.normal(0, 0.05)
    matrix = np.array([[np.cos(angle) * stretch, shear - np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    return [stroke @ matrix.T for stroke in strokes]


def _bounds(lines):
    points = np.concatenate(lines)
    return [*points.min(axis=0), *points.max(axis=0)]


class Batches:
    """Batches of cached rows: `batch(step)`, a function of the step alone."""

    def __init__(self, path: Path, size: int, seed: int, jitter: float = 0.03):
        """`jitter`: of the boxes' edges, in typical sizes."""
        self.rows, self.size, self.seed, self.jitter = dict(np.load(path)), size, seed, jitter
        self.small = np.flatnonzero(self.rows['count'] <= MAX_SYMBOLS // 2)
        self.large = np.flatnonzero(self.rows['count'] > MAX_SYMBOLS // 2)

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return a batch of short expressions (padded to 16) or, one time in four, of long ones (32)."""
        rng = np.random.default_rng([self.seed, step])
        long = rng.random() < 0.25 and len(self.large)
        chosen = rng.choice(self.large if long else self.small, self.size // (4 if long else 1))
        return prepared(self.rows, chosen, MAX_SYMBOLS if long else MAX_SYMBOLS // 2, rng, self.jitter)


def prepared(rows: dict, chosen: np.ndarray, width: int, rng=None, jitter: float = 0.0) -> dict[str, np.ndarray]:
    """Return the chosen rows cut to `width` symbols, as the network's inputs and targets."""
    boxes = rows['boxes'][chosen, :width].copy()
    scores = rows['scores'][chosen, :width].astype(np.float32)
    if rng is not None:
        boxes += rng.normal(0, jitter, boxes.shape).astype(np.float32)
        boxes *= np.exp(rng.normal(0, 0.08, (len(chosen), 1, 1))).astype(np.float32)
        scores = scores ** np.exp(rng.normal(0, 0.25, (len(chosen), 1, 1))).astype(np.float32)
        scores /= scores.sum(axis=-1, keepdims=True) + 1e-9
    count = rows['count'][chosen].astype(np.int32)
    mask = (np.arange(width)[None] < count[:, None]).astype(np.float32)
    parent = rows['parent'][chosen, :width].astype(np.int32)
    parent = np.where(parent == ROOT_INDEX, width, parent)
    return {'scores': scores * mask[..., None], 'boxes': boxes * mask[..., None], 'mask': mask,
            'label': rows['label'][chosen, :width].astype(np.int32), 'parent': parent.astype(np.int32),
            'relation': rows['relation'][chosen, :width].astype(np.int32)}
