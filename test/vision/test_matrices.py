"""Matrices: grids between tall brackets are found, and what only looks like one (fractions, scripts, limits) is not."""
import numpy as np
import pytest

from robot_ai.vision.latex import compilable, is_balanced, tokens
from robot_ai.vision.latex_tree import normal_form
from robot_ai.vision.matrices import find_matrices, stand_in

LABELS = ('', '(', ')', '[', ']', '|', '-', '+', '=', '\\sum', *'abcdnxi0123456789')


def find(*symbols):
    """Symbols are (label, left, top, right, bottom)."""
    scores = np.zeros((len(symbols), len(LABELS)), np.float32)
    scores[range(len(symbols)), [LABELS.index(label) for label, *_ in symbols]] = 1
    return find_matrices(scores, np.array([box for _, *box in symbols], np.float32), LABELS)


def letter(label, x, y, size=10):
    return label, x, y, x + size, y + size


def around(height, right, opening='(', closing=')', top=-3):
    return (opening, -8, top, -4, height), (closing, right + 4, top, right + 8, height)


SQUARE = (letter('a', 0, 0), letter('b', 25, 1), letter('c', 1, 20), letter('d', 26, 19))


@pytest.mark.parametrize('opening, closing, environment', [('(', ')', 'pmatrix'), ('[', ']', 'bmatrix'),
                                                           ('|', '|', 'vmatrix')])
def test_a_square_is_found_with_its_brackets(opening, closing, environment):
    one, other = around(33, 36, opening, closing)
    matrix, = find(one, *SQUARE, other)
    assert (matrix.opening, matrix.closing) == (0, 5)
    assert matrix.cells == (((1,), (2,)), ((3,), (4,)))
    latex = matrix.latex([['a', 'b'], ['c', 'd ^ { 2 }']])
    assert latex == f'\\begin{{{environment}}} a & b \\\\ c & d ^ {{ 2 }} \\end{{{environment}}}'
    assert is_balanced(latex) and compilable(latex) == latex == ' '.join(normal_form(latex))
    assert tokens(latex)[0] == f'\\begin{{{environment}}}'


def test_cells_hold_several_symbols_with_scripts_and_signs():
    first = (letter('a', 0, 0), ('2', 11, -3, 17, 4), ('-', 40, 4, 47, 5), letter('1', 49, 0))
    second = (letter('b', 0, 22), ('+', 12, 24, 18, 30), letter('c', 20, 22), letter('0', 46, 22))
    matrix, = find(*first, *second, *around(36, 59, top=-6))
    assert matrix.cells == (((0, 1), (2, 3)), ((4, 5, 6), (7,)))


def test_a_column_and_what_stands_beside_it():
    before = (letter('x', -50, 14), ('=', -32, 17, -22, 23))
    matrix, = find(*before, *around(52, 10), letter('1', 0, 0), letter('2', 0, 20), letter('3', 1, 40))
    assert matrix.cells == (((4,),), ((5,),), ((6,),))
    box = stand_in(np.array([[-8, -3, -4, 52], [14, -3, 18, 52], [0, 0, 10, 10], [0, 20, 10, 30], [1, 40, 11, 50]]),
                   find(*around(52, 10), letter('1', 0, 0), letter('2', 0, 20), letter('3', 1, 40))[0])
    assert box.tolist() == [-8, 19.5, 18, 29.5]


def test_two_matrices_in_one_formula():
    moved = [(label, a + 80, b, c + 80, d) for label, a, b, c, d in (*around(33, 36), *SQUARE)]
    found = find(*around(33, 36), *SQUARE, *moved)
    assert [matrix.opening for matrix in found] == [0, 6]


@pytest.mark.parametrize('symbols', [
    pytest.param((letter('a', 0, 0), ('-', -1, 13, 12, 14), letter('b', 0, 17)), id='a fraction'),
    pytest.param((letter('a', 0, 0), ('-', -1, 13, 12, 14), letter('b', 0, 17), ('+', 18, 10, 25, 17),
                  letter('c', 30, 0), ('-', 29, 13, 42, 14), letter('d', 30, 17)), id='two fractions'),
    pytest.param((('\\sum', 0, 8, 16, 28), letter('n', 4, 0, 6), letter('i', 3, 30, 6), letter('x', 22, 12)),
                 id='limits'),
    pytest.param((letter('x', 0, 10, 12), letter('2', 14, 2, 7), letter('a', 30, 10, 12), letter('2', 44, 2, 7)),
                 id='scripts'),
    pytest.param((letter('a', 0, 0), letter('b', 25, 0)), id='one line'),
    pytest.param((letter('a', 0, 0), letter('b', 25, 0), letter('c', 0, 20)), id='an entry is missing'),
    pytest.param((), id='nothing'),
])
def test_what_is_no_matrix(symbols):
    assert find(*around(33, 42), *symbols) == []


def test_a_bracket_without_its_partner_makes_none():
    assert find(around(33, 36)[0], *SQUARE) == []
    assert find(*around(33, 36)[::-1][:1], *SQUARE) == []
    assert find() == []
