"""`python -m training train speech`: train a speech model from a config, from scratch, a checkpoint or `--init`.

The config (training/speech/configs/NAME.yaml or a path) has `model` (Size), `loop` (LoopConfig), `data` (caches,
`share` of their clips, sources to leave out (`without`), `subwords` in place of letters, buckets, weights of sources)
and `loss` (share of the decoder, label smoothing, weight of clips without speech).

An imported Whisper is fine-tuned by the same command: `--config whisper --init` its folder (docs/whisper.md).

Example:
  python -m training train speech --config small --data ~/speech-cache --folder ~/runs/small

"""
import argparse
import hashlib
import importlib
import sys
from dataclasses import asdict
from pathlib import Path

from robot_ai.errors import ConfigurationError
from robot_ai.yaml_files import read_yaml_file
from training.devices import add_options, open_devices, train

CONFIGS = Path(__file__).parent / 'configs'
ARCHITECTURES = {'ctc': __name__, 'whisper': 'training.whisper.train'}  # a config's -> module with run(config, options)
BLANK_LABELS = 4  # a clip without speech weighs as much as one of so many letters


def read_config(name: str) -> dict:
    """Return a config by name or path; ConfigurationError lists the names where there is none."""
    path = Path(name) if name.endswith('.yaml') else CONFIGS / f'{name}.yaml'
    if not path.is_file():
        names = ', '.join(sorted(p.stem for p in CONFIGS.glob('*.yaml')))
        raise ConfigurationError(f'{path}: no such config; there are {names}')
    config = read_yaml_file(path)
    if not isinstance(config, dict):
        raise ConfigurationError(f'{path}: expected a mapping, like those of {CONFIGS}')
    return config


def label_weight(batch) -> float:
    """Return what a batch's loss is divided by: its labels, and BLANK_LABELS for each clip without speech."""
    return float(batch['token_count'].sum() + BLANK_LABELS * (batch['token_count'] == 0).sum())


def loss_sums(model, batch, training, share: float = 0.3, smoothing: float = 0.1, xla: bool = False,
              blank: float = 0.5):
    """Return sums over rows: 'loss' (hybrid), 'ctc', 'blank', 'decoder', and 'weight', the labels that counted.

    A row without tokens is a clip without speech: `blank` times -ln P(blank in every frame), CTC's own loss of the
    empty text, is asked of it.
    """
    from keras import ops

    from training.speech.ctc import ctc_loss
    from training.speech.model import frame_count, valid_frames
    log_probs, following = model(batch, training=training)
    frames, tokens, count = frame_count(batch['length']), batch['tokens'], batch['token_count']
    loss, usable = ctc_loss(log_probs, frames, tokens, count, xla)
    ctc = ops.sum(loss)
    silent = ops.cast(count == 0, 'float32')
    said = ops.sum(log_probs[..., 0] * valid_frames(frames, log_probs.shape[1]), axis=1)
    nothing = -blank * ops.sum(silent * said)
    sums = {'ctc': ctc, 'blank': nothing,
            'weight': ops.sum(usable * ops.cast(count, 'float32') + BLANK_LABELS * silent)}
    if following is None:
        return {**sums, 'loss': ctc + nothing}
    # Targets: the labels, then the end (0); places past the end do not count.
    targets = ops.pad(tokens, [[0, 0], [0, 1]])
    inside = ops.expand_dims(ops.arange(targets.shape[1]), 0) <= ops.expand_dims(count, 1)
    inside = ops.cast(inside, 'float32') * ops.expand_dims(usable + silent, 1)
    chosen = ops.take_along_axis(following, targets[..., None], axis=-1)[..., 0]
    entropy = -(1 - smoothing) * chosen - smoothing * ops.mean(following, axis=-1)
    decoder = ops.sum(entropy * inside)
    return {**sums, 'decoder': decoder, 'loss': (1 - share) * (ctc + nothing) + share * decoder}


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training train speech', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='small', help='name in training/speech/configs, or a .yaml')
    parser.add_argument('--data', required=True, help='folder of caches (see --prepare)')
    parser.add_argument('--folder', required=True, help='where checkpoints and figures go; resumed if it exists')
    parser.add_argument('--prepare', metavar='MANIFEST', help='first write the caches from this manifest.jsonl')
    parser.add_argument('--other-languages', type=Path, metavar='MANIFEST', help='with --prepare: write that cache too')
    parser.add_argument('--init', default='', help='a model folder or weights (.npz) to start from, those that fit are '
                        'taken; for whisper a Hugging Face folder, a .pt, or a folder imported with --trainable')
    parser.add_argument('--steps', type=int, help='overrides loop.steps')
    parser.add_argument('--stop-loss', type=float, help='stop once the training loss is below this')
    add_options(parser)
    options = parser.parse_args(arguments)
    config = read_config(options.config)
    for key, value in (('steps', options.steps), ('stop_loss', options.stop_loss)):
        if value is not None:
            config['loop'][key] = value
    if options.prepare:
        from training.speech.prepare import prepare
        dialogue = Path(__file__).resolve().parents[2] / 'config' / 'dialogues' / 'acompanante.yaml'
        prepare(Path(options.prepare), Path(options.data), dialogue if dialogue.is_file() else None,
                options.other_languages)
    architecture = config.get('architecture', 'ctc')
    if architecture not in ARCHITECTURES:
        raise ConfigurationError(f'{options.config}: architecture {architecture!r}, expected one of '
                                 f'{", ".join(ARCHITECTURES)}')
    importlib.import_module(ARCHITECTURES[architecture]).run(config, options)
    return 0


def run(config: dict, options) -> dict:
    """Train as `config` and the parsed options say; return the last validation figures."""
    devices = open_devices(options)
    import keras

    from training.schedule import LoopConfig
    from training.speech.data import Cache
    from training.speech.model import Size, SpeechModel
    from training.speech.validation import Validation
    from training.weights import initial_weights, load_weights, named_weights, save_run_config, set_precision
    keras.utils.set_random_seed(config.get('seed', 0))
    loop, loss = LoopConfig(**config['loop']), config.get('loss', {})
    if options.backend == 'tensorflow':
        # The fast kernel of CTC has no XLA form: whatever XLA compiles takes the recursion.
        loss = {'xla': loop.jit or devices.name == 'tpu', **loss}
    set_precision(loop.precision)
    data, root = config['data'], Path(options.data).expanduser()
    vocabulary = open_vocabulary(config, root, options.folder)
    batches = training_batches(config, root, vocabulary)
    validation = Validation(Cache([root / name for name in data['validation']]), vocabulary,
                            data.get('validation_clips', 200))
    with devices.scope():
        model = SpeechModel(Size(**config['model'], labels=len(vocabulary))).build_all()
        if options.init:
            missing = load_weights(model, initial_weights(options.init), partial=True)
            count = len(named_weights(model))
            if len(missing) == count:
                raise ConfigurationError(f'--init {options.init}: none of its weights fits {options.config}; use the '
                                         'config that it was trained with (model.yaml, training)')
            print(f'{options.init}: {count - len(missing)} of {count} weights taken'
                  + (f', not {", ".join(missing[:3])}{" ..." * (len(missing) > 3)}' if missing else ''), flush=True)
            if grown := model.begin_as_identity(missing):
                print(f'{", ".join(grown)}: new, adding nothing at first', flush=True)
    save_run_config(options.folder, {'config': config, 'size': asdict(model.size), 'labels': vocabulary.labels,
                                     'clips': len(batches.usable),
                                     'command': 'python -m training train speech ' + ' '.join(sys.argv[3:]),
                                     'parameters': model.count_params()})
    print(f'{model.count_params()} parameters, {len(batches.usable)} clips, strategy {devices.name} x '
          f'{devices.replicas}', flush=True)

    def sums(model, batch, training):
        return loss_sums(model, batch, training, **loss)
    return train(model, sums, batches, loop, options.folder, devices, validation, label_weight)


def open_vocabulary(config: dict, root: Path, folder: str):
    """Return the labels that a config trains: letters, or `data.subwords` pieces learnt from the caches in `root`.

    A run that goes on keeps the labels that it began with.
    """
    from training.speech.data import Cache
    from training.speech.subwords import learn, vocabulary_of
    from training.weights import read_run_config
    data = config['data']
    size = data.get('subwords', 0)
    before = read_run_config(folder).get('labels') if size else None
    if not size or before:
        return vocabulary_of(before)
    clips = Cache([root / name for name in data['train']], chosen(data)).clips
    return learn((clip['text'] for clip in clips if clip['text']), int(size))


def training_batches(config: dict, root: Path, vocabulary=None):
    """Return the Batches that a config trains on, from the caches in `root`."""
    from training.speech.data import Batches, Cache
    from training.speech.model import Characters
    data = config['data']
    return Batches(Cache([root / name for name in data['train']], chosen(data)), vocabulary or Characters(),
                   data['buckets_s'], data['batch_s'], config.get('seed', 0), data.get('weights'),
                   data.get('augmentation'), together=config['loop'].get('steps_per_execution', 1))


def chosen(data: dict):
    """Return which clips of the training caches are taken: `share` of each source, `without` sources that begin so.

    The same clips for the same share, and those of a smaller share are among those of a larger one.
    """
    share, without = float(data.get('share', 1.0)), tuple(data.get('without', ()))

    def keep(clip):
        key = f"{clip['source']} {clip['start']} {clip['text']}".encode()
        return not (without and clip['source'].startswith(without)) and int.from_bytes(
            hashlib.blake2b(key, digest_size=6).digest(), 'big') < share * 2 ** 48
    return keep
