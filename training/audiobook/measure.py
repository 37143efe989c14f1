"""`audiobook measure`: builds audiobooks whose true borders are known, aligns them and prints the figures as JSON.

Parameters are chosen on the books of validation clips; the books of test clips are for the final figures only.
aeneas runs in an environment of its own (its Python is --aeneas), on the same books.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
from tqdm import tqdm

from robot_ai.errors import ConfigurationError
from training.audiobook import syncmap
from training.audiobook.align import ENGINES, from_document, make_aligner, to_document
from training.audiobook.files import read_json, write_json
from training.audiobook.fragments import Alignment
from training.audiobook.known import SHELVES, KnownBook, build_shelf
from training.audiobook.plausible import believe
from training.audiobook.scoring import Tally, score_book

AENEAS_CONFIGURATION = 'task_language=spa|is_text_type=plain|os_task_file_format=json'


def align_with_aeneas(book: KnownBook, python: str) -> Alignment:
    """Return aeneas's alignment of a known book; it takes all the text as read, from the first sample to the last."""
    with tempfile.TemporaryDirectory() as folder:
        sound, text, found = (Path(folder) / name for name in ('book.wav', 'book.txt', 'map.json'))
        soundfile.write(sound, book.samples, 16000)
        text.write_text('\n'.join(book.sentences) + '\n', encoding='utf-8')
        command = [python, '-m', 'aeneas.tools.execute_task', str(sound), str(text), AENEAS_CONFIGURATION, str(found)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode or not found.exists():
            raise ConfigurationError(f'{python} -m aeneas failed: {(result.stdout + result.stderr)[-300:]}')
        fragments = syncmap.read(found)
    if len(fragments) != len(book.sentences):
        raise ConfigurationError(f'aeneas gave {len(fragments)} fragments for {len(book.sentences)} sentences')
    return Alignment(fragments, [], 'aeneas', len(book.samples) / 16000)


def measure(books: list[KnownBook], engine: str, model: str, aeneas: str, keep: Path | None = None) -> dict:
    """Return the figures of one engine over `books`, and how long it took.

    What the search gives is kept in the folder `keep`, so that a broken-off measurement goes on.
    """
    aligner, tally, seconds = None if engine == 'aeneas' else make_aligner(engine, model), Tally(), 0.0
    for book in tqdm(books, desc=engine, unit='book', disable=None):
        kept = keep / f'{engine}-{book.name}-{len(book.sentences)}.json' if keep else None
        begun = time.process_time()
        if engine == 'aeneas':
            found = align_with_aeneas(book, aeneas)
        else:
            if kept and kept.is_file():
                document = read_json(kept)
                searched, expected, spent = from_document(kept, document), document['expected'], document['cpu_s']
            else:
                searched, expected = aligner.search(book.samples, book.sentences)
                spent = time.process_time() - begun
                if kept:
                    write_json(kept, {**to_document(searched), 'expected': expected, 'cpu_s': spent})
            found, seconds = believe(searched, expected), seconds + spent
        score_book(book, found, tally)
    return {**tally.summary(), 'cpu_s': round(seconds)}


def add_arguments(parser) -> None:
    """Declare the options."""
    parser.add_argument('--data', type=Path, default=Path('../shared/data/speech'), help='folder with manifest.jsonl')
    parser.add_argument('--shelf', choices=tuple(SHELVES), default='validation',
                        help='which clips the books are made of; test is for final figures only')
    parser.add_argument('--engine', action='append', choices=(*ENGINES, 'aeneas'), help='default: all but aeneas')
    parser.add_argument('--model', default='', help='folder of the speech model (ctc, joint); default: the one shipped')
    parser.add_argument('--aeneas', default='', metavar='PYTHON', help='the Python of an environment with aeneas')
    parser.add_argument('--without-omissions', action='store_true', help='books whose text is just what is read')
    parser.add_argument('--keep', type=Path, metavar='FOLDER',
                        help='keep what is found there, and go on from it; of one --shelf and one model')
    parser.add_argument('--write', type=Path, metavar='FOLDER', help='write the books there, as folders to prepare')


def run(options) -> int:
    """Print the figures of each engine."""
    if not (options.data / 'manifest.jsonl').is_file():
        raise ConfigurationError(f'{options.data}: holds no manifest.jsonl; name the folder of the shared speech data')
    engines = options.engine or list(ENGINES)
    if 'aeneas' in engines and not options.aeneas:
        raise ConfigurationError('aeneas: name its Python with --aeneas (see docs/audiobook.md)')
    print('building the books ...', file=sys.stderr)
    books = build_shelf(options.data, options.shelf, not options.without_omissions)
    if options.write:
        for book in books:
            write_book(book, options.write / book.name)
    figures = {'shelf': options.shelf, 'omissions': not options.without_omissions,
               'minutes': round(sum(len(book.samples) for book in books) / 16000 / 60, 1)}
    for engine in engines:
        figures[engine] = measure(books, engine, options.model, options.aeneas, options.keep)
    print(json.dumps(figures, indent=1))
    return 0


def write_book(book: KnownBook, folder: Path) -> None:
    """Write a known book as `audiobook prepare` takes it."""
    for name in ('recordings', 'text'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / 'recordings' / f'{book.name}.flac', book.samples, 16000)
    (folder / 'text' / 'book.txt').write_text('\n\n'.join(book.sentences) + '\n', encoding='utf-8')
