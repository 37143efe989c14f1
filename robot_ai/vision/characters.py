"""One symbol's picture or strokes in, its readings as LaTeX with scores out; or a whole picture's symbols.

    recognizer = CharacterRecognizer('models/characters')
    recognizer.recognize(cv2.imread('three.png')).candidates[0].latex   # '3'
    recognizer.read(cv2.imread('board.jpg'))                           # every symbol found, with its box

Scores are the network's calibrated probabilities. Holds no thread; not thread-safe.
"""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError
from robot_ai.model_store import GraphRunner, find_model, load_model, reading_parameters
from robot_ai.vision.finding import Found, find_symbols, symbol_ink
from robot_ai.vision.grouping import join_pieces
from robot_ai.vision.ink import Box, Strokes, ink_of_strokes, normalize_symbol, to_grey
from robot_ai.vision.printed import is_printed
from robot_ai.vision.trajectory import trajectory_of

TOP = 5  # candidates a reading


@dataclass(frozen=True)
class Candidate:
    """One reading: LaTeX and its probability, 0..1."""

    latex: str
    score: float


@dataclass(frozen=True)
class Reading:
    """What one ink is: candidates best first (none for blank paper or ink that is no symbol)."""

    candidates: tuple[Candidate, ...] = ()
    theta: np.ndarray | None = None  # float32 [2, 3]: how the Spatial Transformer looked at it

    @property
    def latex(self) -> str:
        """The best reading, '' where there is none."""
        return self.candidates[0].latex if self.candidates else ''

    @property
    def score(self) -> float:
        """The best reading's score, 0 where there is none."""
        return self.candidates[0].score if self.candidates else 0.0


@dataclass(frozen=True)
class Symbol:
    """A symbol in a picture: where (pixels) and what, best first."""

    box: Box
    candidates: tuple[Candidate, ...]


class CharacterRecognizer:
    """Reads single symbols with the model in `model_folder` (the one shipped where it is empty).

    Raises ModelError where the folder holds no usable character model.
    """

    def __init__(self, model_folder: str | Path = '', threads: int = 1):
        self.info = load_model(find_model('characters', model_folder), 'characters')
        self.labels = self.info.labels
        with reading_parameters(self.info) as parameters:
            self.nothing = int(parameters.get('nothing', 0))
            self.reject_below = float(parameters.get('reject_below', 0.35))
            self.profiles = dict(parameters.get('profiles', {}))
            self.sharpness = dict(parameters.get('sharpness', {}))  # profile ('' for none) -> exponent: calibrates it
            self.drawn_sharpness = dict(parameters.get('drawn_sharpness', self.sharpness))  # the same for strokes
            self.reads_trajectories = bool(parameters.get('trajectories', False))
            self._batches = sorted(int(b) for b in parameters.get('batches', [1]))
            self.wide_labels = tuple(parameters.get('wide_labels', ()))
        self._runner = GraphRunner(self.info, threads)
        self._index = {label: number for number, label in enumerate(self.labels)}

    def recognize(self, grey: np.ndarray, allowed: Iterable[str] | str | None = None) -> Reading:
        """Read a picture of one symbol (anything that `ink.to_grey` takes). ImageError for other arrays.

        `allowed`: the labels that are possible, or a profile's name ('digits', 'letters', 'mathematics').
        """
        return self._reading(normalize_symbol(grey), allowed)

    def recognize_strokes(self, strokes: list, width: float | None = None,
                          allowed: Iterable[str] | str | None = None) -> Reading:
        """Read one symbol drawn as strokes (lists of (x, y), y down, in the order of writing).

        `width`: of the line, in their unit. Where the model has a network for the pen's trajectory, it reads along.
        """
        return self._reading(ink_of_strokes(strokes, width), allowed, strokes)

    def read(self, image: np.ndarray, allowed: Iterable[str] | str | None = None) -> list[Symbol]:
        """Return the symbols of a picture in reading order; an empty list where nothing is written."""
        grey = to_grey(image)
        found, scores = self.find(grey)
        if not found:
            return []
        out = []
        for item, row in zip(found, self.restrict(scores, allowed)):
            candidates = self._candidates(row)
            if candidates:
                out.append(Symbol(item.box, candidates))
        return out

    def find(self, grey: np.ndarray) -> tuple[list[Found], np.ndarray]:
        """Return the pieces of ink of a grey picture, joined to symbols, and their scores [n, classes].

        Nothing where most of the pieces are no symbols (scribble, texture), or where they are print.
        """
        found = find_symbols(grey)
        if not found or is_printed(found):
            return [], np.zeros((0, len(self.labels)), np.float32)
        return self.symbols_only(*join_pieces(found, lambda inks: self.scores(inks)[0], self.labels, symbol_ink))

    def symbols_only(self, found: list[Found], scores: np.ndarray) -> tuple[list[Found], np.ndarray]:
        """Leave out what is no symbol; everything, where that is more than half."""
        keep = [number for number, row in enumerate(scores) if self.is_symbol(row)]
        if 2 * len(keep) < len(found):
            keep = []
        return [found[number] for number in keep], scores[keep]

    def look_up(self, drawing: np.ndarray | list) -> Reading:
        """Look one symbol up among Detexify's 900, for whoever draws what they cannot name.

        `drawing`: a picture, or strokes (lists of (x, y), y down). Nothing is rejected: the five best of any ink.
        Raises ModelError where the model has no such output, ImageError as `recognize` does.
        """
        if not self.wide_labels:
            raise ModelError(f"{self.info.folder}: has no output for Detexify's symbols; export a newer model")
        drawn = not isinstance(drawing, np.ndarray)
        ink = ink_of_strokes(drawing) if drawn else normalize_symbol(drawing)
        if not ink.any():
            return Reading()
        scores, thetas = self._drawn('classify_wide', [ink], [drawing]) if drawn else self.wide_scores([ink])
        order = np.argsort(-scores[0])[:TOP]
        return Reading(tuple(Candidate(self.wide_labels[n], float(scores[0, n])) for n in order), thetas[0])

    def wide_scores(self, inks: Sequence[np.ndarray], trajectories: Sequence[np.ndarray] | None = None
                    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities [n, len(wide_labels)] and theta [n, 2, 3], as `scores` does."""
        return self._run('classify_wide', inks, trajectories)

    def scores(self, inks: Sequence[np.ndarray], trajectories: Sequence[np.ndarray] | None = None
               ) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities [n, classes] and theta [n, 2, 3] of normalised inks (uint8 [32, 32] each).

        `trajectories` (float32 [64, 3] each): of the same symbols, for a model that `reads_trajectories`.
        """
        return self._run('classify', inks, trajectories)

    def drawn_scores(self, drawings: Sequence[Strokes], width: float | None = None) -> np.ndarray:
        """Return the probabilities [n, classes] of symbols that are given as strokes; `width` of their lines."""
        return self._drawn('classify', [ink_of_strokes(strokes, width) for strokes in drawings], drawings)[0]

    def _drawn(self, signature, inks, drawings):
        trajectories = [trajectory_of(strokes) for strokes in drawings] if self.reads_trajectories else None
        return self._run(signature, inks, trajectories)

    def _run(self, signature, inks, trajectories=None):
        arrays = {'ink': np.asarray(inks, np.uint8)}
        if trajectories is not None:
            signature += '_drawn'
            arrays['trajectory'] = np.asarray(trajectories, np.float32)
        count, largest = len(inks), self._batches[-1]
        scores, thetas, first = [], [], 0
        while first < count:
            rest = count - first
            size = next((b for b in self._batches if b >= rest), largest)
            parts = {name: stack[first:first + size] for name, stack in arrays.items()}
            if rest < size:
                parts = {name: np.concatenate([part, np.zeros((size - rest, *part.shape[1:]), part.dtype)])
                         for name, part in parts.items()}
            out = self._runner.run(f'{signature}_{size}', **parts)
            scores.append(out['scores'][:rest])
            thetas.append(out.get('theta', np.zeros((size, 2, 3), np.float32))[:rest])
            first += size
        return np.concatenate(scores), np.concatenate(thetas)

    def restrict(self, scores: np.ndarray, allowed: Iterable[str] | str | None, drawn: bool = False) -> np.ndarray:
        """Return scores [n, classes] with every label that is not allowed (nor "no symbol") at 0, summing to 1.

        They are calibrated for the profile named, or for all labels: unknown hands are read less surely among all.
        `drawn`: the scores are of strokes.
        """
        sharpness = self.drawn_sharpness if drawn else self.sharpness
        exponent = float(sharpness.get(allowed if isinstance(allowed, str) else '', 1.0))
        if exponent != 1.0:
            scores = scores ** exponent
            scores = scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)
        if allowed is None:
            return scores
        if isinstance(allowed, str):
            if allowed not in self.profiles:
                raise ModelError(f'{self.info.folder}: no profile {allowed!r}; it has {", ".join(self.profiles)}')
            allowed = self.profiles[allowed]
        mask = np.zeros(len(self.labels), np.float32)
        mask[[self._index[label] for label in allowed if label in self._index] + [self.nothing]] = 1
        scores = scores * mask
        return scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)

    def _reading(self, ink, allowed, strokes=None):
        if not ink.any():
            return Reading()
        drawn = strokes is not None
        scores, thetas = self._drawn('classify', [ink], [strokes]) if drawn else self.scores([ink])
        return Reading(self._candidates(self.restrict(scores, allowed, drawn)[0]), thetas[0])

    def ranked(self, row: np.ndarray) -> tuple[Candidate, ...]:
        """Return the five best labels of one row of scores, "no symbol" left out."""
        order = [number for number in np.argsort(-row)[:TOP + 1] if number != self.nothing]
        return tuple(Candidate(self.labels[number], float(row[number])) for number in order[:TOP])

    def best(self, row: np.ndarray) -> float:
        """Return the best score of a row, "no symbol" left out."""
        return float(np.delete(row, self.nothing).max())

    def is_symbol(self, row: np.ndarray) -> bool:
        """Tell from one row of scores whether the ink is a symbol: "no symbol" is not best, a few readings likely."""
        others = np.sort(np.delete(row, self.nothing))[-3:]
        return bool(others[-1] >= row[self.nothing] and others.sum() >= self.reject_below)

    def _candidates(self, row):
        return self.ranked(row) if self.is_symbol(row) else ()
