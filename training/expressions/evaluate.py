"""`python -m training evaluate expressions`: ExpRate on CROHME, from strokes, from drawn pictures, by the image model.

An expression counts as right where its tokens equal the truth's after one normalisation (robot_ai.vision.latex_tree:
spaces, redundant braces, left and right, limits, fonts, order of scripts). Then at most one and at most two token
errors (Levenshtein). What cannot be parsed counts as wrong. Prints the 95 % interval (Wilson).

Example:
  python -m training evaluate expressions --data ../shared/data/handwriting --part validation-2013 --from strokes
  python -m training evaluate expressions --part validation-2013 --from image-model --run RUN --beam 4

"""
import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robot_ai.errors import ImageError
from robot_ai.vision.expressions import ExpressionRecognizer
from robot_ai.vision.latex_tree import normal_form
from training.characters.data import read_lines
from training.expressions import matrices
from training.expressions.pictures import picture_of
from training.figures import Figures

MATRICES = 200  # that are composed
TYPICAL = 20  # symbols of the expression whose time is told apart


def token_errors(found: str, truth: str) -> int:
    """Return the edit distance between two formulas' normal forms; a large number where one cannot be parsed."""
    try:
        a, b = normal_form(found), normal_form(truth)
    except ImageError:
        return 999
    row = list(range(len(b) + 1))
    for i, token in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (token != other))
    return row[-1]


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training evaluate expressions', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'))
    parser.add_argument('--part', default='validation-2013',
                        choices=('validation-2013', 'test-2014', 'train', 'matrices'),
                        help='matrices: composed of ink of validation-2013 (training/expressions/matrices.py)')
    parser.add_argument('--from', dest='source', default='strokes', choices=('strokes', 'picture', 'image-model'),
                        help='image-model: the encoder-decoder of --run, from the same drawn pictures')
    parser.add_argument('--run', type=Path, help='folder of a run of train expressions --config image')
    parser.add_argument('--beam', type=int, default=1, help="the image model's")
    parser.add_argument('--models', default='', help='folder of model folders (default: the shipped ones)')
    parser.add_argument('--limit', type=int, help='only every n-th expression, so that about this many are read')
    parser.add_argument('--errors', type=Path, help='write each wrong expression to this file')
    parser.add_argument('--record', action='store_true', help="put the figures into the model's model.yaml and card")
    options = parser.parse_args(arguments)
    if options.record and (options.limit or options.source == 'image-model'):
        parser.error("--record: for all expressions, and for the recogniser's own model")
    if options.source == 'image-model' and not options.run:
        parser.error('--from image-model: add --run RUN, the folder of a run of train expressions --config image')
    items = list(matrices.composed(options.data, 'validation-2013', MATRICES) if options.part == 'matrices' else
                 read_lines(options.data / f'expressions-{options.part}.jsonl.xz'))
    if options.limit:
        items = items[::max(1, len(items) // options.limit)]
    figures, recognizer = Figures(), None
    distances, wrong, times = [], [], []
    if options.source == 'image-model':
        readings = by_image_model(options.run, items, options.beam)
    else:
        recognizer = ExpressionRecognizer(options.models)
        if options.record and recognizer.parser is None:
            parser.error(f'--record: no expressions model in {options.models or "the shipped models"}')
        readings = by_recognizer(recognizer, items, options.source == 'strokes')
    for number, (item, (found, took)) in enumerate(zip(items, readings), 1):
        times.append(took)
        distances.append(token_errors(found, item['latex']))
        if distances[-1]:
            wrong.append(f"{distances[-1]}\t{item['id']}\t{item['latex']}\t{found}")
        if number % 100 == 0:
            print(f'{number} of {len(items)}: {np.mean(np.array(distances) == 0):.3f}', file=sys.stderr, flush=True)
    distances = np.array(distances)
    for limit, name in ((0, 'ExpRate'), (1, '<=1 token error'), (2, '<=2 token errors')):
        right = int((distances <= limit).sum())
        figures.share(f'{options.part} from {options.source}: {name}', right, len(distances))
    figures.tell(f'{options.part} from {options.source}, an expression', f'{np.mean(times):.0f} ms of processor time')
    twenty = [t for t, item in zip(times, items) if len(item['symbols']) == TYPICAL]
    if twenty and options.source != 'image-model':  # which reads many at once
        figures.tell(f'{options.part} from {options.source}, one of {TYPICAL} symbols ({len(twenty)} of them)',
                     f'{np.median(twenty):.0f} ms (median), {max(twenty):.0f} ms (most)')
    if options.record:
        from training.expressions.export import card
        figures.record(recognizer.parser.info.folder, 'python -m training evaluate expressions', card)
    if options.errors:
        options.errors.write_text('\n'.join(wrong) + '\n', encoding='utf-8')
    return 0


def by_recognizer(recognizer: ExpressionRecognizer, items: list[dict], strokes: bool) -> Iterator[tuple[str, float]]:
    """Yield the LaTeX that the recogniser finds in each item and the ms of processor time it took."""
    for item in items:
        picture = None if strokes else picture_of(item)
        started = time.process_time()
        found = recognizer.recognize_strokes(item['strokes']) if strokes else recognizer.recognize(picture)
        yield found.latex, 1000 * (time.process_time() - started)


def by_image_model(run: Path, items: list[dict], beam: int, together: int = 128) -> Iterator[tuple[str, float]]:
    """Yield the LaTeX that a run's image model writes for each item's picture and the mean ms that it took."""
    from training.expressions.image_training import open_run
    reader = open_run(run)
    for first in range(0, len(items), together):
        pictures = [picture_of(item) for item in items[first:first + together]]
        started = time.process_time()
        found = reader.read_pictures(pictures, beam)
        took = 1000 * (time.process_time() - started) / len(pictures)
        yield from ((readings[0][0], took) for readings in found)
