"""Symbols with boxes in, a layout tree and its LaTeX out: baseline, scripts, fractions, roots, limits.

The tree is CROHME's symbol layout tree: every symbol may have one child to the right and one in each of the other
places (above right, below right, above, below, inside). `latex_of` writes any such tree as balanced LaTeX, whoever
made it: the rules here (`rule_tree`), or the parser network in `expressions.py`.
"""
from dataclasses import dataclass, field

import numpy as np

RELATIONS = ('right', 'sup', 'sub', 'above', 'below', 'inside')
BARS = ('-',)
LIMIT_OPERATORS = ('\\sum', '\\lim', '\\int', '\\prod')
OPERATORS = frozenset(('+', '-', '=', '\\times', '\\div', '\\pm', '\\leq', '\\geq', '\\lt', '\\gt', '\\neq',
                       '\\rightarrow', '\\in', ',', '(', '[', '\\{', '/'))
DESCENDING = frozenset('gjpqy') | {'\\beta', '\\mu', '\\phi'}
ASCENDING = (frozenset('bdfhklt0123456789') | frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZ')
             | {'\\theta', '\\lambda', '\\Delta'})


@dataclass
class Node:
    """One symbol of the tree: its label, its box (left, top, right, bottom) and its children by relation."""

    label: str
    box: tuple[float, float, float, float]
    children: dict = field(default_factory=dict)  # relation -> Node


def latex_of(node: Node | None) -> str:
    """Return the LaTeX of a tree: tokens apart by spaces, always balanced; '' for None."""
    out = []
    while node is not None:
        out.append(_one(node))
        node = node.children.get('right')
    return ' '.join(out)


def _one(node):
    part = {place: latex_of(child) for place, child in node.children.items() if place != 'right'}
    if 'inside' in part and node.label == '\\sqrt':
        index = part.pop('above', '') or part.pop('sup', '') if 'sub' not in part else ''
        # A root's index sits before it; above or up left of the sign is where writers put it.
        text = f'\\sqrt [ {index} ] {{ {part.pop("inside")} }}' if index else f'\\sqrt {{ {part.pop("inside")} }}'
    elif node.label in BARS and ('above' in part or 'below' in part):
        text = f'\\frac {{ {part.pop("above", "")} }} {{ {part.pop("below", "")} }}'
    elif node.label == '\\sqrt':
        text = '\\sqrt { }'
    else:
        text = node.label
    below = ' '.join(filter(None, (part.get('below', ''), part.get('sub', ''))))
    above = ' '.join(filter(None, (part.get('above', ''), part.get('sup', ''))))
    inside = part.get('inside', '')
    if below:
        text += f' _ {{ {below} }}'
    if above:
        text += ' ^ { \\prime }' if above == '\\prime' else f' ^ {{ {above} }}'
    return f'{text} {inside}' if inside else text


def middle(node: Node) -> float:
    """Return the height (y) of the line that a symbol's small letters are centred on."""
    _, top, _, bottom = node.box
    if node.label in DESCENDING:
        return top + 0.33 * (bottom - top)
    if node.label in ASCENDING:
        return top + 0.6 * (bottom - top)
    return (top + bottom) / 2


def rule_tree(nodes: list[Node]) -> Node | None:
    """Return the tree of symbols by rules on their boxes alone (their children are replaced)."""
    nodes = [Node(n.label, n.box) for n in nodes]
    return _baseline(sorted(nodes, key=lambda n: n.box[0]))


def _baseline(nodes):
    """Build the tree of nodes sorted by their left edge; returns its first symbol."""
    if not nodes:
        return None
    nodes = list(nodes)
    taken = set()
    for node in sorted(nodes, key=lambda n: n.box[0] - n.box[2]):  # widest first: outer fractions and roots
        if id(node) in taken:
            continue
        parts = _regions(node, [n for n in nodes if n is not node and id(n) not in taken])
        for place, group in parts.items():
            taken.update(id(n) for n in group)
            node.children[place] = _baseline(sorted(group, key=lambda n: n.box[0]))
    line = [n for n in nodes if id(n) not in taken]
    if not line:
        return nodes[0]
    return _scripts(line)


def _regions(node, others):
    """Return the symbols that a root, a fraction's bar or an operator with limits owns, by place."""
    left, top, right, bottom = node.box
    width = right - left

    def centre(n):
        return (n.box[0] + n.box[2]) / 2, (n.box[1] + n.box[3]) / 2
    if node.label == '\\sqrt':
        group = [n for n in others if left < centre(n)[0] < right
                 and top - 0.1 * (bottom - top) < centre(n)[1] < bottom and n.box[2] - n.box[0] < width]
        return {'inside': group} if group else {}
    if node.label in BARS:
        inside = [n for n in others if left - 0.05 * width < centre(n)[0] < right + 0.05 * width
                  and n.box[2] - n.box[0] < 1.1 * width]
        above = [n for n in inside if n.box[3] < (top + bottom) / 2 + 0.15 * (n.box[3] - n.box[1])]
        below = [n for n in inside if n.box[1] > (top + bottom) / 2 - 0.15 * (n.box[3] - n.box[1])]
        return {'above': above, 'below': below} if above and below else {}
    if node.label in LIMIT_OPERATORS:
        reach = 0.35 * width
        near = [n for n in others if left - reach < centre(n)[0] < right + reach]
        tall = bottom - top
        out = {'above': [n for n in near if n.box[3] < top + 0.25 * tall and n.box[3] > top - 1.2 * tall],
               'below': [n for n in near if n.box[1] > bottom - 0.25 * tall and n.box[1] < bottom + 1.2 * tall]}
        return {place: group for place, group in out.items() if group}
    return {}


def _scripts(line):
    """Divide symbols sorted by x into a baseline and its scripts."""
    first = current = line[0]
    script, place = [], None
    for node in line[1:] + [None]:
        where = 'right' if node is None else _relation(current, node)
        if where == 'right' or node is None:
            if script:
                current.children[place] = _scripts(script)
                script, place = [], None
            if node is not None:
                current.children['right'] = node
                current = node
        elif place is None or where == place:
            script, place = [*script, node], where
        else:
            current.children[place] = _scripts(script)
            script, place = [node], where
    return first


def _relation(base, node):
    """Return 'right', 'sup' or 'sub' for a symbol behind a baseline symbol."""
    if base.label in OPERATORS or node.label in OPERATORS and node.label not in ('-', '+'):
        return 'right'
    tall = max(base.box[3] - base.box[1], 0.5 * (base.box[2] - base.box[0]), 1e-6)
    small = (node.box[3] - node.box[1]) < 0.75 * tall
    shift = (middle(node) - middle(base)) / tall
    limit = 0.28 if small else 0.42
    return 'sup' if shift < -limit else 'sub' if shift > limit else 'right'


def typical_size(boxes: np.ndarray) -> float:
    """Return the median of the longer sides of boxes [n, 4] (left, top, right, bottom), small marks left out."""
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return float(np.median(sides[sides >= 0.4 * np.median(sides)])) or 1.0
