"""The Spatial Transformer: identity, known warps against OpenCV, gradients against finite differences, shapes.

Catches swapped axes, half-pixel shifts and a localisation that starts away from the identity.
"""
import cv2
import keras
import numpy as np
import pytest
from keras import ops

from training.layers.spatial_transformer import (
    SpatialTransformer,
    affine_grid,
    bilinear_sample,
    projective_grid,
    tps_grid,
)

HEIGHT, WIDTH, CHANNELS = 11, 17, 3


def _images(batch=2, seed=0):
    return np.random.default_rng(seed).uniform(size=(batch, HEIGHT, WIDTH, CHANNELS)).astype('float32')


def _localisation():
    return keras.Sequential([keras.layers.Conv2D(4, 3, strides=2), keras.layers.Flatten(),
                             keras.layers.Dropout(0.3)])


@pytest.mark.parametrize('transformation', ['affine', 'projective', 'tps'])
def test_a_fresh_layer_is_the_identity(transformation):
    images = _images()
    layer = SpatialTransformer(_localisation(), transformation, return_theta=True)
    warped, theta = layer(images)
    np.testing.assert_allclose(ops.convert_to_numpy(warped), images, atol=2e-5)
    assert tuple(theta.shape) == layer.compute_output_shape(images.shape)[1]


@pytest.mark.parametrize(('name', 'theta'), [
    ('shift', [[1, 0, 0.25], [0, 1, -0.4]]),
    ('scale', [[1.4, 0, 0], [0, 0.7, 0]]),
    ('shear', [[1, 0.3, 0], [0.1, 1, 0]]),
    ('rotation', [[np.cos(0.5), -np.sin(0.5), 0], [np.sin(0.5), np.cos(0.5), 0]]),
])
def test_affine_warps_agree_with_opencv(name, theta):
    images, theta = _images(1), np.asarray(theta, 'float32')
    ours = ops.convert_to_numpy(bilinear_sample(images, affine_grid(theta[None], HEIGHT, WIDTH)))[0]
    to_px = np.array([[(WIDTH - 1) / 2, 0, (WIDTH - 1) / 2], [0, (HEIGHT - 1) / 2, (HEIGHT - 1) / 2], [0, 0, 1]])
    matrix = (to_px @ np.vstack([theta, [0, 0, 1]]) @ np.linalg.inv(to_px))[:2]
    expected = cv2.warpAffine(images[0], matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    # OpenCV rounds positions to 1/32 px: white noise makes that the worst case.
    assert np.abs(ours - expected).max() < 0.08
    assert np.abs(ours - expected).mean() < 0.012


def test_projective_with_a_zero_last_row_is_affine():
    theta = np.array([[1.1, 0.2, 0.1, -0.1, 0.9, 0.05, 0, 0]], 'float32')
    np.testing.assert_allclose(ops.convert_to_numpy(projective_grid(theta, 5, 7)),
                               ops.convert_to_numpy(affine_grid(theta[:, :6].reshape(1, 2, 3), 5, 7)), atol=1e-6)


def test_spline_moves_its_control_points_where_told():
    shifts = np.random.default_rng(1).normal(0, 0.1, (2, 16, 2)).astype('float32')
    grid = ops.convert_to_numpy(tps_grid(shifts, 4, 4))  # a 4x4 output samples exactly the control points
    side = np.linspace(-1, 1, 4)
    base = np.stack(np.meshgrid(side, side), axis=-1)
    np.testing.assert_allclose(grid, base + shifts.reshape(2, 4, 4, 2), atol=1e-4)


def test_gradients_agree_with_finite_differences():
    tf = pytest.importorskip('tensorflow')
    images = cv2.GaussianBlur(np.random.default_rng(2).uniform(size=(HEIGHT, WIDTH)), (0, 0), 1.5)
    images = tf.constant(images[None, :, :, None], tf.float32)
    theta = tf.constant([[[0.93, 0.11, 0.043], [-0.07, 1.06, 0.031]]], tf.float32)
    weights = tf.constant(np.random.default_rng(3).normal(size=(1, 6, 5, 1)), tf.float32)

    def score(pictures, parameters):
        return tf.reduce_sum(weights * bilinear_sample(pictures, affine_grid(parameters, 6, 5)))

    with tf.GradientTape() as tape:
        tape.watch([images, theta])
        value = score(images, theta)
    by_image, by_theta = tape.gradient(value, [images, theta])
    step = 1e-3
    for row in range(2):
        for column in range(3):
            delta = np.zeros((1, 2, 3), 'float32')
            delta[0, row, column] = step
            numeric = (score(images, theta + delta) - score(images, theta - delta)) / (2 * step)
            assert abs(float(numeric) - float(by_theta[0, row, column])) < 0.05 * max(1.0, abs(float(numeric)))
    delta = np.zeros(images.shape, 'float32')
    delta[0, 5, 8] = 0.5  # the sampler is linear in the image: any step is exact
    numeric = (score(images + delta, theta) - score(images, theta)) / 0.5
    assert abs(float(numeric) - float(by_image[0, 5, 8, 0])) < 1e-4


def test_output_size_batch_and_channels_may_all_differ(tmp_path):
    layer = SpatialTransformer(_localisation(), 'affine', size=(6, 5))
    inputs = keras.Input((HEIGHT, WIDTH, CHANNELS))
    model = keras.Model(inputs, layer(inputs))
    assert model(_images(4)).shape == (4, 6, 5, CHANNELS)
    model.save(tmp_path / 'model.keras')
    again = keras.models.load_model(tmp_path / 'model.keras')
    np.testing.assert_allclose(again(_images(3)), model(_images(3)), atol=1e-6)


def test_unknown_transformation_is_refused():
    with pytest.raises(ValueError, match='affine'):
        SpatialTransformer(_localisation(), 'spiral')
