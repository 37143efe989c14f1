"""A release: the threshold by hand, each step done once, the card says what model.yaml says."""
import shutil

import numpy as np
import pytest
import yaml

from robot_ai.errors import ConfigurationError
from robot_ai.model_store import load_model
from training.speech import export, release, tune
from training.speech.card import card
from training.weights import initial_weights, read_arrays


def test_the_threshold_keeps_true_utterances_and_the_fewest_false_ones():
    true = [0.5] * 97 + [0.15, 0.0, 0.04]  # one was never told
    chosen = release.choose_threshold(true, [0.02, 0.04, 0.11, 0.9])
    # 0.05 rejects 0.0 and 0.04, 2 %; 0.12 would too; 0.15 is not below itself: the fewest false ones from 0.12 on.
    assert chosen == {'min_confidence': 0.12, 'true': 100, 'rejected': 2, 'made_sounds_told': 1,
                      'made_sounds_heard': 4}
    assert release.choose_threshold([0.0, 0.5], [0.1])['min_confidence'] == 0.0  # the guard alone rejects too many
    assert release.choose_threshold([0.5], [])['min_confidence'] == 0.0


def test_a_step_is_done_again_only_for_other_inputs(tmp_path):
    done = []

    def make():
        done.append(1)
        return {'n': len(done)}
    path = tmp_path / 'work' / 'step.yaml'
    assert [release.kept(path, {'a': a}, make)['n'] for a in (1, 1, 2, 2)] == [1, 1, 2, 2]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A training folder, and steps that only note that they were taken."""
    steps = []

    def exported(arguments):
        steps.append('export')
        folder = tmp_path / 'out'
        folder.mkdir(exist_ok=True)
        (folder / 'speech.tflite').write_bytes(b'graph')
        document = {'kind': 'speech', 'name': 'speech_es', 'version': '1', 'graph': 'speech.tflite',
                    'labels': ['', 'a'], 'files': release.describe_files(folder, ['speech.tflite']),
                    'inputs': {}, 'outputs': {}, 'parameters': {'frame_s': 0.04},
                    'licences': {'recordings': 'free'}, 'figures': {},
                    'training': {'parameters': 2e6, 'command': 'train', 'steps': 5, 'clips': 7,
                                 'data': ['human-train']}}
        (folder / 'model.yaml').write_text(yaml.safe_dump(document))

    def tuned(arguments):
        steps.append('tune')
        out = arguments[arguments.index('--out') + 1]
        with open(out, 'w') as stream:
            yaml.safe_dump({'confidence': {'a': 1.0, 'b': 2.0}, 'language_model': {'file': 'letters.npz',
                                                                                   'weight': 0.5}}, stream)
    monkeypatch.setattr(export, 'main', exported)
    monkeypatch.setattr(tune, 'main', tuned)
    monkeypatch.setattr(release, 'threshold', lambda *_: steps.append('threshold') or release.choose_threshold(
        [0.9, 0.8], [0.1]))
    for name in ('letters.npz', 'manifest.jsonl'):
        (tmp_path / name).write_bytes(name.encode())
    np.savez(tmp_path / 'best.weights.npz', **{'block0/kernel': np.float32([1.5, 2e5])})
    return tmp_path, steps


def released(folder, *more):
    return release.main(['--run', str(folder), '--manifest', str(folder / 'manifest.jsonl'), '--language-model',
                         str(folder / 'letters.npz'), '--out', str(folder / 'out'), *more])


def test_a_release_goes_on_where_it_was_and_takes_figures(run):
    folder, steps = run
    assert released(folder) == 0 and steps == ['export', 'tune', 'threshold']
    info = load_model(folder / 'out', 'speech')
    assert info.parameters == {'frame_s': 0.04, 'confidence': {'a': 1.0, 'b': 2.0}, 'guard': {'min_confidence': 0.12},
                               'language_model': {'file': 'letters.npz', 'weight': 0.5}}
    kept = read_arrays(initial_weights(folder / 'out'))['block0/kernel']
    assert kept.tolist() == [1.5, 2e5] and kept.dtype == np.float32  # float16 would make it infinite
    (folder / 'out' / 'weights.npz').unlink()  # as in a folder of before: the next release writes it
    figures = {'date': '2026-01-01', 'split': ['test'], 'graph_sha256': info.sha256, 'rows': [
        {'row': 'wer', 'what': 'tatoeba', 'clips': 3, 'folded_wer': [0.5, 0.4, 0.625]},
        {'row': 'non-speech', 'what': 'made', 'clips': 2, 'an_hour': 1.25, 'note': 'synthetic'}]}
    (folder / 'figures.yaml').write_text(yaml.safe_dump(figures))
    assert released(folder, '--figures', str(folder / 'figures.yaml')) == 0
    assert steps == ['export', 'tune', 'threshold'] and initial_weights(folder / 'out').is_file()
    text = (folder / 'out' / 'MODEL_CARD.md').read_text()
    assert '| wer | tatoeba | 3 | folded WER 50.0 [40.0, 62.5] |' in text
    assert '| non-speech | made (synthetic) | 2 | an hour 1.250 |' in text and '2.0 M parameters' in text
    assert yaml.safe_load((folder / 'out' / 'model.yaml').read_text())['figures'] == figures
    np.savez(folder / 'best.weights.npz', **{'block0/kernel': np.float32([7])})
    released(folder)
    np.testing.assert_array_equal(read_arrays(initial_weights(folder / 'out'))['block0/kernel'], [7])
    assert steps == ['export', 'tune', 'threshold', 'export', 'tune', 'threshold']


def test_figures_of_another_graph_are_refused(run):
    folder, _ = run
    (folder / 'figures.yaml').write_text(yaml.safe_dump({'graph_sha256': 'abc', 'rows': []}))
    with pytest.raises(ConfigurationError, match='another graph'):
        released(folder, '--figures', str(folder / 'figures.yaml'))
    shutil.rmtree(folder / 'out')
    with pytest.raises(ConfigurationError, match=r'nothing.yaml: no such file'):
        released(folder, '--figures', str(folder / 'nothing.yaml'))


def test_a_card_without_figures_claims_none():
    text = card({'name': 'x', 'graph': 'g', 'files': {'g': {'bytes': 1}}, 'inputs': {}, 'licences': {'recordings': 'r'},
                 'parameters': {'frame_s': 0.04}, 'training': {'parameters': 1, 'command': 'c', 'steps': 1, 'clips': 1,
                                                              'data': ['d'], 'note': 'Twice.'}},
                release.choose_threshold([1.0], []))
    assert 'Measured' not in text and 'Twice.' in text
