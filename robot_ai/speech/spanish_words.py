"""Rules of `spanish.normalize` about words: addresses, abbreviations, Roman numerals, initials, symbols.

Each takes text and returns it with one kind of thing spelled out; `spanish.py` says in which order.
"""
import re

from robot_ai.speech.spanish_numbers import cardinal, ordinal, roman_value
from robot_ai.speech.spanish_tables import (
    ABBREVIATIONS,
    ABBREVIATIONS_BEFORE,
    CONSONANT_WORDS,
    LETTER_NAMES,
    REGNAL_NAMES,
    ROMAN_AFTER,
    ROMAN_BEFORE,
    ROMAN_LARGE_AFTER,
    SPELLED,
    SYMBOLS,
)

_LETTER = 'A-Za-zÀ-ÖØ-öø-ɏ'
_UPPER = 'A-ZÁÉÍÓÚÜÑ'


def spell(word: str) -> str:
    """Return a word letter by letter: 'usb' -> 'u ese be'."""
    return ' '.join(LETTER_NAMES.get(letter, letter) for letter in word.lower())


_ADDRESS = re.compile(r'(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[\w-]+\.(?:com|es|org|net|mx|ar)\b')


def addresses(text: str) -> str:
    """Web and mail addresses are said sign by sign: "a@b.es" -> "a arroba b punto es"."""
    def say(match):
        address = re.sub(r'^https?://', '', match[0]).rstrip('.,;:!?)»”"')
        tail = re.sub(r'^https?://', '', match[0])[len(address):]
        for sign, name in (('.', 'punto'), ('@', 'arroba'), ('/', 'barra'), ('-', 'guion'), ('_', 'guion bajo'),
                           (':', 'dos puntos'), ('=', 'igual a'), ('&', 'y'),
                           ('?', ' '), ('+', 'más'), ('%', ' ')):
            address = address.replace(sign, f' {name} ')
        return address.lower() + tail
    return _ADDRESS.sub(say, text)


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
_BEFORE = [(re.compile(rf'(?<![{_LETTER}\d.]){re.escape(key)}(?={following})'), f' {reading} ')
           for key, (following, reading) in ABBREVIATIONS_BEFORE.items()]
_HALF_DAY = re.compile(r'(?<=\d) ?([ap])\. ?m\.|(?<=\d) ?([AP])\.? ?M\.?(?![A-Za-z])|(?<=\d) ?([ap])m\b')


def abbreviations(text: str) -> str:
    """Abbreviations are read: "Sr." -> "señor", "p. 5" -> "página 5", "8 a. m." -> "8 a eme"."""
    text = _HALF_DAY.sub(lambda m: f' {spell((m[1] or m[2] or m[3]) + "m")} ', text)
    for pattern, reading in _BEFORE:
        text = pattern.sub(reading, text)
    text = _ABBREVIATION.sub(lambda m: f' {_READINGS.get(_key(m[0]), m[0])} ', text)
    return re.sub(' {2,}', ' ', text)


_ROMAN = r'[IVXLCDM]+'
_AFTER = re.compile(rf'(?i:\b({"|".join(ROMAN_AFTER)})) ({_ROMAN})\b'
                    rf'((?:(?: ?[-–,] ?| [yeoa] | al? )(?!I\.){_ROMAN}\b)*)')
_EVENT = re.compile(rf'\b({_ROMAN})\.?[ªº]? (?i:({"|".join(ROMAN_BEFORE)}))\b')
_KING = re.compile(rf'\b([{_UPPER}][{_LETTER}]+) ({_ROMAN})\b(( y | e ){_ROMAN}\b)?')
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
    return _KING.sub(_after_name, text)


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
    said = ordinal(1, ROMAN_AFTER[noun.lower()]) if first == 'I' and not others else cardinal(roman_value(first))
    return f'{noun} {said}{others_said}'


def _before_noun(match):
    value, noun = roman_value(match[1]), match[2]
    feminine = ROMAN_BEFORE[noun.lower()]
    if not value or value > 99 or match[1] in ('L', 'C', 'D', 'M'):
        return match[0]
    plural = noun.lower().endswith('s') and noun.lower() != 'marqués'
    return f'{ordinal(value, feminine, plural, apocope=True)} {noun}'


def _after_name(match):
    name, numeral, other = match[1], match[2], match[3]
    value = roman_value(numeral)
    regnal = name.lower() in REGNAL_NAMES
    # Without a known name only two letters that no initials would be; MI, DI, CD ... stay what they are.
    initial = len(numeral) == 1 and _SURNAME.match(match.string, match.end()) and name.lower() not in _MOSTLY_KINGS
    unsure = len(numeral) == 1 or numeral == 'VI' or name.isupper()
    if not value or value > 39 or initial or (unsure and not regnal):
        return match[0]
    feminine = REGNAL_NAMES.get(name.lower(), name.lower().endswith('a'))

    def say(number):
        return ordinal(number, feminine) if number <= 10 else cardinal(number)
    second = roman_value(other[3:]) if other else 0
    return f'{name} {say(value)}' + (f'{other[:3]}{say(second)}' if second else other or '')


def lowercase_centuries(words: list[str]) -> list[str]:
    """Return words of ALPHABET with "siglo xix" (small capitals in many books) read: nothing else is sure."""
    words = list(words)
    for index in range(1, len(words)):
        word = words[index]
        if words[index - 1] in ('siglo', 'siglos') and len(word) > 1 and word not in ('mi', 'di', 'mil'):
            words[index] = cardinal(roman_value(word.upper())) if roman_value(word.upper()) else word
    return [part for word in words for part in word.split()]


_SYMBOL = re.compile('[' + re.escape(''.join(SYMBOLS)) + ']')
_INITIAL = re.compile(rf'(?<![{_LETTER}])([{_UPPER}])\.(?=\s?[{_UPPER}])')
_LONE_CAPITAL = re.compile(rf'(?<![{_LETTER}.])([BCDFGHJKLMNÑPQRSTVWXZ])(?![{_LETTER}])')
_LETTERS_AND_DIGITS = re.compile(rf'(?<=\d)(?=[{_LETTER}])|(?<=[{_LETTER}])(?=\d)')
_CAPITALS = re.compile(rf'(?<![{_LETTER}])(?:(?:[{_UPPER}]\.){{2,}}|[{_UPPER}]{{2,6}})(?![{_LETTER}])')
_SYLLABLES = re.compile(
    r'(?:(?:[BCDFGPT]?[LR]|[CT]H|QU|GU|[BCDFGHJKLMNÑPQRSTVWXYZ])?[AEIOUÁÉÍÓÚÜ]{1,2}[NSLRDZMXBCPTF]?S?)+')


def symbols(text: str) -> str:
    """Signs that are said become words; the others are dropped later."""
    text = re.sub(rf'(?<=[{_LETTER}])/(?=[{_LETTER}])', ' ', text)
    return _SYMBOL.sub(lambda m: SYMBOLS[m[0]], text)


def initialisms(text: str) -> str:
    """Initials and unsayable capitals are said by their letters: "J. R." -> "jota erre", "FBI"."""
    shouting = not re.search('[a-záéíóúñü]', text)

    def say(match):
        letters = match[0].replace('.', '')
        dotted = '.' in match[0]
        unsayable = not _SYLLABLES.fullmatch(letters) and letters.lower() not in CONSONANT_WORDS
        vowelless = not re.search('[AEIOUÁÉÍÓÚÜY]', letters)
        short = not shouting and (letters == 'USA' or (unsayable and len(letters) <= 3))
        if letters.lower() in SPELLED or dotted or (unsayable and vowelless) or short:
            return f' {spell(letters)} '
        return match[0]
    text = _INITIAL.sub(lambda m: f'{spell(m[1])} ', text)
    text = _LETTERS_AND_DIGITS.sub(' ', text)
    text = _CAPITALS.sub(say, text)
    return _LONE_CAPITAL.sub(lambda m: spell(m[1]), text)
