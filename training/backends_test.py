"""Backends: a state that TensorFlow left gives JAX or PyTorch the same loss, and goes on training there and back.

Run where the backend is installed: in this environment, or in the one whose Python ROBOT_AI_JAX_PYTHON or
ROBOT_AI_TORCH_PYTHON names.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from training.loop import LoopConfig, train
from training.speech.data import Batches, Cache, write_cache
from training.speech.model import Characters, Size, SpeechModel
from training.speech.train import chosen, label_weight, loss_sums
from training.strategies import OneDevice
from training.weights import set_precision

CHECKOUT = Path(__file__).resolve().parents[1]
SIZE = {'width': 16, 'heads': 2, 'blocks': 1, 'channels': 4, 'mels': 16, 'decoder_blocks': 1, 'dropout': 0.0}
COMMON = '''
import json, sys
import numpy as np
from pathlib import Path
from training.schedule import LoopConfig
from training.speech.data import Batches, Cache
from training.speech.model import Characters, Size, SpeechModel
from training.speech.train import label_weight, loss_sums
folder, size = Path(sys.argv[1]), json.loads(sys.argv[2])
batches = Batches(Cache([folder / 'cache']), Characters(), [1.0], 3.0, seed=3)
model = SpeechModel(Size(**size)).build_all()
'''
ELSEWHERE = COMMON + '''
from training.plain_loop import train_plain
from training.weights import load_weights
load_weights(model, folder / 'run' / 'last.weights.npz')
sums = loss_sums(model, batches.batch(0), False)
lines = []
train_plain(model, loss_sums, batches, LoopConfig(steps=4, log_every=1, average=0.0), folder / 'run', None,
            label_weight, lines.append)
print(json.dumps({'loss': float(sums['loss']), 'weight': float(sums['weight']), 'lines': lines}))
'''

CHARACTERS = '''
import sys
from training.characters import train
config = train.read_config('shipped')
config.MODEL, config.BATCH = {'widths': (8, 8, 8), 'wide_width': 8}, 8
config.LOOP = dict(config.LOOP, evaluate_every=2, log_every=1)
train.main(['--cache', sys.argv[1], '--folder', sys.argv[2], '--steps', sys.argv[3], '--backend', sys.argv[4]])
'''


def python_of(backend):
    python = os.environ.get(f'ROBOT_AI_{backend.upper()}_PYTHON', sys.executable)
    found = subprocess.run([python, '-c', f'import {backend}, keras, rapidfuzz, soxr, anyascii, yaml, cv2'],
                           capture_output=True, check=False, env={**os.environ, 'KERAS_BACKEND': backend})
    if found.returncode:
        pytest.skip(f'{python} has no {backend} with Keras')
    return python


def cache(folder):
    rng = np.random.default_rng(2)
    write_cache(folder, ((rng.uniform(-.2, .2, 9000 + 700 * i).astype(np.float32), {
        'text': ['hola', 'adiós', 'ocho'][i % 3], 'speaker': 's', 'source': ['one', 'two'][i % 2], 'split': 'train'})
        for i in range(9)))
    return folder


def trained(folder, steps):
    """Train to `steps` under TensorFlow; return the model, batches and log."""
    keras.utils.set_random_seed(1)
    batches, lines = Batches(Cache([folder / 'cache']), Characters(), [1.0], 3.0, seed=3), []
    model = SpeechModel(Size(**SIZE)).build_all()
    train(model, loss_sums, batches, LoopConfig(steps=steps, log_every=1, average=0.0), folder / 'run', OneDevice(),
          None, label_weight, lines.append)
    return model, batches, lines


@pytest.mark.timeout(1800)  # a second backend starts, and compiles, in a process of its own
@pytest.mark.parametrize('backend', ['jax', 'torch'])
def test_a_run_goes_on_in_another_backend(backend, tmp_path):
    python = python_of(backend)
    cache(tmp_path / 'cache')
    model, batches, _ = trained(tmp_path, 2)
    here = loss_sums(model, batches.batch(0), False)
    done = subprocess.run([python, '-c', ELSEWHERE, str(tmp_path), json.dumps(SIZE)], capture_output=True, text=True,
                          check=False, cwd=CHECKOUT, env={**os.environ, 'KERAS_BACKEND': backend})
    assert done.returncode == 0, done.stderr[-2000:]
    there = json.loads(done.stdout.splitlines()[-1])
    assert there['loss'] == pytest.approx(float(here['loss']), rel=1e-3)
    assert there['weight'] == float(here['weight'])
    assert there['lines'][0].startswith('resumed at step 2') and len(there['lines']) == 3
    _, _, lines = trained(tmp_path, 5)
    assert lines[1].startswith('resumed at step 4') and lines[-1].startswith('step 5')


@pytest.mark.timeout(1800)
@pytest.mark.parametrize('backend', ['jax', 'torch'])
def test_a_character_run_goes_on_in_another_backend_and_back(backend, tmp_path, random_drawings):
    other, run = python_of(backend), tmp_path / 'run'
    for steps, python, name in (('2', sys.executable, 'tensorflow'), ('4', other, backend),
                                ('6', sys.executable, 'tensorflow')):
        done = subprocess.run([python, '-c', CHARACTERS, str(random_drawings), str(run), steps, name],
                              capture_output=True, text=True, check=False, cwd=CHECKOUT)
        assert done.returncode == 0, done.stderr[-2000:]
        assert steps == '2' or f'resumed at step {int(steps) - 2}' in done.stdout
        assert f'step {steps} validation crohme' in done.stdout
    assert (run / 'best.keras').is_file()


def test_the_plain_update_is_the_loops(tmp_path):
    """One AdamW, written twice: the same numbers from both, clipped and not."""
    import tensorflow as tf

    from training.loop import AdamW
    from training.plain_loop import update
    rng = np.random.default_rng(1)
    first = [rng.standard_normal((3, 2)).astype(np.float32), rng.standard_normal(2).astype(np.float32)]
    config = LoopConfig(weight_decay=0.1, average=0.9, clip_norm=1.5)
    variables = [tf.Variable(v) for v in first]
    optimizer = AdamW(variables, config)
    state = {'weights': first, 'first': [0 * v for v in first], 'second': [0 * v for v in first], 'average': first}
    for step in range(4):
        gradients = [(rng.standard_normal(v.shape) * 10 ** -step).astype(np.float32) for v in first]
        norm = optimizer.apply([tf.constant(g) for g in gradients], tf.constant(step, tf.int64), tf.constant(0.01))
        state, other = update(state, gradients, np.float32(step), np.float32(0.01), config)
        assert float(other) == pytest.approx(float(norm), rel=1e-5)
    for part, those in zip(('weights', 'first', 'second', 'average'), (variables, optimizer.first, optimizer.second,
                                                                     optimizer.average)):
        for one, value in zip(those, state[part]):
            np.testing.assert_allclose(one.numpy(), np.asarray(value), rtol=1e-5, atol=1e-7)


def test_bfloat16_trains_nearly_as_float32(tmp_path):
    """Weights and loss stay float32; the sound is not rounded on its way to the features."""
    cache(tmp_path / 'cache')
    batch = Batches(Cache([tmp_path / 'cache']), Characters(), [1.0], 3.0, seed=3).batch(0)
    losses, norms = {}, {}
    try:
        for precision in ('float32', 'bfloat16'):
            import tensorflow as tf
            set_precision(precision)
            keras.utils.set_random_seed(1)
            model = SpeechModel(Size(**SIZE)).build_all()
            with tf.GradientTape() as tape:
                loss = loss_sums(model, batch, False)['loss']
            gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
            assert loss.dtype == tf.float32 and all(g is None or g.dtype == tf.float32 for g in gradients)
            losses[precision], norms[precision] = float(loss), float(tf.linalg.global_norm(gradients))
            assert model.features(batch['samples'], batch['length']).dtype == tf.float32
            computed = model.blocks[0].feed_forward.compute_dtype
            assert computed == precision
            assert np.isfinite(float(loss_sums(model, batch, True)['loss']))  # masks and dropout, too
    finally:
        set_precision('float32')
    assert losses['bfloat16'] == pytest.approx(losses['float32'], rel=0.02) and len(set(losses.values())) == 2
    assert norms['bfloat16'] == pytest.approx(norms['float32'], rel=0.1)
    with pytest.raises(Exception, match='expected one of float32, bfloat16'):
        set_precision('int4')


def test_a_smaller_share_of_the_clips_is_part_of_a_larger_one():
    clips = [{'source': source, 'start': i, 'text': 'x'} for source in ('one', 'two-a', 'two-b') for i in range(400)]
    kept = {share: {(c['source'], c['start']) for c in clips if chosen({'share': share})(c)} for share in (.25, .5, 1)}
    assert kept[.25] < kept[.5] < kept[1] and len(kept[1]) == 1200 and abs(len(kept[.25]) - 300) < 60
    assert {c['source'] for c in clips if chosen({'without': ['two']})(c)} == {'one'}
