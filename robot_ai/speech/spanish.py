"""Spanish text as it is said: `normalize` spells everything out, `fold` drops accents too, `digits` goes back.

The only definition: training transcripts, decoding phrases, scoring and dialogue all use it. Rules follow the
Ortografía de la lengua española (RAE 2010); where it allows several readings, the one that a reader of audiobooks
says most is taken (siglo II -> siglo dos), and 12:30 is read as written (doce treinta). Tables: spanish_tables.py.
"""
import re
import unicodedata

from anyascii import anyascii

from robot_ai.speech import spanish_codes as codes
from robot_ai.speech import spanish_quantities as quantities
from robot_ai.speech import spanish_times as times
from robot_ai.speech import spanish_words as words
from robot_ai.speech.spanish_numbers import digits, without_accents
from robot_ai.speech.spanish_tables import BARE_ABBREVIATIONS, SPELLED

__all__ = ['ALPHABET', 'digits', 'fold', 'normalize']

# Every character that `normalize` can return; the speech model's labels are made of these.
ALPHABET = ' abcdefghijklmnopqrstuvwxyzáéíóúüñ'

_INVISIBLE = re.compile('[\u00ad\u200b-\u200f\u2060\ufeff]')
_SPACES = re.compile(r'[\s\u00a0\u2000-\u200a\u202f\u205f\u3000]+')
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’‘`´](?=[^\W\d_])")
_OUTSIDE = re.compile(f'[^{ALPHABET}]+')
_KEPT = {*ALPHABET}
_SUBSCRIPTS = str.maketrans('₀₁₂₃₄₅₆₇₈₉', '0123456789')
_RULES = (codes.addresses, codes.identity_cards, words.half_days, quantities.units, quantities.currencies,
          words.abbreviations, times.dates, words.roman_numerals, codes.telephones, times.hours, codes.dotted_numbers,
          quantities.ordinals, quantities.fractions, quantities.powers, quantities.ranges, words.initialisms,
          quantities.cardinals, words.symbols)
# What needs no look where there is no figure or sign.
_OF_FIGURES = {codes.identity_cards, codes.telephones, codes.dotted_numbers, times.dates, times.hours,
               quantities.units, quantities.currencies, quantities.ordinals, quantities.fractions, quantities.powers,
               quantities.ranges, quantities.cardinals}
_FIGURE = re.compile('[^a-zA-Z À-ÿ.,;:!?¡¿()"\'«»—-]|[ºª²³]')


def normalize(text: str) -> str:
    """Return the text as it is said: lower case, numbers and abbreviations spelled out, ALPHABET only.

    Text with a letter or digit never becomes empty; normalizing twice changes nothing; it never raises.
    """
    text = _SPACES.sub(' ', _INVISIBLE.sub('', unicodedata.normalize('NFC', text)))
    text = _APOSTROPHE.sub('', text).translate(_SUBSCRIPTS)
    figures = _FIGURE.search(text)
    for rule in _RULES:
        if figures or rule not in _OF_FIGURES:
            text = rule(text)
    text = ''.join(letter if letter in _KEPT else _spanish_letter(letter)
                   for letter in text.lower())
    cleaned = words.bare_units(words.lowercase_centuries(_OUTSIDE.sub(' ', text).split()))
    return ' '.join(_spoken_word(word) for word in cleaned)


def fold(text: str) -> str:
    """Return `normalize(text)` without accents and diaereses (ñ stays): for comparing what was heard."""
    return without_accents(normalize(text))


def _spanish_letter(letter):
    """Return a letter of any script with the Spanish alphabet's letters: ç -> c, ß -> ss, я -> ya; or a space."""
    if ord(letter) < 128 or letter in 'ºª' or not unicodedata.category(letter).startswith(('L', 'M', 'N')):
        return ' '
    if unicodedata.category(letter).startswith('M'):
        return ''  # a combining accent that no Spanish letter takes
    return anyascii(letter).lower() or ' '


def _spoken_word(word):
    """Return a lower-case word as it is said: lone consonants and known initialisms letter by letter."""
    if word in BARE_ABBREVIATIONS:
        return BARE_ABBREVIATIONS[word]
    if word in SPELLED or (len(word) == 1 and word != 'y' and word not in 'aeiouáéíóúü'):
        return words.spell(word)
    return word

