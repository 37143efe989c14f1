"""The loop: a resumed run is the unbroken run, replicas train like one device, stopping and averaging as said.

The bugs that these would catch: dropout seeds or averages left out of checkpoints, a mean of replicas' means in place
of the global mean, gradients of unequal replicas averaged.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from training.loop import LoopConfig, _group, learning_rate, load_weights, save_weights, train
from training.strategies import OneDevice

ROWS, WIDTH = 4, 6


class Numbers:
    """Batches whose rows weigh unequally, so that a mean of means shows."""

    def batch(self, step):
        gate = os.environ.get('GATE')
        if gate and step == 3:  # stands still here until the test has killed a worker
            Path(f'{gate}.reached').touch()
            while not Path(gate).exists():
                time.sleep(0.1)
        rng = np.random.default_rng((5, step))
        return {'x': rng.standard_normal((ROWS, WIDTH)).astype(np.float32),
                'y': rng.standard_normal((ROWS, 1)).astype(np.float32),
                'counts': np.array([1, 5, 2, 9], np.float32)}


def loss_sums(model, batch, training):
    error = ops.sum(ops.square(model(batch['x'], training=training) - batch['y']), axis=1)
    return {'loss': ops.sum(error * batch['counts']), 'weight': ops.sum(batch['counts'])}


def new_model(dropout=0.3):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.layers.Dense(5, activation='tanh', name='inner'),
                              keras.layers.Dropout(dropout, seed=4),
                              keras.layers.Dense(1, name='outer')], name='numbers')
    model.build((None, WIDTH))
    return model


def run(folder, steps, strategy=None, dropout=0.3, evaluate=None, **settings):
    strategy, lines = strategy or OneDevice(), []
    with strategy.scope():
        model = new_model(dropout)
    config = LoopConfig(**{'steps': steps, 'peak_rate': 0.01, 'warm_up': 3, 'log_every': 1, 'decay_from': 1.0,
                           'evaluate_every': 2, **settings})
    train(model, loss_sums, Numbers(), config, folder, strategy, evaluate,
          weight=lambda batch: batch['counts'].sum(), log=lines.append)
    return [v.numpy() for v in model.trainable_variables], lines, model


def test_resumed_run_is_the_unbroken_run(tmp_path):
    unbroken, lines, _ = run(tmp_path / 'a', 7)
    run(tmp_path / 'b', 3)
    resumed, more, model = run(tmp_path / 'b', 7)
    assert more[0].startswith('resumed at step 3')
    for one, other in zip(unbroken, resumed):
        np.testing.assert_array_equal(one, other)
    assert [line.split(' examples')[0] for line in lines[3:]] == [line.split(' examples')[0] for line in more[1:]]
    load_weights(model, tmp_path / 'a' / 'last.weights.npz')
    averaged = [v.numpy() for v in model.trainable_variables]
    load_weights(model, tmp_path / 'b' / 'last.weights.npz')
    for one, other in zip(averaged, model.trainable_variables):
        np.testing.assert_array_equal(one, other.numpy())


def test_several_steps_a_call_are_the_single_steps(tmp_path):
    class Watched(OneDevice):
        def run(self, step, batch):
            shapes.append(batch['x'].shape)
            return super().run(step, batch)
    shapes = []
    single, lines, _ = run(tmp_path / 'a', 11, log_every=9, evaluate_every=9)
    grouped, more, _ = run(tmp_path / 'b', 11, Watched(), steps_per_execution=3, log_every=9, evaluate_every=9)
    # The first three alone (what a step returns is not known before), two calls of three, two that are too few.
    assert shapes == [(ROWS, WIDTH)] * 3 + [(ROWS, 3, WIDTH)] * 2 + [(ROWS, WIDTH)] * 2
    for one, other in zip(single, grouped):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert lines[0].split(' examples')[0] == more[0].split(' examples')[0] and 'loss' in lines[0]


def test_batches_of_another_shape_are_not_taken_with_the_others():
    class Growing(Numbers):
        def batch(self, step):
            return {key: np.concatenate([value] * (1 + (step >= 5))) for key, value in super().batch(step).items()}
    config = LoopConfig(steps=12, steps_per_execution=4, log_every=10)
    assert [len(_group(Growing(), step, config)) for step in (0, 3, 5, 7, 8)] == [4, 2, 4, 1, 1]
    assert len(_group(Growing(), 0, LoopConfig())) == 1


def test_a_pre_empted_run_goes_on(tmp_path):
    class Killed(Numbers):
        def batch(self, step):
            if step == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().batch(step)
    model = new_model()
    config = LoopConfig(steps=7, peak_rate=0.01, warm_up=3, log_every=1, decay_from=1.0, evaluate_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(model, loss_sums, Killed(), config, tmp_path / 'a', OneDevice(),
              weight=lambda batch: batch['counts'].sum(), log=lambda line: None)
    resumed, lines, _ = run(tmp_path / 'a', 7)
    unbroken, _, _ = run(tmp_path / 'b', 7)
    assert lines[0].startswith('resumed at step 4')
    for one, other in zip(unbroken, resumed):
        np.testing.assert_array_equal(one, other)


def test_loss_falls_and_stops_at_the_goal(tmp_path):
    class One(Numbers):
        def batch(self, step):
            return super().batch(0)
    model = new_model(0.0)
    lines = []
    config = LoopConfig(steps=3000, peak_rate=0.03, warm_up=3, log_every=10, stop_loss=0.05, weight_decay=0.0)
    train(model, loss_sums, One(), config, tmp_path, OneDevice(), weight=lambda b: b['counts'].sum(),
          log=lines.append)
    assert 'is below 0.05: done' in lines[-1]


def test_stops_when_the_metric_no_longer_falls(tmp_path):
    figures = iter([0.5, 0.4, 0.45, 0.41, 0.3, 0.2])
    _, lines, _ = run(tmp_path, 50, evaluate=lambda model: {'wer': next(figures)}, metric='wer', patience=2)
    assert lines[-1].startswith('wer has not fallen for 2') and (tmp_path / 'best.weights.npz').is_file()
    assert sum('validation' in line for line in lines) == 4


def test_learning_rate_rises_holds_and_falls():
    config = LoopConfig(steps=100, peak_rate=2.0, warm_up=4, decay_from=0.5, final_rate=0.1)
    assert [learning_rate(s, config) for s in (0, 1, 3, 50)] == [0.5, 1.0, 2.0, 2.0]
    assert learning_rate(75, config) == pytest.approx(1.1) and learning_rate(100, config) == pytest.approx(0.2)


PROGRAM = '''
import os, sys
import tensorflow as tf
if os.environ.get('DEVICES'):
    cpu = tf.config.list_physical_devices('CPU')[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from training.loop_test import run
from training.strategies import open_strategy
together = int(os.environ.get('TOGETHER', 1))
weights, lines, _ = run(sys.argv[2], 5, open_strategy(sys.argv[1]), 0.0, steps_per_execution=together,
                        log_every=together, evaluate_every=together)
print('LOSSES', [float(line.split('loss ')[1].split()[0]) for line in lines if ' loss ' in line])
print('SUM', repr(float(sum(abs(w).sum() for w in weights))), flush=True)
os._exit(0)  # a coordinator's threads outlive the work
'''


def start(strategy, folder, **environment):
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen([sys.executable, '-c', PROGRAM, strategy, str(folder)], text=True, cwd=root,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', **environment})


def told(process, timeout=1200):
    text = process.communicate(timeout=timeout)[0]
    assert 'SUM' in text, text[-3000:]
    losses = json.loads(text.split('LOSSES ')[1].splitlines()[0])
    return losses, float(text.split('SUM ')[1].splitlines()[0])


@pytest.fixture(scope='module')
def one_device(tmp_path_factory):
    weights, lines, _ = run(tmp_path_factory.mktemp('one'), 5, dropout=0.0)
    return ([float(line.split('loss ')[1].split()[0]) for line in lines if ' loss ' in line],
            float(sum(abs(w).sum() for w in weights)))


def agrees(got, expected):
    np.testing.assert_allclose(got[0], expected[0], rtol=2e-4)
    assert got[1] == pytest.approx(expected[1], rel=1e-5)


def test_two_mirrored_replicas_train_like_one(tmp_path, one_device):
    agrees(told(start('mirrored', tmp_path, DEVICES='2')), one_device)


def test_two_replicas_take_two_steps_a_call(tmp_path, one_device):
    losses, weights = one_device
    expected = [(losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2]  # all batches weigh alike
    agrees(told(start('mirrored', tmp_path, DEVICES='2', TOGETHER='2')), (expected, weights))


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for s in held:
        s.bind(('127.0.0.1', 0))
    ports = [f'127.0.0.1:{s.getsockname()[1]}' for s in held]
    for s in held:
        s.close()
    return ports


def cluster(task, index, **jobs):
    return json.dumps({'cluster': jobs, 'task': {'type': task, 'index': index}})


@pytest.mark.long
def test_two_machines_train_like_one(tmp_path, one_device):
    ports = free_ports(2)
    running = [start('multiworker', tmp_path / str(i), TF_CONFIG=cluster('worker', i, worker=ports)) for i in (0, 1)]
    for process in running:
        agrees(told(process), one_device)


@pytest.mark.long
def test_parameter_server_trains_like_one(tmp_path, one_device):
    chief, ps, first, second = free_ports(4)
    jobs = {'chief': [chief], 'ps': [ps], 'worker': [first, second]}
    servers = [start('parameter-server', tmp_path, TF_CONFIG=cluster(task, i, **jobs))
               for task, i in (('ps', 0), ('worker', 0), ('worker', 1))]
    try:
        coordinator = start('parameter-server', tmp_path, TF_CONFIG=cluster('chief', 0, **jobs))
        agrees(told(coordinator), one_device)
    finally:
        for server in servers:
            server.kill()
            server.wait()


@pytest.mark.long
def test_a_killed_worker_is_done_without_and_comes_back(tmp_path, one_device):
    chief, ps, first, second = free_ports(4)
    jobs = {'chief': [chief], 'ps': [ps], 'worker': [first, second]}
    servers = [start('parameter-server', tmp_path, TF_CONFIG=cluster(task, i, **jobs))
               for task, i in (('ps', 0), ('worker', 0), ('worker', 1))]
    gate = tmp_path / 'gate'
    coordinator = start('parameter-server', tmp_path, TF_CONFIG=cluster('chief', 0, **jobs), GATE=str(gate))
    try:
        while not Path(f'{gate}.reached').exists():
            assert coordinator.poll() is None, coordinator.communicate()[0][-3000:]
            time.sleep(0.2)
        servers[1].kill()
        servers[1].wait()
        servers.append(start('parameter-server', tmp_path, TF_CONFIG=cluster('worker', 0, **jobs)))
        gate.touch()
        agrees(told(coordinator), one_device)
    finally:
        for process in (*servers, coordinator):
            process.kill()
            process.wait()


def test_speech_forward_and_gradient_compile():
    from training.speech.model import Size, SpeechModel
    from training.speech.train import loss_sums as speech_loss
    size = Size(width=16, heads=2, blocks=1, kernel=3, decoder_blocks=1, channels=4, mels=16, dropout=0.0)
    model = SpeechModel(size).build_all()
    batch = {'samples': tf.random.normal([2, 12800]), 'length': tf.constant([12800, 9000]),
             'tokens': tf.constant([[3, 4, 5, 6], [7, 8, 0, 0]]), 'token_count': tf.constant([4, 2])}

    @tf.function(jit_compile=True)
    def step(batch):
        with tf.GradientTape() as tape:
            loss = speech_loss(model, batch, True, xla=True)['loss']
        return loss, tape.gradient(loss, model.trainable_variables)
    loss, gradients = step(batch)
    assert np.isfinite(loss) and all(np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients)


def test_weights_of_a_functional_model_keep_their_own_names_and_statistics(tmp_path):
    def make():
        given = keras.Input((4,))
        inner = keras.layers.Dense(3, name='first')(given)
        inner = keras.layers.BatchNormalization(name='norm')(inner)
        return keras.Model(given, keras.layers.Dense(3, name='second')(inner))
    model, again = make(), make()
    model(np.random.default_rng(0).normal(size=(8, 4)).astype('float32'), training=True)
    optimizer = SimpleNamespace(variables=model.trainable_variables)
    save_weights(model, optimizer, SimpleNamespace(average=0), str(tmp_path / 'w.npz'))
    assert load_weights(again, tmp_path / 'w.npz') == []
    for one, other in zip(model.weights, again.weights):
        assert np.array_equal(one, other), one.path
    assert np.abs(again.get_layer('norm').moving_mean).max() > 0
