"""Rules of `spanish.normalize` about quantities: units, money, ordinals, fractions, numbers.

Units and currencies first become nouns beside their number ("3 km" -> "3 kilómetros"), so that the cardinals,
last, can agree with what they count ("21 libras" -> "veintiuna libras"). `spanish.py` says in which order all run.
"""
import re

from robot_ai.speech.spanish_numbers import cardinal, cardinal_of_text, fraction, ordinal, spell_digits
from robot_ai.speech.spanish_tables import (
    CURRENCIES,
    ENGLISH_THOUSANDS,
    FEMININE_NOUNS,
    HALVED,
    LABELS,
    MASCULINE_NOUNS,
    NEUTRAL_ADJECTIVES,
    NOT_NOUNS,
    NOUNLESS_AFTER_ONE,
    SQUARED,
    STRESSED_A,
    UNITS,
)

_LETTER = 'A-Za-zÀ-ÖØ-öø-ɏ'
# 1.234.567,89   12 345   1234   3,5   3.5   1'5 (old decimals)
_NUMBER = (
    r"(?:\d{1,3}(?:\.\d{3})+(?!\d)|\d{1,3}(?:,\d{3}){2,}(?!\d)|\d{1,3}(?:,\d{3})+(?=\.\d)"
    r"|\d{2,3}(?: \d{3})+(?! ?\d)|\d(?: \d{3}){2,}(?! ?\d)|\d+)(?:[,.'’]\d+)?"
)
_SINGLE = re.compile(r'(?:1|1[.,]0+)$')


def _alternatives(keys):
    return '|'.join(re.escape(key) for key in sorted(keys, key=len, reverse=True))


_UNITS = _alternatives(UNITS)
_UNIT = re.compile(rf'(?<![\d,./])({_NUMBER}) ?({_UNITS})([23²³])?(?:/({_UNITS})([23²³])?)?'
                   rf'(?!\.\s?[A-Z]\.)\.?(?![{_LETTER}\d]|/[{_LETTER}])')
_EVERY = re.compile(rf'(?<=[{_LETTER}]) ?/ ?(?=\d+ ?(?:h|horas?|d[ií]as?|min|minutos?)(?![{_LETTER}]))')
_AND_A_HALF = re.compile(rf'(\d ([{_LETTER}]{{3,}})) y 1/2(?![\d/])')
_SAME_UNITS = re.compile(rf'(?<![\d,./-])({_NUMBER} ?({_UNITS}|[€$£])) ?[-–—] ?(?={_NUMBER} ?\2(?![{_LETTER}]))')
_PRICE = re.compile(rf'(?<=[€$£])/({_UNITS})([23²³])?(?![{_LETTER}\d])')
_RATE = re.compile(r'(?<![^\W\d_])(metros?|m|[kK]ms?|km|[ckm]?g|[cdm]?l|kilómetros?|litros?|gramos?|euros?|dólares|'
                   r'pesos?|pesetas|céntimos|veces|latidos|pulsaciones|revoluciones|vueltas|horas|habitantes|personas)'
                   rf'/({_UNITS}|hora|día|semana|mes|año|noche|minuto|segundo|persona|habitante|kilo|litro|unidad)'
                   rf'([23²³])?(?![{_LETTER}\d/])')
_AREA = re.compile(rf'(?<![{_LETTER}\d]) ?(km|cm|mm|(?<=los )m|(?<=por )m|(?<=el )m|(?<=cada )m)([²³])')
_VULGAR = {'½': '1/2', '⅓': '1/3', '⅔': '2/3', '¼': '1/4', '¾': '3/4', '⅕': '1/5', '⅖': '2/5', '⅗': '3/5',
           '⅘': '4/5', '⅙': '1/6', '⅚': '5/6', '⅛': '1/8', '⅜': '3/8', '⅝': '5/8', '⅞': '7/8'}
_PART = re.compile(rf'(?<![\d/.,])(?:(\d+) ?y? )?(\d{{1,3}})[/⁄](\d{{1,4}}) *({_UNITS}|(?:{"|".join(HALVED)})s?)'
                   rf'(?![{_LETTER}\d/²³])')


def units(text: str) -> str:
    """Units beside a number become nouns: "3 km/h" -> "3 kilómetros por hora", "1 m²" -> "1 metro cuadrado"."""
    def say(match):
        number, symbol, power, per, per_power = match.groups()
        label = _WORD_BEFORE.search(match.string[:match.start()])
        if symbol in 'AJLNVW' and not per and label and label[1].lower() in _ROOMS:
            return match[0]  # "la clase 3 A"
        words = _unit(symbol, power, not _SINGLE.match(number))
        if per:
            words += ' por ' + _unit(per, per_power, False)
        end = '.' if match[0].endswith('.') and not match.string[match.end():].strip() else ''
        return f'{number} {words}{end}'
    text = _EVERY.sub(' cada ', text)  # "500 mg/8 h"
    text = re.sub('[' + ''.join(_VULGAR) + ']', lambda m: f' {_VULGAR[m[0]]} ', text)
    text = _AND_A_HALF.sub(lambda m: f'{m[1]} y {"media" if is_feminine(m[2].lower()) else "medio"}', text)
    text = _PART.sub(_part, re.sub(r'(?<=\d) +(?=\d/\d)', ' ', text))
    text = _SAME_UNITS.sub(lambda m: f'{m[1]} a ', text)
    text = _UNIT.sub(say, text)
    text = _RATE.sub(_rate, text)
    text = _AREA.sub(lambda m: ' ' + _unit(m[1], m[2], True), text)
    return _PRICE.sub(lambda m: ' por ' + _unit(m[1], m[2], False), text)


_ROOMS = {*LABELS, 'aula', 'clase', 'grupo', 'curso', 'portal', 'escalera', 'bloque', 'opción', 'la', 'las'} - {'de'}


def _unit(symbol, power, plural):
    unit = UNITS[symbol][1 if plural else 0]
    if not power:
        return unit
    adjective = SQUARED[{'2': '²', '3': '³'}.get(power, power)][1 if plural else 0]
    return f'{unit} {adjective[:-1] + "a" if UNITS[symbol][2] and not plural else adjective}'


def _part(match):
    """"1/2 kg" -> "medio kilogramo", "1 1/2 h" -> "1 hora y media", "3/4 l" -> "tres cuartos de litro"."""
    whole, over, under, symbol = match[1], int(match[2]), int(match[3]), match[4]
    if not over or not under:
        return match[0]
    unit = UNITS[symbol][:2] if symbol in UNITS else (symbol.removesuffix('s'), symbol.removesuffix('s') + 's')
    if over > under > 20:  # blood pressure
        return f'{over} {under} {unit[1]}'
    half = 'media' if (UNITS[symbol][2] if symbol in UNITS else is_feminine(unit[0])) else 'medio'
    if symbol in ('%', '‰'):
        return f'{whole + " y " if whole else ""}{fraction(over, under)} {unit[0]}'
    if whole:
        said = half if (over, under) == (1, 2) else fraction(over, under)
        return f'{whole} {unit[whole != "1"]} y {said}'
    return f'{half} {unit[0]}' if (over, under) == (1, 2) else f'{fraction(over, under)} de {unit[0]}'


def _rate(match):
    """"km/h" without a number -> "kilómetros por hora", "euros/mes" -> "euros por mes"."""
    many, per, power = match.groups()
    if len(many) == 1 and len(per) == 1 and (many, per) not in (('m', 's'), ('g', 'l')):
        return match[0]
    many = UNITS[many][1] if many in UNITS else many
    return f'{many} por {_unit(per, power, False) if per in UNITS else per}'


_SIGNS = _alternatives(CURRENCIES)
_MILLIONS = r'(?: (?:mil )?(?:millón|millones|mil|billones|M)\b)?'
_MONEY_AFTER = re.compile(rf'(?<![\d,.])(\d \d{{3}}(?! ?\d)(?:,\d\d)?|{_NUMBER})({_MILLIONS}) ?({_SIGNS})\.?'
                          rf'(?![{_LETTER}])')
_MONEY_BEFORE = re.compile(rf'(?<![{_LETTER}])({_SIGNS}) ?({_NUMBER})({_MILLIONS})')
_TWO_SIGNS = re.compile(rf'\$ ?(?={_NUMBER} ?(?:USD|MXN|ARS|COP|CLP))')


def currencies(text: str) -> str:
    """Money becomes nouns: "€3,50" -> "3 euros con 50 céntimos", "2 M€" -> "2 millones de euros"."""
    def say(number, millions, sign):
        one, many, _, cent, cents = CURRENCIES[sign]
        number, millions = re.sub(r'^(\d) (?=\d{3}\b)', r'\1', number), millions.replace(' M', ' millones')
        if sign in ENGLISH_THOUSANDS and re.match(r'\d{1,3}(?:,\d{3})+(?:$|\.)', number):
            number = number.replace(',', '')
        if millions:
            return f'{number}{millions} {"" if millions.endswith(" mil") else "de "}{many}'
        parts = re.fullmatch(r"(.*)[,.'’](\d\d)", number)
        if not parts:
            whole = re.sub(r'[. ]', '', number)
            de = 'de ' if re.fullmatch(r'[1-9]\d*0{6}', whole) else ''
            return f'{number} {de}{one if number == "1" else many}'
        whole, hundredths = parts[1], int(parts[2])
        if hundredths and not int(re.sub(r'[. ]', '', whole) or 0):
            return f'{hundredths} {cent if hundredths == 1 else cents}'
        words = f'{whole} {one if whole == "1" else many}'
        return words + (f' con {hundredths} {cent if hundredths == 1 else cents}' if hundredths else '')

    text = _MONEY_BEFORE.sub(lambda m: say(m[2], m[3], m[1]), _TWO_SIGNS.sub('', text))
    return _MONEY_AFTER.sub(lambda m: say(m[1], m[2], m[3]) + (
        '.' if m[0].endswith('.') and not m.string[m.end():].strip() else ''), text)


_ORDINAL = re.compile(r'(?<![\d.,])(\d{1,3}|1\.?000)(?:\.? ?([ºª°])(s)?(?![CF])'
                      r'|\.?(os|as|ero|era|ro|ra|do|da|to|ta|mo|ma|vo|va|no|na)\b(?!\.)|\.?(er)\b\.?'
                      r'|\.(o|a)\b|(?<=\d)(o|a)(?= [a-záéíóúñ]{4}))')
# An ordinal has a point before its sign; without it these are degrees.
_DEGREES = re.compile(r'(?i)(\d+[,.]\d+|(?<=[-−])\d+|(?<![\d.,])[1-3]\d\d) ?º(?![CF])'
                      r'|(?:(?<=\ba )|(?<=\bde )|(?<=\bcon )|(?<=\blos ))'
                      rf'([2-9]\d) ?º(?!\s?[{_LETTER}])|(\d+) ?º ?(?=\d+ ?[\'′])'
                      r'|(\d+) ?º(?= (?:de fiebre|de temperatura|bajo cero|sobre cero|centígrados|celsius))')
_MINUTES = re.compile(r"(\d+) ?['′] ?(?:(\d+) ?(?:[\"″]|''))|(?<=grados )(\d+) ?['′]")
_FEMININE_ENDING = re.compile(r'(?:as?|(?:[cgnstx]|bel)i[oó]n(?:es)?|[dt]ad(?:es)?|tud(?:es)?|umbres?|ices)$')
_FRACTION = re.compile(r'(?<![\d/.,])(?:(\d+) )?(\d{1,3})\s?[/⁄]\s?(\d{1,4})(?![\d/]|[.,]\d)')
_BLOOD_PRESSURE = re.compile(r'(?i)(?:tensión|presión)\W+(?:\w+\W+){0,3}$')
_RANGE = re.compile(r'(?<![\d.,-])(\d+(?:[.,]\d+)?%?)\s?[-–—]\s?(?=\d+(?:[.,]\d+)?(?![\d-]))')
_MINUS = re.compile(r'(?:(?<=^)|(?<=[\s(¿¡=\[,;<>×÷*+]))[-−](?=\d)|(?<=(?<![^\W_])[a-z])[-−](?=\d)')
_PER_CENT = re.compile(r'(?i)(?<=\bel )(\d+(?:,\d+)?) por 100\b|(?<=\bun )(\d+(?:,\d+)?) por 100\b')
_SUPERSCRIPT = str.maketrans('⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ', '0123456789n')
_POWER = re.compile(r'(?<=[\dA-Za-z)])(?:\^(-?\d+|n\b)|(⁻?)([⁰¹²³⁴-⁹]+|ⁿ))')
_SUBTRACTION = re.compile(r'(?<=[\dA-Za-z)²³]) [-−] (?=\d)')
_TIMES = re.compile(r'(?<=\d) ?[x*] ?(?=\d)')
_DOT_PRODUCT = re.compile(r'(?<=\d) ?[·⋅] ?(?=[\da-z(])|(?<=[²³a-z)]) ?[·⋅] ?(?=\d)')
_UNKNOWN_Y = re.compile(rf'(?<=\d)y(?![{_LETTER}])|(?<![{_LETTER}])y(?=[²³^])')
_CARDINAL = re.compile(rf"(?<![\d]){_NUMBER}")
_WORDS_AFTER = re.compile(rf' ?([{_LETTER}]+)')
_WORD_BEFORE = re.compile(rf'([{_LETTER}]+)[^\w,;]{{0,2}}$')  # "31 días, 21 manos": días labels nothing


def ordinals(text: str) -> str:
    """"1.er" -> "primer", "3.ª" -> "tercera", "2do" -> "segundo"."""
    def say(match):
        number, sign, signs, *letters = match.groups()
        number, letters = int(number.replace('.', '')), next(filter(None, letters), '')
        if sign:
            return ordinal(number, sign == 'ª', bool(signs)) + ' '
        return ordinal(number, letters.endswith(('a', 'as')), letters in ('os', 'as'), letters == 'er') + ' '
    text = _DEGREES.sub(lambda m: f'{m[1] or m[2] or m[3] or m[4]} grados ', text)
    text = _MINUTES.sub(lambda m: f'{m[1] or m[3]} minutos ' + (f'{m[2]} segundos ' if m[2] else ''), text)
    return _ORDINAL.sub(say, text)


def fractions(text: str) -> str:
    """"3/4" -> "tres cuartos", "2 1/2" -> "dos y medio", "2 1/2 tazas" -> "dos y media tazas"."""
    def say(match):
        whole, over, under = match[1], int(match[2]), int(match[3])
        blood = _BLOOD_PRESSURE.search(match.string[:match.start()]) or over > under > 20
        if not over or not under or over > 99 and under > 99 or (over, under) == (24, 7) or blood:
            return f'{match[1] + " " if match[1] else ""}{match[2]} {match[3]}'
        noun = _WORDS_AFTER.match(match.string, match.end())
        plural = noun and noun[1].lower().endswith('s') and noun[1].lower() not in NOT_NOUNS
        feminine = bool(plural) and is_feminine(noun[1].lower())
        if whole:
            half = ('media' if feminine else 'medio') if (over, under) == (1, 2) else fraction(over, under)
            return f'{cardinal_of_text(whole, feminine)} y {half}'
        if plural and noun[1].lower() == 'partes':  # "tres cuartas partes"
            return f'{cardinal(over, True)} {ordinal(under, True, over > 1)}'
        return fraction(over, under)
    return _FRACTION.sub(say, text)


def ranges(text: str) -> str:
    """"10-15" -> "10 a 15", "5 - 3" -> "5 menos 3", "-5" -> "menos 5", "el 5 por 100" -> "el 5 por ciento"."""
    text = re.sub(r'#\s?(?=\d)', 'número ', text)
    text = re.sub(r'~\s?(?=\d)', 'aproximadamente ', text)
    text = _PER_CENT.sub(lambda m: f'{m[1] or m[2]} por ciento', text)
    text = _DOT_PRODUCT.sub(' por ', _TIMES.sub(' por ', text))
    text = _UNKNOWN_Y.sub(' i griega ', text)
    text = _SUBTRACTION.sub(' menos ', text)
    text = _MINUS.sub(' menos ', text)
    return _RANGE.sub(lambda m: f'{m[1]} a ', text)


def _agreement(text, start, end, value):
    """Return (feminine, apocope) of the number text[start:end] from the words about it."""
    before = _WORD_BEFORE.search(text[:start])
    before = before[1].lower() if before else ''
    position = end
    following = ''
    while True:
        match = _WORDS_AFTER.match(text, position)
        if not match:
            return False, False
        following, position = match[1].lower(), match.end()
        if following in ('mil', 'millón', 'millones') or following not in NEUTRAL_ADJECTIVES:
            break
    if following in ('mil', 'millones', 'millón', 'billones'):
        noun = _WORDS_AFTER.match(text, position)
        return following == 'mil' and bool(noun) and is_feminine(noun[1].lower()), True
    if value == 1:
        if before in LABELS or following in NOUNLESS_AFTER_ONE:
            return False, False
        return is_feminine(following) and following not in STRESSED_A, True
    labelled = before in LABELS and before not in _PLURAL_ARTICLES
    if not following.endswith('s') or following in NOT_NOUNS or labelled:
        return False, False
    return is_feminine(following), True


def powers(text: str) -> str:
    """"2^3", "10⁻³" -> "2 elevado a 3", "10 elevado a menos 3"; "x²" is left to the signs; a note's mark goes."""
    def say(match):
        if match[1]:
            exponent = match[1]
        else:
            exponent = ('-' if match[2] else '') + match[3].translate(_SUPERSCRIPT)
        if exponent in ('2', '3'):
            return '²' if exponent == '2' else '³'
        word = re.search(r'[^\W\d_]{2,}$', match.string[:match.start()])
        return '' if word else f' elevado a {exponent.replace("-", "menos ")} '
    return _POWER.sub(say, text)


_PLURAL_ARTICLES = {'los', 'las', 'año'}


def is_feminine(noun: str) -> bool:
    """Return whether a noun, singular or plural, is probably feminine, from its ending and the tables."""
    singular = noun[:-1] if noun.endswith('s') else noun
    if noun in MASCULINE_NOUNS or singular + 's' in MASCULINE_NOUNS or noun + 'es' in MASCULINE_NOUNS:
        return False
    plurals = (noun, singular + 's', noun + 'es', noun[:-1] + 'ces')
    if any(plural in FEMININE_NOUNS for plural in plurals):
        return True
    return bool(_FEMININE_ENDING.search(noun))


def cardinals(text: str) -> str:
    """Every digit left becomes words, agreeing with what it counts."""
    def say(match):
        token = match[0]
        english = re.fullmatch(r"(\d+(?:,\d{3}){2,}|\d{1,3}(?:,\d{3})+(?=\.))([,.'’]\d+)?", token)
        if english:
            token = english[1].replace(',', '') + (english[2] or '')
        parts = re.fullmatch(r"(.*?)(?:([,.'’])(\d+))?", token)
        whole, mark, decimals = parts.groups()
        if mark == '.' and len(decimals) == 3 and re.fullmatch(r'[1-9]\d{0,2}(?:\.\d{3})*', whole):
            whole, mark, decimals = whole + decimals, None, None  # 1.234 is a thousand and more
        whole = re.sub(r'[. ]', '', whole)
        before = match.string[match.start() - 1:match.start()]
        feminine, apocope = _agreement(match.string, match.start(), match.end(), int(whole))
        words = cardinal_of_text(whole, feminine and not decimals, apocope and not decimals)
        if re.match(r' mil\b', match.string[match.end():]):  # "doscientas mil", but "veintiún mil personas"
            words = re.sub(r'\buna$', 'un', re.sub(r'veintiuna$', 'veintiún', words))
        if decimals:
            zeros = len(decimals) - len(decimals.lstrip('0'))
            rest = decimals[zeros:]
            tail = [spell_digits(decimals[:zeros])] if zeros else []
            if rest:
                tail.append(cardinal(int(rest)) if len(rest) <= 3 else spell_digits(rest))
            words += (' punto ' if mark == '.' else ' coma ') + ' '.join(tail)
        return (' ' if before.isalnum() else '') + words + ' '
    return _CARDINAL.sub(say, text)
