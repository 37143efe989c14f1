"""`python -m training.characters.prepare`: draws every training sample several times into a cache.

One variant is an array uint8 [samples, 32, 32]; drawing costs about 0.2 ms a picture on one core, against 1 ms
for the network's step, so a few variants are drawn once and reused over the epochs.

Example::

    python -m training.characters.prepare --data ../shared/data/handwriting --cache cache --variants 4
"""
import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from robot_ai.vision.ink import SIZE
from training.characters import data
from training.characters.augment import augmented, plain
from training.characters.compose import no_symbols, spanish_letters
from training.characters.labels import CROHME, DIGITS, LETTERS, NOTHING, SPANISH
from training.characters.own import own_samples

COMPOSED = 300  # samples a Spanish letter
NO_SYMBOLS = 14_000
MIN_SAMPLES = 15  # a label with fewer training samples is no class
MIN_WIDE = 10  # the same for Detexify's own classes, the second output


def training_samples(folder: Path, held_out: int, seed: int, own: Iterable[Path] = ()
                     ) -> tuple[list[data.Sample], list[str], list[str]]:
    """Return the training samples of every source, the labels ('' first, then sorted) and Detexify's labels."""
    rng = np.random.default_rng(seed)
    samples = [s for s in data.unipen(folder, held_out) if s.split == 'train']
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
    wide = [s for s in data.detexify(folder, least=MIN_WIDE) if s.split == 'train']
    samples += wide
    samples += [s for s in data.mnist(folder) if s.split == 'train']
    samples += no_symbols(list(data.read_lines(folder / 'expressions-train.jsonl.xz')), NO_SYMBOLS, rng)
    return samples, [NOTHING, *sorted(labels)], sorted({s.label for s in wide})


def write(cache: Path, folder: Path, variants: int, held_out: int, seed: int, own: Iterable[Path] = (),
          undistorted: bool = False) -> None:
    """Write facts.json, index.npz, one variant_K.npy each and the plain validation set into `cache`.

    With `undistorted` also variant_plain.npy: each sample drawn as it is recognised.
    """
    cache.mkdir(parents=True, exist_ok=True)
    samples, labels, wide = training_samples(folder, held_out, seed, own)
    number, place = ({label: index for index, label in enumerate(names)} for names in (labels, wide))
    sources = sorted({s.source for s in samples})
    facts = {'labels': labels, 'wide': wide, 'sources': sources, 'held_out': held_out, 'seed': seed}
    (cache / 'facts.json').write_text(json.dumps(facts, ensure_ascii=False))
    np.savez(cache / 'index.npz', label=np.array([number.get(s.label, -1) for s in samples], np.int32),
             wide=np.array([place[s.label] if s.source == 'detexify' else -1 for s in samples], np.int32),
             source=np.array([sources.index(s.source) for s in samples], np.int8))
    validation = [s for s in data.crohme(folder, 'validation-2013') if s.label in number]
    validation += [s for s in data.mnist(folder) if s.split == 'validation']
    validation += [s for s in data.unipen(folder, held_out) if s.split == 'validation' and s.label in number]
    validation += [s for s in data.detexify(folder, least=MIN_WIDE) if s.split == 'validation']
    np.savez(cache / 'validation.npz', ink=np.stack([plain(s) for s in validation]),
             label=np.array([number.get(s.label, -1) for s in validation], np.int32),
             wide=np.array([place[s.label] if s.source == 'detexify' else -1 for s in validation], np.int32),
             source=np.array([sources.index(s.source) for s in validation], np.int8))
    print(f'{len(samples)} training samples, {len(validation)} validation, {len(labels)} and {len(wide)} classes',
          flush=True)
    views = [(f'variant_{k}.npy', augmented, np.random.default_rng([seed, k])) for k in range(variants)]
    views += [('variant_plain.npy', lambda sample, _: plain(sample), None)] if undistorted else []
    for name, draw, rng in views:
        if (cache / name).exists():
            continue
        started = time.monotonic()
        out = np.zeros((len(samples), SIZE, SIZE), np.uint8)
        for index, sample in enumerate(samples):
            out[index] = draw(sample, rng)
        np.save(cache / 'unfinished.npy', out)
        (cache / 'unfinished.npy').rename(cache / name)
        print(f'{name}: {time.monotonic() - started:.0f} s', flush=True)


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
    options = parser.parse_args(arguments)
    write(options.cache, options.data, options.variants, options.held_out, options.seed, options.own,
          options.undistorted)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
