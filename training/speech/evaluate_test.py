"""The table of figures: rates by hand, distortions by their measure, and every row on a graph that always hears right.

A stand-in graph knows each clip by its length, so that what a row should say is known beforehand.
"""
import json
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
import yaml

from robot_ai.errors import ConfigurationError
from robot_ai.model_store import ModelInfo
from robot_ai.speech.recognizer import SpeechRecognizer
from training.speech import evaluate
from training.speech.conditions import CONDITIONS, distort
from training.speech.dialogue_rows import expected_phrases, in_noise, utterances
from training.speech.model import Characters
from training.speech.rows import phonemes
from training.speech.scoring import error_rates, interval, right, share

DIALOGUE = Path(__file__).resolve().parents[2] / 'config' / 'dialogues' / 'acompanante.yaml'
TEXTS = {  # source -> texts; a clip's length says which of them it is
    'tatoeba': ['el gato duerme', 'la niña está aquí', 'mañana por la tarde', 'no tengo tiempo', 'dos y dos'],
    'words': ['casa', 'caza', 'queso', 'perro'],
}


class LengthGraph:
    """Hears in a clip of n frames what `texts` has for n, nothing in others."""

    def __init__(self, texts):
        self.texts, self.vocabulary = texts, Characters()
        self.info = ModelInfo(Path('length'), 'speech', 'length', '1', Path('length/none'), '0' * 64,
                              Characters.labels, {'sample_rate': 16000, 'frame_s': 0.04, 'buckets_s': [4],
                                                  'word_boundary': '▁', 'guard': {'min_voice': -1000}}, {})

    def run(self, signature, samples, length):
        tokens = self.vocabulary.encode(self.texts.get(-(-int(length[0]) // 640), ''))
        probs = np.full((100, 35), 0.001)
        probs[:, 0] = 0.9
        for i, token in enumerate(tokens):
            probs[2 * i + 1] = 0.001
            probs[2 * i + 1, token] = 0.9
        return {'log_probs': np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)[None]}


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Write a manifest of two splits; the recogniser hears every clip right, but for one word in 'no tengo tiempo'."""
    rng, rows, heard = np.random.default_rng(1), [], {}
    for source, texts in TEXTS.items():
        for text in texts:
            frames = 60 + len(rows)
            soundfile.write(tmp_path / f'{frames}.wav', rng.uniform(-.1, .1, frames * 640), 16000)
            rows.append({'audio': f'{frames}.wav', 'text': text, 'speaker': f's{frames % 2}', 'source': source,
                         'split': 'validation' if source == 'words' else 'test-unseen-speaker'})
            heard[frames] = text.replace('tengo', 'tenga')
    rows.append({**rows[0], 'split': 'train', 'text': 'nunca'})
    (tmp_path / 'manifest.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    monkeypatch.setattr(evaluate, 'open_recognizer', lambda folder: SpeechRecognizer('', graph=LengthGraph(heard)))
    return tmp_path


def measured(folder, *arguments):
    assert evaluate.main(['--manifest', str(folder / 'manifest.jsonl'), '--summary', str(folder / 's.yaml'), '--out',
                          str(folder / 'o.jsonl'), *arguments]) == 0
    document = yaml.safe_load((folder / 's.yaml').read_text())
    return {(line['row'], line['what']): line for line in document['rows']}, document


def test_every_row_of_recordings(corpus, capsys):
    rows = ['wer', 'conditions', 'human', 'words', 'calibration']
    lines, document = measured(corpus, '--split', 'validation', 'test-unseen-speaker', '--rows', *rows, '--conditions',
                               'noise10', 'telephone')
    sentences = lines['wer', 'tatoeba test-unseen-speaker']
    assert sentences['clips'] == 5 and sentences['wer'][0] == pytest.approx(1 / 17, abs=1e-3)
    assert {what for row, what in lines if row == 'wer'} == {
        'tatoeba test-unseen-speaker', 'tatoeba s0', 'tatoeba s1', 'words validation', 'words s0', 'words s1'}
    assert [what for row, what in lines if row == 'conditions'] == [
        f'{c} test-unseen-speaker' for c in ('clean', 'noise10', 'telephone')]
    human = lines['human', 'tatoeba, 5 texts']
    assert human['right'][0] == 1.0 and human['false_accepts'][0] == 0.0 and human['clips'] == 5
    assert lines['words', 'words, of 4 words']['right'][0] == 1.0
    assert lines['calibration', 'all']['words'] == 17 + 4 and lines['calibration', 'all']['right_words'][0] > 0.9
    assert document['split'] == ['validation', 'test-unseen-speaker'] and set(document['cpu_s']) == set(rows)
    heard = [json.loads(line) for line in (corpus / 'o.jsonl').read_text().splitlines()]
    assert {'row': 'wer', 'condition': 'clean', 'reference': 'casa', 'heard': 'casa'}.items() <= next(
        row for row in heard if row['reference'] == 'casa').items()
    assert 'tatoeba' in capsys.readouterr().out and not any('nunca' in row['reference'] for row in heard)


def test_false_transcripts_and_rejected_utterances(corpus):
    (corpus / 'quiet').mkdir()
    soundfile.write(corpus / 'quiet' / 'a.wav', np.zeros(32000), 16000)
    lines, _ = measured(corpus, '--rows', 'non-speech', '--minutes', '0.02', '--non-speech', str(corpus / 'quiet'))
    assert lines['non-speech', 'quiet'] == {'row': 'non-speech', 'what': 'quiet', 'clips': 1, 'hours': 2 / 3600,
                                            'false_transcripts': 0, 'an_hour': 0.0}
    assert lines['non-speech', 'made noises']['clips'] == 65
    assert lines['non-speech', 'true words validation']['clips'] == 4
    with pytest.raises(ConfigurationError, match='nowhere'):
        measured(corpus, '--rows', 'non-speech', '--non-speech', str(corpus / 'nowhere'))


def test_what_is_missing_is_named(corpus):
    with pytest.raises(ConfigurationError, match='no clips of split test'):
        evaluate.main(['--manifest', str(corpus / 'manifest.jsonl'), '--split', 'test'])
    with pytest.raises(ConfigurationError, match='no such manifest'):
        evaluate.main(['--manifest', str(corpus / 'none.jsonl')])


def test_rate_and_interval_by_hand():
    references, heard = ['a b c d', 'e f', 'g h'], ['a b x d', 'e f', '']  # 1 + 0 + 2 errors in 8 words
    rate, low, high = interval(references, heard)
    assert rate == pytest.approx(3 / 8) and 0 <= low < rate < high <= 1
    assert rate == pytest.approx(jiwer.wer(references, heard))
    assert interval(['hola'] * 9, ['hola'] * 9) == (0.0, 0.0, 0.0)
    assert share(9, 10) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-3) and share(0, 0) == (0.0, 0.0, 1.0)


def test_folded_rates_forgive_accents():
    rates = error_rates(['está aquí'] * 3, ['esta aquí'] * 3)
    assert rates['wer'][0] == 0.5 and rates['folded_wer'][0] == 0.0
    assert right(['está', 'no'], ['esta', 'ni'])[0] == 0.5


@pytest.mark.parametrize('condition', CONDITIONS)
def test_distortions_keep_length(condition):
    rng = np.random.default_rng(3)
    sound = (rng.standard_normal(9000) * 0.1).astype(np.float32)
    out = distort(sound, condition, rng, [sound[::-1], sound * 2, sound + 0.1])
    assert len(out) == 9000 and np.isfinite(out).all() and (condition == 'clean') == np.array_equal(out, sound)
    if condition.startswith('noise'):
        ratio = 10 * np.log10(np.mean(sound ** 2) / np.mean((out - sound) ** 2))
        assert ratio == pytest.approx(float(condition[5:]), abs=0.1)


def test_noise_around_an_utterance_is_measured_against_the_utterance():
    rng = np.random.default_rng(3)
    sound = (rng.standard_normal(9000) * 0.1).astype(np.float32)
    whole = in_noise(sound, rng)
    assert len(whole) == 9000 + 24000
    assert 10 * np.log10(np.mean(sound ** 2) / np.mean(whole[17000:] ** 2)) == pytest.approx(10, abs=1)


def test_unknown_condition_is_named():
    with pytest.raises(ConfigurationError, match='underwater'):
        distort(np.zeros(10, np.float32), 'underwater', np.random.default_rng(0), [])


@pytest.mark.parametrize(('one', 'other'), [('vaca', 'baca'), ('hola', 'ola'), ('queso', 'keso'), ('gente', 'jente')])
def test_words_that_sound_alike_have_the_same_phonemes(one, other):
    assert phonemes(one) == phonemes(other)
    assert phonemes('pero') != phonemes('perro') and phonemes('casa') != phonemes('caza')


def test_a_dialogues_utterances_are_said_where_they_are_waited_for():
    from robot_ai.dialogue.document import load_dialogue
    from robot_ai.dialogue.understanding import intent_of
    dialogue = load_dialogue(DIALOGUE)
    found = utterances(dialogue, seed=2, each=1)
    assert len(found) > 20 and all(intent in dialogue.listens_for(state) for state, intent, _ in found)
    assert not any('{' in text for _, _, text in found)
    phrases = expected_phrases(dialogue, {state for state, _, _ in found[:3]})
    assert all(text in phrases[state] for state, _, text in found[:3] if not any(c.isdigit() for c in text))
    assert sum(intent_of(dialogue, state, text) == intent for state, intent, text in found[:8]) >= 6
