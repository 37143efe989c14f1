"""`python -m training.throughput`: utterances or images a second for replicas and precisions, and the padding share.

Each cell of the table is a process of its own that trains a few steps on full batches of made sound or ink (no corpus
is needed) on logical CPU devices, or on as many GPUs where there are any; the first step, which compiles, is left out.
The global batch is the config's, whatever the replicas. With `--data`, the padding share of the speech config's own
batches follows.

Example:
  python -m training.throughput speech --config tiny --data ~/speech-cache
  python -m training.throughput characters --config shipped

"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError

UNITS = {'speech': 'utterances', 'characters': 'images'}
CLASSES, WIDE = 154, 771  # of the shipped character model
CELL = 'ROBOT_AI_THROUGHPUT_CELL'


def cell(model: str, name: str, replicas: int, precision: str, steps: int, bucket_s: float) -> dict:
    """Train `steps` steps in this process and return how fast; call it once a process."""
    import tensorflow as tf

    from training.loop import AdamW, LoopConfig, make_step
    from training.strategies import OneDevice, open_strategy
    from training.weights import set_precision
    if not tf.config.list_physical_devices('GPU'):
        cpu = tf.config.list_physical_devices('CPU')[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    set_precision(precision)
    strategy = open_strategy('mirrored') if replicas > 1 else OneDevice()
    with strategy.scope():
        network, loss_sums, settings, rows = (speech if model == 'speech' else characters)(name, bucket_s)
        loop = LoopConfig(**{**settings, 'precision': precision})
        optimizer = AdamW([v.value for v in network.trainable_variables], loop)
    step = strategy.compile(make_step(network, loss_sums, optimizer, strategy), loop.jit)
    rows = rows // replicas * replicas or replicas
    batch = made_batch(rows, bucket_s) if model == 'speech' else made_ink(rows)
    wall = work = 0.0
    for number in range(steps + 1):
        given = {**batch, '_step': np.full(rows, number, np.int64), '_rate': np.full(rows, 1e-4, np.float32),
                 '_weight': np.full(rows, rows, np.float32)}
        before, spent = time.perf_counter(), time.process_time()
        strategy.run(step, given)
        if number:
            wall, work = wall + time.perf_counter() - before, work + time.process_time() - spent
    return {'replicas': replicas, 'precision': precision, 'rows': rows, 'a_s': rows * steps / wall,
            'a_cpu_s': rows * steps / work, 'sound_s_a_cpu_s': rows * steps * bucket_s / work}


def speech(name: str, bucket_s: float):
    """Return (network, loss_sums, loop's settings, rows of a batch) of a speech config."""
    from training.speech.model import Size, SpeechModel
    from training.speech.train import loss_sums, read_config
    config = read_config(name)
    loss = {'xla': config['loop'].get('jit', False), **config.get('loss', {})}
    return (SpeechModel(Size(**config['model'])).build_all(), lambda m, b, t: loss_sums(m, b, t, **loss),
            config['loop'], max(1, int(config['data']['batch_s'] / bucket_s)))


def characters(name: str, _bucket_s: float):
    """Return the same of a characters config, with as many classes as the shipped model has."""
    from training.characters.model import build
    from training.characters.train import loss_sums, read_config
    config = read_config(name)
    return build(CLASSES, WIDE, **config.MODEL), loss_sums, config.LOOP, config.BATCH


def made_batch(rows: int, bucket_s: float) -> dict[str, np.ndarray]:
    """Return a full batch of noise with labels at a usual rate of speech."""
    rng, n = np.random.default_rng(1), round(bucket_s * 25) * 640
    width = int(12 * bucket_s)
    return {'samples': rng.uniform(-.1, .1, (rows, n)).astype(np.float32), 'length': np.full(rows, n, np.int32),
            'tokens': rng.integers(1, 30, (rows, width)).astype(np.int32),
            'token_count': np.full(rows, width, np.int32)}


def made_ink(rows: int) -> dict[str, np.ndarray]:
    """Return a batch of grey noise, every fifth row with a class of Detexify's only."""
    rng, wide = np.random.default_rng(1), np.arange(rows) % 5 == 0
    return {'ink': rng.integers(0, 256, (rows, 32, 32)).astype(np.uint8),
            'label': np.where(wide, -1, rng.integers(0, CLASSES, rows)).astype(np.int32),
            'wide': np.where(wide, rng.integers(0, WIDE, rows), -1).astype(np.int32)}


def padding_share(config: dict, root: Path, batches: int = 300) -> float:
    """Return the share of padding in the samples of a speech config's first batches."""
    from training.speech.train import training_batches
    made = training_batches(config, root)
    sound = size = 0
    for number in range(batches):
        batch = made.batch(number)
        sound, size = sound + int(batch['length'].sum()), size + batch['samples'].size
    return 1 - sound / size


def measure(model: str, config: str, replicas: int, precision: str, steps: int, bucket_s: float) -> dict:
    """Return `cell`'s figures from a process of its own; ConfigurationError with its last words where it fails."""
    done = subprocess.run(
        [sys.executable, '-m', 'training.throughput', model, '--config', config, '--replicas', str(replicas),
         '--precision', precision, '--steps', str(steps), '--bucket', str(bucket_s)], capture_output=True, text=True,
        check=False, env={**os.environ, CELL: '1', 'TF_CPP_MIN_LOG_LEVEL': '3'})
    if done.returncode:
        raise ConfigurationError(f'{model} with {replicas} replicas in {precision}: '
                                 f'{(done.stderr.strip().splitlines() or ["no output"])[-1]}')
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.throughput', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', choices=list(UNITS))
    parser.add_argument('--config', help='default: tiny, shipped')
    parser.add_argument('--replicas', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--precision', nargs='+', default=['float32', 'bfloat16'], choices=['float32', 'bfloat16'])
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--bucket', type=float, default=3.2, help='seconds of every utterance')
    parser.add_argument('--data', type=Path, help='folder of caches, for the padding share of speech')
    options = parser.parse_args(arguments)
    config = options.config or ('tiny' if options.model == 'speech' else 'shipped')
    given = options.model, config
    if os.environ.get(CELL):
        print(json.dumps(cell(*given, options.replicas[0], options.precision[0], options.steps, options.bucket)))
        return 0
    unit = UNITS[options.model]
    print(f'{options.model} {config}: {options.steps} steps a cell'
          + (f', utterances of {options.bucket} s' if options.model == 'speech' else ''))
    print(f'replicas  precision  a batch  {unit + "/s":>13}  {unit + "/CPU s":>16}', flush=True)
    for replicas in options.replicas:
        for precision in options.precision:
            c = measure(*given, replicas, precision, options.steps, options.bucket)
            print(f'{replicas:<8}  {precision:<9}  {c["rows"]:>7}  {c["a_s"]:>13.1f}  {c["a_cpu_s"]:>16.1f}',
                  flush=True)
    if options.data and options.model == 'speech':
        from training.speech.train import read_config
        print(f'padding share of {config}: {100 * padding_share(read_config(config), options.data.expanduser()):.1f} %')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
