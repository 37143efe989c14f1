"""TensorFlow functions in, a LiteRT flatbuffer out: the one conversion of every model that is shipped.

A Keras model held inside a tf.Module converts without error and without its weights: callers give the variables, which
are held here by name.
"""
import tempfile
from collections.abc import Iterable

STORED = ('float16', 'int8', 'float32')  # ways of storing weights, the one to take first


def to_flatbuffer(variables: Iterable, signatures: dict, weights: str = 'float32') -> bytes:
    """Return the graph with these signatures (name -> tf.function or concrete function over `variables`).

    `variables` are Keras's or TensorFlow's; `weights` are stored as one of STORED. What is stored as float16
    is computed with as float32. int8 (dynamic range) rounds activations, too, in every product: check the error rate.
    """
    import tensorflow as tf
    module = tf.Module()
    module.held = [getattr(v, 'value', v) for v in variables]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
        if weights != 'float32':
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == 'float16':
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()
