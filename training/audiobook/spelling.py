"""`audiobook spelling`: the words of a book's sentences that no Spanish dictionary has, each with its place.

It changes nothing. Of a prepared book the sentences are read as `align` will read them, so that a misprint can be
mended in sentences/NAME.txt; before that, the e-book's own sentences.
"""
import sys
from pathlib import Path

from tqdm import tqdm

from robot_ai.errors import ConfigurationError
from training.audiobook.files import read_book
from training.audiobook.jobs import report
from training.audiobook.prepare import book_sentences
from training.speech.spelling import Spelling


def add_arguments(parser) -> None:
    """Declare the options."""
    parser.add_argument('book', nargs='+', help='folder with text/, prepared or not')
    parser.add_argument('--known', type=Path, action='append', default=[], metavar='FILE',
                        help='words that are right too, one a line; may be repeated')


def run(options) -> int:
    """Print `file:line:character: word` (before `prepare` `book:sentence:...`); 1 where a book could not be read."""
    known = [word for path in options.known for word in path.read_text(encoding='utf-8').split()]
    spelling, faults, count = Spelling(known=known), [], 0
    for folder in options.book:
        try:
            for place, sentences in _texts(read_book(folder)):
                shown = tqdm(sentences, place, unit='sentence', leave=False, disable=None)
                for number, sentence in enumerate(shown, 1):
                    for suspect in spelling.suspects(sentence):
                        tqdm.write(f'{place}:{number}:{suspect.place + 1}: {suspect.word}', file=sys.stdout)
                        count += 1
        except (ConfigurationError, OSError) as error:
            faults.append(str(error))
    print(f'{count} suspects', file=sys.stderr)
    return report(faults, 'spelling')


def _texts(book):
    """Yield (place, sentences) of the prepared recordings, else of the whole e-book."""
    names = book.names('sentences')
    for name in names:
        path = book.path('sentences', name)
        yield str(path), path.read_text(encoding='utf-8').splitlines()
    if not names:
        yield str(book.folder), book_sentences(book)
