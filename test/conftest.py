"""Fixtures for every test: a ROS domain of one's own, and the shared data where it lies beside the checkout."""
import os
import signal

import pytest
from shared_data_fixture import shared_data  # noqa: F401

# Before rclpy is imported anywhere: this machine only, and one domain a pytest worker.
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
_WORKER = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])
os.environ['ROS_DOMAIN_ID'] = str(20 + (os.getpid() * 7 + _WORKER) % 80)

# A shell's background job ignores SIGINT, and so would every process that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def ros():
    """Initialise rclpy for one test and shut it down after it; skipped where rclpy is absent."""
    rclpy = pytest.importorskip('rclpy')
    rclpy.init()
    yield rclpy
    if rclpy.ok():
        rclpy.shutdown()
