"""Blocks of pre-norm Transformers for sequences float32 [B, T, D], in `keras.ops` only: any backend, static shapes.

Positions are rotary (arXiv:2104.09864): nothing to learn, and a short bucket and a long one share weights.
Masks are float32, 1 where valid; softmax and normalisation run in float32 under a bfloat16 policy too.
"""
import keras
import numpy as np
from keras import ops


def rotary_table(length: int, width: int, base: float = 10000.0) -> tuple[np.ndarray, np.ndarray]:
    """Return cosine and sine, float32 [length, width / 2] each, of the rotary angles."""
    angles = np.arange(length)[:, None] / base ** (np.arange(0, width, 2) / width)[None]
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def rotate(x, cosine, sine):
    """Turn the two halves of the last axis of x [B, H, T, d] by the angles of [T, d / 2]."""
    half, cosine, sine = x.shape[-1] // 2, ops.cast(cosine, x.dtype), ops.cast(sine, x.dtype)
    a, b = x[..., :half], x[..., half:]
    return ops.concatenate([a * cosine - b * sine, a * sine + b * cosine], axis=-1)


class Attention(keras.layers.Layer):
    """Multi-head attention of queries [B, T, D] over keys [B, S, D]; rotary positions when `rotary`."""

    def __init__(self, heads: int, rotary: bool = True, dropout: float = 0.0, **kwargs):
        """`heads` must divide D, and D / heads be even."""
        super().__init__(**kwargs)
        self.heads, self.rotary, self.dropout = heads, rotary, dropout
        self.drop = keras.layers.Dropout(dropout)

    def build(self, queries_shape, memory_shape=None):
        """Make the four projections."""
        width = queries_shape[-1]
        if width % self.heads or width // self.heads % 2:
            raise ValueError(f'width {width} cannot be cut into {self.heads} heads of even width')
        self.query = keras.layers.Dense(width, name='query')
        self.key = keras.layers.Dense(width, use_bias=False, name='key')
        self.value = keras.layers.Dense(width, name='value')
        self.out = keras.layers.Dense(width, name='out')
        for layer in (self.query, self.out):
            layer.build(queries_shape)
        for layer in (self.key, self.value):
            layer.build(memory_shape or queries_shape)
        self.drop.build(queries_shape)
        self.built = True

    def call(self, queries, memory=None, allowed=None, training=False):
        """Return [B, T, D]; `allowed` broadcasts to [B, 1, T, S], 1 where a key may be attended to."""
        memory = queries if memory is None else memory
        v = self.split(self.value(memory))
        weights = self.drop(ops.cast(self.attend(queries, memory, allowed), v.dtype), training=training)
        mixed = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))
        shape = (mixed.shape[0] or -1, mixed.shape[1], mixed.shape[2] * mixed.shape[3])
        return self.out(ops.reshape(mixed, shape))

    def attend(self, queries, memory, allowed=None):
        """Return how much each query looks at each key, float32 [B, H, T, S]; sums to 1 over keys."""
        q, k = self.split(self.query(queries)), self.split(self.key(memory))
        width = q.shape[-1]
        if self.rotary:
            q = rotate(q, *rotary_table(q.shape[2], width))
            k = rotate(k, *rotary_table(k.shape[2], width))
        scores = ops.cast(ops.matmul(q * width ** -0.5, ops.transpose(k, (0, 1, 3, 2))), 'float32')
        if allowed is not None:
            scores = scores - 1e9 * (1.0 - ops.cast(allowed, 'float32'))
        return ops.softmax(scores, axis=-1)

    def split(self, x):
        """Return x [B, T, H * d] as [B, H, T, d]."""
        shape = (x.shape[0] or -1, x.shape[1], self.heads, x.shape[2] // self.heads)
        return ops.transpose(ops.reshape(x, shape), (0, 2, 1, 3))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'heads': self.heads, 'rotary': self.rotary, 'dropout': self.dropout}


class FeedForward(keras.layers.Layer):
    """Two dense layers with an activation between, [B, T, D] -> [B, T, D]."""

    def __init__(self, expansion: int = 4, dropout: float = 0.0, activation: str = 'silu', **kwargs):
        """The inner width is `expansion` times D."""
        super().__init__(**kwargs)
        self.expansion, self.dropout, self.activation = expansion, dropout, activation
        self.drop = keras.layers.Dropout(dropout)

    def build(self, shape):
        """Make the two projections."""
        width = shape[-1]
        self.inner = keras.layers.Dense(self.expansion * width, activation=self.activation, name='inner')
        self.outer = keras.layers.Dense(width, name='outer')
        self.inner.build(shape)
        self.outer.build((*shape[:-1], self.expansion * width))
        self.drop.build(shape)
        self.built = True

    def call(self, x, training=False):
        """Return [B, T, D]."""
        return self.outer(self.drop(self.inner(x), training=training))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'expansion': self.expansion, 'dropout': self.dropout,
                'activation': self.activation}


class Convolution(keras.layers.Layer):
    """The Conformer's module (arXiv:2005.08100): gate, depthwise convolution over time, SiLU, projection.

    LayerNorm in place of BatchNorm keeps replicas and resumed runs equal.
    """

    def __init__(self, kernel: int = 9, **kwargs):
        """`kernel` frames, odd."""
        super().__init__(**kwargs)
        self.kernel = kernel

    def build(self, shape):
        """Make the projections and the taps."""
        width = shape[-1]
        self.inner = keras.layers.Dense(2 * width, name='inner')
        self.outer = keras.layers.Dense(width, name='outer')
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name='norm')
        for layer in (self.inner, self.outer, self.norm):
            layer.build(shape)
        self.taps = self.add_weight(name='taps', shape=(self.kernel, width), initializer=
                                    keras.initializers.RandomNormal(stddev=self.kernel ** -0.5))
        self.built = True

    def call(self, x, valid):
        """`valid` [B, T, 1]: padding is zeroed, so that it cannot leak into the last frames."""
        a, b = ops.split(self.inner(x), 2, axis=-1)
        x = a * ops.sigmoid(b) * ops.cast(valid, a.dtype)
        # Time as the height of a picture of width 1: ten times as fast on CPUs as a sum of shifted products.
        taps = ops.cast(self.taps, x.dtype)[:, None, :, None]
        mixed = ops.depthwise_conv(ops.expand_dims(x, 2), taps, padding='same', data_format='channels_last')[:, :, 0]
        return self.outer(ops.silu(self.norm(mixed)))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'kernel': self.kernel}


class EncoderBlock(keras.layers.Layer):
    """Pre-norm self-attention, optional convolution module (`kernel` 0: none) and feed-forward, with residuals."""

    def __init__(self, heads: int, kernel: int = 9, expansion: int = 4, dropout: float = 0.1, rotary: bool = True,
                 activation: str = 'silu', **kwargs):
        """See Attention, Convolution and FeedForward."""
        super().__init__(**kwargs)
        self.settings = {'heads': heads, 'kernel': kernel, 'expansion': expansion, 'dropout': dropout,
                         'rotary': rotary, 'activation': activation}
        self.attention = Attention(heads, rotary, dropout, name='attention')
        self.convolution = Convolution(kernel, name='convolution') if kernel else None
        self.feed_forward = FeedForward(expansion, dropout, activation, name='feed_forward')
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, name=f'norm{i}') for i in range(3 if kernel else 2)]
        self.drop = keras.layers.Dropout(dropout)

    def build(self, shape):
        """Build the parts."""
        for part in (self.attention, self.feed_forward, self.drop, *self.norms):
            part.build(shape)
        if self.convolution:
            self.convolution.build(shape)
        self.built = True

    def call(self, x, allowed, valid, training=False):
        """X [B, T, D], allowed [B, 1, 1, T], valid [B, T, 1] -> [B, T, D]."""
        x = x + self.drop(self.attention(self.norms[0](x), allowed=allowed, training=training), training=training)
        if self.convolution:
            x = x + self.drop(self.convolution(self.norms[2](x), valid), training=training)
        return x + self.drop(self.feed_forward(self.norms[1](x), training=training), training=training)

    def begin_as_identity(self):
        """Set what the built block adds to its input to zero."""
        parts = [self.attention.out, self.feed_forward.outer]
        for layer in parts + ([self.convolution.outer] if self.convolution else []):
            for variable in layer.trainable_variables:
                variable.assign(ops.zeros_like(variable))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.settings}


class DecoderBlock(keras.layers.Layer):
    """Pre-norm causal self-attention, attention over the encoder's memory, feed-forward, with residuals."""

    def __init__(self, heads: int, expansion: int = 2, dropout: float = 0.1, rotary: bool = True,
                 activation: str = 'silu', **kwargs):
        """See Attention and FeedForward."""
        super().__init__(**kwargs)
        self.settings = {'heads': heads, 'expansion': expansion, 'dropout': dropout, 'rotary': rotary,
                         'activation': activation}
        self.own = Attention(heads, rotary, dropout, name='own')
        self.cross = Attention(heads, rotary=False, dropout=dropout, name='cross')
        self.feed_forward = FeedForward(expansion, dropout, activation, name='feed_forward')
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, name=f'norm{i}') for i in range(3)]
        self.drop = keras.layers.Dropout(dropout)

    def build(self, x_shape, memory_shape):
        """Build the parts."""
        self.own.build(x_shape)
        self.cross.build(x_shape, memory_shape)
        for part in (self.feed_forward, self.drop, *self.norms):
            part.build(x_shape)
        self.built = True

    def call(self, x, memory, memory_allowed, training=False):
        """X [B, U, D], memory [B, T, D], memory_allowed [B, 1, 1, T] -> [B, U, D]."""
        causal = np.tril(np.ones((x.shape[1], x.shape[1]), np.float32))[None, None]
        x = x + self.drop(self.own(self.norms[0](x), allowed=causal, training=training), training=training)
        attended = self.cross(self.norms[1](x), memory, allowed=memory_allowed, training=training)
        x = x + self.drop(attended, training=training)
        return x + self.drop(self.feed_forward(self.norms[2](x), training=training), training=training)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.settings}
