"""Many files to make, some of which fail: skip what is made, go on after a fault, and say at the end what failed.

A result counts as made when its stamp tells the same inputs (size and time of change) and options; it is written
whole or not at all, so that the next call goes on wherever this one was stopped.
"""
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

from tqdm import tqdm

from robot_ai.errors import ConfigurationError, RobotAIError
from training.audiobook.files import write_text


@dataclass(frozen=True)
class Job:
    """One result: `function(*arguments)` writes `output` from `inputs`."""

    name: str
    output: Path
    inputs: tuple[Path, ...]
    function: Callable
    arguments: tuple
    options: str = ''  # what else the result depends on

    def stamp(self) -> str:
        """Return the SHA-256 of what the result depends on."""
        facts = [self.options]
        for path in self.inputs:
            state = path.stat()
            facts.append([str(path.name), state.st_size, state.st_mtime_ns])
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def stamp_file(self) -> Path:
        """Return where the stamp of a finished result lies."""
        return self.output.parent / '.made' / (self.output.name + '.sha256')

    def is_made(self) -> bool:
        """Tell whether the result is there and of these inputs."""
        try:
            return self.output.is_file() and self.stamp_file().read_text() == self.stamp()
        except OSError:
            return False


def _run(job):
    try:
        stamp = job.stamp()
        job.function(*job.arguments)
        write_text(job.stamp_file(), stamp)
        return None
    except (RobotAIError, OSError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        return reason if reason.startswith(job.name) else f'{job.name}: {reason}'


def run_jobs(jobs: Sequence[Job], title: str, workers: int = 1, bar: bool = True) -> list[str]:
    """Run what is not made yet, with a progress bar; return the faults, each naming its file."""
    waiting = [job for job in jobs if not job.is_made()]
    faults = []
    with tqdm(total=len(jobs), initial=len(jobs) - len(waiting), desc=title, unit='file',
              disable=None if bar else True) as progress:
        for _, fault in in_processes(_run, waiting, workers):
            if fault:
                faults.append(fault)
                tqdm.write(f'failed: {fault}', file=sys.stderr)
            progress.update()
    return faults


def in_processes(function: Callable, items: Sequence, workers: int) -> Iterator[tuple]:
    """Yield (item, function(item)) as they are done, in `workers` processes (in this one, in order, if it is 1).

    Ctrl-C ends the processes at once. Raises ConfigurationError where one of them dies.
    """
    if workers <= 1 or len(items) <= 1:
        for item in items:
            yield item, function(item)
        return
    os.environ.setdefault('OMP_NUM_THREADS', '1')  # for the processes: each has one core
    # Fresh processes: NumPy's threads and the espeak-ng library do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context('spawn'), initializer=_die_at_interrupt) as pool:
        try:
            futures = {pool.submit(function, item): item for item in items}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            raise ConfigurationError('a worker process died, perhaps for want of memory: call again with fewer '
                                     '--workers; what was finished is kept') from None
        except (KeyboardInterrupt, GeneratorExit):
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():
                child.terminate()
            raise


def _die_at_interrupt():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches the whole group; only the parent speaks of it


def report(faults: list[str], what: str) -> int:
    """Print the list of what failed; return the exit status, 1 where there is any."""
    if faults:
        print(f'{what}: {len(faults)} failed; the rest is done, call again after mending:', file=sys.stderr)
        for fault in faults:
            print(f'  {fault}', file=sys.stderr)
    return 1 if faults else 0
