"""Print is told from writing by its twins and its straight lines; a few pieces, or a hand's, never are."""
import cv2
import numpy as np
import pytest

from robot_ai.vision.finding import find_pieces
from robot_ai.vision.printed import is_printed


def page(text, places=None, tilt=0.0):
    """Draw letters as a typewriter would, or at `places` [n, 2] where given."""
    picture = np.full((200, 900), 255, np.uint8)
    for number, letter in enumerate(text):
        x, y = (30 + 42 * number, 100) if places is None else places[number]
        y = int(round(y + tilt * x))
        cv2.putText(picture, letter, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 4, cv2.LINE_AA)
    return find_pieces(picture)


@pytest.mark.parametrize('tilt', [0.0, 0.05])
def test_letters_on_a_line_are_print(tilt):
    assert is_printed(page('BREAKDOWNSZ', tilt=tilt))


def test_twins_are_print_wherever_they_stand():
    rng = np.random.default_rng(0)
    scattered = [(30 + 90 * n, int(rng.integers(60, 180))) for n in range(8)]
    assert is_printed(page('RSRSRSRS', scattered))


def test_letters_that_differ_and_dance_are_no_print():
    rng = np.random.default_rng(0)
    dancing = [(30 + 60 * n, int(100 + rng.choice([-22, -9, 4, 17, 26]))) for n in range(11)]
    assert not is_printed(page('BREAKDOWNSZ', dancing))


@pytest.mark.parametrize('text', ['', 'A', 'ABE', '1+1'])
def test_a_few_pieces_tell_nothing(text):
    assert not is_printed(page(text))
