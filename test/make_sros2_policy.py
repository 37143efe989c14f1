"""Writes config/sros2/policy.xml, SROS2's policy of every node, from what the code asks of rclpy.

    python test/make_sros2_policy.py            write it
    python test/make_sros2_policy.py --check    exit status 1 where it is not what the code says
"""
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from graph_of_nodes import graph

from robot_ai.nodes.common import ManagedNode

POLICY = Path(__file__).resolve().parent.parent / 'config' / 'sros2' / 'policy.xml'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!-- Written by test/make_sros2_policy.py; see docs/security.md. -->\n'
EVERY_NODE = ('describe_parameters', 'get_parameter_types', 'get_parameters', 'get_type_description', 'list_parameters',
              'set_parameters', 'set_parameters_atomically')  # what rclpy serves by itself
LIFECYCLE = ('change_state', 'get_available_states', 'get_available_transitions', 'get_state', 'get_transition_graph')
BAG_PLAYER = ('audio', 'audio_info', 'image', 'image/compressed', 'transcript/detail', 'characters/detail',
              'dialogue/event', 'robot_speaking')  # the inputs that a recording may hold


def rules(kind, qualifier, names):
    """Return the XML of one list of topics or services; '' where there are no names."""
    if not names:
        return ''
    items = ''.join(f'            <{kind}>{escape(name)}</{kind}>\n' for name in sorted(names))
    return f'          <{kind}s {qualifier}="ALLOW">\n{items}          </{kind}s>\n'


def enclave(name, found, managed) -> str:
    """Return one node's enclave."""
    ends = {kind: {f.end.name for f in found if f.end.kind == kind} for kind in (
        'subscribes', 'publishes', 'serves', 'calls')}
    publishes = ends['publishes'] | {'/rosout', '/parameter_events'} | ({'~/transition_event'} if managed else set())
    publishes |= set(BAG_PLAYER) if name == 'bag_player' else set()
    subscribes = ends['subscribes'] | {'/clock', '/parameter_events'}
    subscribes |= {'audio_info'} if 'audio' in subscribes else set()  # AudioData's rate and channels
    serves = ends['serves'] | {f'~/{s}' for s in (*EVERY_NODE, *(LIFECYCLE if managed else ()))}
    return (f'    <enclave path="/robot_ai/{name}">\n      <profiles>\n        <profile ns="/" node="{name}">\n'
            + rules('topic', 'publish', publishes) + rules('topic', 'subscribe', subscribes)
            + rules('service', 'reply', serves) + rules('service', 'request', ends['calls'])
            + '        </profile>\n      </profiles>\n    </enclave>\n')


def policy() -> str:
    """Return the whole policy."""
    import importlib

    from robot_ai.nodes.assembly import CLASSES
    parts = []
    for name, found in graph().items():
        node = getattr(importlib.import_module(f'robot_ai.nodes.{name}'), CLASSES[name])
        parts.append(enclave(name, found, issubclass(node, ManagedNode)))
    return HEAD + '<policy version="0.2.0">\n  <enclaves>\n' + ''.join(parts) + '  </enclaves>\n</policy>\n'


def main() -> int:
    """Write or check the file."""
    text = policy()
    if '--check' in sys.argv[1:]:
        if POLICY.is_file() and POLICY.read_text('utf-8') == text:
            return 0
        print(f'{POLICY} is not what the code says: run test/make_sros2_policy.py')
        return 1
    POLICY.parent.mkdir(exist_ok=True)
    POLICY.write_text(text, 'utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
