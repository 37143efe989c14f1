"""Strokes in the order of writing in, symbols out: the best divisions into groups of consecutive strokes.

Every group of up to five strokes is read by the character recogniser; a small network weighs its scores together with
the group's geometry into the odds that it is one whole symbol, and dynamic programming takes the divisions with
the greatest sums of log-odds. Writers finish a symbol before the next in all but a few per cent of CROHME's
expressions, so consecutive groups are nearly all there are.
"""
from dataclasses import dataclass

import numpy as np

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import PEN

MAX_GROUP = 5  # strokes of one symbol
MAX_STROKES = 400
MAX_GAP = 1.5  # typical sizes inside one symbol: farther strokes are never one
FEATURES = 18
UNSURE = 1e-4  # least score that is taken for a group
# Without a network: log worth of each stroke joined (two bars are an = rather than two -) and of a gap.
JOIN, GAP = 1.2, 3.0


@dataclass(frozen=True)
class Groups:
    """All groups of a drawing that may be symbols."""

    spans: list[tuple[int, int]]  # first stroke, one past the last
    features: np.ndarray  # float32 [groups, FEATURES]
    pen: float  # width of the line to draw them with, in the strokes' unit


def stroke_boxes(strokes: list[np.ndarray]) -> np.ndarray:
    """Return the boxes (left, top, right, bottom) of strokes: float32 [n, 4]."""
    return np.array([[*s.min(axis=0), *s.max(axis=0)] for s in strokes], np.float32)


def typical_stroke(boxes: np.ndarray) -> float:
    """Return the typical size of a symbol: the 60th percentile of the strokes' longer sides, dots left out."""
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    kept = sides[sides >= 0.2 * np.median(sides)]
    return max(float(np.percentile(kept, 60)), 1e-3) if len(kept) else 1.0


def box_distances(boxes: np.ndarray) -> np.ndarray:
    """Return the distances between boxes [n, 4]: [n, n], 0 where they touch."""
    dx = np.maximum(boxes[:, None, 0], boxes[None, :, 0]) - np.minimum(boxes[:, None, 2], boxes[None, :, 2])
    dy = np.maximum(boxes[:, None, 1], boxes[None, :, 1]) - np.minimum(boxes[:, None, 3], boxes[None, :, 3])
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))


def joining_length(distance: np.ndarray) -> float:
    """Return the sum of the distances [n, n] that join everything to one (a minimum spanning tree)."""
    total, nearest = 0.0, distance[0].copy()
    rest = list(range(1, len(distance)))
    while rest:
        near = min(rest, key=lambda i: nearest[i])
        total += float(nearest[near])
        rest.remove(near)
        nearest = np.minimum(nearest, distance[near])
    return total


def candidate_groups(strokes: list[np.ndarray], width: float | None = None) -> Groups:
    """Return every group of consecutive strokes that may be a symbol, with its geometry."""
    boxes = stroke_boxes(strokes)
    typical = typical_stroke(boxes)
    distance = box_distances(boxes) / typical
    scaled = boxes / typical
    spans, features = [], []
    for first in range(len(strokes)):
        for last in range(first + 1, min(first + MAX_GROUP, len(strokes)) + 1):
            gap = joining_length(distance[first:last, first:last])
            if last - first > 1 and gap > MAX_GAP:
                break
            spans.append((first, last))
            features.append(_features(scaled, distance, first, last, gap))
    return Groups(spans, np.array(features, np.float32), width or PEN * typical)


def _features(boxes, distance, first, last, gap):
    """Return what a group looks like and how it lies to the strokes before and after it; sizes are typical ones."""
    mine = boxes[first:last]
    left, top, right, bottom = mine[:, 0].min(), mine[:, 1].min(), mine[:, 2].max(), mine[:, 3].max()
    count = last - first
    overlaps = [min(a[2], b[2]) - max(a[0], b[0]) for i, a in enumerate(mine) for b in mine[i + 1:]]
    out = [float(count == n) for n in range(1, MAX_GROUP + 1)]
    out += [gap, right - left, bottom - top, min(overlaps, default=0.0)]
    for other in (first - 1, last):  # the strokes before and after
        if 0 <= other < len(boxes):
            near = float(distance[other, first:last].min())
            overlap = (min(right, boxes[other, 2]) - max(left, boxes[other, 0]))
            out += [1.0, near, overlap, (boxes[other, 1] + boxes[other, 3] - top - bottom) / 2]
        else:
            out += [0.0, 3.0, -3.0, 0.0]
    sides = np.maximum(mine[:, 2] - mine[:, 0], mine[:, 3] - mine[:, 1])
    out.append(float(sides.min() / max(sides.max(), 1e-6)))
    return [v / (1 + abs(v) / 3) for v in out]


def divide(spans: list[tuple[int, int]], worth: np.ndarray, strokes: int, most: int = 1) -> list[tuple[float, list]]:
    """Return the divisions of greatest sum of worth, best first: [(sum, numbers of the groups)], `most` at most.

    The groups of a division cover every stroke once.
    """
    best = [[] for _ in range(strokes + 1)]  # of the strokes before each one
    best[0] = [(0.0, None)]  # sum, (the division before, group)
    for number in sorted(range(len(spans)), key=lambda n: spans[n][1]):
        first, last = spans[number]
        longer = [(before[0] + float(worth[number]), (before, number)) for before in best[first]]
        best[last] = sorted(best[last] + longer, key=lambda d: -d[0])[:most]
    out = []
    for total, link in best[strokes]:
        numbers = []
        while link is not None:
            (_, link), number = link
            numbers.append(number)
        out.append((total, numbers[::-1]))
    return out


def plain_worth(groups: Groups, scores: np.ndarray, nothing: int) -> np.ndarray:
    """Return what each group is worth without a network: strokes times log score, less its gaps."""
    best = np.delete(scores, nothing, axis=1).max(axis=1)
    count = np.array([last - first for first, last in groups.spans])
    return count * np.log(np.maximum(best, UNSURE)) + JOIN * (count - 1) - GAP * groups.features[:, 5]


def segment(recognizer: CharacterRecognizer, strokes: list[np.ndarray], width: float | None = None, weigh=None,
            most: int = 1) -> list[tuple[float, list[tuple[int, int]], np.ndarray]]:
    """Return the likeliest divisions into symbols, best first, `most` at most.

    Each is (log-odds, spans of strokes in the order of writing, scores [n, classes]). `weigh(features, scores)` ->
    log-odds [groups] of being one symbol; the rule where None.
    """
    groups = candidate_groups(strokes, width)
    scores = recognizer.drawn_scores([strokes[first:last] for first, last in groups.spans], groups.pen)
    worth = weigh(groups.features, scores) if weigh else plain_worth(groups, scores, recognizer.nothing)
    return [(total, [groups.spans[number] for number in numbers], scores[numbers])
            for total, numbers in divide(groups.spans, worth, len(strokes), most)]
