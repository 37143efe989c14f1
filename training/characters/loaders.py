"""The original formats of handwriting corpora in, this package's samples and expressions out.

InkML (CROHME's and MathWriting's folders), UNIPEN text files; IDX is read by `data.read_idx`. A broken
file raises ImageError, which names it and what is wrong; a folder's reader says so and goes on.
"""
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from robot_ai.errors import ImageError
from robot_ai.vision.ink import MAX_STROKE_POINTS

XML_ID = '{http://www.w3.org/XML/1998/namespace}id'
MAX_BYTES = 20_000_000
LABELS = ('normalizedLabel', 'truth', 'label')  # MathWriting's two names, CROHME's


def read_inkml(path: Path) -> dict:
    """Return an expression object of an InkML file, as the .jsonl files have them.

    {'id', 'source', 'writer', 'latex', 'strokes', 'symbols'}: points as they stand in the file; 'symbols' is empty
    where the file has no grouping. Raises ImageError naming the file.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f'{path}: {path.stat().st_size} bytes, at most {MAX_BYTES}')
        text = path.read_bytes()
        if b'<!ENTITY' in text:  # ElementTree expands entities: a few bytes could become gigabytes
            raise ImageError(f'{path}: declares entities, which ink does not need')
        root = ElementTree.fromstring(text)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise ImageError(f'{path}: not InkML: {error}') from None
    for element in root.iter():
        element.tag = element.tag.split('}')[-1] if isinstance(element.tag, str) else ''
    notes = {a.get('type'): (a.text or '').strip() for a in root.findall('annotation')}
    strokes, number = [], {}
    for trace in root.iter('trace'):
        number[trace.get('id') or trace.get(XML_ID)] = len(strokes)
        strokes.append(_points(trace.text or '', path))
    if not strokes:
        raise ImageError(f'{path}: holds no traces')
    symbols = []
    for group in root.iter('traceGroup'):
        label = next((a.text or '' for a in group.findall('annotation') if a.get('type') == 'truth'), '').strip()
        views = [v.get('traceDataRef', '').lstrip('#') for v in group.findall('traceView')]
        if label and views:
            unknown = [v for v in views if v not in number]
            if unknown:
                raise ImageError(f'{path}: a group names trace {unknown[0]!r}, which is not there')
            symbols.append({'label': label, 'strokes': sorted(number[v] for v in views)})
    latex = next((notes[name] for name in LABELS if notes.get(name)), '')
    return {'id': path.stem, 'source': f'inkml/{path.parent.name}', 'writer': notes.get('writer'), 'latex': latex,
            'strokes': strokes, 'symbols': symbols}


def _points(text, path):
    points = []
    for part in text.replace('\n', ' ').split(','):
        values = part.split()
        if not values:
            continue
        try:
            points.append([float(values[0]), float(values[1])])
        except (ValueError, IndexError):
            raise ImageError(f'{path}: the point {part.strip()[:40]!r} is not two numbers') from None
    if not points or len(points) > MAX_STROKE_POINTS:
        raise ImageError(f'{path}: a trace with {len(points)} points')
    return points


def read_inkml_folder(folder: Path, complain=None) -> Iterator[dict]:
    """Yield the expressions of every .inkml file under a folder; broken files are named and left out."""
    complain = complain or (lambda text: print(text, file=sys.stderr))
    paths = sorted(Path(folder).rglob('*.inkml'))
    if not paths:
        raise ImageError(f'{folder}: holds no .inkml files')
    for path in paths:
        try:
            yield read_inkml(path)
        except ImageError as error:
            complain(str(error))


def read_unipen(path: Path) -> list[dict]:
    """Return the labelled characters of a UNIPEN file: [{'label', 'writer', 'strokes'}], y turned down.

    Reads .PEN_DOWN / .PEN_UP blocks and .SEGMENT CHARACTER lines (ranges of components as '0-2' or '3').
    Raises ImageError naming the file and line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding='latin-1').splitlines()
    except OSError as error:
        raise ImageError(f'{path}: cannot be read: {error.strerror}') from None
    writer, components, segments, current = None, [], [], None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if words[0].startswith('.'):
            if words[0] in ('.PEN_DOWN', '.PEN_UP'):
                current = []
                components.append((words[0] == '.PEN_DOWN', current))
            elif words[0] == '.WRITER_ID' and len(words) > 1:
                writer, current = words[1], None
            elif words[0] == '.SEGMENT' and len(words) > 2 and words[1] == 'CHARACTER':
                label = line.split('"')[1] if line.count('"') >= 2 else ''
                segments.append((number, words[2], label.replace('\\', '') or label))
                current = None
            else:
                current = None
        elif current is not None:
            try:
                current.append([float(words[0]), -float(words[1])])
            except (ValueError, IndexError):
                raise ImageError(f'{path}: line {number}: {line[:40]!r} is not a point') from None
    return [_character(path, number, span, label, writer, components) for number, span, label in segments if label]


def _character(path, number, span, label, writer, components):
    strokes = []
    for part in span.split(','):
        first, _, last = part.partition('-')
        try:
            chosen = range(int(first), int(last or first) + 1)
        except ValueError:
            raise ImageError(f'{path}: line {number}: {span!r} is no range of components') from None
        for index in chosen:
            if not 0 <= index < len(components):
                raise ImageError(f'{path}: line {number}: component {index} of {len(components)} is not there')
            down, points = components[index]
            if down and points:
                strokes.append(points)
    if not strokes:
        raise ImageError(f'{path}: line {number}: the character {label!r} has no ink')
    return {'label': label, 'writer': writer, 'strokes': strokes}
