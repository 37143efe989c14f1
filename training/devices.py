"""What a training runs on: the options that every `train` command takes, the devices they mean, the loop for those."""
import argparse
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from robot_ai.errors import ConfigurationError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --strategy, --tpu, --backend and --threads."""
    parser.add_argument('--strategy', default='auto', help='auto one mirrored multiworker parameter-server tpu')
    parser.add_argument('--tpu', default='', help="a TPU's name or grpc:// address")
    parser.add_argument('--backend', default='tensorflow', choices=('tensorflow', 'jax', 'torch'),
                        help="jax and torch: one device, no TensorFlow needed; go on from each other's state.npz")
    parser.add_argument('--workers', type=int, default=0, help='processes that make batches ahead, for a device faster '
                        'than a core prepares them (0: none)')
    parser.add_argument('--threads', type=int, default=1, help='intra-op threads (1 measured best on two slow cores)')


class PlainDevice:
    """One device under JAX or PyTorch, without TensorFlow."""

    replicas = 1
    workers = 0

    def __init__(self, backend: str):
        self.name = backend

    def scope(self):
        """Return a context in which variables are made."""
        return contextlib.nullcontext()


def open_devices(options):
    """Return a Strategy of training/strategies.py, or a PlainDevice, for parsed options; Keras takes its backend.

    Its `workers` is the number of processes that make batches. ConfigurationError where the options contradict each
    other or Keras already runs on another backend.
    """
    if options.workers < 0:
        raise ConfigurationError(f'--workers {options.workers}: expected 0 or more')
    devices = _open(options)
    devices.workers = options.workers
    return devices


def _open(options):
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    os.environ['KERAS_BACKEND'] = options.backend
    import keras
    if keras.backend.backend() != options.backend:
        raise ConfigurationError(f'--backend {options.backend}: Keras already runs on {keras.backend.backend()}')
    if options.backend != 'tensorflow':
        if options.strategy not in ('auto', 'one'):
            raise ConfigurationError(f'--strategy {options.strategy} needs TensorFlow; {options.backend} trains on one '
                                     'device')
        return PlainDevice(options.backend)
    import tensorflow as tf

    from training.strategies import open_strategy
    with contextlib.suppress(RuntimeError):  # a TensorFlow that already runs keeps the threads it has
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    return open_strategy(options.strategy, options.tpu)


def train(network, loss_sums: Callable, batches, config, folder: str | Path, devices,
          validation: Callable | None = None, weight: Callable | None = None) -> dict:
    """Train by the loop for `devices`; return the last evaluation. See training.loop.train."""
    from training.prefetch import Prefetched
    ahead = (contextlib.closing(Prefetched(batches, devices.workers, config.steps)) if devices.workers else
             contextlib.nullcontext(batches))
    with ahead as made:
        if isinstance(devices, PlainDevice):
            from training.plain_loop import train_plain
            return train_plain(network, loss_sums, made, config, folder, validation, weight)
        from training.loop import train as train_distributed
        return train_distributed(network, loss_sums, made, config, folder, devices, validation, weight=weight)
