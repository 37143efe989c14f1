"""For the tests of faults: nodes as processes of their own that can be killed, and an observer of their topics."""
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

DEADLINE = 120.0  # s; generous, since the machine may be busy: it bounds a failure, it measures nothing
NODES_OF_TESTS = Path(__file__).resolve().parent.parent / 'nodes'

# What the console script does; with `stand_in` the recogniser of tones takes the place of the model.
MAIN = 'import sys; from robot_ai.executables import {module}; print("begun", flush=True); sys.exit({module}())'
STAND_IN = f"""
import sys
sys.path.insert(0, {str(NODES_OF_TESTS)!r})
from loudness_recognizer import LoudnessRecognizer
from robot_ai.nodes import speech_to_text
speech_to_text._default_recognizer = lambda *_: LoudnessRecognizer()
sys.exit(speech_to_text.main())
"""


class Program:
    """One node in a process of its own; what it prints is kept in a file."""

    def __init__(self, folder, module, *, stand_in=False, code='', environment=(), **parameters):
        """Start the executable of a node with `parameters`; `code` is run instead of the node's main, where given."""
        self.module, self.log = module, Path(folder) / f'{module}-{time.monotonic_ns()}.log'
        arguments = []
        for name, value in parameters.items():
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            arguments += ['-p', f'{name}:={shown}']
        command = [sys.executable, '-c', code or (STAND_IN if stand_in else MAIN.format(module=module)),
                   '--ros-args', *arguments]
        with open(self.log, 'w') as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env={
                **os.environ, 'PYTHONUNBUFFERED': '1', 'PYTHONFAULTHANDLER': '1', **dict(environment)})

    @property
    def text(self):
        """What it printed."""
        return self.log.read_text(errors='replace')

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def cpu(self):
        """Seconds of processor time spent so far."""
        fields = Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    @property
    def memory(self):
        """Resident memory in bytes."""
        pages = int(Path(f'/proc/{self.process.pid}/statm').read_text().split()[1])
        return pages * os.sysconf('SC_PAGE_SIZE')

    def kill(self):
        """kill -9, as the kernel does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self, number=signal.SIGINT):
        """End it by a signal, and check that it ended well."""
        self.process.send_signal(number)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f'{self.module} did not end on signal {number}:\n{self.text}')
        assert status == 0 and 'Traceback' not in self.text, f'{self.module} ended with {status}:\n{self.text}'


class Observer:
    """A node in this process that keeps what it hears, and publishes; spun by a thread."""

    def __init__(self, name='observer'):
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        self.node = Node(name)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.heard = defaultdict(list)
        self.health = {}  # name of a node -> (count of reports, newest status)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        while not self._stop.is_set():
            self.executor.spin_once(timeout_sec=0.05)

    def listen(self, kind, *topics, qos=50):
        for topic in topics:
            self.node.create_subscription(kind, topic, lambda m, kept=self.heard[topic]: kept.append(m), qos)

    def watch(self):
        """Keep the diagnostics."""
        from diagnostic_msgs.msg import DiagnosticArray
        self.node.create_subscription(DiagnosticArray, 'diagnostics', self._on_diagnostics, 50)

    def _on_diagnostics(self, array):
        for status in array.status:
            name = status.name.rpartition('/')[2]
            self.health[name] = (self.reports(name) + 1, status)

    def reports(self, name):
        return self.health.get(name, (0, None))[0]

    def values(self, name):
        """Return the values of a node's newest diagnostics, with its `level` and `message`."""
        status = self.health.get(name, (0, None))[1]
        if status is None:
            return {'level': -1, 'message': ''}
        return {'level': int.from_bytes(status.level, 'little'), 'message': status.message,
                **{pair.key: pair.value for pair in status.values}}

    def publisher(self, kind, topic, qos=50, subscribers=1):
        publisher = self.node.create_publisher(kind, topic, qos)
        self.until(lambda: publisher.get_subscription_count() >= subscribers, f'a subscriber of {topic}')
        return publisher

    @staticmethod
    def until(condition, what='the condition', programs=(), seconds=DEADLINE):
        """Wait until `condition()` holds; fail, showing what `programs` printed, where it does not in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail('\n'.join([f'waited in vain for {what}', *(p.text for p in programs)]))
            time.sleep(0.02)

    @staticmethod
    def rest(seconds):
        """Wait between two messages: what is told apart by times must not come at once."""
        time.sleep(seconds)

    def until_all_report(self, *names, times=2, programs=()):
        """Wait for `times` further diagnostics of each node: it lives and its executor turns."""
        before = {name: self.reports(name) for name in names}
        self.until(lambda: all(self.reports(n) >= before[n] + times for n in names), f'signs of life of {names}',
                   programs)

    def close(self):
        self._stop.set()
        self._thread.join(DEADLINE)
        self.executor.shutdown(timeout_sec=0)
        self.node.destroy_node()
