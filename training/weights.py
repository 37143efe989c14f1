"""Weights and training state as plain .npz files, by name: what one backend wrote, another reads.

`gs://` and other addresses go through tf.io.gfile; without TensorFlow, only the machine's own disks can be used.
"""
import io
import json
import os
from pathlib import Path

import numpy as np

STATE = 'state.npz'  # of a training folder: weights, moments, averages, seeds and position
PARTS = ('weights', 'first', 'second', 'average')


def _open(path: str, mode: str):
    if '://' in path:
        import tensorflow as tf
        return tf.io.gfile.GFile(path, mode)
    return open(path, mode, **({} if 'b' in mode else {'encoding': 'utf-8'}))


def write_arrays(path: str, arrays: dict[str, np.ndarray]) -> None:
    """Write a .npz, whole or not at all."""
    held = io.BytesIO()  # a zip file needs a seekable stream, gs:// has none
    np.savez(held, **arrays)
    with _open(f'{path}.new', 'wb') as stream:
        stream.write(held.getvalue())
    if '://' in str(path):
        import tensorflow as tf
        tf.io.gfile.rename(f'{path}.new', path, overwrite=True)
    else:
        os.replace(f'{path}.new', path)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Return what a .npz holds; FileNotFoundError (or gfile's error) where there is none."""
    with _open(str(path), 'rb') as stream:
        return dict(np.load(io.BytesIO(stream.read()), allow_pickle=False))


def named_weights(model) -> dict:
    """Return {path: variable} of trainable weights and running statistics.

    A path is inside the model: the model's own name may count up within a process, so it is left out where it
    leads all paths (a functional model's paths begin with its layers' names instead).
    """
    statistics = [v for v in model.non_trainable_variables if v.name in ('moving_mean', 'moving_variance')]
    variables = [*model.trainable_variables, *statistics]
    roots = {v.path.split('/', 1)[0] for v in variables}
    shared = len(roots) == 1 and all('/' in v.path for v in variables)
    named = {v.path.split('/', 1)[1] if shared else v.path: v for v in variables}
    if len(named) != len(variables):
        raise ValueError('two weights of the model have the same path: give its layers names')
    return named


def write_weights(model, values: list[np.ndarray], path: str) -> None:
    """Write `values`, one for each trainable weight, by their Keras paths; running statistics go in as they are."""
    held = {id(v): value for v, value in zip(model.trainable_variables, values)}
    write_arrays(path, {key: held[id(v)] if id(v) in held else to_numpy(v)
                        for key, v in named_weights(model).items()})


def load_weights(model, path: str | Path, partial: bool = False) -> list[str]:
    """Set a built model's weights from such a file; returns the paths not found (only if `partial`)."""
    stored, named = read_arrays(path), named_weights(model)
    missing = [key for key, v in named.items() if key not in stored or stored[key].shape != tuple(v.shape)]
    if missing and not partial:
        from robot_ai.errors import ModelError
        raise ModelError(f'{path}: lacks {len(missing)} of the weights, {missing[0]} the first; was it trained '
                         'from another config?')
    for key, v in named.items():
        if key not in missing:
            v.assign(stored[key])
    return missing


def to_numpy(value) -> np.ndarray:
    """Return a variable's or tensor's values, of any backend."""
    from keras import ops
    return np.asarray(ops.convert_to_numpy(value))


def pack_state(model, parts: dict[str, list], position: int, best: float) -> dict[str, np.ndarray]:
    """Return a run's state by name: PARTS of each trainable weight, the other variables, how far it is."""
    keys = _trainable_keys(model)
    arrays = {f'{part}/{key}': np.asarray(value) for part in PARTS for key, value in zip(keys, parts[part])}
    arrays |= {f'others/{i}': to_numpy(v) for i, v in enumerate(model.non_trainable_variables)}
    return {**arrays, 'position': np.int64(position), 'best': np.float64(best)}


def unpack_state(model, arrays: dict[str, np.ndarray]) -> tuple[dict[str, list], int, float]:
    """Return (parts, position, best) of `pack_state`'s arrays, and set the model's other variables."""
    keys = _trainable_keys(model)
    missing = [key for key in keys if f'first/{key}' not in arrays]
    if missing or f'others/{len(model.non_trainable_variables) - 1}' not in arrays and model.non_trainable_variables:
        from robot_ai.errors import ModelError
        raise ModelError(f'{STATE}: of another model: {missing[0] if missing else "seeds"} is not in it; train in an '
                         'empty folder')
    for i, v in enumerate(model.non_trainable_variables):
        v.assign(arrays[f'others/{i}'])
    return {part: [arrays[f'{part}/{key}'] for key in keys] for part in PARTS}, int(arrays['position']), float(
        arrays['best'])


def _trainable_keys(model):
    names = {id(v): key for key, v in named_weights(model).items()}
    return [names[id(v)] for v in model.trainable_variables]


def save_run_config(folder: str | Path, facts: dict) -> None:
    """Write FOLDER/run.json: what the run was started with, for export and the model card."""
    if '://' in str(folder):
        import tensorflow as tf
        tf.io.gfile.makedirs(str(folder))
    else:
        Path(folder).mkdir(parents=True, exist_ok=True)
    with _open(f'{folder}/run.json', 'w') as stream:
        stream.write(json.dumps(facts, indent=1, default=str))
