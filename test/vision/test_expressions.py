"""Formulas from strokes and from pictures: known ones are read, any drawing gives balanced LaTeX."""
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_ai.errors import ImageError
from robot_ai.vision.expressions import ExpressionRecognizer
from robot_ai.vision.ink import draw_polylines
from robot_ai.vision.latex import compilable, is_balanced
from robot_ai.vision.latex_tree import normal_form
from robot_ai.vision.layout import Node, latex_of, rule_tree

SEVEN = [[[0, 0], [60, 0], [25, 100]]]
PLUS = [[[0, 50], [80, 50]], [[40, 10], [40, 90]]]
FOUR = [[[35, 0], [0, 60], [70, 60]], [[50, 30], [50, 100]]]


def placed(strokes, x, y, scale=1.0):
    return [[[x + scale * a, y + scale * b] for a, b in stroke] for stroke in strokes]


SUM = placed(SEVEN, 0, 0) + placed(PLUS, 100, 0) + placed(FOUR, 220, 0)
POWER = placed(SEVEN, 0, 60) + placed(FOUR, 75, 0, 0.55)
FRACTION = placed(SEVEN, 40, 0) + [[[0, 130], [140, 130]]] + placed(FOUR, 35, 160)


@pytest.fixture(scope='module')
def recognizer():
    return ExpressionRecognizer()


@pytest.mark.parametrize(('strokes', 'latex'), [(SUM, '7+4'), (POWER, '7^4'), (FRACTION, '\\frac{7}{4}')])
def test_known_formulas(recognizer, strokes, latex):
    assert normal_form(recognizer.recognize_strokes(strokes).latex) == normal_form(latex)
    picture = np.full((340, 420), 225, np.uint8)
    draw_polylines(picture, [np.array(s, np.float32) + 40 for s in strokes], 6, 40)
    assert normal_form(recognizer.recognize(picture).latex) == normal_form(latex)


def test_a_matrix(recognizer):
    def bend(x, sign):
        return [[x + sign * 30 * (1 - (y / 140 - 1) ** 2), y - 20] for y in range(0, 281, 20)]
    strokes = [bend(-40, -1), *placed(SEVEN, 0, 0), *placed(FOUR, 150, 0), *placed(FOUR, 0, 140),
               *placed(SEVEN, 150, 140), bend(260, 1)]
    assert recognizer.recognize_strokes(strokes).latex == '\\begin{pmatrix} 7 & 4 \\\\ 4 & 7 \\end{pmatrix}'
    picture = np.full((400, 480), 225, np.uint8)
    draw_polylines(picture, [np.array(s, np.float32) + (110, 50) for s in strokes], 6, 40)
    found = recognizer.recognize(picture)
    assert found.latex == '\\begin{pmatrix} 7 & 4 \\\\ 4 & 7 \\end{pmatrix}'
    assert len(found.symbols) == 6 and 0 < found.score <= 1


def test_blank_paper_and_no_strokes_give_nothing(recognizer):
    for expression in (recognizer.recognize(np.full((200, 300), 220, np.uint8)), recognizer.recognize_strokes([])):
        assert (expression.latex, expression.score, expression.symbols) == ('', 0.0, ())


def test_bad_input_is_refused(recognizer):
    with pytest.raises(ImageError):
        recognizer.recognize_strokes([[['a', 'b']]])
    with pytest.raises(ImageError):
        recognizer.recognize(np.zeros((0, 3)))


@given(st.lists(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200)), min_size=1, max_size=8),
                min_size=1, max_size=14))
@settings(max_examples=30, deadline=None)
def test_any_drawing_gives_balanced_latex_that_parses(strokes):
    recognizer = _shared()
    latex = recognizer.recognize_strokes([list(map(list, s)) for s in strokes]).latex
    assert is_balanced(latex) and is_balanced(compilable(latex))
    normal_form(latex)


_KEPT = []


def _shared():
    if not _KEPT:
        _KEPT.append(ExpressionRecognizer())
    return _KEPT[0]


def test_rules_alone_lay_out_a_fraction_a_root_and_scripts():
    def node(label, left, top, right, bottom):
        return Node(label, (left, top, right, bottom))
    fraction = [node('-', 0, 50, 60, 52), node('a', 20, 10, 40, 40), node('b', 20, 60, 40, 90)]
    assert latex_of(rule_tree(fraction)) == '\\frac { a } { b }'
    root = [node('\\sqrt', 0, 0, 60, 60), node('x', 25, 20, 50, 55), node('2', 70, 20, 90, 60)]
    assert latex_of(rule_tree(root)) == '\\sqrt { x } 2'
    scripts = [node('x', 0, 40, 40, 80), node('2', 45, 20, 60, 45), node('n', 42, 75, 60, 95)]
    assert normal_form(latex_of(rule_tree(scripts))) == normal_form('x^2_n')


def test_a_page_of_print_is_no_formula(recognizer):
    page = np.full((480, 640), 225, np.uint8)
    for row in range(8):
        cv2.putText(page, 'some printed text of 2026', (20, 50 + 52 * row), cv2.FONT_HERSHEY_COMPLEX, 1.0, 40, 2)
    assert recognizer.recognize(page).latex == ''


def test_a_large_drawing_is_cut_off_not_refused(recognizer):
    many = [s for k in range(60) for s in placed(PLUS, 100 * k, 0)]
    assert is_balanced(recognizer.recognize_strokes(many).latex)
    assert recognizer.recognize(cv2.resize(np.full((10, 10), 255, np.uint8), (5000, 40))).latex == ''
