"""Bags of tones, and the recogniser of tones of test/nodes in the place of the real one."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'nodes'))


@pytest.fixture
def tones(tmp_path, monkeypatch):
    """Return (folder of the 'model', function that writes a bag of (second, seconds) tones)."""
    pytest.importorskip('rclpy')
    from loudness_recognizer import LoudnessRecognizer, blocks, tone
    from rclpy.serialization import serialize_message

    from robot_ai.bags import BagWriter
    from robot_ai.nodes import speech_to_text
    from robot_ai.nodes.audio_messages import to_array_message
    models = tmp_path / 'models'
    (models / 'speech').mkdir(parents=True)
    (models / 'speech' / 'model.yaml').write_text('kind: speech\n')
    monkeypatch.setattr(speech_to_text, '_default_recognizer', lambda *_: LoudnessRecognizer())

    def write(name, *lengths, extra=()):
        """Write tones of so many seconds, each followed by 1 s of silence; `extra`: (topic, type, s, message)."""
        with BagWriter(tmp_path / name) as writer:
            items, time = list(extra), 0.1
            for length in lengths:
                for block in blocks(tone(length, silence=1.0)):
                    items.append(('/audio', 'std_msgs/msg/Int16MultiArray', time, to_array_message(block, 16_000)))
                    time += 0.1
            for topic, kind, second, message in sorted(items, key=lambda item: item[2]):
                writer.write(topic, kind, round((1_700_000_000 + second) * 1e9), serialize_message(message))
        return tmp_path / name
    return models, write


@pytest.fixture
def observer(ros):
    """Return an Observer that keeps the diagnostics."""
    from fault_bench import Observer
    made = Observer()
    made.watch()
    yield made
    made.close()


@pytest.fixture
def start(tmp_path):
    """Return a function (module, parameters) -> Program; whatever still runs after the test is killed."""
    from fault_bench import Program
    made = []

    def make(module, **options):
        made.append(Program(tmp_path, module, **options))
        return made[-1]
    yield make
    for program in made:
        if program.running:
            program.kill()
