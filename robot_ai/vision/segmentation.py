"""Strokes in the order of writing in, symbols out: the best division into groups by the recogniser's own scores.

Dynamic programming over groups of up to five consecutive strokes: a group is worth what the recogniser thinks of
its ink, strokes times the log of its best score, less what its gaps cost. Writers finish a symbol before the next
in all but a few per cent of CROHME's expressions, so consecutive groups are nearly all there are.
"""
import numpy as np

from robot_ai.vision.characters import CharacterRecognizer, Symbol
from robot_ai.vision.ink import PEN, Box, ink_of_strokes

MAX_GROUP = 5  # strokes of one symbol
MAX_STROKES = 400
JOIN = 0.6  # log worth of each stroke joined to a symbol: two bars are an = rather than two -
GAP = 3.0  # log cost of a gap as wide as a typical symbol inside one symbol
UNSURE = 1e-4  # least score that is taken for a group


def stroke_boxes(strokes: list[np.ndarray]) -> np.ndarray:
    """Return the boxes (left, top, right, bottom) of strokes: float [n, 4]."""
    return np.array([[*s.min(axis=0), *s.max(axis=0)] for s in strokes], np.float32)


def typical_stroke(boxes: np.ndarray) -> float:
    """Return the typical size of a symbol: the 60th percentile of the strokes' longer sides, dots left out."""
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    kept = sides[sides >= 0.2 * np.median(sides)]
    return max(float(np.percentile(kept, 60)), 1e-3) if len(kept) else 1.0


def gaps_inside(boxes: np.ndarray) -> float:
    """Return the sum of the distances that join boxes [n, 4] to one (a minimum spanning tree)."""
    if len(boxes) < 2:
        return 0.0
    dx = np.maximum(boxes[:, None, 0], boxes[None, :, 0]) - np.minimum(boxes[:, None, 2], boxes[None, :, 2])
    dy = np.maximum(boxes[:, None, 1], boxes[None, :, 1]) - np.minimum(boxes[:, None, 3], boxes[None, :, 3])
    distance = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    joined, total = [0], 0.0
    rest = set(range(1, len(boxes)))
    while rest:
        near = min(rest, key=lambda i: distance[i, joined].min())
        total += float(distance[near, joined].min())
        joined.append(near)
        rest.remove(near)
    return total


def segment(recognizer: CharacterRecognizer, strokes: list[np.ndarray],
            width: float | None = None) -> list[Symbol]:
    """Return the symbols of strokes in the order of writing; boxes in the strokes' unit, rounded."""
    strokes = strokes[:MAX_STROKES]
    boxes = stroke_boxes(strokes)
    typical = typical_stroke(boxes)
    pen = width or PEN * typical
    groups, worth = [], {}
    for first in range(len(strokes)):
        for last in range(first + 1, min(first + MAX_GROUP, len(strokes)) + 1):
            gap = gaps_inside(boxes[first:last]) / typical
            if last - first > 1 and gap > 1.5:
                break
            groups.append((first, last))
            worth[first, last] = -GAP * gap + JOIN * (last - first - 1)
    inks = [ink_of_strokes(strokes[first:last], pen) for first, last in groups]
    scores, _ = recognizer.scores(inks)
    scores = recognizer.restrict(scores, 'mathematics')
    best = np.delete(scores, recognizer.nothing, axis=1).max(axis=1)
    for (first, last), score in zip(groups, best):
        worth[first, last] += (last - first) * float(np.log(max(score, UNSURE)))
    total, back = [0.0] + [-np.inf] * len(strokes), [0] * (len(strokes) + 1)
    for first, last in sorted(groups, key=lambda g: g[1]):
        if total[first] + worth[first, last] > total[last]:
            total[last], back[last] = total[first] + worth[first, last], first
    out, last = [], len(strokes)
    row_of = {group: number for number, group in enumerate(groups)}
    while last > 0:
        first = back[last]
        row = scores[row_of[first, last]].copy()
        row[recognizer.nothing] = 0
        low, high = boxes[first:last, :2].min(axis=0), boxes[first:last, 2:].max(axis=0)
        size = np.maximum(1, np.ceil(high - low))
        box = Box(int(low[0]), int(low[1]), int(size[0]), int(size[1]))
        out.append(Symbol(box, recognizer.ranked(row)))
        last = first
    return out[::-1]
