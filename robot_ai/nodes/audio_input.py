"""The subscription to `audio` in whichever form its publisher offers, found from the graph.

Subscribing waits for a publisher, because only that tells the type. One type is taken at a time: the one taken
stays while it has a publisher; of several new ones, the one whose messages say most. Whatever cannot be used
(an unknown type, compressed sound, another publisher's second type) is reported in the diagnostics.
"""
from collections import deque

from rclpy.clock import Clock, ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from robot_ai.errors import AudioError
from robot_ai.nodes import audio_messages as forms
from robot_ai.nodes.common import stream_qos
from robot_ai.nodes.message_types import message_class

LOOK_EVERY = 0.2  # s between two looks at the graph, by the steady clock
DEPTH = 100  # messages that the middleware keeps while the node is busy: images need few, sound every one
MOST_WAITING = 50  # messages kept until audio_info comes


class AudioInput:
    """Calls `on_block(block)` for each message of `topic`, whatever its type."""

    def __init__(self, node, on_block, on_change=None, topic: str = 'audio',
                 given: forms.PcmFormat | None = None):
        """Begin to look for publishers.

        `given` is what unlabelled sound holds; `on_change()` is called when the type taken changes, so that
        whatever counts samples can begin anew.
        """
        self._node, self._on_block, self._on_change, self._topic = node, on_block, on_change, topic
        self._given = given
        self._info = None  # PcmFormat from audio_info
        self._refusal = ''  # why audio_info's format cannot be used
        self._waiting = deque()  # messages that came before their info
        self._subscription = self._info_subscription = None
        self._type_name = self._form = ''
        self._told = set()
        self._timer = node.create_timer(LOOK_EVERY, self.look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        node.health.value('audio type', 'none yet')

    @property
    def type_name(self) -> str:
        """The type subscribed to, as 'package/msg/Name'; '' before a publisher was found."""
        return self._type_name

    def destroy(self):
        """Stop looking and listening."""
        self._node.destroy_timer(self._timer)
        self._drop()

    def look(self):
        """Look at the graph and subscribe, or change the subscription, where need be."""
        publishers = self._publishers(self._topic)
        published = {info.topic_type for info in publishers}
        if self._type_name in published:
            mine = sorted(f'{info.node_namespace.rstrip("/")}/{info.node_name}' for info in publishers
                          if info.topic_type == self._type_name)
            if len(mine) > 1:  # a message does not tell its publisher
                self._tell(f'{self._topic} has {len(mine)} publishers of {self._type_name} ({", ".join(mine)}), whose '
                           'sound cannot be told apart and is heard mixed up; stop or remap all but one')
            others = published - {self._type_name}
            if others:
                self._tell(f'{self._topic} is published as {self._type_name}, which is taken, and as '
                           f'{", ".join(sorted(others))}, which is not; remap one of them')
        else:
            usable = self._usable(published)
            if usable:
                self._take(min(usable, key=lambda item: (forms.PREFERENCE.index(item[1]), item[0])))
        if self._form in forms.NEEDS_INFO and self._info_subscription is None:
            self._look_for_info()

    def _publishers(self, topic):
        return self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(topic))

    def _usable(self, names):
        usable = []
        for name in names:
            try:
                kind = self._class_of(name)
                usable.append((name, forms.form_of(kind), kind))
            except AudioError as error:
                twins = ('; two packages have the name audio_common_msgs, and the one installed here may not be the '
                         "publisher's" if name.startswith('audio_common_msgs/') else '')
                self._tell(f'{error}{twins}')
        return usable

    @staticmethod
    def _class_of(name):
        try:
            return message_class(name)
        except ImportError as error:
            raise AudioError(f'sound is published as {name}, but that type cannot be imported here ({error}); '
                             'source the workspace that holds it') from None

    def _take(self, choice):
        name, form, kind = choice
        if self._type_name:
            self._node.health.event(f'{self._topic}: {self._type_name} has no publisher any more; taking {name}')
        self._drop()
        try:
            self._subscription = self._node.create_subscription(
                kind, self._topic, self._receive, stream_qos(self._node.setting('reliable'), DEPTH))
        except RuntimeError as error:  # another node of this process uses the topic with another type
            self._tell(f'{self._topic}: cannot subscribe as {name}: {error}')
            return
        self._type_name, self._form = name, form
        self._node.health.value('audio type', name)
        self._node.get_logger().info(f'taking {self._topic} as {name}')
        if self._on_change:
            self._on_change()

    def _drop(self):
        for subscription in (self._subscription, self._info_subscription):
            if subscription is not None:
                self._node.destroy_subscription(subscription)
        self._subscription = self._info_subscription = self._info = None
        self._type_name = self._form = self._refusal = ''
        self._waiting.clear()

    def _look_for_info(self):
        # Beside `audio` as it was remapped, or remapped itself.
        resolve = self._node.resolve_topic_name
        for topic in (resolve(f'{self._topic}_info'), f'{resolve(self._topic)}_info'):
            if self._info_subscription is None:
                self._subscribe_info(topic)

    def _subscribe_info(self, topic):
        for info in self._node.get_publishers_info_by_topic(topic):
            try:
                kind = self._class_of(info.topic_type)
            except AudioError as error:
                self._tell(str(error))
                continue
            if not forms.is_info(kind):
                self._tell(f'{topic} is published as {info.topic_type}, which has no rate; it is not used')
                continue
            latched = info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            self._info_subscription = self._node.create_subscription(kind, topic, self._receive_info, QoSProfile(
                depth=1, reliability=info.qos_profile.reliability if not latched else ReliabilityPolicy.RELIABLE,
                durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE))
            return

    def _receive_info(self, message):
        try:
            self._info = forms.format_from_info(message)
            self._refusal = ''
        except AudioError as error:
            self._info, self._refusal = None, str(error)
            self._tell(f'{self._topic}_info: {error}')
        while self._waiting:
            self._convert(self._waiting.popleft())

    def _receive(self, message):
        self._node.health.count('audio messages')
        if self._form in forms.NEEDS_INFO and self._info is None and not self._refusal and (
                self._given is None or self._info_subscription is not None):
            self._waiting.append(message)  # the info is on its way, or will be missed when too many wait
            if len(self._waiting) <= MOST_WAITING:
                return
            message = self._waiting.popleft()
        self._convert(message)

    def _convert(self, message):
        health = self._node.health
        try:
            if self._form in forms.NEEDS_INFO and self._refusal:
                raise AudioError(self._refusal)
            block = forms.to_block(message, self._form, self._info or self._given)
        except (AudioError, ValueError, TypeError) as error:
            health.count('audio refused')
            health.event(f'{self._topic}: {error}')
            return
        if len(block.samples):
            self._on_block(block)

    def _tell(self, message):
        """Report once what the looks at the graph would find again and again."""
        if message not in self._told:
            self._told.add(message)
            self._node.health.event(message)
