r"""A picture or strokes of a formula in, its LaTeX out: balanced, with a score and the symbols it is made of.

    recognizer = ExpressionRecognizer()
    recognizer.recognize(cv2.imread('formula.png')).latex        # '\frac { 1 } { 2 } + x ^ { 2 }'
    recognizer.recognize_strokes(strokes).latex                   # where the pen's path is known: better

Symbols are found first (in pictures by `pieces`, in strokes by `segmentation`), in a few ways where it is unsure what
belongs together; for each the parser network corrects their labels by what surrounds them and hangs each on another,
and the way whose symbols, labels and places are likeliest together is taken. Matrices are found by rules (`matrices`),
and each of their cells is read so. Without an expressions model the rules of `layout` read the first way. Holds no
thread; not thread-safe.
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
from robot_ai.vision.matrices import find_matrices, stand_in
from robot_ai.vision.parsing import FormulaParser, best_tree, to_nodes
from robot_ai.vision.pieces import assemble
from robot_ai.vision.printed import is_printed
from robot_ai.vision.segmentation import MAX_STROKES, segment

MAX_SYMBOLS = 64  # of one formula in a picture; CROHME's longest has 49
MAX_PIECES = 120  # of ink in such a picture
DIVISIONS = 8  # ways of dividing the ink into symbols that are parsed ...
BEHIND = 8.0  # ... which are at most so much less likely (log-odds) than the likeliest
STAND_IN = 'A'  # what a matrix is to the parser: a letter on the line
READING_WORTH = 2.0  # of the labels' and edges' log-probabilities beside a way's log-odds; chosen on CROHME 2013


@dataclass(frozen=True)
class Expression:
    """What a picture shows: LaTeX ('' where nothing is written), a score in 0..1 and the symbols."""

    latex: str = ''
    score: float = 0.0
    symbols: tuple[Symbol, ...] = ()


@dataclass(frozen=True)
class _Parsed:
    """LaTeX, scores [n, classes] as the parser corrected them, the reading's log worth and the tree's certainty."""

    latex: str
    scores: np.ndarray
    worth: float
    certainty: float


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
        ways = []
        for worth, found, scores in self._find(to_grey(image)):
            if found and len(found) <= MAX_SYMBOLS:  # a page of text is no formula
                boxes = np.array([[f.box.x, f.box.y, f.box.right, f.box.bottom] for f in found], np.float32)
                ways.append((worth, scores, boxes))
            elif not ways:  # whatever else might be seen in it
                break
        return self._likeliest(ways)

    def _find(self, grey):
        """Return (worth, symbols, scores) for each way of dividing a picture's ink; nothing where it is no writing."""
        if self.parser is None or not self.parser.reads_pieces:
            return [(0.0, *self.characters.find(grey))]
        pieces = find_pieces(grey)
        if not pieces or len(pieces) > MAX_PIECES or is_printed(pieces):
            return []
        ways = []
        for worth, found, scores in assemble(self.characters, pieces, self.parser.weigh_pieces, DIVISIONS):
            kept, scores = self.characters.symbols_only(found, scores)
            if not ways or len(kept) == len(found):  # another way is not to win by leaving ink out
                ways.append((worth, kept, scores))
        return ways

    def recognize_strokes(self, strokes: list, width: float | None = None) -> Expression:
        """Read strokes (lists of (x, y), y down, in the order of writing); `width`: of the line, in their unit."""
        arrays = check_strokes(strokes)[:MAX_STROKES]
        if not arrays:
            return Expression()
        weigh, most = (self.parser.weigh, DIVISIONS) if self.parser else (None, 1)
        return self._likeliest([(worth, scores, _bounds(arrays, spans))
                                for worth, spans, scores in segment(self.characters, arrays, width, weigh, most)])

    def _likeliest(self, ways):
        """Return the likeliest expression of several ways (worth, scores [n, classes], boxes [n, 4]), best first."""
        read = []
        for worth, scores, boxes in ways:
            if worth > ways[0][0] - BEHIND and len(scores):
                read.append(self._expression(worth, scores, boxes))
        return max(read, key=lambda r: r[0])[1] if read else Expression()

    def _expression(self, worth, scores, boxes):
        """Return what one way is worth and its expression, of symbols with scores [n, classes] and boxes [n, 4]."""
        scores = scores.copy()
        scores[:, self.characters.nothing] = 0
        scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)
        certainty, matrices = 1.0, find_matrices(scores, boxes, self.characters.labels)
        kept = sorted(set(range(len(scores))).difference(*(matrix.symbols for matrix in matrices)))
        outer_scores, outer_boxes, named = scores[kept], boxes[kept], [''] * len(kept)
        letter = np.arange(scores.shape[1]) == self.characters.labels.index(STAND_IN)
        for matrix in matrices:
            latex = []
            for row in matrix.cells:
                latex.append([])
                for cell in map(list, row):
                    read = self._parsed(scores[cell], boxes[cell])
                    scores[cell] = read.scores
                    worth, certainty = worth + read.worth, certainty * read.certainty
                    latex[-1].append(read.latex)
            outer_scores = np.concatenate([outer_scores, letter[None].astype(scores.dtype)])
            outer_boxes = np.concatenate([outer_boxes, stand_in(boxes, matrix)[None]])
            named.append(matrix.latex(latex))
        whole = self._parsed(outer_scores, outer_boxes, named)
        scores[kept] = whole.scores[:len(kept)]
        symbols = tuple(Symbol(_box(box), self.characters.ranked(row)) for row, box in zip(scores, boxes))
        # One wrong symbol spoils the formula: the score is the chance that none is.
        score = float(np.prod(scores.max(axis=1))) * certainty * whole.certainty
        # Three full stops in a row are an ellipsis, whether or not the writer's were taken for one symbol.
        latex = whole.latex.replace('. . .', '\\ldots')
        return worth + whole.worth, Expression(latex, min(1.0, score), symbols)

    def _parsed(self, scores, boxes, named=()):
        """Read symbols without matrices; `named` gives the LaTeX of those that stand for something, else ''."""
        worth, certainty = 0.0, 1.0
        reads = self.parser and len(scores) <= self.parser.sizes[-1]
        if reads:
            corrected, edges = self.parser.run(scores, boxes)
            scores = corrected if len(scores) > 1 else scores  # a lone symbol has nothing around that could correct it
            parents, relations = best_tree(edges)
            scores, sure = self.parser.decide(scores, parents, relations)
            hung = sum(float(edges[p, c].max()) for c, p in enumerate(parents))
            worth, certainty = READING_WORTH * (sure + hung), float(np.exp(hung / len(parents)))
        labels = [self.characters.labels[n] for n in scores.argmax(axis=1)]
        labels = [name or label for name, label in zip(named, labels)] if named else labels
        tree = (to_nodes(labels, boxes, parents, relations) if reads else
                rule_tree([Node(label, tuple(box)) for label, box in zip(labels, boxes)]))
        return _Parsed(latex_of(tree), scores, worth, certainty)


def _bounds(strokes, spans):
    """Return the boxes (left, top, right, bottom) of spans of strokes: float32 [n, 4]."""
    parts = [np.concatenate(strokes[first:last]) for first, last in spans]
    return np.array([[*points.min(axis=0), *points.max(axis=0)] for points in parts], np.float32)


def _box(box):
    left, top, right, bottom = (float(v) for v in box)
    return Box(int(left), int(top), max(1, round(right - left)), max(1, round(bottom - top)))
