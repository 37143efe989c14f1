"""The image model from strokes to LaTeX: padding, balanced output whatever the weights, and that it learns to read.

Guards against a reader that sees other pictures, or feeds back other places, than training did.
"""
import json
import types

import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from robot_ai.vision.latex_tree import normal_form
from training.expressions.composed import write
from training.expressions.image_data import PAD
from training.expressions.image_data_test import CONFIG, as_item, batches_of, fraction, power
from training.expressions.image_tokens import vocabulary_of
from training.expressions.pictures import picture_of


def test_padding_changes_nothing():
    pytest.importorskip('tensorflow')
    from training.expressions.image_model import build, loss_sums
    batches = batches_of(power())
    model = build(len(batches.vocabulary), width=16, heads=2, encoder_blocks=1, decoder_blocks=1, channels=(4, 8, 8))
    batch = batches.batch(0)
    more = {**batch, 'cells': np.pad(batch['cells'], ((0, 0), (0, 9)), constant_values=PAD),
            'owner': np.pad(batch['owner'], ((0, 0), (0, 9)), constant_values=PAD),
            'tokens': np.pad(batch['tokens'], ((0, 0), (0, 3)), constant_values=PAD),
            **{key: np.pad(batch[key], ((0, 0), (0, 3), (0, 9))) for key in ('place', 'seen')}}
    one, other = (loss_sums(model, b, False) for b in (batch, more))
    assert float(one['weight']) == 14.0
    for key in one:
        assert float(one[key]) == pytest.approx(float(other[key]), rel=1e-4), key


def test_an_untrained_model_writes_balanced_latex():
    pytest.importorskip('tensorflow')
    from training.expressions.image_model import build
    from training.expressions.image_reading import Reader
    vocabulary = vocabulary_of([['x', '1', '+', ']']])
    model = build(len(vocabulary), width=16, heads=2, encoder_blocks=1, decoder_blocks=1, channels=(4, 8, 8))
    pictures = [picture_of(as_item(power())), np.full((50, 50), 255, np.uint8), picture_of(as_item(fraction()))]
    found = Reader(model, vocabulary).read_pictures(pictures, beam=3)
    assert found[1] == [('', 0.0)] and len(found[0]) > 1
    for readings in (found[0], found[2]):
        assert [score for _, score in readings] == sorted((score for _, score in readings), reverse=True)
        assert all(normal_form(latex) for latex, _ in readings)


@pytest.mark.timeout(1800)
def test_it_learns_to_read_what_it_is_shown(tmp_path, monkeypatch):
    """The whole chain: caches, the trainer's command, its run's folder, and reading pictures not trained on."""
    pytest.importorskip('tensorflow')
    from training.expressions import image_training, train
    folder = tmp_path / 'run'
    folder.mkdir()
    sources = [power(), fraction()]
    write(folder / image_training.TRAIN, sources)
    (folder / image_training.VALIDATION).write_text(''.join(json.dumps(as_item(f)) + '\n' for f in sources))
    config = types.SimpleNamespace(
        KIND='image', SEED=1, DATA={**CONFIG, 'pixels': 8 * 48 * 128}, LOSS={},
        MODEL={'width': 32, 'heads': 2, 'encoder_blocks': 1, 'decoder_blocks': 1, 'channels': (4, 8, 16)},
        LOOP={'steps': 120, 'peak_rate': 5e-3, 'warm_up': 10, 'average': 0.9, 'evaluate_every': 60, 'log_every': 60,
              'metric': 'error'})
    monkeypatch.setattr(train, 'read_config', lambda name: config)
    train.main(['--config', 'image', '--folder', str(folder), '--strategy', 'one'])
    found = image_training.open_run(folder).read_pictures([picture_of(as_item(f), height=44) for f in sources])
    assert [readings[0][0] for readings in found] == ['x ^ { 2 } = 1', '\\frac { a } { b }']
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(str(next((folder / 'tensorboard').rglob('events.*')).parent)).Reload()
    shown = events.Tensors('formulas')[-1].tensor_proto.string_val[0].decode()
    assert '`x ^ { 2 } = 1` | `x ^ { 2 } = 1` |' in shown
    assert {'formulas/0', 'formulas/1'} <= set(events.Tags()['tensors'])


def test_a_folder_without_a_run_is_said(tmp_path):
    from training.expressions.image_training import open_run, parts
    with pytest.raises(ConfigurationError, match='no best.weights.npz; train there first'):
        open_run(tmp_path)
    with pytest.raises(ConfigurationError, match='no cache; add --prepare DATA'):
        parts(None, tmp_path, 1)
    (tmp_path / 'best.weights.npz').write_bytes(b'')
    (tmp_path / 'run.json').write_text('{"kind": "parser", "config": "parser"}')
    with pytest.raises(ConfigurationError, match='a run of --config parser, expected one of --config image'):
        open_run(tmp_path)
