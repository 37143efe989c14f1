"""The trajectory network: a pen's path [batch, 64, 3] in, logits of the same classes as the character network's out.

Convolutions see strokes' bends, a small Transformer (the speech model's blocks) how the strokes lie to each other.
0.64 M parameters, 9 M multiplications a symbol; `keras.ops` only. It reads beside the picture's network, not in
place of it: see `training.characters.export`.
"""
import keras
from keras import layers, ops

from robot_ai.vision.trajectory import POINTS
from training.characters.model import class_outputs, convolution, residual
from training.layers.attention import EncoderBlock


@keras.saving.register_keras_serializable('robot_ai')
class PenSteps(layers.Layer):
    """What the network sees at each point: [batch, 64, 3] -> [batch, 64, 8].

    Place, the step from the point before and its direction (of length 1), where strokes begin and end.
    """

    def call(self, trajectory):
        """Return the eight numbers of each point."""
        points, begins = trajectory[..., :2], trajectory[..., 2:]
        step = points - ops.concatenate([points[:, :1], points[:, :-1]], axis=1)
        direction = step / (ops.sqrt(ops.sum(step * step, axis=-1, keepdims=True)) + 1e-3)
        ends = ops.concatenate([begins[:, 1:], ops.ones_like(begins[:, :1])], axis=1)
        return ops.concatenate([points, 10.0 * step, direction, begins, ends], axis=-1)


@keras.saving.register_keras_serializable('robot_ai')
class Encoder(layers.Layer):
    """EncoderBlocks over a path whose every point is there: [batch, t, width] -> [batch, t, width]."""

    def __init__(self, blocks: int, heads: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.settings = {'blocks': blocks, 'heads': heads, 'dropout': dropout}
        self.blocks = [EncoderBlock(heads, kernel=0, dropout=dropout, name=f'block{n}') for n in range(blocks)]
        self.norm = layers.LayerNormalization(epsilon=1e-5, name='norm')

    def build(self, shape):
        """Build the blocks for [batch, t, width]."""
        for part in (*self.blocks, self.norm):
            part.build(shape)
        super().build(shape)

    def call(self, x, training=False):
        """Run the blocks."""
        valid = ops.ones_like(x[:, :, :1])
        for block in self.blocks:
            x = block(x, ops.ones((1, 1, 1, x.shape[1])), valid, training=training)
        return self.norm(x)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.settings}


def build(classes: int, wide: int = 0, widths=(64, 96, 128), residuals: int = 1, blocks: int = 1, heads: int = 4,
          dropout: float = 0.1, wide_width: int = 160):
    """Return the network: inputs float32 [batch, 64, 3], outputs {'logits', 'wide'} as the character network's.

    `widths`: channels at 64, 32 and 16 points, with `residuals` blocks of two convolutions each; then `blocks` of a
    Transformer, whose cost on CPUs is that of many convolutions.
    """
    trajectory = keras.Input((POINTS, 3), name='trajectory')
    x = PenSteps(name='steps')(trajectory)
    for number, width in enumerate(widths):
        x = convolution(x, width, 3 if number else 5, 2 if number else 1, f'down{number}', layers.Conv1D)
        for block in range(residuals):
            x = residual(x, width, f'down{number}_block{block}', layers.Conv1D)
    x = Encoder(blocks, heads, dropout, name='encoder')(x)
    x = layers.Concatenate(name='pooled')([layers.GlobalAveragePooling1D(name='mean')(x),
                                           layers.GlobalMaxPooling1D(name='most')(x)])
    outputs = class_outputs(x, classes, wide, wide_width, 2 * dropout)
    return keras.Model(trajectory, outputs, name='trajectory')


def load(path) -> keras.Model:
    """Return a saved .keras network (importing this module registers its layers)."""
    return keras.models.load_model(path, compile=False)
