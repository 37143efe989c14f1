"""`robot-ai assistant`: what it would start for each option, and a start and a Ctrl-C with models and without."""
import argparse
import os
import signal
import subprocess
import sys
import threading

import pytest

from robot_ai.commands import assistant
from robot_ai.errors import BagError, ConfigurationError
from robot_ai.paths import share_directory

DEADLINE = 240.0


def plan(*arguments):
    parser = argparse.ArgumentParser()
    assistant.add_arguments(parser)
    return assistant.plan(parser.parse_args(arguments))


def test_by_default_it_hears_and_speaks_and_opens_no_camera():
    nodes, arguments = plan()
    assert set(nodes) == {'speaker', 'performer', 'state_machine', 'speech_to_text', 'character_recognizer', 'web',
                          'microphone'}
    assert arguments['params_files'] == [share_directory() / 'config' / 'default.yaml']


def test_options_become_parameters(tmp_path):
    (tmp_path / 'mine.yaml').write_text('/**/speaker:\n  ros__parameters: {voice: es-419}\n')
    nodes, arguments = plan('--camera', '1', '--microphone', '3', '--no-web', '--no-speaker', '--models', '/m',
                            '--namespace', 'lia', '--params-file', str(tmp_path / 'mine.yaml'))
    assert nodes['camera']['source'] == '1' and nodes['microphone']['device'] == 3 and 'web' not in nodes
    assert nodes['speaker']['backend'] == 'none' and nodes['speech_to_text']['model'] == '/m'
    assert arguments['namespace'] == 'lia' and arguments['params_files'][-1].name == 'mine.yaml'


def test_a_folder_with_one_kind_of_model_leaves_the_others_as_shipped(tmp_path, capsys):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'model.yaml').write_text('kind: speech\n')
    nodes, _ = plan('--models', str(tmp_path))
    assert nodes['speech_to_text']['model'] == str(tmp_path)
    assert 'model' not in nodes['character_recognizer'] and 'model' not in nodes['web']
    assert "no model of kind 'characters': character_recognizer uses the one shipped" in capsys.readouterr().err


def test_pepper_brings_its_own_ears_eyes_and_voice():
    pytest.importorskip('rclpy')
    nodes, arguments = plan('--robot', 'pepper', '--camera', '0')
    assert not {'microphone', 'camera'} & set(nodes)
    assert 'image:=/camera/front/image_raw' in arguments['remappings'] and 'audio:=/audio' in arguments['remappings']


def test_what_cannot_be_used_is_named_before_anything_starts(tmp_path):
    (tmp_path / 'list.yaml').write_text('[1, 2]')
    (tmp_path / 'odd.yaml').write_text('a: [')
    for arguments, reason in ((('--params-file', str(tmp_path / 'list.yaml')), 'no parameter file'),
                              (('--params-file', str(tmp_path / 'odd.yaml')), 'not YAML'),
                              (('--params-file', str(tmp_path / 'no.yaml')), 'cannot be read'),
                              (('--dialogue', 'nobody.yaml'), 'nobody.yaml')):
        with pytest.raises(ConfigurationError, match=reason):
            plan(*arguments)
    with pytest.raises(BagError, match='no such bag'):
        plan('--bag', str(tmp_path / 'none.mcap'))


@pytest.mark.ros
@pytest.mark.parametrize('arguments, expected', [
    ((), ''),
    (('--models', 'nowhere'), 'robot-ai assistant: speech_to_text is not running: configure failed: nowhere')])
def test_it_starts_says_what_does_not_run_and_ends_on_ctrl_c(arguments, expected):
    pytest.importorskip('rclpy')
    process = subprocess.Popen(
        [sys.executable, '-u', '-m', 'robot_ai.cli', 'assistant', '--no-microphone', '--no-speaker', '--no-web',
         '--log-level', 'error', *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=dict(os.environ))
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith('running:'):
                process.send_signal(signal.SIGINT)
        assert process.wait() == 0, lines
    finally:
        watchdog.cancel()
    text = ''.join(lines)
    assert 'state_machine' in text and 'Traceback' not in text and text.count(expected) >= 1
    assert ('speech_to_text' in lines[-1]) == (not arguments), text
