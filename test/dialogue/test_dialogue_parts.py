"""The parts of DialogueMachine use of each other what their docstrings say, and share only what WorkingMemory declares.

A newcomer reads those two places; an attribute that comes from nowhere would send them through four files.
"""
import ast
import inspect

import pytest

from robot_ai.dialogue.hearing import Hearing
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.dialogue.reacting import Reacting
from robot_ai.dialogue.voice import Voice
from robot_ai.dialogue.working_memory import WorkingMemory

PARTS = (DialogueMachine, Hearing, Reacting, Voice)


def used(cls) -> set:
    """Return the names that a class's own source takes from `self`."""
    tree = ast.parse(inspect.getsource(cls))
    return {n.attr for n in ast.walk(tree)
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == 'self'}


@pytest.mark.parametrize('cls', PARTS)
def test_a_part_says_what_it_uses_of_the_others(cls):
    shared = set(vars(WorkingMemory)) | set(WorkingMemory.__annotations__) | used(WorkingMemory)
    foreign = used(cls) - set(vars(cls)) - shared
    others = {name for part in PARTS if part is not cls for name in vars(part)}
    assert foreign <= others
    named = {word.strip('`,.;') for word in cls.__doc__.split() if word.startswith('`_')}
    assert named == foreign


def test_a_fresh_start_sets_all_that_is_not_fixed():
    cleared = {n.attr for n in ast.walk(ast.parse(inspect.getsource(WorkingMemory)))
               if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    methods = {name for part in (*PARTS, WorkingMemory) for name in vars(part)}
    assert set().union(*(used(part) for part in PARTS)) - methods == cleared | set(WorkingMemory.__annotations__)
