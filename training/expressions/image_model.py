"""The image model: a formula's canvas in, its tokens out, one after the other, each with the cells it was read from.

A convolutional stem subsamples by 8 x 8 and hands only the inked cells on, with the codes of their rows and columns
added; the speech model's blocks do the rest: EncoderBlocks over the cells, DecoderBlocks over the tokens. A last
attention of one head, the pointer, is taught which cells a token's symbol lies on, and where it pointed goes into
the next step beside the token. `keras.ops` only.
"""
import keras
import numpy as np
from keras import layers, ops

from training.expressions.image_data import CELL
from training.layers.attention import DecoderBlock, EncoderBlock

FAR = -1e9


def position_codes(cells, columns: int, width: int):
    """Return float32 [B, N, width]: sines and cosines of the rows, then of the columns, of cells int32 [B, N]."""
    rates = np.float32(2.0) * np.float32(80.0) ** -np.linspace(0, 1, width // 4).astype(np.float32)
    rows, places = ops.cast(cells // columns, 'float32'), ops.cast(cells % columns, 'float32')
    angles = [axis[..., None] * rates for axis in (rows, places)]
    return ops.concatenate([f(angle) for angle in angles for f in (ops.sin, ops.cos)], axis=-1)


class Stem(layers.Layer):
    """Convolutions with residuals: float32 [B, H, W, 1] -> [B, H / 8, W / 8, channels[-1]]."""

    def __init__(self, channels=(16, 48, 96), **kwargs):
        super().__init__(**kwargs)
        self.channels = tuple(channels)
        first, second, third = self.channels

        def convolution(name, size, kernel=3, strides=1):
            return layers.Conv2D(size, kernel, strides, padding='same', use_bias=False,
                                 kernel_initializer='he_normal', name=name)
        self.down = [convolution('down0', first, 5, 2), convolution('down1', second, 3, 2),
                     convolution('down2', third, 3, 2)]
        self.same = [convolution('same1', second), convolution('same2', third)]
        self.norms = [layers.LayerNormalization(epsilon=1e-3, name=f'norm{i}') for i in range(4)]

    def build(self, shape):
        """Build the parts."""
        sizes = (1, *self.channels)
        second, third = self.channels[1:]
        for layer, size in zip(self.down, sizes):
            layer.build((None, None, None, size))
        for layer, size in zip(self.same, sizes[2:]):
            layer.build((None, None, None, size))
        for layer, size in zip(self.norms, (second, second, third, third)):
            layer.build((None, None, None, size))
        self.built = True

    def call(self, x):
        """Run the convolutions."""
        x = ops.relu(self.down[0](x))
        x = ops.relu(self.norms[0](self.down[1](x)))
        x = x + ops.relu(self.norms[1](self.same[0](x)))
        x = ops.relu(self.norms[2](self.down[2](x)))
        return x + ops.relu(self.norms[3](self.same[1](x)))


class ImageModel(keras.Model):
    """See the module; `encode` and `decode` are what reading calls."""

    def __init__(self, labels: int, width: int = 128, heads: int = 4, encoder_blocks: int = 2, decoder_blocks: int = 2,
                 channels=(16, 48, 96), dropout: float = 0.1, **kwargs):
        super().__init__(**{'name': 'image', **kwargs})
        self.settings = {'labels': labels, 'width': width, 'heads': heads, 'encoder_blocks': encoder_blocks,
                         'decoder_blocks': decoder_blocks, 'channels': tuple(channels), 'dropout': dropout}
        self.width = width
        self.stem = Stem(channels, name='stem')
        self.enter = layers.Dense(width, name='enter')
        self.encoder = [EncoderBlock(heads, 0, 2, dropout, rotary=False, name=f'encoder{i}')
                        for i in range(encoder_blocks)]
        self.symbol = layers.Dense(labels, name='symbol')  # what a cell's ink is part of
        self.embedding = layers.Embedding(labels, width, name='embedding')
        self.place = layers.Dense(width, name='place')
        self.decoder = [DecoderBlock(heads, 2, dropout, name=f'decoder{i}') for i in range(decoder_blocks)]
        self.query, self.key, self.value = (layers.Dense(width, name=f'pointer_{n}') for n in ('query', 'key', 'value'))
        self.norms = [layers.LayerNormalization(epsilon=1e-5, name=f'norm{i}') for i in range(3)]
        self.head = layers.Dense(labels, name='head')
        self.drop = layers.Dropout(dropout)

    def encode(self, picture, cells, training=False):
        """Return memory [B, N, D] and the cells' codes [B, N, D] of picture uint8 [B, H, W], cells int32 [B, N]."""
        x = self.stem(ops.expand_dims(ops.cast(picture, 'float32') / 255.0, -1))
        columns = picture.shape[2] // CELL
        x = ops.reshape(x, (x.shape[0] or -1, x.shape[1] * x.shape[2], x.shape[3]))
        valid = ops.cast(cells >= 0, 'float32')
        cells = ops.maximum(cells, 0)
        codes = position_codes(cells, columns, self.width) * valid[..., None]
        x = self.enter(ops.take_along_axis(x, cells[..., None], axis=1)) + codes
        x = self.drop(x, training=training)
        for block in self.encoder:
            x = block(x, valid[:, None, None, :], valid[..., None], training=training)
        return self.norms[0](x), codes

    def decode(self, memory, codes, cells, tokens, seen, training=False):
        """Return log-probabilities of the next token [B, U, V] and of the cells it is read from [B, U, N].

        `tokens` int32 [B, U]: those before, END first; `seen` float32 [B, U, N]: where each of them was read.
        """
        valid = ops.cast(cells >= 0, 'float32')
        x = self.embedding(tokens) * self.width ** 0.5 + self.place(ops.matmul(seen, codes))
        x = self.drop(x, training=training)
        for block in self.decoder:
            x = block(x, memory, valid[:, None, None, :], training=training)
        x = self.norms[1](x)
        points = ops.matmul(self.query(x), ops.transpose(self.key(memory), (0, 2, 1))) * self.width ** -0.5
        points = ops.log_softmax(points + (1.0 - valid[:, None, :]) * FAR, axis=-1)
        x = self.norms[2](x + ops.matmul(ops.exp(points), self.value(memory)))
        return ops.log_softmax(self.head(x), axis=-1), points

    def call(self, inputs, training=False):
        """inputs: picture, cells, tokens (before), seen -> tokens' and points' log-probabilities, cells' logits."""
        memory, codes = self.encode(inputs['picture'], inputs['cells'], training=training)
        following, points = self.decode(memory, codes, inputs['cells'], inputs['tokens'], inputs['seen'],
                                        training=training)
        return following, points, self.symbol(memory)

    def get_config(self):
        """Return the constructor's arguments."""
        return self.settings


def build(labels: int, **settings) -> ImageModel:
    """Return a built image model."""
    model = ImageModel(labels, **settings)
    model({'picture': np.zeros((1, 16, 16), np.uint8), 'cells': np.zeros((1, 2), np.int32),
           'tokens': np.zeros((1, 2), np.int32), 'seen': np.zeros((1, 2, 2), np.float32)})
    return model


def loss_sums(model, batch, training, smoothing: float = 0.1, pointer: float = 0.5, cell: float = 0.1):
    """Return sums over tokens: 'loss', 'weight' (tokens), 'error', 'point' (cross-entropy of the pointer), 'cell'."""
    tokens, place = batch['tokens'], ops.cast(batch['place'], 'float32')
    before = ops.pad(ops.maximum(tokens[:, :-1], 0), [[0, 0], [1, 0]])
    following, points, symbols = model({'picture': batch['picture'], 'cells': batch['cells'], 'tokens': before,
                                        'seen': batch['seen']}, training=training)
    mask = ops.cast(tokens >= 0, 'float32')

    def chosen(log_probs, labels):
        return ops.take_along_axis(log_probs, ops.maximum(labels, 0)[..., None], axis=-1)[..., 0]
    entropy = -(1 - smoothing) * chosen(following, tokens) - smoothing * ops.mean(following, axis=-1)
    size = ops.sum(place, axis=-1)
    point = -ops.sum(place * ops.maximum(points, -30.0), axis=-1) / ops.maximum(size, 1.0)
    owned = ops.cast(batch['owner'] >= 0, 'float32')
    part = -ops.sum(chosen(ops.log_softmax(symbols), batch['owner']) * owned)
    wrong = ops.not_equal(ops.cast(ops.argmax(following, axis=-1), 'int32'), tokens)
    sums = {'weight': ops.sum(mask), 'error': ops.sum(ops.cast(wrong, 'float32') * mask), 'point': ops.sum(point),
            'cell': part}
    return {**sums, 'loss': ops.sum(entropy * mask) + pointer * sums['point'] + cell * part}
