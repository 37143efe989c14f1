"""The folder of one book, and how files in it are written: whole or not at all.

BOOK/book.yaml            title, reader, author, language, licence, recordings, text (see Book)
BOOK/recordings/, text/   what was fetched or put there by the user
BOOK/audio/NAME.flac      16 kHz mono, preamble and ending cut off            (prepare)
BOOK/sentences/NAME.txt   what that recording reads, one sentence a line      (prepare)
BOOK/cuts/NAME.json       what was cut, and which sentences of the book       (prepare)
BOOK/maps/NAME.json       aeneas sync map                                     (align; edited by review)
BOOK/details/NAME.json    words, scores, speech that is not in the text       (align)
BOOK/decisions/NAME.json  accepted, rejected, edited                          (review)
"""
import errno
import json
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.yaml_files import read_yaml_file

AUDIO_SUFFIXES = ('.mp3', '.ogg', '.oga', '.opus', '.flac', '.m4a', '.wav')
TEXT_SUFFIXES = ('.epub', '.html', '.htm', '.xhtml', '.txt')


@contextmanager
def replacing(path: Path, suffix: str = ''):
    """Give the name of a new file that takes the place of `path` once the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part{suffix}')
    try:
        yield part
        with open(part, 'rb') as stream:
            os.fsync(stream.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding='utf-8')


def write_json(path: Path, document: dict | list) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + '\n')


def write_flac(path: Path, samples: np.ndarray) -> None:
    """Write 16 kHz mono sound (float32 or int16 [n]) as FLAC, whole or not at all; OSError where the disk is full."""
    with replacing(path) as part:
        try:
            soundfile.write(part, samples, SAMPLE_RATE, format='FLAC', subtype='PCM_16')
        except soundfile.LibsndfileError as error:  # "System error.": it does not tell which
            full = shutil.disk_usage(path.parent).free < len(samples) * 2
            raise OSError(errno.ENOSPC if full else errno.EIO, f'{error} Is the disk full?', str(path)) from None


def read_json(path: Path):
    """Read JSON; ConfigurationError names the file that is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f'{path}: expected a JSON file: {error}') from None


def natural_key(name: str) -> list:
    """Sort `part2` before `part10`."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r'(\d+)', name)]


@dataclass(frozen=True)
class Book:
    """What book.yaml says, or what the folder shows where there is none."""

    folder: Path
    title: str
    reader: str
    author: str
    language: str
    licence: str
    recordings: tuple[Path, ...]
    texts: tuple[Path, ...]

    def path(self, kind: str, name: str) -> Path:
        """Return the place of one recording's 'audio', 'sentences', 'cuts', 'maps', 'details', 'decisions'."""
        suffix = {'audio': '.flac', 'sentences': '.txt'}.get(kind, '.json')
        return self.folder / kind / (name + suffix)

    def seconds(self, name: str) -> float:
        """Return the length of one recording's prepared sound; ConfigurationError where there is none."""
        path = self.path('audio', name)
        try:
            return soundfile.info(path).duration
        except soundfile.LibsndfileError as error:
            raise ConfigurationError(f'{path}: expected the sound of {self.path("maps", name)}: {error}; run '
                                     '`audiobook prepare`, or put it there as 16 kHz FLAC') from None

    def names(self, kind: str = 'audio') -> list[str]:
        """Return the recordings' names that have a file of this kind, in natural order."""
        suffix = {'audio': '.flac', 'sentences': '.txt'}.get(kind, '.json')
        return sorted((path.stem for path in (self.folder / kind).glob('[!.]*' + suffix)), key=natural_key)


def read_book(folder: str | Path) -> Book:
    """Return the book in `folder`; ConfigurationError where its description is no mapping of texts."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ConfigurationError(f'{folder}: no such folder; expected recordings/ and text/ in a folder a book')
    path, said = folder / 'book.yaml', {}
    if path.is_file():
        said = read_yaml_file(path) or {}
        if not isinstance(said, dict):
            raise ConfigurationError(f'{path}: expected a mapping with title, reader, author, language, licence')
    recordings = _listed(folder, said.get('recordings'), 'recordings', AUDIO_SUFFIXES)
    texts = _listed(folder, said.get('text'), 'text', TEXT_SUFFIXES)
    facts = [str(said.get(key, default)) for key, default in (
        ('title', folder.name), ('reader', folder.name), ('author', ''), ('language', 'es'),
        ('licence', 'unknown'))]
    return Book(folder, *facts, recordings, texts)


def _listed(folder, names, kind, suffixes):
    if names is not None:
        if not isinstance(names, str) and not (isinstance(names, list) and all(isinstance(n, str) for n in names)):
            raise ConfigurationError(f'{folder / "book.yaml"}: {kind}: expected a file name, or a list of them')
        return tuple(folder / name for name in ([names] if isinstance(names, str) else names))
    found = [path for path in (folder / kind).glob('*') if path.suffix.lower() in suffixes]
    return tuple(sorted(found, key=lambda path: natural_key(path.name)))
