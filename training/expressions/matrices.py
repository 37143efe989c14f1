r"""Matrices composed of real ink, since CROHME's expressions hold none: what `evaluate expressions --part` reads.

A cell is a run of one to three symbols cut out of a formula of a part, in its writer's ink; all are set on a loose grid
between brackets from the same part, sometimes with something before or a script behind.
"""
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robot_ai.vision.layout import latex_of
from robot_ai.vision.matrices import BRACKETS
from robot_ai.vision.parsing import to_nodes
from training.expressions.composed import Formula, cut, formulas

LETTER = 100.0  # height of a cell's letters, in the ink's unit
MOST = 3  # symbols of a cell
SHAPES = ((2, 2), (2, 2), (2, 3), (3, 3), (3, 2), (2, 1), (3, 1))  # rows, columns
TALL = ('\\frac', '\\sqrt', '\\sum', '\\int', '\\lim')  # no cell has these, nor these signs
NO_CELL = frozenset(',.()[]|/=') | {'\\prime', '\\ldots', '\\{', '\\}'}
NO_START = ('-', '+', '\\times', '\\div')


def composed(folder: Path, part: str, count: int, seed: int = 0) -> Iterator[dict]:
    """Yield expression objects (id, latex, strokes, symbols) as those of expressions-PART.jsonl.xz."""
    rng, sources = np.random.default_rng(seed), [formula for formula, _ in formulas(folder, part)]
    signs = {sign: [ink for f in sources for label, ink in zip(f.labels, f.ink) if label == sign]
             for sign in ('=', *(sign for opening, closing, _ in BRACKETS for sign in (opening, closing)))}
    for number in range(count):
        rows, columns = (int(n) for n in rng.choice(SHAPES))
        opening, closing, environment = BRACKETS[rng.choice(len(BRACKETS), p=(0.45, 0.45, 0.1))]
        cells = [[_cell(sources, rng) for _ in range(columns)] for _ in range(rows)]
        placed = _laid_out(cells, rng)  # (label, strokes) of each symbol, in the order of writing
        points = np.concatenate([stroke for _, ink in placed for stroke in ink])
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        before, after = (_fitted(signs[sign][rng.integers(len(signs[sign]))], x, top - 20, bottom + 20)
                         for sign, x in ((opening, left - 60), (closing, right + 60)))
        placed = [(opening, before), *placed, (closing, after)]
        latex = ' \\\\ '.join(' & '.join(_latex(cell) for cell in row) for row in cells)
        latex = f'\\begin{{{environment}}} {latex} \\end{{{environment}}}'
        if rng.random() < 0.4:
            name, middle = _cell(sources, rng, 1), (top + bottom) / 2
            equals = _sized(Formula(['='], [signs['='][rng.integers(len(signs['=']))]], [-1], [0]))
            placed = [*_moved(name, np.array([left - 420, middle])), *_moved(equals, np.array([left - 220, middle])),
                      *placed]
            latex = f'{_latex(name)} = {latex}'
        strokes, symbols = [], []
        for label, ink in placed:
            symbols.append({'label': label, 'strokes': list(range(len(strokes), len(strokes) + len(ink)))})
            strokes += [stroke.tolist() for stroke in ink]
        yield {'id': f'matrix-{number}', 'latex': latex, 'symbols': symbols, 'strokes': strokes}


def _cell(sources, rng, most=MOST) -> Formula:
    """Return a short piece of a formula, its letters LETTER high."""
    while True:
        piece = cut(sources[rng.integers(len(sources))], rng)
        if len(piece.labels) <= (1 if rng.random() < 0.5 else most) and not NO_CELL & set(
                piece.labels) and piece.labels[0] not in NO_START and not any(w in _latex(piece) for w in TALL):
            break
    return _sized(piece)


def _sized(piece):
    boxes = piece.boxes()
    scale = LETTER / max(np.median(np.maximum(*(boxes[:, 2:] - boxes[:, :2]).T)), 1e-3)
    return Formula(piece.labels, [[stroke * scale for stroke in ink] for ink in piece.ink], piece.parents,
                   piece.relations)


def _latex(piece):
    return latex_of(to_nodes(piece.labels, np.zeros((len(piece.labels), 4)), piece.parents, piece.relations))


def _laid_out(cells, rng):
    """Return (label, strokes) of the symbols of all cells, on a loose grid, row by row."""
    sizes = np.array([[np.ptp(np.concatenate([s for ink in cell.ink for s in ink]), axis=0) for cell in row]
                      for row in cells])
    gaps = rng.uniform(0.9, 1.6, len(cells[0]) - 1) * LETTER, rng.uniform(0.35, 0.9, len(cells) - 1) * LETTER
    xs, ys = (np.concatenate([[0], np.cumsum(lengths[:-1] + gap)]) + lengths / 2 for lengths, gap in zip(
        (sizes[..., 0].max(axis=0), np.maximum(sizes[..., 1].max(axis=1), LETTER)), gaps))
    return [symbol for row, y in zip(cells, ys) for cell, x in zip(row, xs)
            for symbol in _moved(cell, np.array([x, y]) + rng.normal(0, 0.08 * LETTER, 2))]


def _moved(piece, middle):
    boxes = piece.boxes()
    shift = middle - (boxes[:, :2].min(axis=0) + boxes[:, 2:].max(axis=0)) / 2
    return [(label, [stroke + shift for stroke in ink]) for label, ink in zip(piece.labels, piece.ink)]


def _fitted(ink, x, top, bottom):
    """Return a bracket's strokes stretched to a height, its middle at x."""
    points = np.concatenate(ink)
    low, size = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-3)
    scale = np.array([min((bottom - top) / size[1], 60 / size[0]), (bottom - top) / size[1]])
    return [(stroke - low) * scale + np.array([x - size[0] * scale[0] / 2, top]) for stroke in ink]
