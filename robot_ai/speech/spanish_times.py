"""Rules of `spanish.normalize` about time: dates in figures, Roman months and short names; hours of the clock.

Each takes text and returns it with one kind of thing spelled out; `spanish.py` says in which order.
"""
import re

from robot_ai.speech.spanish_numbers import cardinal, roman_value, spell_digits
from robot_ai.speech.spanish_tables import MONTHS, SHORT_MONTHS

_DAY, _YEAR = r'(0?[1-9]|[12]\d|3[01])', r'(\d{4}|\d\d)'
_DATE = re.compile(rf'(?<![\d/.-]){_DAY}([/.-])(0?[1-9]|1[0-2])\2{_YEAR}(?![\d/-])')
_ISO_DATE = re.compile(r'(?<![\d-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\d-])')
_ROMAN_DATE = re.compile(rf'(?<![\d/.-]){_DAY}([/.-])(I{{1,3}}|I?V|VI{{1,3}}|I?X|XI{{1,2}})\2{_YEAR}(?![\d/-])')
_SHORT = '|'.join(SHORT_MONTHS)
_SHORT_DATE = re.compile(rf'(?i)(?<![\d/.-]){_DAY}([/.-])({_SHORT})\2{_YEAR}(?![\d/-])')
_NAMED_DATE = re.compile(rf'(?i)(?<![\d.,:/-]){_DAY} (?:de )?({_SHORT})\.? (?:de )?(\d{{4}})(?!\d)')
_DAY_AND_MONTH = re.compile(rf'(?<![\d.,:/-]){_DAY} (?=(?:{"|".join(MONTHS)})\b)')
_CLOCK = r'([01]?\d|2[0-4]):([0-5]\d)'
_HOURS_BETWEEN = re.compile(rf'(?<![\d:.,])({_CLOCK}(?: ?h)?) ?[-–—] ?(?={_CLOCK}(?![\d:]))')
_HOUR = re.compile(rf'(?<![\d:.,]){_CLOCK}(?::([0-5]\d))?(?![\d:])( ?h(?:rs?|s)?\b\.?)?')
_JOINED_HOUR = re.compile(r'(?<![\d:.,])([01]?\d|2[0-4])h([0-5]\d)(?![\dA-Za-z])')
_DOTTED_HOUR = re.compile(r'(?i)(\blas? (?!\d+,)|\ba las? )(\d{1,2})[.,]([0-5]\d)(?![\d.,]|\s?[%€])'
                          r'( ?h(?:rs?|s)?\b\.?)?')
_WHOLE_HOUR = re.compile(r'(?i)\b(las?) (\d{1,2})'
                         r'(?= (?:y|menos|en|a eme|pe eme|de la|del|horas?)\b|,(?!\d)|[;:!?»)]'
                         r'|\.(?![ºª°\d]|[ao]s?\b|er)|\s*$)')


def dates(text: str) -> str:
    """"12/10/1492", "1492-10-12", "12-X-1492", "12 oct. 1492" -> "12 de octubre de 1492"."""
    def say(day, month, year):
        return f'{int(day)} de {MONTHS[month - 1]} de {year}'

    def of_short(name):
        return SHORT_MONTHS[name.lower()]
    text = _ISO_DATE.sub(lambda m: say(m[3], int(m[2]), m[1]), text)
    text = _DATE.sub(lambda m: say(m[1], int(m[3]), m[4]), text)
    text = _ROMAN_DATE.sub(lambda m: say(m[1], roman_value(m[3]), m[4]), text)
    text = _SHORT_DATE.sub(lambda m: say(m[1], of_short(m[3]), m[4]), text)
    text = _NAMED_DATE.sub(lambda m: say(m[1], of_short(m[2]), m[3]), text)
    return _DAY_AND_MONTH.sub(lambda m: f'{m[1]} de ', text)


def _hour_words(hour, minute):
    words = cardinal(int(hour), feminine=True)
    if int(minute):
        words += ' ' + (spell_digits(minute) if minute[0] == '0' else cardinal(int(minute)))
    return words


def hours(text: str) -> str:
    """"15:30" -> "quince treinta", "a las 8.05" -> "a las ocho cero cinco", "a la 1" -> "a la una"."""
    def say(match):
        hour, minute, second, suffix = match.groups()
        words = _hour_words(hour, minute)
        if second:
            words += ' ' + (spell_digits(second) if second[0] == '0' else cardinal(int(second)))
        if suffix:
            words += ' horas'
        return f'{words} '
    text = _HOURS_BETWEEN.sub(lambda m: f'{m[1]} a ', text)
    text = _HOUR.sub(say, text)
    text = _JOINED_HOUR.sub(lambda m: _hour_words(m[1], m[2]), text)
    text = _DOTTED_HOUR.sub(lambda m: m[0] if int(m[2]) > 24 else (
        m[1] + _hour_words(m[2], m[3]) + (' horas ' if m[4] else '')), text)
    return _WHOLE_HOUR.sub(lambda m: f'{m[1]} ' + (
        cardinal(int(m[2]), feminine=True) if 1 <= int(m[2]) <= 24 else m[2]), text)
