"""What a person writes on the page -> LaTeX with candidates; corrections -> labelled samples for retraining.

The recognisers run in this process; strokes are known here, so they are used as strokes, never as a picture.
"""
import base64
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from robot_ai.errors import ConfigurationError, ImageError, PayloadError
from robot_ai.payloads import CharactersDetail, Stamp, SymbolCandidate, SymbolDetail
from robot_ai.vision.ink import ink_of_strokes

MAX_STROKES = 300
MAX_POINTS = 20_000
MAX_COORDINATE = 100_000.0
MAX_LABEL = 200  # characters of LaTeX in a correction
MAX_SAMPLES_BYTES = 256_000_000  # of the samples file; saving stops there, with a message
MODES = ('auto', 'symbol', 'expression')
RECTIFIED_SIDE = 96  # px
SAMPLE_SIDE = 255  # the trainer's format: the longer side scaled to 0..255
MAX_PICTURE_PIXELS = 40_000_000  # an 8K frame has 33 million


@dataclass(frozen=True)
class Writing:
    """Strokes as they came from the canvas: tuples of (x, y) in canvas pixels, y down."""

    strokes: tuple[tuple[tuple[float, float], ...], ...]
    mode: str = 'auto'

    @classmethod
    def from_data(cls, data) -> 'Writing':
        """Check a client's `{strokes: [[[x, y, ...], ...], ...], mode}`; PayloadError says what is wrong."""
        if not isinstance(data, dict) or not isinstance(data.get('strokes'), list):
            raise PayloadError('writing: expected an object with a list of strokes')
        mode = data.get('mode', 'auto')
        if mode not in MODES:
            raise PayloadError(f'writing: mode must be one of {", ".join(MODES)}')
        if len(data['strokes']) > MAX_STROKES:
            raise PayloadError(f'writing: {len(data["strokes"])} strokes, at most {MAX_STROKES}')
        strokes, count = [], 0
        for stroke in data['strokes']:
            if not isinstance(stroke, list):
                raise PayloadError('writing: a stroke is a list of points [x, y]')
            count += len(stroke)
            if count > MAX_POINTS:
                raise PayloadError(f'writing: more than {MAX_POINTS} points')
            points = tuple(_point(point) for point in stroke)
            if points:
                strokes.append(points)
        return cls(tuple(strokes), mode)


def make_writer(models: str = '', samples_folder: str = '') -> 'Writer':
    """Return a Writer with the models in a folder of model folders ('': those shipped).

    Raises ModelError where there is no usable one.
    """
    from robot_ai.vision.expressions import ExpressionRecognizer
    return Writer(ExpressionRecognizer(models), samples_folder)


def _point(value):
    if (isinstance(value, list) and len(value) >= 2 and
            all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value[:2])):
        x, y = value[:2]
        if abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE:  # false for NaN; an integer may exceed any float
            return float(x), float(y)
    raise PayloadError('writing: a point is [x, y] in canvas pixels')


class Writer:
    """Reads what is written; keeps corrections where `samples_folder` is given. One reading at a time."""

    def __init__(self, recognizer, samples_folder: str = ''):
        """Take a robot_ai.vision.expressions.ExpressionRecognizer, which holds the one of characters."""
        self._expressions, self._characters = recognizer, recognizer.characters
        self._samples = Path(samples_folder).expanduser() if samples_folder else None
        self._lock = threading.Lock()

    @property
    def keeps_samples(self) -> bool:
        """Whether corrections are kept (opt-in)."""
        return self._samples is not None

    def read(self, writing: Writing, stamp: Stamp) -> tuple[CharactersDetail, str]:
        """Return what the strokes say and the rectified symbol as a PNG data URL ('' for an expression).

        Empty strokes give an empty `latex`: the page shows a hint, never a guess.
        """
        if not writing.strokes:
            return CharactersDetail(stamp, '', 0.0, source='page'), ''
        strokes = [[list(point) for point in stroke] for stroke in writing.strokes]
        with self._lock:
            if writing.mode != 'symbol':
                expression = self._expressions.recognize_strokes(strokes)
                if writing.mode == 'expression' or len(expression.symbols) > 1:
                    items = tuple(_symbol(symbol) for symbol in expression.symbols)
                    return CharactersDetail(stamp, expression.latex, float(expression.score), 'expression', items,
                                            'page'), ''
            return self._read_symbol(strokes, stamp)

    def _read_symbol(self, strokes, stamp):
        reading = self._characters.recognize_strokes(strokes)
        if not reading.candidates:
            return CharactersDetail(stamp, '', 0.0, source='page'), ''
        candidates = tuple(SymbolCandidate(c.latex, float(c.score)) for c in reading.candidates)
        item = SymbolDetail(_box(strokes), candidates)
        detail = CharactersDetail(stamp, candidates[0].latex, candidates[0].score, 'symbol', (item,), 'page')
        return detail, _png_url(rectified(strokes, reading.theta)) if reading.theta is not None else ''

    def read_picture(self, data: bytes, stamp: Stamp) -> CharactersDetail:
        """Read an uploaded picture (PNG, JPEG, WebP, TIFF bytes); ImageError where it cannot be used."""
        encoded = np.frombuffer(data, np.uint8)
        try:
            grey = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if encoded.size else None
        except cv2.error as error:  # more pixels than allowed, before they are unpacked
            raise ImageError(f'the picture cannot be read: {error.err or error}') from None
        if grey is None:
            raise ImageError('this is no picture that can be read; send PNG, JPEG, WebP or TIFF')
        if grey.size > MAX_PICTURE_PIXELS:
            raise ImageError(f'the picture has {grey.size} pixels, at most {MAX_PICTURE_PIXELS}; make it smaller')
        with self._lock:
            found = self._expressions.recognize(grey)
        items = tuple(_symbol(symbol) for symbol in found.symbols)
        kind = 'symbol' if len(items) == 1 else 'expression'
        return CharactersDetail(stamp, found.latex, float(found.score), kind, items, 'page')

    def keep_correction(self, label, writing: Writing):
        """Append the strokes with their right label, in the trainer's format, mode 0600.

        Raises ConfigurationError where samples are not to be kept or cannot be, PayloadError for a bad label.
        """
        if self._samples is None:
            raise ConfigurationError('corrections are not kept: set the parameter samples_folder to keep them')
        if not isinstance(label, str) or not 0 < len(label.strip()) <= MAX_LABEL or not label.isprintable():
            raise PayloadError(f'correction: the label must be 1 to {MAX_LABEL} characters of LaTeX')
        if not writing.strokes:
            raise PayloadError('correction: nothing is written')
        line = json.dumps({'label': label.strip(), 'source': 'page', 'writer': 'page',
                           'strokes': _scaled(writing.strokes)}, ensure_ascii=False, separators=(',', ':')) + '\n'
        path = self._samples / 'symbols-page.jsonl'
        with self._lock:
            try:
                self._samples.mkdir(parents=True, exist_ok=True)
                if path.exists() and path.stat().st_size + len(line) > MAX_SAMPLES_BYTES:
                    raise ConfigurationError(f'{path}: is full ({MAX_SAMPLES_BYTES} bytes); move it away')
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 'ab', buffering=0) as stream:
                    before, data = os.fstat(stream.fileno()).st_size, line.encode()
                    if stream.write(data) < len(data):  # the disk is full: a line is whole or absent
                        stream.truncate(before)
                        raise OSError('the disk is full')
            except OSError as error:
                raise ConfigurationError(f'{path}: the correction cannot be kept: {error}') from None


def _symbol(found):
    box = found.box
    return SymbolDetail((int(box.x), int(box.y), int(box.width), int(box.height)),
                        tuple(SymbolCandidate(c.latex, float(c.score)) for c in found.candidates))


def _box(strokes):
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    return int(min(xs)), int(min(ys)), int(max(xs) - min(xs)) + 1, int(max(ys) - min(ys)) + 1


def _scaled(strokes):
    xs = [point[0] for stroke in strokes for point in stroke]
    ys = [point[1] for stroke in strokes for point in stroke]
    side = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    factor = SAMPLE_SIDE / side
    left, top = min(xs), min(ys)
    return [[[round((x - left) * factor), round((y - top) * factor)] for x, y in stroke] for stroke in strokes]


def rectified(strokes, theta) -> np.ndarray:
    """Return what the Spatial Transformer looked at, uint8 [96, 96]; `theta` float [2, 3] maps the view's grid,
    in [-1, 1], to where it sampled the ink.
    """
    axis = np.linspace(-1, 1, RECTIFIED_SIDE, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    ink = ink_of_strokes(strokes)
    sampled = np.tensordot(np.asarray(theta, np.float32), np.stack([x, y, np.ones_like(x)]), 1)
    column, row = (sampled + 1) * (np.array([ink.shape[1], ink.shape[0]], np.float32).reshape(2, 1, 1) - 1) / 2
    return cv2.remap(ink, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _png_url(grey):
    done, data = cv2.imencode('.png', grey)
    return 'data:image/png;base64,' + base64.b64encode(data).decode() if done else ''
