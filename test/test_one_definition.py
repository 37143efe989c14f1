"""Names that must stand in two files, because one of them is no Python, are the same in both."""
import ast
import json
from pathlib import Path

import pytest

from robot_ai.dialogue import lexicon, mishearing, slots, wording
from robot_ai.speech.endpointing import PROFILES

CHECKOUT = Path(__file__).resolve().parent.parent


def schema():
    return json.loads((CHECKOUT / 'robot_ai' / 'dialogue' / 'schema.json').read_text('utf-8'))


def test_a_dialogue_may_choose_every_endpointing_profile():
    assert schema()['$defs']['state']['properties']['endpointing']['enum'] == list(PROFILES)


def test_every_language_of_a_dialogue_has_every_table():
    languages = set(schema()['properties']['language']['enum'])
    for module in (lexicon, mishearing, slots, wording):
        for name, table in vars(module).items():
            if name.isupper() and isinstance(table, dict) and 'es' in table:
                assert set(table) == languages, f'{module.__name__}.{name}'


def test_every_node_of_the_assistant_can_be_run_alone():
    pytest.importorskip('rclpy')
    from robot_ai.nodes.assembly import CLASSES
    tree = ast.parse((CHECKOUT / 'setup.py').read_text('utf-8'))
    nodes = next(ast.literal_eval(n.value) for n in tree.body
                 if isinstance(n, ast.Assign) and n.targets[0].id == 'NODES')
    assert set(nodes) == set(CLASSES)
