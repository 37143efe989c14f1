"""What a robot's configuration file says of the whole: nodes to leave out, topics to rename.

Such a file is a parameter YAML like any other, in which the block `/**/robot`, the name of no node, holds
`without` and `remappings`. The launch file and `robot-ai assistant` both read it here.
"""
from dataclasses import dataclass
from pathlib import Path

from robot_ai.errors import ConfigurationError
from robot_ai.paths import find_file
from robot_ai.yaml_files import read_yaml_file

BLOCK = '/**/robot'


@dataclass(frozen=True)
class Robot:
    """One robot: its parameter file, the nodes that it makes needless, rules like 'audio:=/audio'."""

    params_file: Path
    without: tuple[str, ...] = ()
    remappings: tuple[str, ...] = ()


def load_robot(name: str) -> Robot:
    """Read `name`: a robot of config/ ('pepper') or a path. ConfigurationError where it cannot be used."""
    path = find_file(name if name.endswith('.yaml') else f'{name}.yaml', 'config')
    document = read_yaml_file(path)
    try:
        block = document.get(BLOCK, {}).get('ros__parameters', {})
        robot = Robot(path, tuple(block.get('without', ())), tuple(block.get('remappings', ())))
    except (AttributeError, TypeError) as error:
        raise ConfigurationError(f'{path}: no parameter file with a block {BLOCK}: {error}') from None
    for rule in robot.remappings:
        if not isinstance(rule, str) or len(rule.split(':=')) != 2:
            raise ConfigurationError(f'{path}: remappings: expected FROM:=TO, got {rule!r}')
    return robot
