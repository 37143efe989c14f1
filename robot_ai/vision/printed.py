"""Pieces of ink in, whether a machine printed them: print repeats itself and keeps its line as no hand does.

Two signs. Twins: pieces of the same size and shape, pixel for pixel; of the letters of a printed line a third have one.
Lines: nearly all pieces of a row end on the same straight line, to a fiftieth of their height. Both need some pieces:
a printed word of fewer than five letters, or one printed digit, passes for neat writing.
"""
import numpy as np

from robot_ai.vision.finding import Found, symbol_ink

LEAST_ALIKE = 4  # pieces of some shape (no bars) for twins to tell anything
TWINS = 0.2  # share of them that has a twin in print; handwritten formulas have none
TWIN_SIZE = 1.5  # px that twins' sides may differ
TWIN_INK = 0.85  # of two inks' union that they share
LEAST_LINE = 6  # pieces for a line to tell anything
LINE = 0.88  # share of the pieces on their lines in print; the neatest of 670 handwritten formulas
LINE_WITH_TWIN = 0.6  # the same, where one twin was found too
OFF_LINE = 0.02  # of the pieces' height, or 0.8 px
ROW = 12  # pieces to the right among which a line's other end is looked for


def is_printed(found: list[Found]) -> bool:
    """Tell whether the pieces of ink (or symbols) found in a picture are mostly print."""
    boxes = np.array([[f.work.x, f.work.right, f.work.bottom, f.work.height, f.work.width] for f in found], float)
    if len(boxes) < LEAST_ALIKE:
        return False
    chosen = np.flatnonzero(boxes[:, 3] >= 0.4 * np.percentile(boxes[:, 3], 80))  # no dots, accents, commas
    chosen = chosen[np.argsort(boxes[chosen, 0], kind='stable')]
    boxes = boxes[chosen]
    shaped = boxes[:, 3:].min(axis=1) >= 0.4 * boxes[:, 3:].max(axis=1)
    twins = 0
    if shaped.sum() >= LEAST_ALIKE:
        twins = _twins(boxes[shaped, 3:], [found[number] for number in chosen[shaped]])
        if twins >= TWINS * shaped.sum():
            return True
    if len(boxes) < (LEAST_ALIKE if twins else LEAST_LINE):
        return False
    return bool(_on_lines(boxes).mean() >= (LINE_WITH_TWIN if twins else LINE))


def _twins(sides, pieces):
    """Return how many of the pieces, whose sides are [n, 2], look like another."""
    inks = np.stack([symbol_ink(piece) for piece in pieces]).astype(np.int32).reshape(len(pieces), -1)
    has = np.zeros(len(pieces), bool)
    for a in range(len(pieces)):
        near = a + 1 + np.flatnonzero((np.abs(sides[a + 1:] - sides[a]) <= TWIN_SIZE).all(axis=1))
        if len(near):
            shared = np.minimum(inks[a], inks[near]).sum(axis=1)
            alike = near[shared > TWIN_INK * np.maximum(inks[a], inks[near]).sum(axis=1)]
            has[alike] = True
            has[a] |= bool(len(alike))
    return int(has.sum())


def _on_lines(boxes):
    """Return which pieces (x, right, bottom, height, width; by x) end on a straight line with most of their row."""
    height = np.median(boxes[:, 3])
    off = max(0.8, OFF_LINE * height)
    middle, bottom = boxes[:, :2].mean(axis=1), boxes[:, 2]
    on = np.zeros(len(boxes), bool)
    for a in range(len(boxes)):
        row = a + 1 + np.flatnonzero(np.abs(bottom[a + 1:] - bottom[a]) < 0.15 * (middle[a + 1:] - middle[a]) + off)
        for b in row[2:ROW]:  # a line has four pieces or more
            apart = middle[b] - middle[a]
            if apart < height:
                continue
            between = (middle >= middle[a] - 0.1) & (middle <= middle[b] + 0.1)
            away = np.abs(bottom - bottom[a] - (bottom[b] - bottom[a]) / apart * (middle - middle[a]))
            line = between & (away <= off)
            if line.sum() >= 4 and line.sum() >= 0.6 * (between & (away <= 0.5 * height)).sum():
                on |= line
    return on
