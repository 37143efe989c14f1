"""Formulas in, training batches for the image model out: distorted ink on a canvas, its inked cells, tokens, places.

`canvas_of` is the one step between a picture's ink and the network, for training and for reading: the ink is scaled
until a typical symbol is HEIGHT px tall and laid on the smallest of a few canvases. The network looks only at cells of
8 x 8 px that hold ink. A batch is a function of its step alone.
"""
from dataclasses import dataclass

import cv2
import numpy as np

from robot_ai.vision.finding import find_pieces
from robot_ai.vision.ink import draw_polylines
from robot_ai.vision.layout import typical_size
from training.expressions.composed import Exchange, Formula, cut
from training.expressions.image_tokens import END

HEIGHT = 16  # px of a typical symbol on the canvas
CELL = 8  # px, side of a cell: the encoder's subsampling
INKED = 64  # of 255: a cell counts from this much ink in one pixel on
DRAW = 2  # training ink is drawn so many times larger and shrunk, as a reader's pictures are
MARGIN = 3  # px of paper left and above
PAD = -1  # where a row has no cell, token or label


@dataclass(frozen=True)
class Canvas:
    """A static shape: height and width in px, how many inked cells and tokens (END included) fit."""

    height: int
    width: int
    cells: int
    tokens: int


CANVASES = (Canvas(48, 128, 40, 16), Canvas(64, 224, 80, 32), Canvas(104, 224, 104, 40), Canvas(72, 416, 128, 48),
            Canvas(128, 416, 176, 64), Canvas(144, 704, 288, 96))


def fitting(height: float, width: float, tokens: int = 0) -> int | None:
    """Return the index of the smallest canvas for ink of a size in px and so many tokens; None if none is."""
    for number, canvas in enumerate(CANVASES):
        room = canvas.height - 2 * MARGIN, canvas.width - 2 * MARGIN
        if height <= room[0] and width <= room[1] and tokens <= canvas.tokens:
            return number
    return None


def canvas_of(ink: np.ndarray, typical: float, number: int | None = None) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Lay ink (uint8 [h, w], 255 full, cropped) with typical symbols of `typical` px on a canvas.

    Returns the picture uint8 [H, W], its inked cells int32 [cells] (row by row, PAD behind), the canvas's index
    and the scale. `number`: of the canvas, else the smallest that fits; too large a formula is shrunk.
    """
    scale = min(HEIGHT / max(typical, 1.0), 4.0)
    if number is None:
        number = fitting(ink.shape[0] * scale, ink.shape[1] * scale)
        number = len(CANVASES) - 1 if number is None else number
    canvas = CANVASES[number]
    scale = min(scale, (canvas.height - 2 * MARGIN) / ink.shape[0], (canvas.width - 2 * MARGIN) / ink.shape[1])
    size = max(1, int(ink.shape[1] * scale)), max(1, int(ink.shape[0] * scale))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    picture = np.zeros((canvas.height, canvas.width), np.uint8)
    picture[MARGIN:MARGIN + size[1], MARGIN:MARGIN + size[0]] = small
    blocks = picture.reshape(canvas.height // CELL, CELL, canvas.width // CELL, CELL).max(axis=(1, 3))
    inked = np.flatnonzero(blocks.ravel() >= INKED)[:canvas.cells]
    cells = np.full(canvas.cells, PAD, np.int32)
    cells[:len(inked)] = inked
    return picture, cells, number, scale


def canvas_of_picture(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Return picture, cells and canvas of a grey picture (uint8 [h, w]) of one formula; None where nothing is."""
    pieces = find_pieces(grey)
    if not pieces:
        return None
    boxes = np.array([[p.work.x, p.work.y, p.work.right, p.work.bottom] for p in pieces])
    left, top, right, bottom = *boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for piece in pieces:
        place = ink[piece.work.y - top:piece.work.bottom - top, piece.work.x - left:piece.work.right - left]
        np.maximum(place, piece.ink, out=place)
    return canvas_of(ink, typical_size(boxes.astype(float)))[:3]


def distorted(formula: Formula, rng: np.random.Generator) -> tuple[list[np.ndarray], list[int]]:
    """Return the strokes as another hand would write them, and each one's symbol.

    A typical symbol is HEIGHT units tall. Each symbol is turned, sheared, scaled and shifted a little (long bars and
    roots less), waves bend the whole, and all of it leans, stretches and rises.
    """
    owners = [number for number, strokes in enumerate(formula.ink) for _ in strokes]
    strokes = [stroke for strokes in formula.ink for stroke in strokes]
    lengths = [len(stroke) for stroke in strokes]
    boxes = formula.boxes()
    unit = typical_size(boxes.astype(float))
    owner, points = np.repeat(owners, lengths), np.concatenate(strokes).astype(np.float32)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    looseness = np.minimum(1.0, unit / np.maximum(sides, 1e-3))[:, None, None]
    matrices = np.eye(2) + looseness * rng.normal(0, 0.07, (len(boxes), 2, 2))
    shifts = unit * looseness[:, 0] * rng.normal(0, 0.04, (len(boxes), 2))
    points = np.einsum('nij,nj->ni', matrices[owner], points - middles[owner]) + (middles + shifts)[owner]
    points = points * (HEIGHT / max(unit, 1e-3))
    for _ in range(2):
        angle, axis = rng.uniform(0, 2 * np.pi, 3), rng.normal(0, 1, 2) / HEIGHT
        points = points + 0.04 * HEIGHT * np.sin(points @ axis[:, None] + angle[:2])
    lean = [[np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.12)], [rng.normal(0, 0.02), np.exp(rng.normal(0, 0.1))]]
    points = points @ np.array(lean).T * np.exp(rng.normal(0, 0.1))
    return np.split(points.astype(np.float32), np.cumsum(lengths)[:-1]), owners


def drawn(formula: Formula, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a formula drawn on the canvas `number`: picture, cells, and how much of each symbol each holds [s, N]."""
    lines, owners = distorted(formula, rng)
    pen = max(1.0, DRAW * HEIGHT * float(np.clip(np.exp(rng.normal(np.log(0.07), 0.3)), 0.03, 0.16)))
    points = np.concatenate(lines)
    low = points.min(axis=0) * DRAW - pen / 2
    size = np.ceil(np.ptp(points, axis=0) * DRAW + pen).astype(int) + 2
    ink = np.zeros((min(size[1], 1200), min(size[0], 6000)), np.uint8)
    draw_polylines(ink, [line * DRAW - low for line in lines], pen, 255)
    picture, cells, _, scale = canvas_of(ink, DRAW * HEIGHT, number)
    columns = CANVASES[number].width // CELL
    where = np.full(columns * (CANVASES[number].height // CELL) + 1, PAD)
    where[cells[cells >= 0]] = np.arange(int((cells >= 0).sum()))
    counts = np.zeros((len(formula.labels), len(cells)), np.int32)
    for line, symbol in zip(lines, owners):
        at = ((_dense(line) * DRAW - low) * scale + MARGIN).astype(int) // CELL
        at = where[np.clip(at[:, 1] * columns + at[:, 0], 0, len(where) - 1)]
        np.add.at(counts[symbol], at[at >= 0], 1)
    return picture, cells, counts


def _dense(line, step=2.0):
    """Return points on a line at most about `step` apart."""
    lengths = np.hypot(*np.diff(line, axis=0).T) if len(line) > 1 else np.zeros(1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])[:len(line)]
    at = np.linspace(0, along[-1], 2 + int(along[-1] / step))
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)


class Batches:
    """`batch(step)`: rows of one canvas, drawn anew each time; formulas grow longer over the first steps.

    {'picture' uint8 [B, H, W], 'cells' int32 [B, N], 'tokens' int32 [B, U] (PAD behind END), 'place' uint8 [B, U, N]:
    the cells of each token's symbol, 'seen' float32 [B, U, N]: those of the token before, thinned out and of sum 1,
    'owner' int32 [B, N]: the label of each cell's symbol as a token's index}.
    """

    def __init__(self, sources: list[Formula], vocabulary: list[str], config: dict, seed: int, replicas: int = 1):
        """See configs/image.py's DATA for `config`; formulas that fit no canvas are left out."""
        self.vocabulary, self.config, self.seed, self.replicas = vocabulary, config, seed, replicas
        self.index = {token: number for number, token in enumerate(vocabulary)}
        rng, exchange = np.random.default_rng(seed), Exchange(sources)
        kinds = [sources, [cut(f, rng) for f in sources for _ in range(config['cuts'])],
                 [exchange(f, rng) for f in sources for _ in range(config['exchanged'])]]
        rows = []  # formula, weight, tokens, canvas
        for members, share in zip(kinds, config['shares']):
            for formula in members:
                tokens = formula.tokens()[0]
                boxes = formula.boxes()
                size = 1.1 * HEIGHT / typical_size(boxes.astype(float)) * np.ptp(boxes.reshape(-1, 2), axis=0)
                canvas = fitting(size[1] + 4, size[0] + 4, len(tokens) + 1)
                if canvas is not None and all(token in self.index for token in tokens):
                    rows.append((formula, share / len(members), len(tokens), canvas))
        rows.sort(key=lambda row: row[2])
        self.formulas = [row[0] for row in rows]
        self.weight, self.count, self.canvas = (np.array([row[i] for row in rows]) for i in (1, 2, 3))

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        longest = 6 + 120 * (step / max(1, self.config['grow'])) ** 1.5
        weight = self.weight * (self.count <= longest)
        # Batches hold fewer rows on larger canvases, so that canvases are chosen by their formulas' pixels.
        area = np.array([c.height * c.width for c in CANVASES])
        shares = np.bincount(self.canvas, weight, len(CANVASES)) * area
        number = int(rng.choice(len(CANVASES), p=shares / shares.sum()))
        weight = np.cumsum(weight * (self.canvas == number))
        size = max(1, round(self.config['pixels'] / area[number])) * self.replicas
        chosen = np.searchsorted(weight, rng.random(size) * weight[-1], side='right')
        rows = [self.row(self.formulas[i], number, rng) for i in chosen]
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}

    def row(self, formula: Formula, number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw one formula: a row of the batch."""
        canvas = CANVASES[number]
        picture, cells, counts = drawn(formula, number, rng)
        tokens, symbols = formula.tokens()
        out = {'picture': picture, 'cells': cells, 'tokens': np.full(canvas.tokens, PAD, np.int32),
               'place': np.zeros((canvas.tokens, canvas.cells), np.uint8)}
        out['tokens'][:len(tokens) + 1] = [self.index[token] for token in (*tokens, END)]
        out['place'][:len(tokens)] = counts[symbols] > 0
        kept = out['place'] * (rng.random(out['place'].shape) < rng.uniform(0.4, 1.0))
        kept = np.where(kept.any(axis=1, keepdims=True), kept, out['place'])[:-1].astype(np.float32)
        out['seen'] = np.zeros((canvas.tokens, canvas.cells), np.float32)
        out['seen'][1:] = kept / np.maximum(kept.sum(axis=1, keepdims=True), 1.0)
        labels = np.array([self.index.get(label, PAD) for label in formula.labels])
        out['owner'] = np.where(counts.any(axis=0), labels[counts.argmax(axis=0)], PAD).astype(np.int32)
        return out
