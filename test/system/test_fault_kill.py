"""Nodes killed with SIGKILL while in use: the others go on, and the one started again resumes."""
import json
import threading

import pytest

pytest.importorskip('rclpy')

from loudness_recognizer import blocks, tone  # noqa: E402
from small_dialogue import SMALL  # noqa: E402
from std_msgs.msg import Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS  # noqa: E402
from robot_ai.paths import share_directory  # noqa: E402

pytestmark = pytest.mark.ros


def state_of(messages):
    return json.loads(messages[-1].data)['state'] if messages else ''


def test_a_killed_state_machine_resumes_where_it_was_and_late_joiners_are_told(observer, start, tmp_path):
    (tmp_path / 'small.yaml').write_text(SMALL, 'utf-8')
    given = {'dialogue': tmp_path / 'small.yaml', 'memory_file': tmp_path / 'memory.json'}
    observer.listen(String, 'state', 'recognition_context', qos=STATE_QOS)
    observer.listen(String, 'action', 'say', qos=RESULT_QOS)
    speaker = start('speaker', backend='none')
    first = start('state_machine', **given)
    heard = observer.publisher(String, 'transcript/detail', RESULT_QOS)
    observer.until(lambda: state_of(observer.heard['state']) == 'hello', 'the greeting', [first])
    heard.publish(String(data=json.dumps({'stamp': {}, 'text': 'ayuda'})))
    observer.until(lambda: len(observer.heard['action']) >= 1, 'the call for help', [first])
    first.kill()
    observer.until_all_report('speaker', programs=[speaker])
    contexts, called = len(observer.heard['recognition_context']), len(observer.heard['action'])
    second = start('state_machine', **given)
    observer.until(lambda: len(observer.heard['action']) > called, 'the call for help, begun again', [second])
    report = json.loads(observer.heard['state'][-1].data)
    assert (report['state'], report['last_event']) == ('call', 'restart')
    assert {json.loads(a.data)['name'] for a in observer.heard['action']} == {'notify'}
    observer.until(lambda: len(observer.heard['recognition_context']) > contexts, 'what is listened for now')
    second.end()
    speaker.end()  # it lived through all of it


def test_a_killed_recogniser_is_told_the_context_again_and_hears_the_next_utterance(observer, start, tmp_path):
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    given = {'stand_in': True, 'autostart': True, 'model': tmp_path}
    observer.listen(String, 'transcript', qos=RESULT_QOS)
    context = observer.node.create_publisher(String, 'recognition_context', STATE_QOS)
    context.publish(String(data=json.dumps({'phrases': ['socorro'], 'endpointing': 'paused_speech'})))
    ear = Ear(observer)
    first = start('speech_to_text', **given)
    ear.said(first, 'tono 5')
    ear.begin()
    observer.until(lambda: observer.values('speech_to_text').get('audio messages', '0') > '0', 'sound under way')
    first.kill()
    ear.cease()
    second = start('speech_to_text', **given)
    ear.said(second, 'tono 5')
    second.end()


class Ear:
    """Publishes tones as a driver does, in blocks of 0.1 s, as fast as it can be heard."""

    def __init__(self, observer):
        self.observer = observer
        self.output = observer.node.create_publisher(Int16MultiArray, 'audio', 50)
        self._stop = threading.Event()

    def said(self, program, text):
        """Sound a tone of 0.5 s, again and again, until it is heard."""
        heard, begun = self.observer.heard['transcript'], len(self.observer.heard['transcript'])
        self.observer.until(lambda: self.output.get_subscription_count(), 'a recogniser', [program])
        while text not in [message.data for message in heard[begun:]]:  # the first one may come in half way
            assert program.running and len(heard) < begun + 20, (program.text, heard)
            self.sound(0.5)

    def sound(self, seconds, silence=0.5):
        for block in blocks(tone(seconds, silence=silence)):
            self.output.publish(to_array_message(block, 16_000))
            if self._stop.wait(0.1):
                return

    def begin(self):
        self._thread = threading.Thread(target=self.sound, args=(2.0,), daemon=True)
        self._thread.start()

    def cease(self):
        self._stop.set()
        self._thread.join()
        self._stop.clear()


@pytest.mark.long
def test_each_node_in_turn_is_killed_while_all_are_in_use(observer, start, tmp_path):
    """The shipped models on the looped demo bag; whichever dies, the others go on, and it is at work again."""
    share = share_directory()
    parameters = {
        'speaker': {'backend': 'none'}, 'performer': {},
        'state_machine': {'memory_file': tmp_path / 'memory.json'},
        'speech_to_text': {'autostart': True}, 'character_recognizer': {'autostart': True},
        'web': {'autostart': True, 'port': 0},
        'bag_player': {'bag': share / 'config' / 'demo' / 'demo.mcap', 'loop': True, 'wait': 5.0, 'tail': 1.0}}
    at_work = {'speech_to_text': 'audio messages', 'character_recognizer': 'images', 'bag_player': 'messages'}
    programs = {name: start(name, **given) for name, given in parameters.items()}

    def working(name):
        return float(observer.values(name).get(at_work.get(name, ''), 1)) > 0
    observer.until(lambda: all(observer.reports(n) for n in programs), 'every node', programs.values())
    observer.until(lambda: all(map(working, programs)), 'every node at work', programs.values())
    for name in parameters:
        programs[name].kill()
        others = [p for n, p in programs.items() if n != name]
        observer.until_all_report(*(n for n in programs if n != name), programs=others)
        assert all(p.running and 'Traceback' not in p.text for p in others), [p.text for p in others]
        observer.health.pop(name)
        programs[name] = start(name, **parameters[name])
        observer.until(lambda name=name: observer.reports(name) and working(name) and observer.values(name)[
            'level'] < 2, f'{name} at work again', [programs[name]])
    for program in programs.values():
        program.end()
