r"""Symbols' scores and boxes in, the matrices among them out: a pair of tall brackets around a grid of cells.

Rules, since CROHME's expressions hold no matrix to learn from. What a pair of brackets holds is divided into rows by
the gaps between lines of symbols and into columns by the gaps between the cells; it is a matrix where every row
has something in every column, and no fraction, limit or script explains the rows. Matrices do not hold matrices, nor
cells fractions of their own.
"""
from dataclasses import dataclass

import numpy as np

from robot_ai.vision.layout import BARS, LIMIT_OPERATORS, typical_size

# Opening and closing sign, and the environment of amsmath that draws them.
BRACKETS = (('(', ')', 'pmatrix'), ('[', ']', 'bmatrix'), ('|', '|', 'vmatrix'))
LEAST_SCORE = 0.05  # of a bracket's label; tall and thin, each is like the others
TALL = 2.0  # typical sizes: lower brackets hold one line
SAME_SIZE = 0.6  # least ratio of two rows' letters: smaller ones are scripts
SLENDER = 0.7  # width over height of a bracket at most
ALIKE = 0.6  # least share of two brackets' heights, and of the heights that they have in common
SHRUNK = 0.12  # of a symbol's height at each end: neighbouring rows' symbols may touch
COLUMN_GAPS = (0.45, 0.6, 0.8, 1.0, 1.3, 1.7)  # typical sizes; the first that gives a whole grid
WORD_GAP = 1.0  # typical sizes; a wider one inside the entries of one column: another entry is missing
NO_ENTRY = (*BARS, ',', '.', '\\prime', '(', ')', '[', ']', '|')  # a row of these alone is none
BAR_NEAR = 0.6  # typical sizes from a fraction's bar to what stands above and below it


@dataclass(frozen=True)
class Matrix:
    """Indices of the symbols: brackets, and cells [rows][columns][symbols], each from left to right."""

    opening: int
    closing: int
    environment: str
    cells: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def symbols(self) -> set[int]:
        """Every symbol that it is made of."""
        return {self.opening, self.closing, *(i for row in self.cells for cell in row for i in cell)}

    def latex(self, cells: list[list[str]]) -> str:
        """Return its LaTeX, given that of its cells."""
        rows = ' \\\\ '.join(' & '.join(row) for row in cells)
        return f'\\begin{{{self.environment}}} {rows} \\end{{{self.environment}}}'


def find_matrices(scores: np.ndarray, boxes: np.ndarray, labels: tuple[str, ...]) -> list[Matrix]:
    """Return the matrices among symbols with scores [n, classes] and boxes [n, 4] (left, top, right, bottom)."""
    boxes = np.asarray(boxes, float)
    kinds = [(labels.index(a), labels.index(b), environment) for a, b, environment in BRACKETS
             if a in labels and b in labels]
    if len(boxes) < 4 or not kinds:
        return []
    names = [labels[k] for k in scores.argmax(axis=1)]
    odds = np.stack([np.outer(scores[:, opening], scores[:, closing]) for opening, closing, _ in kinds])
    found, taken = [], set()
    for opening, closing in _pairs(boxes, odds.max(axis=0) >= LEAST_SCORE ** 2):
        inside = [] if {opening, closing} & taken else _inside(boxes, opening, closing)
        cells = _cells(boxes, names, inside, boxes[opening, 3] - boxes[opening, 1]) if inside else ()
        if cells and not taken & set(inside):
            found.append(Matrix(opening, closing, kinds[odds[:, opening, closing].argmax()][2], cells))
            taken |= found[-1].symbols
    return found


def stand_in(boxes: np.ndarray, matrix: Matrix) -> np.ndarray:
    """Return a box [4] for a matrix as one symbol among others: as wide as it is, one letter high, at its middle."""
    pair = boxes[[matrix.opening, matrix.closing]]
    inside = boxes[[i for row in matrix.cells for cell in row for i in cell]]
    middle, half = (pair[:, 1].min() + pair[:, 3].max()) / 2, typical_size(inside) / 2
    return np.array([pair[0, 0], middle - half, pair[1, 2], middle + half], np.float32)


def _pairs(boxes, likely):
    """Return (opening, closing) of the `likely` [n, n] that are slender and alike in height, the closest first."""
    left, top, right, bottom = boxes.T
    slender, height = right - left < SLENDER * (bottom - top), bottom - top
    common = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    gap = left - right[:, None]
    fit = likely & slender[:, None] & slender & (gap > 0) & (common > ALIKE * np.maximum(height[:, None], height))
    return sorted(zip(*(indices.tolist() for indices in np.nonzero(fit))), key=lambda pair: gap[pair])


def _inside(boxes, opening, closing):
    """Return the symbols between two brackets; none where something between them sticks out far."""
    top, bottom = boxes[[opening, closing], 1].min(), boxes[[opening, closing], 3].max()
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    between = np.flatnonzero((middle[:, 0] > boxes[opening, 2]) & (middle[:, 0] < boxes[closing, 0])
                             & (np.arange(len(boxes)) != opening) & (np.arange(len(boxes)) != closing))
    within = (middle[between, 1] > top) & (middle[between, 1] < bottom)
    return between.tolist() if within.all() else []


def _cells(boxes, names, inside, height):
    """Return the cells of a grid of symbols between brackets of some height; () where they make none."""
    mine, names = boxes[inside], [names[i] for i in inside]
    size, extent = typical_size(mine), mine[:, 3].max() - mine[:, 1].min()
    if min(height, extent) < TALL * size or height < ALIKE * extent or _has_fraction(mine, names, size):
        return ()
    shrunk = SHRUNK * (mine[:, 3] - mine[:, 1])
    rows = _groups(mine[:, 1] + shrunk, mine[:, 3] - shrunk, 0.0)
    letters = [typical_size(mine[rows == r]) for r in range(rows.max() + 1)]
    if len(letters) == 1 or min(letters) < SAME_SIZE * max(letters):
        return ()
    for gap in COLUMN_GAPS:
        columns = _groups(mine[:, 0], mine[:, 2], gap * size)
        cells = [[np.flatnonzero((rows == r) & (columns == c)) for c in range(columns.max() + 1)]
                 for r in range(rows.max() + 1)]
        if all(len(cell) for row in cells for cell in row):
            break
    else:
        return ()
    if columns.max() == 0 and (gap > WORD_GAP or not _is_column(mine, names, rows)):
        return ()
    if any(all(names[i] in NO_ENTRY for cell in row for i in cell) for row in cells):
        return ()
    return tuple(tuple(tuple(inside[i] for i in sorted(cell, key=lambda i: mine[i, 0])) for cell in row)
                 for row in cells)


def _groups(low, high, gap):
    """Return the number of the group [n] that each interval is in: groups are more than `gap` apart, in order."""
    order, numbers, reached, group = np.argsort(low), np.zeros(len(low), int), -np.inf, -1
    for i in order:
        if low[i] > reached + gap:
            group += 1
        numbers[i], reached = group, max(reached, high[i])
    return numbers


def _has_fraction(boxes, names, size):
    """Whether a bar has something close above and something close below it."""
    for bar, name in zip(boxes, names):
        if name not in BARS:
            continue
        overlap = np.minimum(boxes[:, 2], bar[2]) - np.maximum(boxes[:, 0], bar[0])
        beside = overlap > 0.5 * np.minimum(boxes[:, 2] - boxes[:, 0], bar[2] - bar[0])
        above, below = bar[1] - boxes[beside, 3], boxes[beside, 1] - bar[3]
        if ((above > -0.3 * size) & (above < BAR_NEAR * size) & (boxes[beside, 1] < bar[1])).any() and (
                (below > -0.3 * size) & (below < BAR_NEAR * size) & (boxes[beside, 3] > bar[3])).any():
            return True
    return False


def _is_column(boxes, names, rows):
    """Whether rows of one cell each make a column vector: one above the other, alike in height, no limits."""
    if any(name in LIMIT_OPERATORS or name in BARS for name in names):
        return False
    parts = [boxes[rows == r] for r in range(rows.max() + 1)]
    lefts, rights = [part[:, 0].min() for part in parts], [part[:, 2].max() for part in parts]
    heights = [part[:, 3].max() - part[:, 1].min() for part in parts]
    common, narrowest = min(rights) - max(lefts), min(b - a for a, b in zip(lefts, rights))
    return common > 0.5 * narrowest and min(heights) > 0.45 * max(heights)
