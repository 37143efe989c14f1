"""The nodes as fuzz targets: each callback of each subscription is called with changed real messages of its type.

Callbacks are called directly, for speed; a share of timers runs in between. What a callback raises would end the node,
so nothing may come out, not even a RobotAIError.
"""
import os
import sys
from array import array
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'nodes'))

import rclpy  # noqa: E402
from fuzz_targets import MESSAGES  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from robot_ai.errors import RobotAIError  # noqa: E402

TURN_EVERY = 20  # cases between two turns of the executor
ARRAY = SimpleNamespace(topic_type='std_msgs/msg/Int16MultiArray', node_namespace='/', node_name='driver')
STAMPS = (0, 1, -1, 2**31 - 1, -2**31, 1_700_000_000)


class Escaped(Exception):
    """A callback let an exception out: the node would have ended."""


def make_node(name: str, folder: Path):
    """Return the case function of one node."""
    began = not rclpy.ok()
    if began:
        rclpy.init(args=['--ros-args', '--log-level', 'fatal'])
    node = _made(name, folder)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    turns = [0]

    def case(mutator):
        subscriptions = [s for s in node.subscriptions if s.msg_type.__name__ in MAKERS]
        subscription = mutator.pick(subscriptions)
        topic = subscription.topic_name.lstrip('/')
        message = MAKERS[subscription.msg_type.__name__](mutator, topic)
        turns[0] += 1
        try:
            subscription.callback(message)
            if turns[0] % TURN_EVERY == 0:
                executor.spin_once(timeout_sec=0)
                node.wait_idle(20.0)
        except RobotAIError as error:
            raise Escaped(f'{topic}: {error}') from error
        bugs = [e for e in [node.health.last_error] if 'Traceback' in e]
        if bugs:
            raise Escaped(bugs[0])

    def close():
        executor.shutdown(timeout_sec=0)
        node.close()
        node.destroy_node()
        if began:
            rclpy.shutdown()
    case.close = close
    return case


def _made(name, folder):
    from robot_ai.nodes import assembly
    (folder / 'model.yaml').write_text('kind: speech\n')
    module = __import__(f'robot_ai.nodes.{name}', fromlist=['main'])
    given = {'state_machine': {'memory_file': 'none'}, 'speaker': {'backend': 'external'}, 'web': {'port': 0},
             'bag_player': {'bag': str(assembly.__file__), 'loop': True, 'wait': 0.0},
             'speech_to_text': {'model': str(folder)}, 'character_recognizer': {'rate': 100.0}}.get(name, {})
    if name == 'bag_player':
        from robot_ai.paths import share_directory
        given['bag'] = str(share_directory() / 'config' / 'demo' / 'demo.mcap')
    parameters = [Parameter(key, value=value) for key, value in given.items()]
    arguments = {}
    if name == 'speech_to_text':
        from loudness_recognizer import LoudnessRecognizer
        arguments['recognizer_factory'] = LoudnessRecognizer
    if name == 'character_recognizer':
        arguments['recognizer_factory'] = lambda *_: _Blank()
    node = getattr(module, assembly.CLASSES[name])(parameter_overrides=parameters, **arguments)
    if hasattr(node, 'trigger_configure'):
        for transition in (node.trigger_configure, node.trigger_activate):
            if transition().name != 'SUCCESS':
                raise RuntimeError(node.health.last_error)
        if getattr(node, '_input', None) is not None:
            node._input._publishers = lambda topic: [ARRAY]
            node._input.look()
    return node


class _Blank:
    def recognize(self, grey):
        assert grey.ndim == 2 and grey.size
        return SimpleNamespace(symbols=(), latex='', score=0.0)


# -- messages

def _string(mutator, topic):
    from std_msgs.msg import String
    seeds = MESSAGES.get(topic, (None, None))[1]
    text = mutator.json(mutator.pick(seeds)) if seeds else mutator.text('Hola, ¿cómo está? Son las 10:30.')
    return String(data=text)


def _stamp(mutator, header):
    header.stamp.sec, header.stamp.nanosec = mutator.pick(STAMPS), mutator.pick((0, 1, 2**32 - 1))
    header.frame_id = mutator.text('map')
    return header


def _header(mutator, topic):
    from std_msgs.msg import Header
    return _stamp(mutator, Header())


def _bool(mutator, topic):
    from std_msgs.msg import Bool
    return Bool(data=mutator.chance(0.5))


def _sound(mutator, topic):
    from std_msgs.msg import Int16MultiArray, MultiArrayDimension
    message = Int16MultiArray(data=array('h', mutator.rng.randbytes(2 * mutator.pick((0, 1, 3, 160, 1600)))))
    message.layout.data_offset = mutator.pick((0, 0, 0, 1, 2**32 - 1))
    for label in mutator.pick((('samples rate=16000', 'channels'), ('samples rate=48000',), (), ('rate=999999',),
                               ('channels', 'samples rate=8000'))):
        message.layout.dim.append(MultiArrayDimension(
            label=label if mutator.chance(0.9) else mutator.text(label), size=mutator.pick((1, 1, 1, 2, 0, 2**32 - 1)),
            stride=1))
    return message


def _image(mutator, topic):
    from sensor_msgs.msg import Image

    from robot_ai.nodes.image_messages import ENCODINGS
    height, width = mutator.pick((0, 1, 2, 24)), mutator.pick((0, 1, 3, 32))
    step = mutator.pick((width, width * 3, width * 4, width * 8, 2**32 - 1, 0))
    message = Image(height=height, width=width, step=step, is_bigendian=mutator.pick((0, 1)),
                    encoding=mutator.pick((*ENCODINGS, '', 'jpeg')))
    _stamp(mutator, message.header)
    message.data = array('B', mutator.rng.randbytes(min(step * height, 3000)))
    return message


def _compressed(mutator, topic):
    import cv2
    import numpy as np
    from sensor_msgs.msg import CompressedImage
    seed = cv2.imencode(mutator.pick(('.png', '.jpg')), np.full((9, 12), 200, np.uint8))[1].tobytes()
    message = CompressedImage(format='png', data=array('B', mutator.bytes(seed)))
    _stamp(mutator, message.header)
    return message


def _diagnostics(mutator, topic):
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    return DiagnosticArray(status=[DiagnosticStatus(
        level=bytes([mutator.rng.randrange(256)]), name=mutator.text('/web'), message=mutator.text('ok'),
        values=[KeyValue(key=mutator.text('state'), value=mutator.text('1'))]) for _ in range(mutator.pick((0, 1, 3)))])


MAKERS = {'String': _string, 'Header': _header, 'Bool': _bool, 'Int16MultiArray': _sound, 'Image': _image,
          'CompressedImage': _compressed, 'DiagnosticArray': _diagnostics}
