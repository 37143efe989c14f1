"""One training loop for every model: steps, checkpoints, stopping, averaged weights, TensorBoard.

    train(model, loss_sums, batches, LoopConfig(...), folder, strategy, evaluate)

- `model`: a built keras.Model, made inside `strategy.scope()`.
- `loss_sums(model, batch, training)` -> mapping of scalar sums over the rows of `batch` (a mapping of tensors), among
  them 'loss' and 'weight': the objective is sum(loss) / sum(weight) over the global batch. Plain `keras.ops`.
- `batches.batch(step)` -> mapping of NumPy arrays [B, ...], a function of the step alone: a resumed run sees what the
  unbroken one would have seen. Shapes from a small set: each is compiled once. `batches.padding(batch)`, where there is
  one, is the share of padding, for the log.
- `evaluate(model)` -> mapping of floats on validation data, called with the averaged weights in place;
  `config.metric` names the one that early stopping minimises. `evaluate.show(model, step)`, where there is one, writes
  samples with tf.summary.

Checkpoints hold weights, optimiser state, averages, dropout seeds and the step, so that stopping anywhere
and resuming gives the weights of an unbroken run. The best averaged weights lie in FOLDER/best.weights.npz; a run that
stops also leaves FOLDER/state.npz, from which training/plain_loop.py goes on in JAX or PyTorch, and this loop after it.
"""
import math
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from training.schedule import LoopConfig, learning_rate
from training.strategies import OneDevice
from training.weights import (  # noqa: F401 (what a caller of the loop needs beside it)
    PARTS,
    STATE,
    load_weights,
    pack_state,
    read_arrays,
    save_run_config,
    unpack_state,
    write_arrays,
    write_weights,
)


class AdamW:
    """AdamW (arXiv:1711.05101) on a list of variables, in plain TensorFlow: runs inside a replica's step.

    Under tf.distribute Keras optimisers want `fit` or their own aggregation; twenty lines are easier to prove.
    Vectors (biases, norms) are not decayed.
    """

    def __init__(self, variables: list[tf.Variable], config: LoopConfig):
        """Make the moments and the averages, beside each variable."""
        def like(v, kind):
            return tf.Variable(tf.zeros_like(v) if kind != 'average' else tf.identity(v), trainable=False,
                               name=f'{kind}_{len(self.variables)}')
        self.config, self.variables = config, []
        self.first, self.second, self.average = [], [], []
        for v in variables:
            self.variables.append(v)
            self.first.append(like(v, 'first'))
            self.second.append(like(v, 'second'))
            self.average.append(like(v, 'average'))

    def apply(self, gradients: list, step: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """Update in place and return the gradient's norm before clipping."""
        c = self.config
        norm = tf.linalg.global_norm(gradients)
        scale = tf.minimum(1.0, c.clip_norm / (norm + 1e-9)) if c.clip_norm else tf.constant(1.0)
        # A step with an infinite or undefined gradient is left out rather than poisoning every weight.
        scale = tf.where(tf.math.is_finite(norm), scale, 0.0)
        t = tf.cast(step, tf.float32) + 1.0
        beta_1, beta_2 = 0.9, c.beta_2
        size = rate * tf.sqrt(1 - tf.pow(beta_2, t)) / (1 - tf.pow(beta_1, t))
        # The average starts fast, so that an early evaluation is not that of the random start.
        keep = tf.minimum(c.average, (1 + t) / (10 + t)) if c.average else tf.constant(0.0)
        for v, g, m, s, a in zip(self.variables, gradients, self.first, self.second, self.average):
            g = tf.where(tf.math.is_finite(norm), tf.convert_to_tensor(g), 0.0) * scale
            m.assign(beta_1 * m + (1 - beta_1) * g)
            s.assign(beta_2 * s + (1 - beta_2) * tf.square(g))
            decay = rate * c.weight_decay * tf.convert_to_tensor(v) if len(v.shape) > 1 else 0.0
            v.assign_sub(size * m / (tf.sqrt(s) + 1e-8) + decay)
            a.assign(keep * a + (1 - keep) * v)
        return norm

    def state(self) -> list[tf.Variable]:
        """Return the variables that a checkpoint must hold beside the weights."""
        return [*self.first, *self.second, *self.average]


def make_step(model, loss_sums: Callable, optimizer: AdamW, strategy: OneDevice) -> Callable:
    """Return the replica's step: batch (with 'step' and 'rate', each [B]) -> sums."""
    variables = optimizer.variables

    def step(batch):
        batch = dict(batch)
        number, rate, weight = batch.pop('_step')[0], batch.pop('_rate')[0], batch.pop('_weight')[0]
        with tf.GradientTape() as tape:
            sums = loss_sums(model, batch, True)
            loss = sums['loss'] / weight
        gradients = [tf.zeros_like(v) if g is None else tf.convert_to_tensor(g)
                     for g, v in zip(tape.gradient(loss, variables), variables)]
        norm = optimizer.apply(strategy.sum_gradients(gradients), number, rate)
        return {**sums, '_norm': norm / strategy.replicas}
    return step


def train(model, loss_sums: Callable, batches, config: LoopConfig, folder: str | Path, strategy: OneDevice,
          evaluate: Callable | None = None, weight: Callable | None = None, log: Callable | None = None) -> dict:
    """Train from the folder's last checkpoint (or the start) to the end; return the last evaluation.

    `weight(batch)` -> the global batch's sum of weights, computed on the host before the step (default: rows);
    each replica divides its sum by it, so that the sum of gradients is the gradient of the mean.
    `config.steps` may grow between runs. Interrupting (Ctrl-C, SIGTERM) saves first.
    """
    folder, log = str(folder), log or (lambda text: print(text, flush=True))
    tf.io.gfile.makedirs(folder)
    with strategy.scope():
        optimizer = AdamW([_raw(v) for v in model.trainable_variables], config)
        position = tf.Variable(0, dtype=tf.int64, trainable=False)
        best = tf.Variable(math.inf, dtype=tf.float64, trainable=False)
    others = [_raw(v) for v in model.variables if not any(v is t for t in model.trainable_variables)]
    checkpoint = tf.train.Checkpoint(weights=optimizer.variables, others=others, state=optimizer.state(),
                                     position=position, best=best)
    manager = tf.train.CheckpointManager(checkpoint, f'{folder}/checkpoints', max_to_keep=2)
    if manager.latest_checkpoint:
        checkpoint.restore(manager.latest_checkpoint).expect_partial()
        log(f'resumed at step {int(position.numpy())} from {manager.latest_checkpoint}')
    _newer_state(model, optimizer, folder, position, best, log)
    taken = make_step(model, loss_sums, optimizer, strategy)
    single, several = strategy.compile(taken, config.jit), None
    writer = tf.summary.create_file_writer(f'{folder}/tensorboard') if strategy.chief else None
    sums, since, waited, figures = {}, time.monotonic(), 0, {}
    step = int(position.numpy())

    def save():
        position.assign(step)
        manager.save(step)

    stopping = threading.Event()

    def interrupted(*_):
        # Between steps only: a step half counted would be done twice when the run goes on. A second time: at once.
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    ahead = ThreadPoolExecutor(1, 'batches')  # the next batch is made while this one is trained on
    coming = ahead.submit(_group, batches, step, config)
    main = threading.current_thread() is threading.main_thread()
    # A preempted machine is sent SIGTERM, a closed terminal's job may have SIGINT ignored: both save first.
    before = {s: signal.signal(s, interrupted) for s in (signal.SIGTERM, signal.SIGINT)} if main else {}
    try:
        while step < config.steps:
            group = coming.result()
            if stopping.is_set():
                raise KeyboardInterrupt
            coming = ahead.submit(_group, batches, step + len(group), config)
            group = [_with_numbers(batch, step + i, config, weight) for i, batch in enumerate(group)]
            if several and len(group) == config.steps_per_execution:
                done = [strategy.run(several, {key: np.stack([batch[key] for batch in group], 1) for key in group[0]})]
            else:
                done = [strategy.run(single, batch) for batch in group]
            if config.steps_per_execution > 1 and not several:  # what a step returns is known now
                several = strategy.compile(taken, config.jit, config.steps_per_execution, tuple(done[0]))
            for key in done[0]:
                sums[key] = sums.get(key, 0.0) + sum(float(returned[key]) for returned in done)
            sums['_rows'] = sums.get('_rows', 0) + sum(len(batch['_step']) for batch in group)
            sums['_steps'] = sums.get('_steps', 0) + len(group)
            if hasattr(batches, 'padding'):
                sums['_padding'] = sums.get('_padding', 0.0) + sum(map(batches.padding, group))
            step += len(group)
            if step % config.log_every == 0:
                loss = _report(step, sums, time.monotonic() - since, config, writer, log)
                sums, since = {}, time.monotonic()
                if config.stop_loss and loss < config.stop_loss:
                    log(f'loss {loss:.4f} is below {config.stop_loss}: done')
                    break
            if evaluate and (step % config.evaluate_every == 0 or step == config.steps):
                figures = with_averages(optimizer, config, partial(_evaluated, evaluate, model, writer, step, log))
                since = time.monotonic()
                value = figures[config.metric]
                _write(writer, step, {f'validation/{key}': v for key, v in figures.items()})
                log(f'step {step} validation ' + ' '.join(f'{key} {v:.4f}' for key, v in figures.items()))
                waited = 0 if value < float(best.numpy()) else waited + 1
                if not waited:
                    best.assign(value)
                    if strategy.chief:
                        save_weights(model, optimizer, config, f'{folder}/best.weights.npz')
                if config.patience and waited >= config.patience:
                    log(f'{config.metric} has not fallen for {waited} evaluations: done')
                    break
            if step % config.checkpoint_every == 0:
                save()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ahead.shutdown(cancel_futures=True)
        save()
        if strategy.chief:
            save_weights(model, optimizer, config, f'{folder}/last.weights.npz')
            write_arrays(f'{folder}/{STATE}', pack_state(model, {
                part: [v.numpy() for v in variables] for part, variables in _parts(optimizer).items()},
                step, float(best.numpy())))
    return figures


def _group(batches, step, config):
    """Return the batches of the next steps that one call can take: all of one shape, and nothing due between them."""
    group, wanted = [batches.batch(step)], config.steps_per_execution
    left = min(config.steps - step, *(every - step % every for every in (config.log_every, config.evaluate_every,
                                                                         config.checkpoint_every)))
    while len(group) < wanted <= left:
        following = batches.batch(step + len(group))
        if any(following[key].shape != value.shape for key, value in group[0].items()):
            break
        group.append(following)
    return group


def _with_numbers(batch, step, config, weight):
    """Return a batch with what the step reads beside the rows, each [B]: its number, rate and sum of weights."""
    rows = len(next(iter(batch.values())))
    total = float(weight(batch)) if weight else float(rows)
    return {**batch, '_step': np.full(rows, step, np.int64),
            '_rate': np.full(rows, learning_rate(step, config), np.float32),
            '_weight': np.full(rows, max(total, 1e-6), np.float32)}


def _evaluated(evaluate, model, writer, step, log):
    figures = evaluate(model)
    if writer is not None and hasattr(evaluate, 'show'):
        try:
            with writer.as_default():
                evaluate.show(model, step)
        except (ValueError, RuntimeError, tf.errors.OpError) as error:  # pictures are not worth a training
            log(f'no samples shown: {error}')
    return figures


def with_averages(optimizer: AdamW, config: LoopConfig, function: Callable):
    """Call `function` while the averaged weights stand in for the trained ones."""
    if not config.average:
        return function()
    kept = [v.numpy() for v in optimizer.variables]
    for v, a in zip(optimizer.variables, optimizer.average):
        v.assign(a.numpy())
    try:
        return function()
    finally:
        for v, value in zip(optimizer.variables, kept):
            v.assign(value)


def save_weights(model, optimizer: AdamW, config: LoopConfig, path: str) -> None:
    """Write the averaged weights by their Keras paths (any backend can read them): a plain .npz.

    The running statistics of normalisation layers go in as they are.
    """
    source = optimizer.average if config.average else optimizer.variables
    write_weights(model, [v.numpy() for v in source], path)


def _parts(optimizer):
    return dict(zip(PARTS, (optimizer.variables, optimizer.first, optimizer.second, optimizer.average)))


def _newer_state(model, optimizer, folder, position, best, log):
    """Take a state.npz that another backend, or this one, left at a later step than the checkpoint."""
    if not tf.io.gfile.exists(f'{folder}/{STATE}'):
        return
    arrays = read_arrays(f'{folder}/{STATE}')
    if int(arrays['position']) <= int(position.numpy()):
        return
    values, step, least = unpack_state(model, arrays)
    for part, variables in _parts(optimizer).items():
        for v, value in zip(variables, values[part]):
            v.assign(value)
    position.assign(step)
    best.assign(least)
    log(f'resumed at step {step} from {folder}/{STATE}')


def _raw(variable):
    """Return a Keras variable's tf.Variable."""
    return variable.value if hasattr(variable, 'path') and not isinstance(variable, tf.Variable) else variable


def _report(step, sums, seconds, config, writer, log):
    weight, steps = max(sums.get('weight', 1.0), 1e-9), sums['_steps']
    facts = {key: value / weight for key, value in sums.items() if not key.startswith('_') and key != 'weight'}
    facts['gradient_norm'] = sums['_norm'] / steps
    facts['rate'] = learning_rate(step - 1, config)
    if '_padding' in sums:
        facts['padding'] = sums['_padding'] / steps
    facts['examples_per_s'] = sums['_rows'] / max(seconds, 1e-9)
    _write(writer, step, {f'training/{key}': value for key, value in facts.items()})
    log(f'step {step} ' + ' '.join(f'{key} {value:.4g}' for key, value in facts.items()))
    return facts['loss']


def _write(writer, step, facts):
    if writer is None:
        return
    with writer.as_default():
        for key, value in facts.items():
            tf.summary.scalar(key, value, step=step)
    writer.flush()
