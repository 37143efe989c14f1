r"""What is recognised compiles: every label and every tree that may come out is rendered by KaTeX, the page's renderer.

KaTeX runs in QuickJS with errors thrown and LaTeX's own strictness; `\tilde{n}` and the like pass through
`compilable`, as they do in the documents of `robot-ai read --tex`.
"""
import json
import re
from pathlib import Path

import pytest
import quickjs
from hypothesis import given, settings
from hypothesis import strategies as st

import robot_ai.web
from robot_ai.commands.read import document
from robot_ai.model_store import find_model, load_model
from robot_ai.vision.latex import compilable
from robot_ai.vision.layout import RELATIONS, Node, latex_of

KATEX = Path(robot_ai.web.__file__).parent / 'static' / 'vendor' / 'katex' / 'katex.min.js'
OPTIONS = {'throwOnError': True, 'strict': 'error', 'displayMode': True}
LABELS = [label for label in load_model(find_model('characters')).labels if label]
_CONTEXT = []


def render(latex: str) -> str:
    """Return KaTeX's HTML; quickjs.JSException where the formula does not compile."""
    if not _CONTEXT:
        _CONTEXT.append(quickjs.Context())
        _CONTEXT[0].eval(KATEX.read_text(encoding='utf-8') + '; 0')  # a value that Python can hold
    # normalize(): this QuickJS hands no string over that it still holds in pieces
    return _CONTEXT[0].eval(f'katex.renderToString({json.dumps(latex)}, {json.dumps(OPTIONS)}).normalize()')


@pytest.mark.parametrize('broken', ['\\frac{a', 'x^', '{', '\\nosuchcommand', 'a & b', 'x_1_2'])
def test_the_renderer_refuses_what_latex_would(broken):
    with pytest.raises(quickjs.JSException):
        render(broken)


def test_every_label_compiles_alone_and_with_scripts():
    for label in LABELS:
        node = Node(label, (0, 0, 1, 1), {'sup': Node('2', (0, 0, 1, 1)), 'sub': Node('n', (0, 0, 1, 1))})
        for latex in (label, latex_of(node)):
            assert 'katex' in render(compilable(latex)), label


TREES = st.recursive(
    st.builds(lambda label: Node(label, (0, 0, 1, 1)), st.sampled_from(LABELS)),
    lambda children: st.builds(lambda label, below: Node(label, (0, 0, 1, 1), below), st.sampled_from(LABELS),
                               st.dictionaries(st.sampled_from(RELATIONS), children, max_size=3)), max_leaves=12)


@given(TREES)
@settings(max_examples=150, deadline=None)
def test_any_tree_compiles(tree):
    assert 'katex' in render(compilable(latex_of(tree)))


def test_a_matrix_compiles():
    latex = '\\begin{pmatrix} a & \\lt \\\\ ñ & \\sqrt { x } \\end{pmatrix} ^ { 2 }'
    assert render(compilable(latex)).count('<mtd>') == 4


def test_a_document_holds_formulas_that_compile():
    text = document([('a_b%.png', '\\frac { ñ } { 2 } \\lt \\{ x \\}'), ('blank.png', '')])
    formulas = re.findall(r'\\\[ (.*) \\\]', text)
    assert len(formulas) == 1 and 'katex' in render(formulas[0])
    assert 'a\\_b\\%.png' in text and '(nothing here)' in text
