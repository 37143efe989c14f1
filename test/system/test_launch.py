"""launch/assistant.launch.py: its arguments, what it starts for each, and (with `ros2 launch`) respawn and Ctrl-C."""
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from robot_ai.errors import BagError, ConfigurationError
from robot_ai.paths import share_directory

pytest.importorskip('launch_ros', reason='needs launch_ros, which comes with ROS 2 from apt (no wheel on PyPI)')
DEADLINE = 240.0  # s that a node may take to start: seven Python processes at once on a busy machine


@pytest.fixture
def launch_file():
    spec = importlib.util.spec_from_file_location('assistant_launch', share_directory() / 'launch/assistant.launch.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def given(launch_file, **values):
    return {name: default for name, default, _ in launch_file.ARGUMENTS} | values


def started(launch_file, **values):
    return {node._Node__node_executable: node for node in launch_file._plan(given(launch_file, **values))}


def test_every_argument_is_described(launch_file):
    arguments = launch_file.generate_launch_description().get_launch_arguments()
    assert {a.name for a in arguments} >= {
        'namespace', 'params_file', 'robot', 'use_sim_time', 'log_level', 'microphone', 'camera', 'models', 'dialogue',
        'bag'}
    assert all(a.description for a in arguments)


def test_devices_are_left_out_where_they_are_not_wanted(launch_file):
    assert {'microphone', 'speech_to_text', 'state_machine', 'speaker'} <= set(started(launch_file))
    assert 'camera' not in started(launch_file) and 'camera' in started(launch_file, camera='0')
    assert 'microphone' not in started(launch_file, microphone='false')
    bag = started(launch_file, bag=str(share_directory() / 'config/demo/demo.mcap'), camera='0')
    assert 'bag_player' in bag and not {'camera', 'microphone'} & set(bag)
    pepper = started(launch_file, robot='pepper', camera='0')
    assert not {'camera', 'microphone'} & set(pepper) and 'speaker' in pepper


def test_a_robot_or_file_that_does_not_exist_is_named(launch_file):
    with pytest.raises(ConfigurationError, match=r'nobody\.yaml'):
        started(launch_file, robot='nobody')
    with pytest.raises(BagError, match='no_visit'):
        started(launch_file, bag='no_visit')


@pytest.mark.ros
@pytest.mark.long
def test_a_node_that_is_killed_comes_back_to_active_and_ctrl_c_ends_all(tmp_path):
    if shutil.which('ros2') is None:
        pytest.skip('needs the command ros2')
    log = tmp_path / 'launch.log'
    with open(log, 'w') as stream:
        process = subprocess.Popen(
            ['ros2', 'launch', 'robot_ai', 'assistant.launch.py', 'microphone:=false', 'web:=false'],
            stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait(log, 'speech_to_text.*inactive -> active', 1)
        pid = int(re.findall(r'speech_to_text-\d+\]: process started with pid \[(\d+)\]', log.read_text())[-1])
        os.kill(pid, signal.SIGKILL)
        wait(log, 'speech_to_text.*inactive -> active', 2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends Ctrl-C
        assert process.wait(DEADLINE) == 0, log.read_text()
        text = log.read_text()
        assert 'Traceback' not in text and 'failed to terminate' not in text, text
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def wait(log, pattern, times):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if len(re.findall(pattern, log.read_text())) >= times:
            return
        time.sleep(0.2)
    pytest.fail(f'{pattern} did not show {times} times:\n{log.read_text()}')
