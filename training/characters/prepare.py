"""`python -m training.characters.prepare`: draws every training sample several times into a cache.

One variant is an array uint8 [samples, 32, 32], beside them lie the pens' trajectories, float16 [samples, 64, 3].
Drawing costs about 0.2 ms a picture on one core, against 1 ms for the network's step, so a few variants are drawn once
and reused over the epochs. `--processes` changes how long that takes, not what is drawn.

Example::

    python -m training.characters.prepare --data ../shared/data/handwriting --cache cache --variants 4
"""
import argparse
import json
import multiprocessing
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from robot_ai.vision.trajectory import trajectory_of
from training.characters import data
from training.characters.augment import augmented, plain
from training.characters.compose import no_symbols, spanish_letters
from training.characters.labels import CROHME, DIGITS, LETTERS, NOTHING, SPANISH
from training.characters.own import own_samples

COMPOSED = 300  # samples a Spanish letter
NO_SYMBOLS = 14_000
MIN_SAMPLES = 15  # a label with fewer training samples is no class
MIN_WIDE = 10  # the same for Detexify's own classes, the second output
CHUNK = 2000  # samples that one process draws at a time, with random numbers of their own
PLAIN = -1  # the number of the view that is drawn as it is recognised
_SAMPLES: list[data.Sample] = []  # to draw: the forked processes find them here


def read_samples(folder: Path, held_out: int, seed: int, own: Iterable[Path] = ()
                 ) -> tuple[list[data.Sample], list[data.Sample], list[str], list[str]]:
    """Return the training and validation samples of every source, the labels ('' first, then sorted) and Detexify's."""
    rng = np.random.default_rng(seed)
    unipen = list(data.unipen(folder, held_out))
    mnist, detexify = list(data.mnist(folder)), list(data.detexify(folder, least=MIN_WIDE))
    samples = [s for s in unipen if s.split == 'train']
    samples += spanish_letters(samples, COMPOSED, rng)
    samples += data.crohme(folder)
    samples += data.mathnote(folder)
    samples += own_samples(own)
    counts = {}
    for sample in samples:
        counts[sample.label] = counts.get(sample.label, 0) + 1
    wanted = set(CROHME) | set(DIGITS) | set(LETTERS) | set(SPANISH)
    labels = {label for label, count in counts.items() if count >= MIN_SAMPLES or label in wanted}
    samples = [s for s in samples if s.label in labels]
    wide = [s for s in detexify if s.split == 'train']
    samples += wide
    samples += [s for s in mnist if s.split == 'train']
    samples += no_symbols(list(data.read_lines(folder / 'expressions-train.jsonl.xz')), NO_SYMBOLS, rng)
    labels = {NOTHING} | labels
    validation = [s for s in data.crohme(folder, 'validation-2013') if s.label in labels]
    validation += [s for s in mnist if s.split == 'validation']
    validation += [s for s in unipen if s.split == 'validation' and s.label in labels]
    validation += [s for s in detexify if s.split == 'validation']
    return samples, validation, sorted(labels), sorted({s.label for s in wide})


def index_of(samples: list[data.Sample], labels: list[str], wide: list[str], sources: list[str]
             ) -> dict[str, np.ndarray]:
    """Return 'label' and 'wide' (places in those lists, or -1; int32) and 'source' (int8) of samples."""
    number, place = ({label: index for index, label in enumerate(names)} for names in (labels, wide))
    return {'label': np.array([number.get(s.label, -1) for s in samples], np.int32),
            'wide': np.array([place[s.label] if s.source == 'detexify' else -1 for s in samples], np.int32),
            'source': np.array([sources.index(s.source) for s in samples], np.int8)}


def draw(view: int, seed: int, rows: range) -> np.ndarray:
    """Return a view of some of _SAMPLES: uint8 [n, 32, 32]; it depends on the view, the seed and the rows alone."""
    rng = np.random.default_rng([seed, max(view, 0), rows.start])
    return np.stack([plain(_SAMPLES[i]) if view == PLAIN else augmented(_SAMPLES[i], rng) for i in rows])


def follow(rows: range) -> np.ndarray:
    """Return the trajectories of some of _SAMPLES: float16 [n, 64, 3], zeros for pictures without strokes."""
    return np.stack([trajectory_of(_SAMPLES[i].strokes) for i in rows]).astype(np.float16)


def write(cache: Path, folder: Path, variants: int, held_out: int, seed: int, own: Iterable[Path] = (),
          undistorted: bool = False, processes: int = 1) -> None:
    """Write facts.json, index.npz, trajectory.npy, one variant_K.npy each and the plain validation set into `cache`.

    With `undistorted` also variant_plain.npy: each sample drawn as it is recognised. `processes`: that draw.
    """
    cache.mkdir(parents=True, exist_ok=True)
    samples, validation, labels, wide = read_samples(folder, held_out, seed, own)
    sources = sorted({s.source for s in samples})
    facts = {'labels': labels, 'wide': wide, 'sources': sources, 'held_out': held_out, 'seed': seed}
    (cache / 'facts.json').write_text(json.dumps(facts, ensure_ascii=False))
    np.savez(cache / 'index.npz', **index_of(samples, labels, wide, sources))
    print(f'{len(samples)} training samples, {len(validation)} validation, {len(labels)} and {len(wide)} classes',
          flush=True)
    _SAMPLES[:] = samples + validation
    cv2.setNumThreads(1)  # OpenCV's threads would not be there behind the fork
    # Forked, so that the samples need not be copied to each process.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context('fork')) if processes > 1 else None

    def made(make, first, last):
        rows = [range(i, min(i + CHUNK, last)) for i in range(first, last, CHUNK)]
        return np.concatenate([*(pool.map if pool else map)(make, rows)])
    try:
        np.savez(cache / 'validation.npz', ink=made(partial(draw, PLAIN, seed), len(samples), len(_SAMPLES)),
                 trajectory=made(follow, len(samples), len(_SAMPLES)), **index_of(validation, labels, wide, sources))
        parts = {'trajectory.npy': follow}
        for view in [*range(variants), *([PLAIN] if undistorted else [])]:
            parts['variant_plain.npy' if view == PLAIN else f'variant_{view}.npy'] = partial(draw, view, seed)
        for name, make in parts.items():
            if not (cache / name).exists():
                started = time.monotonic()
                np.save(cache / 'unfinished.npy', made(make, 0, len(samples)))
                (cache / 'unfinished.npy').rename(cache / name)
                print(f'{name}: {time.monotonic() - started:.0f} s', flush=True)
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
        _SAMPLES.clear()


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write the cache; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.characters.prepare', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'), help='the source files')
    parser.add_argument('--cache', type=Path, required=True, help='folder to write')
    parser.add_argument('--variants', type=int, default=4, help='random views a sample (default 4)')
    parser.add_argument('--undistorted', action='store_true', help='one more view, drawn as it is recognised: for the '
                        'second stage (config second_stage)')
    parser.add_argument('--held-out', type=int, default=1, choices=range(5), help="UNIPEN's group left out")
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--own', type=Path, nargs='+', default=[], help='your own writing: see training.characters.own')
    parser.add_argument('--processes', type=int, default=1, help='that draw, on as many cores (default 1)')
    options = parser.parse_args(arguments)
    write(options.cache, options.data, options.variants, options.held_out, options.seed, options.own,
          options.undistorted, options.processes)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
