r"""A formula's layout tree to the tokens that the image model writes and back, and which token may follow which.

The tokens are LaTeX's without what says nothing: a group opens with its command and needs no `{`, so that
`\frac { a } { b } ^ 2` is `\frac a \over b } ^ 2 }`. Whatever `Grammar` allows is balanced LaTeX that compiles.
"""
from collections.abc import Iterator

from robot_ai.vision.layout import BARS, Node

END, CLOSE = '', '}'
SCRIPTS = {'_': 'sub', '^': 'sup'}
STRUCTURE = ('\\frac', '\\over', '\\sqrt', '\\root', '\\of', *SCRIPTS, CLOSE)
_OPENED = {'\\frac': '\\frac { ', '\\sqrt': '\\sqrt { ', '\\root': '\\sqrt [ ', '_': '_ { ', '^': '^ { ',
           '\\over': '} { ', '\\of': '] { '}
_CLOSING_TOKENS = {'\\frac': 3, '\\root': 3}  # at least so many tokens end the group once it holds something; else 1


def linear(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield (token, node) of a tree in the order of `layout.latex_of`.

    The node is the symbol that a token is written for: an opening script has its first symbol's, what closes a group
    the symbol that the group hangs on.
    """
    while node is not None:
        part = {place: child for place, child in node.children.items() if place != 'right'}
        if node.label == '\\sqrt' and 'inside' in part:
            index = None
            if 'sub' not in part:
                index = part.pop('above', None) or part.pop('sup', None)
            yield '\\root' if index else '\\sqrt', node
            if index:
                yield from (*linear(index), ('\\of', node))
            yield from (*linear(part.pop('inside')), (CLOSE, node))
        elif node.label in BARS and 'above' in part and 'below' in part:
            yield '\\frac', node
            yield from (*linear(part.pop('above')), ('\\over', node), *linear(part.pop('below')), (CLOSE, node))
        else:
            yield node.label, node
        for token, places in (('_', ('below', 'sub')), ('^', ('above', 'sup'))):
            children = [part[place] for place in places if place in part]
            if children:
                yield token, children[0]
                yield from (pair for child in children for pair in linear(child))
                yield CLOSE, node
        node = node.children.get('right')


def to_latex(found: list[str]) -> str:
    """Return the LaTeX of tokens that a Grammar allows (END left out)."""
    return ''.join(_OPENED.get(token, f'{token} ') for token in found).strip()


class Grammar:
    """Which tokens may follow those written so far; `length`: END included, the most that are ever written."""

    def __init__(self, vocabulary: list[str], length: int):
        self.vocabulary, self.length = vocabulary, length
        self.symbols = [token for token in vocabulary if token not in (END, *STRUCTURE)]

    def allowed(self, written: list[str]) -> set[str]:
        """Return the tokens that may come next."""
        opened, based, scripts = [], False, set()  # open groups; whether something stands in the last; scripts it has
        for token in written:
            if token in ('\\over', '\\of'):
                opened[-1], based, scripts = token, False, set()
            elif token == CLOSE:
                closed = opened.pop()
                based, scripts = True, {'_', closed} if closed in SCRIPTS else set()
            elif token in STRUCTURE:
                opened.append(token)
                based, scripts = False, set()
            else:
                based, scripts = True, set()
        needed = sum(_CLOSING_TOKENS.get(token, 1) for token in opened) + (not based) + 1
        closing = {'\\frac': '\\over', '\\root': '\\of'}.get(opened[-1], CLOSE) if opened else END
        out = {closing} if based else set()
        # The dearest token, a fraction, adds five to what is needed and is one itself.
        room = self.length - len(written) - needed
        if room >= 6:
            out |= {'\\frac', '\\sqrt', '\\root'}
            if based:
                out |= set(SCRIPTS) - scripts
        if not based or room >= 1:
            out |= set(self.symbols)
        if '\\root' in opened:
            out -= {'[', ']', '\\root'}  # a bracket inside would end the index, one of its own or of another root
        return out & {*self.vocabulary}


def vocabulary_of(sequences) -> list[str]:
    """Return the vocabulary of sequences of tokens: END, structure, then the symbols that occur."""
    return [END, *STRUCTURE, *sorted({token for tokens in sequences for token in tokens} - set(STRUCTURE))]
