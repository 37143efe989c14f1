r"""A picture or strokes of a formula in, its LaTeX out: balanced, with a score and the symbols it is made of.

    recognizer = ExpressionRecognizer()
    recognizer.recognize(cv2.imread('formula.png')).latex        # '\frac { 1 } { 2 } + x ^ { 2 }'
    recognizer.recognize_strokes(strokes).latex                   # where the pen's path is known: better

Symbols are found first (in pictures by `pieces`, in strokes by `segmentation`), then the parser
network corrects their labels by what surrounds them and hangs each on another; without an expressions model the
rules of `layout` do. Holds no thread; not thread-safe.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError
from robot_ai.model_store import find_model, load_model
from robot_ai.vision.characters import CharacterRecognizer, Symbol
from robot_ai.vision.finding import find_pieces
from robot_ai.vision.ink import Box, check_strokes, to_grey
from robot_ai.vision.layout import Node, latex_of, rule_tree
from robot_ai.vision.parsing import FormulaParser, best_tree, to_nodes
from robot_ai.vision.pieces import assemble
from robot_ai.vision.printed import is_printed
from robot_ai.vision.segmentation import MAX_STROKES, segment

MAX_SYMBOLS = 64  # of one formula in a picture; CROHME's longest has 49
MAX_PIECES = 120  # of ink in such a picture


@dataclass(frozen=True)
class Expression:
    """What a picture shows: LaTeX ('' where nothing is written), a score in 0..1 and the symbols."""

    latex: str = ''
    score: float = 0.0
    symbols: tuple[Symbol, ...] = ()


class ExpressionRecognizer:
    """Reads whole expressions.

    `models`: a folder of model folders (the shipped ones where it is empty); `characters`: a recogniser to use
    in place of the one found there. Raises ModelError where the character model cannot be used; without an
    expressions model the rules read, with an unusable one it raises too.
    """

    def __init__(self, models: str | Path = '', threads: int = 1,
                 characters: CharacterRecognizer | None = None):
        self.characters = characters or CharacterRecognizer(models, threads)
        self.parser = None
        try:
            folder = find_model('expressions', models)
        except ModelError:
            folder = None
        if folder is not None:
            self.parser = FormulaParser(load_model(folder, 'expressions'), threads)
            if self.parser.labels != self.characters.labels:
                raise ModelError(f'{folder}: was trained for other labels than those of '
                                 f'{self.characters.info.folder}; export it again')

    def recognize(self, image: np.ndarray) -> Expression:
        """Read a picture (anything that `ink.to_grey` takes) of one expression. ImageError for other arrays."""
        found, scores = self._find(to_grey(image))
        if not found or len(found) > MAX_SYMBOLS:  # a page of text is no formula
            return Expression()
        boxes = np.array([[f.box.x, f.box.y, f.box.right, f.box.bottom] for f in found], np.float32)
        return self._expression(scores, boxes)

    def _find(self, grey):
        """Return the symbols of a picture and their scores; nothing where most of the ink is no symbols, or print."""
        if self.parser is None or not self.parser.reads_pieces:
            return self.characters.find(grey)
        pieces = find_pieces(grey)
        if not pieces or len(pieces) > MAX_PIECES or is_printed(pieces):
            return [], None
        return self.characters.symbols_only(*assemble(self.characters, pieces, self.parser.weigh_pieces))

    def recognize_strokes(self, strokes: list, width: float | None = None) -> Expression:
        """Read strokes (lists of (x, y), y down, in the order of writing); `width`: of the line, in their unit."""
        arrays = check_strokes(strokes)[:MAX_STROKES]
        if not arrays:
            return Expression()
        weigh = self.parser.weigh if self.parser else None
        spans, scores = segment(self.characters, arrays, width, weigh)
        boxes = []
        for first, last in spans:
            points = np.concatenate(arrays[first:last])
            boxes.append([*points.min(axis=0), *points.max(axis=0)])
        return self._expression(scores, np.array(boxes, np.float32))

    def _expression(self, scores, boxes):
        """Return the expression of symbols with scores [n, classes] and boxes [n, 4]."""
        if not len(scores):
            return Expression()
        scores = scores.copy()
        scores[:, self.characters.nothing] = 0
        scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)
        if self.parser and len(scores) <= self.parser.sizes[-1]:
            scores, edges = self.parser.run(scores, boxes)
            parents, relations = best_tree(edges)
            labels = [self.characters.labels[n] for n in scores.argmax(axis=1)]
            tree = to_nodes(labels, boxes, parents, relations)
            certainty = float(np.exp(np.mean([edges[p, c].max() for c, p in enumerate(parents)])))
        else:
            labels = [self.characters.labels[n] for n in scores.argmax(axis=1)]
            tree, certainty = rule_tree([Node(label, tuple(box)) for label, box in zip(labels, boxes)]), 1.0
        symbols = tuple(Symbol(_box(box), self.characters.ranked(row)) for row, box in zip(scores, boxes))
        # One wrong symbol spoils the formula: the score is the chance that none is.
        score = float(np.prod(scores.max(axis=1))) * certainty
        # Three full stops in a row are an ellipsis, whether or not the writer's were taken for one symbol.
        latex = latex_of(tree).replace('. . .', '\\ldots')
        return Expression(latex, min(1.0, score), symbols)


def _box(box):
    left, top, right, bottom = (float(v) for v in box)
    return Box(int(left), int(top), max(1, round(right - left)), max(1, round(bottom - top)))
