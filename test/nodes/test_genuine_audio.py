"""Sound in the genuine generated types of other people's packages, over real DDS; each test skips without its type.

test/genuine/README.md says how to build them. A look-alike class would prove nothing: field types, buffers and the
graph's type names come from the generators. Two packages are called audio_common_msgs, so one run has one of them.
"""
import importlib

import numpy as np
import pytest
from loudness_recognizer import LoudnessRecognizer, blocks, tone

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS, STATE_QOS  # noqa: E402
from robot_ai.nodes.speech_to_text import SpeechToTextNode  # noqa: E402
from robot_ai.payloads import TranscriptDetail  # noqa: E402

pytestmark = pytest.mark.ros
HOW = 'test/genuine/README.md says how to build it'
STAMP = 1_700_000_000  # s


def genuine(package, name):
    """Return a message class of an installed package; the test skips where there is none."""
    module = pytest.importorskip(f'{package}.msg', reason=f'needs the genuine {package}; {HOW}')
    if not hasattr(module, name):
        pytest.skip(f'needs a {package} that has {name}; {HOW}')
    return getattr(module, name)


@pytest.fixture
def start(graph, tmp_path):
    def make(**parameters):
        (tmp_path / 'model.yaml').write_text('kind: speech\n')
        values = {'model': str(tmp_path), 'reliable': True, **parameters}
        return graph.add(SpeechToTextNode(lambda *_: LoudnessRecognizer(), parameter_overrides=[
            Parameter(name, value=value) for name, value in values.items()]))
    return make


def stamped(message, index, seconds=0.1):
    """Stamp the block `index` of a stream that began at STAMP."""
    nanoseconds = round(index * seconds * 1e9)
    message.header.stamp.sec = STAMP + nanoseconds // 10**9
    message.header.stamp.nanosec = nanoseconds % 10**9
    return message


def hears(graph, details, text):
    graph.wait(lambda: details, f'the transcript {text!r}')
    detail = TranscriptDetail.from_json(details.pop().data)
    assert detail.text == text
    return detail


def test_naoqi_audio_buffer(graph, start):
    kind = genuine('naoqi_bridge_msgs', 'AudioBuffer')
    details = graph.listen(String, 'transcript/detail')
    node = start()
    audio = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    audio.publish(kind(frequency=48_000, channel_map=[3, 5, 0, 2], data=[1, 2, 3]))  # three samples for four channels
    audio.publish(kind(frequency=48_000, data=[1, 2, 3]))  # no channel at all
    sound = np.concatenate([np.zeros((9600, 4), np.int16), tone(0.7, 48_000, 4, silence=0.5)])
    for index, block in enumerate(blocks(sound, 48_000)):
        message = kind(frequency=48_000, channel_map=[3, 5, 0, 2])
        message.data.frombytes(block.tobytes())
        audio.publish(stamped(message, index))
    detail = hears(graph, details, 'tono 7')
    assert detail.stamp.ns / 1e9 == pytest.approx(STAMP + 0.2, abs=0.021)
    assert node.health.counted('audio refused') == 2


@pytest.mark.parametrize('sample_format, dtype', [('S16LE', '<i2'), ('S16BE', '>i2'), ('F32LE', '<f4')])
def test_audio_data_with_the_latched_audio_info(graph, start, sample_format, dtype):
    kind, info = genuine('audio_common_msgs', 'AudioData'), genuine('audio_common_msgs', 'AudioInfo')
    if not hasattr(info(), 'sample_format'):
        pytest.skip(f'needs the audio_common_msgs of ros-drivers; {HOW}')
    details = graph.listen(String, 'transcript/detail')
    graph.node.create_publisher(info, 'audio_info', STATE_QOS).publish(info(
        channels=2, sample_rate=22_050, sample_format=sample_format, coding_format='wave'))
    start()
    audio = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    graph.wait(lambda: graph.node.get_subscriptions_info_by_topic('/audio_info'))
    sound = tone(0.6, 22_050, 2, silence=0.5)
    values = sound if dtype.endswith('i2') else sound / 32768
    for block in blocks(np.asarray(values), 22_050):
        audio.publish(kind(data=block.astype(dtype).tobytes()))
    hears(graph, details, 'tono 6')


def test_compressed_audio_data_is_refused_and_pcm_taken_when_it_comes(graph, start):
    kind, info = genuine('audio_common_msgs', 'AudioData'), genuine('audio_common_msgs', 'AudioInfo')
    if not hasattr(info(), 'sample_format'):
        pytest.skip(f'needs the audio_common_msgs of ros-drivers; {HOW}')
    details = graph.listen(String, 'transcript/detail')
    latched = graph.node.create_publisher(info, 'audio_info', STATE_QOS)
    latched.publish(info(channels=1, sample_rate=16_000, sample_format='S16LE', coding_format='mp3'))
    node = start()
    audio = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    audio.publish(kind(data=b'\xff\xfb\x90\x00'))
    graph.wait(lambda: 'format:=wave' in node.health.last_error)
    audio.publish(kind(data=b'\xff\xfb\x90\x00'))
    graph.wait(lambda: node.health.counted('audio refused') == 2)
    assert 'expected PCM' in node.health.last_error
    latched.publish(info(channels=1, sample_rate=16_000, sample_format='S16LE', coding_format='WAVE'))
    graph.wait(lambda: node._input._info is not None)
    for block in blocks(tone(0.5, silence=0.5)):
        audio.publish(kind(data=block.tobytes()))
    hears(graph, details, 'tono 5')


def test_audio_data_without_info_is_refused_until_parameters_tell(graph, start):
    kind = genuine('audio_common_msgs', 'AudioData')
    if kind.get_fields_and_field_types() != {'data': 'sequence<uint8>'}:
        pytest.skip(f'needs the audio_common_msgs of ros-drivers; {HOW}')
    details = graph.listen(String, 'transcript/detail')
    node = start(input_rate=8_000)
    audio = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    audio.publish(kind(data=b'\x00\x01\x02'))  # one and a half samples
    for block in blocks(tone(0.4, 8_000, silence=0.5), 8_000):
        audio.publish(kind(data=block.tobytes()))
    hears(graph, details, 'tono 4')
    assert node.health.counted('audio refused') == 1


def test_audio_data_stamped(graph, start):
    kind = genuine('audio_common_msgs', 'AudioDataStamped')
    details = graph.listen(String, 'transcript/detail')
    start(input_rate=16_000, input_channels=1)
    audio = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    for index, block in enumerate(blocks(np.concatenate([np.zeros((4800, 1), np.int16), tone(0.5, silence=0.5)]))):
        message = stamped(kind(), index)
        message.audio.data.frombytes(block.tobytes())
        audio.publish(message)
    assert hears(graph, details, 'tono 5').stamp.ns / 1e9 == pytest.approx(STAMP + 0.3, abs=0.021)


@pytest.mark.parametrize('number, field, scale, dtype', [
    (1, 'float32_data', 1 / 32768, np.float32), (2, 'int32_data', 65536, np.int32), (8, 'int16_data', 1, np.int16),
    (16, 'int8_data', 1 / 256, np.int8)])
def test_mgonzs13_audio_stamped(graph, start, number, field, scale, dtype):
    kind = genuine('audio_common_msgs', 'AudioStamped')
    details = graph.listen(String, 'transcript/detail')
    node = start()
    audio = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    bad = kind()
    bad.audio.info.format, bad.audio.info.rate, bad.audio.info.channels = 4, 16_000, 1  # 24 bit has no field
    audio.publish(bad)
    for index, block in enumerate(blocks(tone(0.8, 32_000, 2, silence=0.5), 32_000)):
        message = stamped(kind(), index)
        info = message.audio.info
        info.format, info.rate, info.channels, info.chunk = number, 32_000, 2, len(block)
        getattr(message.audio.audio_data, field).frombytes((block.astype(np.float64) * scale).astype(dtype).tobytes())
        audio.publish(message)
    assert hears(graph, details, 'tono 8').stamp.ns / 1e9 == pytest.approx(STAMP, abs=0.021)
    assert node.health.counted('audio refused') == 1


def test_the_type_may_change_and_of_two_types_one_is_taken(graph, start):
    kind = genuine('naoqi_bridge_msgs', 'AudioBuffer')
    details = graph.listen(String, 'transcript/detail')
    node = start()
    robot = graph.publisher(kind, 'audio', LOSSLESS_QOS)
    graph.wait(lambda: node._input.type_name == 'naoqi_bridge_msgs/msg/AudioBuffer')
    # A process has one type a topic; another publisher's type comes from another participant.
    context = importlib.import_module('rclpy').Context()
    context.init()
    other = importlib.import_module('rclpy').create_node('other', context=context)
    try:
        array = other.create_publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
        graph.wait(lambda: 'Int16MultiArray, which is not' in node.health.last_error)
        assert node._input.type_name == 'naoqi_bridge_msgs/msg/AudioBuffer'
        graph.node.destroy_publisher(robot)
        graph.wait(lambda: node._input.type_name == 'std_msgs/msg/Int16MultiArray')
        graph.wait(lambda: array.get_subscription_count() == 1)
        for block in blocks(tone(0.5, silence=0.5)):
            array.publish(to_array_message(block, 16_000))
        hears(graph, details, 'tono 5')
    finally:
        other.destroy_node()
        context.shutdown()


def test_rep_155_voices(graph, start):
    live, ids = genuine('hri_msgs', 'LiveSpeech'), genuine('hri_msgs', 'IdsList')
    speech = graph.listen(live, '/humans/voices/voz/speech')
    tracked = graph.listen(ids, '/humans/voices/tracked')
    speaking = graph.listen(importlib.import_module('std_msgs.msg').Bool, '/humans/voices/voz/is_speaking')
    start(voice_id='voz', locale='es-MX')
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    graph.wait(lambda: graph.node.count_publishers('/humans/voices/voz/speech') == 1)
    for block in blocks(tone(0.6, silence=0.5)):
        audio.publish(to_array_message(block, 16_000))
    graph.wait(lambda: len(tracked) == 2 and len(speaking) == 2 and len(speech) == 2)
    incremental, final = speech
    assert (incremental.incremental, incremental.final) == ('tono', '')
    assert (final.final, final.confidence) == ('tono 6', pytest.approx(0.9))
    assert getattr(final, 'locale', getattr(final, 'language', None)) == 'es-MX'
    assert final.header.stamp.sec > 0
    assert [list(message.ids) for message in tracked] == [['voz'], []]
    assert [message.data for message in speaking] == [True, False]
