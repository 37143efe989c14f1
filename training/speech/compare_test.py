"""The comparison: each model on the same clips by the first one's decoder; what does not fit is refused."""
import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.speech import compare
from training.speech.data import Batches, Cache, write_cache
from training.speech.evaluate_test import LengthGraph, corpus  # noqa: F401
from training.speech.model import Characters

# `corpus` makes evaluate open a recogniser that knows its clips by their length; so does this.


@pytest.fixture
def models(corpus, monkeypatch):  # noqa: F811
    from training.speech import evaluate
    graph = corpus / 'graph'
    graph.write_bytes(bytes(2_500_000))

    def opened(folder):
        recognizer = evaluate.open_recognizer(folder)
        object.__setattr__(recognizer.info, 'graph', graph)
        recognizer.info.document['training'] = {'parameters': 1_980_000 if folder.name == 'one' else 840_000}
        if folder.name == 'deaf':
            recognizer.graph.texts = {}
        return recognizer
    monkeypatch.setattr(compare, 'open_recognizer', opened)
    return corpus


def test_one_table_of_two_models(models, capsys):
    assert compare.main(['one', 'deaf', '--manifest', str(models / 'manifest.jsonl'), '--split',
                         'test-unseen-speaker']) == 0
    rows = {cells[1]: cells[2:4] for cells in (
        [cell.strip() for cell in line.split('|')] for line in capsys.readouterr().out.splitlines())}
    assert rows['parameters, M'] == ['1.98', '0.84'] and rows['graph, MB'] == ['2.50', '2.50']
    one, other = rows['folded WER %, tatoeba test-unseen-speaker (5)']
    assert one.startswith('5.9 [') and other.startswith('100.0 [')
    assert all(float(value) >= 0 for value in rows['encoding 4 s of sound, CPU ms'])


def test_what_does_not_fit_is_refused(models, monkeypatch):
    given = ['one', 'two', '--manifest', str(models / 'manifest.jsonl'), '--split', 'test-unseen-speaker']
    with pytest.raises(ConfigurationError, match='one config for each model'):
        compare.main([*given, '--configs', 'tiny'])

    def other(folder):
        recognizer = opened(folder)
        if folder.name == 'two':
            object.__setattr__(recognizer.info, 'labels', ('', 'x'))
        return recognizer
    opened = compare.open_recognizer
    monkeypatch.setattr(compare, 'open_recognizer', other)
    with pytest.raises(ConfigurationError, match='two: has other labels than one'):
        compare.main(given)


def test_an_epochs_sound_counts_its_padding(tmp_path):
    write_cache(tmp_path, ((np.zeros(8000, np.float32), {'text': 'no', 'speaker': 's', 'source': 'x', 'split': 'train'})
                           for _ in range(5)))
    batches = Batches(Cache([tmp_path]), Characters(), [1.0], 2.0)
    assert batches.epoch_s(0) == 6.0  # five clips of half a second in three batches of two seconds
