"""The training loop without TensorFlow: one device under JAX or PyTorch, the same step, batches, schedule and files.

`train_plain` takes what training/loop.py's `train` takes, less the strategy. The step is `loss_sums` (plain
`keras.ops`) differentiated by the backend, then AdamW as there. It goes on from FOLDER/state.npz, which each loop
leaves when it stops: a run begun in one backend goes on in another. Dropout draws other numbers there, so that the
runs are alike, not equal.
"""
import math
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from keras import ops

from robot_ai.errors import ConfigurationError
from training.schedule import LoopConfig, learning_rate
from training.weights import PARTS, STATE, pack_state, read_arrays, to_numpy, unpack_state, write_arrays, write_weights


def update(state: dict[str, list], gradients: list, number, rate, config: LoopConfig) -> tuple[dict[str, list], object]:
    """Return AdamW's next weights, moments and averages, and the gradient's norm; training/loop.py has the reasons."""
    norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients))
    finite = ops.isfinite(norm)
    scale = ops.minimum(1.0, config.clip_norm / (norm + 1e-9)) if config.clip_norm else 1.0
    t = number + 1.0
    size = rate * ops.sqrt(1 - config.beta_2 ** t) / (1 - 0.9 ** t)
    keep = ops.minimum(config.average, (1 + t) / (10 + t)) if config.average else 0.0
    after: dict[str, list] = {part: [] for part in PARTS}
    for v, m, s, a, g in zip(*(state[part] for part in PARTS), gradients):
        g = ops.where(finite, g, ops.zeros_like(g)) * ops.where(finite, scale, 0.0)
        m = 0.9 * m + 0.1 * g
        s = config.beta_2 * s + (1 - config.beta_2) * ops.square(g)
        decay = rate * config.weight_decay * v if len(v.shape) > 1 else 0.0
        v = v - (size * m / (ops.sqrt(s) + 1e-8) + decay)
        for part, value in zip(PARTS, (v, m, s, keep * a + (1 - keep) * v)):
            after[part].append(value)
    return after, norm


def make_step(model, loss_sums: Callable, config: LoopConfig) -> Callable:
    """Return step(state, batch, number, rate, weight) -> (state, sums, norm) for the backend in use.

    JAX: `state` also has 'others', the variables that are not trained (seeds). PyTorch sets the model's own.
    """
    makers = {'jax': _jax_step, 'torch': _torch_step}
    name = keras.backend.backend()
    if name not in makers:
        raise ConfigurationError(f'backend {name!r}: expected jax or torch; TensorFlow has training/loop.py')
    return makers[name](model, loss_sums, config)


def _jax_step(model, loss_sums, config):
    import jax

    def loss(values, others, batch, weight):
        variables = [*zip(model.trainable_variables, values), *zip(model.non_trainable_variables, others)]
        with keras.StatelessScope(state_mapping=variables) as scope:
            sums = loss_sums(model, batch, True)
        return sums['loss'] / weight, (sums, [scope.get_current_value(v) for v in model.non_trainable_variables])

    @jax.jit
    def step(state, batch, number, rate, weight):
        (_, (sums, others)), gradients = jax.value_and_grad(loss, has_aux=True)(
            state['weights'], state['others'], batch, weight)
        after, norm = update(state, gradients, number, rate, config)
        return {**after, 'others': others}, sums, norm
    return step


def _torch_step(model, loss_sums, config):
    import torch

    def step(state, batch, number, rate, weight):
        model.zero_grad()
        batch = {key: ops.convert_to_tensor(value) for key, value in batch.items()}
        sums = loss_sums(model, batch, True)
        (sums['loss'] / weight).backward()
        with torch.no_grad():
            gradients = [torch.zeros_like(v.value) if v.value.grad is None else v.value.grad
                         for v in model.trainable_variables]
            after, norm = update(state, gradients, number, rate, config)
            for v, value in zip(model.trainable_variables, after['weights']):
                v.value.copy_(value)
        return {**after, 'weights': [v.value.detach() for v in model.trainable_variables]}, sums, norm
    return step


def train_plain(model, loss_sums: Callable, batches, config: LoopConfig, folder: str | Path,
                evaluate: Callable | None = None, weight: Callable | None = None, log: Callable | None = None) -> dict:
    """Train from the folder's state (or the start) to the end; return the last evaluation. See training.loop.train."""
    log, path = log or (lambda text: print(text, flush=True)), f'{folder}/{STATE}'
    Path(folder).mkdir(parents=True, exist_ok=True)
    state, position, best, figures = _first_state(model), 0, math.inf, {}
    if Path(path).is_file():
        values, position, best = unpack_state(model, read_arrays(path))
        _set(model, values['weights'])
        state = {**_first_state(model), **{part: [ops.convert_to_tensor(v) for v in values[part]]
                                           for part in PARTS if part != 'weights'}}
        log(f'resumed at step {position} from {path}')
    step, unread, waited = make_step(model, loss_sums, config), [], 0
    if hasattr(batches, 'examples') and hasattr(step, 'lower'):
        step = _compiled(step, state, batches.examples())
    since = time.monotonic()
    stopping = threading.Event()

    def save():
        _set(model, state['weights'], state.get('others'))
        write_arrays(path, pack_state(model, {part: [to_numpy(v) for v in state[part]] for part in PARTS}, position,
                                      best))
    main = threading.current_thread() is threading.main_thread()
    before = {s: signal.signal(s, lambda *_: stopping.set()) for s in (signal.SIGTERM, signal.SIGINT)} if main else {}
    try:
        while position < config.steps:
            if stopping.is_set():
                raise KeyboardInterrupt
            batch = batches.batch(position)
            total = float(weight(batch)) if weight else float(len(next(iter(batch.values()))))
            state, new, norm = step(state, batch, np.float32(position), np.float32(learning_rate(position, config)),
                                    np.float32(max(total, 1e-6)))
            # Not read yet: the device works on while the next batch is fetched.
            unread.append({**new, '_norm': norm})
            position += 1
            if position % config.log_every == 0:
                loss = _report(position, unread, since, config, log)
                unread, since = [], time.monotonic()
                if config.stop_loss and loss < config.stop_loss:
                    log(f'loss {loss:.4f} is below {config.stop_loss}: done')
                    break
            if evaluate and (position % config.evaluate_every == 0 or position == config.steps):
                _set(model, state['average'] if config.average else state['weights'], state.get('others'))
                figures = evaluate(model)
                log(f'step {position} validation ' + ' '.join(f'{key} {v:.4f}' for key, v in figures.items()))
                waited = 0 if figures[config.metric] < best else waited + 1
                if not waited:
                    best = figures[config.metric]
                    _write(model, state, config, f'{folder}/best.weights.npz')
                _set(model, state['weights'])
                if config.patience and waited >= config.patience:
                    log(f'{config.metric} has not fallen for {waited} evaluations: done')
                    break
            if position % config.checkpoint_every == 0:
                save()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        save()
        _write(model, state, config, f'{folder}/last.weights.npz')
    return figures


def _first_state(model):
    weights = [ops.copy(v.value) for v in model.trainable_variables]
    state = {'weights': weights, 'first': [ops.zeros_like(v) for v in weights],
             'second': [ops.zeros_like(v) for v in weights], 'average': [ops.copy(v) for v in weights]}
    if keras.backend.backend() == 'jax':
        state['others'] = [v.value for v in model.non_trainable_variables]
    else:
        state = {part: [v.detach() for v in values] for part, values in state.items()}
    return state


def _set(model, weights, others=None):
    for v, value in zip(model.trainable_variables, weights):
        v.assign(to_numpy(value))
    for v, value in zip(model.non_trainable_variables, others or []):
        v.assign(to_numpy(value))


def _write(model, state, config, path):
    write_weights(model, [to_numpy(v) for v in state['average' if config.average else 'weights']], path)


def _compiled(step, state, examples):
    """Return the jitted `step` compiled for the shapes of these batches, side by side; others as they come."""
    def shapes(batch):
        return tuple((key, value.shape) for key, value in sorted(batch.items()))
    numbers = np.float32(0), np.float32(0), np.float32(1)
    lowered = {shapes(batch): step.lower(state, batch, *numbers) for batch in examples}
    with ThreadPoolExecutor() as pool:
        programs = dict(zip(lowered, pool.map(lambda one: one.compile(), lowered.values())))
    return lambda state, batch, *given: programs.get(shapes(batch), step)(state, batch, *given)


def _report(step, unread, since, config, log):
    sums = {key: sum(float(one[key]) for one in unread) for key in unread[0]}
    seconds = time.monotonic() - since  # once the device has done what was asked of it
    weight = max(sums.get('weight', 1.0), 1e-9)
    facts = {key: value / weight for key, value in sums.items() if not key.startswith('_') and key != 'weight'}
    facts |= {'gradient_norm': sums['_norm'] / len(unread), 'rate': learning_rate(step - 1, config),
              'steps_per_s': len(unread) / max(seconds, 1e-9)}
    log(f'step {step} ' + ' '.join(f'{key} {value:.4g}' for key, value in facts.items()))
    return facts['loss']
