"""Text -> words, and words -> how they sound, so that what a recogniser confuses compares as nearly equal.

Spanish words come from the project's one normaliser (robot_ai.speech.spanish.fold). English has a simple one of
its own here, for the dialogue only: lower case, numbers spelled out, letters a-z. Sounds follow American Spanish
with seseo and yeismo (Hualde, "The sounds of Spanish", 2005, ch. 2), which only merges more than Spain does.
"""
import functools
import re
import unicodedata

from num2words import num2words

from robot_ai.speech.spanish import fold

MAX_CHARACTERS = 400  # a longer transcript is cut: no honest answer to a robot comes near
MAX_WORDS = 40
BORDER = 'xborderx'  # between texts that are folded together; no normaliser changes it

_SPANISH = [(re.compile(a), b) for a, b in (
    ('h?u(?=[ei])(?<![a-z]u)', 'w'), ('ch', 'C'), ('ph', 'f'), ('sh', 's'), ('h', ''),
    ('gu(?=[ei])', 'G'), ('g(?=[ei])', 'j'), ('G', 'g'),
    ('qu(?=[ei])', 'k'), ('c(?=[ei])', 's'), ('[cq]', 'k'), ('z', 's'), ('x', 's'),
    ('v', 'b'), ('ll', 'y'), ('y$', 'i'), ('w', 'gu'), ('n(?=[bp])', 'm'), ('ps(?=[ai])', 's'),
    ('[dst]$', ''), (r'(.)\1+', r'\1'), ('C', 'ch'))]
_ENGLISH = [(re.compile(a), b) for a, b in (
    ('^kn', 'n'), ('^wr', 'r'), ('ph', 'f'), ('ght', 't'), ('ck', 'k'), ('wh', 'w'), ('tch', 'C'), ('ch', 'C'),
    ('sh', 'S'), ('c(?=[eiy])', 's'), ('[cq]', 'k'), ('x', 'ks'), ('z', 's'), ('th', 'T'), ('(?<=[aeiou])y', 'i'),
    ('ea|ee|ie', 'i'), ('oo|ou|ow', 'u'), ('e$', ''), (r'(.)\1+', r'\1'))]


@functools.lru_cache(4096)
def words_of(text: str, language: str = 'es') -> tuple[str, ...]:
    """Return at most MAX_WORDS folded words of the text; () where it has no letter or digit."""
    text = text[:MAX_CHARACTERS]
    folded = fold(text) if language == 'es' else _english(text)
    return tuple(folded.split()[:MAX_WORDS])


def words_of_all(texts, language: str = 'es') -> list[tuple[str, ...]]:
    """Return `words_of` of each text; much faster for many short texts, which are folded in one go."""
    together = f' {BORDER} '.join(texts)
    parts = (fold(together) if language == 'es' else _english(together)).split(BORDER)
    if len(parts) != len(texts):  # a text that holds the border itself
        return [words_of(text, language) for text in texts]
    return [tuple(part.split()[:MAX_WORDS]) for part in parts]


@functools.lru_cache(16384)
def sounds_of(word: str, language: str = 'es') -> str:
    """Return one folded word as it sounds; never empty for a word that is not."""
    sound = word
    for pattern, replacement in _SPANISH if language == 'es' else _ENGLISH:
        sound = pattern.sub(replacement, sound)
    return sound or word


def _english(text: str) -> str:
    text = unicodedata.normalize('NFKD', text).lower()
    text = re.sub(r"(?<=[a-z])['’](?=[a-z])", '', text)
    text = re.sub(r'\d{1,9}', lambda m: f' {num2words(int(m.group()), lang="en")} ', text)
    return ' '.join(re.sub('[^a-z]+', ' ', ''.join(c for c in text if not unicodedata.combining(c))).split())
