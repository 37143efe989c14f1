"""Soak: the whole assistant on a bag that loops, with pages looking on, for hours; what grows, slows or is lost?

    make soak                  # 2 h
    make soak HOURS=8
    python test/system/soak.py --hours 0.2

Every node is a process of its own. Prints a table and exits 1 where resident memory, threads or file descriptors of a
node grow (the slope's 95 % interval, over the time measured, lies above a tolerance), where the last quarter's finals
come later than the first one's, or where a transcript was lost or doubled. The first part of the time (WARM_UP) is not
measured: allocators fill. Sound and images are sent reliably, so a loss would be the assistant's.
"""
import argparse
import asyncio
import os
import random
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent.parent
sys.path += [str(CHECKOUT / 'test' / 'web'), str(CHECKOUT)]
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

from robot_ai.errors import RobotAIError  # noqa: E402
from robot_ai.figures import slope, table  # noqa: E402
from robot_ai.load import LoadWatch  # noqa: E402
from robot_ai.paths import share_directory  # noqa: E402
from robot_ai.testing import load_outcome  # noqa: E402

NODES = ('speaker', 'performer', 'state_machine', 'speech_to_text', 'character_recognizer', 'web')
PAGES = 20
TAIL = 3.0  # s between two rounds
WRITE_EVERY = 30.0  # s between two sevens that a page writes
LOOK_EVERY = 5.0  # s between two looks at the processes
WARM_UP, LONGEST_WARM_UP = 0.15, 900.0  # share of the time, s
LAST_MESSAGES = 5.0  # s for what is under way at the end
NEAR = 2.0  # s that a transcript may begin off the time expected and still be that utterance: they are 5 s apart
STAMP_OFF = 0.1  # s; a stamp farther off is counted
MOST_BEHIND = 10.0  # s that the recogniser may be behind; with more, one round's sound gets the next one's stamps
CATCH_UP = 120.0  # s that the recogniser may take to come to the end of the last round
TOLERANCES = {  # quantity -> (growth over the time measured that is let pass, the same an hour; the larger counts)
    'resident MB': (3.0, 1.5), 'threads': (0.5, 0.1), 'descriptors': (1.0, 0.2)}
LATER_MS = 50.0  # of the last quarter's median, beyond its interval, that is let pass


@dataclass
class Heard:
    """Finals by round of the bag. `expected`: s from the start of the bag at which its utterances begin."""

    expected: tuple[float, ...]
    finals: list[tuple[int, float, str]] = field(default_factory=list)  # round, s from the bag's start, text
    off: int = 0  # stamps farther off than STAMP_OFF, after lost_and_doubled

    def add(self, number: int, start: float, text: str):
        """Note a final of the round `number` that begins `start` s after the bag's start."""
        self.finals.append((number, start, text))

    def lost_and_doubled(self, rounds: int) -> tuple[list[str], list[str]]:
        """Return what the first `rounds` rounds lack, and what they have twice, as 'round N: at S s'."""
        lost, doubled, self.off = [], [], 0
        for number in range(rounds):
            starts = [start for at, start, _ in self.finals if at == number]
            for start, count in Counter(round(start, 3) for start in starts).items():
                if count > 1:
                    doubled.append(f'round {number}: {count} times the stamp {start:.2f} s')
            for wanted in self.expected:
                near = {round(start, 3) for start in starts if abs(start - wanted) <= NEAR}
                self.off += any(abs(start - wanted) > STAMP_OFF for start in near)
                if not near:
                    lost.append(f'round {number}: at {wanted:.2f} s')
                elif len(near) > 1:
                    doubled.append(f'round {number}: at {wanted:.2f} s')
        return lost, doubled


def grows(quantity: str, times, values) -> tuple[str, bool]:
    """Return a cell 'mean, growth over the time [its 95 % interval]' and whether it is more than is let pass."""
    span = (times[-1] - times[0]) / 3600  # h
    rise, low, high = (each * span for each in slope(np.asarray(times) / 3600, values))
    fixed, hourly = TOLERANCES[quantity]
    return f'{np.mean(values):.1f} {rise:+.2f} [{low:+.2f} {high:+.2f}]', low > max(fixed, hourly * span)


def later(first, last, seed: int = 0) -> tuple[float, float, float]:
    """Return how much later the median of `last` is than that of `first` (ms), and its 95 % bootstrap interval."""
    random_ = np.random.default_rng(seed)
    medians = [np.median(random_.choice(values, (2000, len(values))), axis=1) for values in (first, last)]
    low, high = np.percentile(medians[1] - medians[0], (2.5, 97.5))
    return float(np.median(last) - np.median(first)), float(low), float(high)


class Listener:
    """Follows /clock through the rounds and notes finals, with how long each took after the sound that ends it.

    A final belongs to the round of the sound consumed (`audio/progress`), `heard_round`: on a busy machine the
    recogniser may be behind by more than what is left of a round.
    """

    def __init__(self, node, start_ns, period, expected):
        """`start_ns`: the bag's start; `period`: s of a round; `expected`: s at which its utterances begin."""
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from rosgraph_msgs.msg import Clock
        from std_msgs.msg import Header, String

        from robot_ai.nodes.common import RESULT_QOS
        self.heard, self.round, self.delays, self.counts = Heard(expected), -1, [], {}
        self.heard_round, self._consumed, self.behind = 0, 0, 0.0
        self._period = period
        self._start, self._clock, self._clock_at = start_ns, None, 0.0
        self._finals = []
        node.create_subscription(Clock, '/clock', self._on_clock, QoSProfile(
            depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
        node.create_subscription(String, 'transcript/detail', self._on_final, RESULT_QOS)
        node.create_subscription(Header, 'audio/progress', self._on_progress, RESULT_QOS)
        from diagnostic_msgs.msg import DiagnosticArray
        node.create_subscription(DiagnosticArray, 'diagnostics', self._on_diagnostics, 50)

    def _on_clock(self, message):
        now = message.clock.sec * 10**9 + message.clock.nanosec
        if self._clock is None or now < self._clock - 10**9:
            self.round += 1
        self._clock, self._clock_at = now, time.monotonic()

    def _now(self):
        """Return the bag's time in ns, between two /clock too."""
        return self._clock + round((time.monotonic() - self._clock_at) * 1e9)

    def _on_final(self, message):
        from robot_ai.payloads import TranscriptDetail
        detail = TranscriptDetail.from_json(message.data)
        if detail.source == 'microphone' and self._clock is not None:
            self.heard.add(self.heard_round, (detail.stamp.ns - self._start) / 1e9, detail.text)
            self._finals.append(self._now())

    def _on_progress(self, message):
        if self._clock is None:
            return
        consumed = message.stamp.sec * 10**9 + message.stamp.nanosec
        if consumed < self._consumed - 5 * 10**9:
            self.heard_round += 1
        self._consumed = consumed
        behind = (self._now() - consumed) / 1e9 % self._period  # the clock may be in the next round already
        self.behind = max(self.behind, behind if behind < self._period - 2 else 0.0)  # or not quite here: no delay
        self.delays += [(time.monotonic(), (at - consumed) / 1e6) for at in self._finals]
        self._finals = []

    def _on_diagnostics(self, message):
        for status in message.status:
            self.counts[status.name.rpartition('/')[2]] = {pair.key: pair.value for pair in status.values}


class Pages:
    """The pages' clients, in a thread of their own."""

    def __init__(self, port, count):
        self._port, self._count, self.connected, self.results, self.error = port, count, 0, [], None
        self._loop, self._ended = asyncio.new_event_loop(), None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        from visitors import visitor

        def opened():
            self.connected += 1

        async def visit():
            self._ended = asyncio.Event()
            return await asyncio.gather(*(visitor(self._port, number, self._ended, WRITE_EVERY, opened)
                                          for number in range(self._count)))
        try:
            self.results = self._loop.run_until_complete(visit())
        except Exception as error:  # whatever it is, a page that fails is a finding
            self.error = error

    def end(self):
        """Close the pages; `results` then holds (transcripts seen, sevens read) of each."""
        if self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def main(arguments=None) -> int:
    """Run the soak; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hours', type=float, default=2.0)
    parser.add_argument('--pages', type=int, default=PAGES)
    parser.add_argument('--keep', default='', metavar='FILE.csv', help='write every sample of the processes there')
    options = parser.parse_args(arguments)
    try:
        return soak(options.hours * 3600, options.pages, options.keep)
    except RobotAIError as error:
        print(f'soak: {error}', file=sys.stderr)
        return 1


def soak(seconds: float, pages: int, keep: str = '') -> int:
    """Run the assistant for about so long (whole rounds of the bag), print what came of it, return the exit status.

    `keep` is a file that every sample of the processes is written to.
    """
    import rclpy
    from rclpy.context import Context
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node

    from robot_ai.bags import Bag
    from robot_ai.nodes.node_processes import NodeProcesses
    demo = share_directory() / 'config' / 'demo'
    with Bag(demo / 'demo.mcap') as bag:
        start_ns, period = bag.start_ns, bag.duration + TAIL
    expected = tuple(t.start for t in load_outcome(demo / 'expected.yaml').transcripts)
    domain = int(os.environ.get('ROS_DOMAIN_ID') or random.randint(1, 100))
    context = Context()
    rclpy.init(args=['--ros-args', '--log-level', 'error'], context=context, domain_id=domain)
    executor = SingleThreadedExecutor(context=context)
    node = Node('soak', context=context)
    executor.add_node(node)
    port, clients = free_port(), None
    try:
        with NodeProcesses(domain, [share_directory() / 'config' / 'default.yaml']) as processes:
            given = {'speaker': {'backend': 'none'}, 'web': {'port': port}}
            for name in NODES:
                processes.start(name, use_sim_time=True, reliable=True, **given.get(name, {}))
            processes.wait_ready(node, executor)
            clients = Pages(port, pages)
            until(lambda: clients.connected == pages or clients.error, executor, 120, 'the pages')
            listener = Listener(node, start_ns, period, expected)
            processes.start('bag_player', bag=str(demo / 'demo.mcap'), loop=True, reliable=True, tail=TAIL)
            until(lambda: listener.round >= 0, executor, 120, 'the bag player')
            watch = LoadWatch(processes.pids)
            begun = time.monotonic()
            next_look, last_round = begun, None
            while last_round is None or listener.round < last_round:
                executor.spin_once(timeout_sec=0.5)
                now = time.monotonic()
                if now >= next_look:
                    next_look += LOOK_EVERY
                    watch.look()
                    processes.check_alive()
                if last_round is None and now - begun >= seconds:
                    last_round = listener.round + 1
            until(lambda: listener.heard_round >= last_round, executor, CATCH_UP)
            rounds = listener.heard_round
            processes.end_one('bag_player')
            until(lambda: False, executor, LAST_MESSAGES)
            clients.end()
            if keep:
                Path(keep).write_text('\n'.join(['node,s,cpu_s,resident,threads,descriptors', *(
                    f'{name},{s.time - begun:.1f},{s.cpu:.2f},{s.resident},{s.threads},{s.descriptors}'
                    for name, samples in watch.samples.items() for s in samples)]) + '\n')
            return judged(watch, listener, clients, rounds, last_round, begun)
    finally:
        if clients is not None:
            clients.end()
        executor.shutdown(timeout_sec=0)
        rclpy.try_shutdown(context=context)


def until(condition, executor, seconds, what=''):
    """Spin until `condition()`, `seconds` at most; RobotAIError names `what` did not come, where that is given."""
    end = time.monotonic() + seconds
    while not condition():
        executor.spin_once(timeout_sec=0.1)
        if time.monotonic() > end:
            if what:
                raise RobotAIError(f'waited {seconds:.0f} s in vain for {what}')
            return


def judged(watch, listener, clients, rounds, played, begun) -> int:
    """Print the table and the verdicts; return 1 where one is bad.

    `rounds` of the bag were heard to their end, of `played`; `begun`: s (monotonic) of the first look.
    """
    bad, rows = [], [('node', 'CPU %', *(f'{quantity} mean, growth [95 %]' for quantity in TOLERANCES))]
    lasted = time.monotonic() - begun
    warm = begun + min(LONGEST_WARM_UP, WARM_UP * lasted)
    for name, samples in watch.samples.items():
        samples = [sample for sample in samples if sample.time >= warm]
        times = [sample.time for sample in samples]
        cells = []
        for quantity, values in (('resident MB', [s.resident / 1e6 for s in samples]),
                                 ('threads', [s.threads for s in samples]),
                                 ('descriptors', [s.descriptors for s in samples])):
            cell, too_much = grows(quantity, times, values)
            cells.append(cell)
            if too_much:
                bad.append(f'{name}: {quantity} grow: {cell}')
        rows.append((name, f'{100 * watch.cpu_seconds(name) / watch.seconds(name):.1f}', *cells))
    print(f'{lasted / 60:.1f} min, {rounds} whole rounds of the bag, the first {(warm - begun) / 60:.1f} min not '
          f'measured; growth is over the {(times[-1] - times[0]) / 60:.1f} min measured\n')
    print(table(rows))
    first, last = (quarter(listener.delays, warm, begun + lasted, number) for number in (0, 3))
    if first and last:
        shift, low, high = later(first, last)
        print(f'\nfinal after the sound that ends it: median {np.median(first):.0f} ms in the first quarter '
              f'({len(first)}), {np.median(last):.0f} ms in the last ({len(last)}): {shift:+.0f} ms '
              f'[{low:+.0f} {high:+.0f}]; p95 {np.percentile(first, 95):.0f} and {np.percentile(last, 95):.0f} ms')
        busy = [watch.others_share(*quarter_bounds(warm, begun + lasted, number)) for number in range(4)]
        print(f'cores that everything else on this machine kept busy, by quarter: {np.round(busy, 2).tolist()}')
        if low > LATER_MS:
            bad.append(f'finals came later at the end: by {shift:.0f} ms')
    else:
        bad.append('too few finals to compare the quarters')
    lost, doubled = listener.heard.lost_and_doubled(rounds)
    heard, told = len(listener.heard.finals), int(listener.counts.get('speech_to_text', {}).get('utterances', -1))
    print(f'transcripts: {len(listener.heard.expected) * rounds} expected in {rounds} rounds, {len(lost)} lost, '
          f'{len(doubled)} doubled, {listener.heard.off} stamps off by over {STAMP_OFF:g} s; {told} published, {heard} '
          'received')
    if rounds < played:
        bad.append(f'the recogniser heard only {rounds} of {played} rounds to their end, though {CATCH_UP:.0f} s were '
                   'left to it: the machine was too busy')
    if told != heard:
        bad.append(f'{told} transcripts were published, {heard} received')
    print(f'the recogniser was behind the sound by at most {listener.behind:.1f} s')
    if listener.behind > MOST_BEHIND:
        bad.append(f'the recogniser was behind by {listener.behind:.0f} s: the machine was too busy for real time, and '
                   'what was lost or doubled cannot be told; run it on an idle one')
    else:
        bad += [f'lost: {each}' for each in lost] + [f'doubled: {each}' for each in doubled]
    if clients.error:
        bad.append(f'a page failed: {clients.error!r}')
    for number, (seen, _) in enumerate(clients.results):
        if seen != heard:
            bad.append(f'page {number} was shown {seen} of {heard} transcripts')
    print(f'pages: {len(clients.results)}, each shown {heard} transcripts unless said below; '
          f'{sum(read for _, read in clients.results)} sevens written and read back')
    errors = {name: values['last_error'] for name, values in listener.counts.items() if values.get('last_error')}
    for name, error in errors.items():
        print(f'{name} said: {error}')
    print('\n'.join(['', *(f'BAD: {each}' for each in bad)] if bad else ['', 'nothing grows, slows, or is lost']))
    return bool(bad)


def quarter(delays, begin, end, number) -> list[float]:
    """Return the delays (ms) of one quarter, 0 to 3, of the time from `begin` to `end`."""
    low, high = quarter_bounds(begin, end, number)
    return [delay for at, delay in delays if low <= at < high]


def quarter_bounds(begin, end, number) -> tuple[float, float]:
    """Return where a quarter of the time from `begin` to `end` begins and ends."""
    return tuple(begin + (end - begin) * part / 4 for part in (number, number + 1))


if __name__ == '__main__':
    sys.exit(main())
