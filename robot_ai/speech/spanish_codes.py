"""Rules of `spanish.normalize` about codes: addresses, telephones, identity cards, versions and the like.

Each takes text and returns it with one kind of thing spelled out; `spanish.py` says in which order.
"""
import re

from robot_ai.speech.spanish_numbers import cardinal_of_text, spell_digits
from robot_ai.speech.spanish_tables import LETTER_NAMES

_LETTER = 'A-Za-zÀ-ÖØ-öø-ɏ'
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


_IDENTITY_CARD = re.compile(rf'(?<![\w.,])(\d{{8}})[- ]?([A-HJ-NP-TV-Z])(?![{_LETTER}\d])(?!\.\s?[A-Z])')
_DOTTED = re.compile(r'(?<![\d.,])\d{1,3}(?:\.\d{1,3}){2,}(?![\d,]|\.\d)')
_LIST = re.compile(r'(?<![\d.,])\d{1,2}(?:,\d{1,2}){2,}(?![\d.]|,\d)')


def identity_cards(text: str) -> str:
    """A Spanish identity card's number is said digit by digit: "12345678Z" -> "1 2 3 4 5 6 7 8 zeta"."""
    return _IDENTITY_CARD.sub(lambda m: f'{spell_digits(m[1])} {LETTER_NAMES[m[2].lower()]}', text)


def dotted_numbers(text: str) -> str:
    """Versions and network addresses: "1.2.3" -> "1 punto 2 punto 3"; lists: "1,2,3" -> "1, 2, 3"."""
    def say(match):
        parts = match[0].split('.')
        if all(len(part) == 3 for part in parts[1:]):  # a thousand and more
            return match[0]
        return ' punto '.join(map(cardinal_of_text, parts))
    return _LIST.sub(lambda m: m[0].replace(',', ', '), _DOTTED.sub(say, text))


# Calling codes of one and of two digits; all others have three.
_CALLING_CODE = r'(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})'
_TELEPHONE = re.compile(rf'(?<![\d.,])(?:(\+ ?|00 ?){_CALLING_CODE}[ -]?)?'
                        r'(?:\((\d{2,3})\) ?)?(\d{2,9}(?:[ .-]\d{2,4}){1,4}|\d{7,12})(?![\d,]|[.-]\d)')
_TELEPHONE_CONTEXT = re.compile(r'(?i)(?:tel[ée]fonos?|móvil|tel|tf|tfno|fax|whatsapp|llam\w*|marc\w*|número)\W+'
                                r'(?:\w+\W+){0,3}$')


def telephones(text: str) -> str:
    """Telephone numbers, known by prefix, context or grouping, are said group by group."""
    def say(match):
        plus, prefix, area, number = match.groups()
        groups = ([area] if area else []) + re.split(r'[ .-]', number)
        total = sum(map(len, groups))
        context = _TELEPHONE_CONTEXT.search(match.string[:match.start()])
        ordinary = len(groups) > 1 and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
        spanish = total == 9 and number[0] in '6789' and len(groups) > 1 and not ordinary and '-' not in number
        if not (prefix or context or spanish or area) or not 7 <= total <= 12:
            return match[0]
        said = spell_digits(number) if len(groups) == 1 else ' '.join(map(cardinal_of_text, groups))
        if not prefix:
            return said
        return f' {"más" if "+" in plus else "cero cero"} {cardinal_of_text(prefix)} {said}'
    return _TELEPHONE.sub(say, text)
