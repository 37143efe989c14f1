"""Symbols are found where they were drawn, marks join their letters, and pictures without writing give nothing."""
import cv2
import numpy as np
import pytest

from robot_ai.vision.finding import find_pieces, find_symbols
from robot_ai.vision.ink import draw_polylines


def paper(height=240, width=320, seed=0, level=205, noise=5):
    rng = np.random.default_rng(seed)
    shade = np.linspace(1.0, 0.72, width)[None, :] * np.linspace(1.0, 0.9, height)[:, None]
    return np.clip(level * shade + rng.normal(0, noise, (height, width)), 0, 255).astype(np.uint8)


def write(picture, *lines, value=45):
    draw_polylines(picture, [np.array(line, np.float32) for line in lines], 4, value)
    return picture


def test_two_symbols_under_a_shadow_are_found_where_they_are():
    picture = write(paper(), [[60, 80], [60, 150]], [[200, 90], [250, 90], [210, 150]])
    boxes = [f.box for f in find_symbols(picture)]
    assert len(boxes) == 2
    assert abs(boxes[0].x - 58) < 4 and abs(boxes[0].height - 74) < 8
    assert abs(boxes[1].x - 198) < 4 and abs(boxes[1].right - 253) < 4


@pytest.mark.parametrize('lines', [
    ([[100, 100], [150, 102]], [[101, 120], [149, 121]]),  # =
    ([[120, 90], [120, 150]], [[120, 70], [121, 71]]),  # i
    ([[90, 110], [160, 110]], [[125, 90], [126, 91]], [[125, 130], [126, 131]]),  # division sign
])
def test_marks_belong_to_their_symbol(lines):
    found = find_symbols(write(paper(), *lines))
    assert len(found) == 1


def test_reading_order_is_lines_then_left_to_right():
    picture = write(paper(), [[200, 40], [200, 90]], [[60, 45], [60, 95]], [[120, 160], [120, 210]])
    assert [round(f.box.x, -1) for f in find_symbols(picture)] == [60, 200, 120]


def test_chalk_on_a_board_is_found():
    board = 255 - paper()
    found = find_symbols(write(board, [[60, 80], [60, 150]], value=210))
    assert len(found) == 1


@pytest.mark.parametrize('name', ['paper', 'noise', 'gradient', 'black', 'checks', 'edge'])
def test_nothing_is_found_where_nothing_is_written(name):
    rng = np.random.default_rng(4)
    ys, xs = np.mgrid[0:240, 0:320]
    picture = {'paper': paper(noise=9), 'noise': rng.integers(0, 256, (240, 320)),
               'gradient': xs * 255 // 320, 'black': xs * 0,
               'checks': ((xs // 20 + ys // 20) % 2) * 255,
               'edge': np.where(xs + ys // 3 < 180, 60, 190)}[name].astype(np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0)
    assert find_symbols(picture) == []


@pytest.mark.parametrize('shape', [(1, 1), (3, 500), (9, 9), (3000, 4000)])
def test_odd_sizes_do_not_fail(shape):
    assert find_symbols(np.full(shape, 180, np.uint8)) == []


def test_dots_and_small_signs_beside_a_long_bar_are_found():
    picture = np.full((160, 900), 255, np.uint8)
    draw_polylines(picture, [np.array(line, np.float32) for line in (
        [[20, 80], [880, 80]], [[100, 40], [100, 60]], [[130, 58], [131, 58]], [[160, 40], [175, 60]])], 3, 0)
    assert len(find_pieces(picture)) == 4  # the bar, a 1, a full stop and a stroke


def test_specks_finer_than_the_pen_are_left_out():
    picture = np.full((400, 400), 255, np.uint8)
    draw_polylines(picture, [np.array([[100, 60], [300, 60], [180, 340]], np.float32)], 24, 0)
    rng = np.random.default_rng(4)
    for x, y in rng.integers(20, 380, (12, 2)):
        cv2.circle(picture, (int(x), int(y)), 3, 0, -1)
    assert len(find_pieces(picture)) == 1
