"""Feed changed input to everything that takes input, and stop at the first thing that is no RobotAIError.

    python test/fuzz/fuzz.py --cases 1000000              all targets, by their shares, each in a process of its own
    python test/fuzz/fuzz.py --cases 5000 image bag       these only
    python test/fuzz/fuzz.py --only 4711 image            the case of that number alone

A case may take 20 s of processor time and its process 1.5 GB more than at its begin; more is a fault too. Prints a line
a target: cases, refused ones, seconds of processor time, growth of memory.
"""
import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # `training` is not installed

from fuzz_targets import TARGETS, make  # noqa: E402
from mutations import Mutator  # noqa: E402

from robot_ai.errors import RobotAIError  # noqa: E402

NODES = {'state_machine': 30, 'web': 30, 'performer': 10, 'speaker': 10, 'speech_to_text': 40,
         'character_recognizer': 30, 'bag_player': 5}
SHARES = {name: share for name, (_, share) in TARGETS.items()}
SHARES |= {f'node {name}': share for name, share in NODES.items()}
CASE_CPU = 20.0  # s
MEMORY = 1_500_000_000  # bytes more than at the begin
GROWTH = 150_000_000  # bytes that may be kept after all cases: caches, the allocator's own
WARM_UP = 200  # cases before which memory is not compared


class Fault(Exception):
    """A case brought what it must not."""


def run(name: str, cases: range, seed: str = '0', folder: Path | None = None) -> dict:
    """Run cases of one target in this process; Fault tells the first that fails, and how to have it again."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # NumPy on NaN; nothing of ours is told by warnings
        case_of = make(name, (folder or Path(scratch)) / name.replace(' ', '_'))
        begun, refused, kept = time.process_time(), 0, 0
        previous = signal.signal(signal.SIGPROF, _too_long)
        try:
            for number in cases:
                signal.setitimer(signal.ITIMER_PROF, CASE_CPU)
                try:
                    case_of(Mutator(f'{seed}/{name}/{number}'))
                except RobotAIError as error:
                    refused += 1
                    str(error).encode('utf-8', 'backslashreplace')
                except MemoryError:
                    raise Fault(f'{name}: case {number} takes more memory than {MEMORY} bytes') from None
                except Exception as error:
                    raise Fault(f'{name}: case {number}, seed {seed}: {type(error).__name__}: {error}') from error
                if number - cases.start == WARM_UP:
                    kept = _resident()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, previous)
            getattr(case_of, 'close', lambda: None)()
    growth = max(0, _resident() - kept) if kept else 0
    if growth > GROWTH:
        raise Fault(f'{name}: memory grew by {growth / 1e6:.0f} MB over {len(cases)} cases')
    return {'cases': len(cases), 'refused': refused, 'cpu_s': time.process_time() - begun, 'growth': growth}


def _too_long(number, frame):
    raise Fault(f'one case takes more than {CASE_CPU:g} s of processor time, at '
                f'{frame.f_code.co_filename}:{frame.f_lineno}')


def _resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def _alone(name, cases, first, seed):
    """Run a target in a process of its own: a crash of a library shows as its exit status."""
    command = [sys.executable, '-X', 'faulthandler', __file__, '--here', '--cases', str(cases), '--first', str(first),
               '--seed', seed, name]
    return subprocess.run(command, text=True, capture_output=True)


def main(arguments=None) -> int:
    """Run the command; 0 where no fault was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('targets', nargs='*', metavar='TARGET', help=f'of: {", ".join(SHARES)}')
    parser.add_argument('--cases', type=int, default=10_000, help='of all targets together (default: %(default)s)')
    parser.add_argument('--seed', default='0')
    parser.add_argument('--first', type=int, default=0, help='number of the first case')
    parser.add_argument('--only', type=int, help='run this case alone')
    parser.add_argument('--here', action='store_true', help='in this process')
    options = parser.parse_args(arguments)
    names = options.targets or list(SHARES)
    unknown = set(names) - set(SHARES)
    if unknown:
        parser.error(f'no such target: {", ".join(sorted(unknown))}')
    if options.only is not None:
        print(run(names[0], range(options.only, options.only + 1), options.seed))
        return 0
    if options.here:
        resource.setrlimit(resource.RLIMIT_DATA, (_resident() + 2 * MEMORY, resource.RLIM_INFINITY))
        done = run(names[0], range(options.first, options.first + options.cases), options.seed)
        print(f'{names[0]:<28}{done["cases"]:>9} cases {done["refused"]:>9} refused {done["cpu_s"]:>9.1f} s CPU '
              f'{done["growth"] / 1e6:>7.1f} MB growth')
        return 0
    whole, status, total = sum(SHARES[name] for name in names), 0, 0
    for name in names:
        cases = max(1, round(options.cases * SHARES[name] / whole))
        done = _alone(name, cases, options.first, options.seed)
        if done.returncode:
            status = 1
            print(f'{name}: ended with {done.returncode}\n{done.stderr[-3000:]}', flush=True)
        else:
            total += cases
            print(done.stdout.strip(), flush=True)
    print(f'{total} cases without a fault, {"and some with" if status else "none with"}')
    return status


if __name__ == '__main__':
    sys.exit(main())
