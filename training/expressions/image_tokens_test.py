"""The image model's tokens: a formula's way there and back, and that all the grammar lets out compiles."""
import json
from pathlib import Path

import numpy as np
import pytest

import robot_ai.web
from robot_ai.vision.latex import compilable
from robot_ai.vision.latex_tree import normal_form, parse
from robot_ai.vision.layout import latex_of
from training.expressions.image_tokens import END, Grammar, linear, to_latex, vocabulary_of

KATEX = Path(robot_ai.web.__file__).parent / 'static' / 'vendor' / 'katex' / 'katex.min.js'


def test_tokens_by_hand():
    pairs = list(linear(parse('\\frac{a}{b}^2 + \\sqrt[3]{x_1}')))
    assert [token for token, _ in pairs] == ['\\frac', 'a', '\\over', 'b', '}', '^', '2', '}', '+', '\\root', '3',
                                             '\\of', 'x', '_', '1', '}', '}']
    assert [node.label for _, node in pairs] == ['-', 'a', '-', 'b', '-', '2', '2', '-', '+', '\\sqrt', '3', '\\sqrt',
                                                 'x', '1', '1', 'x', '\\sqrt']


@pytest.mark.parametrize('latex', ['x', 'x_i^2', '\\sum_{i=0}^n i', '\\frac{\\sqrt{a}}2', 'e^{x^2}', '\\sqrt[3]2'])
def test_tokens_there_and_back(latex):
    tree = parse(latex)
    assert to_latex([token for token, _ in linear(tree)]) == latex_of(tree)


def walk(grammar, rng):
    written = []
    while True:
        token = sorted(grammar.allowed(written))[rng.integers(len(grammar.allowed(written)))]
        if token == END:
            return written
        written.append(token)


def test_what_the_grammar_allows_ends_in_time_and_compiles():
    quickjs = pytest.importorskip('quickjs')
    context = quickjs.Context()
    context.eval(KATEX.read_text(encoding='utf-8') + '; 0')
    vocabulary = vocabulary_of([['x', '1', '\\lt', '\\sum', '[', ']', '\\{', '\\prime', '\\lim']])
    rng, lengths, used = np.random.default_rng(3), set(), set()
    for _ in range(300):
        length = int(rng.integers(2, 24))
        written = walk(Grammar(vocabulary, length), rng)
        assert 1 <= len(written) < length
        latex = to_latex(written)
        if '\\prime' not in written:  # which is a superscript wherever it stands
            assert ' '.join(normal_form(latex)) == latex
        options = {'throwOnError': True, 'strict': 'error', 'displayMode': True}
        context.eval(f'katex.renderToString({json.dumps(compilable(latex))}, {json.dumps(options)}).normalize()')
        lengths.add(len(written))
        used |= set(written)
    assert used == {*vocabulary} - {END} and len(lengths) > 12  # a grammar that allowed little would prove little


def test_the_grammar_forbids():
    grammar = Grammar(vocabulary_of([['x', ']']]), 30)
    assert END not in grammar.allowed([]) and '^' not in grammar.allowed([]) and '}' not in grammar.allowed(['x'])
    assert '}' not in grammar.allowed(['x', '^']) and END not in grammar.allowed(['x', '^', 'x'])
    assert not {'_', '^'} & grammar.allowed(['x', '^', 'x', '}'])  # x ^ 2 ^ 3 is no LaTeX
    assert ']' not in grammar.allowed(['\\root', 'x']) and ']' in grammar.allowed(['\\root', 'x', '\\of', 'x'])
    assert '}' not in grammar.allowed(['\\frac', 'x']) and '\\over' in grammar.allowed(['\\frac', 'x'])
    assert grammar.allowed(['x'] * 29) == {END} and Grammar(['', 'x', '^', '}'], 3).allowed(['x', 'x']) == {END}
