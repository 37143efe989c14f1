"""Subwords: every text of letters can be spelled and read back, a run keeps its labels, and the robot reads them."""
import json

import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.speech import train
from training.speech.data import write_cache
from training.speech.model import Characters, Size, SpeechModel
from training.speech.ngram import train_ngram
from training.speech.subwords import Subwords, learn, vocabulary_of

TEXTS = ['la casa está cerrada', 'la casa de la niña', 'cierra la puerta de la casa', 'qué hora es', 'la hora'] * 4


@pytest.fixture(scope='module')
def vocabulary():
    return learn(TEXTS, 50)


def test_texts_are_shorter_and_come_back(vocabulary):
    assert len(vocabulary) == 50 and vocabulary.labels[:35] == Characters.labels and len(set(vocabulary.labels)) == 50
    for text in [*TEXTS, 'güiro mexicano', 'kw']:  # these letters were never seen
        assert vocabulary.decode(vocabulary.encode(text)) == text
    assert len(vocabulary.encode('la casa')) <= 3 < len(Characters().encode('la casa'))
    assert vocabulary.encode('') == [] and learn(TEXTS, 50).labels == vocabulary.labels
    with pytest.raises(ValueError, match='normalise'):
        vocabulary.encode('Año 2')
    assert all(isinstance(vocabulary_of(none), Characters) for none in (None, list(Characters.labels)))
    assert vocabulary_of(list(vocabulary.labels)).labels == vocabulary.labels


def test_too_few_labels_are_refused():
    with pytest.raises(ConfigurationError, match='more than the 35 labels'):
        learn(TEXTS, 20)


def test_an_ngram_counts_the_same_pieces(vocabulary):
    model = train_ngram([(text, 1.0) for text in TEXTS], 3, 1, vocabulary)
    assert list(model.ids)[2:] == list(vocabulary.labels[1:])
    state, seen = model.begin, []
    for token in vocabulary.encode('la casa'):
        value, state = model.score(state, vocabulary.labels[token])
        seen.append(value)
    assert seen[0] > model.score(model.begin, 'z')[0]


def test_a_run_keeps_its_labels_and_ships_them(tmp_path):
    from robot_ai.speech.recognizer import SpeechRecognizer
    from training.speech.export import load_run, to_flatbuffer, write_folder
    rng = np.random.default_rng(0)

    def clips(texts):
        return ((rng.uniform(-.1, .1, 16000).astype(np.float32), {
            'text': text, 'speaker': 's', 'source': 'x', 'split': 'train'}) for text in texts)
    write_cache(tmp_path / 'cache' / 'some', clips(TEXTS))
    config = tmp_path / 'c.yaml'
    config.write_text("""
model: {width: 16, heads: 2, blocks: 1, channels: 4, mels: 16, decoder_blocks: 0}
loop: {steps: 1, evaluate_every: 1, metric: wer}
data: {train: [some], validation: [some], validation_clips: 2, buckets_s: [1.1], batch_s: 4.4, subwords: 50}
""")
    given = ['--config', str(config), '--data', str(tmp_path / 'cache'), '--folder', str(tmp_path / 'run')]
    assert train.main(given) == 0
    labels = json.loads((tmp_path / 'run' / 'run.json').read_text())['labels']
    assert labels == list(learn(TEXTS, 50).labels)
    write_cache(tmp_path / 'cache' / 'some', clips(['otros textos', 'muy diferentes']))  # the run keeps its own
    assert train.open_vocabulary(train.read_config(str(config)), tmp_path / 'cache', str(tmp_path / 'run')
                                 ).labels == tuple(labels)
    model, run = load_run(tmp_path / 'run')
    assert model.size.labels == 50
    write_folder(model, to_flatbuffer(model, (2,), weights='float32'), tmp_path / 'out', {'buckets_s': [2]},
                 {'labels': run['labels']})
    recognizer = SpeechRecognizer(tmp_path / 'out')
    assert recognizer.info.labels == tuple(labels)
    assert recognizer.encode(np.zeros(16000, np.float32)).log_probs.shape[1] == 50
    assert recognizer.decoder.vocabulary.encode('la casa') == tuple(Subwords(labels).encode('la casa'))
    assert SpeechModel(Size(width=16, heads=2, blocks=1, channels=4, mels=16)).size.labels == 35
