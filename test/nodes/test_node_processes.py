"""Nodes as processes: awaited until they answer, ended with the measurement even where that is killed, faults named."""
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytest.importorskip('rclpy')

from robot_ai.errors import ConfigurationError  # noqa: E402
from robot_ai.nodes.node_processes import NodeProcesses  # noqa: E402

pytestmark = pytest.mark.ros
DEADLINE = 120.0  # s; it bounds a failure, it measures nothing
DOMAIN = int(os.environ['ROS_DOMAIN_ID'])
MEASUREMENT = """
import time
import rclpy
from test_node_processes import Asking, NodeProcesses
rclpy.init()
asking = Asking()
with NodeProcesses({domain}) as processes:
    processes.start('speaker', backend='none')
    processes.wait_ready(asking.node, asking.executor)
    print(processes.pids['speaker'], flush=True)
    time.sleep(600)
"""


class Asking:
    """An executor for one node, spun by hand as the measurements do."""

    def __init__(self):
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        self.executor, self.node = SingleThreadedExecutor(), Node('asking')
        self.executor.add_node(self.node)

    def close(self):
        self.node.destroy_node()
        self.executor.shutdown(timeout_sec=0)


@pytest.fixture
def asking(ros):
    asking = Asking()
    yield asking
    asking.close()


def test_a_node_is_awaited_until_it_answers_and_ends_cleanly(asking):
    with NodeProcesses(DOMAIN) as processes:
        processes.start('speaker', backend='none')
        processes.wait_ready(asking.node, asking.executor)
        processes.check_alive()
        assert processes.cold_start['speaker'] > 0 and psutil.pid_exists(processes.pids['speaker'])
        assert processes.end_one('speaker') == 0 and not processes.pids


def test_one_that_does_not_come_up_is_named_with_its_reason(asking):
    with NodeProcesses(DOMAIN) as processes:
        processes.start('speaker', backend='loudhailer')
        with pytest.raises(ConfigurationError, match='^speaker ended at start: .*loudhailer.* is none of'):
            processes.wait_ready(asking.node, asking.executor)


def test_nodes_do_not_outlive_a_measurement_that_is_killed():
    measurement = subprocess.Popen([sys.executable, '-c', MEASUREMENT.format(domain=DOMAIN)], stdout=subprocess.PIPE,
                                   text=True, env={**os.environ, 'PYTHONPATH': str(Path(__file__).parent)})
    speaker = psutil.Process(int(measurement.stdout.readline()))
    try:
        measurement.kill()
        measurement.wait()
        end = time.monotonic() + DEADLINE
        while speaker.is_running() and speaker.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end, 'the node goes on though its measurement was killed'
            time.sleep(0.05)
    finally:
        if speaker.is_running() and speaker.status() != psutil.STATUS_ZOMBIE:
            speaker.kill()
