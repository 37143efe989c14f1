"""`robot-ai benchmark`: its report says what a replay of the same bag says, adds up, and keeps its form.

The bag is the first utterance of the bundled one; it is sent reliably, so that a busy machine changes times only, and
no time is judged here.
"""
import json

import pytest

pytest.importorskip('rclpy')

from jsonschema import validate  # noqa: E402

from robot_ai.bags import Bag, BagWriter  # noqa: E402
from robot_ai.cli import main  # noqa: E402
from robot_ai.measurement import LATENCIES, shown  # noqa: E402
from robot_ai.paths import share_directory  # noqa: E402
from robot_ai.testing import replay_bag  # noqa: E402

pytestmark = pytest.mark.ros
SECONDS = 9.0  # of the bundled bag: one utterance and the silence behind it
NODES = {'speech_to_text', 'character_recognizer', 'state_machine', 'speaker'}

NUMBERS = {'type': 'array', 'items': {'type': 'number'}, 'minItems': 1}
FIGURES = {'anyOf': [{'type': 'null'}, {
    'type': 'object', 'required': ['count', 'p50', 'p95', 'p99', 'max', 'p50_interval'],
    'properties': {'count': {'type': 'integer', 'minimum': 1}, 'p50': {'type': 'number'}, 'p95': {'type': 'number'},
                   'p99': {'type': 'number'}, 'max': {'type': 'number'}, 'p50_interval': NUMBERS}}]}
ENGINE = {
    'type': 'object',
    'required': ['model', 'cold_start_s', 'latency_ms', 'nodes', 'real_time_factor', 'counts', 'transcripts',
                 'words_without_partial', 'others_cores_busy', 'player_late_ms'],
    'properties': {
        'cold_start_s': NUMBERS,
        'latency_ms': {'type': 'object', 'required': list(LATENCIES), 'additionalProperties': FIGURES},
        'nodes': {'type': 'object', 'additionalProperties': {
            'type': 'object', 'required': ['cold_start_s', 'cpu_share', 'resident_mb'],
            'additionalProperties': NUMBERS}},
        'counts': {'type': 'object', 'additionalProperties': {'type': 'integer', 'minimum': 0}},
        'transcripts': {'type': 'array', 'items': {'type': 'array', 'items': {
            'type': 'object', 'required': ['text', 'start', 'end', 'latency_ms']}}}}}
SCHEMA = {
    'type': 'object',
    'required': ['date', 'bag', 'duration_s', 'repeats', 'reliable', 'machine', 'engines', 'pairs', 'unavailable'],
    'properties': {'machine': {'type': 'object', 'required': ['cores', 'platform', 'processor', 'python', 'robot_ai']},
                   'engines': {'type': 'object', 'additionalProperties': ENGINE}}}


@pytest.fixture
def short_bag(tmp_path):
    with Bag(share_directory() / 'config/demo/demo.mcap') as bag, BagWriter(tmp_path / 'short') as writer:
        for message in bag.messages({topic.name for topic in bag.topics}):
            if message.time_ns - bag.start_ns < SECONDS * 1e9:
                writer.write(message.topic, message.type, message.time_ns, message.data)
    return tmp_path / 'short'


def test_the_report_adds_up_and_says_what_a_replay_says(short_bag, capsys):
    assert main(['benchmark', str(short_bag), '--reliable', '--repeat', '2', '--json']) == 0
    result = json.loads(capsys.readouterr().out)
    validate(result, SCHEMA)
    assert result['repeats'] == 2 and set(result['engines']) == {'robot_ai'} and not result['unavailable']
    figures = result['engines']['robot_ai']
    replayed = replay_bag(short_bag)
    assert [t.text for t in replayed.transcripts] == ['qué hora es']
    for taken in figures['transcripts']:
        assert [t['text'] for t in taken] == [t.text for t in replayed.transcripts]
        # The bag's sound has no stamps of its own: on a busy machine its receipt is late.
        assert [t['start'] for t in taken] == pytest.approx([t.start for t in replayed.transcripts], abs=3.0)
    counts = figures['counts']
    assert counts['transcripts'] == 2 * len(replayed.transcripts) and counts['say'] >= 2 * len(replayed.say)
    assert counts['audio_sent'] == counts['audio_received'] == 2 * 90
    assert not any(counts[name] for name in ('audio_lost', 'audio_dropped', 'audio_refused', 'images_lost'))
    latency = figures['latency_ms']
    assert latency['final']['count'] == latency['final_after_silence']['count'] == counts['transcripts']
    words = sum(len(t.words) for t in replayed.transcripts)
    assert latency['partial']['count'] + figures['words_without_partial'] == 2 * words
    assert latency['consumed']['count'] == counts['audio_sent']
    for kind, one in latency.items():
        if one is not None:
            assert one['p50'] <= one['p95'] <= one['p99'] <= one['max'], kind
            assert one['p50_interval'][0] <= one['p50'] <= one['p50_interval'][1], kind
    # The silence that ends an utterance is a part of the whole delay.
    assert latency['final_after_silence']['p50'] < latency['final']['p50']
    assert set(figures['nodes']) == NODES
    for node in figures['nodes'].values():
        assert len(node['cpu_share']) == 2 and min(node['resident_mb']) > 20 and min(node['cold_start_s']) > 0
    assert max(node['cold_start_s'][0] for node in figures['nodes'].values()) == figures['cold_start_s'][0]


VOSK = """import json, pathlib
class Model:
    def __init__(self, folder): self.says = (pathlib.Path(folder) / 'says').read_text()
class KaldiRecognizer:
    def __init__(self, model, rate): self.says = model.says
    def AcceptWaveform(self, data): pass
    def FinalResult(self): return json.dumps({'text': self.says})
def SetLogLevel(level): pass
"""


def test_other_engines_hear_the_same_bag_and_one_without_a_model_is_named(short_bag, tmp_path, monkeypatch, capsys):
    (tmp_path / 'vosk.py').write_text(VOSK)
    (tmp_path / 'model').mkdir()
    (tmp_path / 'model' / 'says').write_text('qué hora era')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    (tmp_path / 'truth.yaml').write_text('transcripts: [{text: "¿Qué hora es?"}]')
    vosk = f'vosk={tmp_path / "model"}'
    assert main(['benchmark', str(short_bag), '--reliable', '--expect', str(tmp_path / 'truth.yaml'), '--json',
                 '--against', vosk, 'vosk=/no/such/model']) == 1
    printed = capsys.readouterr()
    assert printed.out, printed.err
    result = json.loads(printed.out)
    validate(result, SCHEMA)
    why = result['unavailable']['vosk=/no/such/model']
    assert "speech engine 'vosk' has no model: /no/such/model is no folder" in why
    assert 'Traceback' not in printed.err and printed.err.count('is left out') == 1
    ours, theirs = result['engines']['robot_ai'], result['engines'][vosk]
    assert ours['errors'] == {'words': 3, 'wrong': 0, 'word_error_rate': 0.0}
    assert theirs['errors'] == {'words': 3, 'wrong': 1, 'word_error_rate': 0.3333}
    assert theirs['model'] == 'vosk' and theirs['latency_ms']['partial'] is None
    pair = result['pairs'][vosk]
    assert (pair['utterances'], pair['heard_by_both'], pair['same_text']) == (1, 1, 0)
    later = theirs['transcripts'][0][0]['latency_ms'] - ours['transcripts'][0][0]['latency_ms']
    assert pair['final_later_ms']['p50'] == pytest.approx(later, abs=0.2)
    assert vosk in shown(result) and '1 of 3 wrong, 33.3 %' in shown(result)


def test_what_cannot_be_used_is_named(tmp_path, capsys):
    assert main(['benchmark', str(tmp_path / 'none.mcap')]) == 1
    assert 'none.mcap: no such bag' in capsys.readouterr().err
    assert main(['benchmark', '--models', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert 'speech_to_text does not run: ' in error and str(tmp_path) in error and 'Traceback' not in error
    assert main(['benchmark', '--against', 'nobody']) == 2
    assert 'nobody' in capsys.readouterr().err
