"""What every dialogue of a language shares: words around what is meant, words that mean the same, talk of other things.

`bare(words)` takes off politeness, forms of address and repetitions. `groups_of(language)` numbers the words of
`words_<language>.txt`, one group a line, which mean about the same wherever the robot listens. `other_talk(language)`
gives the sentences of `other_talk_<language>.txt`: talk at home that is not for a robot. All three are plain text:
a word or a line more in those files is all that it takes to change them.
"""
import functools
import re
from importlib import resources

# Said around what is meant; taken out of examples and transcripts where something else remains.
ANYWHERE = {
    'es': ('por favor', 'por favorcito', 'es que', 'a ver', 'oye', 'oiga', 'oigame', 'mire', 'ay', 'uy', 'pues',
           'eh', 'em', 'mm', 'mmm', 'hum', 'ejem', 'o sea', 'la verdad', 'venga', 'por dios', 'dios mio',
           'si no es molestia', 'si es tan amable', 'si hace el favor', 'haz el favor', 'haga el favor',
           'que no veas', 'digamos'),
    'en': ('please', 'well', 'oh', 'um', 'uh', 'er', 'erm', 'hmm', 'hey', 'just', 'i mean', 'you know',
           'for goodness sake', 'if you would', 'if you dont mind'),
}
FIRST = {
    'es': ('bueno', 'mira', 'perdona', 'perdone', 'perdon', 'disculpe', 'disculpa', 'disculpeme', 'señorita',
           'señora', 'señor', 'joven', 'hija', 'hijo', 'mija', 'mijo', 'mi amor', 'mi vida', 'cariño', 'guapa',
           'y', 'pero', 'entonces', 'este', 'ah', 'hombre', 'mujer', 'robot', 'lia'),
    'en': ('excuse me', 'sorry', 'dear', 'love', 'and', 'but', 'so', 'now'),
}
LAST = {
    'es': ('gracias', 'muchas gracias', 'hija', 'hijo', 'hija mia', 'hijo mio', 'mija', 'mijo', 'mi amor',
           'mi vida', 'mi niña', 'mi reina', 'cariño', 'corazon', 'cielo', 'guapa', 'guapo', 'bonita', 'bonito',
           'maja', 'majo', 'señorita', 'señora', 'señor', 'joven', 'hombre', 'mujer', 'verdad', 'sabes', 'robot',
           'lia', 'ya'),
    'en': ('thanks', 'thank you', 'dear', 'love', 'darling', 'then', 'now', 'would you', 'will you',
           'if you can'),
}
# Words that turn a phrase into its contrary: "quiero más" is not "no quiero más", however alike.
NEGATIONS = {'es': ('no', 'ni', 'nunca', 'tampoco', 'jamas'),
             'en': ('no', 'not', 'never', 'dont', 'cant', 'wont', 'isnt')}
# Where another clause may begin.
CONNECTIVES = {'es': {'y', 'que', 'porque', 'pero', 'si', 'cuando', 'hija', 'hijo'},
               'en': {'and', 'that', 'because', 'but', 'so', 'if', 'when'}}
# Of sounds (sounds.py), which have no last s: "kafesito" -> "kaf", as "kafe" without its last vowel.
DIMINUTIVE = {'es': re.compile('(.{3,}?)(?:es|s)?it[oa]$'), 'en': re.compile('(.{3,}?)let$')}
MAX_REPEATED = 4  # words of a phrase that somebody begins again
# After one of these a form of address is what the sentence is about: "llama a mi hija", "le doy las gracias".
BOUND = {
    'es': {'a', 'con', 'de', 'el', 'es', 'la', 'las', 'mi', 'mil', 'muchas', 'muchisimas', 'muy', 'que', 'su',
           'tu', 'un', 'una'},
    'en': {'a', 'and', 'i', 'many', 'my', 'of', 'say', 'the', 'to', 'very', 'what', 'with', 'your'},
}


@functools.lru_cache(8192)
def bare(words: tuple[str, ...], language: str = 'es') -> tuple[str, ...]:
    """Return the folded words without politeness, forms of address and what is said twice over.

    All of them where nothing else would remain.
    """
    words = _once(words)
    text = f' {" ".join(words)} '
    for filler in ANYWHERE[language]:
        text = text.replace(f' {filler} ', ' ')
    kept = text.split()
    if not kept:
        return words
    shorter = True
    while shorter:
        shorter = False
        for filler in _split('first', language):
            if len(kept) > len(filler) and tuple(kept[:len(filler)]) == filler:
                kept, shorter = kept[len(filler):], True
        for filler in _split('last', language):
            rest = kept[:len(kept) - len(filler)]
            if rest and tuple(kept[len(rest):]) == filler and rest[-1] not in BOUND[language]:
                kept, shorter = rest, True
    return tuple(kept)


def _once(words) -> tuple[str, ...]:
    """Return the words with what is repeated at once said once: "me caí me caí" -> "me caí", "no no no" -> "no"."""
    out = []
    for word in words:
        out.append(word)
        for size in range(1, MAX_REPEATED + 1):
            if len(out) >= 2 * size and out[-size:] == out[-2 * size:-size]:
                del out[-size:]
                break
    return tuple(out)


def clauses(words, language: str = 'es') -> list[tuple[str, ...]]:
    """Return the clauses of two words or more; none where the words are one clause only."""
    out = [[]]
    for word in words:
        if word in CONNECTIVES[language]:
            out.append([])
        else:
            out[-1].append(word)
    return [bare(tuple(c), language) for c in out if len(c) >= 2] if len(out) > 1 else []


def root_of(sound: str, language: str = 'es') -> tuple[str, bool]:
    """Return what a word and its diminutive have in common, and whether the word is a diminutive."""
    found = DIMINUTIVE[language].match(sound)
    return (found[1], True) if found else (sound[:-1] if sound[-1:] in tuple('aeo') else sound, False)


@functools.lru_cache(None)
def _split(where, language):
    return [tuple(filler.split()) for filler in (FIRST if where == 'first' else LAST)[language]]


@functools.lru_cache(None)
def groups_of(language: str) -> dict:
    """Return {folded word: number of its group}; a word stands in one group at most."""
    return {word: i for i, line in enumerate(_lines(f'words_{language}.txt')) for word in line.split()}


@functools.lru_cache(None)
def other_talk(language: str) -> tuple[str, ...]:
    """Return sentences that are not meant for the robot."""
    return _lines(f'other_talk_{language}.txt')


def _lines(name) -> tuple[str, ...]:
    file = resources.files('robot_ai.dialogue').joinpath(name)
    lines = file.read_text('utf-8').splitlines() if file.is_file() else []
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith('#'))
