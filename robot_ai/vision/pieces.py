r"""Pieces of ink of a formula's picture in, symbols out: the best divisions into sets of pieces that lie near.

What `segmentation.py` does for strokes in the order of writing, for pictures, which have no order: sets of up to five
neighbouring pieces are read by the character recogniser, a small network weighs its scores and their geometry into the
odds that a set is one whole symbol, and a beam search takes the sets of greatest worth that hold each piece once, in
a few ways.
So `\cos` is one symbol of three pieces, = one of two, and a fraction's bar stays apart from what it divides.
"""
from dataclasses import dataclass

import numpy as np

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.finding import Found, join, symbol_ink
from robot_ai.vision.segmentation import MAX_GROUP, box_distances, joining_length, typical_stroke

NEAR = 0.8  # typical sizes between two pieces of one symbol, at most
NEAR_MANY = 0.45  # the same where there are more than two
MAX_SIDE = 3.2  # typical sizes, longer side of a symbol of several pieces (a bar or a root alone may be longer)
SETS_A_PIECE = 6  # at most so many sets are read, the tightest ones: reading is what costs time
BEAM = 24


@dataclass(frozen=True)
class Sets:
    """All sets of pieces that may be symbols; the single pieces come first, in their order."""

    members: list[tuple[int, ...]]
    features: np.ndarray  # float32 [sets, segmentation.FEATURES]


def candidate_sets(boxes: np.ndarray) -> Sets:
    """Return the sets for the boxes of pieces, float [n, 4] (left, top, right, bottom), and their geometry."""
    typical = typical_stroke(boxes)
    scaled, distance = boxes / typical, box_distances(boxes) / typical
    count = len(boxes)
    singles = [(i,) for i in range(count)]
    level, several = singles, {}
    for size in range(2, MAX_GROUP + 1):
        reach, grown = NEAR if size == 2 else NEAR_MANY, {}
        for members in level:
            if size > 2 and several[members] > NEAR_MANY * (size - 2):
                continue  # only tight sets grow
            for other in np.flatnonzero(distance[list(members)].min(axis=0) <= reach):
                if other in members:
                    continue
                key = tuple(sorted((*members, int(other))))
                if key in grown:
                    continue
                mine = scaled[list(key)]
                if max(mine[:, 2].max() - mine[:, 0].min(), mine[:, 3].max() - mine[:, 1].min()) > MAX_SIDE:
                    continue
                grown[key] = joining_length(distance[np.ix_(key, key)])
        level = sorted(grown, key=grown.get)[:SETS_A_PIECE * count]
        several.update({key: grown[key] for key in level})
    # A set of many pieces has more gaps: the mean gap says how tight it is.
    tightest = sorted(several, key=lambda key: several[key] / (len(key) - 1) + 0.05 * len(key))
    members = singles + tightest[:(SETS_A_PIECE - 1) * count]
    features = [_features(scaled, distance, key, several.get(key, 0.0)) for key in members]
    return Sets(members, np.array(features, np.float32))


def _features(boxes, distance, members, gap):
    """Return what a set looks like and how its two nearest neighbours lie; as many as segmentation.py's."""
    mine = boxes[list(members)]
    left, top, right, bottom = mine[:, 0].min(), mine[:, 1].min(), mine[:, 2].max(), mine[:, 3].max()
    overlaps = [min(a[2], b[2]) - max(a[0], b[0]) for i, a in enumerate(mine) for b in mine[i + 1:]]
    out = [float(len(members) == n) for n in range(1, MAX_GROUP + 1)]
    out += [gap, right - left, bottom - top, min(overlaps, default=0.0)]
    near = distance[list(members)].min(axis=0)
    near[list(members)] = np.inf
    for other in np.argsort(near, kind='stable')[:2]:
        if np.isfinite(near[other]):
            overlap = min(right, boxes[other, 2]) - max(left, boxes[other, 0])
            out += [1.0, float(near[other]), overlap, (boxes[other, 1] + boxes[other, 3] - top - bottom) / 2]
        else:
            out += [0.0, 3.0, -3.0, 0.0]
    out += [0.0, 3.0, -3.0, 0.0] * (2 - min(2, len(near)))
    sides = np.maximum(mine[:, 2] - mine[:, 0], mine[:, 3] - mine[:, 1])
    out.append(float(sides.min() / max(sides.max(), 1e-6)))
    return [v / (1 + abs(v) / 3) for v in out]


def joined(pieces: list[Found], members: tuple[int, ...]) -> Found:
    """Return the pieces of a set as one."""
    found = pieces[members[0]]
    for index in members[1:]:
        found = join(found, pieces[index])
    return found


def cover(members: list[tuple[int, ...]], worth: np.ndarray, count: int, most: int = 1) -> list[tuple[float, tuple]]:
    """Return the choices of sets that hold each of `count` pieces once, of greatest sum of worth, best first.

    Each is (sum, the sets' numbers), `most` at most. A beam search that always fills the first free piece; every piece
    alone must be among the sets.
    """
    by_first = [[] for _ in range(count)]
    for number, key in enumerate(members):
        by_first[key[0]].append((number, sum(1 << index for index in key)))
    everything = (1 << count) - 1
    states = {0: [(0.0, ())]}  # pieces taken, as bits -> the best choices that take them
    for first in range(count):
        following = {}
        for taken, choices in states.items():
            if taken >> first & 1:
                following.setdefault(taken, []).extend(choices)
                continue
            for number, mask in by_first[first]:
                if not taken & mask:
                    following.setdefault(taken | mask, []).extend(
                        (value + float(worth[number]), (*chosen, number)) for value, chosen in choices)
        following = {key: sorted(choices, reverse=True)[:most] for key, choices in following.items()}
        states = dict(sorted(following.items(), key=lambda item: -item[1][0][0])[:BEAM])
    return states[everything]


def assemble(recognizer: CharacterRecognizer, pieces: list[Found], weigh,
             most: int = 1) -> list[tuple[float, list[Found], np.ndarray]]:
    """Return the likeliest sets of symbols that pieces of ink make, best first, `most` at most.

    Each is (log-odds, symbols from left to right, their scores [n, classes]). `weigh(features, scores)` -> log-odds
    [sets] of being one whole symbol.
    """
    boxes = np.array([[f.work.x, f.work.y, f.work.right, f.work.bottom] for f in pieces], np.float32)
    sets = candidate_sets(boxes)
    whole = [joined(pieces, members) for members in sets.members]
    scores, _ = recognizer.scores([symbol_ink(found) for found in whole])
    out = []
    for total, chosen in cover(sets.members, weigh(sets.features, scores), len(pieces), most):
        numbers = sorted(chosen, key=lambda number: whole[number].work.x)
        out.append((total, [whole[number] for number in numbers], scores[numbers]))
    return out
