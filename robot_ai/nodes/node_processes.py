"""The nodes as processes of their own, as the launch file runs them, for measurements: started, awaited, ended.

Each node's output goes into a file of its own; where one does not start, the error names it and shows its last words.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters

from robot_ai.errors import ConfigurationError
from robot_ai.nodes.assembly import MANAGED

READY_WAIT = 240.0  # s that a node may take to start on a busy machine
ASK_AGAIN = 5.0  # s after which a question that a node has not answered is asked anew
END_WAIT = 20.0  # s given to a node to end after SIGINT
# PR_SET_PDEATHSIG: where the measurement is killed, its nodes must not go on by themselves.
MAIN = """import ctypes, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGINT)
from robot_ai.nodes.{name} import main
sys.exit(main())"""
LOG_HEAD = re.compile(r'^\[\w+\] \[[\d.]+\] \[[^\]]*\]: ')


class NodeProcesses:
    """Node processes in one ROS domain; use it as a context manager, which ends them."""

    def __init__(self, domain: int, params_files=(), log_level: str = 'warn'):
        """`params_files` and `log_level` are given to every node."""
        self._arguments = [part for file in params_files for part in ('--params-file', str(file))]
        self._arguments += ['--log-level', log_level]
        self._environment = {**os.environ, 'ROS_DOMAIN_ID': str(domain), 'PYTHONUNBUFFERED': '1'}
        self._folder = tempfile.TemporaryDirectory(prefix='robot_ai_')
        self._processes, self._begun, self.cold_start = {}, {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        self._folder.cleanup()

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by node."""
        return {name: process.pid for name, process in self._processes.items()}

    def start(self, name: str, **parameters):
        """Start a node, with `autostart` where it has a lifecycle."""
        arguments = ['--ros-args', *self._arguments, '-p', 'autostart:=true']
        for key, value in parameters.items():
            arguments += ['-p', f'{key}:={_yaml(value)}']
        code = MAIN.format(name=name)
        with open(self._file(name), 'wb') as output:
            self._begun[name] = time.monotonic()
            self._processes[name] = subprocess.Popen(
                [sys.executable, '-c', code, *arguments], stdout=output, stderr=subprocess.STDOUT,
                env=self._environment, start_new_session=True)

    def wait_ready(self, node, executor):
        """Wait until every node answers, and is active where it has a lifecycle; `cold_start` then holds s by node.

        `node` asks and `executor` spins it. ConfigurationError names a node that does not come up, and why.
        """
        asked = {name: _Question(node, name) for name in self._processes}
        while waiting := [question for question in asked.values() if not question.answered]:
            executor.spin_once(timeout_sec=0.02)
            for question in waiting:
                name = question.name
                question.ask()
                if question.answered:
                    self.cold_start[name] = question.answered - self._begun[name]
                elif self._processes[name].poll() is not None:
                    raise ConfigurationError(f'{name} ended at start: {self.last_words(name)}')
                elif time.monotonic() - self._begun[name] > READY_WAIT:
                    raise ConfigurationError(f'{name} did not start within {READY_WAIT:.0f} s: '
                                             f'{self.last_words(name)}')
        for name, question in asked.items():
            question.destroy()
            if question.state not in ('', 'active'):
                raise ConfigurationError(
                    f'{name} does not run: {self.last_words(name).removeprefix("configure failed: ")}')

    def check_alive(self):
        """Raise ConfigurationError where a node has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise ConfigurationError(f'{name} ended with status {process.returncode}: {self.last_words(name)}')

    def end_one(self, name: str) -> int:
        """Interrupt one node, wait for its end and forget it; return its exit status."""
        process = self._processes.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        return _ended(process)

    def last_words(self, name: str) -> str:
        """Return the last line that a node printed, without the head of a log line."""
        lines = self.output(name).strip().splitlines()
        return LOG_HEAD.sub('', lines[-1]) if lines else 'it printed nothing'

    def output(self, name: str) -> str:
        """Return all that a node printed."""
        return self._file(name).read_text(encoding='utf-8', errors='replace')

    def end(self) -> dict[str, int]:
        """Interrupt every node and return the exit statuses; one that hangs is killed."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        return {name: _ended(process) for name, process in self._processes.items()}

    def _file(self, name):
        return Path(self._folder.name) / f'{name}.log'


class _Question:
    """Asks a node something that it answers once it spins: a lifecycle node its state, another a parameter."""

    def __init__(self, node, name):
        self.name, self.answered, self.state = name, 0.0, ''
        self._node, self._future, self._asked = node, None, 0.0
        self._managed = name in MANAGED
        kind, service = (GetState, 'get_state') if self._managed else (GetParameters, 'get_parameters')
        self._request = kind.Request() if self._managed else kind.Request(names=['use_sim_time'])
        self._client = node.create_client(kind, f'{name}/{service}')

    def ask(self):
        if self._future is not None and self._future.done():
            self.answered = time.monotonic()
            self.state = self._future.result().current_state.label if self._managed else ''
        elif self._client.service_is_ready() and time.monotonic() - self._asked > ASK_AGAIN:
            self._asked = time.monotonic()
            self._future = self._client.call_async(self._request)

    def destroy(self):
        self._node.destroy_client(self._client)


def _ended(process):
    try:
        return process.wait(END_WAIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _yaml(value):  # a JSON value is a YAML value
    return json.dumps(value)
