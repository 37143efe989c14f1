"""`audiobook corpus`: aligned (and reviewed) books in, a corpus in LibriSpeech's layout out.

OUT/train/12/345/12-345-0001.flac   and 12-345.trans.txt, one `ID TEXT` a line, beside it
OUT/SPEAKERS.TXT BOOKS.TXT CHAPTERS.TXT   who, what and how long, `|` between the fields
OUT/DROPPED.TXT   what was left out, and why
"""
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.spanish import normalize
from training.audiobook.align import load
from training.audiobook.decisions import apply_decisions
from training.audiobook.files import Book, read_book, read_json, write_flac, write_json, write_text
from training.audiobook.jobs import Job, report, run_jobs
from training.audiobook.quality import Limits, floor_db, reason_to_drop
from training.audiobook.splits import SHARES, SPLITS, split_at_random, split_by_group

MARGIN_S = 0.15  # of sound kept on either side, never more than half of the way to the next fragment
FAR_OFF = 0.1  # a split's share that is missed by more is told


@dataclass(frozen=True)
class Chapter:
    """One aligned recording with the numbers that the corpus gives it."""

    book: Book
    name: str
    speaker: int
    chapter: int
    split: str

    @property
    def stem(self) -> str:
        """The start of its fragments' names."""
        return f'{self.speaker}-{self.chapter}'

    def folder(self, out: Path) -> Path:
        """Where its fragments lie."""
        return out / self.split / str(self.speaker) / str(self.chapter)


def plan(books: list[Book], random_split: bool) -> tuple[list[Chapter], list[str]]:
    """Return the chapters with speaker, number and split, and the readers' names in order of their numbers."""
    ordered = sorted(books, key=lambda book: (book.title, str(book.folder)))
    found = [(book, name) for book in ordered for name in book.names('maps')]
    if not found:
        raise ConfigurationError('nothing is aligned; run `python -m training audiobook align BOOK`')
    hours = [book.seconds(name) / 3600 for book, name in found]
    if random_split:
        chosen = split_at_random([f'{book.title}/{name}' for book, name in found], hours)
    else:
        chosen = split_by_group([(book.reader, book.title) for book, _ in found], hours)
    readers = sorted({book.reader for book, _ in found})
    chapters = [Chapter(book, name, readers.index(book.reader) + 1, number + 1, split)
                for number, ((book, name), split) in enumerate(zip(found, chosen))]
    return chapters, readers


def write_chapter(chapter: Chapter, out: Path, limits: Limits) -> None:
    """Write one chapter's fragments, transcript and facts; the facts come last, when all else is there."""
    samples = read_audio(chapter.book.path('audio', chapter.name))
    alignment = load(chapter.book, chapter.name)
    scored = alignment.engine != 'map'
    fragments, rejected, accepted = apply_decisions(chapter.book, chapter.name, alignment)
    floor, folder = floor_db(samples), chapter.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(f'{chapter.stem}-*.flac'):
        stale.unlink()
    lines, dropped, seconds = [], [], 0.0
    for number, fragment in enumerate(fragments):
        before = fragments[number - 1].end if number else 0.0
        after = fragments[number + 1].begin if number + 1 < len(fragments) else len(samples) / SAMPLE_RATE
        begin = max(0.0, fragment.begin - min(MARGIN_S, max(0.0, fragment.begin - before) / 2))
        end = fragment.end + min(MARGIN_S, max(0.0, after - fragment.end) / 2)
        part = samples[int(begin * SAMPLE_RATE):int(end * SAMPLE_RATE)]
        sure = fragment.id in accepted or not scored
        reason = 'review: rejected' if fragment.id in rejected else \
            'not read' if not fragment.read else \
            reason_to_drop(part, fragment.text, limits.min_score if sure else fragment.score, floor, limits)
        if reason:
            dropped.append([fragment.id, reason, fragment.text])
            continue
        name = f'{chapter.stem}-{number:04d}'
        write_flac(folder / f'{name}.flac', part)
        lines.append(f'{name} {normalize(fragment.text).upper()}\n')
        seconds += len(part) / SAMPLE_RATE
    write_text(folder / f'{chapter.stem}.trans.txt', ''.join(lines))
    write_json(_facts(chapter, out), {'kept': len(lines), 'seconds': round(seconds, 3), 'dropped': dropped})


def _facts(chapter, out):
    return out / '.chapters' / f'{chapter.split}-{chapter.stem}.json'


def write_lists(chapters: list[Chapter], readers: list[str], out: Path) -> dict[str, float]:
    """Write SPEAKERS, BOOKS, CHAPTERS and DROPPED; returns the hours of each split."""
    facts = {chapter: read_json(_facts(chapter, out)) for chapter in chapters if _facts(chapter, out).is_file()}
    hours = {split: sum(facts[c]['seconds'] for c in facts if c.split == split) / 3600 for split in SPLITS}
    titles = sorted({chapter.book.title for chapter in chapters})
    books = {chapter.book.title: chapter.book for chapter in chapters}

    def minutes(chosen):
        return f'{sum(facts[c]["seconds"] for c in chosen if c in facts) / 60:.2f}'

    write_text(out / 'SPEAKERS.TXT', ';ID | SUBSETS | MINUTES | NAME\n' + ''.join(
        f'{number + 1} | {",".join(sorted({c.split for c in chapters if c.speaker == number + 1}))} | '
        f'{minutes([c for c in chapters if c.speaker == number + 1])} | {name}\n'
        for number, name in enumerate(readers)))
    write_text(out / 'BOOKS.TXT', ';ID | TITLE | AUTHOR | LANGUAGE | LICENCE\n' + ''.join(
        f'{number + 1} | {title} | {books[title].author} | {books[title].language} | {books[title].licence}\n'
        for number, title in enumerate(titles)))
    write_text(out / 'CHAPTERS.TXT', ';ID | READER | MINUTES | SUBSET | BOOK | RECORDING\n' + ''.join(
        f'{c.chapter} | {c.speaker} | {minutes([c])} | {c.split} | {titles.index(c.book.title) + 1} | {c.name}\n'
        for c in chapters))
    write_text(out / 'DROPPED.TXT', ';CHAPTER | RECORDING | FRAGMENT | REASON | TEXT\n' + ''.join(
        f'{c.chapter} | {c.name} | {name} | {reason} | {text}\n'
        for c in chapters if c in facts for name, reason, text in facts[c]['dropped']))
    return hours


def add_arguments(parser) -> None:
    """Declare the options."""
    limits = Limits()
    parser.add_argument('book', nargs='+', help='folder of an aligned book')
    parser.add_argument('--out', required=True, type=Path, help='folder of the corpus')
    parser.add_argument('--random-split', action='store_true',
                        help='split recordings at random: the same reader and book may be in train and test')
    parser.add_argument('--min-score', type=float, default=limits.min_score, help='drop fragments that score less')
    parser.add_argument('--max-seconds', type=float, default=limits.max_s, help='drop longer fragments')
    parser.add_argument('--min-snr', type=float, default=limits.min_snr_db, help='drop noisier fragments, dB')
    parser.add_argument('--workers', type=int, default=1, help='recordings cut at a time')


def run(options) -> int:
    """Write the corpus; returns 1 where a recording failed."""
    chapters, readers = plan([read_book(folder) for folder in options.book], options.random_split)
    limits = Limits(min_score=options.min_score, max_s=options.max_seconds, min_snr_db=options.min_snr)
    jobs = []
    for c in chapters:
        inputs = [c.book.path(kind, c.name) for kind in ('audio', 'maps', 'details', 'decisions')]
        jobs.append(Job(str(inputs[0]), _facts(c, options.out), tuple(path for path in inputs if path.is_file()),
                        write_chapter, (c, options.out, limits),
                        json.dumps([c.stem, c.split, repr(limits)])))
    faults = run_jobs(jobs, 'corpus', options.workers)
    try:
        hours = write_lists(chapters, readers, options.out)
    except OSError as error:
        return report([*faults, f'{options.out}: {error}'], 'corpus')
    total = sum(hours.values())
    for split, share in zip(SPLITS, SHARES):
        got = hours[split] / total if total else 0.0
        far = f'  (wanted {share:.0%}: too few readers and books)' if abs(got - share) > FAR_OFF else ''
        print(f'{split:<11}{hours[split]:8.3f} h {got:6.1%}{far}')
    dropped = Counter(reason.split(':')[0] for c in chapters if _facts(c, options.out).is_file()
                      for _, reason, _ in read_json(_facts(c, options.out))['dropped'])
    for reason, count in dropped.most_common():
        print(f'dropped: {count} ({reason}); see {options.out}/DROPPED.TXT')
    return report(faults, 'corpus')
