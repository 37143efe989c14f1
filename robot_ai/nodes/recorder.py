"""Every topic of a running system into a bag, serialised as it comes: nothing is decoded, so any type will do."""
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from robot_ai.bags import BagWriter
from robot_ai.nodes.message_types import message_class_or_none

LOOK_EVERY = 0.5  # s between two looks for new topics
QUEUE = 1000  # messages a topic that may wait to be written
NEVER = ('/rosout', '/parameter_events')  # of no use in a replay


class Recorder(Node):
    """Subscribes whatever is published and writes it; `skipped` names what cannot be subscribed here."""

    def __init__(self, writer: BagWriter, *, topics=(), images: bool = True, **node_arguments):
        """Begin to record. `topics`: these names only; `images`: False leaves pictures out."""
        super().__init__('recorder', **node_arguments)
        self._writer, self._topics, self._images = writer, {self._full(t) for t in topics}, images
        self._taken, self.skipped = {}, set()
        self.create_timer(LOOK_EVERY, self.look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.look()

    def _full(self, topic):
        return self.resolve_topic_name(topic)

    @property
    def taken(self) -> tuple[str, ...]:
        """The names of the topics being recorded."""
        return tuple(sorted(self._taken))

    def look(self):
        """Subscribe what is new."""
        for name, _ in self.get_topic_names_and_types():
            if name in self._taken or name in NEVER or (self._topics and name not in self._topics):
                continue
            infos = self.get_publishers_info_by_topic(name)
            if not infos:
                continue
            kind = infos[0].topic_type
            if not self._images and kind.startswith('sensor_msgs/msg/') and 'Image' in kind:
                continue
            message = message_class_or_none(kind)
            if message is None:
                if name not in self.skipped:
                    self.get_logger().warning(f'{name} is left out: {kind} is not installed here')
                self.skipped.add(name)
                continue
            self._take(name, kind, message, infos)

    def _take(self, name, kind, message, infos):
        """Ask for as much as every publisher of the topic offers."""
        latched = all(i.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for i in infos)
        reliable = all(i.qos_profile.reliability == ReliabilityPolicy.RELIABLE for i in infos)
        qos = QoSProfile(
            depth=QUEUE, history=HistoryPolicy.KEEP_LAST,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE)
        self._writer.add(name, kind, latched, _definition(kind))
        self._taken[name] = self.create_subscription(
            message, name, lambda data: self._writer.write(name, kind, self.get_clock().now().nanoseconds, data),
            qos, raw=True)
        self.get_logger().info(f'recording {name} ({kind})')


def _definition(kind: str) -> str:
    """Return the .msg text of a type from its installed package, '' where it lies nowhere."""
    package, _, name = kind.partition('/msg/')
    try:
        with open(f'{get_package_share_directory(package)}/msg/{name}.msg', encoding='utf-8') as stream:
            return stream.read()
    except (PackageNotFoundError, OSError, ValueError):
        return ''
