"""Too much at once, two who talk at the same time, peers that freeze: the nodes live, stay small and go on."""
import json
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip('rclpy')

from loudness_recognizer import blocks, tone  # noqa: E402
from small_dialogue import SMALL  # noqa: E402
from std_msgs.msg import Bool, Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS  # noqa: E402
from robot_ai.paths import share_directory  # noqa: E402

pytestmark = pytest.mark.ros
GROWTH = 100_000_000  # bytes that a node may take for what waits
FROZEN = """
import sys, rclpy
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node('frozen')
for topic in sys.argv[1:]:
    node.create_subscription(String, topic, lambda m: None, 50)
print('begun', flush=True)
rclpy.spin(node)
"""


def test_a_flood_of_messages_leaves_the_nodes_alive_small_and_at_work(observer, start, tmp_path):
    """Thousands at once of everything that the dialogue, the voice and the performer take."""
    (tmp_path / 'small.yaml').write_text(SMALL, 'utf-8')
    names = ('state_machine', 'speaker', 'performer', 'web')
    programs = [start('state_machine', dialogue=tmp_path / 'small.yaml', memory_file='none', barge_in=True),
                start('speaker', backend='none'), start('performer'), start('web', autostart=True, port=0)]
    observer.listen(String, 'state', qos=STATE_QOS)
    observer.until(lambda: all(observer.reports(name) for name in names), 'all', programs)
    talk = {'transcript/detail': {'stamp': {}, 'text': 'buenos días'}, 'dialogue/event': {'event': 'knock'},
            'characters/detail': {'stamp': {}, 'latex': '7'}, 'action': {'id': 'a', 'name': 'notify', 'arguments': {}}}
    texts = {topic: observer.publisher(String, topic, RESULT_QOS) for topic in (*talk, 'say')}
    flags = [observer.publisher(Bool, topic, RESULT_QOS) for topic in ('robot_speaking', 'voice_activity')]
    before = [program.memory for program in programs]
    for number in range(3000):
        for topic, publisher in texts.items():
            publisher.publish(String(data=json.dumps(talk[topic]) if topic in talk else f'Hola {number}.'))
        for publisher in flags:
            publisher.publish(Bool(data=bool(number % 2)))
    flags[0].publish(Bool(data=False))
    observer.until_all_report(*names, programs=programs)
    assert [p.module for p, was in zip(programs, before) if p.memory - was > GROWTH] == []

    def called():  # again and again: among so many messages one may be overwritten
        texts['transcript/detail'].publish(String(data=json.dumps({'stamp': {}, 'text': 'ayuda'})))
        observer.rest(0.5)
        return 'call' in [json.loads(m.data)['state'] for m in observer.heard['state']]
    observer.until(called, 'help, called for after the flood', programs)
    for program in programs:
        program.end()


@pytest.mark.long
def test_sound_and_images_at_twenty_times_their_rate(observer, start, tmp_path):
    """The shipped models under the demo's bag in a hurry, and then as it should be."""
    bag = share_directory() / 'config' / 'demo' / 'demo.mcap'
    observer.listen(String, 'transcript', qos=RESULT_QOS)
    observer.listen(String, 'state', qos=STATE_QOS)
    names = ('speech_to_text', 'character_recognizer', 'state_machine', 'web')
    programs = [start(name, **({'memory_file': 'none'} if name == 'state_machine' else {'autostart': True}),
                      **({'port': 0} if name == 'web' else {})) for name in names]
    observer.until(lambda: all(observer.reports(name) for name in names), 'all', programs)
    hurried = start('bag_player', bag=bag, rate=20.0, loop=True, wait=20.0, tail=0.0)
    observer.until(lambda: float(observer.values('speech_to_text').get('audio messages', 0)) > 500, 'sound', programs)
    before = [program.memory for program in programs]
    for _ in range(10):
        observer.until_all_report(*names, programs=programs)
        assert [p.module for p, was in zip(programs, before) if p.memory - was > GROWTH] == []
    hurried.end()
    observer.until(lambda: observer.values('speech_to_text').get('audio queue') == '0', 'the rest', programs)
    heard = len(observer.heard['transcript'])
    calm = start('bag_player', bag=bag, wait=20.0)
    observer.until(lambda: len(observer.heard['transcript']) > heard, 'a transcript, after the flood', programs)
    for program in [calm, *programs]:
        program.end()


def test_two_publishers_of_sound_at_different_rates_are_named_and_one_alone_is_heard_again(observer, start, tmp_path):
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    observer.listen(String, 'transcript', qos=RESULT_QOS)
    ear = start('speech_to_text', stand_in=True, autostart=True, model=tmp_path)
    one = observer.publisher(Int16MultiArray, 'audio')
    other = observer.node.create_publisher(Int16MultiArray, 'audio', 50)
    observer.until(lambda: 'audio has 2 publishers' in observer.values('speech_to_text').get('last_error', ''), 'word',
                   [ear])
    for block in blocks(tone(1.0, silence=0.5)):
        one.publish(to_array_message(block, 16_000))
        other.publish(to_array_message(tone(0.1, 48_000, channels=2), 48_000))
        observer.rest(0.05)
    observer.node.destroy_publisher(other)
    heard = len(observer.heard['transcript'])
    for _ in range(20):  # best effort: one block may be lost
        for block in blocks(tone(0.5, silence=0.6)):
            one.publish(to_array_message(block, 16_000))
            observer.rest(0.05)
        if 'tono 5' in [message.data for message in observer.heard['transcript'][heard:]]:
            break
    else:
        pytest.fail(f'not heard any more:\n{ear.text}')
    ear.end()


def test_a_peer_that_freezes_or_vanishes_holds_nobody_up(observer, start, tmp_path):
    """A page or a robot whose computer hangs acknowledges nothing: its publishers must neither wait nor fill up."""
    (tmp_path / 'small.yaml').write_text(SMALL, 'utf-8')
    machine = start('state_machine', dialogue=tmp_path / 'small.yaml', memory_file='none')
    observer.listen(String, 'recognition_context', qos=STATE_QOS)
    with subprocess.Popen([sys.executable, '-c', FROZEN, 'say', 'action', 'recognition_context'], text=True,
                          stdout=subprocess.PIPE, env=dict(os.environ)) as peer:
        try:
            assert peer.stdout.readline() == 'begun\n'
            events = observer.publisher(String, 'dialogue/event', RESULT_QOS)
            observer.until(lambda: observer.heard['recognition_context'], 'the begin', [machine])
            peer.send_signal(signal.SIGSTOP)
            before = machine.memory
            for number in range(1000):
                events.publish(String(data=json.dumps({'event': f'knock {number}'})))
                if number % 25 == 0:
                    observer.rest(0.02)
            observer.until_all_report('state_machine', programs=[machine])
            assert machine.memory - before < GROWTH
            heard = float(observer.values('state_machine')['events'])
            peer.kill()  # without a word of farewell
            events.publish(String(data=json.dumps({'event': 'knock'})))
            observer.until(lambda: float(observer.values('state_machine')['events']) > heard, 'the next', [machine])
        finally:
            peer.kill()
    machine.end()
