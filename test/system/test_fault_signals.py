"""SIGINT and SIGTERM at random moments, start-up included: every executable ends with 0, without traceback or crash."""
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from fault_bench import DEADLINE

from robot_ai.paths import share_directory

pytest.importorskip('rclpy')
pytestmark = pytest.mark.ros

MOMENTS = 50
LATEST = 6.0  # s after the program's first line
GIVEN = {'speech_to_text': {'autostart': 'true'}, 'character_recognizer': {'autostart': 'true'},
         'web': {'autostart': 'true', 'port': '0'}, 'speaker': {'backend': 'none'}, 'performer': {},
         'state_machine': {'memory_file': 'none'}, 'microphone': {'autostart': 'true'}, 'camera': {'autostart': 'true'},
         'bag_player': {'bag': str(share_directory() / 'config' / 'demo' / 'demo.mcap')}}


# Tell when the first line of ours has done its work; before it, a signal is Python's own matter.
NODE = '''
import importlib, sys, types
from robot_ai import executables
def loaded(name):
    print("begun", flush=True)
    return importlib.import_module(name)
executables.importlib = types.SimpleNamespace(import_module=loaded)
sys.exit(executables.start({name!r}))
'''
COMMAND = '''
import sys
from robot_ai import cli
real = cli.load_command
def loaded(name):
    print("begun", flush=True)
    return real(name)
cli.load_command = loaded
sys.exit(cli.main(["assistant", "--no-microphone", "--no-speaker", "--no-web", "--log-level", "error"]))
'''


def interrupted(name, number, after, tmp_path):
    """Start an executable, signal it `after` s and check how it ended."""
    code, arguments = NODE.format(name=name), []
    if name == 'robot-ai':
        code = COMMAND
    else:
        arguments = ['--ros-args', *(a for k, v in GIVEN[name].items() for a in ('-p', f'{k}:={v}'))]
    log = tmp_path / 'errors.txt'
    with open(log, 'w') as errors, subprocess.Popen(
            [sys.executable, '-c', code, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, 'PYTHONFAULTHANDLER': '1', 'PYTHONUNBUFFERED': '1', 'HOME': str(tmp_path)}) as process:
        try:
            assert process.stdout.readline() == 'begun\n', log.read_text()
            time.sleep(after)
            process.send_signal(number)
            process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    text = log.read_text()
    ended_well = (0, 130) if name == 'robot-ai' and number == signal.SIGINT else (0,)
    if name == 'robot-ai' and number == signal.SIGTERM:
        ended_well = (0, -signal.SIGTERM)  # before rclpy takes signals over
    assert process.returncode in ended_well and 'Traceback' not in text and 'Fatal' not in text, (
        name, number, after, process.returncode, text)


def moments(name, count):
    generator = random.Random(f'moments of {name}')
    return [(generator.choice((signal.SIGINT, signal.SIGTERM)), round(generator.uniform(0, LATEST) ** 2 / LATEST, 3))
            for _ in range(count)]


@pytest.mark.parametrize('name', ['speaker', 'speech_to_text', 'web', 'robot-ai'])
def test_a_signal_during_start_up_is_quiet(name, tmp_path):
    number, after = moments(name, 1)[0]
    interrupted(name, number, min(after, 1.5), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize('name', [*GIVEN, 'robot-ai'])
def test_a_signal_at_any_moment_ends_an_executable_well(name, tmp_path):
    for number, after in moments(name, MOMENTS):
        interrupted(name, number, after, tmp_path)
