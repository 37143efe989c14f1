"""Strokes or a picture in, a symbol as a camera or canvas might show it out: uint8 [32, 32] through ink.py.

Distortion happens where it is cheap and sharp: on the strokes' points before drawing, with the pen's width drawn
at random; paper, shadow, blur, noise and low resolution on the drawn picture before the one normaliser.
"""
import cv2
import numpy as np

from robot_ai.vision.ink import PEN, RENDER_EXTENT, normalize_symbol, render_strokes
from training.characters.data import Sample

MAX_ROTATION = 0.30  # rad, after a normal draw of 0.1
ELASTIC = 0.035  # of the symbol's longer side: amplitude of the bending waves
CAMERA_SHARE = 0.35  # of the pictures get paper, shadow, blur and noise


def distort_strokes(strokes: list, rng: np.random.Generator, strength: float = 1.0) -> list[np.ndarray]:
    """Return strokes turned, sheared, stretched, bent and shifted against each other; unit kept, [points, 2]."""
    arrays = [np.asarray(stroke, np.float32)[:, :2] for stroke in strokes if len(stroke)]
    points = np.concatenate(arrays)
    low, high = points.min(axis=0), points.max(axis=0)
    longer = max(float((high - low).max()), 1.0)
    centre = (low + high) / 2
    angle = np.clip(rng.normal(0, 0.1 * strength), -MAX_ROTATION, MAX_ROTATION)
    shear, stretch = rng.normal(0, 0.12 * strength), np.exp(rng.normal(0, 0.12 * strength))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, shear], [0, 1 / stretch]])
    waves = rng.normal(0, ELASTIC * strength * longer / 2, (2, 2)), rng.uniform(0, 2 * np.pi, (2, 2))
    frequency = rng.uniform(0.5, 1.6, (2, 2)) * 2 * np.pi / longer
    out = []
    for array in arrays:
        moved = array - centre
        bend = np.stack([sum(waves[0][axis, k] * np.sin(frequency[axis, k] * moved[:, 1 - axis if k == 0 else axis]
                                                        + waves[1][axis, k]) for k in (0, 1))
                         for axis in (0, 1)], axis=1)
        moved = (moved + bend) @ matrix.T
        if len(arrays) > 1:
            moved = moved + rng.normal(0, 0.012 * strength * longer, 2)
        out.append(moved.astype(np.float32))
    return out


def pen_width(strokes: list, height: float, rng: np.random.Generator) -> float:
    """Return a line width in the strokes' unit: by the symbol's own size, or by its neighbours' `height`."""
    if height and rng.random() < 0.6:
        return height * float(np.clip(np.exp(rng.normal(np.log(PEN), 0.35)), 0.02, 0.14))
    points = np.concatenate([np.asarray(stroke, np.float32)[:, :2] for stroke in strokes if len(stroke)])
    longer = max(float(np.ptp(points, axis=0).max()), 1.0)
    return longer * float(np.clip(np.exp(rng.normal(np.log(PEN * 1.1), 0.4)), 0.02, 0.18))


def camera(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a drawn picture (uint8, black on white) as a camera would: lower resolution, shadow, blur, noise."""
    height, width = picture.shape
    shrink = rng.uniform(0.3, 1.0)
    picture = cv2.resize(picture, (max(6, int(width * shrink)), max(6, int(height * shrink))),
                         interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.0))
    paper, ink = rng.uniform(140, 250), rng.uniform(0, 90)
    picture = ink + picture.astype(np.float32) * ((paper - ink) / 255)
    slope = rng.normal(0, 0.08, 2)
    ys, xs = np.mgrid[0:picture.shape[0], 0:picture.shape[1]]
    picture = picture * (1 + slope[0] * (xs / xs.size ** 0.5 - 0.5) + slope[1] * (ys / ys.size ** 0.5 - 0.5))
    picture = picture + rng.normal(0, rng.uniform(0, 7), picture.shape)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    return picture if rng.random() < 0.5 else cv2.threshold(picture, 0, 255, cv2.THRESH_OTSU)[1]


def distort_picture(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return MNIST's picture (uint8 [28, 28], light on dark) turned, sheared, scaled and elastically bent."""
    large = cv2.resize(picture, (56, 56), interpolation=cv2.INTER_CUBIC)
    angle, shear = rng.normal(0, 0.12), rng.normal(0, 0.12)
    scale = np.exp(rng.normal(0, 0.1, 2))
    matrix = np.array([[scale[0] * np.cos(angle), shear - np.sin(angle)],
                       [np.sin(angle), scale[1] * np.cos(angle)]])
    coarse = rng.normal(0, 1.6, (2, 6, 6)).astype(np.float32)
    bend = [cv2.resize(field, (56, 56), interpolation=cv2.INTER_CUBIC) for field in coarse]
    ys, xs = np.mgrid[0:56, 0:56].astype(np.float32) - 27.5
    map_x = matrix[0, 0] * xs + matrix[0, 1] * ys + bend[0] + 27.5
    map_y = matrix[1, 0] * xs + matrix[1, 1] * ys + bend[1] + 27.5
    return cv2.remap(large, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)


def augmented(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """Return one random view of a training sample: uint8 [32, 32]."""
    if sample.picture is not None:
        return normalize_symbol(distort_picture(sample.picture, rng) if rng.random() < 0.9 else sample.picture)
    width = pen_width(sample.strokes, sample.height, rng)
    strokes = distort_strokes(sample.strokes, rng, 1.0 if rng.random() < 0.7 else 1.6)
    picture = render_strokes(strokes, width, extent=RENDER_EXTENT)
    return normalize_symbol(camera(picture, rng) if rng.random() < CAMERA_SHARE else picture)


def plain(sample: Sample, alone: bool = False) -> np.ndarray:
    """Return a sample as it is: uint8 [32, 32].

    A symbol cut from an expression is drawn with the pen of its expression, so that a comma is as thick as it looks
    on paper; with `alone`, by its own size, as if nothing were known of what stood around it.
    """
    if sample.picture is not None:
        return normalize_symbol(sample.picture)
    width = PEN * sample.height if sample.height and not alone else None
    return normalize_symbol(render_strokes(sample.strokes, width))
