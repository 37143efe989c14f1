"""A picture in, where its symbols are out: page or board, binarisation, components, marks grouped to symbols.

Grey uint8 [h, w] in, `Found` (box and component numbers) in reading order out. Paper is what a large blur sees:
ink is what is darker (or, on a blackboard, lighter) than it by more than the picture's own grain.
"""
from dataclasses import dataclass, field

import cv2
import numpy as np

from robot_ai.vision.ink import Box, fit_ink

WORK_SIDE = 1280  # px, longer side at which symbols are looked for: larger pictures are shrunk first
MIN_EDGE = 110.0  # Sobel's magnitude of ink (255 full) along a line's rim, which is 1020 where it is sharp
MIN_SIDE = 10  # px at the work size: smaller symbols cannot be read
MAX_SYMBOLS = 200  # more pieces of ink than this is texture, not writing
GRAIN = 6.0  # ink must differ from paper by so many standard deviations of the paper's noise
MIN_STEP = 18  # and by so many grey levels
MIN_AREA = 5  # px of a piece of ink
INK = 110  # of `ink_map`: pixels that are ink
MAX_INK_SHARE = 0.3  # of the picture: more is no writing on paper


@dataclass(frozen=True)
class Found:
    """One symbol found: its box in the picture's pixels, the same at the work scale, and its ink there (uint8)."""

    box: Box
    work: Box
    ink: np.ndarray = field(repr=False)


def find_symbols(grey: np.ndarray) -> list[Found]:
    """Return the symbols of a picture in reading order (lines from top to bottom, each from left to right)."""
    return _find(grey, lambda parts: reading_order(group_marks(parts)))


def find_pieces(grey: np.ndarray) -> list[Found]:
    """Return the connected pieces of ink of a picture from left to right, nothing joined."""
    return _find(grey, lambda parts: [[part] for part in sorted(parts, key=lambda p: (p.box.x, p.box.y))])


def _find(grey, group):
    scale = min(1.0, WORK_SIDE / max(grey.shape))
    work = grey
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        work = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    ink = ink_map(work)
    if ink is None:
        return []
    parts = components(ink)
    if not parts or len(parts) > MAX_SYMBOLS:
        return []
    out = []
    for members in group(parts):
        box = members[0].box
        for part in members[1:]:
            box = box.union(part.box)
        out.append(Found(_scaled(box, 1 / scale, grey.shape), box, cut(ink, box, members)))
    return out


def symbol_ink(found: Found) -> np.ndarray:
    """Return a found symbol's normalised ink, uint8 [32, 32], its neighbours left out."""
    return fit_ink(found.ink)


def join(a: Found, b: Found) -> Found:
    """Return two pieces of ink as one."""
    work = a.work.union(b.work)
    ink = np.zeros((work.height, work.width), np.uint8)
    for piece in (a, b):
        y, x = piece.work.y - work.y, piece.work.x - work.x
        place = ink[y:y + piece.work.height, x:x + piece.work.width]
        np.maximum(place, piece.ink, out=place)
    return Found(a.box.union(b.box), work, ink)


@dataclass(frozen=True)
class Part:
    """One connected piece of ink: its box at the work scale, its mask (bool, the box's size) and its line's width."""

    box: Box
    mask: np.ndarray = field(repr=False)
    area: int = 0
    pen: float = 0.0  # px: the pixels of a line w wide lie w / 4 + 1 / 2 from its rim on average


def ink_map(grey: np.ndarray) -> np.ndarray | None:
    """Return how much ink each pixel holds (uint8, 255 full), or None where nothing is written.

    The paper under the ink is estimated by a morphological closing and blur, so that a shadow is no ink.
    """
    height, width = grey.shape
    if min(height, width) < MIN_SIDE:
        return None
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    reach = max(15, int(max(height, width) / 12)) | 1
    small = cv2.resize(smooth, (max(8, width // 4), max(8, height // 4)), interpolation=cv2.INTER_AREA)
    kernel = np.ones((max(3, reach // 4) | 1,) * 2, np.uint8)
    light = _paper_is_light(small, reach)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE if light else cv2.MORPH_OPEN, kernel)
    # At the edge of a table or a shadow the blur would carry the light side over; ink has paper on both sides.
    near = cv2.erode(paper, np.ones((3, 3), np.uint8)) if light else cv2.dilate(paper, np.ones((3, 3), np.uint8))
    paper = cv2.resize(cv2.GaussianBlur(paper, (0, 0), max(1, reach / 8)), (width, height))
    near = cv2.resize(near, (width, height))
    paper = cv2.min(paper, near) if light else cv2.max(paper, near)
    difference = cv2.subtract(paper, smooth) if light else cv2.subtract(smooth, paper)
    ordinary = difference[difference < np.percentile(difference, 80)]
    grain = float(ordinary.std()) if ordinary.size else 0.0
    threshold, _ = cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    level = max(MIN_STEP, GRAIN * grain, 0.6 * threshold)
    mask = difference > level
    share = float(mask.mean())
    if share > MAX_INK_SHARE or not mask.any():
        return None
    full = float(np.percentile(difference[mask], 70))
    if full < level * 1.15:  # no stroke stands out clearly above the threshold: texture or noise
        return None
    ink = np.clip((difference.astype(np.float32) - 0.5 * level) * (255.0 / max(full - 0.5 * level, 1.0)), 0, 255)
    return ink.astype(np.uint8)


def _paper_is_light(small, reach):
    """Tell paper from a blackboard: most of any neighbourhood is paper, its median; ink is on one side of it."""
    size = max(9, reach // 2) | 1
    away = small.astype(np.float32) - cv2.medianBlur(small, min(size, 2 * (min(small.shape) // 2) - 1))
    away[np.abs(away) < MIN_STEP / 2] = 0
    return float((away ** 3).sum()) <= 0


def components(ink: np.ndarray) -> list[Part]:
    """Return the connected pieces of ink that may be writing: not specks, not the picture's frame."""
    height, width = ink.shape
    edges = cv2.magnitude(cv2.Sobel(ink, cv2.CV_32F, 1, 0), cv2.Sobel(ink, cv2.CV_32F, 0, 1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= INK).astype(np.uint8), connectivity=8)
    out = []
    for number in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[number])
        if area < MIN_AREA or max(w, h) < 3:
            continue
        touches = (x == 0) + (y == 0) + (x + w == width) + (y + h == height)
        if touches and (max(w, h) > 0.25 * max(width, height) or touches > 1):
            continue  # the border of a page, a board's frame, a hand
        mask = labels[y:y + h, x:x + w] == number
        if touches and _contact(mask, x == 0, y == 0, x + w == width, y + h == height) > 0.4 * max(w, h):
            continue  # a dark corner; a line that leaves the picture touches it by its width only
        rim = mask & (cv2.erode(np.pad(mask.astype(np.uint8), 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1] == 0)
        if edges[y:y + h, x:x + w][rim].mean() < MIN_EDGE:
            continue  # out of focus: a blob, not a line
        inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
        out.append(Part(Box(x, y, w, h), mask, area, max(1.0, 4 * float(inner.sum()) / area - 2)))
    if not out:
        return []
    # A mark is no smaller than the pen: what is, is a speck. (Beside a long bar or root even digits would look small.)
    pens, areas = np.array([p.pen for p in out]), np.array([p.area for p in out])
    order = np.argsort(pens, kind='stable')
    inked = np.cumsum(areas[order])
    pen = float(pens[order[np.searchsorted(inked, inked[-1] / 2)]])  # of the middle pixel of ink
    out = [p for p in out if p.area >= max(MIN_AREA, 0.25 * pen * pen) and max(p.box.width, p.box.height) >= 0.6 * pen]
    legible = sum(max(p.box.width, p.box.height) >= MIN_SIDE for p in out)
    return out if 3 * legible >= len(out) and legible else []  # specks everywhere are grain


def _contact(mask, left, top, right, bottom):
    """Return how many pixels of a piece lie on the sides of the picture that it touches."""
    sides = ((left, mask[:, 0]), (top, mask[0]), (right, mask[:, -1]), (bottom, mask[-1]))
    return max(int(side.sum()) for touched, side in sides if touched)


def group_marks(parts: list[Part]) -> list[list[Part]]:
    """Join the pieces of =, i, j, ÷, :, ! and accented letters; everything else stays alone."""
    parts = sorted(parts, key=lambda p: (p.box.x, p.box.y))
    group = list(range(len(parts)))

    def root(index):
        while group[index] != index:
            index = group[index]
        return index

    for a, first in enumerate(parts):
        for b in range(a + 1, len(parts)):
            if _belong(first, parts[b]):
                group[root(b)] = root(a)
    out = {}
    for index, part in enumerate(parts):
        out.setdefault(root(index), []).append(part)
    return list(out.values())


def _belong(first, second):
    """Whether two pieces of ink are one symbol beyond doubt, by shape and place alone; `grouping` tries the rest."""
    a, b = first.box, second.box
    overlap = min(a.right, b.right) - max(a.x, b.x)
    gap = max(a.y, b.y) - min(a.bottom, b.bottom)
    if all(box.width > 2.2 * box.height for box in (a, b)):  # two bars: =
        like = 0.5 < a.width / b.width < 2
        return like and overlap > 0.5 * min(a.width, b.width) and 0 < gap < 0.8 * max(a.width, b.width)
    small, large = sorted((first, second), key=lambda p: p.area)
    box, other = small.box, large.box
    side = max(box.width, box.height)
    round_dot = small.area > 0.5 * box.width * box.height and side < 2.5 * min(box.width, box.height)
    if not round_dot or overlap < 0.3 * box.width - 1:
        return False
    if other.width > 2.2 * other.height:  # a dot over or under a bar: division sign
        return 0 < gap < 0.6 * other.width and side < 0.25 * other.width
    # A dot over a stem (i, j) or under it (!, ?): not under a letter, where it is a full stop.
    stem = other.width < 0.7 * other.height
    return stem and side < 0.35 * other.height and 0 <= gap < 0.6 * other.height


def reading_order(groups: list[list[Part]]) -> list[list[Part]]:
    """Sort groups into lines by vertical overlap, and lines from left to right."""
    def bounds(group):
        return min(p.box.y for p in group), max(p.box.bottom for p in group), min(p.box.x for p in group)
    lines = []
    for group in sorted(groups, key=lambda g: bounds(g)[0]):
        top, bottom, _ = bounds(group)
        for line in lines:
            middle = (top + bottom) / 2
            if line[0] <= middle <= line[1]:
                line[2].append(group)
                line[0], line[1] = min(line[0], top), max(line[1], bottom)
                break
        else:
            lines.append([top, bottom, [group]])
    lines.sort(key=lambda line: line[0])
    return [group for line in lines for group in sorted(line[2], key=lambda g: bounds(g)[2])]


def cut(ink: np.ndarray, box: Box, group: list[Part]) -> np.ndarray:
    """Return the ink inside `box` that belongs to the group (its pieces, and their soft edges)."""
    keep = np.zeros((box.height, box.width), np.uint8)
    for part in group:
        y, x = part.box.y - box.y, part.box.x - box.x
        keep[y:y + part.box.height, x:x + part.box.width] |= part.mask.astype(np.uint8)
    keep = cv2.dilate(keep, np.ones((3, 3), np.uint8))
    return ink[box.y:box.bottom, box.x:box.right] * keep


def _scaled(box, factor, shape):
    x, y = int(box.x * factor), int(box.y * factor)
    return Box(x, y, min(shape[1], int(np.ceil(box.right * factor))) - x,
               min(shape[0], int(np.ceil(box.bottom * factor))) - y)
