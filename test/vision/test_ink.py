"""The one ink normaliser: golden vectors, polarity, scale, degenerate input.

Catches any change of what the networks see: a trainer and a robot that normalise differently lose accuracy silently.
"""
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robot_ai.errors import ImageError
from robot_ai.vision.ink import SIZE, fit_ink, ink_of_strokes, normalize_symbol, render_strokes, to_grey

GOLDEN = json.loads((Path(__file__).parent / 'golden_ink.json').read_text())
SEVEN = [[[0, 0], [40, 2], [25, 60]], [[12, 30], [36, 28]]]


@pytest.mark.parametrize('case', GOLDEN, ids=lambda case: case['name'])
def test_golden_vectors(case):
    got = ink_of_strokes(case['strokes'], case['width']).astype(int)
    expected = np.array(case['ink'], int).reshape(SIZE, SIZE)
    # OpenCV's versions antialias a little differently.
    assert np.abs(got - expected).mean() < 2
    assert (np.abs(got - expected) > 64).sum() <= 6


def test_hand_computed_square():
    picture = np.full((40, 60), 255, np.uint8)
    picture[10:20, 30:50] = 0  # 20 wide, 10 high: becomes 26 by 13, centred
    ink = normalize_symbol(picture)
    ys, xs = np.flatnonzero(ink.max(axis=1) > 127), np.flatnonzero(ink.max(axis=0) > 127)
    assert (xs[0], xs[-1]) == (3, 28)
    assert (ys[0], ys[-1]) in ((9, 21), (10, 22))


def test_dark_on_light_and_light_on_dark_are_one():
    picture = render_strokes(SEVEN)
    np.testing.assert_array_equal(normalize_symbol(picture), normalize_symbol(255 - picture))


def test_size_and_place_do_not_matter():
    small = ink_of_strokes(SEVEN).astype(int)
    large = ink_of_strokes([[[7 * x + 900, 7 * y - 40] for x, y in stroke] for stroke in SEVEN]).astype(int)
    assert np.abs(small - large).mean() < 1


@pytest.mark.parametrize('blank', [np.full((50, 30), 200, np.uint8), np.zeros((1, 1), np.uint8),
                                   np.full((9, 9, 3), 17, np.uint8)])
def test_blank_gives_no_ink(blank):
    assert not normalize_symbol(blank).any()


def test_colour_depth_and_channels_agree():
    grey = render_strokes(SEVEN)
    colour = np.repeat(grey[..., None], 3, axis=2)
    for same in (colour, grey.astype(np.uint16) << 8, grey / 255.0,
                 np.dstack([colour, np.full(grey.shape, 255, np.uint8)])):
        assert np.abs(normalize_symbol(same).astype(int) - normalize_symbol(grey)).max() <= 3


@pytest.mark.parametrize('bad', [np.zeros((0, 5), np.uint8), np.zeros((4, 4, 2), np.uint8), np.zeros(5, np.uint8),
                                 np.array([['a']])])
def test_other_arrays_are_refused(bad):
    with pytest.raises(ImageError):
        to_grey(bad)


@pytest.mark.parametrize('bad', [[[1, 2]], [[[1]]], [[[float('nan'), 1]]], 'ab', [[['x', 'y']]],
                                 [[[0, 0]] * 20_001]])
def test_bad_strokes_are_refused(bad):
    with pytest.raises(ImageError):
        render_strokes(bad)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
@settings(max_examples=60, deadline=None)
def test_any_picture_gives_ink_of_one_size(picture):
    ink = normalize_symbol(picture)
    assert ink.shape == (SIZE, SIZE) and ink.dtype == np.uint8
    assert fit_ink(picture).shape == (SIZE, SIZE)
