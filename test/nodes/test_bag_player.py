"""bag_player over real DDS: every message and the clock arrive, lockstep follows the sound and no further."""
import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from loudness_recognizer import blocks, tone  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from std_msgs.msg import Header, Int16MultiArray, String  # noqa: E402

from robot_ai.bags import BagWriter  # noqa: E402
from robot_ai.errors import BagError, ConfigurationError  # noqa: E402
from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.bag_player import BagPlayerNode  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS  # noqa: E402
from robot_ai.payloads import CharactersDetail, Stamp  # noqa: E402

pytestmark = pytest.mark.ros
SECOND = 10**9


def write(path, *items):
    """Write (topic, type, second, message) items."""
    with BagWriter(path) as writer:
        for topic, kind, second, message in items:
            data = message if isinstance(message, bytes) else serialize_message(message)
            writer.write(topic, kind, round(second * 1e9), data)
    return str(path)


def sound(seconds, start=100.0):
    return [('/audio', 'std_msgs/msg/Int16MultiArray', start + 0.1 * i, to_array_message(block, 16_000))
            for i, block in enumerate(blocks(tone(seconds)))]


def play(graph, bag, **values):
    values = {'bag': bag, 'reliable': True, **values}
    return graph.add(BagPlayerNode(parameter_overrides=[Parameter(k, value=v) for k, v in values.items()]))


def seconds(clocks):
    return [c.clock.sec + c.clock.nanosec / 1e9 for c in clocks]


def test_inputs_are_played_in_order_with_a_clock_and_outputs_are_left_out(graph, tmp_path):
    page = CharactersDetail(Stamp(1), 'x', source='page').to_json()
    camera = CharactersDetail(Stamp(1), 'y').to_json()
    text = 'std_msgs/msg/String'
    bag = write(tmp_path / 'bag', *sound(0.5), ('/say', text, 100.1, String(data='no')),
                ('/characters/detail', text, 100.2, String(data=page)),
                ('/characters/detail', text, 100.3, String(data=camera)),
                ('/odd', 'unknown_msgs/msg/Odd', 100.2, b'\0\1\0\0\0\0\0\0'))
    audio, clocks = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS), graph.listen(Clock, '/clock', 1000)
    details, said = graph.listen(String, 'characters/detail'), graph.listen(String, 'say')
    player = play(graph, bag, rate=20.0, tail=0.5)
    graph.wait(player.finished.is_set)
    graph.wait(lambda: clocks and seconds(clocks)[-1] == pytest.approx(100.9, abs=1e-6))
    assert len(audio) == 5 and audio[0].data[3] == tone(0.1)[3, 0]
    assert [message.data for message in details] == [page]
    assert not said
    times = seconds(clocks)
    assert times == sorted(times) and max(b - a for a, b in zip(times, times[1:])) <= 0.0201
    assert '/odd (unknown_msgs/msg/Odd)' in player._playback.skipped


def test_lockstep_waits_for_the_sound_to_be_consumed(graph, tmp_path):
    bag = write(tmp_path / 'bag', *sound(6.0))
    audio, clocks = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS), graph.listen(Clock, '/clock', 1000)
    player = play(graph, bag, lockstep=True, lead=2.0, tail=0.0)
    progress = graph.publisher(Header, 'audio/progress')
    graph.wait(lambda: audio)
    for consumed in range(60):
        graph.wait(lambda consumed=consumed: len(audio) > consumed)
        # Stamps of another clock than the bag's: only the difference counts.
        stamp = round((7.1 + 0.1 * consumed) * 1e9)
        header = Header()
        header.stamp.sec, header.stamp.nanosec = divmod(stamp, SECOND)
        if consumed == 0:
            assert len(audio) == 1, 'the first block is waited for'
        assert seconds(clocks)[-1] <= 100.0 + 0.1 * max(consumed - 1, 0) + 2.0 + 1e-6
        progress.publish(header)
    graph.wait(player.finished.is_set)
    assert len(audio) == 60
    assert player.health.counted('errors') == 0


def test_lockstep_without_a_consumer_says_so_and_plays_on(graph, tmp_path):
    audio = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    player = play(graph, write(tmp_path / 'bag', *sound(0.5)), lockstep=True, patience=0.2, rate=50.0, tail=0.0)
    graph.wait(player.finished.is_set)
    graph.wait(lambda: len(audio) == 5)
    assert 'is speech_to_text active?' in player.health.last_error


def test_it_waits_for_the_nodes_named(graph, tmp_path):
    audio = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    player = play(graph, write(tmp_path / 'bag', *sound(0.3)), wait_for=['late'], rate=50.0, tail=0.0)
    graph.wait(lambda: player._playback.subscribers('/audio'))
    assert not audio
    diagnostics = graph.publisher(DiagnosticArray, 'diagnostics')
    diagnostics.publish(DiagnosticArray(status=[DiagnosticStatus(name='/lia/late')]))
    graph.wait(lambda: len(audio) == 3)
    assert player.health.counted('errors') == 0


def test_a_loop_sets_the_clock_back(graph, tmp_path):
    audio, clocks = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS), graph.listen(Clock, '/clock', 1000)
    play(graph, write(tmp_path / 'bag', *sound(0.3)), loop=True, rate=10.0, tail=0.1)
    graph.wait(lambda: len(audio) >= 9)

    def set_back():
        times = seconds(clocks)
        return sum(b < a for a, b in zip(times, times[1:]))
    graph.wait(lambda: set_back() >= 2)


def test_a_bag_that_cannot_be_played_is_named(ros, tmp_path):
    (tmp_path / 'broken.mcap').write_bytes(b'\x89MCAP0\r\n' + b'x' * 60)
    with pytest.raises(BagError, match='broken.mcap'):
        BagPlayerNode(parameter_overrides=[Parameter('bag', value=str(tmp_path / 'broken.mcap'))])
    with pytest.raises(ConfigurationError, match='parameter bag is empty'):
        BagPlayerNode()
    odd = write(tmp_path / 'odd', ('/odd', 'unknown_msgs/msg/Odd', 1.0, b'\0\1\0\0'))
    with pytest.raises(BagError, match='no topic can be played'):
        BagPlayerNode(parameter_overrides=[Parameter('bag', value=odd)])
