"""Fine-tuning goes the way of every training: the same command, loop and caches; its loss falls, its export is heard.

A decoder that reads the wrong targets, a frozen encoder that moves or a prompt that is trained on would show.
"""
from pathlib import Path

import numpy as np
import pytest
import yaml

from robot_ai.errors import ConfigurationError, ModelError
from robot_ai.speech.recognizer import open_recognizer
from training.commands import dispatch
from training.speech.data import write_cache
from training.whisper.make_reference import TEXTS, sound
from training.whisper.sources import read_source
from training.whisper.train import loss_sums, open_init, open_model

DATA = Path(__file__).parent / 'testdata'
pytestmark = pytest.mark.timeout(1800)  # seconds of CPU, but machines are shared


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A run of 12 steps on four clips, from the reference's weights."""
    folder = tmp_path_factory.mktemp('whisper')
    clips = [(sound(i), {'text': TEXTS[i][:20], 'speaker': 'a', 'source': 'made', 'split': 'train'}) for i in range(4)]
    for name in ('train', 'validation'):
        write_cache(folder / 'cache' / name, clips)
    config = {'architecture': 'whisper', 'seed': 1, 'freeze_encoder': True, 'loop': {
        'steps': 12, 'peak_rate': 3e-3, 'warm_up': 1, 'weight_decay': 0.0, 'evaluate_every': 6, 'log_every': 6,
        'checkpoint_every': 12, 'average': 0.5},
        'data': {'train': ['train'], 'validation': ['validation'], 'batch_s': 8}}
    (folder / 'tiny.yaml').write_text(yaml.safe_dump(config))
    arguments = ['speech', '--config', str(folder / 'tiny.yaml'), '--data', str(folder / 'cache'), '--init', str(DATA),
                 '--folder', str(folder / 'run'), '--strategy', 'one']
    assert dispatch('train', arguments) == 0
    return folder / 'run'


def batch():
    return {'samples': np.stack([np.resize(sound(i), 32000) for i in range(2)]),
            'tokens': np.array([[5, 6, 7, 0], [8, 9, 0, 0]], np.int32), 'token_count': np.array([3, 2], np.int32)}


def test_loss_is_the_text_and_its_end_by_hand():
    source = read_source(DATA)
    model, tokenizer = open_model(source, None), source.tokenizer
    sums = loss_sums(model, batch(), False, tokenizer.prompt('es'), tokenizer.end)
    prompt, expected = tokenizer.prompt('es'), 0.0
    for row, text in enumerate(([5, 6, 7], [8, 9])):
        logits = np.asarray(model.decode(model.encode(batch()['samples'][row:row + 1]),
                                         np.array([[*prompt, *text]], np.int32)))[0].astype(np.float64)
        for place, token in enumerate([*text, tokenizer.end]):
            line = logits[len(prompt) - 1 + place]
            expected -= line[token] - np.log(np.exp(line - line.max()).sum()) - line.max()
    assert float(sums['weight']) == 7
    assert float(sums['loss']) == pytest.approx(expected, rel=1e-4)


def test_loss_falls_and_the_frozen_encoder_stays(run):
    source = read_source(DATA)
    before, after = open_model(source, None), open_model(source, run / 'last.weights.npz')
    options = {'prompt': source.tokenizer.prompt('es'), 'end': source.tokenizer.end}
    ids = [source.tokenizer.encode(f' {text[:20]}') for text in TEXTS[:2]]
    given = batch()
    given['samples'] = np.stack([np.pad(sound(i), (0, 32000 - len(sound(i)))) for i in range(2)])
    given['token_count'] = np.array([len(row) for row in ids], np.int32)
    given['tokens'] = np.zeros((2, max(map(len, ids))), np.int32)
    for row, text in zip(given['tokens'], ids):
        row[:len(text)] = text
    losses = [float(loss_sums(model, given, False, **options)['loss']) for model in (before, after)]
    assert losses[1] < 0.8 * losses[0]
    # Not to the bit: a run's encoder has exact sinusoids, the file's are rounded to float16.
    np.testing.assert_allclose(after.encode(given['samples']), before.encode(given['samples']), atol=2e-3)


def test_fine_tuned_run_is_exported_and_opened(run, tmp_path):
    out = tmp_path / 'mine'
    assert dispatch('export', ['speech', '--run', str(run), '--out', str(out), '--store', 'float32']) == 0
    recognizer = open_recognizer(out)
    assert recognizer.recognize(sound(0)).language == 'es'
    assert 'fine-tuned on train' in yaml.safe_load((out / 'model.yaml').read_text(encoding='utf-8'))['origin']


def test_missing_or_other_beginnings_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match='--init'):
        open_init('')
    shipped = Path(__file__).parents[2] / 'models' / 'speech_es'
    with pytest.raises(ModelError, match='no imported Whisper'):
        open_init(str(shipped))
