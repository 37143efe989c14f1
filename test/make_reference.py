"""Write docs/reference.md from the code: nodes, topics, parameters, payloads, commands and the keys of a dialogue.

    .venv/bin/python test/make_reference.py            # write it
    .venv/bin/python test/make_reference.py --check    # print how it differs; exit status 1 where it does

Topics and services come from nodes that are really made (graph_of_nodes.py), parameters from their tables, commands
from their argument parsers, the keys of a dialogue from its JSON Schema. What each is for is told by the other
documents; here stand names, types, ranges and defaults, which nobody should have to keep right by hand.
"""
import dataclasses
import difflib
import importlib
import inspect
import json
import os
import random
import re
import sys
import typing
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))
REFERENCE = CHECKOUT / 'docs' / 'reference.md'
COMMAND = '.venv/bin/python test/make_reference.py'
ROS_TYPES = {bool: 'bool', int: 'integer', float: 'double', str: 'string', list: 'string array'}
HEAD = f"""# Reference

Written by `{COMMAND}` from the code, with which a test compares it: change the code, not this.
What the topics mean stands in [topics.md](topics.md), how parameters are given in [launch.md](launch.md), what the
words of a dialogue do in [dialogue.md](dialogue.md).

[Nodes](#nodes) · [Messages in JSON](#messages-in-json) · [Commands](#commands) ·
[Keys of a dialogue](#keys-of-a-dialogue)
"""
NODES = """## Nodes

Names are relative to the namespace, save those that begin with `/`. QoS: reliability, durability where it is not
volatile, depth of the history. Every node publishes `diagnostics` (diagnostic_msgs/DiagnosticArray, reliable, 10) and
takes `use_sim_time`; lifecycle nodes have the services and the topic that ROS 2 gives such nodes. **live**: may be
changed while the node works; others are read when it is configured (lifecycle nodes) or started.
"""
ALL_NODES = 'Every node; `autostart` lifecycle nodes only'


def table(head, rows) -> str:
    """Return a Markdown table; an empty cell stays empty, a bar in a cell is escaped."""
    lines = [f'| {" | ".join(head)} |', f'| {" | ".join("---" for _ in head)} |']
    lines += [f'| {" | ".join(str(cell).replace("|", chr(92) + "|") for cell in row)} |' for row in rows]
    return '\n'.join(lines) + '\n'


def summary(documented) -> str:
    """Return the first paragraph of a docstring as one line."""
    return ' '.join(inspect.getdoc(documented).split('\n\n')[0].split())


# -- nodes


def parameter_rows(parameters):
    """Return a row for each Parameter: name, type, default, range, unit, live, description."""
    for parameter in parameters:
        bounds = '' if parameter.minimum is None and parameter.maximum is None else (
            f'{_number(parameter.minimum)} to {_number(parameter.maximum)}')
        choices = ', '.join(f'`{choice}`' for choice in parameter.choices)
        yield (f'`{parameter.name}`', ROS_TYPES[type(parameter.default)], f'`{json.dumps(parameter.default)}`',
               bounds or choices, parameter.unit, 'live' if parameter.live else '', parameter.description)


def _number(value):
    return 'any' if value is None else f'{value:g}' if isinstance(value, float) else str(value)


PARAMETER_HEAD = ('parameter', 'type', 'default', 'range', 'unit', 'live', 'what')


def nodes_part() -> str:
    """Return the section on nodes, in the order of their names."""
    import graph_of_nodes

    from robot_ai.nodes.assembly import CLASSES
    from robot_ai.nodes.common import AUTOSTART, RELIABLE, ManagedNode
    parts = [NODES, f'### {ALL_NODES}\n', table(PARAMETER_HEAD, parameter_rows((RELIABLE, AUTOSTART)))]
    found = graph_of_nodes.graph()
    for name in sorted(CLASSES):
        module = importlib.import_module(f'robot_ai.nodes.{name}')
        node_class = getattr(module, CLASSES[name])
        kind = 'lifecycle node' if issubclass(node_class, ManagedNode) else 'node'
        what = summary(module).partition(': ')[2]  # the docstrings begin with 'Node NAME: ' or 'Lifecycle node NAME: '
        parts.append(f'### {name}\n\nA {kind}: {what[0].lower()}{what[1:]}\n')
        parts.append(table(('', 'topic or service', 'type', 'QoS', 'QoS with `reliable`', 'when'), _ends(found[name])))
        if node_class.PARAMETERS:
            parts.append(table(PARAMETER_HEAD, parameter_rows(node_class.PARAMETERS)))
    return '\n'.join(parts)


def _ends(found):
    import graph_of_nodes
    for item in found:
        end = item.end
        if end.name == 'diagnostics' and end.kind == 'publishes':
            continue
        kind = (f'[{end.type}](topics.md#sound-in-audio)' if end.type == graph_of_nodes.SOUND else end.type)
        package = 'hri_msgs' if end.name.startswith('/humans/') else end.type.partition('/')[0]
        optional = f'where {package} is installed' if package in graph_of_nodes.STOOD_IN else ''
        yield (end.kind, f'`{end.name}`', kind, end.qos, item.reliable_qos if item.reliable_qos != end.qos else '',
               item.condition or optional)


# -- messages in JSON


def payloads_part() -> str:
    """Return the section on the JSON of std_msgs/String topics."""
    from robot_ai import payloads
    parts = ['## Messages in JSON\n', 'What std_msgs/String carries on these topics; a field without a default must be '
             'there, unknown fields are ignored.\n']
    kinds = [kind for kind in vars(payloads).values()
             if dataclasses.is_dataclass(kind) and kind is not payloads.Payload]
    for kind in sorted(kinds, key=lambda kind: not issubclass(kind, payloads.Payload)):
        comments = dict(re.findall(r'^    (\w+): [^#\n]*# (.*)$', inspect.getsource(kind), re.MULTILINE))
        hints = typing.get_type_hints(kind)
        rows = [(f'`{field.name}`', _type_text(hints[field.name]), _default(field), comments.get(field.name, ''))
                for field in dataclasses.fields(kind)]
        parts += [f'### {kind.__name__}\n', summary(kind) + '\n', table(('field', 'type', 'default', ''), rows)]
    return '\n'.join(parts)


def _type_text(hint):
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return (f'list of {_type_text(arguments[0])}' if arguments[-1] is Ellipsis
                else f'{len(arguments)} of {_type_text(arguments[0])}')
    return {str: 'string', float: 'number', int: 'integer', bool: 'bool', dict: 'object'}.get(hint, hint.__name__)


def _default(field):
    if field.default is not dataclasses.MISSING:
        return f'`{json.dumps(field.default)}`'
    return '' if field.default_factory is dataclasses.MISSING else '`{}`'


# -- commands


def commands_part() -> str:
    """Return the section on `robot-ai` and `python -m training`."""
    from robot_ai import cli
    from training.__main__ import COMMANDS
    parts = ['## Commands\n', 'Exit status: 0 done; 1 some of it failed, the rest is done; 2 usage.\n']
    for name in cli.available_commands():
        module, parser = cli.load_command(name)
        parts += [f'### robot-ai {name}\n', summary(module) + '\n', table(('argument', 'what'), _arguments(parser))]
    parts += ['### python -m training\n',
              'Each has `--help`; [training/README.md](../training/README.md) explains them.\n',
              table(('command', 'what'), ((f'`{name}`', text) for name, (_, text) in COMMANDS.items()))]
    return '\n'.join(parts)


def _arguments(parser):
    formatter = parser._get_formatter()
    for action in parser._actions:
        if '--help' in action.option_strings:
            continue
        value = action.metavar or ('|'.join(action.choices) if action.choices else action.dest.upper())
        takes = '' if action.nargs == 0 else f' {value}'
        name = ', '.join(action.option_strings) + takes if action.option_strings else value
        more = '...' if action.nargs in ('+', '*') else ''
        yield f'`{name}{more}`', formatter._expand_help(action) if action.help else ''


# -- the keys of a dialogue


def dialogue_part() -> str:
    """Return the section on the keys of a dialogue file."""
    schema = json.loads((CHECKOUT / 'robot_ai' / 'dialogue' / 'schema.json').read_text('utf-8'))
    definitions = schema['$defs']
    parts = ['## Keys of a dialogue\n',
             'From `robot_ai/dialogue/schema.json`, which editors that know JSON Schema can use too. `*` stands for a '
             'name of your own. **Bold** keys must be there.\n']
    head = ('key', 'value', 'default', 'what')
    parts += ['### The file\n', table(head, _keys(schema, '', definitions))]
    for name in ('state', 'reaction'):
        parts += [f'### A {name}\n', table(head, _keys(definitions[name], '', definitions))]
    parts += ['### Kinds of values\n', table(('kind', 'value', '', 'what'), (
        (f'{name.replace("_", " ")}', _value(kind, definitions), '', kind.get('description', ''))
        for name, kind in definitions.items() if 'properties' not in kind and name != 'states'))]
    return '\n'.join(parts)


def _keys(schema, prefix, definitions):
    required = schema.get('required', ())
    for name, part in schema.get('properties', {}).items():
        key = f'`{prefix}{name}`'
        default = f'`{json.dumps(part["default"])}`' if 'default' in part else ''
        described = part.get('description', '')
        yield f'**{key}**' if name in required else key, _value(part, definitions), default, described
        inner = part
        path = f'{prefix}{name}.'
        if isinstance(part.get('additionalProperties'), dict) and '$ref' not in part['additionalProperties']:
            inner, path = part['additionalProperties'], f'{path}*.'
        elif isinstance(part.get('items'), dict) and 'properties' in part['items']:
            inner = part['items']
        yield from _keys(inner, path, definitions)


def _value(part, definitions):
    """Return in words what a schema takes."""
    if '$ref' in part:
        name = part['$ref'].rpartition('/')[2]
        return {'states': 'states by name'}.get(name, name.replace('_', ' '))
    if 'const' in part:
        return f'`{json.dumps(part["const"])}`'
    if 'enum' in part:
        return ', '.join(f'`{value}`' for value in part['enum'])
    kinds = part.get('type', 'any')
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = {'array': 'list', 'object': 'mapping', 'boolean': 'true or false', 'string': 'text', 'null': 'nothing'}
    text = ' or '.join(words.get(kind, kind) for kind in kinds)
    if 'array' in kinds and '$ref' in part.get('items', {}):
        text += f' of {_value(part["items"], definitions)}s'
    for low, high, unit in (('minimum', 'maximum', ''), ('minLength', 'maxLength', ' characters'),
                            ('minItems', 'maxItems', ' in a list'), ('minProperties', 'maxProperties', ' keys')):
        if high in part:
            text += f', {part.get(low, 0)} to {part[high]}{unit}'
        elif low in part and part[low] > 1:
            text += f', at least {part[low]}{unit}'
    return text


def reference() -> str:
    """Return the whole document; starts and ends every node, which takes some seconds."""
    return '\n'.join([HEAD, nodes_part(), payloads_part(), commands_part(), dialogue_part()])


def main(arguments) -> int:
    """Write the document, or compare it (--check)."""
    # Beside a running assistant nothing is heard of it, and it hears nothing.
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    os.environ.setdefault('ROS_DOMAIN_ID', str(random.randrange(1, 100)))
    text = reference()
    if arguments == ['--check']:
        kept = REFERENCE.read_text('utf-8') if REFERENCE.exists() else ''
        lines = list(difflib.unified_diff(kept.splitlines(), text.splitlines(), 'docs/reference.md', 'the code', n=0,
                                          lineterm=''))
        if lines:
            print('\n'.join([*lines, f'docs/reference.md is not what the code says; write it anew: {COMMAND}']))
        return int(bool(lines))
    REFERENCE.write_text(text, 'utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
