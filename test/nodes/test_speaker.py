"""speaker: robot_speaking surrounds every sound of the robot's, whoever makes it, and ends whatever happens."""
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Bool, String  # noqa: E402

from robot_ai.errors import ConfigurationError  # noqa: E402
from robot_ai.nodes.speaker import SpeakerNode  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def start(graph):
    def make(**parameters):
        return graph.add(SpeakerNode(parameter_overrides=[
            Parameter(name, value=value) for name, value in parameters.items()]))
    return make


@pytest.fixture
def espeak(tmp_path, monkeypatch):
    """Put a program called espeak-ng first on PATH that notes its input and arguments; returns a function."""
    def install(script):
        program = tmp_path / 'espeak-ng'
        program.write_text(f'#!/bin/sh\nOUT={tmp_path}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
        return tmp_path
    return install


def test_external_shuts_the_gate_before_it_forwards_and_opens_it_after_the_estimate(graph, start):
    order = []
    graph.node.create_subscription(Bool, 'robot_speaking', lambda m: order.append(m.data), 10)
    graph.node.create_subscription(String, 'speech', lambda m: order.append(m.data), 10)
    start(backend='external', characters_per_second=50.0, start_delay=0.2, tail=0.2)
    say = graph.publisher(String, 'say')
    graph.wait(lambda: graph.node.count_publishers('speech') == 1)
    say.publish(String(data='hola,  ¿qué\ntal?'))
    graph.wait(lambda: order[-1:] == [False] and True in order)
    order = order[order.index(True):]
    assert order == [True, 'hola, ¿qué tal?', False]


def test_a_robot_that_reports_its_own_end_ends_the_estimate(graph, start):
    heard = graph.listen(Bool, 'robot_speaking')
    node = start(backend='external', characters_per_second=2.0)
    assert node.estimate('a' * 2000) > 900  # s: the test could not wait for the estimate itself
    say, real = graph.publisher(String, 'say'), graph.publisher(Bool, 'robot_speaking', subscribers=2)
    say.publish(String(data='a' * 2000))
    graph.wait(lambda: heard and heard[-1].data)
    graph.wait(lambda: not node._own)  # its own True has come back
    real.publish(Bool(data=False))
    graph.wait(lambda: node.health.counted('ended by the robot itself') == 1)
    graph.wait(lambda: not heard[-1].data)


def test_numbers_count_as_they_are_read(graph, start):
    node = start(backend='external')
    assert node.estimate('1234567') > 3 * node.estimate('abcdefg')


def test_espeak_gets_the_text_as_input_and_no_shell_sees_it(graph, start, espeak):
    folder = espeak('cat > $OUT/said; echo "$@" > $OUT/arguments')
    heard = graph.listen(Bool, 'robot_speaking')
    start(voice='es-419')
    text = '-w x.wav $(touch owned) `id`; ¡hola!'
    graph.publisher(String, 'say').publish(String(data=text))
    graph.wait(lambda: [m.data for m in heard][-2:] == [True, False])
    assert (folder / 'said').read_text() == text
    assert (folder / 'arguments').read_text().split() == ['-v', 'es-419', '--stdin', '-s', '150']
    assert not (folder / 'owned').exists()


def test_barge_in_silences_espeak_and_forgets_what_waits(graph, start, espeak):
    folder = espeak('cat >> $OUT/said; exec sleep 600')
    heard = graph.listen(Bool, 'robot_speaking')
    node = start(barge_in=True)
    say, voice = graph.publisher(String, 'say'), graph.publisher(Bool, 'voice_activity')
    say.publish(String(data='primero'))
    say.publish(String(data='segundo'))
    graph.wait(lambda: (folder / 'said').exists() and node._worker.waiting == 1 and node._process is not None)
    voice.publish(Bool(data=True))
    graph.wait(lambda: [m.data for m in heard][-2:] == [True, False])
    assert (folder / 'said').read_text() == 'primero'
    assert node.health.counted('interrupted') == 1


def test_texts_that_cannot_be_spoken_are_counted_and_the_next_is_spoken(graph, start, espeak):
    folder = espeak('cat > $OUT/said')
    node = start()
    say = graph.publisher(String, 'say')
    for text in ('', ' \n ', '☺☺', '...'):
        say.publish(String(data=text))
    say.publish(String(data='sí'))
    graph.wait(lambda: (folder / 'said').exists() and (folder / 'said').read_text() == 'sí')
    assert node.health.counted('errors') == 4


def test_a_failing_espeak_opens_the_gate_again_and_is_reported(graph, start, espeak):
    espeak('cat > /dev/null; echo "error: No such file or directory" >&2')
    heard = graph.listen(Bool, 'robot_speaking')
    node = start()
    graph.publisher(String, 'say').publish(String(data='hola'))
    graph.wait(lambda: [m.data for m in heard][-2:] == [True, False])
    graph.wait(lambda: 'sound card' in node.health.last_error)


def test_without_espeak_the_node_lives_and_says_what_to_install(graph, start, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    node = start()
    graph.publisher(String, 'say').publish(String(data='hola'))
    graph.wait(lambda: node.health.counted('texts') == 1)
    assert 'apt install espeak-ng' in node.health.last_error


def test_an_unknown_backend_is_refused_with_the_choices(start):
    with pytest.raises(ConfigurationError, match='espeak, external, none'):
        start(backend='festival')
