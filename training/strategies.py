"""The only place that knows tf.distribute and TPUs: `open_strategy(name)` -> a Strategy with scope() and run().

    one               one device, no tf.distribute at all
    mirrored          every local accelerator (or logical CPU device): one replica each, gradients summed
    multiworker       several machines, TF_CONFIG says which (MultiWorkerMirroredStrategy)
    parameter-server  TF_CONFIG with chief, worker and ps tasks (ParameterServerStrategy and a ClusterCoordinator)
    tpu               a Cloud TPU VM's own chips, or a named TPU
    auto              tpu on a TPU VM, multiworker or parameter-server by TF_CONFIG, mirrored with two or more
                      GPUs, else one

Facts behind the form (Keras 3.15, TensorFlow 2.21): `model.fit` works under mirrored only, so the loop is our own;
a step takes the replica's part of the batch and returns sums, not means, so that any number of replicas gives the
losses of one device at the same global batch.
"""
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from robot_ai.errors import ConfigurationError

PATIENCE_S = 10  # with each thing that must answer before TensorFlow waits for a TPU without end
CONNECT_S = 40  # TensorFlow's start and the connection to a cluster; a minute is all that anybody waits
TPU_VENDOR = '0x1ae0'  # Google's on the PCI bus, of its network cards, too
TPU_CHIPS = ('0x0027', '0x0056', '0x005e', '0x0062', '0x0063', '0x006f', '0x0076')  # v2 to v7x, as JAX lists them
HTTP2_SETTINGS = b'\4'  # the frame that a server begins with (RFC 9113)
HTTP2_HELLO = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + b'\0\0\0' + HTTP2_SETTINGS + bytes(5)
NAMES = ('auto', 'one', 'mirrored', 'multiworker', 'parameter-server', 'tpu')


class OneDevice:
    """No tf.distribute: the plain case, and the reference for the others."""

    name = 'one'
    replicas = 1
    chief = True

    def scope(self):
        """Return a context in which variables are made."""
        return contextlib.nullcontext()

    def run(self, step: Callable, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run `step(batch)` (a tf.function returning a mapping of scalars) and return NumPy scalars."""
        return {key: value.numpy() for key, value in step(tf.nest.map_structure(tf.constant, batch)).items()}

    def compile(self, step: Callable, jit: bool = False, times: int = 1, names: tuple[str, ...] = ()) -> Callable:
        """Return `step` as one graph; `step` is a function of the replica's batch returning sums.

        With `times` above 1 the graph takes arrays [B, times, ...], one batch after another, and returns the sums of
        their sums, which `names` names.
        """
        return tf.function(step if times == 1 else _repeated(_nth(step), times, names), jit_compile=jit,
                           autograph=False)

    def sum_gradients(self, gradients: list) -> list:
        """Return the gradients summed over replicas (inside a step)."""
        return gradients

    def close(self):
        """Release what the strategy holds."""


class Replicated(OneDevice):
    """A synchronous tf.distribute strategy: each replica takes an equal slice of the batch's rows."""

    def __init__(self, strategy: tf.distribute.Strategy, name: str, workers: int = 1, worker: int = 0):
        """`workers` processes see the same batch; this one takes the slices of its own replicas."""
        self.strategy, self.name = strategy, name
        self.replicas = strategy.num_replicas_in_sync
        self.workers, self.worker = workers, worker
        self.chief = worker == 0

    def scope(self):
        """Return the strategy's scope."""
        return self.strategy.scope()

    def compile(self, step, jit=False, times=1, names=()):
        """Return a graph that runs `step` on each replica and sums what comes back."""
        # The all-reduce has no place inside an XLA cluster on CPUs, so `jit` is left to the TPUs' own compiler.
        return _distributed(self.strategy, step, times, names)

    def run(self, step, batch):
        """Cut the batch's rows into equal slices, one a replica, and run the step on them."""
        rows = len(next(iter(batch.values())))
        if rows % self.replicas:
            raise ConfigurationError(f'{rows} rows a batch cannot be shared by {self.replicas} replicas; '
                                     'choose a batch size that they divide')
        size = rows // self.replicas
        local = self.replicas // self.workers

        def part(context):
            first = (self.worker * local + context.replica_id_in_sync_group % local) * size
            return {key: tf.constant(value[first:first + size]) for key, value in batch.items()}
        sums = step(self.strategy.experimental_distribute_values_from_function(part))
        return {key: value.numpy() for key, value in sums.items()}

    def sum_gradients(self, gradients):
        """All-reduce inside the replica context."""
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)


class ParameterServer(OneDevice):
    """Variables on parameter servers, steps scheduled on workers by a coordinator (this process).

    One step at a time is in flight, so that the run is the one-device run: what this buys is variables that
    survive a lost worker, whose step the coordinator gives to another.
    """

    name = 'parameter-server'

    def __init__(self, resolver):
        """Connect to the cluster that TF_CONFIG describes."""
        self.strategy = tf.distribute.ParameterServerStrategy(resolver)
        self.coordinator = tf.distribute.coordinator.ClusterCoordinator(self.strategy)

    def scope(self):
        """Return the strategy's scope."""
        return self.strategy.scope()

    def compile(self, step, jit=False, times=1, names=()):
        """Return a graph that a worker runs."""
        return _distributed(self.strategy, step, times, names)

    def run(self, step, batch):
        """Schedule the step on whichever worker is free and wait for it."""
        tensors = {key: tf.constant(value) for key, value in batch.items()}
        return {key: np.asarray(value) for key, value in
                self.coordinator.schedule(step, args=(tensors,)).fetch().items()}


def _distributed(strategy, step, times, names):
    """Return a graph of a batch that runs `step` on every replica and sums what comes back, `times` times."""
    inner = step if times == 1 else _nth(step)

    def summed(*given):
        return {key: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
                for key, value in strategy.run(inner, args=given).items()}
    return tf.function(summed if times == 1 else _repeated(summed, times, names), autograph=False)


def _nth(step):
    """Return a function of arrays [B, times, ...] and a number that takes the step on the batch of that number."""
    return lambda batch, number: step({key: value[:, number] for key, value in batch.items()})


def _repeated(step, times, names):
    """Return a function of a batch that adds up `step(batch, number)` over the numbers, in order."""
    def take(number, totals, batch):
        sums = step(batch, number)
        return number + 1, {name: totals[name] + tf.cast(sums[name], tf.float32) for name in names}

    def several(batch):
        return tf.while_loop(lambda number, _: number < times, lambda number, totals: take(number, totals, batch),
                             (tf.constant(0), {name: tf.constant(0.0) for name in names}))[1]
    return several


def open_strategy(name: str = 'auto', tpu: str = '') -> OneDevice:
    """Return the strategy of that name; ConfigurationError says what is missing for it."""
    if name not in NAMES:
        raise ConfigurationError(f'strategy {name!r}: expected one of {", ".join(NAMES)}')
    cluster = _cluster()
    if name == 'auto':
        name = _automatic(cluster, tpu)
    if name == 'one':
        return OneDevice()
    if name == 'mirrored':
        devices = tf.config.list_logical_devices('GPU') or tf.config.list_logical_devices('CPU')
        return Replicated(tf.distribute.MirroredStrategy([d.name for d in devices]), 'mirrored')
    if name == 'tpu':
        return _open_tpu(tpu)
    if not cluster:
        raise ConfigurationError(f'strategy {name!r} needs TF_CONFIG: JSON with "cluster" (task type -> host:port '
                                 'list) and "task" (type, index); see training/README.md')
    if name == 'multiworker':
        workers = [*cluster['cluster'].get('chief', []), *cluster['cluster'].get('worker', [])]
        task = cluster['task']
        index = task['index'] + (task['type'] == 'worker' and 'chief' in cluster['cluster'])
        return Replicated(tf.distribute.MultiWorkerMirroredStrategy(), 'multiworker', len(workers), index)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if resolver.task_type in ('worker', 'ps'):
        serve(resolver)
    return ParameterServer(resolver)


def serve(resolver) -> None:
    """Be a worker or parameter server until the process is ended."""
    server = tf.distribute.Server(resolver.cluster_spec(), job_name=resolver.task_type,
                                  task_index=resolver.task_id, protocol='grpc', start=True)
    server.join()


def _cluster():
    raw = os.environ.get('TF_CONFIG', '')
    if not raw:
        return None
    try:
        config = json.loads(raw)
        if isinstance(config['cluster'], dict) and {'type', 'index'} <= set(config['task']):
            return config
    except (ValueError, KeyError, TypeError):
        pass
    raise ConfigurationError('TF_CONFIG is not JSON with "cluster" and "task" (type, index)')


def _automatic(cluster, tpu):
    if tpu or os.environ.get('TPU_NAME') or _tpu_on_board():
        return 'tpu'
    if cluster:
        return 'parameter-server' if 'ps' in cluster['cluster'] else 'multiworker'
    return 'mirrored' if len(tf.config.list_physical_devices('GPU')) > 1 else 'one'


def _tpu_on_board(devices: Path = Path('/sys/bus/pci/devices')) -> bool:
    """Return whether this machine has TPU chips: a TPU VM shows them as /dev/accel* or, since v5e, /dev/vfio/*."""
    for vendor in devices.glob('*/vendor'):
        with contextlib.suppress(OSError):
            if vendor.read_text().strip() == TPU_VENDOR and (
                    vendor.with_name('device').read_text().strip() in TPU_CHIPS):
                return True
    return False


def _open_tpu(name):
    """Return the TPU strategy; one clear sentence where there is none (raw: ValueError, URLError or a hang)."""
    if not name and not _tpu_on_board():
        name = os.environ.get('TPU_NAME', '')
        if not name:
            raise ConfigurationError('no TPU here: run this on a Cloud TPU VM, or name one with --tpu')
    if name.startswith('grpc://') and not (_answers(name) and _connects(name)):
        raise ConfigurationError(f'{name}: no TPU answers there; check the address and that the TPU is running')
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE_S)  # the resolver asks Google's metadata server about a name, without any
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name or 'local')
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return Replicated(tf.distribute.TPUStrategy(resolver), 'tpu')
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        reason = f'{type(error).__name__}: {(str(error).splitlines() or [""])[0][:200]}'
        raise ConfigurationError(f'no usable TPU {name or "on this machine"}: {reason}') from None
    finally:
        socket.setdefaulttimeout(before)


def _connects(address):
    """Return whether TensorFlow's cluster can be reached at an address: asked by a process that can be stopped."""
    code = ('import sys, tensorflow as tf; tf.config.experimental_connect_to_cluster('
            'tf.distribute.cluster_resolver.TPUClusterResolver(tpu=sys.argv[1]))')
    try:
        return not subprocess.run([sys.executable, '-c', code, address], timeout=CONNECT_S, check=False,
                                  capture_output=True).returncode
    except subprocess.TimeoutExpired:
        return False


def _answers(address):
    """Return whether a gRPC server is at grpc://HOST:PORT: what else listens there would leave TensorFlow waiting."""
    host, _, port = address.removeprefix('grpc://').partition(':')
    try:
        with socket.create_connection((host, int(port or 8470)), timeout=PATIENCE_S) as connection:
            connection.sendall(HTTP2_HELLO)
            return connection.recv(9)[3:4] == HTTP2_SETTINGS
    except (OSError, ValueError):
        return False
