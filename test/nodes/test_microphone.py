"""microphone: the device's samples arrive unchanged; a lost device is reported, tried again, never spun on."""
import threading

import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Int16MultiArray  # noqa: E402

from robot_ai.nodes import device  # noqa: E402
from robot_ai.nodes.audio_messages import ARRAY, to_block  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS  # noqa: E402
from robot_ai.nodes.microphone import MicrophoneNode  # noqa: E402

pytestmark = pytest.mark.ros


class Device:
    """What speech_recognition.Microphone is to the node; gives `script`'s items, raising those that are errors."""

    def __init__(self, script, rate=16_000, chunk=512):
        self.script, self.SAMPLE_RATE, self.CHUNK, self.stream = script, rate, chunk, None
        self.closed = 0

    def __enter__(self):
        self.stream = self
        return self

    def __exit__(self, *_):
        self.closed += 1

    def read(self, frames):
        item = self.script.pop(0) if self.script else OSError('Stream closed')
        if isinstance(item, Exception):
            raise item
        return item.tobytes()


def ramp(start, frames=512):
    return np.arange(start, start + frames, dtype=np.int16)


@pytest.fixture
def start(graph):
    def make(factory, **parameters):
        values = {'reliable': True, 'retry': 0.1, **parameters}
        node = MicrophoneNode(factory, parameter_overrides=[Parameter(k, value=v) for k, v in values.items()])
        assert node.trigger_configure().name == 'SUCCESS'
        graph.wait(lambda: node._output.get_subscription_count() == 1)
        assert node.trigger_activate().name == 'SUCCESS'
        return graph.add(node, activate=False)
    return make


def test_samples_arrive_unchanged_with_their_rate(graph, start):
    received = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    asked = []

    def factory(*arguments):
        asked.append(arguments)
        return Device([ramp(-5), ramp(1000)], rate=44_100)
    start(factory, rate=44_100, block=0.01, device=3)
    graph.wait(lambda: len(received) >= 2)
    assert asked[0] == (3, 44_100, 441)
    block = to_block(received[0], ARRAY)
    assert block.rate == 44_100 and block.samples.shape == (512, 1)
    assert block.samples[:3, 0].tolist() == [-5, -4, -3]


def test_a_lost_device_is_closed_reported_and_opened_again(graph, start):
    received = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    devices = [Device([ramp(0), OSError('Unanticipated host error')]), Device([ramp(7), ramp(8)])]
    opened = []

    def factory(*_):
        if not devices:
            raise OSError('No Default Input Device Available')
        opened.append(devices.pop(0))
        return opened[-1]
    node = start(factory)
    graph.wait(lambda: len(received) == 3 and node.health.counted('device failures') >= 3)
    assert [message.data[0] for message in received] == [0, 7, 8]
    assert [device.closed for device in opened] == [1, 1]
    assert 'No Default Input Device' in node.health.last_error
    assert node.health.status().level == b'\x02'


def test_a_device_that_gives_nothing_counts_as_lost(graph, start):
    graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    node = start(lambda *_: Device([np.zeros(0, np.int16)]))
    graph.wait(lambda: 'no sound any more' in node.health.last_error)


def test_a_device_that_speech_recognition_cannot_open_is_reported(graph, start):
    class Busy(Device):
        def __enter__(self):  # speech_recognition.Microphone swallows the error and leaves no stream
            return self
    graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    node = start(lambda *_: Busy([]))
    graph.wait(lambda: 'busy, gone' in node.health.last_error)


def test_deactivated_it_reads_no_more(graph, start):
    graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS)
    opened = []

    def factory(*_):
        opened.append(Device([ramp(0)]))
        return opened[-1]
    node = start(factory)
    graph.wait(lambda: len(opened) >= 2)
    node.trigger_deactivate()
    count = len(opened)
    assert node._thread is None and all(device.closed for device in opened[:-1])
    node.trigger_activate()
    graph.wait(lambda: len(opened) > count)


def test_a_read_that_never_came_back_has_no_voice_when_it_does(graph, start, monkeypatch):
    monkeypatch.setattr(device, 'READ_WAIT', 0.05)
    received, release, stuck = graph.listen(Int16MultiArray, 'audio', LOSSLESS_QOS), threading.Event(), []

    class Stuck(Device):
        def read(self, frames):
            if not release.is_set():
                stuck.append(self)
                release.wait()
                return ramp(7).tobytes()
            return super().read(frames)
    devices = [Stuck([]), Device([ramp(1), ramp(2)])]
    node = start(lambda *_: devices.pop(0) if devices else Device([]))
    graph.wait(lambda: stuck)
    left_behind = node._thread
    node.trigger_deactivate()
    node.trigger_activate()
    graph.wait(lambda: len(received) == 2)
    release.set()
    left_behind.join(60)
    assert not left_behind.is_alive() and stuck[0].closed == 1
    graph.wait(lambda: node.health.counted('device failures') >= 2)  # long enough for another block to show
    assert [message.data[0] for message in received] == [1, 2]


def test_without_pyaudio_it_stays_unconfigured_and_says_how_to_install_it(graph, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pyaudio', None)
    node = graph.add(MicrophoneNode(), activate=False)
    assert node.trigger_configure().name == 'FAILURE'
    assert 'portaudio19-dev' in node.health.last_error
