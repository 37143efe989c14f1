"""Symbols' scores and boxes in, the most likely layout tree out: the parser network's edges, then a spanning tree.

Each symbol hangs on one parent by one relation, and a parent has at most one child a relation; among the trees
that fit, the one with the greatest sum of log-probabilities is looked for by Chu-Liu and Edmonds' algorithm,
repeated with the weaker edge forbidden where two children want the same place.
"""
import numpy as np

from robot_ai.errors import ModelError
from robot_ai.model_store import GraphRunner, ModelInfo, reading_parameters
from robot_ai.vision import pairs
from robot_ai.vision.layout import RELATIONS, Node, typical_size

IMPOSSIBLE = -1e6
TRIES = 60  # of the slot conflicts: a formula has few


def normalized_boxes(boxes: np.ndarray) -> np.ndarray:
    """Return boxes [n, 4] (left, top, right, bottom) in typical symbol sizes, around the formula's middle."""
    boxes = np.asarray(boxes, np.float32)
    size = typical_size(boxes)
    origin = np.array([boxes[:, 0].min(), (boxes[:, 1] + boxes[:, 3]).mean() / 2] * 2, np.float32)
    return (boxes - origin) / size


class FormulaParser:
    """Runs an expressions model: signatures `parse_N` for N symbols at most, and its segmenters."""

    def __init__(self, info: ModelInfo, threads: int = 1):
        self.info, self.labels = info, info.labels
        with reading_parameters(info) as parameters:
            self.reads_pieces = 'segment_pieces' in parameters.get('segmenters', ())
            self.sizes = sorted(int(n) for n in parameters['sizes'])
            self._rows = int(parameters.get('segment_rows', 1))
        self._runner = GraphRunner(info, threads)
        counted = pairs.FILE in info.document['files']
        self._pairs = pairs.Pairs.read(info.folder / pairs.FILE, len(self.labels)) if counted else None

    def decide(self, scores: np.ndarray, parents: list[int], relations: list[int]) -> tuple[np.ndarray, float]:
        """Return `run`'s probabilities [n, classes] with the tree's pairs considered, and the labels' log worth."""
        if self._pairs is None:
            return scores, float(np.log(scores.max(axis=1) + 1e-6).sum())
        return self._pairs.decide(scores, parents, relations)

    def run(self, scores: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return labels' probabilities [n, classes] and edges' log-probabilities [n + 1, n, 6] (parent n: root).

        Raises ModelError for more symbols than the model takes.
        """
        count, classes = scores.shape
        size = next((n for n in self.sizes if n >= count), None)
        if size is None:
            raise ModelError(f'{self.info.folder}: {count} symbols, at most {self.sizes[-1]}')
        padded_scores = np.zeros((1, size, classes), np.float32)
        padded_boxes, mask = np.zeros((1, size, 4), np.float32), np.zeros((1, size), np.float32)
        padded_scores[0, :count], padded_boxes[0, :count], mask[0, :count] = scores, normalized_boxes(boxes), 1
        out = self._runner.run(f'parse_{size}', scores=padded_scores, boxes=padded_boxes, mask=mask)
        edges = out['edges'][0]
        return out['labels'][0, :count], np.concatenate([edges[:count, :count], edges[size:, :count]])

    def weigh_pieces(self, features: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the log-odds [n] that sets of pieces of ink are whole symbols (pieces.py's features, scores)."""
        return self.weigh(features, scores, 'segment_pieces')

    def weigh(self, features: np.ndarray, scores: np.ndarray, signature: str = 'segment') -> np.ndarray:
        """Return the log-odds [n] that groups of strokes are whole symbols (segmentation.py's features, scores)."""
        rows = self._rows
        out = []
        for first in range(0, len(features), rows):
            part = slice(first, first + rows)
            count = len(features[part])
            padded = np.zeros((rows, features.shape[1]), np.float32), np.zeros((rows, scores.shape[1]), np.float32)
            padded[0][:count], padded[1][:count] = features[part], scores[part]
            out.append(self._runner.run(signature, features=padded[0], scores=padded[1])['log_odds'][:count])
        return np.concatenate(out)


def best_tree(edges: np.ndarray) -> tuple[list[int], list[int]]:
    """Return each symbol's parent (-1 for the root) and relation from log-probabilities [n + 1, n, 6]."""
    edges = np.array(edges, np.float64)
    count = edges.shape[1]
    for _ in range(TRIES):
        best = edges.max(axis=-1)  # [n + 1, n]
        parents = spanning_tree(best)
        relations = [int(edges[p, child].argmax()) for child, p in enumerate(parents)]
        clash = _clash(parents, relations, best, count)
        if clash is None:
            break
        parent, child = clash
        edges[parent, child, relations[child]] = IMPOSSIBLE * 1e-3
    return [p if p < count else -1 for p in parents], relations


def _clash(parents, relations, best, count):
    """Return the (parent, child) whose edge yields where two children want one place; None where none do."""
    taken = {}
    for child, (parent, relation) in enumerate(zip(parents, relations)):
        if parent == count:
            continue
        other = taken.setdefault((parent, relation), child)
        if other != child:
            return parent, min((other, child), key=lambda c: best[parent, c])
    return None


def spanning_tree(scores: np.ndarray) -> list[int]:
    """Return the parents of the best tree with one root: scores [n + 1, n], parent n is the root.

    One symbol alone may hang on the root; every choice of it is tried where the greedy ones do not agree.
    """
    count = scores.shape[1]
    free = _edmonds(scores)
    roots = [child for child, parent in enumerate(free) if parent == count]
    if len(roots) == 1:
        return free
    best, value = None, -np.inf
    for root in sorted(range(count), key=lambda c: -scores[count, c])[:6]:
        only = scores.copy()
        only[count, :] = IMPOSSIBLE
        only[count, root] = 0
        only[:count, root] = IMPOSSIBLE
        tree = _edmonds(only)
        total = sum(scores[p, c] for c, p in enumerate(tree))
        if total > value and sum(p == count for p in tree) == 1:
            best, value = tree, total
    return best if best is not None else _chain(count, roots[0])


def _chain(count, root):
    """Return the tree that hangs every symbol on the one before: the last resort."""
    order = [root] + [c for c in range(count) if c != root]
    parents = [count] * count
    for before, child in zip(order, order[1:]):
        parents[child] = before
    return parents


def _edmonds(scores):
    """Chu-Liu and Edmonds: the maximum arborescence; scores [n + 1, n], the last parent is the root."""
    nodes = scores.shape[1]
    weights = np.full((nodes + 1, nodes + 1), IMPOSSIBLE * 10)
    weights[:, :nodes] = scores
    np.fill_diagonal(weights, IMPOSSIBLE * 10)
    parents = _arborescence(weights, nodes)
    return [int(p) for p in parents[:nodes]]


def _arborescence(weights, root):
    """Return the parent of each node of a dense graph; weights[parent, child]."""
    count = len(weights)
    parents = weights.argmax(axis=0)
    parents[root] = root
    cycle = _cycle(parents, root)
    if cycle is None:
        return parents
    inside = np.zeros(count, bool)
    inside[cycle] = True
    outer = [n for n in range(count) if not inside[n]]
    index = {n: i for i, n in enumerate(outer)}
    merged = len(outer)
    smaller = np.full((merged + 1, merged + 1), IMPOSSIBLE * 10)
    entry, leaving = {}, {}
    inner_weight = {n: weights[parents[n], n] for n in cycle}
    for a in outer:
        for b in outer:
            smaller[index[a], index[b]] = weights[a, b]
        gains = [weights[a, n] - inner_weight[n] for n in cycle]
        entry[a] = cycle[int(np.argmax(gains))]
        smaller[index[a], merged] = max(gains)
        leaving[a] = cycle[int(np.argmax(weights[cycle, a]))]
        smaller[merged, index[a]] = weights[leaving[a], a]
    np.fill_diagonal(smaller, IMPOSSIBLE * 10)
    found = _arborescence(smaller, index[root])
    out = parents.copy()
    for a in outer:
        if a != root:
            p = found[index[a]]
            out[a] = leaving[a] if p == merged else outer[p]
    enters = outer[found[merged]]
    out[entry[enters]] = enters
    return out


def _cycle(parents, root):
    """Return the nodes of a cycle in a parent array, or None."""
    state = np.zeros(len(parents), int)
    state[root] = 2
    for start in range(len(parents)):
        path, node = [], start
        while state[node] == 0:
            state[node] = 1
            path.append(node)
            node = parents[node]
        if state[node] == 1:
            return path[path.index(node):]
        for n in path:
            state[n] = 2
    return None


def to_nodes(labels: list[str], boxes: np.ndarray, parents: list[int], relations: list[int]) -> Node | None:
    """Return the tree's first node."""
    nodes = [Node(label, tuple(float(v) for v in box)) for label, box in zip(labels, boxes)]
    first = None
    for node, parent, relation in zip(nodes, parents, relations):
        if parent < 0:
            first = node
        else:
            nodes[parent].children[RELATIONS[relation]] = node
    return first
