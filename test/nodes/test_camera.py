"""camera over real DDS: folders, videos and devices give images; a lost camera comes back."""
import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from robot_ai.nodes.camera import CameraNode  # noqa: E402
from robot_ai.nodes.common import LOSSLESS_QOS  # noqa: E402
from robot_ai.nodes.image_messages import grey_of  # noqa: E402

pytestmark = pytest.mark.ros


def camera(factory=None, **values):
    values = {'reliable': True, 'rate': 50.0, 'retry': 0.1, **values}
    return CameraNode(factory, parameter_overrides=[Parameter(k, value=v) for k, v in values.items()])


def level(message):
    return int(grey_of(message).mean())


def test_a_folder_of_pictures_goes_round_and_what_is_no_picture_is_left_out(graph, tmp_path):
    for name, grey in (('1.png', 50), ('2.jpg', 200)):
        cv2.imwrite(str(tmp_path / name), np.full((12, 16, 3), grey, np.uint8))
    (tmp_path / '3.png').write_bytes(b'no picture')
    images = graph.listen(Image, 'image', LOSSLESS_QOS)
    node = graph.add(camera(source=str(tmp_path), hold=0.0, frame_id='front'))
    graph.wait(lambda: [level(m) for m in images[:4]] == [50, 200, 50, 200])
    assert (images[0].encoding, images[0].width, images[0].height) == ('bgr8', 16, 12)
    assert images[0].header.frame_id == 'front' and images[0].header.stamp.sec > 0
    assert '3.png: not a picture' in node.health.last_error


def test_a_video_is_played_and_begins_again(graph, tmp_path):
    file = str(tmp_path / 'video.avi')
    writer = cv2.VideoWriter(file, cv2.VideoWriter_fourcc(*'MJPG'), 50, (32, 24))
    for grey in (40, 120, 220):
        writer.write(np.full((24, 32, 3), grey, np.uint8))
    writer.release()
    images = graph.listen(Image, 'image', LOSSLESS_QOS)
    graph.add(camera(source=file))
    graph.wait(lambda: len(images) >= 7)
    assert {round(level(m), -1) for m in images} <= {40, 120, 220}


class Device:
    """A camera that gives three images and is then lost."""

    opened = 0

    def __init__(self, source):
        Device.opened += 1
        self._left, self.released = 3, False

    def isOpened(self):  # noqa: N802
        return Device.opened != 2  # the second try finds it still unplugged

    def set(self, key, value):
        pass

    def get(self, key):
        return 0.0

    def read(self):
        self._left -= 1
        return self._left >= 0, np.full((4, 4, 3), 10 * Device.opened, np.uint8)

    def release(self):
        self.released = True


def test_a_lost_camera_is_reported_and_taken_again(graph):
    images = graph.listen(Image, 'image', LOSSLESS_QOS)
    node = graph.add(camera(Device, source='0'))
    graph.wait(lambda: any(level(m) == 30 for m in images))
    assert 'gives no image any more' in node.health.last_error or 'cannot be opened' in node.health.last_error
    node.trigger_deactivate()
    assert node._thread is None


def test_a_source_that_does_not_exist_refuses_the_configuration(graph, tmp_path):
    node = graph.add(camera(source=str(tmp_path / 'none.mp4')), activate=False)
    assert node.trigger_configure().name == 'FAILURE'
    assert 'none.mp4' in node.health.last_error
