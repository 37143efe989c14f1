"""Pieces of ink in which symbols touch: where they may be cut in two.

A piece is thinned to its skeleton, whose branches meet at junctions. Where one symbol touches another, a branch ends
at the other's line (a T), or lines cross: a cut takes a branch, or the two branches of a line that goes straight on,
off a junction, if the piece then falls in two. What a cut is worth, the recogniser must say: `pieces.candidates`.
"""
from itertools import combinations

import cv2
import numpy as np

THICKEST = 20.0  # px from a line's rim to its middle: more is no pen's line but a blob, which takes seconds to thin
STRAIGHT = -0.7  # cosine between two branches' directions from a junction: nearly opposite
SIDE = np.ones((3, 3), np.uint8)


def skeleton(mask: np.ndarray) -> np.ndarray:
    """Thin a mask (bool [h, w]) to lines one pixel wide (Zhang and Suen 1984): bool [h, w]."""
    thin, changed = mask.copy(), True
    while changed:
        changed = False
        for first in (True, False):
            n = _around(thin)
            count = sum(x.astype(np.uint8) for x in n)
            corner = n[2] & n[4] & (n[0] | n[6]) if first else n[0] & n[6] & (n[2] | n[4])
            gone = thin & (count >= 2) & (count <= 6) & (_turns(*n) == 1) & ~corner
            thin, changed = thin & ~gone, changed or bool(gone.any())
    return thin


def _around(mask):
    """Return each pixel's eight neighbours, from the north, clockwise: eight times bool [h, w]."""
    padded, (height, width) = np.pad(mask, 1), mask.shape
    return [padded[y:y + height, x:x + width] for y, x in
            ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))]


def _turns(*around):
    """Return how often a pixel's neighbours go from paper to ink around it."""
    return sum((~a & b).astype(np.uint8) for a, b in zip(around, (*around[1:], around[0])))


def cuts(mask: np.ndarray, least: float) -> list[np.ndarray]:
    """Return the ways to cut a piece (bool [h, w]) in two: bool [h, w], the pixels nearest to the one side.

    Both sides' skeletons have `least` pixels at least. A blob is not cut.
    """
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    if depth.max() > THICKEST:
        return []
    bones = skeleton(mask)
    joints = bones & (_turns(*_around(bones)) >= 3)
    if bones.sum() < 2 * least or not joints.any():
        return []
    reach = max(1, round(float(np.median(depth[bones]))))
    zone = cv2.dilate(joints.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    clusters, zones = cv2.connectedComponents((bones & (zone > 0)).astype(np.uint8), connectivity=8)
    branches, lines = cv2.connectedComponents((bones & (zone == 0)).astype(np.uint8), connectivity=8)
    if branches < 3 or branches > 40:
        return []
    touching = {}  # (cluster, branch) -> direction
    for cluster in range(1, clusters):
        here = zones == cluster
        near = cv2.dilate(here.astype(np.uint8), SIDE) > 0
        ys, xs = np.nonzero(here)
        middle = np.array([ys.mean(), xs.mean()])
        for branch in np.unique(lines[near & (lines > 0)]):
            ys, xs = np.nonzero(lines == branch)
            away = np.stack([ys, xs], 1) - middle
            away = away[np.argsort((away ** 2).sum(axis=1))[:4 * reach + 4]].mean(axis=0)
            touching[cluster, int(branch)] = away / (np.hypot(*away) + 1e-9)
    sizes = np.bincount(lines.ravel(), minlength=branches)
    owner = zones + np.where(lines > 0, lines + clusters, 0)  # of the skeleton's pixels: clusters, then branches
    _, nearest = cv2.distanceTransformWithLabels((~bones).astype(np.uint8), cv2.DIST_L2, 3,
                                                 labelType=cv2.DIST_LABEL_PIXEL)
    table = np.zeros(int(nearest.max()) + 1, int)
    table[nearest[bones]] = owner[bones]
    owners = table[nearest]
    out, seen = [], set()
    for cluster in range(1, clusters):
        mine = [b for c, b in touching if c == cluster]
        taken = [(b,) for b in mine]
        if len(mine) > 3:
            taken += [(a, b) for a, b in combinations(mine, 2)
                      if float(touching[cluster, a] @ touching[cluster, b]) < STRAIGHT]
        for off in taken:
            links = [(c, b) for c, b in touching if not (c == cluster and b in off)]
            side = _reached(links, {('b', b) for b in off})
            if ('c', cluster) in side:
                continue  # it holds on elsewhere
            members = frozenset(n for kind, n in side if kind == 'b')
            length = sizes[list(members)].sum()
            if length < least or bones.sum() - length < least or members in seen:
                continue
            seen.add(members)
            numbers = [n + clusters if kind == 'b' else n for kind, n in side]
            out.append(np.isin(owners, numbers))
    return out


def _reached(links, start):
    """Return what hangs together with `start` by links (cluster, branch)."""
    reached, grew = set(start), True
    while grew:
        grew = False
        for cluster, branch in links:
            ends = {('c', cluster), ('b', branch)}
            if ends & reached and not ends <= reached:
                reached |= ends
                grew = True
    return reached
