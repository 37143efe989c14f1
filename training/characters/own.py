"""Your own writing: files in, training samples out, and how the model reads them now.

Taken are the page's corrections (`symbols-page.jsonl`, one object a line: label in LaTeX, strokes), InkML (an
expression with its grouping, or one symbol) and UNIPEN files (.unp, .upn, .unipen, .dat), or folders of them.
`prepare --own` adds them to the training; a label that is new needs some 15 samples to become a class.

Example::

    python -m training.characters.own ~/samples
    python -m training.characters.prepare --cache CACHE --own ~/samples
"""
import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from robot_ai.errors import ImageError, RobotAIError
from training.characters.data import Sample, cut_symbols, read_lines
from training.characters.labels import to_latex
from training.characters.loaders import read_inkml, read_unipen

SOURCE = 'own'  # its name among the sources of a cache, and in a config's SHARES
UNIPEN = ('.unp', '.upn', '.unipen', '.dat')
SUFFIXES = ('.jsonl', '.inkml', *UNIPEN)


def own_samples(paths: Iterable[Path]) -> list[Sample]:
    """Return the samples of files and folders, all 'train'; ImageError names the file that cannot be used."""
    samples = []
    for path in map(Path, paths):
        files = sorted(f for f in path.rglob('*') if f.suffix in SUFFIXES) if path.is_dir() else [path]
        if not files:
            raise ImageError(f'{path}: holds no writing; expected files {", ".join(SUFFIXES)}')
        for file in files:
            samples += _of_file(file)
    return samples


def _of_file(file: Path) -> Iterator[Sample]:
    if file.suffix == '.jsonl':
        for number, item in enumerate(read_lines(file), 1):
            if not isinstance(item, dict) or not item.get('label') or not item.get('strokes'):
                raise ImageError(f'{file}: line {number}: expected an object with label and strokes')
            yield Sample(item['label'], SOURCE, item.get('writer'), 'train', item['strokes'])
    elif file.suffix == '.inkml':
        item = read_inkml(file)
        if item['symbols']:
            yield from (replace(sample, source=SOURCE) for sample in cut_symbols(item, 'train'))
        elif item['latex']:
            yield Sample(item['latex'], SOURCE, item['writer'], 'train', item['strokes'])
        else:
            raise ImageError(f'{file}: has neither symbols nor a label')
    elif file.suffix in UNIPEN:
        for item in read_unipen(file):
            label = to_latex('unipen', item['label'])
            if label is not None:
                yield Sample(label, SOURCE, item['writer'], 'train', item['strokes'])
    else:
        raise ImageError(f'{file}: expected a file {", ".join(SUFFIXES)}')


def main(arguments: list[str] | None = None) -> int:
    """Count the samples and print which the model reads wrongly; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.characters.own', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('path', nargs='+', type=Path, help='file or folder')
    parser.add_argument('--model', default='', help='model folder (default: the one shipped)')
    options = parser.parse_args(arguments)
    from robot_ai.vision.characters import CharacterRecognizer
    try:
        samples, recognizer = own_samples(options.path), CharacterRecognizer(options.model)
    except RobotAIError as error:
        print(f'own: {error}', file=sys.stderr)
        return 1
    right = 0
    for sample in samples:
        candidates = recognizer.recognize_strokes(sample.strokes).candidates
        read = candidates[0].latex if candidates else 'nothing'
        right += read == sample.label
        if read != sample.label:
            print(f'{sample.label} is read as {read}')
    counts = Counter(sample.label for sample in samples)
    print(f'{len(samples)} samples of {len(counts)} labels: '
          f'{", ".join(f"{label} {count}" for label, count in sorted(counts.items()))}')
    print(f'{right} of {len(samples)} are read right')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
