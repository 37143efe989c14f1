r"""A picture or strokes of a formula in, its LaTeX out: balanced, with a score and the symbols it is made of.

    recognizer = ExpressionRecognizer()
    recognizer.recognize(cv2.imread('formula.png')).latex        # '\frac { 1 } { 2 } + x ^ { 2 }'
    recognizer.recognize_strokes(strokes).latex                   # where the pen's path is known: better

Symbols are found first (in pictures by their pieces of ink, in strokes by `strokes.segment`), then their
places relative to each other make the tree that is written as LaTeX. Holds no thread; not thread-safe.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot_ai.vision.characters import CharacterRecognizer, Symbol
from robot_ai.vision.ink import Box, check_strokes, to_grey
from robot_ai.vision.layout import Node, latex_of, rule_tree
from robot_ai.vision.segmentation import segment


@dataclass(frozen=True)
class Expression:
    """What a picture shows: LaTeX ('' where nothing is written), a score in 0..1 and the symbols."""

    latex: str = ''
    score: float = 0.0
    symbols: tuple[Symbol, ...] = ()


class ExpressionRecognizer:
    """Reads whole expressions. `models`: a folder of model folders (the shipped ones where it is empty).

    Raises ModelError where the character model cannot be used.
    """

    def __init__(self, models: str | Path = '', threads: int = 1,
                 characters: CharacterRecognizer | None = None):
        self.characters = characters or CharacterRecognizer(models, threads)

    def recognize(self, image: np.ndarray) -> Expression:
        """Read a picture (anything that `ink.to_grey` takes) of one expression. ImageError for other arrays."""
        return self._expression(self.characters.read(to_grey(image)))

    def recognize_strokes(self, strokes: list, width: float | None = None) -> Expression:
        """Read strokes (lists of (x, y), y down, in the order of writing); `width`: of the line, in their unit."""
        arrays = check_strokes(strokes)
        return self._expression(segment(self.characters, arrays, width) if arrays else [])

    def _expression(self, symbols):
        if not symbols:
            return Expression()
        nodes = [Node(s.candidates[0].latex, (s.box.x, s.box.y, s.box.right, s.box.bottom)) for s in symbols]
        # One wrong symbol spoils the formula: the score is the chance that none is.
        score = float(np.prod([s.candidates[0].score for s in symbols]))
        return Expression(latex_of(rule_tree(nodes)), score, tuple(symbols))


__all__ = ['Box', 'Expression', 'ExpressionRecognizer']
