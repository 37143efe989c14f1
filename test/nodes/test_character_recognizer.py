"""character_recognizer over real DDS: steady writing is read once, faults stay small, nothing piles up."""
import threading
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from robot_ai.nodes.character_recognizer import CharacterRecognizerNode, Steady  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS, STATE_QOS  # noqa: E402
from robot_ai.nodes.image_messages import to_image_message  # noqa: E402
from robot_ai.payloads import CharactersDetail, RecognitionContext  # noqa: E402

pytestmark = pytest.mark.ros


class GreyReader:
    """Stands where ExpressionRecognizer stands: reads the picture's first pixel as a number; 0 is blank paper."""

    def __init__(self):
        self.read, self.gate = [], threading.Event()
        self.gate.set()

    def recognize(self, grey):
        self.gate.wait(30)
        value = int(grey[0, 0])
        self.read.append(value)
        candidates = (SimpleNamespace(latex=str(value), score=0.9), SimpleNamespace(latex='x', score=0.1))
        box = SimpleNamespace(x=1, y=2, width=3, height=4)
        symbols = (SimpleNamespace(box=box, candidates=candidates),) if value else ()
        return SimpleNamespace(latex=str(value) if value else '', score=0.9 if value else 0.0, symbols=symbols)


@pytest.fixture
def start(graph, tmp_path):
    def make(**values):
        (tmp_path / 'model.yaml').write_text('kind: characters\n')
        values = {'model': str(tmp_path), 'reliable': True, 'stable': 2, **values}
        reader = GreyReader()
        node = CharacterRecognizerNode(lambda *_: reader, parameter_overrides=[
            Parameter(name, value=value) for name, value in values.items()])
        node.reader = reader
        return graph.add(node)
    return make


def picture(value, seconds, size=8):
    message = to_image_message(np.full((size, size), value, np.uint8))
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(round(seconds * 1e9), 10**9)
    return message


def test_a_steady_reading_is_published_once_and_again_when_the_paper_was_away(graph, start):
    details, latex = graph.listen(String, 'characters/detail'), graph.listen(String, 'characters')
    node = start()
    images = graph.publisher(Image, 'image', LOSSLESS_QOS)
    for index, value in enumerate([7, 9, 7, 7, 7, 7, 0, 0, 7, 7, 0, 7, 7]):
        images.publish(picture(value, 10 + index))
    graph.wait(lambda: len(node.reader.read) == 13 and len(details) == 2 and len(latex) == 2)
    first, second = (CharactersDetail.from_json(message.data) for message in details)
    assert (first.latex, first.kind, first.stamp.sec, first.items[0].box) == ('7', 'symbol', 13, (1, 2, 3, 4))
    assert [c.latex for c in first.items[0].candidates] == ['7', 'x'] and first.source == 'camera'
    assert second.stamp.sec == 19
    assert latex[0].data == '7'


def test_images_above_the_rate_are_skipped_by_their_stamps(graph, start):
    node = start(rate=5.0)
    images = graph.publisher(Image, 'image', LOSSLESS_QOS)
    for index in range(31):  # 3 s at 10 images a second
        images.publish(picture(index + 1, 50 + index / 10))
    graph.wait(lambda: node.health.counted('images') == 31 and node.wait_idle(0.1))
    assert node.reader.read == list(range(1, 32, 2))


def test_live_the_newest_image_wins_and_there_is_no_backlog(graph, start):
    node = start(reliable=False, rate=100.0)
    node.reader.gate.clear()
    images = graph.publisher(Image, 'image', LOSSLESS_QOS)
    for index in range(20):
        images.publish(picture(index + 1, 60 + index))
        graph.wait(lambda index=index: node.health.counted('images') == index + 1)
    node.reader.gate.set()
    graph.wait(lambda: 20 in node.reader.read)
    assert node.reader.read in ([1, 20], [20])
    assert node.health.counted('images dropped') >= 18


def test_malformed_images_and_contexts_are_counted_and_the_next_good_ones_read(graph, start):
    latex = graph.listen(String, 'characters')
    node = start()
    images, compressed = graph.publisher(Image, 'image', LOSSLESS_QOS), graph.publisher(
        CompressedImage, 'image/compressed', LOSSLESS_QOS)
    context = graph.publisher(String, 'recognition_context', STATE_QOS)
    odd, short = picture(3, 1), picture(3, 2)
    odd.encoding, short.data = 'h264', b'\0'
    images.publish(odd)
    images.publish(short)
    compressed.publish(CompressedImage(data=b'none'))
    context.publish(String(data='{'))
    graph.wait(lambda: node.health.counted('images refused') == 3 and node.health.counted('errors') == 4)
    for second in (200, 201):
        images.publish(picture(5, second, size=1))
    graph.wait(lambda: latex)
    assert latex[0].data == '5'


def test_the_context_switches_vision_off_and_on_and_then_the_same_is_news(graph, start):
    latex = graph.listen(String, 'characters')
    node = start(stable=1)
    images = graph.publisher(Image, 'image', LOSSLESS_QOS)
    context = graph.publisher(String, 'recognition_context', STATE_QOS)

    def show(value, second, vision):
        context.publish(String(data=RecognitionContext(vision=vision).to_json()))
        graph.wait(lambda: node._vision == vision)
        images.publish(picture(value, second))
    show(4, 300, True)
    graph.wait(lambda: len(latex) == 1)
    show(5, 301, False)
    graph.wait(lambda: node.health.counted('images') == 2)
    show(4, 302, True)
    graph.wait(lambda: len(latex) == 2)
    assert node.reader.read == [4, 4]


def test_steady_counts_images_in_a_row():
    steady = Steady()
    assert [steady.see(reading, 3) for reading in ('a', 'a', 'b', 'a', 'a', 'a', 'a', '', 'a')] == [
        False, False, False, False, False, True, False, False, False]


def test_without_a_model_it_stays_unconfigured_and_names_the_folder(graph, tmp_path):
    node = graph.add(CharacterRecognizerNode(parameter_overrides=[
        Parameter('model', value=str(tmp_path / 'none'))]), activate=False)
    assert node.trigger_configure().name == 'FAILURE'
    assert str(tmp_path / 'none') in node.health.last_error


def test_detections_are_published_where_vision_msgs_is_installed(graph, start):
    vision = pytest.importorskip('vision_msgs.msg', reason='needs vision_msgs; see test/genuine/README.md')
    detections = graph.listen(vision.Detection2DArray, 'characters/detections')
    start(stable=1)
    graph.publisher(Image, 'image', LOSSLESS_QOS).publish(picture(6, 400))
    graph.wait(lambda: detections)
    found = detections[0].detections[0]
    assert detections[0].header.stamp.sec == 400
    assert (found.bbox.center.position.x, found.bbox.center.position.y) == (2.5, 4.0)
    assert (found.bbox.size_x, found.bbox.size_y) == (3.0, 4.0)
    assert [(r.hypothesis.class_id, r.hypothesis.score) for r in found.results] == [('6', 0.9), ('x', 0.1)]
