"""`Utterance`, what every corpus becomes; `read` gives its sound; `Problems` lists what could not be used.

A sound that was written or fetched only in part is no sound: its header (flac, mp3, wav) promises more than there is,
or its last page (ogg, opus) does not say that it is the last.
"""
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from robot_ai.errors import AudioError
from robot_ai.speech.audio import SAMPLE_RATE, read_audio, to_mono_16k

LISTED = 50  # problems named one by one; the rest are counted
OGG_SUFFIXES = ('.ogg', '.oga', '.opus')
OGG_PAGE = 1 << 16  # bytes, more than a page can have
UNKNOWN_SIZE = 0x7FFFF000  # what a wav that was streamed says, and more
SHORTEST_SHARE = 0.9  # of the length that the header or manifest promises; less is a half-written file


@dataclass(frozen=True)
class Utterance:
    """One stretch of sound and what is said in it. `end` 0 is the end of the file; `seconds` 0 is unknown."""

    audio: str
    text: str
    start: float = 0.0
    end: float = 0.0
    speaker: str = ''
    source: str = ''
    licence: str = ''
    split: str = 'train'
    seconds: float = 0.0

    def to_json(self, base: Path | None = None) -> str:
        """Return one manifest line; the sound's path is written relative to `base` where it lies under it."""
        facts = asdict(self)
        if base and Path(self.audio).is_relative_to(base):
            facts['audio'] = Path(self.audio).relative_to(base).as_posix()
        return json.dumps(
            {name: value for name, value in facts.items() if value or name in ('audio', 'text')},
            ensure_ascii=False,
        )


@dataclass
class Problems:
    """What could not be used, and why; `report` prints it and gives the command's exit status."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, place, reason) -> None:
        """Note a file, or file:line, and what is wrong with it."""
        self.found.append((str(place), str(reason)))

    def report(self, stream=None) -> int:
        """Print the list, at most LISTED lines of it, and return 1 if there is any, else 0."""
        stream = stream or sys.stderr
        for place, reason in self.found[:LISTED]:
            print(f'{place}: {reason}', file=stream)
        if len(self.found) > LISTED:
            print(f'... and {len(self.found) - LISTED} more', file=stream)
        if self.found:
            print(f'{len(self.found)} left out; the rest is done', file=stream)
        return 1 if self.found else 0


def read(utterance: Utterance) -> np.ndarray:
    """Return the sound of an utterance, float32 [n] at 16 kHz; AudioError where it is unreadable or cut short."""
    if utterance.start or utterance.end:
        return _read_part(utterance)
    return read_whole(utterance.audio, utterance.seconds)


def read_whole(audio: str | Path, seconds: float = 0.0) -> np.ndarray:
    """Return the sound of a file, float32 [n] at 16 kHz; AudioError where it is unreadable or cut short.

    `seconds` is the length that it should have; 0 where only the file itself tells.
    """
    path = Path(audio)
    samples = read_audio(path)
    promised = seconds or _promised_seconds(path)
    if len(samples) < SHORTEST_SHARE * promised * SAMPLE_RATE:
        raise AudioError(
            f'{path}: holds {len(samples) / SAMPLE_RATE:.2f} s, expected {promised:.2f} s: '
            'written only in part? Copy or download it again'
        )
    if not seconds and path.suffix.lower() in OGG_SUFFIXES and not _has_last_page(path):
        raise AudioError(f'{path}: ends before its last page: written only in part? Copy or download it again')
    return samples


def _promised_seconds(path):
    try:
        facts = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError):  # m4a and the like
        import av  # it has just read the file
        with av.open(str(path)) as container:
            return (container.duration or 0) / av.time_base
    if path.suffix.lower() != '.wav':
        return facts.frames / facts.samplerate
    with open(path, 'rb') as file:  # libsndfile tells what there is, not what the header says
        head = file.read(8)
        size = int.from_bytes(head[4:], 'little') + 8 if head.startswith(b'RIFF') else 0
    length = path.stat().st_size
    return facts.duration * (size / length if length < size < UNKNOWN_SIZE else 1)


def _has_last_page(path):
    with open(path, 'rb') as file:
        file.seek(max(0, path.stat().st_size - OGG_PAGE))
        tail = file.read()
    place = tail.rfind(b'OggS')
    return place < 0 or len(tail) < place + 6 or bool(tail[place + 5] & 4)


def _read_part(utterance):
    """Read only the stretch asked for, so that a book of hours costs seconds a sentence."""
    try:
        with soundfile.SoundFile(utterance.audio) as sound:
            sound.seek(min(sound.frames, round(utterance.start * sound.samplerate)))
            wanted = round((utterance.end - utterance.start) * sound.samplerate) if utterance.end else -1
            samples = sound.read(wanted, dtype='float32', always_2d=True)
            rate = sound.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        if Path(utterance.audio).suffix.lower() != '.m4a':
            raise AudioError(f'{utterance.audio}: {error}') from error
        whole, rate, wanted = read_audio(Path(utterance.audio)), SAMPLE_RATE, -1
        samples = whole[round(utterance.start * rate) : round(utterance.end * rate) or None][:, None]
    if wanted > 0 and len(samples) < SHORTEST_SHARE * wanted:
        raise AudioError(f'{utterance.audio}: ends {wanted - len(samples)} samples before {utterance.end} s')
    return to_mono_16k(samples, rate)
