"""A formula's ink by symbols with its layout tree, and more formulas made of it: parts cut out, symbols exchanged.

A run of symbols on one line with all that hangs on them is a formula of its own, with exact LaTeX and real ink. An
exchanged symbol is another training sample of the same label, or of a label of the same shape (digits for digits,
tall letters for tall ones), fitted into the box of the one it replaces.
"""
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot_ai.vision.latex_tree import normal_form
from robot_ai.vision.layout import ASCENDING, BARS, DESCENDING, RELATIONS
from robot_ai.vision.parsing import to_nodes
from training.characters.data import read_lines
from training.expressions.image_tokens import linear, to_latex
from training.expressions.trees import ROOT, tree_of

RIGHT = RELATIONS.index('right')


@dataclass
class Formula:
    """Symbols: labels, strokes (float32 [points, 2], any unit), each one's parent and its relation to it."""

    labels: list[str]
    ink: list[list[np.ndarray]]
    parents: list[int]
    relations: list[int]

    def boxes(self) -> np.ndarray:
        """Return each symbol's left, top, right, bottom: float32 [n, 4]."""
        joined = [np.concatenate(strokes) for strokes in self.ink]
        return np.array([[*points.min(axis=0), *points.max(axis=0)] for points in joined], np.float32)

    def tokens(self) -> tuple[list[str], list[int]]:
        """Return the tokens of image_tokens.linear and the index of each one's symbol."""
        boxes = np.zeros((len(self.labels), 4))
        boxes[:, 0] = np.arange(len(boxes))  # tells a node's symbol
        pairs = list(linear(to_nodes(self.labels, boxes, self.parents, self.relations)))
        return [token for token, _ in pairs], [int(node.box[0]) for _, node in pairs]


def formulas(folder: Path, part: str) -> Iterator[tuple[Formula, dict]]:
    """Yield (formula, object) of a part's expressions; left out where LaTeX and symbols do not agree (2 %)."""
    for item in read_lines(folder / f'expressions-{part}.jsonl.xz'):
        tree = tree_of(item)
        if tree is None:
            continue
        ink = [[np.asarray(item['strokes'][i], np.float32)[:, :2] for i in strokes] for strokes in tree.strokes]
        formula = Formula(tree.labels, ink, tree.parents, tree.relations)
        if tuple(to_latex(formula.tokens()[0]).split()) == normal_form(item['latex']):
            yield formula, item


def write(path: Path, sources: list[Formula]) -> None:
    """Write formulas as JSON lines."""
    with open(path, 'w', encoding='utf-8') as stream:
        for f in sources:
            ink = [[stroke.tolist() for stroke in strokes] for strokes in f.ink]
            stream.write(json.dumps([f.labels, ink, f.parents, f.relations]) + '\n')


def read(path: Path) -> list[Formula]:
    """Return the formulas that `write` wrote."""
    return [Formula(labels, [[np.asarray(stroke, np.float32) for stroke in strokes] for strokes in ink], *tree)
            for labels, ink, *tree in read_lines(path)]


def cut(formula: Formula, rng: np.random.Generator) -> Formula:
    """Return a random run of symbols that stand on one line, with all that hangs on them."""
    below = [[] for _ in formula.labels]
    following = {}
    for child, (parent, relation) in enumerate(zip(formula.parents, formula.relations)):
        if parent != ROOT and relation == RIGHT:
            following[parent] = child
        elif parent != ROOT:
            below[parent].append(child)
    line = [int(rng.integers(len(formula.labels)))]
    while line[-1] in following and rng.random() < 0.8:
        line.append(following[line[-1]])
    chosen, waiting = [], [*line]
    while waiting:
        symbol = waiting.pop()
        chosen.append(symbol)
        waiting += below[symbol]
        if symbol in following and symbol not in line:
            waiting.append(following[symbol])
    chosen.sort()
    place = {symbol: number for number, symbol in enumerate(chosen)}
    return Formula([formula.labels[s] for s in chosen], [formula.ink[s] for s in chosen],
                   [ROOT if s == line[0] else place[formula.parents[s]] for s in chosen],
                   [0 if s == line[0] else formula.relations[s] for s in chosen])


def shape(label: str) -> str:
    """Return the group of labels that may stand for each other; the label itself where none may."""
    if label.isdigit():
        return 'digit'
    if label in DESCENDING:
        return 'descending'
    if label in ASCENDING:
        return 'upper' if label.isupper() else 'ascending'
    return 'small' if label.isalpha() and label.islower() or label in ('\\alpha', '\\pi', '\\sigma') else label


class Exchange:
    """The training symbols' ink by label and shape; `exchange(formula, rng)` -> a formula with others of them."""

    def __init__(self, sources: list[Formula]):
        self.ink: dict[str, list] = {}
        for formula in sources:
            for label, strokes in zip(formula.labels, formula.ink):
                self.ink.setdefault(label, []).append(strokes)
        self.alike: dict[str, list[str]] = {}
        for label in sorted(self.ink):
            self.alike.setdefault(shape(label), []).append(label)

    def __call__(self, formula: Formula, rng: np.random.Generator) -> Formula:
        """Exchange about two thirds of the symbols, half of these for another label; bars and roots stay."""
        labels, ink = list(formula.labels), list(formula.ink)
        owners = {parent for parent, relation in zip(formula.parents, formula.relations) if relation != RIGHT}
        for number, (label, box) in enumerate(zip(formula.labels, formula.boxes())):
            if rng.random() < 0.33 or number in owners and label in (*BARS, '\\sqrt', '\\sum', '\\int', '\\lim'):
                continue
            alike = self.alike[shape(label)]
            other = alike[rng.integers(len(alike))] if rng.random() < 0.5 else label
            strokes = self.ink[other][rng.integers(len(self.ink[other]))]
            points = np.concatenate(strokes)
            low, high = points.min(axis=0), points.max(axis=0)
            size, wanted = high - low, box[2:] - box[:2]
            scale = (wanted.max() + 1) / (size.max() + 1)
            if np.abs(np.log((size * scale + 20) / (wanted + 20))).max() > 0.7:
                continue  # would overlap its neighbours
            middle, target = (low + high) / 2, (box[:2] + box[2:]) / 2
            labels[number], ink[number] = other, [(s - middle) * scale + target for s in strokes]
        return Formula(labels, ink, formula.parents, formula.relations)


