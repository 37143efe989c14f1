"""Replays of bags through every node: the same outcome each time, compared with what is expected."""
import pytest

pytest.importorskip('rclpy')

from std_msgs.msg import String  # noqa: E402

from robot_ai.cli import main  # noqa: E402
from robot_ai.errors import BagError, ModelError  # noqa: E402
from robot_ai.payloads import TranscriptDetail  # noqa: E402
from robot_ai.testing import check_bag, load_outcome, replay_bag  # noqa: E402

pytestmark = pytest.mark.ros

DIALOGUE = """
robot_ai_dialogue: 1
name: tonos
language: es
start: espera
safe: espera
intents:
  corto: {examples: [tono tres]}
  largo: {examples: [tono siete]}
states:
  espera: {rest: true, on: [{hear: corto, go: pregunta}]}
  pregunta: {say: "¿Cuánto dura?", on: [{hear: largo, go: fin}], silence: {after: 30, go: espera}}
  fin: {say: "Gracias.", after: {seconds: 1, go: espera}}
"""
NODES = ('speech_to_text', 'state_machine', 'speaker')


@pytest.fixture
def dialogue(tmp_path):
    (tmp_path / 'tonos.yaml').write_text(DIALOGUE)
    return str(tmp_path / 'tonos.yaml')


def test_two_replays_bring_the_same_and_times_count_from_the_bags_start(tones, dialogue):
    models, write = tones
    bag = write('bag', 0.3, 0.7)
    seen = []
    first, second = (replay_bag(bag, models=models, dialogue=dialogue, nodes=NODES,
                                watch=lambda *event: seen.append(event[0])) for _ in range(2))
    assert first == second
    assert [t.text for t in first.transcripts] == ['tono 3', 'tono 7']
    # Sound without stamps is stamped on receipt, which is when a block ends.
    assert first.transcripts[1].words[0].start == pytest.approx(1.2, abs=0.021)
    assert seen[:len(seen) // 2] == seen[len(seen) // 2:] and {'partial', 'final', 'state'} <= set(seen)


def test_what_a_person_did_at_the_page_is_replayed_and_what_the_robot_said_is_not(tones, dialogue):
    models, write = tones
    typed = TranscriptDetail.from_json('{"stamp": {"sec": 1700000001}, "text": "tono tres", "source": "text"}')
    heard = TranscriptDetail.from_json('{"stamp": {"sec": 1700000001}, "text": "otra cosa"}')
    kind = 'std_msgs/msg/String'
    bag = write('bag', 0.2, extra=[
        ('/transcript/detail', kind, 1.5, String(data=typed.to_json())),
        ('/transcript/detail', kind, 1.6, String(data=heard.to_json())), ('/say', kind, 1.7, String(data='¡Hola!'))])
    outcome = replay_bag(bag, models=models, dialogue=dialogue, nodes=NODES)
    assert [t.text for t in outcome.transcripts] == ['tono 2', 'tono tres']
    assert outcome.say[-1] == '¿Cuánto dura?' and '¡Hola!' not in outcome.say


def test_an_utterance_that_the_end_of_the_bag_cuts_off_is_heard(tones, dialogue):
    models, write = tones
    from loudness_recognizer import tone

    from robot_ai.nodes.audio_messages import to_array_message
    bag = write('bag', 0.3, extra=[('/audio', 'std_msgs/msg/Int16MultiArray', 1.4 + i / 10, to_array_message(
        tone(0.1), 16_000)) for i in range(7)])
    outcome = replay_bag(bag, models=models, dialogue=dialogue, nodes=NODES)
    assert [t.text for t in outcome.transcripts] == ['tono 3', 'tono 7']
    assert outcome.say == ['¿Cuánto dura?', 'Gracias.'] and outcome.states[-1] == 'espera'


def test_the_command_writes_compares_and_shows_the_difference(tones, dialogue, tmp_path, capsys):
    models, write = tones
    bag, file = str(write('bag', 0.3)), str(tmp_path / 'expected.yaml')
    command = ['replay', bag, '--expect', file, '--dialogue', dialogue, '--models', str(models)]
    # The character recogniser has no model here: it says so, and a bag without images does not need it.
    assert main([*command, '--update']) == 0
    out = capsys.readouterr().out
    assert '«tono 3»' in out and 'dice   ¿Cuánto dura?' in out and 'character_recognizer is not running' in out
    assert load_outcome(file).say == ['¿Cuánto dura?']
    assert main([*command, '--quiet']) == 0
    other = load_outcome(file)
    other.say = ['Gracias.']
    other.save(file)
    capsys.readouterr()
    assert main([*command, '--quiet']) == 1
    assert '  - Gracias.\n  + ¿Cuánto dura?' in capsys.readouterr().out
    with pytest.raises(AssertionError, match='Cuánto dura'):
        check_bag(bag, file, models=models, dialogue=dialogue, nodes=NODES)


def test_a_bag_or_model_that_cannot_be_used_is_named(tones, tmp_path, capsys):
    models, write = tones
    bag = write('bag', 0.3)
    with pytest.raises(ModelError, match='speech_to_text does not run, which /audio'):
        replay_bag(bag, models=tmp_path / 'none', nodes=NODES)
    (tmp_path / 'broken.mcap').write_bytes(b'none')
    with pytest.raises(BagError, match='broken.mcap'):
        replay_bag(tmp_path / 'broken.mcap')
    assert main(['replay', str(tmp_path / 'broken.mcap')]) == 1
    error = capsys.readouterr().err
    assert 'broken.mcap' in error and 'Traceback' not in error
