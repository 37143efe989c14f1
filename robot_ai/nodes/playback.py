"""A bag's messages published through a node, serialised as they lie in the bag, and `/clock`.

Shared by bag_player, which keeps time, and by replay, which moves the clock on when every node is done.
"""
import json

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock

from robot_ai.bags import PARTLY_INPUT, Bag, BagMessage, input_topics, relative_name
from robot_ai.errors import BagError
from robot_ai.nodes.common import LOSSLESS_QOS
from robot_ai.nodes.message_types import message_class_or_none

LATCHED_DEPTH = 100  # messages of a latched topic kept for late joiners, at most
BEHIND_DEPTH = 1000  # messages kept for a subscriber that falls behind where not every one must arrive


class Playback:
    """The publishers for one bag. Types that are not installed are reported and left out."""

    def __init__(self, node, bag: Bag, *, lossless: bool, topics=(), inputs_only: bool = True,
                 namespace: str = ''):
        """Create the publishers on `node`.

        `topics`: names as in the bag, empty for all; `inputs_only` leaves out what the assistant publishes
        itself; `namespace` is taken off the bag's names. BagError where nothing is left to play.
        """
        self._node, self.bag = node, bag
        self._publishers, self._filters, skipped = {}, {}, []
        chosen = input_topics(bag, namespace) if inputs_only else [t for t in bag.topics if t.name != '/clock']
        for topic in chosen:
            if topics and topic.name not in topics and relative_name(topic.name) not in topics:
                continue
            kind, name = message_class_or_none(topic.type), relative_name(topic.name, namespace)
            if kind is None:
                skipped.append(f'{topic.name} ({topic.type})')
                continue
            if inputs_only and name in PARTLY_INPUT:
                self._filters[topic.name] = (kind, PARTLY_INPUT[name])
            self._publishers[topic.name] = node.create_publisher(kind, name, _qos(topic, lossless))
        self.clock = node.create_publisher(Clock, '/clock', QoSProfile(
            depth=10, reliability=ReliabilityPolicy.RELIABLE))
        if skipped:
            node.get_logger().warning(f'{bag.path}: left out, their types are not installed: '
                                      f'{", ".join(skipped)}; source the workspace that holds them')
        if not self._publishers:
            names = ', '.join(f'{t.name} ({t.type})' for t in bag.topics) or 'none'
            raise BagError(f'{bag.path}: no topic can be played; the bag has {names}')
        self.skipped = tuple(skipped)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics played, named as in the bag."""
        return tuple(self._publishers)

    def messages(self):
        """Yield what there is to publish, in order."""
        return (message for message in self.bag.messages(self._publishers) if self._wanted(message))

    def publish(self, message: BagMessage):
        """Publish one message of `messages`."""
        self._publishers[message.topic].publish(message.data)

    def publish_clock(self, time_ns: int):
        """Publish `/clock`."""
        clock = Clock()
        clock.clock.sec, clock.clock.nanosec = divmod(time_ns, 1_000_000_000)
        self.clock.publish(clock)

    def subscribers(self, topic: str) -> int:
        """Return how many subscriptions a topic (named as in the bag) has."""
        return self._publishers[topic].get_subscription_count()

    def destroy(self):
        """Destroy the publishers."""
        for publisher in (*self._publishers.values(), self.clock):
            self._node.destroy_publisher(publisher)
        self._publishers = {}

    def _wanted(self, message):
        """Whether a message is input: of the recognisers' topics only what a person gave at the page."""
        if message.topic not in self._filters:
            return True
        kind, own = self._filters[message.topic]
        try:
            return json.loads(deserialize_message(message.data, kind).data).get('source', own) != own
        except (ValueError, AttributeError):
            return False


def _qos(topic, lossless):
    if topic.latched:
        return QoSProfile(depth=min(max(topic.count, 1), LATCHED_DEPTH), reliability=ReliabilityPolicy.RELIABLE,
                          durability=DurabilityPolicy.TRANSIENT_LOCAL)
    if lossless:
        return LOSSLESS_QOS
    return QoSProfile(depth=BEHIND_DEPTH, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.RELIABLE)
