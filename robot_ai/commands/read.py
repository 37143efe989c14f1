"""Turn pictures of handwriting into LaTeX: a symbol, several symbols or a whole expression.

One line a picture: its name, a tab, the LaTeX, a tab, the confidence. A picture without handwriting gives a
line without LaTeX and the words "nothing here". With --json one object a line: file, kind, latex, confidence,
for each symbol its box (x, y, width, height in pixels) and candidates, and the seconds that reading took. Exit
status: 0 all read; 1 a picture could not be read (the others were); 2 usage.

For example:
  robot-ai read board.jpg notes.png --tex notes.tex
  robot-ai read --json --symbol digit.png
"""
import json
import sys
import time
from pathlib import Path

from robot_ai.errors import ImageError, RobotAIError

MAX_PIXELS = 120_000_000
SUFFIXES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.webp', '.bmp')


def add_arguments(parser):
    """Declare the command line."""
    parser.add_argument('images', metavar='IMAGE', nargs='+', help='png, jpg, tiff or webp file')
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument('--symbol', action='store_true', help='each picture is one symbol')
    kind.add_argument('--look-up', action='store_true',
                      help="each picture is one sign whose name is sought among Detexify's LaTeX commands")
    kind.add_argument('--expression', action='store_true', help='each picture is one expression')
    parser.add_argument('--json', action='store_true', help='one JSON object a picture, with boxes and candidates')
    parser.add_argument('--tex', metavar='FILE', help='also write a standalone LaTeX document')
    parser.add_argument('--models', metavar='FOLDER', default='', help='folder of model folders')


def run(options) -> int:
    """Read every picture; returns the exit status."""
    from robot_ai.vision.expressions import ExpressionRecognizer
    recognizer = ExpressionRecognizer(options.models)
    status, formulas = 0, []
    for name in options.images:
        try:
            image, began = load_image(name), time.monotonic()
            result = read_picture(recognizer, image, options)
            result['seconds'] = round(time.monotonic() - began, 3)
        except RobotAIError as error:
            print(f'robot-ai read: {error}', file=sys.stderr)
            status = 1
            continue
        formulas.append((name, result['latex']))
        if options.json:
            print(json.dumps({'file': name, **result}, ensure_ascii=False), flush=True)
        else:
            print(f"{name}\t{result['latex'] or '(nothing here)'}\t{result['confidence']:.2f}", flush=True)
            for candidate in result['items'][0]['candidates'][1:] if options.look_up and result['items'] else ():
                print(f"\t{candidate['latex']}\t{candidate['confidence']:.2f}", flush=True)
    if options.tex:
        try:
            Path(options.tex).write_text(document(formulas), encoding='utf-8')
        except OSError as error:
            print(f'robot-ai read: {options.tex}: cannot be written: {error.strerror}', file=sys.stderr)
            status = 1
    return status


def load_image(name: str):
    """Return a picture file as uint8 [h, w, 3]; ImageError says what is wrong with the file."""
    import cv2
    import numpy as np
    path = Path(name)
    if not path.is_file():
        raise ImageError(f'{name}: no such file')
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ImageError(f'{name}: cannot be read: {error.strerror}') from None
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(f'{name}: not a picture; expected one of {", ".join(SUFFIXES)}')
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ImageError(f'{name}: {image.shape[1]} x {image.shape[0]} pixels are too many')
    return image


def read_picture(recognizer, image, options) -> dict:
    """Return {'kind', 'latex', 'confidence', 'items'} of one picture."""
    if options.symbol or options.look_up:
        characters = recognizer.characters
        reading = characters.look_up(image) if options.look_up else characters.recognize(image)
        items = [{'box': [0, 0, image.shape[1], image.shape[0]], 'candidates': _listed(reading.candidates)}]
        return {'kind': 'symbol', 'latex': reading.latex, 'confidence': round(reading.score, 4),
                'items': items if reading.candidates else []}
    expression = recognizer.recognize(image)
    items = [{'box': [s.box.x, s.box.y, s.box.width, s.box.height], 'candidates': _listed(s.candidates)}
             for s in expression.symbols]
    kind = 'expression' if options.expression or len(items) != 1 else 'symbol'
    return {'kind': kind, 'latex': expression.latex, 'confidence': round(expression.score, 4), 'items': items}


def _listed(candidates):
    return [{'latex': c.latex, 'confidence': round(c.score, 4)} for c in candidates]


def document(formulas: list[tuple[str, str]]) -> str:
    """Return a LaTeX document that compiles: one displayed formula a picture, its file's name above it."""
    from robot_ai.vision.latex import compilable, escape_text
    lines = ['\\documentclass{article}', '\\usepackage[utf8]{inputenc}', '\\usepackage[T1]{fontenc}',
             '\\usepackage{amsmath,amssymb}', '\\begin{document}', '\\setlength{\\parindent}{0pt}']
    for name, latex in formulas:
        lines += ['', f'% {name}'.replace('\n', ' '), f'\\texttt{{{escape_text(Path(name).name)}}}', '']
        lines += [f'\\[ {compilable(latex)} \\]'] if latex else ['\\emph{(nothing here)}']
    return '\n'.join([*lines, '\\end{document}', ''])
