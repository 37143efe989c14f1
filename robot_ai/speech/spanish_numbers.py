"""Spanish numbers to words and back: cardinals and ordinals with gender and apocope, Roman numerals, fractions.

`num2words` builds the cardinals; it leaves out the apocope before mil and millones (21000 -> "veintiuno mil"),
gender, and the univerbal ordinals of the RAE (11 -> "décimoprimero"), which are therefore made here.
"""
import functools
import re
import unicodedata

from num2words import num2words

# Larger numbers are said digit by digit; num2words ends at 10^27.
LARGEST_CARDINAL = 10 ** 15

_UNITS_ORDINAL = ('', 'primero', 'segundo', 'tercero', 'cuarto', 'quinto', 'sexto', 'séptimo', 'octavo', 'noveno')
_TENS_ORDINAL = ('', 'décimo', 'vigésimo', 'trigésimo', 'cuadragésimo', 'quincuagésimo', 'sexagésimo',
                 'septuagésimo', 'octogésimo', 'nonagésimo')
_HUNDREDS_ORDINAL = ('', 'centésimo', 'ducentésimo', 'tricentésimo', 'cuadringentésimo', 'quingentésimo',
                     'sexcentésimo', 'septingentésimo', 'octingentésimo', 'noningentésimo')
_DENOMINATORS = {2: 'medio', 3: 'tercio', 100: 'centésimo', 1000: 'milésimo'}
_ROMAN = re.compile(r'(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})')
_ROMAN_VALUES = {'I': 1, 'V': 5, 'X': 10, 'L': 50, 'C': 100, 'D': 500, 'M': 1000}


def without_accents(text: str) -> str:
    """Return the text without accents and diaereses; ñ stays, for it is a letter of its own."""
    decomposed = unicodedata.normalize('NFD', text)
    kept = ''.join(c for c in decomposed if not unicodedata.combining(c) or c == '\u0303')
    return unicodedata.normalize('NFC', kept)


@functools.lru_cache(maxsize=4096)
def cardinal(value: int, feminine: bool = False, apocope: bool = False) -> str:
    """Return the words of a whole number; `apocope` is its form before a noun (un, veintiún, but always una)."""
    if value < 0:
        return 'menos ' + cardinal(-value, feminine, apocope)
    if value >= LARGEST_CARDINAL:
        return spell_digits(str(value))
    words = num2words(value, lang='es')
    words = re.sub(r'uno(?= (?:mil|billon))', 'un', words)  # mil, millones, billones
    words = re.sub(r'\bveintiun\b', 'veintiún', words)
    head, rest = '', words
    split = re.match(r'(.*\b(?:mill|bill)(?:ón|ones)\b ?)(.*)', words)
    if split:  # 200 000 200 personas: doscientos millones doscientas personas
        head, rest = split.groups()
    if feminine:
        rest = re.sub(r'cientos\b', 'cientas', rest)
        rest = re.sub(r'quinientos\b', 'quinientas', rest)
        rest = re.sub(r'uno$', 'una', rest)
    elif apocope:
        rest = re.sub(r'\bveintiuno$', 'veintiún', re.sub(r'\buno$', 'un', rest))
    return (head + rest).strip()


def spell_digits(text: str) -> str:
    """Return the digits of a string one by one: '007' -> 'cero cero siete'."""
    return ' '.join(cardinal(int(digit)) for digit in text if digit.isdigit())


def cardinal_of_text(text: str, feminine: bool = False, apocope: bool = False) -> str:
    """Return the words of a string of digits; leading zeros and very long strings are said digit by digit."""
    if (text[0] == '0' and len(text) > 1) or len(text) > 15:
        return spell_digits(text)
    return cardinal(int(text), feminine, apocope)


def ordinal(value: int, feminine: bool = False, plural: bool = False, apocope: bool = False) -> str:
    """Return the ordinal of 1..1000 (others: the cardinal): 1.er -> primer, 21.ª -> vigesimoprimera."""
    if value == 1000:
        return 'milésim' + ('a' if feminine else 'o') + ('s' if plural else '')
    if not 1 <= value <= 999:
        return cardinal(value, feminine)
    hundreds, tens, units = value // 100, value // 10 % 10, value % 10
    parts = [_HUNDREDS_ORDINAL[hundreds]] if hundreds else []
    if tens in (1, 2) and units:
        if value % 100 in (11, 12):
            parts.append({11: 'undécimo', 12: 'duodécimo'}[value % 100])
        else:  # decimotercero, decimoséptimo, vigesimoprimero: one word, its first half without accent
            stem = {1: 'decimo', 2: 'vigesimo'}[tens]
            unit = _UNITS_ORDINAL[units]
            parts.append(stem + unit if unit[0] != 'o' else stem[:-1] + unit)
    else:
        parts += [word for word in (_TENS_ORDINAL[tens], _UNITS_ORDINAL[units]) if word]
    if apocope and not feminine and not plural and parts[-1].endswith(('primero', 'tercero')):
        parts[-1] = parts[-1][:-1]
        return ' '.join(parts)
    ending = ('a' if feminine else 'o') + ('s' if plural else '')
    if feminine:
        parts = [part[:-1] + 'a' for part in parts]
    parts[-1] = parts[-1][:-1] + ending
    return ' '.join(parts)


def fraction(numerator: int, denominator: int) -> str:
    """Return the words of a fraction: 3/4 -> tres cuartos, 1/2 -> un medio, 5/12 -> cinco doceavos."""
    if denominator in _DENOMINATORS:
        name = _DENOMINATORS[denominator]
    elif 4 <= denominator <= 10:
        name = ordinal(denominator)
    elif 11 <= denominator <= 99:  # treinta + avo -> treintavo, veintiuno -> veintiunavo, dieciocho -> dieciochavo
        name = without_accents(cardinal(denominator).replace(' y ', 'i'))
        name = re.sub(r'(?:a|(?<=un)o|(?<=ch)o)$', '', name) + 'avo'
    else:
        return f'{cardinal(numerator)} partido por {cardinal(denominator)}'
    return f'{cardinal(numerator, apocope=True)} {name}' + ('s' if numerator != 1 else '')


def roman_value(text: str) -> int:
    """Return the value of a Roman numeral in capitals (additive forms such as IIII too), or 0 if it is none."""
    if not text or not _ROMAN.fullmatch(text):
        return 0
    values = [_ROMAN_VALUES[letter] for letter in text]
    return sum(-value if value < following else value for value, following in zip(values, values[1:] + [0]))


def _number_words():
    """Return {word without accents: (value, class)}, class one of unit, teen, ten, hundred."""
    words = {}
    for value in range(30):
        kind = 'unit' if value < 10 else 'teen'
        words[without_accents(cardinal(value))] = (value, kind)
    words['veinte'] = (20, 'teen')
    for value in range(30, 100, 10):
        words[cardinal(value)] = (value, 'ten')
    for value in range(200, 1000, 100):
        words[cardinal(value)] = (value, 'hundred')
        words[cardinal(value, feminine=True)] = (value, 'hundred')
    words['ciento'] = (100, 'hundred')
    words['cien'] = (100, 'cien')
    words.update({'un': (1, 'unit'), 'una': (1, 'unit'), 'veintiun': (21, 'teen'), 'veintiuna': (21, 'teen')})
    return words


_WORDS = _number_words()
_SCALES = {'millon': 10 ** 6, 'millones': 10 ** 6, 'billon': 10 ** 12, 'billones': 10 ** 12}
_TOKEN = re.compile(r'[^\W\d_]+')


class _Reader:
    """Reads the longest cardinal that starts at a word; each method returns (value, next position) or None."""

    def __init__(self, words):
        self.words = words

    def _known(self, position):
        return _WORDS.get(self.words[position]) if position < len(self.words) else None

    def below_hundred(self, position):
        known = self._known(position)
        if known is None or known[1] not in ('unit', 'teen', 'ten'):
            return None
        value, kind = known
        if kind == 'ten' and position + 2 < len(self.words) and self.words[position + 1] == 'y':
            unit = self._known(position + 2)
            if unit and unit[1] == 'unit' and unit[0]:
                return value + unit[0], position + 3
        return value, position + 1

    def below_thousand(self, position):
        known = self._known(position)
        if known and known[1] == 'cien':
            return 100, position + 1
        if known and known[1] == 'hundred':
            rest = self.below_hundred(position + 1)
            return (known[0] + rest[0], rest[1]) if rest and rest[0] else (known[0], position + 1)
        return self.below_hundred(position)

    def below_million(self, position):
        first = self.below_thousand(position)
        if first is None or first[0] == 1:  # "mil", never "un mil"
            if position < len(self.words) and self.words[position] == 'mil':
                first = (1, position)
            elif first is None:
                return None
        value, after = first
        if value and after < len(self.words) and self.words[after] == 'mil':
            rest = self.below_thousand(after + 1)
            return (value * 1000 + rest[0], rest[1]) if rest and rest[0] else (value * 1000, after + 1)
        return value, after

    def number(self, position):
        total, limit, start = 0, 10 ** 18, position
        while True:
            part = self.below_million(position)
            if part is None:
                break
            scale = _SCALES.get(self.words[part[1]], 1) if part[1] < len(self.words) else 1
            if scale >= limit or (position > start and part[0] == 0):
                break
            total, limit, position = total + part[0] * scale, scale, part[1] + (scale > 1)
            if scale == 1:
                break
        return (total, position) if position > start else None


def digits(text: str) -> str:
    """Return the text with its number words as numerals; a lone un or una stays, for it may be an article.

    "tengo treinta y un años" -> "tengo 31 años"; "tres coma cero cinco" -> "3,05"; "menos dos" keeps its "menos".
    Words between which something other than spaces stands belong to different numbers.
    """
    tokens = [(match.start(), match.end()) for match in _TOKEN.finditer(text)]
    folded = [without_accents(text[start:end].lower()) for start, end in tokens]
    output, copied, position = [], 0, 0
    while position < len(tokens):
        end_of_run = position + 1
        while end_of_run < len(tokens) and text[tokens[end_of_run - 1][1]:tokens[end_of_run][0]].isspace():
            end_of_run += 1
        reader = _Reader(folded[:end_of_run])
        read = reader.number(position)
        if read is None or (read[1] == position + 1 and folded[position] in ('un', 'una')):
            position += 1
            continue
        value, after = read
        numeral = str(value)
        if after + 1 < end_of_run and folded[after] == 'coma':
            decimals, stop = _decimals(reader, after + 1)
            if decimals:
                numeral, after = f'{numeral},{decimals}', stop
        output += [text[copied:tokens[position][0]], numeral]
        copied = tokens[after - 1][1]
        position = after
    return ''.join(output) + text[copied:]


def _decimals(reader, position):
    """Return (digits after the comma, next position): zeros said one by one, then one number or single digits."""
    found = ''
    while position < len(reader.words) and reader.words[position] == 'cero':
        found, position = found + '0', position + 1
    read = reader.number(position)
    while read and (read[0] < 10 or not found.strip('0')):
        found, position = found + str(read[0]), read[1]
        if read[0] >= 10:
            break
        read = reader.number(position)
    return found, position
