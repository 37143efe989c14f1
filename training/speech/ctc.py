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
    frames, tokens, token_count = (ops.convert_to_tensor(x) for x in (frames, tokens, token_count))
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


IMPOSSIBLE = -1e30  # the logarithm of nothing: finite, so that gradients are never undefined


def recursion(log_probs, frames, tokens, token_count):
    """Return float32 [B]: -ln of the summed probability of all alignments, by the forward recursion.

    In the log domain over labels with blanks between, [B, 2 U + 1]; static shapes and `keras.ops` only, so that
    XLA compiles it and its gradient. TensorFlow's sparse kernel has no XLA form, and its dense form took 15 times
    as long. Rows that are not `feasible` give a huge value: mask them.
    """
    log_probs = ops.cast(log_probs, 'float32')
    width, labels = tokens.shape[1], log_probs.shape[-1]
    rows = tokens.shape[0]
    blanks = ops.zeros_like(tokens)
    extended = ops.reshape(ops.stack([blanks, tokens], axis=-1), (rows, 2 * width))
    extended = ops.concatenate([extended, blanks[:, :1]], axis=1)  # blank, l1, blank, l2, ..., blank
    # A product with one-hot rows: a gather's gradient is a scatter, slow on TPUs.
    chosen = ops.matmul(log_probs, ops.transpose(ops.one_hot(extended, labels, dtype='float32'), (0, 2, 1)))
    differs = ops.pad(ops.cast(extended[:, 2:] != extended[:, :-2], 'float32'), [[0, 0], [2, 0]])
    skip = IMPOSSIBLE * (1.0 - differs * ops.cast(extended > 0, 'float32'))  # only from a label to another one
    start = ops.where(ops.arange(2 * width + 1) < 2, chosen[:, 0], IMPOSSIBLE)

    def step(alpha, given):
        emission, alive = given
        one = ops.pad(alpha[:, :-1], [[0, 0], [1, 0]], constant_values=IMPOSSIBLE)
        two = ops.pad(alpha[:, :-2], [[0, 0], [2, 0]], constant_values=IMPOSSIBLE) + skip
        new = ops.logsumexp(ops.stack([alpha, one, two]), axis=0) + emission
        return ops.where(alive[:, None], ops.maximum(new, IMPOSSIBLE), alpha)

    alive = ops.transpose(ops.expand_dims(ops.arange(1, log_probs.shape[1]), 0) < ops.expand_dims(frames, 1))
    last = _fold(step, start, (ops.transpose(chosen[:, 1:], (1, 0, 2)), alive))
    ends = ops.one_hot(2 * token_count, 2 * width + 1) + ops.one_hot(2 * token_count - 1, 2 * width + 1)
    return -ops.logsumexp(ops.where(ends > 0, last, IMPOSSIBLE), axis=1)


def _fold(step, carry, elements):
    """Return the carry after `step(carry, element)` over the elements' first axis."""
    if keras.backend.backend() == 'tensorflow':
        import tensorflow as tf
        # ops.scan's loop has no bound that XLA can see, so it compiles forward but not backward; tf.scan's has.
        return tf.scan(step, elements, initializer=carry)[-1]
    return ops.scan(lambda c, e: (step(c, e),) * 2, carry, elements)[0]
