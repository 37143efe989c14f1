"""Handwriting files in, samples out: (label, source, writer, split, strokes, pen), writers never on two sides.

UNIPEN's 15 contributors lie in five groups of like size; one group is held out a run, and three small contributors
of the others validate: scores are calibrated on hands that the network has not seen. CROHME trains whole
(2013 validates, 2014 tests); Detexify has no writers, so a hash of the strokes keeps the last
fifth of each class out, and the sample before it validates; the last 5,000 of MNIST's training pictures validate.
"""
import gzip
import hashlib
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robot_ai.errors import ImageError
from training.characters.labels import to_latex

UNIPEN_GROUPS = (('app', 'sie', 'pri'), ('apa', 'gmd', 'lav'), ('ibm', 'art', 'imp'), ('kai', 'uqb', 'mot'),
                 ('val', 'ced', 'aga'))  # 18,400 / 18,517 / 18,307 / 16,764 / 20,499 samples
UNIPEN_VALIDATION = ('pri', 'imp', 'aga')  # 5,860 samples of every kind
MNIST_VALIDATION = 5000


@dataclass
class Sample:
    """One symbol: its LaTeX label and strokes (or, for MNIST, a picture uint8 [28, 28])."""

    label: str
    source: str
    writer: str | None
    split: str  # 'train', 'validation' or 'test'
    strokes: list = field(default_factory=list)
    picture: np.ndarray | None = None
    height: float = 0.0  # typical height of the symbols around it, in the strokes' unit; 0: it stood alone


def read_lines(path: Path) -> Iterator[dict]:
    """Yield the objects of a .jsonl or .jsonl.xz file; ImageError names the file and line at fault."""
    opened = lzma.open if path.suffix == '.xz' else open
    number = 0  # of the last good line
    try:
        with opened(path, 'rt', encoding='utf-8') as stream:
            for line in stream:
                yield json.loads(line)
                number += 1
    except (OSError, lzma.LZMAError, EOFError, ValueError) as error:
        raise ImageError(f'{path}: line {number + 1} cannot be read: {error}') from None


def unipen(folder: Path, held_out: int) -> Iterator[Sample]:
    """Yield UNIPEN's isolated characters; the contributors of group `held_out` (0..4) are 'test'.

    Those of UNIPEN_VALIDATION in the other groups are 'validation'.
    """
    for item in read_lines(folder / 'symbols-unipen.jsonl.xz'):
        label = to_latex('unipen', item['label'])
        if label is not None:
            writer = item['writer']
            split = ('test' if writer in UNIPEN_GROUPS[held_out] else
                     'validation' if writer in UNIPEN_VALIDATION else 'train')
            yield Sample(label, 'unipen', item['writer'], split, item['strokes'])


def crohme(folder: Path, part: str = 'train') -> Iterator[Sample]:
    """Yield the symbols of CROHME expressions, cut by their grouping.

    `part`: 'train', 'validation-2013' or 'test-2014'.
    """
    split = part.split('-')[0]
    for item in read_lines(folder / f'expressions-{part}.jsonl.xz'):
        yield from cut_symbols(item, split)


def cut_symbols(item: dict, split: str) -> Iterator[Sample]:
    """Yield the symbols of one expression object, each knowing how tall its neighbours are."""
    height = typical_height(item)
    for symbol in item['symbols']:
        strokes = [item['strokes'][index] for index in symbol['strokes']]
        if not strokes:  # a few symbols of the ground truth own no ink
            continue
        yield Sample(symbol['label'], 'crohme', item['writer'], split, strokes, height=height)


def typical_height(item: dict) -> float:
    """Return the median of the longer sides of an expression's symbols, small marks left out."""
    sides = []
    for symbol in (s for s in item['symbols'] if s['strokes']):
        points = np.concatenate([np.asarray(item['strokes'][index], float) for index in symbol['strokes']])
        sides.append(float(np.ptp(points, axis=0).max()))
    sides = np.array(sides or [1.0])
    # Against the median, not the greatest: one long fraction bar must not make everything else a mark.
    return float(np.median(sides[sides >= 0.4 * np.median(sides)])) or 1.0


def mathnote(folder: Path) -> Iterator[Sample]:
    """Yield the symbols of the notes application."""
    for item in read_lines(folder / 'symbols-mathnote.jsonl.xz'):
        yield Sample(to_latex('mathnote', item['label']), 'mathnote', None, 'train', item['strokes'])


def detexify(folder: Path, labels: set[str] | None = None, least: int = 1) -> Iterator[Sample]:
    """Yield Detexify's symbols (of `labels` only, where given; of classes with `least` samples).

    In the order of a hash of the strokes the last fifth of each class is 'test' and the sample before it 'validation'.
    """
    classes = {}
    for item in read_lines(folder / 'symbols-detexify.jsonl.xz'):
        key = hashlib.sha256(json.dumps(item['strokes']).encode()).hexdigest()
        classes.setdefault(to_latex('detexify', item['label']), []).append((key, item['strokes']))
    for label, items in sorted(classes.items()):
        if (labels is None or label in labels) and len(items) >= least:
            items.sort(key=lambda pair: pair[0])
            test = -(-4 * len(items) // 5)  # the first index that is not below 0.8 of them
            for index, (_, strokes) in enumerate(items):
                split = 'test' if index >= test else 'validation' if index == test - 1 else 'train'
                yield Sample(label, 'detexify', None, split, strokes)


def mnist(folder: Path, part: str = 'train') -> Iterator[Sample]:
    """Yield MNIST's pictures: part 'train' (the last 5,000 are 'validation') or 't10k' ('test')."""
    images = read_idx(folder / f'mnist-{part}-images-idx3-ubyte.gz')
    labels = read_idx(folder / f'mnist-{part}-labels-idx1-ubyte.gz')
    first = len(images) - MNIST_VALIDATION
    for index, (image, label) in enumerate(zip(images, labels)):
        split = 'test' if part == 't10k' else 'validation' if index >= first else 'train'
        yield Sample(str(label), 'mnist', None, split, picture=image)


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file (MNIST's format, gzipped or not) of unsigned bytes; ImageError where it is not one."""
    try:
        data = (gzip.open if path.suffix == '.gz' else open)(path, 'rb').read()
    except (OSError, EOFError) as error:
        raise ImageError(f'{path}: cannot be read: {error}') from None
    if len(data) < 4 or data[:3] != b'\0\0\x08':
        raise ImageError(f'{path}: not an IDX file of unsigned bytes')
    header = 4 + 4 * data[3]
    shape = tuple(int.from_bytes(data[at:at + 4], 'big') for at in range(4, min(header, len(data)), 4))
    if len(shape) != data[3] or len(data) != header + int(np.prod(shape, dtype=np.int64)):
        raise ImageError(f'{path}: {len(data)} bytes do not fit the sizes {shape} in its header')
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
