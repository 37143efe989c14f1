"""Text in, words that no Spanish dictionary has out, each with its place; nothing is changed.

The dictionary is Debian's hunspell-es, read by `spylls` (hunspell in Python, so that nothing is compiled); a
user's own list of words, one a line, may be added. Names, that is capitalised words inside a sentence,
abbreviations, Roman numerals and initialisms are not suspects.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from robot_ai.errors import ConfigurationError
from robot_ai.speech.spanish import normalize
from robot_ai.speech.spanish_numbers import without_accents

DICTIONARIES = tuple(Path('/usr/share/hunspell') / f'{name}.dic' for name in ('es_ES', 'es', 'es_MX'))
_PRONOUNS = [first + last for first in ('', 'me', 'te', 'se', 'nos', 'os') for last in
             ('me', 'te', 'se', 'nos', 'os', 'lo', 'la', 'le', 'los', 'las', 'les')]
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_START = re.compile(r'(?:^|[.!?…:;—–«"“(¡¿])[\s—–«"“¡¿(]*$')


@dataclass(frozen=True)
class Suspect:
    """A word that may be misspelt: `place` is its first character in the text, from 0."""

    word: str
    place: int


class Spelling:
    """A Spanish dictionary."""

    def __init__(self, dictionary: Path | None = None, known: Iterable[str] = ()):
        """Read a hunspell dictionary (.dic beside its .aff); `known` words are right too."""
        found = [path for path in ([dictionary] if dictionary else DICTIONARIES) if Path(path).is_file()]
        if not found:
            raise ConfigurationError(
                f'{dictionary or DICTIONARIES[0]}: no Spanish dictionary; expected hunspell files '
                '(sudo apt install hunspell-es)'
            )
        try:
            from spylls.hunspell import Dictionary
        except ImportError as error:
            raise ConfigurationError(f'{error}: pip install "robot_ai[data]"') from error
        self._dictionary = Dictionary.from_files(str(Path(found[0]).with_suffix('')))
        self._known = {word.lower() for word in known}
        self._right = lru_cache(1 << 16)(self._look_up)

    def _look_up(self, word):
        lower = word.lower()
        if lower in self._known or self._dictionary.lookup(word) or self._dictionary.lookup(lower):
            return True
        # Forms that the dictionary does not list: dulcísimas, comprendíamoslo.
        superlative = re.fullmatch(r'(\w+?)ísim[oa]s?', lower)
        if superlative:
            stem = re.sub('qu$', 'c', superlative[1])
            return any(self._dictionary.lookup(stem + ending) for ending in ('o', 'e', ''))
        verbs = [lower[:-len(end)] for end in _PRONOUNS if lower.endswith(end) and len(lower) > len(end) + 2]
        return any(self._dictionary.lookup(form) for verb in verbs for form in (verb, without_accents(verb)))

    def suspects(self, text: str) -> Iterator[Suspect]:
        """Yield the words of a text that the dictionary does not have, in their order."""
        for match in _WORD.finditer(text):
            word = match[0]
            after = text[match.end() : match.end() + 1]
            if len(word) == 1 or (word.isupper() and not text.isupper()):
                continue  # initials, Roman numerals, initialisms
            if word[0].isupper() and not text.isupper() and not _SENTENCE_START.search(text[: match.start()]):
                continue  # a name
            if after == '.' and normalize(f'{word}. x') != normalize(f'{word} x'):
                continue  # an abbreviation that the normaliser reads
            if not self._right(word):
                yield Suspect(word, match.start())
