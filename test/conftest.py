"""Fixtures for every test: a ROS domain of one's own, and the shared data where it lies beside the checkout."""
import os
import signal
from pathlib import Path

import pytest

# Before rclpy is imported anywhere: this machine only, and one domain a pytest worker.
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
_WORKER = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])
os.environ['ROS_DOMAIN_ID'] = str(20 + (os.getpid() * 7 + _WORKER) % 80)

# A shell's background job ignores SIGINT, and so would every process that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def shared_data():
    """Return the folder of the shared data; the test is skipped, and says so, where there is none."""
    folder = CHECKOUT.parent / 'shared' / 'data'
    if not folder.is_dir():
        pytest.skip('needs the shared data beside the checkout (../shared/data)')
    return folder


@pytest.fixture
def ros():
    """Initialise rclpy for one test and shut it down after it; skipped where rclpy is absent."""
    rclpy = pytest.importorskip('rclpy')
    rclpy.init()
    yield rclpy
    if rclpy.ok():
        rclpy.shutdown()
