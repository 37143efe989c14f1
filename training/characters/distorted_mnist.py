r"""The Spatial Transformer's own experiment: distorted MNIST with and without it (Jaderberg et al. 2015, table 1).

Distortions: R rotation (-90..90 degrees); RTS rotation (-45..45), scale (0.7..1.2) and shift inside a 42 x 42 canvas;
P projective (corners moved by a normal draw of 5 px after a scale of 0.75..1); E elastic (control points moved, then
smoothed). One network without a transformer and one with each kind, equal in parameters but for the localisation
(under 10 %), same steps and schedule, no other augmentation.

One command trains every distortion, kind and seed that FOLDER/results.jsonl does not hold yet, and prints the table
(mean and range over the seeds); stopped anywhere, it goes on from the last checkpoint:

    python -m training.characters.distorted_mnist --folder RUNS                      # 1,000 steps a run: a first look
    python -m training.characters.distorted_mnist --folder RUNS2 --steps 50000       # what the goal is measured on

On a GPU without TensorFlow: `--backend jax --workers 8`. Adam's rate falls linearly from 1e-3 to 0; until 28 November
2026 it fell by a cosine.

Cost on a Zen 3 core crowded by other work, measured under TensorFlow with the loop of before: 0.18 to 0.25 s a step of
128, 0.6 to 0.9 s for RTS, 2 % of it drawings. 48 runs of 1,000 steps: 5 hours; a first look (--distortion R
--transformer none tps --seed 0) ten minutes. On a GPU it has not been measured.
"""
import argparse
import shutil
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from robot_ai.errors import ConfigurationError
from training.characters import data
from training.characters.results import Results
from training.characters.train import logits_of, loss_sums
from training.devices import add_options, open_devices, train
from training.schedule import LoopConfig
from training.weights import read_run_config, save_run_config

SIDE = {'R': 28, 'RTS': 42, 'P': 28, 'E': 28}  # px of the canvas
KINDS = ('none', 'affine', 'projective', 'tps')
BATCH = 128
# Plain Adam with Keras' beta_2.
LOOP = {'warm_up': 0, 'decay_from': 0.0, 'final_rate': 0.0, 'weight_decay': 0.0, 'clip_norm': 0.0, 'beta_2': 0.999,
        'average': 0.0, 'checkpoint_every': 500, 'log_every': 100}


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
    """Return the paper's CNN, with a transformer in front or not.

    9 x 9 and 7 x 7 convolutions without padding, a 2 x 2 pooling after each, one dense layer.
    """
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
        width = 62  # the localisation's parameters are taken off the CNN's
    x = layers.MaxPooling2D(2)(layers.Conv2D(width, 9, activation='relu')(x))
    x = layers.MaxPooling2D(2)(layers.Conv2D(width, 7, activation='relu')(x))
    return keras.Model(inputs, {'logits': layers.Dense(10)(layers.Dropout(0.3)(layers.Flatten()(x)))})


class Batches:
    """Distorted training digits: a batch is a function of the seed and the step, so that a run resumes exactly."""

    def __init__(self, folder: Path, size: int, distortion: str, seed: int):
        """`folder`: of MNIST's files; `size`: digits a batch."""
        self.folder, self.size, self.distortion, self.seed = folder, size, distortion, seed
        samples = list(data.mnist(folder, 'train'))
        self.pictures = np.stack([s.picture for s in samples])
        self.digits = np.array([int(s.label) for s in samples], np.int32)

    def __reduce__(self):
        """Be read anew in another process."""
        return Batches, (self.folder, self.size, self.distortion, self.seed)

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return {'ink' uint8 [size, side, side], 'label' int32 [size]}."""
        rng = np.random.default_rng([self.seed, step])
        chosen = rng.integers(len(self.digits), size=self.size)
        return {'ink': np.stack([distort(self.pictures[i], self.distortion, rng) for i in chosen]),
                'label': self.digits[chosen]}


def run(options, devices, distortion: str, transformer: str, seed: int) -> dict:
    """Train one network, or go on with it, and return its line of the results."""
    import keras
    keras.backend.clear_session()  # layers' names, by which state.npz holds the weights, do not count on
    keras.utils.set_random_seed(seed)
    folder = options.folder / f'{distortion}-{transformer}-{seed}'
    asked = {'steps': options.steps, 'batch': options.batch}
    if read_run_config(folder) not in ({}, asked):
        raise ConfigurationError(f'{folder}: begun with other --steps or --batch; give another --folder')
    save_run_config(folder, asked)
    batches = Batches(options.data, options.batch, distortion, seed)
    with devices.scope():
        model = build(SIDE[distortion], transformer)
    print(f'{folder.name}: {model.count_params()} parameters', flush=True)
    train(model, loss_sums, batches, LoopConfig(options.steps, **LOOP), folder, devices)
    fixed = np.random.default_rng(2014)  # one distorted test set for every network and seed
    test = list(data.mnist(options.data, 't10k'))[:options.tests]
    found = logits_of(model, np.stack([distort(s.picture, distortion, fixed) for s in test])).argmax(1)
    wrong = int((found != np.array([int(s.label) for s in test])).sum())
    shutil.rmtree(folder, ignore_errors=True)
    return {'distortion': distortion, 'transformer': transformer, 'seed': seed, **asked, 'wrong': wrong,
            'tests': len(test), 'parameters': model.count_params()}


def table(results: list[dict]) -> str:
    """Return errors in % as a table: a row a distortion, a column a kind; mean (least to greatest) over the seeds."""
    lines = ['| distortion | ' + ' | '.join(KINDS) + ' |', '| --- ' * (len(KINDS) + 1) + '|']
    for distortion in SIDE:
        cells = []
        for kind in KINDS:
            errors = [100 * r['wrong'] / r['tests'] for r in results
                      if (r['distortion'], r['transformer']) == (distortion, kind)]
            cells.append(f'{np.mean(errors):.2f} ({min(errors):.2f} to {max(errors):.2f}; {len(errors)})'
                         if errors else '')
        lines.append(f'| {distortion} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run what is missing; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.characters.distorted_mnist', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', type=Path, required=True, help='results.jsonl and unfinished runs; gone on with')
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'), help="MNIST's files")
    parser.add_argument('--distortion', choices=tuple(SIDE), nargs='+', default=tuple(SIDE))
    parser.add_argument('--transformer', choices=KINDS, nargs='+', default=KINDS)
    parser.add_argument('--seed', type=int, nargs='+', default=(0, 1, 2))
    parser.add_argument('--steps', type=int, default=1000, help='a run (default 1000: a first look)')
    parser.add_argument('--tests', type=int, default=10_000, help='how many test digits')
    parser.add_argument('--batch', type=int, default=BATCH, help=f'digits a step (default {BATCH})')
    add_options(parser)
    options = parser.parse_args(arguments)
    results = Results(options.folder, steps=options.steps, tests=options.tests)
    if any(line.get('batch', 128) != options.batch for line in results):  # the first lines did not say it
        raise ConfigurationError(f'{options.folder}: holds results of other --batch; give another --folder')
    devices = open_devices(options)
    for seed in options.seed:
        for distortion in options.distortion:
            for kind in options.transformer:
                results.run_missing(partial(run, options, devices), distortion=distortion, transformer=kind, seed=seed)
    print(table(results))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
