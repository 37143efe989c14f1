"""A model's forward pass, compiled where the backend does so: what validation decodes with, in every backend."""
from collections.abc import Callable

import keras
import numpy as np


def compiled(model, function: Callable) -> Callable:
    """Return `function` (arrays -> a tensor or a mapping of them), which computes with `model`, as fast as it goes.

    The result is NumPy's. Weights are read at each call. JAX and TensorFlow compile each shape of the arrays once.
    """
    backend = keras.backend.backend()
    if backend == 'jax':
        import jax

        @jax.jit
        def stateless(values, *arrays):
            with keras.StatelessScope(state_mapping=list(zip(model.variables, values))):
                return function(*arrays)
        return lambda *arrays: _to_numpy(stateless([v.value for v in model.variables], *arrays))
    if backend == 'tensorflow':
        import tensorflow as tf
        graph = tf.function(function, autograph=False)
        return lambda *arrays: _to_numpy(graph(*map(tf.constant, arrays)))
    import torch

    def eager(*arrays):
        with torch.no_grad():
            return _to_numpy(function(*map(keras.ops.convert_to_tensor, arrays)))
    return eager


def _to_numpy(result):
    return keras.tree.map_structure(lambda value: np.asarray(keras.ops.convert_to_numpy(value)), result)
