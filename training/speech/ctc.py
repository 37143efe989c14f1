"""CTC loss: log-probabilities [B, T, V], blank 0, and labels -> one loss a row.

`ctc_loss` picks TensorFlow's sparse kernel where XLA is off (the fastest on CPUs) and our own recursion elsewhere.
"""
import keras
from keras import ops


def ctc_loss(log_probs, frames, tokens, token_count, xla: bool = False):
    """Return (loss float32 [B], usable float32 [B]).

    log_probs float32 [B, T, V]; frames, token_count int32 [B]; tokens int32 [B, U], 0-padded. A row whose labels
    do not fit its frames (each repeated label needs a blank between), or that has none, gets loss 0 and usable 0.
    """
    usable = feasible(frames, tokens, token_count)
    if keras.backend.backend() == 'tensorflow' and not xla:
        loss = _sparse(log_probs, frames, tokens, token_count, usable)
    else:
        loss = recursion(log_probs, frames, tokens, token_count)
    return ops.where(usable > 0, loss, 0.0), usable


def feasible(frames, tokens, token_count):
    """Return float32 [B]: 1 where there is a label and the labels, with a blank between equal ones, fit."""
    inside = ops.expand_dims(ops.arange(1, tokens.shape[1]), 0) < ops.expand_dims(token_count, 1)
    repeats = ops.sum(ops.cast((tokens[:, 1:] == tokens[:, :-1]) & inside, 'int32'), axis=1)
    return ops.cast((token_count > 0) & (token_count + repeats <= frames), 'float32')


def _sparse(log_probs, frames, tokens, token_count, usable):
    import tensorflow as tf
    # The kernel refuses rows that do not fit: they are shown one label of their own, and masked by the caller.
    count = tf.where(usable > 0, token_count, 1)
    inside = tf.range(tokens.shape[1])[None] < count[:, None]
    places = tf.where(inside)
    values = tf.maximum(tf.gather_nd(tokens, places), 1)
    labels = tf.SparseTensor(places, values, tf.cast(tf.shape(tokens), tf.int64))
    return tf.nn.ctc_loss(labels, tf.transpose(log_probs, (1, 0, 2)), None, tf.maximum(frames, 1), blank_index=0)
