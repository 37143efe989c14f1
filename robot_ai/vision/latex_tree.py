r"""LaTeX of CROHME's kind in, a layout tree out (`layout.Node`s without boxes), and the one normal form for comparing.

Two strings are the same formula where their normal forms are the same tokens: spaces, redundant braces, `\left`,
`\right`, `\limits`, font commands and the order of sub- and superscript do not count; nothing else is forgiven.
"""
from robot_ai.errors import ImageError
from robot_ai.vision.latex import tokens
from robot_ai.vision.layout import Node, latex_of

_IGNORED = {'\\left', '\\right', '$', '\\displaystyle', '\\,', '\\;', '\\:', '\\!', '\\ ', '\\limits', '\\quad', '~',
            '\\mbox', '\\mathrm', '\\hbox', '\\rm', '\\text', '\\Bigl', '\\Bigr', '\\bigl', '\\bigr', '\\big', '\\Big',
            '\\Bigg', '\\bigg'}
_SAME = {'\\le': '\\leq', '\\ge': '\\geq', '\\ne': '\\neq', '\\to': '\\rightarrow', '<': '\\lt', '>': '\\gt',
         '\\cdots': '\\ldots', '\\dots': '\\ldots', '\\lbrack': '[', '\\rbrack': ']', '\\lbrace': '\\{',
         '\\rbrace': '\\}', "'": '\\prime', '\\vert': '|', '\\mid': '|', '\\dfrac': '\\frac', '\\tfrac': '\\frac',
         '\\cdot': '.', '\\lbracket': '[', '\\parallel': '|'}
_WORDS = {'sin': '\\sin', 'cos': '\\cos', 'tan': '\\tan', 'log': '\\log', 'lim': '\\lim'}
_NO_BOX = (0.0, 0.0, 0.0, 0.0)
MAX_DEPTH = 60


def parse(latex: str) -> Node | None:
    """Return the tree of a formula, None for an empty one; ImageError where it is not balanced LaTeX."""
    parser = _Parser(_plain(latex))
    first = parser.sequence(0)
    if parser.at < len(parser.tokens):
        raise ImageError(f'{latex!r}: unbalanced at {parser.tokens[parser.at]!r}')
    return first


def normal_form(latex: str) -> tuple[str, ...]:
    """Return the tokens of a formula's one normal form; ImageError where it cannot be parsed."""
    return tuple(latex_of(parse(latex)).split())


def leaves(node: Node | None) -> list[Node]:
    """Return the nodes of a tree in LaTeX's order: each before its scripts, these before what stands right of it."""
    out, stack = [], [node] if node else []
    while stack:
        node = stack.pop()
        out.append(node)
        order = ('above', 'below', 'inside', 'sub', 'sup') if node.label == '-' else (
            'above', 'inside', 'sub', 'sup', 'below')
        following = [node.children[place] for place in (*order, 'right') if place in node.children]
        stack.extend(reversed(following))
    return out


def _plain(latex):
    found = [_SAME.get(token, token) for token in tokens(latex) if token not in _IGNORED]
    out = []
    for token in found:
        out.append(token)
        for word, command in _WORDS.items():
            if out[-len(word):] == list(word):
                out[-len(word):] = [command]
    return out


class _Parser:
    def __init__(self, found):
        self.tokens, self.at = found, 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self):
        token = self.peek()
        if token is None:
            raise ImageError('the formula ends where an argument is due')
        self.at += 1
        return token

    def sequence(self, depth, end='}'):
        """Read nodes up to `end` (left unread) or the end; returns the first."""
        if depth > MAX_DEPTH:
            raise ImageError(f'groups nested deeper than {MAX_DEPTH}')
        first = last = None
        while self.peek() not in (None, end):
            token = self.peek()
            if token in ('^', '_'):
                self.at += 1
                place = 'sup' if token == '^' else 'sub'
                child = self.argument(depth)
                if last is None:
                    last = first = Node('', _NO_BOX)
                if child is not None and place in last.children:  # x''
                    _last(last.children[place]).children['right'] = child
                elif child is not None:
                    last.children[place] = child
                continue
            if token == '\\prime' and last is not None:
                self.at += 1
                child = Node('\\prime', _NO_BOX)
                if 'sup' in last.children:
                    _last(last.children['sup']).children['right'] = child
                else:
                    last.children['sup'] = child
                continue
            head, tail = self.atom(depth)
            if head is None:
                continue
            if last is None:
                first = head
            else:
                last.children['right'] = head
            last = tail
        return first

    def atom(self, depth):
        """Read one symbol, fraction, root or group; returns its first and last node (None, None if empty)."""
        token = self.take()
        if token == '{':
            first = self.sequence(depth + 1)
            self.expect('}')
            return (first, _last(first)) if first else (None, None)
        node = Node('-' if token == '\\frac' else token, _NO_BOX)
        parts = {}
        if token == '\\frac':
            parts = {'above': self.argument(depth), 'below': self.argument(depth)}
        elif token == '\\sqrt':
            if self.peek() == '[':
                self.at += 1
                parts['above'] = self.sequence(depth + 1, ']')
                self.expect(']')
            parts['inside'] = self.argument(depth)
        node.children.update({place: child for place, child in parts.items() if child is not None})
        return node, node

    def argument(self, depth):
        """Read a script's or command's argument: a group or one atom."""
        if self.peek() in ('^', '_', '}'):
            raise ImageError(f'{self.peek()!r} where an argument is due')
        return self.atom(depth + 1)[0]

    def expect(self, token):
        if self.peek() != token:
            raise ImageError(f'expected {token!r}, found {self.peek()!r}')
        self.at += 1


def _last(node):
    while 'right' in node.children:
        node = node.children['right']
    return node
