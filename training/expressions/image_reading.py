"""Canvases in, LaTeX out: the image model's beam search, held to the grammar, so that all it writes is balanced.

Where the pointer looked is fed back with each token, as in training.
"""
import numpy as np
from keras import backend

from training.expressions.image_data import CANVASES, PAD, canvas_of_picture
from training.expressions.image_tokens import END, Grammar, to_latex
from training.weights import to_numpy

ROWS = 16  # formulas decoded together: one static shape a canvas and length
LENGTHS = (16, 32, 64, 96)


class Reader:
    """`read(canvases, beam)` -> for each formula its readings (LaTeX, mean log-probability a token), best first."""

    def __init__(self, model, vocabulary: list[str]):
        self.model, self.vocabulary = model, vocabulary
        self.index = {token: number for number, token in enumerate(vocabulary)}
        self.encode, self.decode = model.encode, model.decode
        if backend.backend() == 'tensorflow':
            import tensorflow as tf
            self.encode, self.decode = (tf.function(f, autograph=False) for f in (model.encode, model.decode))

    def read_pictures(self, pictures: list, beam: int = 1) -> list[list[tuple[str, float]]]:
        """Read grey pictures uint8 [h, w] of one formula each."""
        return self.read([canvas_of_picture(picture) for picture in pictures], beam)

    def read(self, canvases: list, beam: int = 1) -> list[list[tuple[str, float]]]:
        """`canvases`: (picture, cells, canvas's index) of image_data.canvas_of_picture; None reads as nothing."""
        out = [[('', 0.0)] for _ in canvases]
        for number in range(len(CANVASES)):
            mine = [i for i, canvas in enumerate(canvases) if canvas is not None and canvas[2] == number]
            for first in range(0, len(mine), ROWS):
                part = mine[first:first + ROWS]
                for i, readings in zip(part, self._read([canvases[i] for i in part], CANVASES[number], beam)):
                    out[i] = readings
        return out

    def _read(self, canvases, canvas, beam):
        pictures = np.zeros((ROWS, canvas.height, canvas.width), np.uint8)
        cells = np.full((ROWS, canvas.cells), PAD, np.int32)
        cells[:, 0] = 0
        for row, (picture, inked, _) in enumerate(canvases):
            pictures[row], cells[row] = picture, inked
        memory, codes = (np.repeat(to_numpy(x), beam, axis=0) for x in self.encode(pictures, cells))
        cells = np.repeat(cells, beam, axis=0)
        grammar = Grammar(self.vocabulary, canvas.tokens)
        tokens = np.zeros((ROWS * beam, canvas.tokens), np.int32)
        seen = np.zeros((ROWS * beam, canvas.tokens, canvas.cells), np.float32)
        live = [[(0.0, [])] for _ in canvases]  # of each formula the (log-probability, tokens) to go on from
        done = [[] for _ in canvases]
        for step in range(canvas.tokens):
            length = next(n for n in (*LENGTHS, canvas.tokens) if n > step)
            length = min(length, canvas.tokens)
            following, points = self.decode(memory, codes, cells, tokens[:, :length], seen[:, :length])
            following, points = to_numpy(following)[:, step], np.exp(to_numpy(points)[:, step])
            tokens_before, seen_before = tokens.copy(), seen.copy()
            for row, hypotheses in enumerate(live):
                grown = [(score + following[row * beam + n, self.index[token]], n, token, written)
                         for n, (score, written) in enumerate(hypotheses) for token in grammar.allowed(written)]
                grown.sort(key=lambda item: -item[0])
                live[row] = []
                for score, n, token, written in grown[:beam]:
                    if token == END:
                        done[row].append((score / (len(written) + 1), written))
                        continue
                    at, parent = row * beam + len(live[row]), row * beam + n
                    tokens[at], seen[at] = tokens_before[parent], seen_before[parent]
                    if step + 1 < canvas.tokens:
                        tokens[at, step + 1], seen[at, step + 1] = self.index[token], points[parent]
                    live[row].append((score, [*written, token]))
                if len(done[row]) >= beam:
                    live[row] = []
            if not any(live):
                break
        return [[(to_latex(written), float(score)) for score, written in sorted(found, key=lambda r: -r[0])]
                for found in done]
