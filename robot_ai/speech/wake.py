"""A wake word: finals in, only those that are meant for the robot out; any phrase may be it.

The phrase is favoured by the recogniser like any expected phrase, and told from what was heard by its spelling
(`fold`, some letters may differ), at the start of an utterance. Time is the stream's own.
"""
from dataclasses import replace

from rapidfuzz import fuzz

from robot_ai.errors import ConfigurationError
from robot_ai.speech.recognizer import Final
from robot_ai.speech.spanish import fold

MIN_LIKENESS = 78.0  # per cent of letters; 'hola robo' wakes 'hola robot', 'bola rota' does not


class WakeWord:
    """Lets an utterance pass that begins with the phrase, or that follows while the robot is still awake."""

    def __init__(self, phrase: str, awake_s: float = 10.0, min_likeness: float = MIN_LIKENESS):
        """Wake at `phrase`, stay awake `awake_s` after each utterance; ConfigurationError for an empty phrase."""
        self.phrase = fold(phrase)
        if not self.phrase:
            raise ConfigurationError(f'wake word {phrase!r}: expected some letters')
        self.awake_s, self.min_likeness = awake_s, min_likeness
        self.reset()

    def reset(self):
        """Fall asleep."""
        self._awake_until = float('-inf')

    def is_awake(self, time: float) -> bool:
        """Return whether an utterance that begins at `time` (s) needs no wake word."""
        return time <= self._awake_until

    def filter(self, final: Final) -> Final | None:
        """Return the utterance without the wake word, or None where it is not meant for the robot.

        The wake word alone wakes and returns None.
        """
        words = self._words_of_phrase(final.text)
        if not words and not self.is_awake(final.start):
            return None
        self._awake_until = final.end + self.awake_s
        text = ' '.join(final.text.split()[words:])
        if not text:
            return None
        kept = final.words[words:]
        candidates = tuple(replace(each, text=' '.join(each.text.split()[self._words_of_phrase(each.text):]))
                           for each in final.candidates)
        return replace(final, text=text, words=kept, start=kept[0].start if words and kept else final.start,
                       candidates=candidates)

    def partial(self, text: str, start: float) -> str | None:
        """Return what `filter` would of an utterance that began at `start` (s) and is at `text`; None: nothing yet."""
        words = self._words_of_phrase(text)
        if not words and not self.is_awake(start):
            return None
        return ' '.join(text.split()[words:]) or None

    def keep_awake(self, time: float):
        """Where it is awake at `time` (s), count anew from then: while the robot answers, nobody can go on."""
        if self.is_awake(time):
            self._awake_until = time + self.awake_s

    def _words_of_phrase(self, text):
        """Return how many first words of `text` are the phrase (one more or less than it has, or 0)."""
        words, count = fold(text).split(), len(self.phrase.split())
        likeness = {n: fuzz.ratio(' '.join(words[:n]), self.phrase)
                    for n in range(max(1, count - 1), min(len(words), count + 1) + 1)}
        best = max(likeness, key=likeness.get, default=0)
        return best if best and likeness[best] >= self.min_likeness else 0
