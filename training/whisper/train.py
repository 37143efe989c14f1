"""Fine-tunes an imported Whisper: the data, loop and strategies of `python -m training train speech`.

What `run` trains is what `import-whisper` reads: `--init` names a Hugging Face folder, OpenAI's .pt, or a folder that
was imported with --trainable. Clips are padded to the model's window; texts are spelled with its own tokeniser.
"""
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError, ModelError
from robot_ai.model_store import load_model
from robot_ai.speech.whisper_tokenizer import WhisperTokenizer
from training.devices import open_devices, train
from training.weights import WEIGHTS, initial_weights
from training.whisper.export import TOKENS
from training.whisper.sources import Source, read_source

FRAMES_A_SECOND = 50
DECODING = ('suppress_tokens', 'begin_suppress_tokens', 'alignment_heads', 'max_initial_timestamp', 'multilingual')


class Spelling:
    """A vocabulary as training.speech.data.Batches takes it."""

    def __init__(self, tokenizer: WhisperTokenizer):
        """Spell with `tokenizer`."""
        self.tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Return a text's tokens as they follow the prompt: the first word has its space, too."""
        return self.tokenizer.encode(f' {text.strip()}')


def open_init(folder: str) -> tuple[Source, Path | None]:
    """Return what `--init` names, and the .npz of its weights where it is a folder of ours."""
    path = Path(folder).expanduser()
    if not folder:
        raise ConfigurationError('--init: name the Whisper to start from: a Hugging Face folder, a .pt, or a folder '
                                 'that import-whisper wrote with --trainable')
    if not (path / 'model.yaml').is_file():
        return read_source(path), None
    info = load_model(path, 'speech')
    if info.parameters.get('architecture') != 'whisper':
        raise ModelError(f'{path}: is no imported Whisper')
    if WEIGHTS not in info.document['files']:
        raise ModelError(f'{path}: holds no {WEIGHTS}; import it again with --trainable, or name the original folder')
    return restored(info.parameters, path, str(info.document.get('origin', path.name))), initial_weights(path)


def restored(facts: dict, folder: Path, origin: str) -> Source:
    """Return a Source without weights from model.yaml's parameters or run.json."""
    from training.whisper.model import WhisperSize
    return Source(folder, WhisperSize(**facts['size']), {}, WhisperTokenizer.load(folder / TOKENS),
                  {key: facts[key] for key in DECODING if key in facts}, origin)


def open_model(source: Source, weights: Path | None):
    """Return a built model with the source's weights, or those of an .npz."""
    from training.loop import load_weights
    from training.whisper.model import WhisperModel
    from training.whisper.weights import fill
    model = WhisperModel(source.size).build_all()
    if weights is None:
        return fill(model, source)
    load_weights(model, weights)
    return model


def loss_sums(model, batch, training, prompt: list[int], end: int, smoothing: float = 0.0,
              frozen: bool = False) -> dict:
    """Return sums over rows: 'loss' (cross-entropy of the text's tokens and the end), 'right', and 'weight'."""
    from keras import ops
    memory = model.encode(batch['samples'], training=training and not frozen)
    if frozen:
        memory = ops.stop_gradient(memory)
    tokens, count = batch['tokens'], batch['token_count']
    rows, width = tokens.shape
    known = ops.broadcast_to(ops.convert_to_tensor(np.array([prompt], np.int32)), (rows, len(prompt)))
    logits = model.decode(memory, ops.concatenate([known, tokens], axis=1), training=training)[:, len(prompt) - 1:]
    log_probs = ops.log_softmax(logits, axis=-1)  # of the first token, ..., of what follows the last
    places = ops.expand_dims(ops.arange(width + 1), 0)
    last = ops.expand_dims(count, 1)
    targets = ops.where(places < last, ops.pad(tokens, [[0, 0], [0, 1]]), end)
    inside = ops.cast(places <= last, 'float32')
    chosen = ops.take_along_axis(log_probs, targets[..., None], axis=-1)[..., 0]
    loss = -(1 - smoothing) * chosen - smoothing * ops.mean(log_probs, axis=-1)
    right = ops.cast(ops.argmax(log_probs, axis=-1), targets.dtype) == targets
    return {'loss': ops.sum(loss * inside), 'right': ops.sum(ops.cast(right, 'float32') * inside),
            'weight': ops.sum(inside)}


class Validation:
    """Callable for training.loop: model -> {'loss', 'right'} a token, teacher forced, over validation clips."""

    def __init__(self, batches, count: int, **options):
        """Take the first `count` batches; `options` are loss_sums'."""
        self.batches = [batches.batch(step) for step in range(count)]
        self.options = {**options, 'smoothing': 0.0}

    def __call__(self, model) -> dict[str, float]:
        """Score them."""
        import tensorflow as tf
        score = tf.function(lambda batch: loss_sums(model, batch, False, **self.options), autograph=False)
        totals = {}
        for batch in self.batches:
            for key, value in score({k: tf.constant(v) for k, v in batch.items()}).items():
                totals[key] = totals.get(key, 0.0) + float(value)
        return {key: totals[key] / totals['weight'] for key in ('loss', 'right')}


def run(config: dict, options) -> dict:
    """Fine-tune as `config` and the parsed options say; return the last validation figures."""
    if options.backend != 'tensorflow':
        raise ConfigurationError(f'--backend {options.backend}: Whisper is fine-tuned with TensorFlow')
    devices = open_devices(options)
    import keras

    from training.schedule import LoopConfig
    from training.speech.data import Batches, Cache
    from training.weights import save_run_config
    keras.utils.set_random_seed(config.get('seed', 0))
    loop, frozen = LoopConfig(**config['loop']), bool(config.get('freeze_encoder', False))
    if frozen and loop.weight_decay:
        raise ConfigurationError('freeze_encoder: weight_decay must be 0, it would shrink the frozen weights')
    source, weights = open_init(options.init)
    tokenizer, data, root = source.tokenizer, config['data'], Path(options.data).expanduser()
    prompt = tokenizer.prompt(config.get('language', 'es') if source.decoding.get('multilingual', True) else '')
    window = source.size.frames / FRAMES_A_SECOND

    def batches(names, augmentation=None):
        return Batches(Cache([root / name for name in names]), Spelling(tokenizer), [window], data['batch_s'],
                       config.get('seed', 0), data.get('weights'), augmentation,
                       max_tokens=source.size.positions - len(prompt))
    training = batches(data['train'], data.get('augmentation'))
    held_out = batches(data['validation'])
    size = held_out.sizes[0]
    given = {'prompt': prompt, 'end': tokenizer.end, 'frozen': frozen, **config.get('loss', {})}
    clips = min(data.get('validation_clips', 64), len(held_out.usable))
    validation = Validation(held_out, -(-clips // size), **given)
    with devices.scope():
        model = open_model(source, weights)
    facts = {'architecture': 'whisper', 'config': config, 'size': asdict(source.size), **source.decoding,
             'origin': source.origin, 'clips': len(training.usable), 'parameters': model.count_params()}
    save_run_config(options.folder, facts)
    tokenizer.save(Path(options.folder) / TOKENS)
    print(f'{model.count_params()} parameters, {len(training.usable)} clips, strategy {devices.name} '
          f'x {devices.replicas}', flush=True)
    return train(model, lambda m, b, t: loss_sums(m, b, t, **given), training, loop, options.folder, devices,
                 validation, weight=lambda batch: (batch['token_count'] + 1).sum())


def export_run(options) -> int:
    """Write the model folder of a fine-tuned run (`python -m training export speech`)."""
    from training.whisper.check import check_export, measure
    from training.whisper.export import write_folder
    facts = json.loads((options.run / 'run.json').read_text(encoding='utf-8'))
    heard = ', '.join(facts['config']['data']['train'])
    source = restored(facts, options.run, f'{facts["origin"]}, fine-tuned on {heard}')
    model = open_model(source, options.run / options.weights)
    language = facts['config'].get('language', 'es') if source.decoding.get('multilingual', True) else 'en'
    write_folder(model, source, options.out, [source.size.frames // FRAMES_A_SECOND], language=language,
                 weights=options.store)
    print(check_export(model, options.out))
    print(measure(options.out))
    return 0
