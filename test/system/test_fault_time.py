"""Clocks that are set, simulated time that begins anew, stamps in disorder: all goes on, on both sides of the jump."""
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy')


from loudness_recognizer import LoudnessRecognizer, blocks, tone  # noqa: E402
from rclpy.clock import ClockType  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_messages import Block, to_array_message  # noqa: E402
from robot_ai.nodes.audio_time import MS  # noqa: E402
from robot_ai.nodes.common import RESULT_QOS  # noqa: E402

pytestmark = pytest.mark.ros
HOUR = 3600
FAKETIME = next(iter(Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1')), None)
# Two states that take turns by their timers alone.
TURNS = """robot_ai_dialogue: 1
name: turns
start: one
safe: calm
intents:
  help: {examples: [ayuda]}
states:
  calm: {rest: true}
  one: {say: uno, after: {seconds: 1, go: two}}
  two: {say: dos, after: {seconds: 1, go: one}}
"""


class Sight:
    """Stands where a recogniser of characters stands: the first pixel tells what it reads."""

    def recognize(self, grey):
        from types import SimpleNamespace
        return SimpleNamespace(symbols=(), latex=str(int(grey[0, 0])), score=0.9)


def image(value, stamp_s):
    message = Image(height=2, width=3, step=3, encoding='mono8', data=bytes([value] * 6))
    message.header.stamp.sec, message.header.stamp.nanosec = int(stamp_s), round(stamp_s % 1 * 1e9)
    return message


class Bench:
    """One node as a process, and whether it is at work: it takes turns, or hears tones."""

    def __init__(self, name, observer, start, folder, **given):
        (folder / 'turns.yaml').write_text(TURNS, 'utf-8')
        (folder / 'model.yaml').write_text('kind: speech\n')
        observer.listen(String, 'say', 'transcript', qos=RESULT_QOS)
        self.observer, self.audio = observer, None
        if name == 'state_machine':
            self.program = start(name, dialogue=folder / 'turns.yaml', memory_file='none', **given)
            self.results = observer.heard['say']
        else:
            self.program = start(name, stand_in=True, autostart=True, model=folder, **given)
            self.results = observer.heard['transcript']
            self.audio = observer.publisher(Int16MultiArray, 'audio')

    def works(self, at_each_step=lambda: None, most=600):
        """See it take two turns, or hear one tone, within so many steps of 0.1 s."""
        sound, begun = itertools.cycle(blocks(tone(0.5, silence=0.5))), len(self.results)
        for _ in range(most):
            if len(self.results) >= begun + (1 if self.audio else 3):
                return
            assert self.program.running, self.program.text
            at_each_step()
            if self.audio:
                self.audio.publish(to_array_message(next(sound), 16_000))
            self.observer.rest(0.1)
        pytest.fail(f'it does nothing any more:\n{self.program.text}')


@pytest.mark.long
@pytest.mark.skipif(FAKETIME is None, reason='needs libfaketime: sudo apt install libfaketime')
@pytest.mark.parametrize('name', ['state_machine', 'speech_to_text'])
def test_a_wall_clock_that_is_set_stops_neither_timers_nor_hearing(observer, start, tmp_path, name):
    """A computer without a battery begins in the past or the future, and is set once it has found a network."""
    offset = tmp_path / 'offset'
    offset.write_text('+0')
    bench = Bench(name, observer, start, tmp_path, environment={
        'LD_PRELOAD': str(FAKETIME), 'FAKETIME_TIMESTAMP_FILE': str(offset), 'FAKETIME_NO_CACHE': '1',
        'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'DONT_FAKE_MONOTONIC': '1'})
    bench.works()
    for hours in (-1, 0, 1):  # each an hour off the one before, then two
        offset.write_text(f'{hours * HOUR:+d}')
        bench.works()
    offset.write_text(f'{-HOUR:+d}')
    bench.works()
    bench.program.end()


def test_no_timer_of_a_node_runs_on_the_wall_clock(ros, tmp_path):
    """What the test above finds where libfaketime is installed: a timer on ROS time without /clock is on wall time."""
    from robot_ai.nodes.speaker import SpeakerNode
    from robot_ai.nodes.speech_to_text import SpeechToTextNode
    from robot_ai.nodes.state_machine import StateMachineNode
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    for simulated in (False, True):
        def make(kind, *factory, given):
            return kind(*factory, parameter_overrides=[Parameter(k, value=v) for k, v in {
                'use_sim_time': simulated, **given}.items()])  # noqa: B023
        nodes = [make(SpeakerNode, given={'backend': 'external'}),
                 make(StateMachineNode, given={'memory_file': 'none'}),
                 make(SpeechToTextNode, lambda *_: LoudnessRecognizer(), given={'model': str(tmp_path)})]
        nodes[2].trigger_configure()
        nodes[2].trigger_activate()
        for node in nodes:
            kinds = {timer.clock.clock_type for timer in node.timers}
            assert kinds == ({ClockType.ROS_TIME, ClockType.STEADY_TIME} if simulated else {ClockType.STEADY_TIME})
            node.close()
            node.destroy_node()


@pytest.mark.parametrize('name', ['state_machine', 'speech_to_text'])
def test_simulated_time_that_jumps_or_begins_anew_stops_nothing(observer, start, tmp_path, name):
    bench = Bench(name, observer, start, tmp_path, use_sim_time=True)
    clock = observer.publisher(Clock, '/clock', QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE))
    # The first begin, an hour ahead, back to it, and to the very beginning: each as a bag that is played next would.
    for begin in (1_700_000_000, 1_700_000_000 + HOUR, 1_700_000_000, 5):
        now = itertools.count(begin * 10)  # tenths of a second

        def tick():
            tenths, message = next(now), Clock()  # noqa: B023
            message.clock.sec, message.clock.nanosec = tenths // 10, tenths % 10 * 100 * MS
            clock.publish(message)
        bench.works(tick)
    bench.program.end()


def test_images_stamped_in_disorder_or_in_the_future_do_not_stop_the_next_ones(ros):
    from robot_ai.nodes.character_recognizer import CharacterRecognizerNode
    node = CharacterRecognizerNode(lambda *_: Sight(), parameter_overrides=[
        Parameter('stable', value=1), Parameter('reliable', value=True)])
    try:
        assert node.trigger_configure().name == node.trigger_activate().name == 'SUCCESS'
        now, order = 1_700_000_000, random.Random(5)
        stamps = [now, now + 1000 * HOUR, now - HOUR, 2**31 - 1, 1, now, now]
        order.shuffle(stamps)
        for value, stamp in enumerate(stamps):
            node._on_image(image(value, stamp))
        assert node.wait_idle(60.0)
        before = node.health.counted('readings')
        for value in range(10):
            node._on_image(image(100 + value, now + HOUR + value))
        assert node.wait_idle(60.0)
        assert node.health.counted('readings') == before + 10 and node.health.last_error == ''
    finally:
        node.close()
        node.destroy_node()


def test_sound_stamped_in_disorder_is_heard_once_it_is_in_order_again(ros, tmp_path):
    from robot_ai.nodes.speech_to_text import SpeechToTextNode
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    node = SpeechToTextNode(lambda *_: LoudnessRecognizer(), parameter_overrides=[
        Parameter('model', value=str(tmp_path)), Parameter('queue', value=10_000)])
    try:
        assert node.trigger_configure().name == node.trigger_activate().name == 'SUCCESS'
        begin, order = 1_700_000_000 * 1000 * MS, random.Random(6)
        sound = [each.astype(np.float32) / 2**15 for each in blocks(tone(0.5, silence=0.5))]
        stamps = [begin + k * 100 * MS for k in range(10)]
        for mixed in (order.sample(stamps, 10), [s + 10**6 * HOUR * MS for s in stamps], [1] * 10, [2**63 - 1] * 10):
            for block, stamp in zip(sound, mixed):
                node._on_block(Block(block, 16_000, stamp))
        assert node.wait_idle(60.0)
        before = node.health.counted('utterances')
        for k, block in enumerate(sound):
            node._on_block(Block(block, 16_000, begin + HOUR * 1000 * MS + k * 100 * MS))
        assert node.wait_idle(60.0) and node.health.counted('utterances') == before + 1
    finally:
        node.close()
        node.destroy_node()
