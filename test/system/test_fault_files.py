"""Files that go bad under a running robot: a model copied over, a full disk, a broken dialogue."""
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from robot_ai.dialogue.memory import load_memory, save_memory
from robot_ai.errors import DialogueError, ModelError
from robot_ai.model_store import GraphRunner, find_model, load_model


@pytest.fixture
def model(tmp_path):
    """Return a copy of the shipped model of characters."""
    return shutil.copytree(find_model('characters'), tmp_path / 'characters')


def test_a_model_copied_over_while_it_runs_does_not_crash_it(model):
    """LiteRT maps a file that it is given by name: cut short under it, the process would end by SIGBUS."""
    code = ('import sys\nfrom pathlib import Path\nimport numpy as np\n'
            'from robot_ai.vision.characters import CharacterRecognizer\n'
            'folder = Path(sys.argv[1])\nrecognizer = CharacterRecognizer(folder)\n'
            'ink = [[[0, 0], [50, 3], [20, 90]]]\nbefore = recognizer.recognize_strokes(ink).candidates\n'
            'graph = next(folder.glob("*.tflite"))\ngraph.write_bytes(b"")\n'
            'assert recognizer.recognize_strokes(ink).candidates == before and before\nprint("alive")\n')
    done = subprocess.run([sys.executable, '-c', code, str(model)], text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, 'alive\n'), done.stderr


def test_a_model_altered_between_check_and_use_is_refused(model):
    info = load_model(model, 'characters')
    data = bytearray(info.graph.read_bytes())
    data[len(data) // 2] ^= 1
    info.graph.write_bytes(data)
    with pytest.raises(ModelError, match='altered'):
        GraphRunner(info)


def test_aliases_that_stand_for_gigabytes_are_refused(model):
    path = model / 'model.yaml'
    text = path.read_text('utf-8')
    bomb = ''.join(f'b{n}: &b{n} [{", ".join([f"*b{n - 1}"] * 9)}]\n' if n else 'b0: &b0 [x, x]\n' for n in range(12))
    path.write_text(bomb + text, 'utf-8')
    with pytest.raises(ModelError, match='values'):
        load_model(model)


def test_a_small_picture_of_endless_pixels_is_refused_before_it_is_unpacked(tmp_path):
    (tmp_path / 'bomb.png').write_bytes(cv2.imencode('.png', np.zeros((11_000, 11_000), np.uint8))[1].tobytes())
    code = ('import resource, sys\nfrom pathlib import Path\nfrom types import SimpleNamespace\n'
            'from robot_ai.errors import ImageError\nfrom robot_ai.nodes.image_messages import grey_of_compressed\n'
            'def peak():\n    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nbefore = peak()\n'
            'try:\n    grey_of_compressed(SimpleNamespace(format="png", data=Path(sys.argv[1]).read_bytes()))\n'
            'except ImageError:\n    print("refused", peak() - before < 60_000)\n')
    done = subprocess.run([sys.executable, '-c', code, str(tmp_path / 'bomb.png')], text=True, capture_output=True)
    assert done.stdout == 'refused True\n', (done.stdout, done.stderr)


def test_a_full_disk_keeps_the_old_memory_and_says_what_to_do(tmp_path):
    path = tmp_path / 'memory.json'
    save_memory(path, {'state': 'old'})
    code = ('import resource, signal, sys\nfrom robot_ai.dialogue.memory import save_memory\n'
            'from robot_ai.errors import DialogueError\n'
            'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
            'resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n'
            'try:\n    save_memory(sys.argv[1], {"state": "new" * 100})\n'
            'except DialogueError as error:\n    print(error)\n')
    done = subprocess.run([sys.executable, '-c', code, str(path)], text=True, capture_output=True)
    assert 'cannot be written' in done.stdout and 'free the disk' in done.stdout, (done.stdout, done.stderr)
    assert load_memory(path) == {'state': 'old'} and [p.name for p in tmp_path.iterdir()] == ['memory.json']


LIMITED = ('import resource, signal, sys\nfrom pathlib import Path\nfrom robot_ai.errors import RobotAIError\n'
           'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n'
           'path = Path(sys.argv[1])\n')  # a file may grow to 1000 bytes, as on a disk that is nearly full


def test_a_full_disk_ends_a_recording_with_one_message(tmp_path):
    code = (LIMITED + 'import os\nfrom robot_ai.bags import BagWriter\n'
            'try:\n    with BagWriter(path / "bag") as writer:\n'
            '        kind = writer.message_type("std_msgs/msg/String")\n'
            '        for number in range(100):\n'
            '            writer.write("/say", "std_msgs/msg/String", number, writer.serialize('
            '"std_msgs/msg/String", kind(data=os.urandom(50_000).hex())))\n'
            'except RobotAIError as error:\n    print(error)\n')
    done = subprocess.run([sys.executable, '-c', code, str(tmp_path)], text=True, capture_output=True)
    assert done.stdout.count('\n') == 1 and 'free the disk' in done.stdout and done.stderr == '', done


def test_a_full_disk_leaves_no_half_correction(tmp_path):
    code = (LIMITED + 'from types import SimpleNamespace\nfrom robot_ai.web.writing import Writer, Writing\n'
            'writer = Writer(SimpleNamespace(characters=None), path)\nfor number in range(20):\n    try:\n'
            '        writer.keep_correction("x", Writing((((0.0, 0.0), (9.0, 7.0)),), "symbol"))\n'
            '    except RobotAIError as error:\n        print(error)\n')
    done = subprocess.run([sys.executable, '-c', code, str(tmp_path)], text=True, capture_output=True)
    lines = (tmp_path / 'symbols-page.jsonl').read_text('utf-8').splitlines()
    assert 5 < len(lines) < 20 and all(json.loads(line)['label'] == 'x' for line in lines)
    assert done.stdout.count('cannot be kept') == 20 - len(lines) and done.stderr == '', done


@pytest.mark.parametrize('text', ['{"a": NaN}', '{"a": "\\ud800"}', '[1]', '{"a": 1e999}', '{', '\x00'])
def test_a_damaged_memory_is_told_and_not_used(tmp_path, text):
    (tmp_path / 'memory.json').write_text(text)
    with pytest.raises(DialogueError, match='damaged'):
        load_memory(tmp_path / 'memory.json')


@pytest.mark.ros
@pytest.mark.parametrize('stamp', [{'sec': 2**40}, {'sec': 4_000_000_000}, {'sec': -5}, {'nanosec': 2**53}])
def test_stamps_from_the_future_and_the_past_move_no_timer(ros, tmp_path, stamp):
    from rclpy.parameter import Parameter
    from small_dialogue import SMALL

    from robot_ai.nodes.state_machine import StateMachineNode
    (tmp_path / 'small.yaml').write_text(SMALL, 'utf-8')
    node = StateMachineNode(parameter_overrides=[
        Parameter('dialogue', value=str(tmp_path / 'small.yaml')), Parameter('memory_file', value='none')])
    try:
        node._begin()
        node._on_transcript(json.dumps({'stamp': stamp, 'text': 'ayuda', 'duration': 1e300}))
        assert node._machine.state == 'call'
        node._on_tick()
        assert node._machine.state == 'call'  # its 60 s and more have not passed
    finally:
        node.close()
        node.destroy_node()
