"""Batches made ahead by worker processes: a fast device must not wait for one core's augmentation.

A batch is a function of its step alone, so the workers change nothing but the time. Arrays come back through shared
memory: a pipe carries 16 MB of sound in 30 to 60 ms, a copy in 3.
"""
import contextlib
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from robot_ai.errors import ConfigurationError

THREADS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')  # a worker has one core
_BATCHES = None  # a worker's own


class Prefetched:
    """Stands for `batches`, which must be picklable; everything but `batch` is asked of it."""

    def __init__(self, batches, workers: int, steps: int):
        """Start `workers` processes that make the batches of steps below `steps`; `close` ends them."""
        self._batches, self._steps, self._ahead, self._coming = batches, steps, 2 * workers, {}
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, '1'))
        try:
            # Not forked: JAX and TensorFlow have threads, which a fork would leave in any state.
            self._workers = ProcessPoolExecutor(workers, multiprocessing.get_context('spawn'), _open, (batches,))
            self._workers.submit(int)  # starts them; a run that goes on wants other batches than the first
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

    def __getattr__(self, name):
        """Return what `batches` has."""
        return getattr(self._batches, name)

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return `batches.batch(step)`, asked for in rising order of steps."""
        try:
            for passed in [number for number in self._coming if number < step]:
                _fetched(self._coming.pop(passed).result())
            for number in range(step, min(step + self._ahead, self._steps)):
                if number not in self._coming:
                    self._coming[number] = self._workers.submit(_made, number)
            return _fetched(self._coming.pop(step).result()) if step in self._coming else self._batches.batch(step)
        except BrokenProcessPool:
            raise ConfigurationError(
                'a process that makes batches was killed, perhaps as shared memory is full (df -h /dev/shm; containers '
                'have 64 MB unless started with --shm-size); take fewer --workers: the run goes on where it was'
            ) from None

    def close(self) -> None:
        """End the workers; what they have made and nobody fetched is freed."""
        for future in self._coming.values():
            if not future.cancel():
                with contextlib.suppress(Exception):  # a worker's failure was told where its batch was wanted
                    _fetched(future.result())
        self._coming.clear()
        self._workers.shutdown()


def _open(batches):
    global _BATCHES
    _BATCHES = batches
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the workers too: the loop decides, and saves first


def _made(step):
    """Return a batch as {key: (name of shared memory, shape, dtype)}."""
    parts = {}
    for key, value in _BATCHES.batch(step).items():
        memory = SharedMemory(create=True, size=max(1, value.nbytes))
        np.ndarray(value.shape, value.dtype, buffer=memory.buf)[...] = value
        parts[key] = memory.name, value.shape, value.dtype.str
        memory.close()
    return parts


def _fetched(parts):
    batch = {}
    for key, (name, shape, dtype) in parts.items():
        memory = SharedMemory(name)
        batch[key] = np.ndarray(shape, dtype, buffer=memory.buf).copy()  # a device may read it after its release
        memory.close()
        memory.unlink()
    return batch
