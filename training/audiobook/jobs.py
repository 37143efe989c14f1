"""Many files to make, some of which fail: skip what is made, go on after a fault, and say at the end what failed.

A result counts as made when its stamp tells the same inputs (size and time of change) and options; it is written
whole or not at all, so that the next call goes on wherever this one was stopped.
"""
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from robot_ai.errors import RobotAIError
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
        return f'{job.name}: {error or type(error).__name__}'


def run_jobs(jobs: Sequence[Job], title: str, workers: int = 1) -> list[str]:
    """Run what is not made yet, with a progress bar; return the faults, each naming its file."""
    waiting = [job for job in jobs if not job.is_made()]
    faults = []
    with tqdm(total=len(jobs), initial=len(jobs) - len(waiting), desc=title, unit='file',
              disable=None) as bar:
        for fault in _results(waiting, workers):
            if fault:
                faults.append(fault)
                tqdm.write(f'failed: {fault}', file=sys.stderr)
            bar.update()
    return faults


def _results(jobs, workers):
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield _run(job)
        return
    # Fresh processes: NumPy's threads and the espeak-ng library do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context('spawn'), initializer=_one_thread) as pool:
        try:
            for future in as_completed([pool.submit(_run, job) for job in jobs]):
                yield future.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread():
    os.environ['OMP_NUM_THREADS'] = '1'


def report(faults: list[str], what: str) -> int:
    """Print the list of what failed; return the exit status, 1 where there is any."""
    if faults:
        print(f'{what}: {len(faults)} failed; the rest is done, call again after mending:', file=sys.stderr)
        for fault in faults:
            print(f'  {fault}', file=sys.stderr)
    return 1 if faults else 0
