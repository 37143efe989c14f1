r"""Pieces of ink of a formula's picture in, symbols out: the best divisions into sets of pieces that lie near.

What `segmentation.py` does for strokes in the order of writing, for pictures, which have no order: sets of up to five
neighbouring pieces are read by the character recogniser, a small network weighs its scores and their geometry into the
odds that a set is one whole symbol, and a beam search takes the sets of greatest worth that hold each piece once, in
a few ways.
So `\cos` is one symbol of three pieces, = one of two, and a fraction's bar stays apart from what it divides. A piece
that is no sure symbol may be several that touch: the sides of its cuts (`touching.py`) are read and weighed beside the
sets.
"""
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.finding import INK, Found, join, symbol_ink
from robot_ai.vision.ink import Box
from robot_ai.vision.segmentation import MAX_GROUP, UNSURE, box_distances, joining_length, typical_stroke
from robot_ai.vision.touching import cuts

NEAR = 0.8  # typical sizes between two pieces of one symbol, at most
NEAR_MANY = 0.45  # the same where there are more than two
DOT, DOTS, DOTS_APART = 0.25, 3, 1.5  # typical sizes of a dot; so many are an ellipsis; typical sizes between them
MAX_SIDE = 3.2  # typical sizes, longer side of a symbol of several pieces (a bar or a root alone may be longer)
SETS_A_PIECE = 6  # at most so many sets are read, the tightest ones: reading is what costs time
BEAM = 24
SURE = 0.9  # a piece that is one symbol with this score is not cut
LEAST_SIDE = 0.25  # typical sizes of line on both sides of a cut
CUTS = 4  # of a piece at most: those whose two sides read best together, of ...
CUTS_READ = 8
CUT_GAP = -1.0  # feature `gap` of a side of a cut, which has none


@dataclass(frozen=True)
class Candidates:
    """All ink of a picture that may be a symbol, read: first the sets of whole pieces, then sides of cut pieces.

    Pieces that are cut consist of atoms, any other is one: `atoms` of each candidate are numbers below `count`.
    """

    found: list[Found]
    atoms: list[tuple[int, ...]]
    count: int
    features: np.ndarray  # float32 [candidates, segmentation.FEATURES]
    scores: np.ndarray  # float32 [candidates, classes]
    sets: list[tuple[int, ...]]  # the pieces of the first candidates


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
    dots = np.maximum(scaled[:, 2] - scaled[:, 0], scaled[:, 3] - scaled[:, 1]) < DOT
    singles = [(i,) for i in range(count)]
    level, several = singles, {}
    for size in range(2, MAX_GROUP + 1):
        reach, grown = NEAR if size == 2 else NEAR_MANY, {}
        for members in level:
            near = distance[list(members)].min(axis=0)
            tight = size == 2 or several[members] <= NEAR_MANY * (size - 2)  # only tight sets grow, and rows of dots
            dotted = size <= DOTS and dots[list(members)].all()
            for other in np.flatnonzero((tight & (near <= reach)) | (dotted & dots & (near <= DOTS_APART))):
                if other in members:
                    continue
                key = tuple(sorted((*members, int(other))))
                if key in grown:
                    continue
                mine = scaled[list(key)]
                if max(mine[:, 2].max() - mine[:, 0].min(), mine[:, 3].max() - mine[:, 1].min()) > MAX_SIDE:
                    continue
                grown[key] = joining_length(distance[np.ix_(key, key)])
        level = sorted(grown, key=lambda key: _looseness(grown[key], key, dots))[:SETS_A_PIECE * count]
        several.update({key: grown[key] for key in level})
    tightest = sorted(several, key=lambda key: _looseness(several[key], key, dots))
    members = singles + tightest[:(SETS_A_PIECE - 1) * count]
    features = [_features(scaled, distance[list(key)].min(axis=0), key, several.get(key, 0.0)) for key in members]
    return Sets(members, np.array(features, np.float32))


def _looseness(gap, members, dots):
    """Return how loose a set is: a set of many pieces has more gaps, the mean gap says it; dots are never near."""
    return gap / (len(members) - 1) * (0.2 if dots[list(members)].all() else 1.0) + 0.05 * len(members)


def _features(boxes, near, members, gap):
    """Return what a set looks like and how its two nearest neighbours lie; as many as segmentation.py's.

    `near` [n]: the boxes' distances from the set, changed here.
    """
    mine = boxes[list(members)]
    left, top, right, bottom = mine[:, 0].min(), mine[:, 1].min(), mine[:, 2].max(), mine[:, 3].max()
    overlaps = [min(a[2], b[2]) - max(a[0], b[0]) for i, a in enumerate(mine) for b in mine[i + 1:]]
    out = [float(len(members) == n) for n in range(1, MAX_GROUP + 1)]
    out += [gap, right - left, bottom - top, min(overlaps, default=0.0)]
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


def candidates(recognizer: CharacterRecognizer, pieces: list[Found]) -> Candidates:
    """Read every set of pieces, and every side of a cut, that may be a symbol."""
    boxes = _boxes(pieces)
    sets = candidate_sets(boxes)
    found = [joined(pieces, members) for members in sets.members]
    scores, _ = recognizer.scores([symbol_ink(one) for one in found])
    typical = typical_stroke(boxes)
    unsure = [number for number in range(len(pieces)) if recognizer.best(scores[number]) < SURE]
    divided = dict(zip(unsure, _divided(recognizer, [pieces[number] for number in unsure], LEAST_SIDE * typical)))
    count, atoms, features, sides, read = 0, [], [sets.features], [], [scores]
    for number in range(len(pieces)):
        many, mine = divided.get(number, (1, {}))
        atoms.append(tuple(range(count, count + many)))
        for own, (side, row) in mine.items():
            beyond = next(one for other, (one, _) in mine.items() if not set(own) & set(other))
            sides.append((side, tuple(count + atom for atom in own)))
            read.append(row[None])
            features.append(_side_features(boxes, number, side, beyond, typical)[None])
        count += many
    of_sets = [tuple(atom for piece in members for atom in atoms[piece]) for members in sets.members]
    return Candidates(found + [side for side, _ in sides], of_sets + [mine for _, mine in sides], count,
                      np.concatenate(features), np.concatenate(read), sets.members)


def _divided(recognizer, pieces, least):
    """Return for each piece how many atoms it has and its sides {atoms: (ink, scores)}: of and between its cuts."""
    inks = [piece.ink >= INK for piece in pieces]
    ways = [sorted(cuts(ink, least), key=lambda way: -min((way & ink).sum(), (~way & ink).sum()))[:CUTS_READ]
            for ink in inks]
    both = [part(piece, side) for piece, its in zip(pieces, ways) for way in its for side in (way, ~way)]
    read = iter(zip(both, _read(recognizer, both)))  # all at once: the recogniser reads sixteen in the time of one
    out, between = [], []
    for piece, ink, its in zip(pieces, inks, ways):
        sides = [(next(read), next(read)) for _ in its]
        worth = [sum(np.log(recognizer.best(row) + UNSURE) for _, row in pair) for pair in sides]
        kept = np.argsort(-np.array(worth), kind='stable')[:CUTS]
        code = sum((its[way].astype(int) << k for k, way in enumerate(kept)), np.zeros(ink.shape, int))
        codes = np.unique(code[ink])  # of each pixel: on which side of each cut it lies
        everything, mine = set(range(len(codes))), {}
        for k, way in enumerate(kept):
            own = {n for n in everything if codes[n] >> k & 1}
            mine[tuple(sorted(own))], mine[tuple(sorted(everything - own))] = sides[way]
        for one, other in combinations(list(mine), 2):
            own = tuple(sorted(everything - set(one) - set(other)))
            if own and own not in mine and not set(one) & set(other):
                between.append((mine, own, part(piece, np.isin(code, codes[list(own)]))))
        out.append((len(codes), mine))
    for (mine, own, side), row in zip(between, _read(recognizer, [side for _, _, side in between])):
        mine[own] = side, row
    return out


def _boxes(found):
    return np.array([[f.work.x, f.work.y, f.work.right, f.work.bottom] for f in found], np.float32)


def _read(recognizer, inks):
    return recognizer.scores([symbol_ink(ink) for ink in inks])[0] if inks else []


def part(piece: Found, side: np.ndarray) -> Found:
    """Return the part of a piece's ink in `side` (bool, of the ink's shape), which holds some."""
    ys, xs = np.nonzero(side & (piece.ink >= INK))
    top, bottom, left, right = int(ys.min()), int(ys.max()) + 1, int(xs.min()), int(xs.max()) + 1
    work = Box(piece.work.x + left, piece.work.y + top, right - left, bottom - top)
    scale = piece.box.width / piece.work.width, piece.box.height / piece.work.height
    box = Box(round(piece.box.x + left * scale[0]), round(piece.box.y + top * scale[1]),
              max(1, round(work.width * scale[0])), max(1, round(work.height * scale[1])))
    return Found(box, work, np.where(side, piece.ink, 0)[top:bottom, left:right])


def _side_features(boxes, number, side, beyond, typical):
    """Return the features of a side of piece `number`; its neighbours are other pieces and the ink beyond the cut."""
    every = np.concatenate([_boxes([side, beyond]), np.delete(boxes, number, axis=0)]) / typical
    return np.array(_features(every, box_distances(every)[0], (0,), CUT_GAP), np.float32)


def assemble(recognizer: CharacterRecognizer, pieces: list[Found], weigh,
             most: int = 1) -> list[tuple[float, list[Found], np.ndarray]]:
    """Return the likeliest sets of symbols that pieces of ink make, best first, `most` at most.

    Each is (log-odds, symbols from left to right, their scores [n, classes]). `weigh(features, scores)` -> log-odds
    [candidates] of being one whole symbol.
    """
    read = candidates(recognizer, pieces)
    out = []
    for total, chosen in cover(read.atoms, weigh(read.features, read.scores), read.count, most):
        numbers = sorted(chosen, key=lambda number: read.found[number].work.x)
        out.append((total, [read.found[number] for number in numbers], read.scores[numbers]))
    return out
