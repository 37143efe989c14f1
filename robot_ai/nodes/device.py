"""Base of the nodes that read a device in a thread: publish while active, try again where the device is lost.

Drivers raise what they like and may block for ever in a read: whatever goes wrong shows in the diagnostics and is tried
again every `retry` seconds, and a thread that does not come back from its read is left behind, without a voice.
"""
import threading

import rclpy

from robot_ai.nodes.common import ManagedNode, Parameter, stream_qos

READ_WAIT = 5.0  # s that a blocked read of a dying device may keep the node from ending
RETRY = Parameter('retry', 2.0, 'wait before a lost device is tried again', 's', 0.1, 60.0)


class DeviceNode(ManagedNode):
    """Derived classes set OUTPUT to (message type, topic), list RETRY among PARAMETERS and override `read`."""

    OUTPUT: tuple = ()

    def __init__(self, **node_arguments):
        """Declare the parameters, open nothing."""
        super().__init__(**node_arguments)
        self._thread = self._output = None
        self._stop = threading.Event()

    def read(self, stop: threading.Event):
        """Open the device, hand what it gives to `publish` and return once `stop` is set; raise where it fails.

        Called again at once where it returns before that, and after `retry` seconds where it raises.
        """
        raise NotImplementedError

    def publish(self, message, stop: threading.Event, counter: str):
        """Publish a message, unless `stop` is set meanwhile, and count it."""
        if not stop.is_set():
            self.health.recovered()
            self._output.publish(message)
            self.health.count(counter)

    def configure(self):
        """Create the publisher."""
        kind, topic = self.OUTPUT
        self._output = self.create_publisher(kind, topic, stream_qos(self.setting('reliable')))

    def cleanup(self):
        """Destroy the publisher."""
        if self._output is not None:
            self.destroy_publisher(self._output)
        self._output = None

    def activate(self):
        """Begin to read; a device that cannot be opened is tried again and again."""
        # An event of its own: a thread left behind in a read must not begin to publish again with the next one.
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name=self.NAME, daemon=True)
        self._thread.start()

    def deactivate(self):
        """Close the device."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(READ_WAIT)
        self._thread = None

    def _run(self, stop):
        while not stop.is_set():
            try:
                self.read(stop)
            except Exception as error:  # of the driver's; all of it means: it gives nothing
                if stop.is_set() or not rclpy.ok(context=self.context):
                    return
                self.health.count('device failures')
                self.health.fault(f'{self.NAME}: {error or type(error).__name__}; trying again every '
                                  f'{self.setting("retry"):g} s (robot-ai devices lists what there is)')
                stop.wait(self.setting('retry'))
