"""Phrases are tuned: the right ranking is found, the logistic tells heard phrases from others, few false accepts."""
from types import SimpleNamespace

import numpy as np
import pytest

from robot_ai.speech.decoding import Decoder
from training.speech import tune_phrases
from training.speech.model import Characters
from training.speech.tune_phrases import Case, acceptance, heard_with, ranking, recorded, scored

TEXTS = ('el gato duerme', 'la casa es grande', 'no tengo tiempo', 'dos y dos', 'hola', 'mañana por la tarde',
         'está lloviendo', 'quiero un vaso de agua', 'apaga la luz', 'la niña canta')


def heard(text, rng, sure=0.85):
    """[T, V] log probs of a text of which a letter in five is another."""
    tokens, vocabulary = Characters().encode(text), len(Characters.labels)
    probs = np.full((2 * len(tokens) + 1, vocabulary), 0.1 / vocabulary)
    probs[:, 0] += 0.9
    for i, token in enumerate(tokens):
        probs[2 * i + 1] = (1 - sure) / vocabulary
        probs[2 * i + 1, token if rng.random() < 0.8 else rng.integers(2, vocabulary)] += sure
    return np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def rows():
    rng = np.random.default_rng(4)
    return [(heard(text, rng), text, source) for source in ('one', 'two') for text in TEXTS] + [
        (heard(text, rng), text, 'words') for text in ('casa', 'caza', 'queso', 'peso')]


def test_recorded_clips_are_heard_among_their_sources_texts(rows):
    cases = recorded(rows + [(rows[0][0], 'sola', 'few texts')])
    assert {case.group for case in cases} == {'one', 'two', 'words'}
    assert all(case.texts[case.true] == text for case, (_, text, _) in zip(cases, rows))
    assert cases[0].texts == TEXTS and cases[-1].texts[0] == 'peso' and cases[-1].twins


def test_a_text_is_taken_out_but_for_twins():
    rng = np.random.default_rng(0)
    case = Case('one', np.zeros((1, 1)), TEXTS, 3)
    masks = dict(heard_with(case, rng))
    assert masks['with'].all() and not masks['without'][3] and masks['without'].sum() == 9
    assert masks['with, few'][3] and not masks['without, few'][3] and masks['without, few'].sum() == 8
    assert [how for how, _ in heard_with(Case('words', case.log_probs, TEXTS, 3, True), rng)] == ['with', 'with, few']
    assert [how for how, _ in heard_with(Case('sounds', case.log_probs, TEXTS, -1), rng)] == ['strange']


def test_heard_phrases_are_told_from_others(rows, monkeypatch):
    monkeypatch.setattr(tune_phrases, 'SOUNDS', 0)
    monkeypatch.setattr(tune_phrases, 'from_dialogue', lambda *_: [])
    decoder = Decoder(Characters.labels, '▁')
    found = tune_phrases.tune(SimpleNamespace(decoder=decoder), rows, None)
    assert found['distance_weight'] > 0 and 0 < found['accept'] < 1
    assert all(isinstance(value, float) for value in found.values())
    assert tune_phrases.tune(SimpleNamespace(decoder=decoder), rows[-4:], None) == {}  # single words alone
    cases = recorded(rows)
    choosers = scored(cases, decoder)
    options = acceptance(cases, choosers, ranking(cases, choosers))
    chooser = choosers[TEXTS]
    chooser.options = options
    right = [chooser.choose(case.log_probs) for case in cases[:20]]
    assert sum(said.text == case.texts[case.true] for said, case in zip(right, cases)) >= 19
    noise = np.log(np.random.default_rng(1).dirichlet(np.full(len(Characters.labels), 0.3), 30) + 1e-6)
    sure = np.median([said.probability for said in right])
    assert options.accept < sure and chooser.choose(noise).probability < sure
