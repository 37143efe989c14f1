"""What the code must never do: unpickle, evaluate, start a shell, load YAML that makes objects, leave this machine."""
import ast
import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for part in ('robot_ai', 'training', 'launch') for path in (CHECKOUT / part).rglob('*.py'))
EVALUATING = {'eval', 'exec', 'compile', '__import__'}
UNPICKLING = {'pickle', 'cPickle', 'dill', 'joblib', 'shelve', 'marshal', 'cloudpickle'}
JUSTIFIED = {  # these trainers' modules import pickle
    'training/whisper/pickles.py',  # an unpickler that makes tensors and nothing else, for Whisper's own files
    'training/speech/shards.py', 'training/speech/shards_test.py',  # packs for its own workers
    'training/whisper/whisper_files_test.py'}


def name_of(node):
    """Return a called function's dotted name: 'yaml.safe_load'."""
    if isinstance(node, ast.Attribute):
        return f'{name_of(node.value)}.{node.attr}'
    return node.id if isinstance(node, ast.Name) else ''


def faults_of(tree):
    """Yield (line, what) for each thing in a module that runs what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or '']
            for name in names:
                if name.split('.')[0] in UNPICKLING:
                    yield node.lineno, f'imports {name}'
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node.func)
        named = {k.arg: getattr(k.value, 'value', None) for k in node.keywords}
        if name in EVALUATING or name in ('os.system', 'os.popen'):
            yield node.lineno, f'calls {name}'
        if name.startswith('yaml.') and name.split('.')[1] in (
                'load', 'load_all', 'unsafe_load', 'full_load', 'unsafe_load_all', 'full_load_all'):
            yield node.lineno, f'calls {name}'
        if name == 'YAML' and named.get('typ') != 'safe':
            yield node.lineno, 'ruamel.yaml without typ="safe"'
        if named.get('allow_pickle') or named.get('shell') or named.get('verify', True) is False:
            yield node.lineno, f'{name} with allow_pickle, shell or without verification'


def test_nothing_runs_what_it_reads():
    assert len(SOURCES) > 100
    found = {(str(path.relative_to(CHECKOUT)), what) for path in SOURCES
             for _, what in faults_of(ast.parse(path.read_text('utf-8')))}
    assert found == {(name, 'imports pickle') for name in JUSTIFIED}


def test_the_walk_sees_what_it_looks_for():
    bad = ('import pickle', 'eval(x)', 'yaml.load(x)', 'np.load(p, allow_pickle=True)', 'run(c, shell=True)',
           'os.system(c)', 'YAML()', 'requests.get(u, verify=False)')
    assert all(list(faults_of(ast.parse(text))) for text in bad)


SHOW = ('import os, sys, rclpy; rclpy.init = lambda *a, **k: (print(os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE")), '
        'sys.exit(0)); ')
STARTS = {
    'node': 'from robot_ai.nodes.speaker import main; main()',
    'assistant': 'from robot_ai.cli import main; main(["assistant", "--no-web", "--no-microphone"])',
    'demo': 'from robot_ai.cli import main; main(["replay", "--demo", "--no-web", "--quiet"])',
}


@pytest.mark.ros
@pytest.mark.parametrize('name', STARTS)
def test_discovery_stays_on_this_machine_unless_told_otherwise(name):
    pytest.importorskip('rclpy')
    for given, expected in ((None, 'LOCALHOST'), ('SUBNET', 'SUBNET')):
        environment = {k: v for k, v in os.environ.items() if k != 'ROS_AUTOMATIC_DISCOVERY_RANGE'}
        if given:
            environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = given
        done = subprocess.run([sys.executable, '-c', SHOW + STARTS[name]], env=environment, text=True,
                              capture_output=True)
        assert done.stdout.split() == [expected], (name, done.stdout, done.stderr)


def test_launch_and_make_stay_on_this_machine():
    for path in ('launch/assistant.launch.py', 'Makefile'):
        assert 'ROS_AUTOMATIC_DISCOVERY_RANGE' in (CHECKOUT / path).read_text('utf-8'), path


@pytest.mark.ros
def test_the_sros2_policy_is_what_the_code_says():
    pytest.importorskip('rclpy')
    done = subprocess.run([sys.executable, 'test/make_sros2_policy.py', '--check'], cwd=CHECKOUT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.ros
@pytest.mark.parametrize('name', ['speaker', 'performer', 'state_machine', 'speech_to_text', 'camera', 'bag_player'])
def test_the_policy_allows_all_that_a_node_has_on_the_graph(ros, name):
    """A single topic or service that is not allowed keeps a node from starting, rclpy's own services among them."""
    from rclpy.parameter import Parameter

    from robot_ai.nodes.assembly import CLASSES
    policy = ElementTree.parse(CHECKOUT / 'config' / 'sros2' / 'policy.xml').find(f".//profile[@node='{name}']")
    given = {'speaker': {'backend': 'external'}, 'state_machine': {'memory_file': 'none'},
             'bag_player': {'bag': str(CHECKOUT / 'config' / 'demo' / 'demo.mcap')}}.get(name, {})
    node = getattr(importlib.import_module(f'robot_ai.nodes.{name}'), CLASSES[name])(
        parameter_overrides=[Parameter(key, value=value) for key, value in given.items()])
    observer = ros.create_node('observer')
    try:
        ends = {('topics', 'publish'): observer.get_publisher_names_and_types_by_node,
                ('topics', 'subscribe'): observer.get_subscriber_names_and_types_by_node,
                ('services', 'reply'): observer.get_service_names_and_types_by_node,
                ('services', 'request'): observer.get_client_names_and_types_by_node}
        end = time.monotonic() + 60.0
        while name not in observer.get_node_names() or not ends['services', 'reply'](name, '/'):
            assert time.monotonic() < end
            time.sleep(0.05)
        for (kind, right), look in ends.items():
            rules = [each.text for group in policy.findall(kind) if group.get(right) for each in group]
            allowed = {'/' + rule.replace('~', name).lstrip('/') for rule in rules}
            assert {topic for topic, _ in look(name, '/')} <= allowed, (name, kind, right)
    finally:
        node.close()
        node.destroy_node()
        observer.destroy_node()


@pytest.mark.ros
def test_a_node_that_ros_refuses_to_start_says_so_in_one_line(tmp_path):
    pytest.importorskip('rclpy')
    code = 'import sys\nfrom robot_ai.nodes.speaker import main\nsys.exit(main())'
    done = subprocess.run([sys.executable, '-c', code],
                          env={**os.environ, 'ROS_SECURITY_ENABLE': 'true', 'ROS_SECURITY_STRATEGY': 'Enforce',
                               'ROS_SECURITY_KEYSTORE': str(tmp_path)}, text=True, capture_output=True)
    assert done.returncode == 1 and 'Traceback' not in done.stderr and 'SECURITY ERROR' in done.stderr, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith('speaker: ROS 2 refuses')], done.stderr
