"""Nodes put together in one process: made, configured, activated, closed. One that fails leaves the others running.

The same parameter YAML as `ros2 run NODE --ros-args --params-file` serves; values given to `make` come before it.
"""
import importlib

from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from robot_ai.errors import RobotAIError

CLASSES = {  # node -> its class in robot_ai.nodes.<node>; in the order in which they are started
    'speaker': 'SpeakerNode',
    'performer': 'PerformerNode',
    'state_machine': 'StateMachineNode',
    'speech_to_text': 'SpeechToTextNode',
    'character_recognizer': 'CharacterRecognizerNode',
    'web': 'WebNode',
    'camera': 'CameraNode',
    'microphone': 'MicrophoneNode',
    'bag_player': 'BagPlayerNode',
}
MANAGED = frozenset(('speech_to_text', 'character_recognizer', 'web', 'camera', 'microphone'))  # with a lifecycle


def installed(name: str) -> bool:
    """Return whether the module of a node is there."""
    return importlib.util.find_spec(f'robot_ai.nodes.{name}') is not None


class Assembly:
    """Nodes of one process, spun by one executor."""

    def __init__(self, executor, *, namespace: str = '', params_files=(), remappings=(), report=print):
        """`report(text)` is given one line for each node that fails; `remappings` are 'from:=to' strings."""
        self.executor, self.nodes, self.failures = executor, {}, {}
        self._report = report
        self._arguments = ['--ros-args']
        if namespace.strip('/'):
            self._arguments += ['-r', f'__ns:=/{namespace.strip("/")}']
        for rule in remappings:
            self._arguments += ['-r', rule]
        for file in params_files:
            self._arguments += ['--params-file', str(file)]

    def make(self, name: str, **parameters):
        """Make a node and bring it to active; return it, or None where it could not even be made.

        A lifecycle node that cannot be configured (no model, say) stays in the process, unconfigured, so that
        its diagnostics tell why and `ros2 lifecycle set` can bring it up later.
        """
        try:
            node_class = getattr(importlib.import_module(f'robot_ai.nodes.{name}'), CLASSES[name])
            node = node_class(context=self.executor.context, cli_args=self._arguments, parameter_overrides=[
                Parameter(key, value=value) for key, value in parameters.items()])
        except (RobotAIError, ImportError, _rclpy.RCLError) as error:  # the last: a parameter file, a name
            self._fail(name, str(error))
            return None
        self.nodes[name] = node
        self.executor.add_node(node)
        if hasattr(node, 'trigger_configure'):
            self._activate(name, node)
        else:
            node.start()
        return node

    def _activate(self, name, node):
        for transition in (node.trigger_configure, node.trigger_activate):
            if transition() != TransitionCallbackReturn.SUCCESS:
                self._fail(name, node.health.last_error)
                return

    def _fail(self, name, why):
        self.failures[name] = why
        self._report(f'{name} is not running: {why.strip()}')

    def deactivate(self, name: str):
        """Deactivate a lifecycle node that is active: what it has begun it finishes and publishes."""
        node = self.nodes.get(name)
        if node is not None and getattr(node, 'active', False):
            node.trigger_deactivate()

    def close(self):
        """Close and destroy every node, the sources first."""
        for node in reversed(self.nodes.values()):
            self.executor.remove_node(node)
            node.close()
        for node in reversed(self.nodes.values()):
            node.destroy_node()
        self.nodes = {}
