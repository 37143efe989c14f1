"""What `train expressions --config image` adds to the trainer: the image model's caches, batches and validation."""
import json
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError
from training.characters.data import read_lines
from training.expressions import composed, image_model
from training.expressions.evaluate import token_errors
from training.expressions.image_data import Batches, canvas_of_picture
from training.expressions.image_reading import Reader
from training.expressions.image_tokens import vocabulary_of
from training.expressions.pictures import picture_of
from training.weights import load_weights

TRAIN, VALIDATION = 'train.jsonl', 'validation.jsonl'
SHOWN = 8  # formulas in TensorBoard


def prepare(config, data: Path, folder: Path) -> None:
    """Write the training formulas with their trees, and every VALIDATED-th expression of 2013."""
    composed.write(folder / TRAIN, [formula for formula, _ in composed.formulas(data, 'train')])
    items = list(read_lines(data / 'expressions-validation-2013.jsonl.xz'))[::config.VALIDATED]
    (folder / VALIDATION).write_text(''.join(json.dumps(item) + '\n' for item in items))


class Validation:
    """The ExpRate of greedy reading from drawn pictures; `error` is what it lacks to 1."""

    def __init__(self, path: Path, vocabulary: list[str]):
        self.vocabulary, self.reader, self._found = vocabulary, None, []
        items = list(read_lines(path))
        self.truth = [item['latex'] for item in items]
        self.canvases = [canvas_of_picture(picture_of(item)) for item in items]

    def __call__(self, model) -> dict[str, float]:
        """Return 'error', 'two' (the share with more than two token errors)."""
        self.reader = self.reader or Reader(model, self.vocabulary)
        found = [readings[0][0] for readings in self.reader.read(self.canvases)]
        errors = np.array([token_errors(latex, truth) for latex, truth in zip(found, self.truth)])
        self._found = found
        return {'error': float((errors > 0).mean()), 'two': float((errors > 2).mean())}

    def show(self, model, step: int) -> None:
        """Write eight formulas' pictures with what was read of them, for TensorBoard; the loop calls it."""
        import tensorflow as tf
        drawn = [i for i, canvas in enumerate(self.canvases) if canvas is not None]
        lines = ['| formula | written | read |', '| --- | --- | --- |']
        for number, i in enumerate(drawn[::max(1, len(drawn) // SHOWN)][:SHOWN]):
            tf.summary.image(f'formulas/{number}', self.canvases[i][0][None, :, :, None], step=step)
            lines.append(f'| {number} | `{self.truth[i]}` | `{self._found[i]}` |')
        tf.summary.text('formulas', '\n'.join(lines), step=step)


def parts(config, folder: Path, replicas: int):
    """Return (build, loss_sums, batches, validation, weight, facts) for the trainer."""
    if not (folder / TRAIN).is_file():
        raise ConfigurationError(f'{folder / TRAIN}: no cache; add --prepare DATA')
    sources = composed.read(folder / TRAIN)
    vocabulary = vocabulary_of(formula.tokens()[0] for formula in sources)
    batches = Batches(sources, vocabulary, config.DATA, config.SEED, replicas)

    def build():
        return image_model.build(len(vocabulary), **config.MODEL)

    def sums(model, batch, training):
        return image_model.loss_sums(model, batch, training, **config.LOSS)
    return (build, sums, batches, Validation(folder / VALIDATION, vocabulary),
            lambda batch: (batch['tokens'] >= 0).sum(), {'vocabulary': vocabulary, 'rows': len(batches.formulas)})


def open_run(folder: Path) -> Reader:
    """Return a reader with a run's best weights; ConfigurationError where there are none."""
    if not (folder / 'best.weights.npz').is_file():
        raise ConfigurationError(f'{folder}: no best.weights.npz; train there first: python -m training train '
                                 f'expressions --config image --prepare DATA --folder {folder}')
    facts = json.loads((folder / 'run.json').read_text(encoding='utf-8'))
    if facts.get('kind') != 'image':
        raise ConfigurationError(f'{folder}: a run of --config {facts["config"]}, expected one of --config image')
    model = image_model.build(len(facts['vocabulary']), **facts['model'])
    load_weights(model, folder / 'best.weights.npz')
    return Reader(model, facts['vocabulary'])
