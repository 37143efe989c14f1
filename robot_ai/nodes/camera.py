"""Lifecycle node camera: a camera's, a video's or a folder's pictures out on `image` (sensor_msgs/Image, bgr8).

OpenCV opens the source. A camera that is absent or lost shows in the diagnostics and is tried again every few
seconds. A video runs at its own speed, pictures stand for `hold` seconds each; both begin again at their end. Topic
out: `image`, best effort unless `reliable`. There is no model to miss.
"""
import contextlib
import time
from pathlib import Path

import cv2
import numpy as np
from sensor_msgs.msg import Image

from robot_ai.errors import DeviceError
from robot_ai.nodes.common import Parameter, run
from robot_ai.nodes.device import RETRY, DeviceNode
from robot_ai.nodes.image_messages import to_image_message

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


class CameraNode(DeviceNode):
    """Reads the source; see the module's docstring."""

    NAME = 'camera'
    OUTPUT = (Image, 'image')
    PARAMETERS = (
        Parameter('source', '0', 'number of the camera as `robot-ai devices` lists it, video file, picture, or folder '
                  'of pictures'),
        Parameter('rate', 5.0, 'images published', '1/s', 0.1, 60.0),
        Parameter('width', 0, 'width asked of a camera; 0: its own', 'px', 0, 10_000),
        Parameter('height', 0, 'height asked of a camera; 0: its own', 'px', 0, 10_000),
        Parameter('hold', 2.0, 'how long each picture of a folder stands', 's', 0.0, 3600.0),
        Parameter('frame_id', 'camera', "frame told in the images' headers"),
        RETRY,
    )

    def __init__(self, capture_factory=None, **node_arguments):
        """Declare the parameters; `capture_factory(source)` returns what cv2.VideoCapture is."""
        super().__init__(**node_arguments)
        self._open = capture_factory or open_capture

    def configure(self):
        """Create the publisher; DeviceError where `source` is a path that does not exist."""
        source = self.setting('source')
        if not source.isdigit() and '://' not in source and not Path(source).expanduser().exists():
            raise DeviceError(f'camera: source {source!r} is no number of a camera, and no such file or folder exists')
        super().configure()

    def read(self, stop):
        """Publish the source's images until stopped, or once through a video or a folder."""
        source = self.setting('source')
        path = Path(source).expanduser()
        if path.is_dir() or path.suffix.lower() in PICTURES:
            self._show_pictures(path, stop)
        else:
            self._read(source, stop)

    def _read(self, source, stop):
        """Publish a camera's or a video's images until stopped or, a video, at its end; raises where it fails."""
        is_file = Path(source).expanduser().is_file()
        capture = self._open(source)
        with contextlib.closing(_Releasing(capture)):
            if not capture.isOpened():
                raise DeviceError(f'{source} cannot be opened')
            for key, wanted in ((cv2.CAP_PROP_FRAME_WIDTH, 'width'), (cv2.CAP_PROP_FRAME_HEIGHT, 'height')):
                if not is_file and self.setting(wanted):
                    capture.set(key, self.setting(wanted))
            # A video must be slowed to its own speed, a camera gives its images when they are there.
            every = 1 / (capture.get(cv2.CAP_PROP_FPS) or 25.0) if is_file else 0.0
            due = published = time.monotonic()
            read = 0
            while not stop.is_set():
                good, image = capture.read()
                if not good:
                    if is_file and read:
                        return
                    raise DeviceError(f'{source} gives no image any more')
                read += 1
                now = time.monotonic()
                if read == 1 or now - published >= 1 / self.setting('rate') - every / 2:
                    published = now
                    self._publish(image, stop)
                due += every
                stop.wait(max(0.0, due - time.monotonic()))

    def _show_pictures(self, path, stop):
        files = [path] if path.is_file() else sorted(f for f in path.iterdir() if f.suffix.lower() in PICTURES)
        shown = 0
        for file in files:
            image = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR) if file.stat().st_size else None
            if image is None:
                self.health.event(f'{file}: not a picture; left out')
                continue
            shown += 1
            until = time.monotonic() + self.setting('hold')
            while not stop.is_set():
                self._publish(image, stop)
                stop.wait(1 / self.setting('rate'))
                if time.monotonic() >= until:
                    break
        if not shown:
            raise DeviceError(f'{path} holds no picture ({", ".join(PICTURES)})')

    def _publish(self, image, stop):
        self.publish(to_image_message(image, self.get_clock().now().to_msg(), self.setting('frame_id')), stop, 'images')


class _Releasing:
    def __init__(self, capture):
        self.close = capture.release


def open_capture(source: str):
    """Return cv2.VideoCapture of a camera's number, a file or an address."""
    return cv2.VideoCapture(int(source) if source.isdigit() else str(Path(source).expanduser())
                            if '://' not in source else source)


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(CameraNode, args)
