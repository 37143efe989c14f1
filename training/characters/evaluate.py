"""`python -m training evaluate characters`: the figures of the character model in a model folder.

MNIST's 10,000 test digits; CROHME 2014's isolated symbols, cut from expressions-test-2014 by its grouping, drawn with
their expression's pen and once more alone; UNIPEN's unseen contributors; the last fifth of Detexify; all but MNIST once
more with their strokes, for a model that follows the pen; the expected calibration error; finds on pictures without ink
and on print; the time of a frame with 20 symbols. The test sets are scored, never tuned on:
`--validation` prints CROHME 2013, MNIST's last 5,000 training digits and UNIPEN's validation contributors instead.

Example:
  python -m training evaluate characters --data ../shared/data/handwriting

"""
import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.finding import find_pieces
from robot_ai.vision.ink import draw_polylines
from robot_ai.vision.printed import is_printed
from robot_ai.vision.trajectory import trajectory_of
from training.characters import data
from training.characters.augment import plain
from training.characters.labels import DIGITS, fold
from training.characters.printed import fonts, printed_page
from training.expressions.pictures import picture_of
from training.figures import Figures

BLANKS = 500  # pictures without ink
PAGES = 200  # of printed text
SETS = ('mnist', 'crohme', 'unipen', 'detexify', 'frames')


def wrong(figures: Figures, name: str, rows: np.ndarray) -> None:
    """Tell the share of rows (bool) that are so."""
    figures.share(name, int(rows.sum()), len(rows))


def calibration_error(scores: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error of best scores [n] against whether they were right [n]."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    return float(sum(abs(scores[place == b].mean() - right[place == b].mean()) * (place == b).mean()
                     for b in range(bins) if (place == b).any()))


def scores_of(recognizer: CharacterRecognizer, samples: list, alone: bool = False, drawn: bool = False,
              wide: bool = False, backwards: bool = False) -> np.ndarray:
    """Return the scores [n, classes] of samples' pictures; `drawn`: of their strokes too; `wide`: of Detexify's.

    `backwards`: of the same ink, had the pen gone the other way from its end to its beginning.
    """
    out = []
    for first in range(0, len(samples), 256):
        part = samples[first:first + 256]
        paths = [trajectory_of([stroke[::-1] for stroke in sample.strokes[::-1]] if backwards else sample.strokes)
                 for sample in part] if drawn else None
        score = recognizer.wide_scores if wide else recognizer.scores
        out.append(score([plain(sample, alone) for sample in part], paths)[0])
    return np.concatenate(out)


def read(recognizer: CharacterRecognizer, scores: np.ndarray, allowed=None, drawn: bool = False):
    """Return the best labels and their scores among `allowed` (or all); "no symbol" is no answer."""
    scores = recognizer.restrict(scores, allowed, drawn).copy()
    scores[:, recognizer.nothing] = 0
    scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)
    best = scores.argmax(axis=1)
    return np.array([recognizer.labels[n] for n in best], object), scores.max(axis=1)


def score_set(figures: Figures, recognizer, name, truth: np.ndarray, scores: np.ndarray, allowed=None,
              drawn: bool = False):
    """Tell strict and folded error and the calibration error of samples' true labels [n] and scores."""
    found, scores = read(recognizer, scores, allowed, drawn)
    wrong(figures, f'{name}: error', found != truth)
    wrong(figures, f'{name}: error, look-alikes folded', np.array([fold(a) != fold(b) for a, b in zip(found, truth)]))
    figures.tell(f'{name}: calibration error', f'{100 * calibration_error(scores, found == truth):.2f} %')


def without_ink(rng: np.random.Generator) -> np.ndarray:
    """Return a picture without writing: paper with shadow, noise, gradients, blobs, stripes, soft edges."""
    height, width = 240, 320
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    kind = rng.integers(6)
    picture = np.full((height, width), rng.uniform(60, 240), np.float32)
    if kind == 1:
        picture += rng.normal(0, rng.uniform(5, 70), picture.shape)
    elif kind == 2:
        picture += (xs / width - 0.5) * rng.uniform(-150, 150) + (ys / height - 0.5) * rng.uniform(-150, 150)
    elif kind == 3:  # soft blobs: faces, hands, furniture out of focus
        for _ in range(rng.integers(1, 8)):
            x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(20, 90)
            picture += rng.uniform(-90, 90) * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * r * r))
    elif kind == 4:
        picture += rng.uniform(10, 60) * np.sin(xs * rng.uniform(0.02, 0.6) + ys * rng.uniform(0, 0.6))
    elif kind == 5:
        angle, place = rng.uniform(0, np.pi), rng.uniform(-60, 60)
        picture += rng.uniform(20, 110) * ((xs - 160) * np.cos(angle) + (ys - 120) * np.sin(angle) > place)
    picture = cv2.GaussianBlur(picture + rng.normal(0, 4, picture.shape), (0, 0), rng.uniform(0.5, 1.5))
    return np.clip(picture, 0, 255).astype(np.uint8)


def twenty_symbols(samples: list, rng: np.random.Generator) -> np.ndarray:
    """Return a camera frame (uint8 [480, 640]) with 20 symbols written on shadowed paper."""
    page = np.full((480, 640), 255, np.uint8)
    for number in range(20):
        strokes = [np.asarray(s, np.float32)[:, :2] for s in samples[rng.integers(len(samples))].strokes]
        points = np.concatenate(strokes)
        scale = 60 / max(float(np.ptp(points, axis=0).max()), 1.0)
        corner = np.array([40 + 120 * (number % 5), 30 + 110 * (number // 5)]) + rng.uniform(-8, 8, 2)  # by hand
        draw_polylines(page, [(s - points.min(axis=0)) * scale + corner.astype(np.float32) for s in strokes], 4, 0)
    shade = np.linspace(0.95, 0.6, 640)[None]
    return np.clip((60 + page * 0.6) * shade + rng.normal(0, 4, page.shape), 0, 255).astype(np.uint8)


def score_detexify(figures: Figures, recognizer, samples: list) -> None:
    """Tell top-1 and top-5 error of the output for Detexify's classes, and its calibration error."""
    number = {label: index for index, label in enumerate(recognizer.wide_labels)}
    truth = np.array([number[s.label] for s in samples])
    for drawn, how in ways(recognizer):
        scores = scores_of(recognizer, samples, drawn=drawn, wide=True)
        ranked = np.argsort(-scores, axis=1)[:, :5]
        name = f'Detexify, {len(number)} classes{how}'
        wrong(figures, f'{name}: error, top-1', ranked[:, 0] != truth)
        wrong(figures, f'{name}: error, top-5', (ranked != truth[:, None]).all(axis=1))
        figures.tell(f'{name}: calibration error',
                     f'{100 * calibration_error(scores.max(axis=1), ranked[:, 0] == truth):.2f} %')


def ways(recognizer: CharacterRecognizer) -> list[tuple[bool, str]]:
    """Return (whether strokes are used, how to say it) for what the model reads: pictures, and strokes where it can."""
    return [(False, ''), *([(True, ', strokes known')] if recognizer.reads_trajectories else [])]


def score_unipen(figures: Figures, recognizer, folder: Path, held_out: int, split: str = 'test') -> None:
    """Tell the figures of UNIPEN's contributors of a split."""
    unipen = [s for s in data.unipen(folder, held_out) if s.split == split and s.label in recognizer.labels]
    truth = np.array([s.label for s in unipen], object)
    for drawn, how in ways(recognizer):
        scores = scores_of(recognizer, unipen, drawn=drawn)
        for part, wanted in (('digits', lambda c: c in DIGITS), ('upper', lambda c: c.isalpha() and c.isupper()),
                             ('lower', lambda c: len(c) == 1 and c.isalpha() and c.islower())):
            chosen = np.array([wanted(label) for label in truth])
            allowed = {'digits': list(DIGITS), 'upper': [chr(c) for c in range(65, 91)],
                       'lower': [chr(c) for c in range(97, 123)]}[part]
            score_set(figures, recognizer, f'UNIPEN unseen contributors, {part} among themselves{how}', truth[chosen],
                      scores[chosen], allowed, drawn)
        score_set(figures, recognizer, f'UNIPEN unseen contributors, all, among all classes{how}', truth, scores,
                  drawn=drawn)


def score_frames(figures: Figures, recognizer, symbols: list, formulas: list) -> None:
    """Tell the finds on pictures without ink and on print, what is lost of handwriting, the time of a frame."""
    rng = np.random.default_rng(11)
    finds = [len(recognizer.read(without_ink(rng))) > 0 for _ in range(BLANKS)]
    wrong(figures, 'pictures without ink, false finds', np.array(finds))
    faces = fonts()
    for least, name in ((1, '1 to 40 words'), (3, '3 to 40 words')):
        rng = np.random.default_rng(12)
        pages = [printed_page(rng, faces, least) for _ in range(PAGES)]
        wrong(figures, f'printed pages of {name}, anything found',
              np.array([len(recognizer.read(p)) > 0 for p in pages]))
    wrong(figures, 'handwritten formulas taken for print',
          np.array([is_printed(find_pieces(picture_of(f))) for f in formulas]))
    page = twenty_symbols([s for s in symbols if s.label in 'abcdehkmnpqsuwxyz0235689'], rng)
    found = len(recognizer.read(page))
    started = time.process_time()
    for _ in range(20):
        recognizer.read(page)
    figures.tell(f'frame 640x480 with 20 symbols ({found} found)',
                 f'{1000 * (time.process_time() - started) / 20:.0f} ms of one core')


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training evaluate characters', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'))
    parser.add_argument('--model', default='', help='model folder (default: the shipped one)')
    parser.add_argument('--validation', action='store_true', help='validation sets in place of the tests')
    parser.add_argument('--held-out', type=int, default=1, help="UNIPEN's group that the model was not trained on")
    parser.add_argument('--only', nargs='+', choices=SETS, default=SETS, help='which figures (default: all)')
    parser.add_argument('--record', action='store_true', help="put the figures into the model's model.yaml and card")
    options = parser.parse_args(arguments)
    figures = Figures()
    recognizer, folder, only = CharacterRecognizer(options.model), options.data, options.only
    split, name = ('validation', 'CROHME 2013 symbols') if options.validation else ('test', 'CROHME 2014 symbols')
    part = 'validation-2013' if options.validation else 'test-2014'
    symbols = list(data.crohme(folder, part))
    if 'mnist' in only:
        digits = [s for s in data.mnist(folder, 'train' if options.validation else 't10k') if s.split == split]
        truth, scores = np.array([s.label for s in digits], object), scores_of(recognizer, digits)
        mnist = f'MNIST {"last 5,000 training digits" if options.validation else "10k"}'
        wrong(figures, f'{mnist}, among digits: error', read(recognizer, scores, 'digits')[0] != truth)
        wrong(figures, f'{mnist}, among all classes: error', read(recognizer, scores)[0] != truth)
    if 'crohme' in only:
        truth = np.array([s.label for s in symbols], object)
        for alone, pen in ((False, "their expression's pen"), (True, 'drawn alone')):
            for drawn, how in ways(recognizer):
                score_set(figures, recognizer, f'{name}, 101 classes, {pen}{how}', truth,
                          scores_of(recognizer, symbols, alone, drawn), 'mathematics', drawn)
        if recognizer.reads_trajectories:
            score_set(figures, recognizer, f"{name}, 101 classes, their expression's pen, written backwards", truth,
                      scores_of(recognizer, symbols, drawn=True, backwards=True), 'mathematics', drawn=True)
    if 'unipen' in only:
        score_unipen(figures, recognizer, folder, options.held_out, split)
    if 'detexify' in only and recognizer.wide_labels:
        wide = set(recognizer.wide_labels)
        score_detexify(figures, recognizer, [s for s in data.detexify(folder, wide) if s.split == split])
    if 'frames' in only:
        score_frames(figures, recognizer, symbols, list(data.read_lines(folder / f'expressions-{part}.jsonl.xz')))
    if options.record:
        from training.characters.export import card
        figures.record(recognizer.info.folder, 'python -m training evaluate characters', card)
    return 0
