"""Touching symbols: skeletons are thin and whole, cuts part what touches, and the pieces' candidates hold every way."""
import cv2
import numpy as np
import pytest

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.finding import INK, find_pieces
from robot_ai.vision.ink import draw_polylines
from robot_ai.vision.pieces import candidates, cover, part
from robot_ai.vision.touching import cuts, skeleton

SEVEN = [[30, 40], [75, 40], [50, 110]]
ONE = [[95, 40], [95, 110]]


def drawn(lines, shape=(150, 180), width=5):
    picture = np.full(shape, 255, np.uint8)
    draw_polylines(picture, [np.array(line, np.float32) for line in lines], width, 0)
    return picture


@pytest.mark.parametrize('width', [1, 3, 8])
def test_a_skeleton_is_thin_and_hangs_together(width):
    mask = drawn([SEVEN, [[50, 75], [120, 75]]], width=width) < 128
    thin = skeleton(mask)
    assert (thin <= mask).all()
    assert cv2.connectedComponents(thin.astype(np.uint8), connectivity=8)[0] == 2  # paper and one line
    squares = thin[1:, 1:] & thin[1:, :-1] & thin[:-1, 1:] & thin[:-1, :-1]
    assert not squares.any()
    assert 140 < thin.sum() < 260  # 45 + 74 + 65 px of line, less what a slope shares


def test_a_line_that_ends_at_another_is_cut_off_there():
    mask = drawn([[[20, 40], [160, 40]], [[90, 40], [90, 120]]]) < 128
    below = np.zeros_like(mask)
    below[48:] = True
    shares = [[(side & mask & below).sum() / (mask & below).sum(), (side & mask & ~below).sum() / (mask & ~below).sum()]
              for way in cuts(mask, 15) for side in (way, ~way)]
    assert any(under > 0.95 and over < 0.1 for under, over in shares)


def test_a_crossing_is_cut_between_lines_that_go_straight_on():
    mask = drawn([[[20, 75], [160, 75]], [[90, 20], [90, 130]]]) < 128
    across = np.zeros_like(mask)
    across[70:81] = True
    assert any((side & mask & across).sum() > 0.9 * (mask & across).sum() and (side & mask & ~across).sum() < 60
               for way in cuts(mask, 15) for side in (way, ~way))


@pytest.mark.parametrize('lines', [[ONE], [[[30, 30], [120, 30], [120, 120], [30, 120], [30, 30]]]])
def test_what_has_no_junction_is_not_cut(lines):
    assert cuts(drawn(lines) < 128, 10) == []


def test_candidates_of_touching_symbols_hold_the_true_ones_and_always_cover():
    recognizer = CharacterRecognizer()
    pieces = find_pieces(drawn([SEVEN, [[64, 75], [110, 75]], [[110, 40], [110, 110]]]))
    assert len(pieces) == 1
    read = candidates(recognizer, pieces)
    assert read.count > 1 and read.sets == [(0,)] and read.atoms[0] == tuple(range(read.count))
    assert len(read.found) == len(read.atoms) == len(read.features) == len(read.scores)
    assert np.isfinite(read.features).all()
    rng = np.random.default_rng(2)
    for _ in range(20):  # whatever they are worth
        (_, chosen), *_ = cover(read.atoms, rng.normal(0, 3, len(read.atoms)), read.count)
        assert sorted(atom for number in chosen for atom in read.atoms[number]) == list(range(read.count))
    assert not set(read.atoms[1]) & set(read.atoms[2])  # both sides of one cut
    assert sum((side.ink >= INK).sum() for side in read.found[1:3]) == (pieces[0].ink >= INK).sum()


def test_a_part_keeps_its_place_and_its_ink():
    piece, = find_pieces(drawn([SEVEN]))
    side = np.zeros(piece.ink.shape, bool)
    side[: piece.ink.shape[0] // 2] = True
    upper, lower = part(piece, side), part(piece, ~side)
    assert upper.work.union(lower.work) == piece.work
    assert (upper.ink >= INK).sum() + (lower.ink >= INK).sum() == (piece.ink >= INK).sum()


def test_a_blob_is_not_cut():
    blob = np.zeros((300, 400), np.uint8)
    cv2.circle(blob, (150, 150), 80, 255, -1)
    cv2.line(blob, (150, 150), (390, 150), 255, 12)
    cv2.line(blob, (300, 150), (300, 280), 255, 12)
    assert cuts(blob > 0, 20) == []
    assert cuts((blob > 0) & (np.arange(400) > 250), 20) != []  # its stem alone is
