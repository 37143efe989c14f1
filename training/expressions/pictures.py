"""Expressions drawn as pictures: how `evaluate` draws them, and which pieces of ink are which symbols.

Clean pictures show what reading loses without the pen's path; `varied` draws as different pens and sizes would.
"""
import cv2
import numpy as np

from robot_ai.vision.finding import INK, WORK_SIDE, Found, find_pieces
from robot_ai.vision.ink import PEN, draw_polylines
from training.characters.data import typical_height

SYMBOL_HEIGHT = 36  # px of a typical symbol in the drawn pictures
MARGIN = 30  # px
IMPURE = 0.15  # of a symbol's line may lie on the wrong side of a cut


def placed(item: dict, height: float = SYMBOL_HEIGHT) -> tuple[list[np.ndarray], tuple[int, int]]:
    """Return an expression's strokes in pixels, a typical symbol `height` tall, and the picture's (height, width)."""
    strokes = [np.asarray(stroke, np.float32)[:, :2] for stroke in item['strokes']]
    points = np.concatenate(strokes)
    scale = height / max(typical_height(item), 1.0)
    size = np.ceil(np.ptp(points, axis=0) * scale).astype(int) + 2 * MARGIN
    return [(s - points.min(axis=0)) * scale + MARGIN for s in strokes], (min(size[1], 4000), min(size[0], 6000))


def picture_of(item: dict, height: float = SYMBOL_HEIGHT, pen: float = PEN) -> np.ndarray:
    """Draw an expression's strokes as a clean picture: uint8 [h, w], black on white."""
    lines, shape = placed(item, height)
    picture = np.full(shape, 255, np.uint8)
    draw_polylines(picture, lines, max(2.0, pen * height), 0)
    return picture


def truth_sets(item: dict, height: float = SYMBOL_HEIGHT, pen: float = PEN) -> tuple[list[Found], dict]:
    """Return the pieces of ink of an expression's picture and {pieces' numbers: label} of those symbols that are whole.

    A symbol that touches another, or of which nothing was found, is in no set.
    """
    pieces = find_pieces(picture_of(item, height, pen))
    lines = _work_lines(item, height)
    owners = [set() for _ in pieces]
    for number, symbol in enumerate(item['symbols']):
        for stroke in symbol['strokes']:
            for at, piece in enumerate(pieces):
                if _on(piece, lines[stroke]):
                    owners[at].add(number)
    out = {}
    for number, symbol in enumerate(item['symbols']):
        mine = tuple(at for at, owner in enumerate(owners) if number in owner)
        if mine and all(len(owners[at]) == 1 for at in mine):
            out[mine] = symbol['label']
    return pieces, out


def symbol_points(item: dict, height: float = SYMBOL_HEIGHT) -> list[np.ndarray]:
    """Return each symbol's line in an expression's picture, a point a pixel: int [n, 2] (x, y), at the work scale."""
    lines, out = _work_lines(item, height), []
    for symbol in item['symbols']:
        points = [np.zeros((0, 2))]
        for stroke in symbol['strokes']:
            line = lines[stroke]
            for a, b in zip(line, line[1:] if len(line) > 1 else line):
                points.append(np.linspace(a, b, max(2, int(np.abs(b - a).max()) + 1)))
        out.append(np.round(np.concatenate(points)).astype(int))
    return out


def is_one_symbol(found: Found, points: list[np.ndarray]) -> bool:
    """Whether a part of a piece is one symbol: nearly all of its line, and next to nothing of the others' (IMPURE)."""
    ink = cv2.dilate((found.ink >= INK).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    shares = np.array([_under(found, ink, line).sum() / max(1, len(line)) for line in points])
    return bool((shares > 1 - IMPURE).sum() == 1 and (shares < IMPURE).sum() == len(shares) - 1)


def _work_lines(item, height):
    """Return an expression's strokes as `placed` has them, at the scale at which ink is looked for."""
    lines, shape = placed(item, height)
    return [line * min(1.0, WORK_SIDE / max(shape)) for line in lines]


def _on(piece, line):
    """Whether a stroke's points lie on a piece's ink."""
    return bool((_under(piece, piece.ink, np.round(line).astype(int)) > 128).any())


def _under(found, values, points):
    """Return the values [h, w] of a piece's pixels at points int [n, 2] (x, y), those outside it left out."""
    at = points - (found.work.x, found.work.y)
    inside = (at >= 0).all(axis=1) & (at[:, 0] < found.work.width) & (at[:, 1] < found.work.height)
    return values[at[inside, 1], at[inside, 0]]
