"""`robot-ai record`: what is published lies in the bag, and Ctrl-C closes it so that it can be replayed."""
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy')

from rclpy.node import Node  # noqa: E402
from rclpy.qos import QoSProfile, qos_profile_sensor_data  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from std_msgs.msg import Int16MultiArray, String  # noqa: E402

from robot_ai.bags import Bag  # noqa: E402
from robot_ai.nodes.common import STATE_QOS  # noqa: E402

pytestmark = pytest.mark.ros
DEADLINE = 120.0


def wait(condition, process):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end and process.poll() is None, 'waited in vain'
        time.sleep(0.05)


def test_what_is_published_is_recorded_until_ctrl_c(ros, tmp_path):
    node = Node('talker')
    state = node.create_publisher(String, 'state', STATE_QOS)
    state.publish(String(data='espera'))  # latched, before the recorder is there
    audio = node.create_publisher(Int16MultiArray, 'audio', qos_profile_sensor_data)
    said = node.create_publisher(String, 'say', QoSProfile(depth=10))
    bag = tmp_path / 'bag'
    process = subprocess.Popen([sys.executable, '-m', 'robot_ai.cli', 'record', str(bag)], env=dict(os.environ),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait(lambda: audio.get_subscription_count() and said.get_subscription_count(), process)
        time.sleep(1.0)  # our side knows of the recorder; the recorder must know of us, too
        for number in range(5):
            audio.publish(Int16MultiArray(data=[number] * 1000))
            said.publish(String(data=f'frase {number}'))
            time.sleep(0.05)
        wait(lambda: state.get_subscription_count() and said.wait_for_all_acked(), process)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    assert process.returncode == 0 and 'Traceback' not in output, output
    with Bag(bag) as read:
        assert next(t for t in read.topics if t.name == '/state').latched
        texts = [deserialize_message(m.data, String).data for m in read.messages({'/say'})]
        blocks = [deserialize_message(m.data, Int16MultiArray).data[7] for m in read.messages({'/audio'})]
        times = [m.time_ns for m in read.messages()]
        assert [deserialize_message(m.data, String).data for m in read.messages({'/state'})] == ['espera']
    assert texts == [f'frase {n}' for n in range(5)] and blocks == list(range(5))
    assert times == sorted(times) and abs(times[-1] / 1e9 - time.time()) < 10 * DEADLINE
