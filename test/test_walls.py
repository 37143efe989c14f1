"""Walls between the parts: the core knows no ROS, and the robot needs neither TensorFlow nor the trainers."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / 'robot_ai'
ROS = {'rclpy', 'std_msgs', 'sensor_msgs', 'diagnostic_msgs', 'lifecycle_msgs', 'rosgraph_msgs', 'std_srvs', 'launch',
       'launch_ros', 'rcl_interfaces', 'builtin_interfaces', 'ament_index_python'}
TRAINERS = {'tensorflow', 'keras', 'training', 'tensorboard', 'jiwer', 'apache_beam'}
# Run-time dependencies without a rosdep key, or newer than Ubuntu 24.04's package: `make` or pip installs them.
NO_ROSDEP_KEY = {
    'ai-edge-litert', 'anyascii', 'num2words', 'soxr', 'SpeechRecognition', 'webrtcvad-wheels', 'av', 'uvicorn',
    'websockets', 'starlette', 'ruamel.yaml'}
ROSDEP_KEYS = {  # distribution -> key in package.xml, as rosdistro's rosdep/python.yaml has it
    'numpy': 'python3-numpy', 'opencv-python-headless': 'python3-opencv', 'pyyaml': 'python3-yaml',
    'jsonschema': 'python3-jsonschema', 'soundfile': 'python3-soundfile', 'cryptography': 'python3-cryptography',
    'scipy': 'python3-scipy', 'psutil': 'python3-psutil', 'segno': 'python3-segno',
    'transitions': 'python3-transitions', 'rapidfuzz': 'python3-rapidfuzz-pip', 'rosbags': 'python3-rosbags-pip'}

FILES = sorted(p for p in PACKAGE.rglob('*.py'))


def imports(path: Path, everywhere: bool) -> set[str]:
    """Return the top-level packages that a file imports; `everywhere`: inside functions too."""
    found = set()
    tree = ast.parse(path.read_text(encoding='utf-8'))
    inside = {id(child) for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
              for child in ast.walk(node)}
    for node in ast.walk(tree):
        if not everywhere and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition('.')[0])
    return found


def is_core(path: Path) -> bool:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] not in ('nodes', 'commands') and relative.name != 'testing.py'


def name(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


@pytest.mark.parametrize('path', [p for p in FILES if is_core(p)], ids=name)
def test_the_core_imports_no_ros_anywhere(path):
    assert not imports(path, everywhere=True) & ROS


@pytest.mark.parametrize('path', [p for p in FILES if not is_core(p) and 'nodes' not in p.parts], ids=name)
def test_commands_import_ros_only_when_they_run(path):
    assert not imports(path, everywhere=False) & ROS


@pytest.mark.parametrize('path', FILES, ids=name)
def test_nothing_of_the_robot_imports_a_trainer_at_module_level(path):
    assert not imports(path, everywhere=False) & TRAINERS


def modules(select):
    parts = [p.relative_to(CHECKOUT).with_suffix('').parts for p in FILES if select(p)]
    return ['.'.join(p[:-1] if p[-1] == '__init__' else p) for p in parts if p[-1] != '__main__']


def loaded_by(names) -> set[str]:
    """Return the top-level packages that a fresh Python has loaded after importing `names`."""
    code = ('import importlib, sys\n'
            f'for name in {names!r}: importlib.import_module(name)\n'
            'print(" ".join({m.partition(".")[0] for m in sys.modules}))')
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_importing_the_whole_core_loads_neither_ros_nor_a_trainer():
    assert not loaded_by(modules(is_core)) & (ROS | TRAINERS)


def test_importing_every_node_loads_no_trainer():
    pytest.importorskip('rclpy')
    assert not loaded_by(modules(lambda p: 'nodes' in p.parts)) & TRAINERS


def requirements() -> set[str]:
    """Return the names in setup.py's install_requires."""
    tree = ast.parse((CHECKOUT / 'setup.py').read_text(encoding='utf-8'))
    keyword = next(k for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords
                   if k.arg == 'install_requires')
    return {entry.split(';')[0].split('>')[0].split('=')[0].split('[')[0].strip()
            for entry in ast.literal_eval(keyword.value)}


def test_every_dependency_has_a_rosdep_key_in_package_xml_or_is_listed_as_without():
    declared = (CHECKOUT / 'package.xml').read_text(encoding='utf-8')
    for requirement in sorted(requirements()):
        if requirement in NO_ROSDEP_KEY:
            continue
        key = ROSDEP_KEYS.get(requirement)
        assert key, f'{requirement}: give its rosdep key in this test and package.xml, or list it in NO_ROSDEP_KEY'
        assert f'<exec_depend>{key}</exec_depend>' in declared, f'package.xml: <exec_depend>{key}</exec_depend> missing'


def test_the_list_of_those_without_a_key_holds_no_other():
    assert requirements() >= NO_ROSDEP_KEY, sorted(NO_ROSDEP_KEY - requirements())
