"""`audiobook align`: each prepared recording with its sentences in, sync maps with words and scores out."""
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import read_audio
from training.audiobook import syncmap
from training.audiobook.files import Book, read_book, read_json, write_json
from training.audiobook.fragments import Alignment, Fragment, Word
from training.audiobook.jobs import Job, report, run_jobs

FEW = 0.5  # share of a recording's sentences; when fewer are found, it is told
ENGINES = ('dtw', 'ctc', 'joint')


def make_aligner(engine: str, model: str = ''):
    """Return an aligner: an object with `name` and `align(samples, sentences, free_ends=False) -> Alignment`."""
    if engine == 'dtw':
        from training.audiobook.dtw import DtwAligner
        return DtwAligner()
    if engine == 'ctc':
        from training.audiobook.ctc import CtcAligner
        return CtcAligner(model)
    if engine == 'joint':
        from training.audiobook.dtw import DtwAligner
        from training.audiobook.letters import Letters
        return DtwAligner(listener=Letters(model), name='joint')
    raise ConfigurationError(f'engine {engine!r}: expected {" or ".join(ENGINES)}')


def read_sentences(path: Path) -> list[str]:
    """Return the lines of a sentences file that hold text."""
    try:
        lines = [line.strip() for line in path.read_text(encoding='utf-8').splitlines()]
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path}: not UTF-8 ({error}); save it so') from None
    lines = [line for line in lines if line]
    if not lines:
        raise ConfigurationError(f'{path}: holds no sentence')
    return lines


def align_recording(folder: str, name: str, engine: str, model: str) -> None:
    """Align one prepared recording of the book in `folder`; writes its sync map and its details."""
    book = read_book(folder)
    samples = read_audio(book.path('audio', name))
    alignment = make_aligner(engine, model).align(samples, read_sentences(book.path('sentences', name)))
    save(book, name, alignment)


def save(book: Book, name: str, alignment: Alignment) -> None:
    """Write the details (words, scores, foreign speech) and then the sync map."""
    write_json(book.path('details', name), to_document(alignment))
    syncmap.write(book.path('maps', name), alignment, book.language)


def to_document(alignment: Alignment) -> dict:
    """Return the details as JSON holds them, times to the millisecond."""
    return {'engine': alignment.engine, 'seconds': round(alignment.seconds, 3),
            'extra': [[round(a, 3), round(b, 3)] for a, b in alignment.extra],
            'fragments': [{**asdict(fragment), 'begin': round(fragment.begin, 3),
                           'end': round(fragment.end, 3), 'score': round(fragment.score, 4)}
                          for fragment in alignment.fragments]}


def from_document(path: Path, document: dict) -> Alignment:
    """Return the alignment that `to_document` gave; ConfigurationError names `path` where it is no such thing."""
    try:
        fragments = [Fragment(**{**entry, 'words': [Word(**word) for word in entry['words']]})
                     for entry in document['fragments']]
        return Alignment(fragments, [tuple(span) for span in document['extra']], document['engine'],
                         document['seconds'])
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f'{path}: not what `audiobook align` writes: {error}') from None


def load(book: Book, name: str) -> Alignment:
    """Return a recording's alignment: times and texts of its sync map, all else of its details if there are any.

    So a map that another program (finetuneas) has edited counts; a fragment that it lacks keeps its details.
    """
    mapped = syncmap.read(book.path('maps', name))
    path = book.path('details', name)
    if not path.is_file():
        return Alignment(mapped, [], 'map', mapped[-1].end if mapped else 0.0)
    detailed = from_document(path, read_json(path))
    edited = {fragment.id: fragment for fragment in mapped}
    fragments = [replace(fragment, begin=edited[fragment.id].begin, end=edited[fragment.id].end,
                         text=edited[fragment.id].text) if fragment.id in edited else fragment
                 for fragment in detailed.fragments]
    return replace(detailed, fragments=fragments)


def add_arguments(parser) -> None:
    """Declare the options."""
    parser.add_argument('book', nargs='+', help='folder of a prepared book')
    parser.add_argument('--engine', choices=ENGINES, default='dtw',
                        help='dtw: against espeak-ng speech, needs no model; ctc: with our speech model; '
                             'joint: both together')
    parser.add_argument('--model', default='', help='folder of the speech model (ctc, joint); default: the one shipped')
    parser.add_argument('--workers', type=int, default=1, help='recordings aligned at a time')


def run(options) -> int:
    """Align what is not aligned yet; returns 1 where a recording failed."""
    jobs = []
    for folder in options.book:
        book = read_book(folder)
        names = book.names('audio')
        if not names:
            raise ConfigurationError(f'{folder}: nothing is prepared; run `audiobook prepare {folder}` first')
        for name in names:
            jobs.append(Job(str(book.path('audio', name)), book.path('maps', name),
                            (book.path('audio', name), book.path('sentences', name)), align_recording,
                            (folder, name, options.engine, options.model),
                            json.dumps([options.engine, options.model])))
    faults = run_jobs(jobs, 'align', options.workers)
    for folder in options.book:
        _tell(read_book(folder))
    return report(faults, 'align')


def _tell(book):
    """Print how much of each recording's text was found where it is little: the text may be another's."""
    for name in book.names('details'):
        fragments = load(book, name).fragments if book.path('maps', name).is_file() else []
        read = sum(fragment.read for fragment in fragments)
        if read < FEW * len(fragments):
            print(f'{book.path("audio", name)}: only {read} of {len(fragments)} sentences were found in it; does it '
                  f'read {book.path("sentences", name)}? Another --engine may do better', file=sys.stderr)
