"""The bundled bag through the shipped models and dialogue: the same outcome every time, idle or busy, and as kept.

After a change of a model, of the dialogue or of the bag, look at what the replay brings now and keep it:
    robot-ai replay config/demo/demo.mcap --expect config/demo/expected.yaml --update
"""
import subprocess
import sys

import pytest

pytest.importorskip('rclpy')

from robot_ai.bags import Bag  # noqa: E402
from robot_ai.paths import share_directory  # noqa: E402
from robot_ai.testing import differences, load_outcome, replay_bag  # noqa: E402

pytestmark = pytest.mark.ros
DEMO = share_directory() / 'config' / 'demo'
BUSY_CORES = 2


def test_two_replays_are_equal_and_bring_what_is_kept():
    first, second = replay_bag(DEMO / 'demo.mcap'), replay_bag(DEMO / 'demo.mcap')
    assert first == second
    lines = differences(load_outcome(DEMO / 'expected.yaml'), first)
    assert not lines, '\n'.join([__doc__, *lines])


def test_the_bag_holds_what_its_script_says_and_nothing_else():
    with Bag(DEMO / 'demo.mcap') as bag:
        assert {(t.name, t.type) for t in bag.topics} == {
            ('/audio', 'std_msgs/msg/Int16MultiArray'), ('/image/compressed', 'sensor_msgs/msg/CompressedImage')}
        assert 30 < bag.duration < 90


@pytest.mark.long
def test_twenty_replays_are_equal_ten_of_them_with_both_cores_busy():
    outcomes = [replay_bag(DEMO / 'demo.mcap') for _ in range(10)]
    burners = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(BUSY_CORES)]
    try:
        outcomes += [replay_bag(DEMO / 'demo.mcap') for _ in range(10)]
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert len(outcomes[0].transcripts) >= 5 and outcomes[0].symbols
