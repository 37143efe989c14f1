"""Pieces of ink in, symbols out: joins two pieces where the recogniser reads both together as one better.

Boxes alone cannot tell a tilde over an n from a fraction's bar over it: so geometry only proposes pairs, and the
character network decides, for those labels that are written in pieces.
"""
from collections.abc import Callable

import numpy as np

from robot_ai.vision.finding import Found, join

# Labels whose pieces stand apart in ordinary handwriting ...
STACKED = frozenset('ijáéíóúñüÁÉÍÓÚÑÜ=:;!?') | {'\\leq', '\\geq', '\\pm', '\\neq', '"'}
# ... and those whose strokes should touch but often do not quite.
TORN = frozenset('ABDEFGHKMNPRTXYabdfhkmnpqtxy45789+') | {
    '\\pi', '\\times', '\\theta', '\\in', '\\rightarrow', '\\infty', '\\sqrt', '\\sum', '\\phi', '\\forall', '\\exists'}
GAIN = {True: -0.15, False: 0.1}  # stacked or torn: by how much the joint's score must beat its lesser piece's
SURE = 0.5  # least score of a joined reading
MAX_PAIRS = 200


def proposals(found: list[Found]) -> list[tuple[int, int, frozenset]]:
    """Return pairs that may be one symbol, and the labels that they may be."""
    out = []
    for i, first in enumerate(found):
        for j in range(i + 1, len(found)):
            a, b = first.work, found[j].work
            size = max(a.width, a.height, b.width, b.height)
            across = min(a.right, b.right) - max(a.x, b.x)
            apart = max(a.y, b.y) - min(a.bottom, b.bottom)  # negative where they share rows
            beside = max(a.x, b.x) - min(a.right, b.right)
            upper, lower = (a, b) if a.y < b.y else (b, a)
            mark = min(upper.height, lower.height) < 0.5 * max(upper.height, lower.height)  # or two bars
            mark = mark or max(upper.height, lower.height) < 0.5 * max(upper.width, lower.width)
            alike = max(a.width, b.width) < 2 * min(a.width, b.width) or min(a.width, b.width) < 0.4 * size
            if mark and alike and across > 0.5 * min(a.width, b.width) and apart < 0.5 * size:
                out.append((i, j, STACKED))
            if beside < 0.12 * size and apart < 0.12 * size and (beside < 0 or apart < 0):
                out.append((i, j, TORN))
    return out[:MAX_PAIRS]


def join_pieces(found: list[Found], score: Callable, labels: tuple[str, ...],
                ink_of: Callable) -> tuple[list[Found], np.ndarray]:
    """Return the symbols after joining, and their scores [n, classes].

    `score(inks)` -> [n, classes]; `ink_of(found)` -> normalised ink.
    """
    found = list(found)
    scores = score([ink_of(item) for item in found])
    for _ in range(len(found)):  # one joint a round: what is joined may be joined again
        pairs = proposals(found)
        if not pairs:
            break
        joined = [join(found[i], found[j]) for i, j, _ in pairs]
        rows = score([ink_of(item) for item in joined])
        best, gain = None, 0.0
        for number, (i, j, allowed) in enumerate(pairs):
            top = int(rows[number].argmax())
            apart = min(scores[i].max(), scores[j].max())
            value = float(rows[number, top])
            over = value - apart - GAIN[allowed is STACKED]
            if labels[top] in allowed and value > SURE and over > gain:
                best, gain = number, over
        if best is None:
            break
        i, j, _ = pairs[best]
        found[i], scores[i] = joined[best], rows[best]
        del found[j]
        scores = np.delete(scores, j, axis=0)
    return found, scores
