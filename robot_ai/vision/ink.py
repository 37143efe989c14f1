"""Grey picture or pen strokes in, one symbol's ink out: uint8 [32, 32], 0 paper, 255 full ink.

The only definition of this step: the trainer, the camera node and the canvas all call `normalize_symbol`.
Fitting the longer side and centring the centre of mass is MNIST's own preparation (LeCun et al. 1998), so that
MNIST's pictures and ours look alike. The canvas is 32, not 28, because the words lim and sin need the pixels.
"""
from dataclasses import dataclass

import cv2
import numpy as np

from robot_ai.errors import ImageError

SIZE = 32  # px, side of a normalised symbol
FIT = 26  # px, the longer side of its ink
RENDER_EXTENT = 78  # px, longer side of rendered strokes: three times FIT, so that shrinking antialiases
RENDER_MARGIN = 6  # px of paper around rendered strokes
PEN = 0.06  # width of a pen's line over the longer side of what it writes, where nothing better is known
MIN_CONTRAST = 24  # grey levels between ink and paper below which a picture is blank
MAX_STROKE_POINTS = 20_000  # in one drawing: more is no handwriting
TINY = 13  # px, longer side under which ink is enlarged before it is fitted
INK_LEVEL = 96  # of 255: what counts as ink when its bounds are looked for

Strokes = list  # of strokes; a stroke is a list of (x, y), y down, in any unit


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column behind the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row under the box."""
        return self.y + self.height

    def union(self, other: 'Box') -> 'Box':
        """Return the smallest box that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


def normalize_symbol(grey: np.ndarray) -> np.ndarray:
    """Return the ink of a picture of one symbol: uint8 [32, 32], 0 paper, 255 full ink.

    `grey` is what `to_grey` accepts, dark on light or light on dark. Blank paper gives all zeros.
    """
    return fit_ink(ink_of(to_grey(grey)))


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return a picture as uint8 [height, width].

    `image`: [h, w], [h, w, 1], [h, w, 3] (BGR, OpenCV's order) or [h, w, 4] (BGRA, laid on white); uint8, uint16,
    bool or float (0..1, or 0..255 where a value is above 1). Raises ImageError for anything else.
    """
    array = np.asarray(image)
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(f'a picture must be [height, width] with 1, 3 or 4 channels, got shape {array.shape}')
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif np.issubdtype(array.dtype, np.floating):
        array = np.nan_to_num(array.astype(np.float32), nan=0.0, posinf=255.0, neginf=0.0)
        array = np.clip(array * (255.0 if array.max() <= 1.0 else 1.0), 0, 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise ImageError(f'a picture must hold uint8, uint16, bool or float values, got {array.dtype}')
    if array.ndim == 2:
        return np.ascontiguousarray(array)
    if array.shape[2] == 1:
        return np.ascontiguousarray(array[..., 0])
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.uint16)
        array = ((array[..., :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    return cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_BGR2GRAY)


def ink_of(grey: np.ndarray) -> np.ndarray:
    """Return how much ink each pixel of a symbol's picture holds: uint8 [h, w], 0 paper, 255 full ink.

    Paper is the median of the picture's border; ink is the side of it (darker or lighter) that differs more.
    Half of Otsu's threshold is taken off as paper's grain.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.uint8(np.median(border))
    darker, lighter = paper - np.minimum(grey, paper), np.maximum(grey, paper) - paper
    ink = darker if int(darker.sum(dtype=np.int64)) >= int(lighter.sum(dtype=np.int64)) else lighter
    if int(ink.max()) < MIN_CONTRAST:
        return np.zeros_like(grey)
    threshold, _ = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    full = float(ink[ink > threshold].mean()) if (ink > threshold).any() else float(ink.max())
    grain = min(0.5 * threshold, 0.3 * full)
    return np.clip((ink - grain) * (255.0 / max(full - grain, 1.0)), 0, 255).astype(np.uint8)


def fit_ink(ink: np.ndarray) -> np.ndarray:
    """Return ink (uint8 [h, w]) cropped, fitted and centred by its mass: uint8 [32, 32]."""
    ys, xs = np.flatnonzero(ink.max(axis=1) >= INK_LEVEL), np.flatnonzero(ink.max(axis=0) >= INK_LEVEL)
    if not len(ys):
        return np.zeros((SIZE, SIZE), np.uint8)
    crop = ink[ys[0]:ys[-1] + 1, xs[0]:xs[-1] + 1]
    if max(crop.shape) < TINY:
        return fit_ink(_enlarged(ink[max(0, ys[0] - 1):ys[-1] + 2, max(0, xs[0] - 1):xs[-1] + 2]))
    height, width = crop.shape
    scale = FIT / max(height, width)
    # INTER_AREA antialiases when it shrinks; above 1 it would repeat pixels, there cubic is smooth.
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    total = float(crop.sum(dtype=np.int64))
    centre_x = float((crop.sum(axis=0, dtype=np.int64) * np.arange(size[0])).sum()) / total
    centre_y = float((crop.sum(axis=1, dtype=np.int64) * np.arange(size[1])).sum()) / total
    # Whole pixels keep the line sharp; the shift stops where ink would leave the canvas.
    left = min(max(round((SIZE - 1) / 2 - centre_x), 0), SIZE - size[0])
    top = min(max(round((SIZE - 1) / 2 - centre_y), 0), SIZE - size[1])
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    canvas[top:top + size[1], left:left + size[0]] = crop
    return canvas


def _enlarged(ink):
    """Return a speck's ink four times larger with edges as sharp as larger writing has them."""
    ink = np.pad(ink, 1)  # a dot that fills its crop keeps its round edge
    large = cv2.resize(ink, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    return np.clip((large.astype(np.float32) - 127) * 3 + 127, 0, 255).astype(np.uint8)


def check_strokes(strokes: Strokes) -> list[np.ndarray]:
    """Return strokes as float32 arrays [points, 2]; empty strokes are left out.

    Raises ImageError where a point is no pair of finite numbers, or there are more than 20,000 points.
    """
    try:
        arrays = [np.asarray(stroke, np.float32) for stroke in strokes if len(stroke)]
    except (TypeError, ValueError):
        raise ImageError('strokes must be lists of [x, y] points') from None
    for array in arrays:
        if array.ndim != 2 or array.shape[1] < 2 or not np.isfinite(array).all():
            raise ImageError(f'a stroke must be a list of finite [x, y] points, got shape {array.shape}')
    points = sum(len(array) for array in arrays)
    if points > MAX_STROKE_POINTS:
        raise ImageError(f'{points} points in one drawing, at most {MAX_STROKE_POINTS}')
    return [array[:, :2] for array in arrays]


def render_strokes(strokes: Strokes, width: float | None = None, extent: int = RENDER_EXTENT,
                   margin: int = RENDER_MARGIN) -> np.ndarray:
    """Draw strokes as a pen would: uint8 [h, w], white paper (255), black ink (0), antialiased.

    `width`: of the line, in the strokes' unit (default: 6 % of the drawing's longer side). The longer side of
    the drawing, line included, becomes `extent` px, within `margin` px of paper. Raises ImageError as
    `check_strokes` does.
    """
    arrays = check_strokes(strokes)
    if not arrays:
        return np.full((2 * margin + extent, 2 * margin + extent), 255, np.uint8)
    points = np.concatenate(arrays)
    low, high = points.min(axis=0), points.max(axis=0)
    longer = float((high - low).max())
    pen = float(width) if width else max(PEN * longer, 1e-3)
    scale = (extent - 1) / (longer + pen)
    size = np.ceil((high - low + pen) * scale).astype(int) + 2 * margin
    picture = np.full((int(size[1]), int(size[0])), 255, np.uint8)
    offset = margin + pen * scale / 2
    draw_polylines(picture, [(array - low) * scale + offset for array in arrays], pen * scale, 0)
    return picture


def draw_polylines(picture: np.ndarray, lines: list[np.ndarray], width: float, value: int) -> None:
    """Draw lines (float [points, 2], px) of `width` px into a uint8 picture, in place; one point is a dot."""
    thickness = max(1, round(width))
    for line in lines:
        fixed = np.round(line * 16).astype(np.int32)  # shift 4: sixteenths of a pixel
        if len(fixed) == 1 or (fixed == fixed[0]).all():
            centre, radius = tuple(int(v) for v in fixed[0]), max(8, round(width * 8))
            cv2.circle(picture, centre, radius, value, -1, cv2.LINE_AA, 4)
        else:
            cv2.polylines(picture, [fixed.reshape(-1, 1, 2)], False, value, thickness, cv2.LINE_AA, 4)


def ink_of_strokes(strokes: Strokes, width: float | None = None) -> np.ndarray:
    """Return strokes as the recogniser sees them: `normalize_symbol(render_strokes(...))`."""
    return normalize_symbol(render_strokes(strokes, width))
