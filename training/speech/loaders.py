"""Corpora in the layouts that users have, in; `Utterance`s, one shape for all, out. Broken entries are listed.

`load(path)` knows the layout from what lies in the folder: LibriSpeech (*.trans.txt), Common Voice (*.tsv and
clips/), Multilingual LibriSpeech (*/transcripts.txt), VoxForge (folders or archives with etc/PROMPTS), aeneas
sync maps (*.json with "fragments"), a folder of sound + .txt of the same name, a CSV, or a JSON-lines manifest
such as `speech-data synthesize` writes. A broken line or file is named in `Problems`, and the rest goes on.
"""

import csv
import json
import math
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from robot_ai.errors import ConfigurationError
from training.speech.utterances import Problems, Utterance, read

__all__ = ['LAYOUTS', 'Problems', 'Utterance', 'detect', 'load', 'read']

SUFFIXES = ('.flac', '.wav', '.opus', '.ogg', '.mp3', '.m4a')

_AUDIO_COLUMNS = ('audio', 'path', 'file', 'filename', 'wav_filename', 'audio_filepath', 'wav')
_TEXT_COLUMNS = ('text', 'transcript', 'sentence', 'transcription', 'normalized_text')


def load(path: str | Path, layout: str = 'auto', problems: Problems | None = None) -> Iterator[Utterance]:
    """Yield the utterances of a corpus, in the order of its files.

    `layout` is a name in LAYOUTS, or 'auto'. Raises ConfigurationError where there is no such path or no layout
    fits; single broken entries go to `problems`.
    """
    path = Path(path)
    problems = Problems() if problems is None else problems
    if not path.exists():
        raise ConfigurationError(f'{path}: no such file or folder; expected a corpus ({", ".join(LAYOUTS)})')
    layout = detect(path) if layout == 'auto' else layout
    if layout not in LAYOUTS:
        raise ConfigurationError(f'layout {layout!r}: expected auto, {", ".join(LAYOUTS)}')
    for utterance in LAYOUTS[layout](path, problems):
        audio = Path(utterance.audio)
        try:
            size = audio.stat().st_size if audio.is_file() else None
        except (OSError, ValueError) as error:  # a name too long, or with a NUL in it
            problems.add(utterance.audio[:200], error)
            continue
        if not utterance.text.strip():
            problems.add(audio, 'no text')
        elif size is None:
            problems.add(audio, 'no such file')
        elif not size:
            problems.add(audio, 'empty file')
        elif utterance.end and utterance.end <= utterance.start:
            problems.add(audio, f'ends at {utterance.end} s, before it begins at {utterance.start} s')
        else:
            yield replace(utterance, audio=str(audio))


def detect(path: Path) -> str:
    """Return the name of the layout of a file or folder; ConfigurationError where none is known."""
    if path.is_file():
        by_suffix = {
            '.csv': 'csv',
            '.jsonl': 'manifest',
            '.json': 'aeneas',
            '.tsv': 'commonvoice',
            '.tgz': 'voxforge',
        }
        if path.suffix in by_suffix:
            return by_suffix[path.suffix]
        raise ConfigurationError(f'{path}: expected a folder, or a file {", ".join(by_suffix)}')
    if (path / 'manifest.jsonl').is_file():
        return 'manifest'
    if (path / 'clips').is_dir() and any(path.glob('*.tsv')):
        return 'commonvoice'
    if any(path.glob('*/transcripts.txt')) or (path / 'transcripts.txt').is_file():
        return 'mls'
    if any(path.glob('*.tgz')) or any(path.glob('*/etc/PROMPTS')) or any(path.glob('*/etc/prompts-original')):
        return 'voxforge'
    if next(path.rglob('*.trans.txt'), None):
        return 'librispeech'
    if any(_is_map(file) for file in sorted(path.rglob('*.json'))[:20]):
        return 'aeneas'
    if any(file.with_suffix('.txt').is_file() for suffix in SUFFIXES for file in path.rglob(f'*{suffix}')):
        return 'folder'
    raise ConfigurationError(f'{path}: no known layout; expected one of {", ".join(LAYOUTS)}')


def _split_of(name):
    """Return the split that a folder or file is named after: train-clean-100, dev, test-other, ..."""
    name = name.lower()
    if name.startswith('test'):
        return 'test'
    return 'validation' if name.startswith(('dev', 'valid')) else 'train'


def _with_sound(stem):
    """Return the sound file beside a stem (a name without suffix, which may itself contain points)."""
    for suffix in SUFFIXES:
        candidate = stem.with_name(stem.name + suffix)
        if candidate.is_file():
            return candidate
    return stem.with_name(stem.name + '.flac')


def _lines(file, problems, separator=None, fields=2):
    """Yield the fields of each line of a UTF-8 file; a line with too few is a problem."""
    for number, line in enumerate(file.read_text(encoding='utf-8-sig', errors='replace').splitlines(), 1):
        parts = line.split(separator, fields - 1)
        if len(parts) == fields:
            yield [part.strip() for part in parts]
        elif line.strip():
            problems.add(f'{file}:{number}', f'expected {fields} fields, found {line[:60]!r}')


def _librispeech(path, problems):
    for file in sorted(path.rglob('*.trans.txt')):
        folders = (path.name, *file.relative_to(path).parts[:-1])
        split = next(
            (_split_of(part) for part in reversed(folders) if re.match('train|dev|valid|test', part)), 'train'
        )
        for name, text in _lines(file, problems):
            yield Utterance(
                str(_with_sound(file.parent / name)),
                text,
                speaker=name.split('-')[0],
                source=path.name,
                split=split,
            )


def _commonvoice(path, problems):
    folder = path if path.is_dir() else path.parent
    files = (
        [path]
        if path.is_file()
        else [file for name in ('train', 'dev', 'test') if (file := folder / f'{name}.tsv').is_file()]
    )
    files = files or [folder / 'validated.tsv']
    seconds = {}
    if (folder / 'clip_durations.tsv').is_file():
        for name, milliseconds in _lines(folder / 'clip_durations.tsv', problems, '\t'):
            seconds[name] = float(milliseconds) / 1000 if milliseconds.isdigit() else 0.0
    for file in files:
        if not file.is_file():
            raise ConfigurationError(f'{folder}: expected train.tsv, dev.tsv, test.tsv or validated.tsv')
        with open(file, encoding='utf-8', newline='') as lines:
            rows = csv.DictReader(lines, delimiter='\t', quoting=csv.QUOTE_NONE)
            for row in rows:
                if not row.get('path') or row.get('sentence') is None:
                    problems.add(f'{file}:{rows.line_num}', 'expected the columns path and sentence')
                    continue
                yield Utterance(
                    str(folder / 'clips' / row['path']),
                    row['sentence'],
                    source='commonvoice',
                    speaker=(row.get('client_id') or '')[:16],
                    licence='CC0-1.0',
                    split=_split_of(file.stem),
                    seconds=seconds.get(row['path'], 0.0),
                )


def _mls(path, problems):
    files = sorted(path.glob('*/transcripts.txt')) or [path / 'transcripts.txt']
    for file in files:
        for name, text in _lines(file, problems, '\t'):
            speaker, book = (name.split('_') + [''])[:2]
            yield Utterance(
                str(_with_sound(file.parent / 'audio' / speaker / book / name)),
                text,
                speaker=speaker,
                source='mls',
                licence='CC BY 4.0',
                split=_split_of(file.parent.name),
            )


def _voxforge(path, problems):
    archives = [path] if path.is_file() else sorted(path.glob('*.tgz'))
    for archive in archives:
        _unpack(archive, problems)
    folder = path.parent if path.is_file() else path
    chosen = {archive.stem for archive in archives} if path.is_file() else None
    for prompts in sorted([*folder.glob('*/etc/PROMPTS'), *folder.glob('*/etc/prompts-original')]):
        session = prompts.parent.parent
        if (chosen is not None and session.name not in chosen) or (
            prompts.name == 'prompts-original' and (prompts.parent / 'PROMPTS').is_file()
        ):
            continue
        for name, text in _lines(prompts, problems):
            stem = name.rsplit('/', 1)[-1]
            sounds = [_with_sound(session / kind / stem) for kind in ('wav', 'flac')]
            sound = next((file for file in sounds if file.is_file()), sounds[0])
            yield Utterance(
                str(sound), text, speaker=session.name.split('-')[0], source='voxforge', licence='GPL-3.0-or-later'
            )


def _unpack(archive, problems):
    """Unpack the sound and prompts of a VoxForge archive beside it, once; nothing else, and nowhere else."""
    target = archive.with_suffix('')
    if (target / '.unpacked').is_file():
        return
    try:
        with tarfile.open(archive) as members:
            for member in members:
                parts = Path(member.name).parts
                if (
                    member.isfile()
                    and len(parts) >= 2
                    and parts[-2] in ('wav', 'flac', 'etc')
                    and '..' not in parts
                ):
                    file = target / parts[-2] / parts[-1]
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(members.extractfile(member).read())
        (target / '.unpacked').touch()
    except (tarfile.TarError, EOFError, OSError) as error:
        problems.add(archive, f'{error}: expected a .tgz archive; download it again')


def _folder(path, problems):
    for sound in sorted(file for suffix in SUFFIXES for file in path.rglob(f'*{suffix}')):
        text = sound.with_suffix('.txt')
        if not text.is_file():
            problems.add(sound, f'no transcript {text.name} beside it')
            continue
        parts = sound.relative_to(path).parts[:-1]
        split = next((_split_of(part) for part in parts if re.match('train|dev|valid|test', part)), 'train')
        yield Utterance(
            str(sound),
            ' '.join(text.read_text(encoding='utf-8-sig', errors='replace').split()),
            speaker=parts[-1] if parts else '',
            source=path.name,
            split=split,
        )


def _time(value) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f'{number} is no time')
    return number


def _from_row(row, base, problems, place):
    """Return the Utterance of a mapping of a CSV row or JSON line, or None and a problem."""
    audio = next((row[name] for name in _AUDIO_COLUMNS if row.get(name)), None)
    text = next((row[name] for name in _TEXT_COLUMNS if row.get(name) is not None), None)
    if not isinstance(audio, str) or not isinstance(text, str):
        problems.add(
            place,
            f'expected a sound ({", ".join(_AUDIO_COLUMNS[:3])}) and a text '
            f'({", ".join(_TEXT_COLUMNS[:3])}), found {sorted(map(str, row))}',
        )
        return None
    try:
        numbers = {
            name: _time(row[name]) for name in ('start', 'end', 'seconds') if row.get(name) not in (None, '')
        }
    except (TypeError, ValueError, OverflowError):
        problems.add(place, 'start, end and seconds: expected numbers')
        return None
    words = {name: str(row[name]) for name in ('speaker', 'source', 'licence', 'split') if row.get(name)}
    return Utterance(str(base / audio), text, **numbers, **words)


def _csv(path, problems):
    with open(path, encoding='utf-8-sig', errors='replace', newline='') as lines:
        head = lines.readline()
        lines.seek(0)
        delimiter = max(',;\t|', key=head.count)
        rows = csv.DictReader(lines, delimiter=delimiter)
        for row in _rows(rows, path, problems):
            place = f'{path}:{rows.line_num}'
            utterance = _from_row(
                {key.strip().lower(): value for key, value in row.items() if key}, path.parent, problems, place
            )
            if utterance:
                yield utterance


def _rows(rows, path, problems):
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(f'{path}:{rows.line_num}', error)


def _manifest(path, problems):
    path = path / 'manifest.jsonl' if path.is_dir() else path
    with open(path, encoding='utf-8', errors='replace') as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError('expected a JSON object')
            except (ValueError, RecursionError) as error:
                problems.add(f'{path}:{number}', error)
                continue
            utterance = _from_row(row, path.parent, problems, f'{path}:{number}')
            if utterance:
                yield utterance


def _is_map(file):
    try:
        return 'fragments' in json.loads(file.read_text(encoding='utf-8'))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _aeneas(path, problems):
    files = [path] if path.is_file() else sorted(file for file in path.rglob('*.json') if _is_map(file))
    for file in files:
        try:
            fragments = json.loads(file.read_text(encoding='utf-8'))['fragments']
            if not isinstance(fragments, list):
                raise TypeError('fragments is no list')
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            problems.add(file, f'no aeneas sync map ({error!r}): expected {{"fragments": [...]}}')
            continue
        sound = _with_sound(file.with_suffix(''))
        for number, fragment in enumerate(fragments):
            try:
                begin, end = _time(fragment['begin']), _time(fragment['end'])
                text = ' '.join(fragment['lines'])
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                problems.add(f'{file}: fragment {number}', f'expected begin, end and lines ({error!r})')
                continue
            if text.strip():  # aeneas writes its head and tail as fragments without text
                yield Utterance(
                    str(sound), text, begin, end, source=file.parent.name, seconds=round(end - begin, 3)
                )


LAYOUTS: dict[str, Callable] = {
    'librispeech': _librispeech,
    'commonvoice': _commonvoice,
    'mls': _mls,
    'voxforge': _voxforge,
    'folder': _folder,
    'csv': _csv,
    'manifest': _manifest,
    'aeneas': _aeneas,
}
