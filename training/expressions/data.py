"""CROHME's training expressions in, a cache of symbols' scores, boxes and trees out; batches for the parser.

The scores are the shipped character model's own, on the distorted drawings that it was trained with, so that the
parser learns what the recogniser confuses. One row is one expression, padded to MAX_SYMBOLS.
"""
import time
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import PEN, ink_of_strokes
from robot_ai.vision.layout import typical_size
from robot_ai.vision.parsing import normalized_boxes
from training.characters.data import read_lines
from training.expressions.trees import tree_of

MAX_SYMBOLS = 32  # training expressions with more (1 %) are left out
ROOT_INDEX = MAX_SYMBOLS
VIEWS = 2  # drawings of each symbol that are scored: a minute each
# Labels with the same place on the line: in any formula one can stand for another.
ALIKE_IN_PLACE = ('23456789', 'acemnrsuvwxz', 'bdhkt', 'gpqy', 'ABCDEFGHKLMNPQRSTUVXYZ')


def cache(folder: Path, recognizer: CharacterRecognizer, part: str, drawings=None) -> dict[str, np.ndarray]:
    """Return the arrays of a part's expressions ('train', 'validation-2013').

    `drawings`: the character model's training cache (training.characters.batches.Cache), whose first variants are
    then scored, one view of each expression a variant; without it each symbol is drawn once as it is (for validation).
    'scores' float16 [rows, 32, classes], 'boxes' float32 [rows, 32, 4], 'label', 'parent', 'relation' int16
    [rows, 32], 'count' int16 [rows]; 'labels' [classes], their names.
    """
    index = {label: number for number, label in enumerate(recognizer.labels)}
    rows, started, first = [], time.monotonic(), 0
    owned = np.flatnonzero(drawings.source == drawings.sources.index('crohme')) if drawings else None
    for item in read_lines(folder / f'expressions-{part}.jsonl.xz'):
        symbols = [s for s in item['symbols'] if s['strokes']]  # the order of the drawings
        mine = range(first, first + len(symbols))
        first += len(symbols)
        tree = tree_of(item)
        if not tree or len(tree.labels) > MAX_SYMBOLS or not all(label in index for label in tree.labels):
            continue
        if drawings:
            place = {tuple(sorted(s['strokes'])): owned[n] for s, n in zip(symbols, mine)}
            at = [place[tuple(strokes)] for strokes in tree.strokes]
            views = [np.stack([variant[n] for n in at]) for variant in drawings.variants[:VIEWS]]
        else:
            pen = PEN * typical_size(tree.boxes)
            views = [[ink_of_strokes([item['strokes'][i] for i in strokes], pen) for strokes in tree.strokes]]
        rows += [_row(tree, recognizer.scores(view)[0], index) for view in views]
    print(f'{len(rows)} views of expressions of {part}: {time.monotonic() - started:.0f} s', flush=True)
    return {**{key: np.stack([row[key] for row in rows]) for key in rows[0]}, 'labels': np.array(recognizer.labels)}


def _row(tree, scores, index):
    count = len(scores)
    row = {'scores': np.zeros((MAX_SYMBOLS, scores.shape[1]), np.float16),
           'boxes': np.zeros((MAX_SYMBOLS, 4), np.float32), 'count': np.int16(count),
           **{key: np.zeros(MAX_SYMBOLS, np.int16) for key in ('label', 'parent', 'relation')}}
    row['scores'][:count], row['boxes'][:count] = scores, normalized_boxes(tree.boxes)
    row['label'][:count] = [index[label] for label in tree.labels]
    row['parent'][:count] = [ROOT_INDEX if p < 0 else p for p in tree.parents]
    row['relation'][:count] = tree.relations
    return row


class Batches:
    """Batches of cached rows: `batch(step)`, a function of the step alone.

    9,000 formulas are few: a network soon knows them by heart. Two changes make more of them. Renaming: in a share
    `renamed` of the formulas, letters and digits of ALIKE_IN_PLACE's groups change places, all of a name alike, with
    the scores of symbols of the new name. Exchange: in half of the formulas a share `exchanged` of the symbols is
    scored as another symbol of that name was, so that they do not always come with the same mistakes of the recogniser.
    """

    def __init__(self, path: Path, size: int, seed: int, jitter: float = 0.03, renamed: float = 0.0,
                 exchanged: float = 0.0):
        """`jitter`: of the boxes' edges, in typical sizes. ConfigurationError where `path` is of an earlier version."""
        self.rows, self.size, self.seed, self.jitter = dict(np.load(path)), size, seed, jitter
        if 'labels' not in self.rows:
            raise ConfigurationError(f'{path}: a cache of an earlier version; make it anew with --prepare')
        self.renamed, self.exchanged = renamed, exchanged
        labels = self.rows.pop('labels').tolist()
        self.small = np.flatnonzero(self.rows['count'] <= MAX_SYMBOLS // 2)
        self.large = np.flatnonzero(self.rows['count'] > MAX_SYMBOLS // 2)
        # Every symbol's place, those of one label side by side.
        at = np.flatnonzero(np.arange(MAX_SYMBOLS)[None] < self.rows['count'][:, None])
        label = self.rows['label'].reshape(-1)[at]
        self.written, self.amount = at[np.argsort(label, kind='stable')], np.bincount(label, minlength=len(labels))
        groups = [np.array([labels.index(name) for name in group if name in labels], int) for group in ALIKE_IN_PLACE]
        self.groups = [group[self.amount[group] > 0] for group in groups]

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return a batch of short expressions (padded to 16) or, one time in four, of long ones (32)."""
        rng = np.random.default_rng([self.seed, step])
        long = rng.random() < 0.25 and len(self.large)
        chosen = rng.choice(self.large if long else self.small, self.size // (4 if long else 1))
        width = MAX_SYMBOLS if long else MAX_SYMBOLS // 2
        return prepared(self.changed(chosen, rng), np.arange(len(chosen)), width, rng, self.jitter)

    def changed(self, chosen: np.ndarray, rng) -> dict[str, np.ndarray]:
        """Return copies of the chosen rows, renamed and exchanged; see the class."""
        rows = {key: array[chosen] for key, array in self.rows.items()}
        inked = np.arange(MAX_SYMBOLS)[None] < rows['count'][:, None]
        other = inked & (rng.random((len(chosen), 1)) < 0.5) & (rng.random((len(chosen), MAX_SYMBOLS)) < self.exchanged)
        names = np.tile(np.arange(len(self.amount)), (len(chosen), 1))
        for row in np.flatnonzero(rng.random(len(chosen)) < self.renamed):
            for group in self.groups:
                if rng.random() < 0.5:
                    names[row, group] = rng.permutation(group)
        label = np.where(inked, np.take_along_axis(names, rows['label'].astype(int), axis=1), rows['label'])
        other |= label != rows['label']
        rows['label'] = label
        label = label[other]
        first = np.cumsum(self.amount) - self.amount
        place = self.written[first[label] + (rng.random(len(label)) * self.amount[label]).astype(int)]
        rows['scores'][other] = self.rows['scores'].reshape(-1, self.rows['scores'].shape[-1])[place]
        return rows


def prepared(rows: dict, chosen: np.ndarray, width: int, rng=None, jitter: float = 0.0) -> dict[str, np.ndarray]:
    """Return the chosen rows cut to `width` symbols, as the network's inputs and targets."""
    boxes = rows['boxes'][chosen, :width].copy()
    scores = rows['scores'][chosen, :width].astype(np.float32)
    if rng is not None:
        boxes += rng.normal(0, jitter, boxes.shape).astype(np.float32)
        boxes *= np.exp(rng.normal(0, 0.08, (len(chosen), 1, 1))).astype(np.float32)
        boxes[..., ::2] *= np.exp(rng.normal(0, 0.1, (len(chosen), 1, 1))).astype(np.float32)  # wide or narrow hands
        slope = rng.normal(0, 0.03, (len(chosen), 1)).astype(np.float32)  # rising or falling lines
        boxes[..., 1::2] += (slope * (boxes[..., 0] + boxes[..., 2]) / 2)[..., None]
        scores = scores ** np.exp(rng.normal(0, 0.25, (len(chosen), 1, 1))).astype(np.float32)
        scores /= scores.sum(axis=-1, keepdims=True) + 1e-9
    count = rows['count'][chosen].astype(np.int32)
    mask = (np.arange(width)[None] < count[:, None]).astype(np.float32)
    parent = rows['parent'][chosen, :width].astype(np.int32)
    parent = np.where(parent == ROOT_INDEX, width, parent)
    return {'scores': scores * mask[..., None], 'boxes': boxes * mask[..., None], 'mask': mask,
            'label': rows['label'][chosen, :width].astype(np.int32), 'parent': parent.astype(np.int32),
            'relation': rows['relation'][chosen, :width].astype(np.int32)}
