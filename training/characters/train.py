"""`python -m training train characters`: train the character network from a config and a cache of drawings.

Example:
  python -m training train characters --config shipped --cache ~/characters-cache --folder ~/runs/characters

"""
import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from robot_ai.errors import ConfigurationError
from training.devices import add_options, open_devices, train

CONFIGS = Path(__file__).parent / 'configs'
WEIGHTS = {'ink': 'weights.npz', 'trajectory': 'weights-trajectory.npz'}  # of a model folder


def read_config(name: str) -> ModuleType:
    """Return the module training.characters.configs.NAME; ConfigurationError lists the names there are."""
    names = sorted(path.stem for path in CONFIGS.glob('*.py') if path.stem != '__init__')
    if name not in names:
        raise ConfigurationError(f'{name}: no such config; there are {", ".join(names)}')
    return importlib.import_module(f'training.characters.configs.{name}')


def command_line(model: str) -> str:
    """Return this run's command for model.yaml, this machine's folders left out."""
    words = [Path(word).name if word.startswith(('/', '~')) else word for word in sys.argv[3:]]
    return ' '.join(['python -m training train', model, *words])


def loss_sums(model, batch, training, smoothing: float = 0.0):
    """Return sums over rows: 'loss' (both outputs' cross-entropies), 'weight' (rows), 'error', 'wide_error'.

    A row without a class of an output (label -1) adds nothing there. The errors are over all rows, so that a share of
    rows without a class makes them lower than they are.
    """
    from keras import ops
    out = model(as_input(batch['trajectory' if 'trajectory' in batch else 'ink']), training=training)
    sums = {'loss': 0.0, 'weight': ops.cast(ops.shape(out['logits'])[0], 'float32')}
    for name, key, error in (('logits', 'label', 'error'), ('wide', 'wide', 'wide_error')):
        if name not in out:
            continue
        known = ops.cast(batch[key] >= 0, 'float32')
        log_probs = ops.log_softmax(out[name])
        chosen = ops.take_along_axis(log_probs, ops.maximum(batch[key], 0)[:, None], axis=-1)[:, 0]
        entropy = -(1 - smoothing) * chosen - smoothing * ops.mean(log_probs, axis=-1)
        wrong = ops.not_equal(ops.cast(ops.argmax(log_probs, axis=-1), 'int32'), batch[key])
        sums['loss'] = sums['loss'] + ops.sum(known * entropy)
        sums[error] = ops.sum(known * ops.cast(wrong, 'float32'))
    return sums


def as_input(batch):
    """Return ink uint8 [batch, 32, 32] as the network's input: float32 [batch, 32, 32, 1] in 0..1.

    Trajectories float32 [batch, 64, 3] are their network's input as they are.
    """
    from keras import ops
    ink = 'int' in str(batch.dtype)
    return ops.expand_dims(ops.cast(batch, 'float32') / 255.0, -1) if ink else batch


def logits_of(model, seen: np.ndarray, batch: int = 512, output: str = 'logits') -> np.ndarray:
    """Return the logits [n, classes] (or another output) of ink uint8 [n, 32, 32] or trajectories [n, 64, 3]."""
    if seen.dtype != np.uint8:
        seen = seen.astype(np.float32)
    parts = []
    for first in range(0, len(seen), batch):
        part = seen[first:first + batch]
        padded = np.zeros((batch, *seen.shape[1:]), seen.dtype)  # one shape: compiled once
        padded[:len(part)] = part
        parts.append(_forward(model)(padded)[output][:len(part)])
    return np.concatenate(parts)


_COMPILED = {}


def _forward(model):
    from training.forward import compiled  # Keras takes its backend before
    if id(model) not in _COMPILED:
        _COMPILED[id(model)] = compiled(model, lambda seen: model(as_input(seen), training=False))
    return _COMPILED[id(model)]


def take_weights(model, other) -> int:
    """Set the layers of `model` that `other` has with the same name and shapes; return how many."""
    taken = 0
    theirs = {layer.name: layer.get_weights() for layer in other.layers}
    for layer in model.layers:
        weights = theirs.get(layer.name, [])
        if weights and [w.shape for w in weights] == [w.shape for w in layer.get_weights()]:
            layer.set_weights(weights)
            taken += 1
    return taken


def start_from(model, init: Path, seen: str = 'ink') -> str:
    """Set what fits of a model folder, a .npz or a .keras into `model`; return what was taken, as a sentence.

    `seen`: what the network sees, 'ink' or 'trajectory', for a folder holds weights of both.
    """
    from training.characters.model import load
    from training.weights import initial_weights, load_weights, named_weights
    if init.suffix == '.keras':
        if not init.is_file():
            raise ConfigurationError(f'--init {init}: no such file')
        taken, of = take_weights(model, load(init)), len([layer for layer in model.layers if layer.weights])
        things = 'layers'
    else:
        of, things = len(named_weights(model)), 'weights'
        taken = of - len(load_weights(model, initial_weights(init, WEIGHTS[seen]), partial=True))
    if not taken:
        raise ConfigurationError(f'--init {init}: nothing in it fits this network; is it of characters?')
    return f'{init.name}: {taken} of {of} {things} taken'


def rectified(model, ink: np.ndarray) -> np.ndarray:
    """Return inks (uint8 [n, 32, 32]) beside what the Spatial Transformer makes of them: uint8 [n, 32, 65, 1].

    A grey column stands between; without a transformer both sides are alike.
    """
    import keras
    views = np.asarray(as_input(ink))
    straight = views
    if 'spatial_transformer' in [layer.name for layer in model.layers]:
        layer = model.get_layer('spatial_transformer')
        straight = np.asarray(keras.Model(model.input, layer.output[0])(views, training=False))
    border = np.full((*views.shape[:2], 1, 1), 0.5, np.float32)
    return np.round(255 * np.clip(np.concatenate([views, border, straight], axis=2), 0, 1)).astype(np.uint8)


class Validation:
    """Errors on the cache's validation samples of each source; keeps the best model as FOLDER/best.keras."""

    def __init__(self, cache, folder: Path, seen: str = 'ink'):
        """`cache`: Cache; `folder`: the run's; `seen`: what the network sees, 'ink' or 'trajectory'."""
        self.seen = seen
        self.folder, self.best = Path(folder), np.inf
        self.parts = {name: {key: value[cache.validates(name)] for key, value in cache.validation.items()}
                      for name in ('crohme', 'mnist', 'unipen', 'detexify')}
        self.digits = np.array([cache.labels.index(str(digit)) for digit in range(10)])

    def __call__(self, model) -> dict[str, float]:
        """Return 'crohme', 'mnist' (among digits), 'unipen', 'wide' (Detexify, where trained) and 'error', their mean.

        'unipen' (contributors not trained on) and 'wide' are left out where the cache or the network has none, 'mnist'
        where the network sees trajectories.
        """
        crohme, mnist, unipen, wide = (self.parts[name] for name in ('crohme', 'mnist', 'unipen', 'detexify'))
        figures = {'crohme': float((logits_of(model, crohme[self.seen]).argmax(1) != crohme['label']).mean())}
        if self.seen == 'ink':
            read = self.digits[logits_of(model, mnist['ink'])[:, self.digits].argmax(1)]
            figures['mnist'] = float((read != mnist['label']).mean())
        if len(unipen['label']):
            figures['unipen'] = float((logits_of(model, unipen[self.seen]).argmax(1) != unipen['label']).mean())
        if 'wide' in model.output_names:
            found = logits_of(model, wide[self.seen], output='wide').argmax(1)
            figures['wide'] = float((found != wide['wide']).mean())
        figures['error'] = float(np.mean(list(figures.values())))
        if figures['error'] < self.best:
            self.best = figures['error']
            model.save(self.folder / 'best.keras')
        return figures

    def show(self, model, step: int) -> None:
        """Write sixteen symbols and their rectified views for TensorBoard; the loop calls it after an evaluation."""
        if self.seen != 'ink':
            return
        import tensorflow as tf
        chosen = self.parts['crohme']['ink'][::max(1, len(self.parts['crohme']['ink']) // 16)][:16]
        tf.summary.image('rectified', rectified(model, chosen), step=step, max_outputs=16)


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training train characters', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='shipped', help='a module of training/characters/configs')
    parser.add_argument('--cache', type=Path, required=True, help='written by training.characters.prepare')
    parser.add_argument('--folder', type=Path, required=True, help='checkpoints and figures; resumed if it exists')
    parser.add_argument('--init', type=Path, help='start from a model folder (models/characters), weights (.npz) or a '
                        '.keras: what has the same name and shape is taken')
    parser.add_argument('--steps', type=int, help="overrides the config's LOOP['steps']")
    parser.add_argument('--seed', type=int, help="overrides the config's SEED")
    add_options(parser)
    options = parser.parse_args(arguments)
    run(read_config(options.config), options)
    return 0


def run(config: ModuleType, options) -> dict:
    """Train as the config and the parsed options say; return the last validation figures."""
    devices = open_devices(options)
    import keras

    from training.characters.batches import Cache
    from training.schedule import LoopConfig
    from training.weights import save_run_config, set_precision
    seed = config.SEED if options.seed is None else options.seed
    keras.utils.set_random_seed(seed)
    cache, rows = Cache(options.cache), config.BATCH * devices.replicas
    loop = dict(config.LOOP, peak_rate=config.LOOP['peak_rate'] * devices.replicas)
    if options.steps:
        loop['steps'] = options.steps
    build, batches, seen = parts(config, cache, rows, seed, loop['steps'])
    set_precision(loop.get('precision', 'float32'))
    with devices.scope():
        model = build(len(cache.labels), len(cache.wide_labels), **config.MODEL)
        if options.init:
            print(start_from(model, options.init, seen), flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    save_run_config(options.folder, {
        'config': options.config, 'model': config.MODEL, 'loop': loop, 'seed': seed, 'labels': cache.labels,
        'wide': cache.wide_labels, 'held_out': cache.facts['held_out'], 'samples': len(cache.label),
        'parameters': model.count_params(), 'command': command_line('characters')})
    print(f'{model.count_params()} parameters, {len(cache.label)} samples x {len(cache.variants)} variants, '
          f'strategy {devices.name} x {devices.replicas}', flush=True)
    return train(model, lambda m, b, training: loss_sums(m, b, training, config.LABEL_SMOOTHING * training),
                 batches, LoopConfig(**loop), options.folder, devices, Validation(cache, options.folder, seen))


def parts(config: ModuleType, cache, rows: int, seed: int, steps: int) -> tuple:
    """Return a config's build(classes, wide, ...), its batches and what its network sees, 'ink' or 'trajectory'."""
    if getattr(config, 'SEES', 'ink') == 'trajectory':
        from training.characters.trajectory_data import Batches
        from training.characters.trajectory_model import build
        if cache.trajectory is None:
            raise ConfigurationError(f'{cache.folder}: a cache of an earlier version, without trajectories; run '
                                     'training.characters.prepare for it once more')
        return build, Batches(cache, rows, config.SHARES, config.BALANCE, seed, config.DISTORTION), 'trajectory'
    from training.characters.batches import Batches
    from training.characters.model import build
    return build, Batches(cache, rows, config.SHARES, config.BALANCE, seed, config.DISTORTION,
                          getattr(config, 'PLAIN', None), steps), 'ink'
