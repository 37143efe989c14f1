"""Rules of `spanish.normalize` about words: abbreviations, Roman numerals, initials, symbols.

Each takes text and returns it with one kind of thing spelled out; `spanish.py` says in which order.
"""
import re

from robot_ai.speech.spanish_numbers import cardinal, ordinal, roman_value
from robot_ai.speech.spanish_tables import (
    ABBREVIATIONS,
    ABBREVIATIONS_BEFORE,
    BARE_UNITS,
    CONSONANT_WORDS,
    GREEK,
    LETTER_NAMES,
    REGNAL_NAMES,
    ROMAN_AFTER,
    ROMAN_BEFORE,
    ROMAN_LARGE_AFTER,
    ROMAN_ONE,
    SINGULAR_BEFORE,
    SPELLED,
    SYMBOLS,
)

_LETTER = 'A-Za-zÀ-ÖØ-öø-ɏ'
_UPPER = 'A-ZÁÉÍÓÚÜÑ'


def spell(word: str) -> str:
    """Return a word letter by letter: 'usb' -> 'u ese be'."""
    return ' '.join(LETTER_NAMES.get(letter, letter) for letter in word.lower())


def _abbreviation_pattern(key):
    body = re.escape(key).replace(r'\ ', r'\s?')
    ignore_case = re.search(rf'[{_LETTER}]{{2}}', key)
    end = '' if key[-1] in './ªº' else rf'(?![{_LETTER}])'
    return (f'(?i:{body})' if ignore_case else body) + end


def _key(text):
    return re.sub(r'\s', '', text).lower()


_READINGS = {_key(key): reading for key, reading in ABBREVIATIONS.items()}
_ABBREVIATION = re.compile(rf'(?<![{_LETTER}\d.])(?:' + '|'.join(
    _abbreviation_pattern(key) for key in sorted(ABBREVIATIONS, key=len, reverse=True)) + ')')
_BEFORE = [(re.compile(rf'(?<![{_LETTER}\d.])(?<![{_UPPER}]\. ){re.escape(key)}(?={following})'), f' {reading} ')
           for key, (following, reading) in ABBREVIATIONS_BEFORE.items()]
_ERA = re.compile(r'(?<=[\dIVX]) ?([AD])\. ?C\.')  # of years and centuries: "300 A.C."
_CENTURY_BEGINS = re.compile(rf'(?<![{_LETTER}.])S\.? ?(?=[IVX]{{2,}}\b)')
_NOON = re.compile(r'(?i)(?<=\blas 12) m\.')  # meridies
_HALF_DAY = re.compile(r'(?<=\d) ?([ap])\. ?m\.|(?<=\d) ?([AP])\.? ?M\.?(?![A-Za-z])|(?<=\d) ?([ap])m\b')


def half_days(text: str) -> str:
    """Letters after an hour or a year that are no unit: "8 a. m." -> "8 a eme", "300 A.C." -> "300 antes de cristo"."""
    text = _ERA.sub(lambda m: (' antes' if m[1] == 'A' else ' después') + ' de cristo ', _NOON.sub(' eme ', text))
    return _HALF_DAY.sub(lambda m: f' {spell((m[1] or m[2] or m[3]) + "m")} ', text)


def abbreviations(text: str) -> str:
    """Abbreviations are read: "Sr." -> "señor", "p. 5" -> "página 5"."""
    for pattern, reading in _BEFORE:
        text = pattern.sub(reading, text)
    text = _ABBREVIATION.sub(lambda m: f' {_READINGS.get(_key(m[0]), m[0])} ', text)
    text = _CENTURY_BEGINS.sub('siglo ', text)
    return re.sub(' {2,}', ' ', text)


_ROMAN = r'[IVXLCDM]+'
_AFTER = re.compile(rf'(?i:\b({"|".join(ROMAN_AFTER)})) ({_ROMAN})\b'
                    rf'((?:(?: ?[-–,] ?| [yeoa] | al? )(?!I\.){_ROMAN}\b)*)')
_EVENT = re.compile(rf'\b({_ROMAN})\.?[ªº]? (?i:({"|".join(ROMAN_BEFORE)}))\b')
_KING = re.compile(rf'\b([{_UPPER}][{_LETTER}]+) ({_ROMAN})\b((?:(?:, | y | e ){_ROMAN}\b(?!\.))*)'
                   rf'(?: (de [{_UPPER}][{_LETTER}]+) y ({_ROMAN}) (?=de\b))?')
# What no word or initialism is: XVI, XIX, VII, III; and every long one.
_SURE = re.compile(rf'(?<![{_LETTER}\d.])(?=[IVXLCDM]{{2}})(?:X{{0,3}}(?:IX|VI{{1,3}}|I{{2,3}})|X{{1,2}}(?:IV|V|I)'
                   rf'|(?=[IVXLCDM]{{4}})M{{0,3}}(?:CM|CD|D?C{{0,3}})(?:XC|XL|L?X{{0,3}})(?:IX|IV|V?I{{0,3}}))(?![{_LETTER}\d])')
_TWENTIETH = re.compile(r'(?:(?<=\b[ea]l )|(?<=\bdel ))XX(?![\w.-]| [A-Z])')  # a lone X is unknown, not ten
_SURNAME = re.compile(rf'\. ?[{_UPPER}]')
_MOSTLY_KINGS = ('carlos', 'felipe', 'alfonso', 'fernando', 'enrique', 'pío', 'napoleón')
_NOT_ALONE = ('MI', 'DI', 'CD', 'CC', 'MIX')  # words and initialisms where nothing shows them to be numbers
_ALONE = re.compile(rf'\W*({_ROMAN})\W*')


def roman_numerals(text: str) -> str:
    """Roman numerals are read where their context shows them to be some."""
    alone = _ALONE.fullmatch(text)
    if alone and roman_value(alone[1]) and (len(alone[1]) > 1 or alone[1] in 'IVX') and (
            alone[1] not in _NOT_ALONE):
        return text.replace(alone[1], cardinal(roman_value(alone[1])))
    text = _AFTER.sub(_after_noun, text)
    text = _EVENT.sub(_before_noun, text)
    text = _KING.sub(_after_name, text)
    text = _TWENTIETH.sub('veinte', text)
    return _SURE.sub(lambda m: m[0] if m[0] == 'VI' else cardinal(roman_value(m[0])), text)


def _after_noun(match):
    noun, first, others = match[1], match[2], match[3]
    small = noun.lower() not in ROMAN_LARGE_AFTER
    if not roman_value(first) or (small and first in ('L', 'C', 'D', 'M')):
        return match[0]
    if any(not roman_value(word) for word in re.findall(_ROMAN, others)):
        others_said = others
    else:
        others_said = re.sub(_ROMAN, lambda m: cardinal(roman_value(m[0])), others)
        others_said = re.sub(r' ?[-–] ?', ' a ', others_said)
    ordinal_one = first == 'I' and not others and noun.lower() not in ROMAN_ONE
    said = ordinal(1, ROMAN_AFTER[noun.lower()]) if ordinal_one else cardinal(roman_value(first))
    return f'{noun} {said}{others_said}'


def _before_noun(match):
    value, noun = roman_value(match[1]), match[2]
    feminine = ROMAN_BEFORE[noun.lower()]
    if not value or value > 99 or match[1] in ('L', 'C', 'D', 'M'):
        return match[0]
    plural = noun.lower().endswith('s') and noun.lower() != 'marqués'
    return f'{ordinal(value, feminine, plural, apocope=True)} {noun}'


def _after_name(match):
    name, numeral, others, place, elsewhere = match.groups()
    value = roman_value(numeral)
    known = name.lower() if name.lower() in REGNAL_NAMES else name.lower().removesuffix('s')  # "los Felipes"
    regnal = known in REGNAL_NAMES
    # Without a known name only two letters that no initials would be; MI, DI, CD ... stay what they are.
    initial = len(numeral) == 1 and _SURNAME.match(match.string, match.end()) and name.lower() not in _MOSTLY_KINGS
    unsure = len(numeral) == 1 or numeral == 'VI' or name.isupper()
    if not value or value > 39 or initial or (unsure and not regnal):
        return match[0]
    feminine = REGNAL_NAMES.get(known, name.lower().endswith('a'))

    def say(number):
        return ordinal(number, feminine) if number <= 10 else cardinal(number)
    others = re.sub(_ROMAN, lambda m: say(roman_value(m[0])) if roman_value(m[0]) else m[0], others)
    if place:  # "Carlos I de España y V de Alemania"
        others += f' {place} y {say(roman_value(elsewhere)) if roman_value(elsewhere) else elsewhere} '
    return f'{name} {say(value)}{others}'


def lowercase_centuries(words: list[str]) -> list[str]:
    """Return words of ALPHABET with "siglo xix" (small capitals in many books) read: nothing else is sure."""
    words = list(words)
    for index in range(1, len(words)):
        word = words[index]
        if words[index - 1] in ('siglo', 'siglos') and len(word) > 1 and word not in ('mi', 'di', 'mil'):
            words[index] = cardinal(roman_value(word.upper())) if roman_value(word.upper()) else word
    return [part for word in words for part in word.split()]


def bare_units(words: list[str]) -> list[str]:
    """Return words with units that stand without a number read: "un km" -> "un kilómetro", "varios km"."""
    return [BARE_UNITS[word][0 if before in SINGULAR_BEFORE else 1] if word in BARE_UNITS else word
            for before, word in zip(['', *words], words)]


_SYMBOL = re.compile('[' + re.escape(''.join(SYMBOLS)) + ']')
_GREEK_LETTER = re.compile(rf'(?<![^\W\d_])[{"".join(GREEK)}{"".join(GREEK).upper()}](?![^\W\d_])')
_INITIAL = re.compile(rf'(?<![{_LETTER}])([{_UPPER}])\.(?=\s?[{_UPPER}])')
_LONE_CAPITAL = re.compile(rf'(?<![{_LETTER}.])([BCDFGHJKLMNÑPQRSTVWXZ])(?![{_LETTER}])')
_LETTERS_AND_DIGITS = re.compile(rf'(?<=\d)(?=[{_LETTER}])|(?<=[{_LETTER}])(?=\d)')
_FORMULA = re.compile(rf'(?:(?<![{_LETTER}])[{_UPPER}]{{2,3}}|(?<=\d)[{_UPPER}]{{2}})(?=\d)'
                      rf'|(?<![{_LETTER}])[{_UPPER}]{{2}}(?=-\d)')  # CO2, H2SO4, AP-7
_CAPITALS = re.compile(rf'(?<![{_LETTER}])(?:(?:[{_UPPER}]\.){{2,}}|[{_UPPER}]{{2,6}})(?![{_LETTER}])')
_SYLLABLES = re.compile(
    r'(?:(?:[BCDFGPT]?[LR]|[CT]H|QU|GU|[BCDFGHJKLMNÑPQRSTVWXYZ])?[AEIOUÁÉÍÓÚÜ]{1,2}[NSLRDZMXBCPTF]?S?)+')


def symbols(text: str) -> str:
    """Signs that are said become words; the others are dropped later."""
    text = re.sub(rf'(?<=[{_LETTER}])/(?=[{_LETTER}])', ' ', text)
    text = text.replace('<=', '≤').replace('>=', '≥').replace('!=', '≠')
    text = _GREEK_LETTER.sub(lambda m: f' {GREEK[m[0].lower()]} ', text)
    return _SYMBOL.sub(lambda m: SYMBOLS[m[0]], text)


def initialisms(text: str) -> str:
    """Initials and unsayable capitals are said by their letters: "J. R." -> "jota erre", "FBI"."""
    shouting = not re.search('[a-záéíóúñü]', text)

    def say(match):
        letters = match[0].replace('.', '')
        dotted = '.' in match[0]
        unsayable = not _SYLLABLES.fullmatch(letters) and letters.lower() not in CONSONANT_WORDS
        vowelless = not re.search('[AEIOUÁÉÍÓÚÜY]', letters)
        short = not shouting and (letters in ('USA', 'SOS') or (unsayable and len(letters) <= 3))
        if letters.lower() in SPELLED or dotted or (unsayable and vowelless) or short:
            return f' {spell(letters)} '
        return match[0]
    text = _INITIAL.sub(lambda m: f'{spell(m[1])} ', text)
    text = _FORMULA.sub(lambda m: m[0] if len(m[0]) > 2 and _SYLLABLES.fullmatch(m[0]) else f' {spell(m[0])} ', text)
    text = _LETTERS_AND_DIGITS.sub(' ', text)
    text = _CAPITALS.sub(say, text)
    return _LONE_CAPITAL.sub(lambda m: spell(m[1]), text)
