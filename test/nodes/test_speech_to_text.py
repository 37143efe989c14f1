"""speech_to_text over real DDS: sound becomes transcripts with the right times, and faults stay small."""
import json
import sys
import threading

import pytest
from loudness_recognizer import LoudnessRecognizer, blocks, tone

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from std_msgs.msg import Bool, Header, Int16MultiArray, String  # noqa: E402

from robot_ai.model_store import describe_files  # noqa: E402
from robot_ai.nodes.audio_messages import Block, to_array_message  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS, STATE_QOS  # noqa: E402
from robot_ai.nodes.speech_to_text import SpeechToTextNode  # noqa: E402
from robot_ai.payloads import RecognitionContext, TranscriptDetail  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def model(tmp_path):
    """Return a folder that find_model takes for a speech model (the fake recogniser reads nothing of it)."""
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    return str(tmp_path)


@pytest.fixture
def start(graph, model):
    """Return a function that starts the node, listening reliably so that no test loses a block."""
    def make(**parameters):
        values = {'model': model, 'reliable': True, **parameters}
        recognizer = LoudnessRecognizer()
        node = SpeechToTextNode(lambda *_: recognizer, parameter_overrides=[
            Parameter(name, value=value) for name, value in values.items()])
        node.fake = recognizer
        return graph.add(node)
    return make


def send(publisher, samples, rate=16_000):
    for block in blocks(samples, rate):
        publisher.publish(to_array_message(block, rate))


def test_a_tone_of_48_khz_and_4_channels_becomes_one_transcript(graph, start):
    texts, details = graph.listen(String, 'transcript'), graph.listen(String, 'transcript/detail')
    partials, activity = graph.listen(String, 'transcript/partial'), graph.listen(Bool, 'voice_activity')
    progress = graph.listen(Header, 'audio/progress')
    start()
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    send(audio, tone(0.7, 48_000, 4, silence=0.8), 48_000)
    graph.wait(lambda: details and texts and len(progress) == 15)
    assert texts[0].data == 'tono 7'
    detail = TranscriptDetail.from_json(details[0].data)
    assert [word.text for word in detail.words] == ['tono', '7']
    assert detail.words[0].start == pytest.approx(0.0, abs=0.021)
    assert detail.duration == pytest.approx(0.7, abs=0.041)
    consumed = progress[-1].stamp.sec * 10**9 + progress[-1].stamp.nanosec
    assert (consumed - detail.stamp.ns) / 1e9 == pytest.approx(1.5, abs=0.021)
    assert [message.data for message in activity] == [True, False]
    assert partials[0].data == 'tono'


def test_malformed_messages_are_counted_and_the_next_good_ones_heard(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start()
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    context = graph.publisher(String, 'recognition_context', STATE_QOS)
    audio.publish(Int16MultiArray(data=[1, 2, 3]))  # no rate
    odd = to_array_message(tone(0.1)[:7], 16_000)
    odd.layout.dim[1].size = 3
    audio.publish(odd)
    audio.publish(to_array_message(tone(0.1), 96_000))
    context.publish(String(data='{"phrases": 3}'))
    graph.wait(lambda: node.health.counted('errors') == 4)
    assert node.health.counted('audio refused') == 3
    send(audio, tone(0.5, silence=0.5))
    graph.wait(lambda: texts)
    assert texts[0].data == 'tono 5'


def test_unlabelled_sound_is_taken_with_the_parameters(graph, start):
    texts = graph.listen(String, 'transcript')
    start(input_rate=8_000, input_channels=2)
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    for block in blocks(tone(0.6, 8_000, 2, silence=0.5), 8_000):
        audio.publish(Int16MultiArray(data=block.reshape(-1).tolist()))
    graph.wait(lambda: texts)
    assert texts[0].data == 'tono 6'


def test_the_context_reaches_the_recogniser_even_when_sent_before_it_was_active(graph, model):
    context = graph.node.create_publisher(String, 'recognition_context', STATE_QOS)
    context.publish(String(data=RecognitionContext(('hola robot',), 'paused_speech').to_json()))
    recognizer = LoudnessRecognizer()
    graph.add(SpeechToTextNode(lambda *_: recognizer, parameter_overrides=[Parameter('model', value=model)]))
    graph.wait(lambda: recognizer.contexts)
    assert recognizer.contexts == [(('hola robot',), 'paused_speech')]


def test_while_the_robot_speaks_nothing_is_heard_unless_barge_in_allows_it(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start(gate_tail=0.0)
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    speaking = graph.publisher(Bool, 'robot_speaking')
    speaking.publish(Bool(data=True))
    graph.wait(lambda: node._gate.speaking)
    send(audio, tone(0.9, silence=0.5))
    graph.wait(lambda: node.health.counted('audio gated s') > 1.3)
    node.set_parameters([Parameter('barge_in', value=True)])
    send(audio, tone(0.4, silence=0.5))
    graph.wait(lambda: texts)
    assert [message.data for message in texts] == ['tono 4']


def test_a_voice_that_dies_while_it_speaks_does_not_leave_it_deaf(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start(gate_tail=0.0)
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    speaking = graph.publisher(Bool, 'robot_speaking')
    speaking.publish(Bool(data=True))
    graph.wait(lambda: node._gate.speaking)
    graph.node.destroy_publisher(speaking)
    graph.wait(lambda: not node._gate.speaking)
    assert 'gone' in node.health.last_error
    send(audio, tone(0.4, silence=0.5))
    graph.wait(lambda: texts)


def test_what_was_being_said_is_published_on_deactivation(graph, start):
    texts, progress = graph.listen(String, 'transcript'), graph.listen(Header, 'audio/progress')
    node = start()
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    send(audio, tone(0.5))
    graph.wait(lambda: len(progress) == 5)
    assert not texts
    node.trigger_deactivate()
    graph.wait(lambda: texts)


def test_without_a_model_it_stays_unconfigured_and_says_which_file_is_missing(graph, tmp_path):
    node = graph.add(SpeechToTextNode(parameter_overrides=[Parameter('model', value=str(tmp_path / 'none'))]),
                     activate=False)
    assert node.trigger_configure().name == 'FAILURE'
    assert str(tmp_path / 'none') in node.health.last_error
    assert node._state_machine.current_state[1] == 'unconfigured'


def test_details_are_json_with_accents(graph, start):
    details = graph.listen(String, 'transcript/detail')
    start()
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    send(audio, tone(0.3, silence=0.4))
    graph.wait(lambda: details)
    assert json.loads(details[0].data)['language'] == 'es'


def test_a_looped_bag_sets_the_clock_back_and_begins_another_stream(graph, start):
    details, progress = graph.listen(String, 'transcript/detail'), graph.listen(Header, 'audio/progress')
    node = start(use_sim_time=True)
    clock = graph.publisher(Clock, '/clock', qos_profile_sensor_data)
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)

    def play(seconds, duration, silence):
        """Publish a tone while the bag's clock shows `seconds`."""
        message = Clock()
        message.clock.sec = seconds
        graph.wait(lambda: clock.publish(message)  # again and again: /clock is best effort
                   or node.get_clock().now().nanoseconds == seconds * 10**9)
        before = len(progress)
        send(audio, tone(duration, silence=silence))
        graph.wait(lambda: len(progress) == before + round(10 * (duration + silence)))
    play(1000, 0.5, 0.5)
    play(1001, 0.4, 0.0)  # cut off by the loop
    play(1000, 0.7, 0.5)
    graph.wait(lambda: len(details) == 3)
    first, cut, again = (TranscriptDetail.from_json(message.data) for message in details)
    assert (first.text, cut.text, again.text) == ('tono 5', 'tono 4', 'tono 7')
    # The first block of 0.1 s ended when it was received.
    assert first.stamp.ns / 1e9 == pytest.approx(999.9, abs=0.021)
    assert cut.stamp.ns / 1e9 == pytest.approx(1000.9, abs=0.021)
    assert again.stamp.ns / 1e9 == pytest.approx(999.9, abs=0.021)
    assert node.health.counted('audio restarts') == 1


def test_an_altered_model_leaves_the_node_unconfigured_and_names_the_file(graph, tmp_path):
    (tmp_path / 'graph.tflite').write_bytes(b'a graph')
    (tmp_path / 'model.yaml').write_text(json.dumps({
        'kind': 'speech', 'name': 'x', 'version': '1', 'graph': 'graph.tflite', 'labels': ['', 'a'],
        'files': describe_files(tmp_path, ['graph.tflite']), 'parameters': {}}))
    node = graph.add(SpeechToTextNode(parameter_overrides=[Parameter('model', value=str(tmp_path))]), activate=False)
    for damage, message in ((b'A graph', 'SHA-256 is'), (b'a gra', '5'), (None, 'missing')):
        if damage is None:
            (tmp_path / 'graph.tflite').unlink()
        else:
            (tmp_path / 'graph.tflite').write_bytes(damage)
        assert node.trigger_configure().name == 'FAILURE'
        assert 'graph.tflite' in node.health.last_error and message in node.health.last_error
        assert node._state_machine.current_state[1] == 'unconfigured'
    # Made whole again it gets as far as the runtime, which cannot open this one.
    (tmp_path / 'graph.tflite').write_bytes(b'a graph')
    assert node.trigger_configure().name == 'FAILURE'
    assert 'LiteRT cannot open it' in node.health.last_error


def test_a_recogniser_that_fails_costs_one_block_not_the_node(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start()
    good = node._stream.accept

    def fail(samples, muted=False):
        node._stream.accept = good
        raise RuntimeError('out of luck')
    node._stream.accept = fail
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    send(audio, tone(0.1))
    graph.wait(lambda: 'out of luck' in node.health.last_error)
    send(audio, tone(0.5, silence=0.5))
    graph.wait(lambda: texts)


def test_cleaned_up_and_configured_again_it_hears_again(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start()
    for transition in ('deactivate', 'cleanup', 'configure', 'activate'):
        assert getattr(node, f'trigger_{transition}')().name == 'SUCCESS'
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    send(audio, tone(0.5, silence=0.5))
    graph.wait(lambda: texts)
    assert texts[0].data == 'tono 5'


def test_sound_that_comes_faster_than_it_is_recognised_is_dropped_and_counted(graph, start):
    details = graph.listen(String, 'transcript/detail')
    node = start(reliable=False, queue=3)
    good, go = node._stream.accept, threading.Event()

    def slow(samples, muted=False):
        go.wait(60)
        return good(samples, muted)
    node._stream.accept = slow
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    send(audio, tone(3.0))
    graph.wait(lambda: node.health.counted('audio messages') >= 20)
    # One block is in work and three wait; the node's thread may be between counting one and queueing it.
    graph.wait(lambda: node.health.counted('audio dropped') == node.health.counted('audio messages') - 4)
    assert {pair.key for pair in node.health.status().values} >= {'audio dropped rate', 'audio queue'}
    go.set()
    send(audio, tone(0.1, silence=0.5))
    graph.wait(lambda: details)


def test_a_robot_with_another_clock_is_reported_and_heard_all_the_same(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start(reliable=False)
    behind = node.get_clock().now().nanoseconds - 3600 * 10**9  # an hour
    for index, block in enumerate(blocks(tone(0.5, silence=0.5))):
        node._on_block(Block(block, 16_000, behind + index * 10**8))
    graph.wait(lambda: texts)
    assert ' by -3' in node.health.last_error and 'chrony' in node.health.last_error


def test_numerals_are_for_the_plain_text_alone(graph, start):
    texts, details = graph.listen(String, 'transcript'), graph.listen(String, 'transcript/detail')
    node = start(numerals=True)
    node.fake.text = 'tono veintitrés'.format
    send(graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS), tone(0.5, silence=0.8))
    graph.wait(lambda: texts and details)
    assert texts[0].data == 'tono 23'
    assert TranscriptDetail.from_json(details[0].data).text == 'tono veintitrés'


def test_with_a_wake_word_only_what_follows_it_is_published(graph, start):
    texts, partials = graph.listen(String, 'transcript'), graph.listen(String, 'transcript/partial')
    node = start(wake_word='¡Hola, robot!', awake=2.0)
    assert node.fake.contexts[0][0] == ('hola robot',)  # favoured from the start
    node.fake.text = {5: 'enciende la luz', 6: 'hola robot ven aquí', 7: 'y la puerta', 8: 'nada'}.get
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    for length in (0.5, 0.6, 0.7):
        send(audio, tone(length, silence=0.8))
    send(audio, tone(0.0, silence=3.0))
    send(audio, tone(0.8, silence=0.8))
    graph.wait(lambda: node.health.counted('not for the robot') == 2)
    graph.wait(lambda: len(texts) == 2)
    assert [text.data for text in texts] == ['ven aquí', 'y la puerta']
    assert [text.data for text in partials] == ['tono']  # of the one that needed no wake word


def test_while_the_robot_answers_nobody_falls_out_of_its_attention(graph, start):
    texts = graph.listen(String, 'transcript')
    node = start(wake_word='hola robot', awake=1.5, gate_tail=0.0)
    node.fake.text = {6: 'hola robot ven', 7: 'y la puerta'}.get
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    speaking = graph.publisher(Bool, 'robot_speaking')
    send(audio, tone(0.6, silence=0.6))
    graph.wait(lambda: texts)
    speaking.publish(Bool(data=True))
    graph.wait(lambda: node._gate.speaking)
    send(audio, tone(0.0, silence=4.0))
    graph.wait(lambda: node.health.counted('audio gated s') > 3.9)
    speaking.publish(Bool(data=False))
    graph.wait(lambda: not node._gate.speaking)
    send(audio, tone(0.0, silence=0.8))  # what the gate may still hold back
    send(audio, tone(0.7, silence=0.6))
    graph.wait(lambda: len(texts) == 2)
    assert texts[1].data == 'y la puerta'


def test_another_engine_hears_in_our_place_and_the_cloud_is_asked_for(graph, monkeypatch):
    import speech_recognition as sr

    from robot_ai.speech.other_engines import EngineRecognizer
    monkeypatch.setattr(sr.Recognizer, 'recognize_sphinx', lambda self, audio: 'Otra voz')
    monkeypatch.setitem(sys.modules, 'pocketsphinx', object())
    monkeypatch.setattr(EngineRecognizer, 'min_voice', -1000)  # a tone is no voice
    details = graph.listen(String, 'transcript/detail')
    graph.add(made(engine='sphinx', model='/no/such/folder'))  # it needs no model of ours
    send(graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS), tone(0.7, silence=1.2))
    graph.wait(lambda: details)
    detail = TranscriptDetail.from_json(details[0].data)
    assert detail.text == 'otra voz' and not detail.words and detail.duration > 0.6
    cloud = graph.add(made(engine='google'), activate=False)
    assert cloud.trigger_configure().name == 'FAILURE' and 'allow_cloud' in cloud.health.last_error


def made(**values):
    return SpeechToTextNode(parameter_overrides=[Parameter(name, value=value) for name, value in {
        'reliable': True, **values}.items()])
