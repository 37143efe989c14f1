"""What each node subscribes, publishes and serves, found by making it and writing down what it asks of rclpy.

Nothing is guessed from the text of the code: every node is made (and configured, where that needs no device) with its
defaults, and again with the parameters that change its topics; the calls create_publisher, create_subscription,
create_service and create_client are recorded on their way. The types of hri_msgs and vision_msgs are stood in for, so
that the answer does not depend on what is installed.
"""
import importlib
import sys
import time
import types
from collections import defaultdict
from dataclasses import dataclass

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, ReliabilityPolicy
from std_msgs.msg import Int16MultiArray

from robot_ai.nodes.assembly import CLASSES
from robot_ai.paths import share_directory

DEADLINE = 60.0  # s for a subscription that follows a publisher
RELIABLE = ('reliable', True)
VARIANTS = {  # node -> the parameters that change its topics, besides `reliable`
    'speaker': (('backend', 'external'), ('backend', 'none')),
    'state_machine': (('plain_transcripts', True), ('plain_characters', True)),
}
GIVEN = {  # what a node needs in order to be made here, on any machine and beside a running assistant
    'bag_player': {'bag': str(share_directory() / 'config' / 'demo' / 'demo.mcap')},
    'state_machine': {'memory_file': 'none'},
    'web': {'port': 0},
}
NEEDS_DEVICE = ('microphone', 'camera')  # configured, which makes their topics, but not activated
FACTORIES = {'microphone': {'source_factory': lambda *arguments: None}}  # PyAudio need not be installed
STOOD_IN = {'hri_msgs': ('IdsList', 'LiveSpeech'),
            'vision_msgs': ('Detection2DArray', 'Detection2D', 'ObjectHypothesisWithPose')}
OF_RCLPY = ('/parameter_events', '/rosout')
SOUND = 'any type of sound'


@dataclass(frozen=True)
class End:
    """One end of a topic or service: what a node asked rclpy for."""

    kind: str  # 'subscribes', 'publishes', 'serves' or 'calls'
    name: str
    type: str  # as std_msgs/String
    qos: str = ''


@dataclass(frozen=True)
class Found:
    """An End, its QoS with `reliable`, and under which parameter it is there ('' : always)."""

    end: End
    reliable_qos: str
    condition: str


def stand_in():
    """Put modules in place of the optional message packages."""
    for package, names in STOOD_IN.items():
        messages = types.ModuleType(f'{package}.msg')
        for name in names:
            setattr(messages, name, type(name, (), {'__module__': f'{package}.msg'}))
        module = types.ModuleType(package)
        module.msg = messages
        sys.modules[package], sys.modules[f'{package}.msg'] = module, messages


def qos_text(profile) -> str:
    """Return a QoS profile (or a depth) in words."""
    if isinstance(profile, int):
        return f'reliable, {profile}'
    words = ['best effort' if profile.reliability == ReliabilityPolicy.BEST_EFFORT else 'reliable',
             'all' if profile.history == HistoryPolicy.KEEP_ALL else str(profile.depth)]
    if profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
        words.insert(1, 'transient local')
    return ', '.join(words)


class Recorder:
    """Notes what nodes ask of rclpy while it is entered."""

    CALLS = {'create_publisher': ('publishes', 'qos_profile'), 'create_subscription': ('subscribes', 'qos_profile'),
             'create_service': ('serves', ''), 'create_client': ('calls', '')}

    def __init__(self):
        """Start with nothing noted."""
        self.ends = defaultdict(set)  # node -> its Ends
        self._real = {name: getattr(Node, name) for name in self.CALLS}

    def __enter__(self):
        """Take the place of rclpy's functions."""
        for name, (kind, qos) in self.CALLS.items():
            setattr(Node, name, self._recording(self._real[name], kind, qos))
        return self

    def __exit__(self, *error):
        """Give rclpy its functions back."""
        for name, function in self._real.items():
            setattr(Node, name, function)

    def _recording(self, real, kind, qos_name):
        def create(node, message, name, *arguments, **named):
            package, part = message.__module__.split('.')[0], message.__name__
            if not name.startswith(('~', f'/{node.get_name()}/', f'{node.get_name()}/')) and name not in OF_RCLPY:
                positional = arguments[-1] if arguments and not callable(arguments[-1]) else None
                qos = qos_text(named.get(qos_name, positional)) if qos_name else ''
                self.ends[node.get_name()].add(End(kind, name, f'{package}/{part}', qos))
            if package in STOOD_IN:  # no support for the type is loaded
                return types.SimpleNamespace(publish=lambda message: None)
            return real(node, message, name, *arguments, **named)
        return create


def make(name, parameters, executor, recorder):
    """Make a node with `parameters`, let it ask for all its topics, and close it; return its Ends."""
    recorder.ends.pop(name, None)
    destroy = Node.destroy_publisher
    Node.destroy_publisher = lambda node, publisher: hasattr(publisher, 'handle') and destroy(node, publisher)
    node_class = getattr(importlib.import_module(f'robot_ai.nodes.{name}'), CLASSES[name])
    values = {**GIVEN.get(name, {}), **parameters}
    node = node_class(context=executor.context, **FACTORIES.get(name, {}),
                      parameter_overrides=[RosParameter(key, value=value) for key, value in values.items()])
    executor.add_node(node)
    try:
        if hasattr(node, 'trigger_configure'):
            assert node.trigger_configure().name == 'SUCCESS', node.health.last_error
            if name not in NEEDS_DEVICE:
                assert node.trigger_activate().name == 'SUCCESS', node.health.last_error
        if name == 'web':
            node.microphone(True)  # as when a page is the robot's ear
        wanted = {'web': 2, 'speech_to_text': 1}.get(name, 0)  # ends on `audio`, found from the graph
        until = time.monotonic() + DEADLINE
        while sum(end.name == 'audio' for end in recorder.ends[name]) < wanted:
            assert time.monotonic() < until, f'{name} did not take the sound published'
            executor.spin_once(timeout_sec=0.05)
    finally:
        executor.remove_node(node)
        node.close()
        node.destroy_node()
        Node.destroy_publisher = destroy
    ends = recorder.ends[name]
    if name == 'bag_player':  # what it publishes is the bag's own
        ends = {end for end in ends if end.kind != 'publishes' or end.name in ('/clock', 'diagnostics')}
    return {End(end.kind, end.name, SOUND, end.qos) if (end.kind, end.name) == ('subscribes', 'audio') else end
            for end in ends}


def graph(names=tuple(CLASSES)) -> dict[str, list[Found]]:
    """Return each node's topics and services, sorted; rclpy must not be initialised in the default context."""
    stand_in()
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '--log-level', 'fatal'], context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    result = {}
    try:
        voice = Node('voice', context=context)
        executor.add_node(voice)
        voice.create_publisher(Int16MultiArray, 'audio', 10)
        with Recorder() as recorder:
            for name in names:
                plain = make(name, {}, executor, recorder)
                reliable = {(e.kind, e.name): e.qos for e in make(name, dict([RELIABLE]), executor, recorder)}
                varied = {variant: make(name, dict([variant]), executor, recorder)
                          for variant in VARIANTS.get(name, ())}
                result[name] = [Found(end, reliable.get((end.kind, end.name), end.qos), _condition(end, plain, varied))
                                for end in sorted(set(plain).union(*varied.values()), key=_order)]
        voice.destroy_node()
    finally:
        executor.shutdown(timeout_sec=0)
        rclpy.shutdown(context=context)
    return result


def _order(end):
    return ('subscribes', 'publishes', 'serves', 'calls').index(end.kind), end.name, end.type


def _condition(end, plain, varied):
    """Return under which of the parameters tried `end` is there, '' where it always is."""
    there = [_shown(variant) for variant, ends in varied.items() if end in ends]
    if end not in plain:
        return f'with {" or ".join(there)}'
    return f'not with {" or ".join(_shown(v) for v, ends in varied.items() if end not in ends)}' \
        if len(there) < len(varied) else ''


def _shown(variant):
    name, value = variant
    return f'`{name}: {str(value).lower()}`'
