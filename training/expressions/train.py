"""`python -m training train expressions`: train the parser, a segmenter or the image model on CROHME's formulas.

Example:
  python -m training train expressions --config parser --prepare ../shared/data/handwriting --drawings C --folder R

"""
import argparse
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np

from robot_ai.errors import ConfigurationError
from training.characters.train import command_line
from training.devices import add_options, open_devices, train

CONFIGS = Path(__file__).parent / 'configs'


def read_config(name: str) -> ModuleType:
    """Return the module training.expressions.configs.NAME; ConfigurationError lists the names there are."""
    names = sorted(path.stem for path in CONFIGS.glob('*.py') if path.stem != '__init__')
    if name not in names:
        raise ConfigurationError(f'{name}: no such config; there are {", ".join(names)}')
    return importlib.import_module(f'training.expressions.configs.{name}')


def loss_sums(model, batch, training, label_share: float = 0.5):
    """Return sums over symbols: 'loss', 'weight' (symbols), 'label_error' and 'edge_error'."""
    from keras import ops
    out = model({key: batch[key] for key in ('scores', 'boxes', 'mask')}, training=training)
    mask, width = batch['mask'], batch['mask'].shape[1]
    labels = ops.log_softmax(out['labels'])
    chosen = ops.take_along_axis(labels, batch['label'][..., None], axis=-1)[..., 0]
    # edges [b, parent, child, relation] -> [b, child, parent * relation]
    edges = ops.reshape(ops.transpose(out['edges'], (0, 2, 1, 3)), (-1, width, (width + 1) * 6))
    target = batch['parent'] * 6 + batch['relation']
    edge = ops.take_along_axis(edges, target[..., None], axis=-1)[..., 0]

    def total(x):
        return ops.sum(ops.cast(x, 'float32') * mask)
    return {'loss': -(label_share * total(chosen) + total(edge)), 'weight': ops.sum(mask),
            'label_error': total(ops.not_equal(ops.cast(ops.argmax(labels, -1), 'int32'), batch['label'])),
            'edge_error': total(ops.not_equal(ops.cast(ops.argmax(edges, -1), 'int32'), target))}


class Validation:
    """Expressions of 2013 whose grouping is given: how many have a wrong label or edge; keeps the best weights."""

    def __init__(self, path: Path):
        """`path`: the validation cache."""
        self.rows = dict(np.load(path))

    def __call__(self, model) -> dict[str, float]:
        """Return 'error' (expressions with any error), 'labels' and 'edges' (symbols)."""
        from training.expressions.data import MAX_SYMBOLS, prepared
        from training.weights import to_numpy
        wrong = symbols = labels = edges = 0
        count = len(self.rows['count'])
        for first in range(0, count, 64):
            batch = prepared(self.rows, np.arange(first, min(first + 64, count)), MAX_SYMBOLS)
            out = model({key: batch[key] for key in ('scores', 'boxes', 'mask')}, training=False)
            mask = batch['mask'] > 0
            found = to_numpy(out['edges']).transpose(0, 2, 1, 3).reshape(*mask.shape, -1).argmax(-1)
            bad_label = (to_numpy(out['labels']).argmax(-1) != batch['label']) & mask
            bad_edge = (found != batch['parent'] * 6 + batch['relation']) & mask
            wrong += int((bad_label | bad_edge).any(axis=1).sum())
            symbols, labels, edges = symbols + mask.sum(), labels + bad_label.sum(), edges + bad_edge.sum()
        return {'error': wrong / count, 'labels': float(labels / symbols), 'edges': float(edges / symbols)}


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training train expressions', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='parser', help='a module of training/expressions/configs')
    parser.add_argument('--folder', type=Path, required=True, help='caches, checkpoints; resumed if it exists')
    parser.add_argument('--prepare', type=Path, metavar='DATA', help='first write the caches from this folder')
    parser.add_argument('--drawings', type=Path, metavar='CACHE', help="the character model's training cache")
    parser.add_argument('--prepare-only', action='store_true', help='write the caches and stop')
    parser.add_argument('--characters', default='', help='the character model whose scores are learnt from')
    parser.add_argument('--validate-with', default='', metavar='MODEL', help='the character model that will be served, '
                        'whose scores validate (default: that of --characters)')
    parser.add_argument('--steps', type=int, help="overrides the config's LOOP['steps']")
    parser.add_argument('--init', default='', help='start from a model folder (models/expressions) or weights (.npz)')
    add_options(parser)
    options = parser.parse_args(arguments)
    config = read_config(options.config)
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.prepare:
        prepare(config, options)
    if options.prepare_only:
        return 0
    run(config, options)
    return 0


def prepare(config: ModuleType, options) -> None:
    """Write the caches train.npz and validation.npz into the run's folder."""
    from robot_ai.vision.characters import CharacterRecognizer
    from training.characters.batches import Cache
    from training.expressions import data, segmenter
    if config.KIND == 'image':
        from training.expressions import image_training
        image_training.prepare(config, options.prepare, options.folder)
        return
    recognizers = {'train': CharacterRecognizer(options.characters),
                   'validation': CharacterRecognizer(options.validate_with or options.characters)}
    if recognizers['train'].labels != recognizers['validation'].labels:
        raise ConfigurationError(f'--validate-with {options.validate_with}: has other labels than the model of '
                                 '--characters; train both from caches of the same data')
    if config.KIND == 'parser' and not options.drawings:
        raise ConfigurationError('the parser learns from the character drawings: add --drawings CACHE')
    for name, part in (('train', 'train'), ('validation', 'validation-2013')):
        recognizer = recognizers[name]
        if config.KIND == 'parser':
            drawings = Cache(options.drawings) if name == 'train' else None
            arrays = data.cache(options.prepare, recognizer, part, drawings)
        else:
            make = segmenter.cache_pictures if config.KIND == 'pieces' else segmenter.cache
            arrays = make(options.prepare, recognizer, part, config.SHARES[name], config.SEED)
        np.savez(options.folder / f'{name}.npz', **arrays)


def run(config: ModuleType, options) -> dict:
    """Train as the config and the parsed options say; return the last validation figures."""
    devices = open_devices(options)
    import keras

    from training.schedule import LoopConfig
    from training.weights import initial_weights, load_weights, save_run_config
    keras.utils.set_random_seed(config.SEED)
    replicas = devices.replicas
    build, sums, batches, validation, weight, facts = parts(config, options.folder, replicas)
    loop = dict(config.LOOP, peak_rate=config.LOOP['peak_rate'] * replicas)
    if options.steps:
        loop['steps'] = options.steps
    with devices.scope():
        network = build()
        if options.init:
            load_weights(network, initial_weights(options.init, f'weights-{config.KIND}.npz'))
    save_run_config(options.folder, {
        'config': options.config, 'kind': config.KIND, 'model': config.MODEL, 'loop': loop, **facts,
        'seed': config.SEED, 'parameters': network.count_params(), 'command': command_line('expressions')})
    print(f'{network.count_params()} parameters, {facts["rows"]} rows', flush=True)
    return train(network, sums, batches, LoopConfig(**loop), options.folder, devices, validation, weight)


def parts(config: ModuleType, folder: Path, replicas: int) -> tuple:
    """Return a kind's build(), loss_sums, batches, validation, weight(batch) and facts for run.json."""
    if config.KIND == 'image':
        from training.expressions import image_training
        return image_training.parts(config, folder, replicas)
    from training.expressions import data, model, segmenter
    path, size = folder / 'train.npz', config.BATCH * replicas
    if not path.is_file():
        raise ConfigurationError(f'{path}: no cache; add --prepare DATA')
    parser = config.KIND == 'parser'
    batches = (data.Batches(path, size, config.SEED, config.JITTER, config.RENAMED, config.EXCHANGED) if parser else
               segmenter.Batches(path, size, config.SEED))
    classes = batches.rows['scores'].shape[-1]
    return (lambda: (model if parser else segmenter).build(classes, **config.MODEL),
            loss_sums if parser else segmenter.loss_sums, batches,
            (Validation if parser else segmenter.Validation)(folder / 'validation.npz'),
            (lambda batch: batch['mask'].sum()) if parser else None,
            {'classes': classes, 'rows': len(batches.rows['scores'])})
