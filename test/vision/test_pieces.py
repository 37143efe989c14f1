"""Pieces of ink or strokes put together to symbols: each is used once, the best divisions are found, sets stay few."""
import itertools

import numpy as np
import pytest

from robot_ai.vision.expressions import ExpressionRecognizer
from robot_ai.vision.finding import find_pieces
from robot_ai.vision.ink import draw_polylines
from robot_ai.vision.pieces import candidate_sets, cover, joined
from robot_ai.vision.segmentation import divide

EQUALS = [[0, 40, 60, 44], [0, 60, 60, 64]]


def boxes_of(count, seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60 * count ** 0.5, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(4, 60, (count, 2))], axis=1).astype(np.float32)


@pytest.mark.parametrize('count', [1, 2, 7, 40])
def test_single_pieces_come_first_and_sets_stay_few(count):
    sets = candidate_sets(boxes_of(count, count))
    assert sets.members[:count] == [(i,) for i in range(count)]
    assert len(set(sets.members)) == len(sets.members) <= 6 * count
    assert sets.features.shape == (len(sets.members), 18) and np.isfinite(sets.features).all()


def test_two_bars_are_proposed_together_and_far_pieces_are_not():
    members = candidate_sets(np.array([*EQUALS, [400, 30, 440, 80]], np.float32)).members
    assert (0, 1) in members
    assert not any(2 in key and len(key) > 1 for key in members)


def test_cover_takes_the_greatest_sum_and_every_piece_once():
    members = [(0,), (1,), (2,), (0, 2), (1, 2)]
    worth = np.array([-1.0, 2.0, -1.0, 1.0, 0.5])
    assert cover(members, worth, 3) == [(3.0, (3, 1))]
    assert [total for total, _ in cover(members, worth, 3, 9)] == [3.0, 0.0, -0.5]  # all there are
    rng = np.random.default_rng(3)
    members = candidate_sets(boxes_of(25, 9)).members
    (_, chosen), = cover(members, rng.normal(0, 3, len(members)), 25)
    assert sorted(piece for number in chosen for piece in members[number]) == list(range(25))


@pytest.mark.parametrize('most', [1, 3, 100])
def test_divide_finds_the_best_divisions_in_order(most):
    rng = np.random.default_rng(5)
    spans = [(a, b) for a in range(6) for b in range(a + 1, min(a + 3, 6) + 1)]
    worth = rng.normal(0, 2, len(spans))
    every = []
    for cuts in itertools.product((0, 1), repeat=5):
        borders = [0, *(place + 1 for place, cut in enumerate(cuts) if cut), 6]
        parts = list(zip(borders, borders[1:]))
        if all(part in spans for part in parts):
            numbers = [spans.index(part) for part in parts]
            every.append((sum(worth[numbers]), numbers))
    every.sort(reverse=True)
    found = divide(spans, worth, 6, most)
    assert [numbers for _, numbers in found] == [numbers for _, numbers in every[:most]]
    assert [total for total, _ in found] == pytest.approx([total for total, _ in every[:most]])


def test_joined_pieces_hold_all_their_ink():
    picture = np.full((120, 160), 255, np.uint8)
    draw_polylines(picture, [np.array([[30, 45], [110, 45]], np.float32), np.array([[30, 75], [110, 75]], np.float32)],
                   6, 0)
    pieces = find_pieces(picture)
    whole = joined(pieces, (0, 1))
    assert len(pieces) == 2 and whole.work == pieces[0].work.union(pieces[1].work)
    assert int((whole.ink > 128).sum()) == sum(int((p.ink > 128).sum()) for p in pieces)


def test_an_equals_sign_in_a_picture_is_one_symbol():
    lines = [[[0, 0], [40, 0], [15, 70]], [[70, 25], [120, 25]], [[70, 50], [120, 50]],
             [[150, 0], [190, 0], [165, 70]]]
    picture = np.full((150, 270), 230, np.uint8)
    draw_polylines(picture, [np.array(line, np.float32) + 38 for line in lines], 5, 30)
    assert ExpressionRecognizer().recognize(picture).latex == '7 = 7'
