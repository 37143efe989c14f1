"""An expression of CROHME (LaTeX, strokes, symbol grouping) in, its symbols with their places in the tree out.

The files name each symbol's strokes but not which of several equal labels in the LaTeX it is. Labels that occur
once decide themselves; equal ones are assigned by time order first, then swapped while that lowers the tree's
geometric cost. Expressions whose labels do not agree with their LaTeX (2 %) are left out.
"""
from collections import Counter
from dataclasses import dataclass

import numpy as np

from robot_ai.errors import ImageError
from robot_ai.vision.latex_tree import leaves, parse
from robot_ai.vision.layout import RELATIONS

ROOT = -1


@dataclass
class Tree:
    """Symbols in the order of writing: labels, strokes' indices, boxes, each one's parent and relation to it."""

    labels: list[str]
    strokes: list[list[int]]
    boxes: np.ndarray  # float [n, 4]: left, top, right, bottom
    parents: list[int]  # index of the parent; ROOT for the first symbol
    relations: list[int]  # index into RELATIONS; 0 ('right') for the root


def tree_of(item: dict) -> Tree | None:
    """Return the tree of an expression object; None where its LaTeX and its symbols do not agree."""
    symbols = sorted((s for s in item['symbols'] if s['strokes']), key=lambda s: min(s['strokes']))
    try:
        root = parse(item['latex'])
    except ImageError:
        return None
    nodes = leaves(root)
    if not nodes or Counter(n.label for n in nodes) != Counter(s['label'] for s in symbols):
        return None
    boxes = np.array([_box(item, s) for s in symbols])
    edges = _edges(nodes)
    place = _assign([n.label for n in nodes], [s['label'] for s in symbols], edges, boxes)
    parents, relations = [ROOT] * len(symbols), [0] * len(symbols)
    for parent, child, relation in edges:
        parents[place[child]], relations[place[child]] = int(place[parent]), relation
    return Tree([s['label'] for s in symbols], [sorted(s['strokes']) for s in symbols], boxes, parents, relations)


def _box(item, symbol):
    points = np.concatenate([np.asarray(item['strokes'][i], float)[:, :2] for i in symbol['strokes']])
    return [*points.min(axis=0), *points.max(axis=0)]


def _edges(nodes):
    """Return (parent, child, relation) by the nodes' numbers in LaTeX's order."""
    number = {id(node): index for index, node in enumerate(nodes)}
    return [(number[id(node)], number[id(child)], RELATIONS.index(place))
            for node in nodes for place, child in node.children.items()]


def _assign(wanted, given, edges, boxes):
    """Return for each node the symbol that it is: equal labels by time, then by swaps that lower the cost."""
    place = np.zeros(len(wanted), int)
    groups = []
    for label in set(wanted):
        nodes = [i for i, name in enumerate(wanted) if name == label]
        symbols = [i for i, name in enumerate(given) if name == label]
        place[nodes] = symbols
        if len(nodes) > 1:
            groups.append(nodes)
    size = np.median(np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])) or 1.0
    near = [[e for e in edges if node in e[:2]] for node in range(len(wanted))]

    def cost(nodes):
        return sum(_violation(boxes[place[a]], boxes[place[b]], relation, size)
                   for a, b, relation in {e for node in nodes for e in near[node]})
    for _ in range(4):
        changed = False
        for nodes in groups:
            for i, a in enumerate(nodes):
                for b in nodes[i + 1:]:
                    before = cost((a, b))
                    place[a], place[b] = place[b], place[a]
                    if cost((a, b)) < before - 1e-6:
                        changed = True
                    else:
                        place[a], place[b] = place[b], place[a]
        if not changed:
            break
    return place


def _violation(parent, child, relation, size):
    """Return how badly two boxes fit a relation, in symbol sizes."""
    dx, dy = child[0] - parent[2], (child[1] + child[3] - parent[1] - parent[3]) / 2
    name = RELATIONS[relation]
    if name == 'right':
        return (abs(dx) + 3 * max(0.0, -(child[0] - parent[0])) + 0.7 * abs(dy)) / size
    if name == 'sup':
        return (max(0.0, dy) * 3 + max(0.0, parent[0] - child[0]) + 0.5 * abs(dx)) / size
    if name == 'sub':
        return (max(0.0, -dy) * 3 + max(0.0, parent[0] - child[0]) + 0.5 * abs(dx)) / size
    aside = abs(child[0] - parent[0]) * 0.5
    if name == 'above':
        return (max(0.0, dy) * 3 + aside) / size
    if name == 'below':
        return (max(0.0, -dy) * 3 + aside) / size
    return (max(0.0, parent[0] - child[0]) + max(0.0, child[2] - parent[2]) + max(0.0, parent[1] - child[1])) / size
