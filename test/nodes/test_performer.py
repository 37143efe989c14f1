"""The node performer over real DDS: sounds, notices and cancelling; a command gets its words as they are, no shell."""
import json
import sys

import pytest

pytestmark = pytest.mark.ros

NOTE_ARGUMENTS = 'import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], "w", encoding="utf-8"))'
SLEEP = 'import time; time.sleep(300)'


@pytest.fixture
def performer(graph, tmp_path):
    """Return make(**parameters) -> (send(id, name, **arguments), the list of answers received)."""
    from rclpy.parameter import Parameter
    from std_msgs.msg import String

    from robot_ai.nodes.common import RESULT_QOS
    from robot_ai.nodes.performer import PerformerNode

    def make(**parameters):
        dialogue = tmp_path / 'dialogue.yaml'
        dialogue.write_text('', 'utf-8')
        (tmp_path / 'song.wav').write_bytes(b'RIFF')
        parameters = {'dialogue': str(dialogue), **parameters}
        received = graph.listen(String, 'dialogue/event', RESULT_QOS)
        node = graph.add(PerformerNode(parameter_overrides=[Parameter(k, value=v) for k, v in parameters.items()]))
        publisher = graph.publisher(String, 'action', RESULT_QOS)
        graph.wait(lambda: node._events.get_subscription_count(), 'a listener of dialogue/event')

        def send(identity, name, **arguments):
            publisher.publish(String(data=json.dumps({'id': identity, 'name': name, 'arguments': arguments})))

        def answer_to(identity):
            graph.wait(lambda: any(json.loads(m.data)['id'] == identity for m in received), f'an answer to {identity}')
            return next(a for a in (json.loads(m.data) for m in received) if a['id'] == identity)
        return node, publisher, send, answer_to
    return make


def test_sounds_that_cannot_be_played_fail_with_the_reason(performer):
    _, _, send, answer_to = performer(sound_command=['/no/such/player'])
    for identity, file, reason in (('a', 'absent.wav', 'does not exist'), ('b', '../song.wav', 'lie in the folder'),
                                   ('c', 'dialogue.yaml', 'expected one of'), ('d', 'song.wav', '/no/such/player'),
                                   ('e', 'nul\x00.wav', ''), ('f', '', '')):
        send(identity, 'play_sound', file=file)
        answer = answer_to(identity)
        assert answer['status'] == 'failed' and answer['why'] and reason in answer['why']


def test_a_sound_is_given_to_the_player_as_its_last_argument(performer, tmp_path):
    _, _, send, answer_to = performer(sound_command=[sys.executable, '-c', NOTE_ARGUMENTS, str(tmp_path / 'got')])
    send('a', 'play_sound', file='song.wav')
    assert answer_to('a')['status'] == 'done'
    assert json.loads((tmp_path / 'got').read_text('utf-8')) == [str((tmp_path / 'song.wav').resolve())]


def test_nobody_is_notified_unless_a_command_is_set(performer):
    _, _, send, answer_to = performer()
    send('a', 'notify', person='familia', message='Pide ayuda.')
    answer = answer_to('a')
    assert answer['status'] == 'failed' and 'notify_command is not set' in answer['why']


def test_a_notice_reaches_its_command_as_plain_arguments(performer, tmp_path):
    command = [sys.executable, '-c', NOTE_ARGUMENTS, str(tmp_path / 'got'), '--to={person}', '{message}']
    _, _, send, answer_to = performer(notify_command=command)
    send('a', 'notify', person='Ana; rm -rf /', message=f'$(touch {tmp_path}/shell) `id`\n"{{person}}"')
    assert answer_to('a')['status'] == 'done'
    got = json.loads((tmp_path / 'got').read_text('utf-8'))
    assert got == ['--to=Ana; rm -rf /', f'$(touch {tmp_path}/shell) `id` "{{person}}"']
    assert not (tmp_path / 'shell').exists()
    send('b', 'notify', person='Ana', message='--version')
    assert answer_to('b')['status'] == 'done'
    assert json.loads((tmp_path / 'got').read_text('utf-8'))[1] == ' --version'


def test_a_player_that_says_that_it_failed_but_ends_with_0_has_failed(performer):
    silent = 'import sys; sys.stderr.write("ALSA: x\\nNo more combinations to try, audio open failed\\n")'
    _, _, send, answer_to = performer(sound_command=[sys.executable, '-c', silent])
    send('a', 'play_sound', file='song.wav')
    answer = answer_to('a')
    assert answer['status'] == 'failed' and answer['why'].endswith('audio open failed')


def test_a_command_that_fails_tells_its_last_words(performer):
    failing = 'import sys; sys.stderr.write("no signal"); sys.exit(3)'
    _, _, send, answer_to = performer(notify_command=[sys.executable, '-c', failing, '{message}'])
    send('a', 'notify', message='x')
    answer = answer_to('a')
    assert answer['status'] == 'failed' and 'ended with 3' in answer['why'] and 'no signal' in answer['why']


@pytest.mark.parametrize('which', ['a', 'sounds'])
def test_a_sound_is_cancelled_by_its_id_or_with_all_others(performer, graph, which):
    node, _, send, answer_to = performer(sound_command=[sys.executable, '-c', SLEEP])
    send('a', 'play_sound', file='song.wav')
    graph.wait(lambda: node._performer._running, 'the player')
    send('x', 'cancel', id='unknown')
    send('y', 'cancel', id=which)
    assert answer_to('a')['status'] == 'failed'
    assert not node._performer._running


def test_a_request_sent_again_while_it_is_at_work_is_not_begun_twice(performer, graph):
    node, _, send, answer_to = performer(sound_command=[sys.executable, '-c', SLEEP])
    send('a', 'play_sound', file='song.wav')
    graph.wait(lambda: node._performer._running, 'the player')
    process = node._performer._running['a'][0]
    send('a', 'play_sound', file='song.wav')
    send('b', 'play_sound', file='absent.wav')
    answer_to('b')  # by then the second `a` has been looked at
    assert node._performer._running['a'][0] is process
    send('x', 'cancel', id='a')
    assert answer_to('a')['status'] == 'failed'


def test_malformed_actions_are_counted_and_leave_it_at_work(performer, graph):
    from std_msgs.msg import String
    node, publisher, send, answer_to = performer()
    malformed = ('{', '[]', '{"id": 3, "name": "notify"}', '{"id": "a", "name": "notify", "arguments": []}',
                 'x' * 300_000)
    for data in malformed:
        publisher.publish(String(data=data))
    send('b', 'dance')  # the robot's own: not answered here
    send('c', 'speech_rate', factor='quick')
    assert answer_to('c')['status'] == 'failed'
    assert node.health.counted('malformed messages') == len(malformed)


def test_a_notify_command_without_a_place_for_the_words_is_refused(ros, tmp_path):
    from rclpy.parameter import Parameter

    from robot_ai.errors import ConfigurationError
    from robot_ai.nodes.performer import PerformerNode
    (tmp_path / 'd.yaml').write_text('', 'utf-8')
    with pytest.raises(ConfigurationError, match='notify_command'):
        PerformerNode(parameter_overrides=[Parameter('dialogue', value=str(tmp_path / 'd.yaml')),
                                           Parameter('notify_command', value=['true'])])
