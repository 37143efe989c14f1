"""YAML text -> plain Python values plus the line and column of each, refused where it is not plain and small.

The file is composed, not constructed: no tag can make an object, and every value keeps its place, so that an
error can point at it. YAML 1.2 (ruamel.yaml): `yes`, `no` and `on` are words, 09:00 is text. Aliases are allowed
as long as the whole, written out, stays below MAX_VALUES: a "billion laughs" file is refused, not expanded.
"""
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from robot_ai.errors import DialogueError

MAX_BYTES = 1_000_000  # about 20,000 lines: far more than a person writes
MAX_VALUES = 50_000
MAX_DEPTH = 30
TAG = 'tag:yaml.org,2002:'
TEXT_TAGS = {TAG + 'str', TAG + 'timestamp', TAG + 'value', TAG + 'merge'}


@dataclass
class Source:
    """A file read: `value` (dict, list, str, int, float, bool, None) and where each part of it stands.

    `places` maps a path (tuple of keys and indices) to (line, column), counted from 1; a path that ends in
    ('key', name) gives the place of the key itself.
    """

    name: str
    value: object
    places: dict = field(default_factory=dict)

    def place(self, path) -> tuple[int, int]:
        """Return (line, column) of `path`, or of the nearest part around it."""
        path = tuple(path)
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def fault(self, path, text: str) -> str:
        """Return `text` with the file's name, line and column before it."""
        line, column = self.place(path)
        return f'{self.name}:{line}:{column}: {text}'


def read_yaml(text: str, name: str) -> Source:
    """Return the one document in `text`. DialogueError with line and column where it cannot be used."""
    if len(text.encode('utf-8', 'replace')) > MAX_BYTES:
        raise DialogueError(f'{name}: larger than {MAX_BYTES:,} bytes; split it, or take it out of the lists')
    try:
        node = YAML(typ='safe', pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f'{mark.line + 1}:{mark.column + 1}' if mark else '1:1'
        problem = ' '.join(str(error.problem or error.context).split())
        if mark and 'block end' in problem and (wrong := _indentation(text, mark, error.context_mark)):
            raise DialogueError(f'{name}:{place}: {wrong}') from None
        raise DialogueError(f'{name}:{place}: not YAML: {problem}{_advice(problem)}') from None
    except RecursionError:
        raise DialogueError(f'{name}:1:1: nested too deeply to read, at most {MAX_DEPTH} levels') from None
    except (YAMLError, ValueError) as error:  # characters that YAML does not allow, for one
        raise DialogueError(f'{name}:1:1: not YAML: {" ".join(str(error).split())}') from None
    if node is None:
        raise DialogueError(f'{name}:1:1: the file is empty; expected a dialogue (see docs/dialogue.md)')
    source = Source(name, None)
    source.value = _Builder(source).build(node, (), 0)
    return source


def _indentation(text, mark, group) -> str:
    """Return how a line is indented otherwise than the one above it; '' where that is not what is wrong."""
    lines = text.splitlines()
    above = next((i for i in range(mark.line - 1, -1, -1) if lines[i].strip() and lines[i].strip()[0] != '#'), None)
    if above is None or lines[mark.line][:mark.column].strip():
        return ''
    column = len(lines[above]) - len(lines[above].lstrip()) + 1
    if column == mark.column + 1:
        return ''
    around = f', and its group (line {group.line + 1}) in column {group.column + 1}' if group else ''
    return (f'this line begins in column {mark.column + 1}, which fits no line before it; the one above (line '
            f'{above + 1}) begins in column {column}{around}: put as many spaces before lines that belong side by side')


def _advice(problem: str) -> str:
    if 'mapping values are not allowed' in problem:
        return ' (a text with ": " in it needs quotes around it)'
    if 'cannot start any token' in problem and '\\t' in problem:
        return ' (indent with spaces, not tabs)'
    if "but got ':'" in problem:
        return ' (a text with ": " in it needs quotes around it; or is a bracket or a brace left open?)'
    if "but got '{'" in problem or "but got '['" in problem:
        return ' (a text with "{" or "[" in it needs quotes around it)'
    if 'block end' in problem:
        return ' (the line is indented more, or less, than its neighbours)'
    if 'flow' in problem or 'expected \',\'' in problem:
        return ' (is a bracket or a brace left open?)'
    return ''


class _Builder:
    def __init__(self, source: Source):
        self.source, self.count = source, 0

    def build(self, node, path, depth):
        places = self.source.places
        places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.count += 1
        if self.count > MAX_VALUES:
            self.refuse(path, f'more than {MAX_VALUES:,} values when its aliases are written out')
        if depth > MAX_DEPTH:
            self.refuse(path, f'nested deeper than {MAX_DEPTH} levels (does an alias contain itself?)')
        if isinstance(node, ScalarNode):
            return self.scalar(node, path)
        if isinstance(node, MappingNode):
            self.check_tag(node, path, 'map')
            return self.mapping(node, path, depth)
        self.check_tag(node, path, 'seq')
        return [self.build(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]

    def mapping(self, node, path, depth):
        out = {}
        for key_node, value_node in node.value:
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                self.source.places[path] = place
                self.refuse(path, 'a key must be a plain word')
            key = str(key_node.value)
            self.source.places[(*path, ('key', key))] = place
            if key in out:
                self.refuse((*path, ('key', key)), f'{key!r} stands twice here; the first would be lost')
            out[key] = self.build(value_node, (*path, key), depth + 1)
        return out

    def scalar(self, node, path):
        tag, text = _tag(node), node.value
        if tag in TEXT_TAGS:
            return text
        try:
            if tag == TAG + 'int':
                return int(text.replace('_', ''), 0) if text[:2].lower() in ('0x', '0o') else int(
                    text.replace('_', ''))
            if tag == TAG + 'float':
                return float(text.replace('_', ''))
        except ValueError:
            return text
        if tag == TAG + 'bool':
            return text.lower() == 'true'
        if tag == TAG + 'null':
            return None
        return self.refuse(path, f'the tag {node.tag} is not allowed; write plain text, numbers, lists and mappings')

    def check_tag(self, node, path, kind):
        if _tag(node) != TAG + kind:
            self.refuse(path, f'the tag {node.tag} is not allowed; write plain text, numbers, lists and mappings')

    def refuse(self, path, text):
        raise DialogueError(self.source.fault(path, text))


def _tag(node) -> str:
    return str(node.tag)
