"""speech_to_text with the speech model that is shipped: as a process, under signals, and for hours of sound."""
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from loudness_recognizer import blocks

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from std_msgs.msg import Bool, Header, Int16MultiArray, String  # noqa: E402

from robot_ai.errors import ModelError  # noqa: E402
from robot_ai.model_store import find_model, load_model  # noqa: E402
from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS  # noqa: E402
from robot_ai.nodes.speech_to_text import SpeechToTextNode  # noqa: E402
from robot_ai.payloads import TranscriptDetail  # noqa: E402

pytestmark = pytest.mark.ros
RATE = 16_000


@pytest.fixture(scope='module')
def info():
    try:
        return load_model(find_model('speech'), 'speech')
    except ModelError as error:
        pytest.skip(f'no speech model is shipped: {error}')


def voice(seconds, seed):
    """Return int16 [n, 1] that a voice detector takes for speech: a buzz through moving formants, in syllables."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time) + rng.uniform(0, 20)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    wave = np.zeros_like(time)
    for harmonic in range(1, 28):
        centre = 500 + 250 * np.sin(2 * np.pi * 2.1 * time + seed)
        strength = np.exp(-((harmonic * pitch - centre) / 250) ** 2)
        strength += 0.5 * np.exp(-((harmonic * pitch - 2.7 * centre) / 300) ** 2)
        wave += strength * np.sin(harmonic * phase)
    wave *= np.clip(np.sin(2 * np.pi * 2 * time) + 0.6, 0, 1) * 6000
    return (wave + rng.normal(0, 20, len(wave))).astype(np.int16)[:, None]


def pause(seconds, seed):
    return np.random.default_rng(seed).normal(0, 20, (round(seconds * RATE), 1)).astype(np.int16)


def test_a_process_loads_it_tells_its_hash_and_ends_on_a_signal_while_it_recognises(graph, info):
    reports = graph.listen(DiagnosticArray, 'diagnostics')
    progress = graph.listen(Header, 'audio/progress')
    code = 'import sys; from robot_ai.nodes.speech_to_text import main; sys.exit(main(sys.argv[1:]))'
    with subprocess.Popen([sys.executable, '-c', code, '--ros-args', '-p', 'autostart:=true', '-p', 'reliable:=true'],
                          stderr=subprocess.PIPE, text=True, env={**os.environ, 'PYTHONFAULTHANDLER': '1'}) as program:
        try:
            audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
            graph.wait(lambda: any({pair.key: pair.value for pair in message.status[0].values}.get('model sha256')
                                   == info.sha256 for message in reports), 'the hash of the model')
            for block in blocks(np.concatenate([pause(1.0, 0), voice(8.0, 1)])):
                audio.publish(to_array_message(block, RATE))
            graph.wait(lambda: len(progress) > 25)  # in the middle of the voice
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=60)
        finally:
            program.kill()
    assert program.returncode == 0, errors
    assert 'Traceback' not in errors


def test_an_altered_copy_stays_unconfigured_and_names_the_file(graph, info, tmp_path):
    shutil.copytree(info.folder, tmp_path / 'model')
    path = tmp_path / 'model' / info.graph.name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # one bit
    path.write_bytes(data)
    node = graph.add(SpeechToTextNode(parameter_overrides=[Parameter('model', value=str(tmp_path / 'model'))]),
                     activate=False)
    assert node.trigger_configure().name == 'FAILURE'
    assert info.graph.name in node.health.last_error and 'SHA-256' in node.health.last_error


def test_details_lie_within_the_sound_and_words_within_their_utterance(graph, info):
    details, progress = graph.listen(String, 'transcript/detail'), graph.listen(Header, 'audio/progress')
    activity = graph.listen(Bool, 'voice_activity')
    graph.add(SpeechToTextNode(parameter_overrides=[Parameter('reliable', value=True)]))
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    sound = [pause(1.0, 0)]
    for seed in range(4):
        sound += [voice(1.5, seed), pause(1.2, seed)]
    sent = blocks(np.concatenate(sound))
    for block in sent:
        audio.publish(to_array_message(block, RATE))
    graph.wait(lambda: len(progress) == len(sent))
    end = progress[-1].stamp.sec * 10**9 + progress[-1].stamp.nanosec
    assert [message.data for message in activity] == [True, False] * 4
    begin = end - round(len(sent) * 0.1e9)
    for message in details:
        detail = TranscriptDetail.from_json(message.data)
        assert begin - 1e6 <= detail.stamp.ns <= detail.stamp.ns + detail.duration * 1e9 <= end + 1e6
        assert 0 <= detail.confidence <= 1 and detail.language == 'es'
        assert ' '.join(word.text for word in detail.words) == detail.text
        for word in detail.words:
            assert 0 <= word.start <= word.end <= detail.duration + 0.05
        json.loads(message.data)


@pytest.mark.long
def test_hours_of_sound_leave_memory_and_queue_as_they_were(graph, info):
    psutil = pytest.importorskip('psutil')
    hours = float(os.environ.get('ROBOT_AI_SOAK_HOURS', '2'))  # of sound, played as fast as it is recognised
    node = graph.add(SpeechToTextNode(parameter_overrides=[
        Parameter('reliable', value=True), Parameter('use_sim_time', value=True)]))
    clock = graph.publisher(Clock, '/clock', qos_profile_sensor_data)
    progress = []
    graph.node.create_subscription(Header, 'audio/progress', progress.append, 50)
    audio = graph.publisher(Int16MultiArray, 'audio', LOSSLESS_QOS)
    process, sizes, sent = psutil.Process(), [], 0
    for seed in range(round(hours * 3600 / 30)):
        now = Clock()
        now.clock.sec = 1000 + 30 * seed
        graph.wait(lambda: clock.publish(now)  # again and again: /clock is best effort  # noqa: B023
                   or node.get_clock().now().nanoseconds == now.clock.sec * 10**9)  # noqa: B023
        for block in blocks(np.concatenate([voice(4.0, seed), pause(26.0, seed)])):
            audio.publish(to_array_message(block, RATE))
            sent += 1
            graph.wait(lambda: sent - len(progress) < 20)  # noqa: B023
        sizes.append(process.memory_info().rss / 2**20)
        assert node._worker.waiting <= 20
    graph.wait(lambda: len(progress) == sent)
    assert node.health.counted('audio dropped') == 0 and node.health.counted('errors') == 0
    tenth = max(1, len(sizes) // 10)
    grown = np.mean(sizes[-tenth:]) - np.mean(sizes[tenth:2 * tenth])
    print(f'{hours} h of sound, {node.health.counted("utterances"):.0f} utterances: {sizes[-1]:.0f} MiB, '
          f'grown by {grown:.1f} MiB')
    assert grown < 30
