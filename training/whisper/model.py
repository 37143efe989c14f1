"""Whisper (arXiv:2212.04356) in `keras.ops`: samples float32 [B, n] in, the next token's logits [B, U, V] out.

    model = WhisperModel(WhisperSize(...)).build_all()
    memory = model.encode(samples)                      # [B, T, D], T = n / 320: 20 ms a frame
    logits = model.decode(memory, tokens)               # teacher forced: training
    keys, values = model.memory_keys_values(memory)     # once an utterance
    model.step(token, position, own_keys, own_values, keys, values)   # one token of K beams, with a cache

A sound shorter than the window that the weights were trained on (30 s) may be given: positions are those of its
first frames.
"""
from dataclasses import asdict, dataclass

import keras
import numpy as np
from keras import ops

from robot_ai.errors import ConfigurationError
from training.layers.attention import DecoderBlock, EncoderBlock
from training.whisper.features import HOP, WhisperLogMel

SUBSAMPLING = 2
FRAME_SAMPLES = HOP * SUBSAMPLING  # 320: 20 ms
MASKED = -1e9


@dataclass(frozen=True)
class WhisperSize:
    """The model's shape; defaults are those of `tiny` (39 M parameters)."""

    mels: int = 80
    width: int = 384
    heads: int = 6  # of the encoder
    blocks: int = 4
    expansion: int = 4
    decoder_heads: int = 6
    decoder_blocks: int = 4
    decoder_expansion: int = 4
    vocabulary: int = 51865
    frames: int = 1500  # longest sound, in frames of 20 ms
    positions: int = 448  # longest text, in tokens
    dropout: float = 0.0

    def __post_init__(self):
        for heads in (self.heads, self.decoder_heads):
            if heads < 1 or self.width % heads or self.width // heads % 2:
                raise ConfigurationError(f'width {self.width} cannot be cut into {heads} heads of even width')


class WhisperModel(keras.Model):
    """Encoder and decoder of Whisper; see the module."""

    def __init__(self, size: WhisperSize | None = None, **kwargs):
        """Make the layers; weights come with `build_all`."""
        super().__init__(**{'name': 'whisper', **kwargs})
        self.size = size = size or WhisperSize()
        self.features = WhisperLogMel(size.mels, name='features')
        self.convolutions = [keras.layers.Conv1D(size.width, 3, strides=1 + i, activation='gelu', name=f'conv{i}')
                             for i in range(2)]
        self.blocks = [EncoderBlock(size.heads, 0, size.expansion, size.dropout, False, 'gelu', name=f'block{i}')
                       for i in range(size.blocks)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name='norm')
        self.decoder = [DecoderBlock(size.decoder_heads, size.decoder_expansion, size.dropout, False, 'gelu',
                                     name=f'decoder{i}') for i in range(size.decoder_blocks)]
        self.decoder_norm = keras.layers.LayerNormalization(epsilon=1e-5, name='decoder_norm')

    def build(self, input_shape=None):
        """Make the embeddings; the layers are built by their first call."""
        size = self.size
        self.sound_positions = self.add_weight(name='sound_positions', shape=(size.frames, size.width),
                                               trainable=False)
        self.embedding = self.add_weight(name='embedding', shape=(size.vocabulary, size.width),
                                         initializer=keras.initializers.RandomNormal(stddev=0.02))
        self.text_positions = self.add_weight(name='text_positions', shape=(size.positions, size.width),
                                              initializer=keras.initializers.RandomNormal(stddev=0.02))
        self.sound_positions.assign(sinusoids(size.frames, size.width))
        self.built = True

    def build_all(self):
        """Create every weight by one tiny call; returns self."""
        self.build()
        self({'samples': np.zeros((1, 4 * FRAME_SAMPLES), np.float32), 'tokens': np.zeros((1, 4), np.int32)})
        return self

    def encode(self, samples, training=False):
        """Return float32 [B, n / 320, D] of samples [B, n], n a multiple of 320."""
        return self.encode_features(self.features(samples), training)

    def encode_features(self, mel, training=False):
        """Return float32 [B, T / 2, D] of log-mel features [B, T, mels]."""
        x = mel
        for convolution in self.convolutions:  # padded as PyTorch does: one frame on either side
            x = convolution(ops.pad(x, [[0, 0], [1, 1], [0, 0]]))
        x = x + ops.cast(self.sound_positions, x.dtype)[:x.shape[1]]
        for block in self.blocks:
            x = block(x, None, None, training=training)
        return self.norm(x)

    def decode(self, memory, tokens, training=False):
        """Return logits float32 [B, U, V] of the token after each prefix of tokens int32 [B, U]."""
        x = ops.take(self.embedding, tokens, axis=0) + self.text_positions[:tokens.shape[1]]
        for block in self.decoder:
            x = block(x, memory, None, training=training)
        return self._logits(x)

    def _logits(self, x):
        x = self.decoder_norm(x)
        return ops.cast(ops.matmul(x, ops.transpose(ops.cast(self.embedding, x.dtype))), 'float32')

    def call(self, inputs, training=False):
        """inputs: samples [B, n], tokens int32 [B, U] -> logits float32 [B, U, V]."""
        return self.decode(self.encode(inputs['samples'], training), inputs['tokens'], training)

    def memory_keys_values(self, memory):
        """Return what cross-attention reads of memory [1, T, D]: float32 [L, H, T, d] twice."""
        parts = [block.cross for block in self.decoder]
        return (ops.concatenate([part.split(part.key(memory)) for part in parts]),
                ops.concatenate([part.split(part.value(memory)) for part in parts]))

    def step(self, tokens, position, own_keys, own_values, keys, values):
        """Read one token of each of K beams, int32 [K], at `position` int32 [1].

        own_keys, own_values float32 [L, K, H, S, d] hold the tokens before, at 0..position; keys and values are
        memory_keys_values' [L, H, T, d], shared by the beams. Returns logits [K, V], the token's own new keys and
        values [L, K, H, 1, d], and the scores of cross-attention before softmax, [L, K, H, T].
        """
        x = ops.take(self.embedding, tokens, axis=0) + ops.take(self.text_positions, position, axis=0)
        x = ops.expand_dims(x, 1)  # [K, 1, D]
        free = ops.cast(ops.arange(own_keys.shape[3]) >= position[0], 'float32') * MASKED  # [S]
        new_keys, new_values, attended = [], [], []
        for i, block in enumerate(self.decoder):
            x, key, value, scores = cached(block, x, own_keys[i], own_values[i], free, keys[i], values[i])
            new_keys.append(key)
            new_values.append(value)
            attended.append(scores)
        return self._logits(x)[:, 0], ops.stack(new_keys), ops.stack(new_values), ops.stack(attended)

    def get_config(self):
        """Return the constructor's arguments."""
        return {'size': asdict(self.size)}


def cached(block: DecoderBlock, x, own_keys, own_values, free, keys, values):
    """Run a decoder block on one token of K beams, [K, 1, D]; return it, its key and value, and cross scores.

    own_keys, own_values [K, H, S, d]; `free` [S] is very negative where the cache is empty; keys, values [H, T, d].
    """
    own, cross = block.own, block.cross
    y = block.norms[0](x)
    query = own.split(own.query(y)) * (own_keys.shape[-1] ** -0.5)
    key, value = own.split(own.key(y)), own.split(own.value(y))  # [K, H, 1, d]
    scores = ops.concatenate([looked(own_keys, query) + free,
                              ops.sum(query * key, axis=-1, keepdims=True)], axis=-1)
    weights = ops.softmax(scores, axis=-1)
    x = x + own.out(_joined(ops.matmul(weights[..., :-1], own_values) + weights[..., -1:] * value))
    # The beams stand where positions would: all look at the same memory.
    y = ops.transpose(block.norms[1](x), (1, 0, 2))  # [1, K, D]
    query = cross.split(cross.query(y)) * (keys.shape[-1] ** -0.5)  # [1, H, K, d]
    scores = looked(keys[None], query)
    mixed = _joined(ops.matmul(ops.softmax(scores, axis=-1), values[None]))  # [1, K, D]
    x = x + ops.transpose(cross.out(mixed), (1, 0, 2))
    return x + block.feed_forward(block.norms[2](x)), key, value, ops.transpose(scores[0], (1, 0, 2))


def looked(keys, query):
    """Return the scores [B, H, U, S] of queries [B, H, U, d] over keys [B, H, S, d].

    The few queries are turned, not the many keys: LiteRT would copy those for every token.
    """
    return ops.transpose(ops.matmul(keys, ops.transpose(query, (0, 1, 3, 2))), (0, 1, 3, 2))


def _joined(x):
    """Return [B, H, U, d] as [B, U, H * d]."""
    x = ops.transpose(x, (0, 2, 1, 3))
    return ops.reshape(x, (x.shape[0], x.shape[1], x.shape[2] * x.shape[3]))


def sinusoids(length: int, width: int) -> np.ndarray:
    """Return the encoder's fixed positions, float32 [length, width]: sines, then cosines."""
    rates = np.exp(-np.log(10000) / (width // 2 - 1) * np.arange(width // 2))
    angles = np.arange(length)[:, None] * rates[None]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
