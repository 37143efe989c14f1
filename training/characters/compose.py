"""Samples that no source has: Spanish letters composed from real strokes, and ink that is no symbol.

Every composed letter is marked source 'composed', so that no figure mistakes it for real writing.
"""
import numpy as np

from training.characters.data import Sample
from training.characters.labels import NOTHING, SPANISH


def bounds(strokes: list) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest (x, y) of strokes."""
    points = np.concatenate([np.asarray(stroke, np.float32) for stroke in strokes])
    return points.min(axis=0), points.max(axis=0)


def spanish_letters(samples: list[Sample], count: int, rng: np.random.Generator) -> list[Sample]:
    """Return `count` samples a Spanish label: a letter and a mark of UNIPEN, both real strokes, put together."""
    by_label = {}
    for sample in samples:
        if sample.source == 'unipen' and sample.split == 'train':
            by_label.setdefault(sample.label, []).append(sample)
    marks = {'acute': by_label.get('/', []) + by_label.get('\\prime', []), 'tilde': by_label.get('\\sim', []),
             'dieresis': by_label.get('.', [])}
    out = []
    for label, (base, mark) in SPANISH.items():
        letters = [s for s in by_label.get(base, []) if base != 'i' or len(s.strokes) == 2]
        if letters and marks[mark]:
            for _ in range(count):
                letter = letters[rng.integers(len(letters))]
                accent = marks[mark][rng.integers(len(marks[mark]))]
                out.append(Sample(label, 'composed', letter.writer, 'train',
                                  _put_together(letter.strokes, accent.strokes, mark, base, rng)))
    return out


def _put_together(letter, accent, mark, base, rng):
    if base == 'i':  # í has no dot: the higher of the two strokes goes
        letter = [max(letter, key=lambda stroke: np.mean([p[1] for p in stroke]))]
    letter = [np.asarray(stroke, np.float32) for stroke in letter]
    low, high = bounds(letter)
    size = max(float((high - low).max()), 1.0)
    height = size * rng.uniform(0.18, 0.4) * (0.7 if mark != 'acute' else 1.0)
    centre = np.array([(low[0] + high[0]) / 2 + rng.normal(0.05, 0.08) * size,
                       low[1] - size * rng.uniform(0.06, 0.28) - height / 2])
    if mark == 'dieresis':
        gap = size * rng.uniform(0.1, 0.22)
        pieces = [_placed(accent, centre + [side * gap, rng.normal(0, 0.02) * size],
                          size * rng.uniform(0.02, 0.08))
                  for side in (-1, 1)]
        return letter + pieces[0] + pieces[1]
    if mark == 'tilde':
        height = size * rng.uniform(0.3, 0.75)
    return letter + _placed(accent, centre, height)


def _placed(strokes, centre, longer):
    arrays = [np.asarray(stroke, np.float32) for stroke in strokes]
    low, high = bounds(arrays)
    scale = longer / max(float((high - low).max()), 1.0)
    return [(array - (low + high) / 2) * scale + centre for array in arrays]


def no_symbols(expressions: list[dict], count: int, rng: np.random.Generator) -> list[Sample]:
    """Return `count` samples of ink that is no symbol: neighbours run together, halves joined, scribbles.

    `expressions`: objects of CROHME's training file (their strokes and grouping).
    """
    out = []
    usable = [e for e in expressions if len(e['symbols']) >= 2]
    while len(out) < count:
        kind = rng.random()
        if kind < 0.85:
            item = usable[rng.integers(len(usable))]
            owner = {index: number for number, s in enumerate(item['symbols']) for index in s['strokes']}
            first, length = int(rng.integers(len(item['strokes']))), int(rng.integers(2, 6))
            indices = range(first, min(first + length, len(item['strokes'])))
            if len({owner.get(index) for index in indices}) < 2:
                continue
            labels = {item['symbols'][owner[i]]['label'] for i in indices if i in owner}
            if labels <= {'.', '-', '1', '|', ','}:  # '1 -' run together may be a '+': no lesson in that
                continue
            strokes = [item['strokes'][index] for index in indices]
            height = np.ptp(np.concatenate([np.asarray(s, float) for s in item['strokes']]), axis=0).min() / 2
            out.append(Sample(NOTHING, 'composed', item['writer'], 'train', strokes, height=float(height)))
        else:
            out.append(Sample(NOTHING, 'composed', None, 'train', _scribble(rng)))
    return out


def _scribble(rng):
    """Return random lines, dots or a random walk, about 255 units wide."""
    kind = rng.integers(3)
    if kind == 0:
        return [rng.uniform(0, 255, (2, 2)) for _ in range(rng.integers(3, 9))]
    if kind == 1:
        return [rng.uniform(0, 255, (1, 2)) for _ in range(rng.integers(5, 30))]
    steps = rng.normal(0, 25, (rng.integers(30, 120), 2))
    return [np.cumsum(steps, axis=0)]
