"""config/*.yaml against the nodes' tables: every name exists, every value is taken, default.yaml tells the defaults."""
import importlib
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy')

from robot_ai.nodes.common import AUTOSTART, RELIABLE, ManagedNode, PlainNode  # noqa: E402
from robot_ai.paths import share_directory  # noqa: E402

NODES = sorted(path.stem for path in (Path(importlib.import_module('robot_ai.nodes').__file__).parent).glob('*.py'))
FILES = sorted((share_directory() / 'config').glob('*.yaml'))


def tables():
    """Return {node: {parameter name: Parameter}} of every node."""
    found = {}
    for name in NODES:
        module = importlib.import_module(f'robot_ai.nodes.{name}')
        for kind in vars(module).values():
            if (isinstance(kind, type) and issubclass(kind, (ManagedNode, PlainNode))
                    and kind.__module__ == module.__name__ and name == kind.NAME):
                found[name] = {parameter.name: parameter for parameter in (RELIABLE, AUTOSTART, *kind.PARAMETERS)}
    return found


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_every_parameter_exists_and_every_value_is_taken(path):
    known = tables()
    assert {'microphone', 'speech_to_text', 'speaker'} <= set(known)
    for key, section in yaml.safe_load(path.read_text(encoding='utf-8')).items():
        node = key.rpartition('/')[2]
        if node == 'robot':  # read by the launch file
            continue
        assert node in known, f'{path.name}: {key} is no node'
        for name, value in section['ros__parameters'].items():
            if name == 'use_sim_time':
                continue
            assert name in known[node], f'{path.name}: {node} has no parameter {name}'
            parameter = known[node][name]
            assert type(value) is type(parameter.default), f'{path.name}: {node}.{name}'
            assert parameter.fault(value) == ''


def test_default_yaml_tells_the_defaults():
    document = yaml.safe_load((share_directory() / 'config' / 'default.yaml').read_text(encoding='utf-8'))
    known = tables()
    for key, section in document.items():
        for name, value in section['ros__parameters'].items():
            assert known[key.rpartition('/')[2]][name].default == value, f'{key} {name}'


def test_every_default_is_taken_by_its_own_rule():
    for node, table in tables().items():
        for parameter in table.values():
            assert parameter.fault(parameter.default) == '', f'{node}.{parameter.name}'
            assert parameter.description, f'{node}.{parameter.name}'
