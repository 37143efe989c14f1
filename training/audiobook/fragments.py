"""What an aligner returns: each fragment of the text with its place in the sound, its words and its score."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Word:
    """One word as it was aligned (normalised); times in seconds."""

    text: str
    begin: float
    end: float


@dataclass
class Fragment:
    """One fragment of the text, usually a sentence.

    `score` is the mean per frame of how much better the sound fits this text than any other sounds (higher is
    better); a fragment with `read` False was not found in the sound, and begins and ends where it should stand.
    """

    id: str
    text: str
    begin: float
    end: float
    score: float = 0.0
    read: bool = True
    words: list[Word] = field(default_factory=list)


@dataclass
class Alignment:
    """A sound file's text in order; `extra` lists the speech in it that is not in the text, (begin, end) s."""

    fragments: list[Fragment]
    extra: list[tuple[float, float]] = field(default_factory=list)
    engine: str = ''
    seconds: float = 0.0  # of the sound
