"""Values in what was said: a number, a time, a day, yes or no, or a name of the dialogue's own lists.

`find_slots(words, kinds, names, language)` returns what it finds as spans of words, longest first. A small grammar
finds the four built-in types; names are compared by sound, so that "mi ica" still is "mi hija". No type takes
free text: slots are kept over a restart, and what people say is not.
"""
import functools
from dataclasses import dataclass

from num2words import num2words
from rapidfuzz import fuzz, process

from robot_ai.dialogue.sounds import sounds_of, words_of

SLOT_TYPES = ('number', 'time', 'day', 'yes_no')
MAX_NUMBER = 1000
NUMBER_LIKENESS = 86  # of 100: "nueve" against "nuebe" passes, against "nueva" does not
NAME_LIKENESS = 78

YES = {'es': ('si', 'claro', 'vale', 'bueno', 'eso es', 'por supuesto', 'de acuerdo', 'exacto', 'venga', 'claro que si',
              'si claro', 'pues si', 'si quiero', 'desde luego', 'como no', 'esta bien', 'me parece bien'),
       'en': ('yes', 'yeah', 'yep', 'sure', 'of course', 'okay', 'right', 'please do', 'yes please', 'all right',
              'i would', 'certainly')}
NO = {'es': ('no', 'que va', 'para nada', 'tampoco', 'nunca', 'que no', 'pues no', 'claro que no', 'no quiero',
             'no hace falta', 'de ninguna manera'),
      'en': ('no', 'nope', 'not now', 'never', 'no thanks', 'of course not', 'i do not', 'not really', 'i would not')}
DAYS = {'es': {'hoy': 'hoy', 'manana': 'mañana', 'mañana': 'mañana', 'pasado mañana': 'pasado mañana', 'ayer': 'ayer',
               'lunes': 'lunes', 'martes': 'martes', 'miercoles': 'miércoles', 'jueves': 'jueves',
               'viernes': 'viernes', 'sabado': 'sábado', 'domingo': 'domingo'},
        'en': {w: w for w in ('today', 'tomorrow', 'yesterday', 'monday', 'tuesday', 'wednesday', 'thursday',
                              'friday', 'saturday', 'sunday')}}
# Before a name; two names are no more alike because each has one.
ARTICLES = {'es': {'un', 'una', 'unos', 'unas', 'el', 'la', 'los', 'las'}, 'en': {'a', 'an', 'the', 'some'}}
# Between two values: the one before was a slip of the tongue.
CORRECTIONS = {'es': ('no', 'digo', 'perdon', 'mejor', 'mejor dicho', 'quiero decir', 'que digo', 'mentira'),
               'en': ('no', 'i mean', 'sorry', 'rather', 'or rather')}
# How many hours a part of the day adds to an hour of 1..11.
PARTS = {'es': {('mañana',): 0, ('madrugada',): 0, ('tarde',): 12, ('noche',): 12},
         'en': {('in', 'the', 'morning'): 0, ('am',): 0, ('a', 'm'): 0, ('in', 'the', 'afternoon'): 12,
                ('in', 'the', 'evening'): 12, ('at', 'night'): 12, ('pm',): 12, ('p', 'm'): 12}}
FIXED_TIMES = {'es': {('mediodia',): '12:00', ('medianoche',): '00:00'},
               'en': {('noon',): '12:00', ('midday',): '12:00', ('midnight',): '00:00'}}


@dataclass(frozen=True)
class SlotMatch:
    """A value found in words[start:end]; `kind` is the slot type, `likeness` 0..1."""

    kind: str
    value: str
    start: int
    end: int
    likeness: float = 1.0


def find_slots(words, kinds, names=None, language='es') -> list[SlotMatch]:
    """Return the values of the wanted `kinds` in `words` (folded), none overlapping another of its kind."""
    found = []
    for kind in sorted(kinds):
        if kind == 'number':
            matches = _numbers(words, language)
        elif kind == 'time':
            matches = _times(words, language)
        elif kind == 'day':
            matches = _phrases(words, DAYS[language], kind)
        elif kind == 'yes_no':
            table = {w: 'yes' for w in YES[language]} | {w: 'no' for w in NO[language]}
            matches = _phrases(words, table, kind)
        else:
            matches = _names(words, kind, _ways((names or {}).get(kind, {}), language), language)
        found += _apart(matches)
    return found


def meant(matches, words, language='es') -> SlotMatch:
    """Return which of several values of one kind is meant, where one is wanted.

    The one after a correction ("a Luis, no, a Ana"), and of numbers the last ("tres y cuatro, siete").
    """
    chosen = matches[0]
    for match in matches[1:]:
        between = ' '.join(words[chosen.end:match.start])
        if match.kind == 'number' or any(f' {c} ' in f' {between} ' for c in CORRECTIONS[language]):
            chosen = match
    return chosen


def _apart(matches):
    """Return the longest and surest matches that do not overlap; a likeness near the limit counts little."""
    kept = []
    for match in sorted(matches, key=lambda m: (-(m.likeness - 0.7) * (m.end - m.start), m.start, m.value)):
        if all(match.end <= k.start or match.start >= k.end for k in kept):
            kept.append(match)
    return sorted(kept, key=lambda m: m.start)


def _phrases(words, table, kind):
    out = []
    for size in (3, 2, 1):
        for start in range(len(words) - size + 1):
            value = table.get(' '.join(words[start:start + size]))
            if value is not None:
                out.append(SlotMatch(kind, value, start, start + size))
    return out


@functools.cache
def _number_words(language):
    table = {' '.join(words_of(num2words(n, lang=language), language)): n for n in range(MAX_NUMBER + 1)}
    if language == 'es':
        table |= {'veintiun': 21}
    return table


@functools.cache
def _single_numbers(language):
    single = [w for w in _number_words(language) if ' ' not in w]
    return single, [sounds_of(w, language) for w in single]


def _numbers(words, language):
    table, out = _number_words(language), []
    single, sounds = _single_numbers(language)
    words = list(words)
    for i, word in enumerate(words):  # repair what was heard a little wrong: "siette" -> "siete"
        if len(word) >= 4 and word not in table:
            best = process.extractOne(sounds_of(word, language), sounds, scorer=fuzz.ratio,
                                      score_cutoff=NUMBER_LIKENESS)
            words[i] = single[best[2]] if best else word
    for size in range(min(5, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            value = table.get(' '.join(words[start:start + size]))
            if value is not None:
                out.append(SlotMatch('number', str(value), start, start + size))
    return out


def _times(words, language):
    out = [SlotMatch('time', value, i, i + 1) for i in range(len(words))
           for phrase, value in FIXED_TIMES[language].items() if (words[i],) == phrase]
    read = _spanish_time if language == 'es' else _english_time
    for start in range(len(words)):
        found = read(words, start)
        if found:
            hour, minute, end = found
            for skip in (('de', 'la'), ('por', 'la'), ()):
                if tuple(words[end:end + len(skip)]) == skip:
                    end_of_skip = end + len(skip)
                    break
            for part, added in PARTS[language].items():
                if tuple(words[end_of_skip:end_of_skip + len(part)]) == part:
                    end = end_of_skip + len(part)
                    if added and hour < 12 and not (part == ('noche',) and hour < 5):
                        hour += added
                    elif (not added or part == ('noche',)) and hour == 12:
                        hour = 0
                    break
            out.append(SlotMatch('time', f'{hour % 24:02d}:{minute:02d}', start, end))
    return out


def _number_at(words, start, low, high, language):
    table = _number_words(language)
    for size in (3, 2, 1):
        value = table.get(' '.join(words[start:start + size])) if start + size <= len(words) else None
        if value is None and size == 1 and words[start:start + 1] == ('una',):
            value = 1
        if value is not None and low <= value <= high:
            return value, start + size
    return None


def _spanish_time(words, start):
    """Read `las H [y M | menos M | M] [en punto]` at words[start:]: (hour, minute, end) or None."""
    words = tuple(words)
    if words[start] not in ('las', 'la'):
        return None
    found = _number_at(words, start + 1, 0, 23, 'es')
    if not found or (words[start] == 'la' and found[0] != 1):
        return None
    # "las cinco y media": the longest number would take "treinta y uno" only from 30 up, never an hour
    hour, end = found
    minute = 0
    sign = {'y': 1, 'menos': -1}.get(words[end]) if end < len(words) else None
    after = end + 1 if sign else end
    special = {'media': 30, 'cuarto': 15}.get(words[after]) if after < len(words) else None
    if sign and special:
        minute, end = sign * special, after + 1
    else:
        more = _number_at(words, after, 1, 59, 'es')
        if more and (sign or more[0] >= 10):
            minute, end = (sign or 1) * more[0], more[1]
    if words[end:end + 2] == ('en', 'punto'):
        end += 2
    return (hour - 1) % 24 if minute < 0 else hour, minute % 60, end


def _english_time(words, start):
    """Read `[at] H [M] [o'clock]`, `half past H`, `quarter past|to H`: (hour, minute, end) or None."""
    words = tuple(words)
    shift = {('half', 'past'): 30, ('quarter', 'past'): 15, ('quarter', 'to'): -15}.get(words[start:start + 2])
    if shift:
        found = _number_at(words, start + 2, 1, 12, 'en')
        return ((found[0] - (shift < 0)) % 24, shift % 60, found[1]) if found else None
    at = words[start] == 'at'
    found = _number_at(words, start + at, 1, 23, 'en')
    if not found:
        return None
    hour, end = found
    more = _number_at(words, end, 1, 59, 'en')
    if more:
        return hour, more[0], more[1]
    if words[end:end + 1] == ('oclock',):
        return hour, 0, end + 1
    sure = at or any(words[end:end + len(p)] == p for p in PARTS['en'])
    return (hour, 0, end) if sure else None


def _ways(values, language):
    """Return ((sounds, value, how many words), ...) of every way to say each value."""
    return _ways_cached(tuple((v, tuple(w)) for v, w in values.items()), language)


@functools.lru_cache(64)
def _ways_cached(values, language):
    out = []
    for value, ways in values:
        for way in (value, *ways):
            words = _without_article(words_of(way, language), language)
            if words:
                out.append((' '.join(sounds_of(w, language) for w in words), value, len(words)))
    return tuple(out)


def _without_article(words, language):
    return words[1:] if len(words) > 1 and words[0] in ARTICLES[language] else words


def _names(words, kind, ways, language):
    if not ways:
        return []
    words, out = tuple(words), []
    for size in range(1, min(len(words), max(n for _, _, n in ways) + 2) + 1):
        for start in range(len(words) - size + 1):
            said = [sounds_of(w, language) for w in _without_article(words[start:start + size], language)]
            near = [(s, v) for s, v, n in ways if abs(n - len(said)) <= 1]
            best = process.extractOne(' '.join(said), [s for s, _ in near], scorer=fuzz.ratio,
                                      score_cutoff=NAME_LIKENESS) if near else None
            if best:
                out.append(SlotMatch(kind, near[best[2]][1], start, start + size, best[1] / 100))
    return out
