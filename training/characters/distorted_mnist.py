r"""The Spatial Transformer's own experiment: distorted MNIST with and without it (Jaderberg et al. 2015, table 1).

Distortions: R rotation (-90..90 degrees); RTS rotation (-45..45), scale (0.7..1.2) and shift inside a 42 x 42 canvas;
P projective (corners moved by a normal draw of 5 px after a scale of 0.75..1); E elastic (control points moved, then
smoothed). One network without a transformer and one with each kind, equal in parameters but for the localisation
(under 10 %), same steps, no other augmentation. Prints one line a run: distortion, kind, seed, test error.

    for s in 0 1 2; do for d in R RTS P E; do for k in none affine projective tps; do
        python -m training.characters.distorted_mnist --distortion $d --transformer $k --seed $s
    done; done; done

Cost: 25 minutes a run on one Zen 3 core (10,000 steps of 128); a laptop variant is `--steps 1000`.
"""
import argparse
import os
from pathlib import Path

import cv2
import numpy as np

from training.characters import data

SIDE = {'R': 28, 'RTS': 42, 'P': 28, 'E': 28}  # px of the canvas
KINDS = ('none', 'affine', 'projective', 'tps')
BATCH = 128
RATE = 1e-3


def distort(picture: np.ndarray, distortion: str, rng: np.random.Generator) -> np.ndarray:
    """Return a digit (uint8 [28, 28]) distorted: uint8 [side, side]."""
    side = SIDE[distortion]
    centre = (side - 1) / 2
    if distortion in ('R', 'RTS'):
        angle = rng.uniform(-90, 90) if distortion == 'R' else rng.uniform(-45, 45)
        scale = 1.0 if distortion == 'R' else rng.uniform(0.7, 1.2)
        matrix = cv2.getRotationMatrix2D((13.5, 13.5), angle, scale)
        room = 0.0 if distortion == 'R' else max(0.0, (side - 28 * scale) / 2)
        matrix[:, 2] += centre - 13.5 + rng.uniform(-room, room, 2)
        return cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
    if distortion == 'P':
        corners = np.array([[0, 0], [27, 0], [27, 27], [0, 27]], np.float32)
        moved = (corners - 13.5) * rng.uniform(0.75, 1.0) + 13.5 + rng.normal(0, 5, (4, 2)).clip(-8, 8)
        matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
        return cv2.warpPerspective(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
    coarse = rng.normal(0, 1.5, (2, 5, 5)).astype(np.float32)
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    bend = [cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC) for field in coarse]
    return cv2.remap(picture, xs + bend[0], ys + bend[1], cv2.INTER_LINEAR)


def build(side: int, kind: str):
    """Return the paper's CNN (two convolutions, two poolings, one dense layer), with a transformer in front or not."""
    import keras
    from keras import layers

    from training.layers.spatial_transformer import SpatialTransformer
    inputs = keras.Input((side, side, 1))
    x, width = inputs, 64
    if kind != 'none':
        localisation = keras.Sequential([
            layers.Input((side, side, 1)), layers.MaxPooling2D(2), layers.Conv2D(20, 5, activation='relu'),
            layers.MaxPooling2D(2), layers.Conv2D(20, 3, activation='relu'), layers.Flatten(),
            layers.Dense(20, activation='relu')])
        x = SpatialTransformer(localisation, kind)(x)
        width = 60  # the localisation's parameters are taken off the CNN's
    x = layers.MaxPooling2D(2)(layers.Conv2D(width, 9 if side == 28 else 7, activation='relu')(x))
    x = layers.MaxPooling2D(2)(layers.Conv2D(width, 7 if side == 28 else 5, activation='relu', padding='same')(x))
    return keras.Model(inputs, layers.Dense(10)(layers.Dropout(0.3)(layers.Flatten()(x))))


def run(options) -> float:
    """Train one network and return its error on the distorted test set."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    import keras
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    keras.utils.set_random_seed(options.seed)
    side, rng = SIDE[options.distortion], np.random.default_rng([options.seed, 1])
    samples = list(data.mnist(options.data, 'train'))
    digits = np.array([int(s.label) for s in samples], np.int32)
    model = build(side, options.transformer)
    schedule = keras.optimizers.schedules.CosineDecay(RATE, options.steps)
    optimizer = keras.optimizers.Adam(schedule)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(pictures, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(pictures, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss
    for number in range(options.steps):
        chosen = rng.integers(len(samples), size=BATCH)
        pictures = np.stack([distort(samples[i].picture, options.distortion, rng) for i in chosen])
        loss = step(pictures[..., None].astype(np.float32) / 255, digits[chosen])
        if (number + 1) % 500 == 0:
            print(f'step {number + 1} loss {float(loss):.4f}', flush=True)
    fixed = np.random.default_rng(2014)  # one distorted test set for every network and seed
    test = list(data.mnist(options.data, 't10k'))[:options.tests]
    pictures = np.stack([distort(s.picture, options.distortion, fixed) for s in test])[..., None]
    found = np.concatenate([np.asarray(model(pictures[i:i + 500].astype(np.float32) / 255, training=False)).argmax(1)
                            for i in range(0, len(pictures), 500)])
    wrong = int((found != np.array([int(s.label) for s in test])).sum())
    print(f'{options.distortion} {options.transformer} seed {options.seed}: {model.count_params()} parameters, '
          f'{options.steps} steps, error {100 * wrong / len(test):.2f} % ({wrong} of {len(test)})', flush=True)
    return wrong / len(test)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.characters.distorted_mnist', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'))
    parser.add_argument('--distortion', choices=tuple(SIDE), default='R')
    parser.add_argument('--transformer', choices=KINDS, default='tps')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--steps', type=int, default=10_000)
    parser.add_argument('--tests', type=int, default=10_000, help='how many test digits')
    parser.add_argument('--threads', type=int, default=1)
    run(parser.parse_args(arguments))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
