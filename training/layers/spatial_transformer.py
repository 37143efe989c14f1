"""Spatial Transformer (Jaderberg et al. 2015): a layer that warps its input by a transformation it predicts.

In: images or feature maps [batch, height, width, channels]. Out: the same, sampled on a grid that the
localisation network chose. Coordinates run from -1 to 1 between the centres of the border pixels
("align corners"), so that the identity returns the input exactly. `keras.ops` only: any Keras backend runs it.
"""
import keras
import numpy as np
from keras import ops

TRANSFORMATIONS = ('affine', 'projective', 'tps')
TPS_POINTS = 4  # control points a side: 16, as the paper's TPS network has


@keras.saving.register_keras_serializable('robot_ai')
class SpatialTransformer(keras.layers.Layer):
    """Warp images by what a localisation network sees in them.

    Args:
        localisation: a layer or model, [batch, h, w, c] -> [batch, features]; the layer adds the last dense
            itself, with zero weights and the identity as bias, so that training starts from no warp.
        transformation: 'affine' (theta [batch, 2, 3]), 'projective' ([batch, 8]) or 'tps' ([batch, 16, 2],
            shifts of a 4x4 grid of control points).
        size: (height, width) of the output; the input's where None.
        return_theta: also return theta.

    Example::

        cnn = keras.Sequential([keras.layers.Conv2D(8, 5, strides=2), keras.layers.Flatten()])
        warped = SpatialTransformer(cnn)(images)

    """

    def __init__(self, localisation, transformation='affine', size=None, return_theta=False, **kwargs):
        super().__init__(**kwargs)
        if transformation not in TRANSFORMATIONS:
            raise ValueError(f'transformation must be one of {TRANSFORMATIONS}, got {transformation!r}')
        self.localisation = localisation
        self.transformation = transformation
        self.size = None if size is None else tuple(size)
        self.return_theta = return_theta
        identity = {'affine': [1, 0, 0, 0, 1, 0], 'projective': [1, 0, 0, 0, 1, 0, 0, 0],
                    'tps': [0] * (2 * TPS_POINTS ** 2)}[transformation]
        self.head = keras.layers.Dense(
            len(identity), kernel_initializer='zeros', name='theta', dtype='float32',
            bias_initializer=keras.initializers.Constant(np.asarray(identity, 'float32')))

    def build(self, input_shape):
        """Build the localisation network and the head for inputs [batch, h, w, c]."""
        if not self.localisation.built:
            self.localisation.build(input_shape)
        self.head.build(self.localisation.compute_output_shape(input_shape))
        super().build(input_shape)

    def call(self, images, training=None):
        """Return the warped images [batch, *size, channels], and theta where asked for."""
        parameters = self.head(self.localisation(images, training=training))
        height, width = self.size or images.shape[1:3]
        if self.transformation == 'affine':
            theta = ops.reshape(parameters, (-1, 2, 3))
            grid = affine_grid(theta, height, width)
        elif self.transformation == 'projective':
            theta = parameters
            grid = projective_grid(theta, height, width)
        else:
            theta = ops.reshape(parameters, (-1, TPS_POINTS ** 2, 2))
            grid = tps_grid(theta, height, width)
        warped = bilinear_sample(images, grid)
        return (warped, theta) if self.return_theta else warped

    def compute_output_shape(self, input_shape):
        """Return the shape of the output (and of theta) for inputs [batch, h, w, c]."""
        batch, height, width, channels = input_shape
        shape = (batch, *(self.size or (height, width)), channels)
        theta = {'affine': (batch, 2, 3), 'projective': (batch, 8),
                 'tps': (batch, TPS_POINTS ** 2, 2)}[self.transformation]
        return (shape, theta) if self.return_theta else shape

    def get_config(self):
        """Return the constructor's arguments, serialised."""
        return {**super().get_config(), 'localisation': keras.saving.serialize_keras_object(self.localisation),
                'transformation': self.transformation, 'size': self.size, 'return_theta': self.return_theta}

    @classmethod
    def from_config(cls, config):
        """Rebuild the layer from `get_config`."""
        config = dict(config)
        config['localisation'] = keras.saving.deserialize_keras_object(config['localisation'])
        return cls(**config)


def target_grid(height: int, width: int) -> np.ndarray:
    """Return the target coordinates (x, y, 1) of every output pixel, row by row: float32 [height*width, 3]."""
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return np.stack([x.ravel(), y.ravel(), np.ones(height * width)], axis=-1).astype('float32')


def affine_grid(theta, height: int, width: int):
    """Return where to sample for theta [batch, 2, 3]: [batch, height, width, 2] as (x, y) in [-1, 1]."""
    points = ops.convert_to_tensor(target_grid(height, width))
    sampled = ops.matmul(ops.reshape(theta, (-1, 3)), ops.transpose(points))  # [batch*2, h*w]
    return ops.transpose(ops.reshape(sampled, (-1, 2, height, width)), (0, 2, 3, 1))


def projective_grid(theta, height: int, width: int):
    """Return where to sample for theta [batch, 8] (a homography whose last element is 1)."""
    full = ops.concatenate([theta, ops.ones_like(theta[:, :1])], axis=1)
    points = ops.transpose(ops.convert_to_tensor(target_grid(height, width)))
    sampled = ops.reshape(ops.matmul(ops.reshape(full, (-1, 3)), points), (-1, 3, height, width))
    depth = sampled[:, 2:]
    depth = ops.where(ops.abs(depth) < 1e-3, ops.full_like(depth, 1e-3), depth)  # the horizon stays finite
    return ops.transpose(sampled[:, :2] / depth, (0, 2, 3, 1))


def tps_basis(height: int, width: int) -> np.ndarray:
    """Return the matrix [height*width, 16] that spreads control points' shifts by a thin-plate spline.

    Constant for a size, so the whole spline costs one matrix product (Bookstein 1989).
    """
    side = np.linspace(-1, 1, TPS_POINTS)
    control = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    count = len(control)

    def kernel(a, b):
        squared = ((a[:, None] - b[None]) ** 2).sum(-1)
        return squared * np.log(np.maximum(squared, 1e-12))

    affine = np.concatenate([np.ones((count, 1)), control], axis=1)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = kernel(control, control)
    system[:count, count:], system[count:, :count] = affine, affine.T
    inverse = np.linalg.inv(system)[:, :count]
    grid = target_grid(height, width)[:, :2].astype(np.float64)
    spread = np.concatenate([kernel(grid, control), np.ones((len(grid), 1)), grid], axis=1)
    return (spread @ inverse).astype('float32')


def tps_grid(shifts, height: int, width: int):
    """Return where to sample for control-point shifts [batch, 16, 2]: [batch, height, width, 2]."""
    basis = ops.convert_to_tensor(tps_basis(height, width))
    moved = ops.matmul(basis, shifts)  # [batch, h*w, 2]
    base = ops.convert_to_tensor(target_grid(height, width)[:, :2])
    return ops.reshape(moved + base, (-1, height, width, 2))


def bilinear_sample(images, grid):
    """Sample images [batch, h, w, c] at grid [batch, H, W, 2] ((x, y) in [-1, 1]); zero outside.

    Differentiable in the images and in the grid.
    """
    height, width, channels = images.shape[1:]
    out_height, out_width = grid.shape[1:3]
    # Each pixel beside its right, lower and diagonal neighbours, in a border of zeros: one look-up a point.
    padded = ops.pad(images, ((0, 0), (1, 2), (1, 2), (0, 0)))
    four = ops.concatenate([padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]], axis=-1)
    # Points from one pixel outside on see the border only.
    x = ops.clip((grid[..., 0] + 1.0) * (0.5 * (width - 1)), -1.0, float(width))
    y = ops.clip((grid[..., 1] + 1.0) * (0.5 * (height - 1)), -1.0, float(height))
    x0, y0 = ops.floor(x), ops.floor(y)
    base = ops.arange(ops.shape(images)[0], dtype='int32') * ((height + 2) * (width + 2))
    index = ops.reshape(base, (-1, 1, 1)) + ops.cast((y0 + 1.0) * (width + 2) + (x0 + 1.0), 'int32')
    values = ops.take(ops.reshape(four, (-1, 4 * channels)), ops.reshape(index, (-1,)), axis=0)
    values = ops.reshape(values, (-1, out_height, out_width, 4, channels))
    x, y = ops.expand_dims(x - x0, -1), ops.expand_dims(y - y0, -1)
    above = values[..., 0, :] + x * (values[..., 1, :] - values[..., 0, :])
    below = values[..., 2, :] + x * (values[..., 3, :] - values[..., 2, :])
    return above + y * (below - above)
