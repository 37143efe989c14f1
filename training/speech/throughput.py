"""`python -m training.speech.throughput`: utterances a second for replicas and precisions, and the padding share.

Each cell of the table is a process of its own that trains a few steps of one bucket (made sound, so that no corpus is
needed) on logical CPU devices, or on as many GPUs where there are any; the first step, which compiles, is not counted.
With `--data`, the padding share is that of the config's own batches.

Example:
  python -m training.speech.throughput --config tiny --replicas 1 2 --precision float32 bfloat16 --data ~/speech-cache

"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from training.speech.train import chosen, label_weight, loss_sums, read_config, set_precision


def cell(config: dict, replicas: int, precision: str, steps: int, bucket_s: float) -> dict:
    """Train `steps` steps in this process and return how fast; call it once a process."""
    import tensorflow as tf

    from training.loop import AdamW, LoopConfig, make_step
    from training.speech.model import Size, SpeechModel
    from training.strategies import OneDevice, open_strategy
    if not tf.config.list_physical_devices('GPU'):
        cpu = tf.config.list_physical_devices('CPU')[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    set_precision(precision)
    strategy = open_strategy('mirrored') if replicas > 1 else OneDevice()
    loop = LoopConfig(**{**config['loop'], 'precision': precision})
    with strategy.scope():
        model = SpeechModel(Size(**config['model'])).build_all()
        optimizer = AdamW([v.value for v in model.trainable_variables], loop)
    loss = {'xla': loop.jit, **config.get('loss', {})}
    step = strategy.compile(make_step(model, lambda m, b, t: loss_sums(m, b, t, **loss), optimizer, strategy), loop.jit)
    rows = max(1, int(config['data']['batch_s'] / bucket_s)) // replicas * replicas or replicas
    batch = made_batch(rows, bucket_s)
    wall = work = 0.0
    for number in range(steps + 1):
        given = {**batch, '_step': np.full(rows, number, np.int64), '_rate': np.full(rows, 1e-4, np.float32),
                 '_weight': np.full(rows, label_weight(batch), np.float32)}
        before, spent = time.perf_counter(), time.process_time()
        strategy.run(step, given)
        if number:
            wall, work = wall + time.perf_counter() - before, work + time.process_time() - spent
    return {'replicas': replicas, 'precision': precision, 'rows': rows, 'bucket_s': bucket_s,
            'utterances_per_s': rows * steps / wall, 'utterances_per_cpu_s': rows * steps / work,
            'sound_s_per_cpu_s': rows * steps * bucket_s / work}


def made_batch(rows: int, bucket_s: float) -> dict[str, np.ndarray]:
    """Return a full batch of noise with labels at a usual rate of speech."""
    rng, n = np.random.default_rng(1), round(bucket_s * 25) * 640
    width = int(12 * bucket_s)
    return {'samples': rng.uniform(-.1, .1, (rows, n)).astype(np.float32), 'length': np.full(rows, n, np.int32),
            'tokens': rng.integers(1, 30, (rows, width)).astype(np.int32),
            'token_count': np.full(rows, width, np.int32)}


def padding_share(config: dict, root: Path, batches: int = 300) -> float:
    """Return the share of padding in the samples of the config's first batches."""
    from training.speech.data import Batches, Cache
    from training.speech.model import Characters
    data = config['data']
    made = Batches(Cache([root / name for name in data['train']], chosen(data)), Characters(), data['buckets_s'],
                   data['batch_s'], config.get('seed', 0), data.get('weights'), data.get('augmentation'))
    sound = size = 0
    for number in range(batches):
        batch = made.batch(number)
        sound, size = sound + int(batch['length'].sum()), size + batch['samples'].size
    return 1 - sound / size


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.speech.throughput', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='tiny')
    parser.add_argument('--replicas', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--precision', nargs='+', default=['float32', 'bfloat16'], choices=['float32', 'bfloat16'])
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--bucket', type=float, default=3.2, help='seconds of every utterance')
    parser.add_argument('--data', type=Path, help='folder of caches, for the padding share')
    options = parser.parse_args(arguments)
    config = read_config(options.config)
    if os.environ.get('ROBOT_AI_THROUGHPUT_CELL'):
        print(json.dumps(cell(config, options.replicas[0], options.precision[0], options.steps, options.bucket)))
        return 0
    print('replicas  precision  rows x s     utterances/s  utterances/CPU s  s of sound/CPU s', flush=True)
    for replicas in options.replicas:
        for precision in options.precision:
            done = subprocess.run(
                [sys.executable, '-m', 'training.speech.throughput', '--config', options.config, '--replicas',
                 str(replicas), '--precision', precision, '--steps', str(options.steps), '--bucket',
                 str(options.bucket)], capture_output=True, text=True, check=False,
                env={**os.environ, 'ROBOT_AI_THROUGHPUT_CELL': '1', 'TF_CPP_MIN_LOG_LEVEL': '3'})
            if done.returncode:
                print(f'{replicas:<8}  {precision:<9}  failed: {done.stderr.strip().splitlines()[-1:]}', flush=True)
                continue
            c = json.loads(done.stdout.splitlines()[-1])
            print(f'{replicas:<8}  {precision:<9}  {c["rows"]:>3} x {c["bucket_s"]:<5}  '
                  f'{c["utterances_per_s"]:>12.1f}  {c["utterances_per_cpu_s"]:>16.1f}  '
                  f'{c["sound_s_per_cpu_s"]:>16.1f}', flush=True)
    if options.data:
        print(f'padding share of {options.config}: {100 * padding_share(config, options.data.expanduser()):.1f} %')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
