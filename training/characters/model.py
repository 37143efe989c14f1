"""The character network: ink [batch, 32, 32] in, class logits and theta out; one trunk, two outputs.

A Spatial Transformer first straightens the symbol (its localisation sees it at half resolution), then a small
residual CNN reads it. 'logits' are of the everyday symbols, 'wide' of Detexify's 900 classes, which mostly differ from
letters too little to compete with them in one softmax. 4.9 M multiplications a symbol with the widths below; a config
that trains long makes it deeper.
"""
import keras
from keras import layers

from robot_ai.vision.ink import SIZE
from training.layers.spatial_transformer import SpatialTransformer


def localisation(width: int = 16, dropout: float = 0.1) -> keras.Model:
    """Return the localisation network: [batch, 32, 32, 1] -> [batch, 32]."""
    return keras.Sequential([
        layers.Input((SIZE, SIZE, 1)),
        layers.AveragePooling2D(2),
        layers.Conv2D(width, 5, strides=2, padding='same', activation='relu', name='locate0'),
        layers.Conv2D(2 * width, 3, strides=2, padding='same', activation='relu', name='locate1'),
        layers.Flatten(),
        layers.Dropout(dropout),
        layers.Dense(32, activation='relu', name='locate2')], name='localisation')


def convolution(x, width: int, size: int, stride: int, name: str, kind=layers.Conv2D):
    """Return x after a convolution (`kind`: also layers.Conv1D, for sequences), batch normalisation and ReLU."""
    x = kind(width, size, strides=stride, padding='same', use_bias=False, name=name)(x)
    return layers.ReLU(name=f'{name}_relu')(layers.BatchNormalization(name=f'{name}_norm')(x))


def residual(x, width: int, name: str, kind=layers.Conv2D):
    """Return x plus two convolutions of it, which add nothing at first."""
    inner = convolution(x, width, 3, 1, f'{name}_in', kind)
    inner = kind(width, 3, padding='same', use_bias=False, name=f'{name}_out')(inner)
    inner = layers.BatchNormalization(gamma_initializer='zeros', name=f'{name}_out_norm')(inner)
    return layers.ReLU(name=f'{name}_relu')(layers.Add(name=f'{name}_join')([x, inner]))


def class_outputs(x, classes: int, wide: int, wide_width: int, dropout: float) -> dict:
    """Return {'logits', 'wide'} of features [batch, any]; 'wide' (if any) stands on a layer of `wide_width` more."""
    x = layers.Dropout(dropout)(x)
    outputs = {'logits': layers.Dense(classes, name='logits', dtype='float32')(x)}
    if wide:
        x = layers.BatchNormalization(name='wide_norm')(layers.Dense(wide_width, use_bias=False, name='wide_in')(x))
        x = layers.Dropout(dropout)(layers.ReLU(name='wide_relu')(x))
        outputs['wide'] = layers.Dense(wide, name='wide', dtype='float32')(x)
    return outputs


def build(classes: int, wide: int = 0, widths=(24, 48, 96), dropout: float = 0.25,
          transformer: str | None = 'affine', wide_width: int = 160, first: int = 0, blocks: int = 0):
    """Return the network: inputs float32 [batch, 32, 32, 1] in 0..1, outputs {'logits', 'wide', 'theta'}.

    `wide`: classes of the second output (0: none), which stands on its own layer of `wide_width`. `widths`: channels
    at 16x16, 8x8 and 4x4. `transformer`: 'affine', 'projective', 'tps', or None for the
    ablation without one (no theta then). Deeper networks: `first`: channels of a convolution before the first halving
    (0: none); `blocks`: further residual blocks of two convolutions at 16x16, 8x8 and 4x4 each, which do nothing at
    first, so that a trained network grows by them.
    """
    ink = keras.Input((SIZE, SIZE, 1), name='ink')
    x, outputs = ink, {}
    if transformer:
        # Places on the grid need more than bfloat16's 8 bits.
        x, outputs['theta'] = SpatialTransformer(localisation(), transformer, return_theta=True, dtype='float32',
                                                 name='spatial_transformer')(x)
    if first:
        x = convolution(x, first, 3, 1, 'first')
    x = convolution(x, widths[0], 3 if first else 5, 2, 'stem')
    for number in range(blocks):
        x = residual(x, widths[0], f'stem_block{number}')
    for number, width in enumerate(widths[1:]):
        down = convolution(x, width, 3, 2, f'down{number}')
        x = layers.Add(name=f'join{number}')([down, convolution(down, width, 3, 1, f'same{number}')])
        for block in range(blocks):
            x = residual(x, width, f'down{number}_block{block}')
    outputs |= class_outputs(layers.Flatten()(x), classes, wide, wide_width, dropout)
    return keras.Model(ink, outputs, name='characters')


def load(path) -> keras.Model:
    """Return a saved .keras network (importing this module registers the Spatial Transformer)."""
    return keras.models.load_model(path, compile=False)
