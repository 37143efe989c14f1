"""Weights and training state as plain .npz files, by name: what one backend wrote, another reads.

A model folder may hold WEIGHTS, in float16, listed in its model.yaml `for: training`: what `--init FOLDER` starts from.

`gs://` and other addresses go through tf.io.gfile; without TensorFlow, only the machine's own disks can be used.
"""
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np

WEIGHTS = 'weights.npz'  # of a model folder; of its further networks: weights-NAME.npz
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
    """Return what a .npz holds; FileNotFoundError (or gfile's error) where there is none, ModelError if it is none."""
    with _open(str(path), 'rb') as stream:
        content = stream.read()
    try:
        return dict(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        from robot_ai.errors import ModelError
        raise ModelError(f'{path}: is no whole .npz of arrays: {error}') from None


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


def ship_weights(arrays: dict[str, np.ndarray], folder: Path, name: str = WEIGHTS) -> None:
    """Write weights into a model folder as float16, half the size; what is beyond its range stays as it is."""
    with np.errstate(over='ignore'):
        halves = {key: np.asarray(value).astype(np.float16) for key, value in arrays.items()}
    write_arrays(str(folder / name), {key: half if np.isfinite(half).all() else arrays[key]
                                      for key, half in halves.items()})


def initial_weights(init: str | Path, name: str = WEIGHTS) -> Path | str:
    """Return the .npz that `--init` names: a file, or a model folder's, checked against its model.yaml.

    Raises ModelError where the folder holds none, ConfigurationError where nothing is there.
    """
    from robot_ai.errors import ConfigurationError, ModelError
    from robot_ai.model_store import check_file
    from robot_ai.yaml_files import read_yaml_file
    if '://' in str(init):
        return str(init)
    path = Path(init).expanduser()
    if path.is_file():
        return path
    if not (path / 'model.yaml').is_file():
        raise ConfigurationError(f'--init {path}: expected a .npz of weights, or a model folder with model.yaml and '
                                 f'{name}')
    document = read_yaml_file(path / 'model.yaml', ModelError)
    files = document.get('files') if isinstance(document, dict) else None
    if not isinstance(files, dict) or name not in files:
        raise ModelError(f'--init {path}: this model was shipped without {name}, so that it cannot be trained further; '
                         'export its training folder again, or name the best.weights.npz there')
    check_file(path, name, files[name])
    return path / name


def set_precision(name: str) -> None:
    """Make the layers that follow compute in float32 or bfloat16; ConfigurationError for another name."""
    import keras
    policies = {'float32': 'float32', 'bfloat16': 'mixed_bfloat16'}
    if name not in policies:
        from robot_ai.errors import ConfigurationError
        raise ConfigurationError(f'loop.precision {name!r}: expected one of {", ".join(policies)}')
    keras.config.set_dtype_policy(policies[name])


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


def read_run_config(folder: str | Path) -> dict:
    """Return FOLDER/run.json; {} where there is none yet."""
    path = f'{folder}/run.json'
    if '://' in path:
        import tensorflow as tf
        there = tf.io.gfile.exists(path)
    else:
        there = os.path.isfile(path)
    if not there:
        return {}
    with _open(path, 'r') as stream:
        return json.loads(stream.read())
