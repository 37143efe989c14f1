"""A robot whose voice comes back through its own ears: naoqi's `speech` tells no end, so `speaker` estimates it.

A stand-in for naoqi_driver2 takes `speech` and plays it, late and in real time, into `audio` (48 kHz, 4 channels;
the genuine AudioBuffer where naoqi_bridge_msgs can be imported). No transcript may come of it; what a person says
afterwards is heard.
"""
import time

import numpy as np
import pytest
from loudness_recognizer import LoudnessRecognizer, blocks, tone

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from std_msgs.msg import Bool, Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.speaker import SpeakerNode  # noqa: E402
from robot_ai.nodes.speech_to_text import SpeechToTextNode  # noqa: E402
from robot_ai.worker import Worker  # noqa: E402

try:
    from naoqi_bridge_msgs.msg import AudioBuffer
except ImportError:
    AudioBuffer = None

pytestmark = pytest.mark.ros
RATE, CHANNELS, LATENCY = 48_000, 4, 0.25  # Hz, microphones, s from `speech` to the first sound


class Naoqi:
    """Sends silence all the time, as a driver does, and what it is given to say or hear in its place."""

    def __init__(self, graph, kind):
        self.kind = kind
        self.node = graph.node
        self.audio = graph.publisher(kind, 'audio', qos_profile_sensor_data)
        self.sound = []  # blocks to come
        self.said = []
        graph.node.create_subscription(String, 'speech', self._say, 10)
        self._ending = False
        self._worker = Worker(self._run, 1)
        self._worker.put(None)

    def _say(self, message):
        self.said.append(message.data)
        self.sound += blocks(np.zeros((round(LATENCY * RATE), CHANNELS), np.int16), RATE)
        self.sound += blocks(tone(len(message.data) / 14, RATE, CHANNELS), RATE)

    def hear(self, samples):
        """Let a person say something."""
        self.sound += blocks(samples, RATE)

    def _run(self, _):
        silence = np.zeros((RATE // 10, CHANNELS), np.int16)
        due = time.monotonic()
        while not self._ending:
            block = self.sound.pop(0) if self.sound else silence
            if self.kind is AudioBuffer:
                message = AudioBuffer(frequency=RATE, channel_map=[3, 5, 0, 2])
                message.data.frombytes(block.tobytes())
                message.header.stamp = self.node.get_clock().now().to_msg()
            else:
                message = to_array_message(block, RATE)
            self.audio.publish(message)
            due += len(block) / RATE
            time.sleep(max(0.0, due - time.monotonic()))

    def end(self):
        self._ending = True
        self._worker.stop()


@pytest.fixture(params=['Int16MultiArray', 'AudioBuffer'])
def naoqi(request, graph, tmp_path):
    if request.param == 'AudioBuffer' and AudioBuffer is None:
        pytest.skip('needs naoqi_bridge_msgs: test/genuine/README.md says how to build it')
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    graph.ears = graph.add(SpeechToTextNode(lambda *_: LoudnessRecognizer(), parameter_overrides=[
        Parameter('model', value=str(tmp_path))]))
    graph.add(SpeakerNode(parameter_overrides=[Parameter('backend', value='external')]))
    robot = Naoqi(graph, Int16MultiArray if request.param == 'Int16MultiArray' else AudioBuffer)
    yield robot
    robot.end()


def test_no_transcript_comes_of_the_robots_own_voice(graph, naoqi):
    texts, speaking = graph.listen(String, 'transcript'), graph.listen(Bool, 'robot_speaking')
    say = graph.publisher(String, 'say')
    graph.wait(lambda: graph.node.count_publishers('speech') == 1)
    graph.wait(lambda: graph.ears.health.counted('audio heard s') > 0.5, 'silence to be heard')
    say.publish(String(data='hola, ¿cómo estás?'))
    say.publish(String(data='yo bien'))
    graph.wait(lambda: [message.data for message in speaking][-2:] == [True, False])
    assert naoqi.said == ['hola, ¿cómo estás?', 'yo bien']
    gated = graph.ears.health.counted('audio gated s')
    assert gated >= sum(len(text) / 14 for text in naoqi.said)
    assert not texts
    # The tail over, somebody answers with a tone as long as no text of the robot's.
    heard = graph.ears.health.counted('audio heard s')
    graph.wait(lambda: graph.ears.health.counted('audio heard s') > heard + 0.3, 'the gate to open')
    naoqi.hear(tone(0.8, RATE, CHANNELS))
    graph.wait(lambda: texts)
    assert len(texts) == 1 and texts[0].data.startswith('tono')


def test_without_the_gate_the_robot_would_hear_itself(graph, naoqi):
    """Shows that the test above can fail: with barge-in allowed the same sound is heard."""
    graph.ears.set_parameters([Parameter('barge_in', value=True)])
    texts = graph.listen(String, 'transcript')
    say = graph.publisher(String, 'say')
    graph.wait(lambda: graph.node.count_publishers('speech') == 1)
    graph.wait(lambda: graph.ears.health.counted('audio heard s') > 0.5, 'silence to be heard')
    say.publish(String(data='yo bien'))
    graph.wait(lambda: texts)
