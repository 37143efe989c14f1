"""What a speech recogniser tells: voice activity, partial and final transcripts, words with times in s.

Times count from the start of the stream or recording.
"""
from dataclasses import dataclass, replace

from robot_ai.speech import spanish


@dataclass(frozen=True)
class Word:
    """A word with its times (s from the start of the stream or recording) and confidence in 0..1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Candidate:
    """One reading of an utterance with its share of the belief, 0..1."""

    text: str
    confidence: float


@dataclass(frozen=True)
class VoiceActivity:
    """Speech began or ended at `time` (s)."""

    active: bool
    time: float


@dataclass(frozen=True)
class Partial:
    """What is heard so far; the first `stable_words` words will not change in later partials."""

    text: str
    stable_words: int
    start: float
    end: float


@dataclass(frozen=True)
class Final:
    """One utterance; `candidates` best first, the first being `text` itself."""

    text: str
    words: tuple[Word, ...]
    confidence: float
    language: str
    start: float
    end: float
    candidates: tuple[Candidate, ...]


def with_numerals(final: Final) -> Final:
    """Return a final with its numbers as numerals ('veinte' -> '20'); the words keep what was heard."""
    candidates = tuple(replace(each, text=spanish.digits(each.text)) for each in final.candidates)
    return replace(final, text=spanish.digits(final.text), candidates=candidates)
