"""Rules of `spanish.normalize` about quantities: units, money, dates, hours, telephones, numbers.

Units and currencies first become nouns beside their number ("3 km" -> "3 kilómetros"), so that the cardinals,
last, can agree with what they count ("21 libras" -> "veintiuna libras"). `spanish.py` says in which order all run.
"""
import re

from robot_ai.speech.spanish_numbers import cardinal, cardinal_of_text, fraction, ordinal, spell_digits
from robot_ai.speech.spanish_tables import (
    CURRENCIES,
    FEMININE_NOUNS,
    LABELS,
    MASCULINE_NOUNS,
    MONTHS,
    NEUTRAL_ADJECTIVES,
    NOT_NOUNS,
    NOUNLESS_AFTER_ONE,
    SQUARED,
    UNITS,
)

_LETTER = 'A-Za-zÀ-ÖØ-öø-ɏ'
# 1.234.567,89   12 345   1234   3,5   3.5   1'5 (old decimals)
_NUMBER = (
    r"(?:\d{1,3}(?:\.\d{3})+(?!\d)|\d{1,3}(?:,\d{3}){2,}(?!\d)"
    r"|\d{2,3}(?: \d{3})+(?! ?\d)|\d(?: \d{3}){2,}(?! ?\d)|\d+)(?:[,.'’]\d+)?"
)
_SINGLE = re.compile(r'(?:1|1[.,]0+)$')


def _alternatives(keys):
    return '|'.join(re.escape(key) for key in sorted(keys, key=len, reverse=True))


_UNIT = re.compile(rf'(?<![\d,.])({_NUMBER}) ?({_alternatives(UNITS)})([23²³])?'
                   rf'(?:/({_alternatives(UNITS)})([23²³])?)?\.?(?![{_LETTER}\d/])')


_PRICE = re.compile(rf'(?<=[€$£])/({_alternatives(UNITS)})(?![{_LETTER}\d])')


def units(text: str) -> str:
    """Units beside a number become nouns: "3 km/h" -> "3 kilómetros por hora", "1 m²" -> "1 metro cuadrado"."""
    def name(symbol, power, plural):
        unit = UNITS[symbol][1 if plural else 0]
        if not power:
            return unit
        adjective = SQUARED[{'2': '²', '3': '³'}.get(power, power)][1 if plural else 0]
        return f'{unit} {adjective[:-1] + "a" if UNITS[symbol][2] and not plural else adjective}'

    def say(match):
        number, symbol, power, per, per_power = match.groups()
        words = name(symbol, power, not _SINGLE.match(number))
        if per:
            words += ' por ' + name(per, per_power, False)
        end = '.' if match[0].endswith('.') and not match.string[match.end():].strip() else ''
        return f'{number} {words}{end}'
    text = _UNIT.sub(say, text)
    return _PRICE.sub(lambda m: ' por ' + UNITS[m[1]][0], text)


_SIGNS = _alternatives(CURRENCIES)
_MILLIONS = r'(?: (?:mil )?(?:millón|millones|mil|billones|M)\b)?'
_MONEY_AFTER = re.compile(rf'(?<![\d,.])({_NUMBER})({_MILLIONS}) ?({_SIGNS})\.?(?![{_LETTER}])')
_MONEY_BEFORE = re.compile(rf'(?<![{_LETTER}])({_SIGNS}) ?({_NUMBER})({_MILLIONS})')


def currencies(text: str) -> str:
    """Money becomes nouns: "€3,50" -> "3 euros con 50 céntimos", "2 M€" -> "2 millones de euros"."""
    def say(number, millions, sign):
        one, many, _, cent, cents = CURRENCIES[sign]
        millions = millions.replace(' M', ' millones')
        if millions:
            return f'{number}{millions} {"" if millions.endswith(" mil") else "de "}{many}'
        parts = re.fullmatch(r"(.*)[,.'’](\d\d)", number)
        if not parts:
            whole = re.sub(r'[. ]', '', number)
            de = 'de ' if re.fullmatch(r'[1-9]\d*0{6}', whole) else ''
            return f'{number} {de}{one if number == "1" else many}'
        whole, hundredths = parts[1], int(parts[2])
        words = f'{whole} {one if whole == "1" else many}'
        return words + (f' con {hundredths} {cent if hundredths == 1 else cents}' if hundredths else '')

    text = _MONEY_BEFORE.sub(lambda m: say(m[2], m[3], m[1]), text)
    return _MONEY_AFTER.sub(lambda m: say(m[1], m[2], m[3]) + (
        '.' if m[0].endswith('.') and not m.string[m.end():].strip() else ''), text)


_DATE = re.compile(r'(?<![\d/.-])(0?[1-9]|[12]\d|3[01])([/.-])(0?[1-9]|1[0-2])\2(\d{4}|\d\d)(?![\d/-])')
_ISO_DATE = re.compile(r'(?<![\d-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\d-])')
_HOUR = re.compile(r'(?<![\d:.,])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])( ?h(?:rs?|s)?\b\.?)?')
_DOTTED_HOUR = re.compile(r'(?i)(\blas? )(\d{1,2})\.([0-5]\d)(?![\d.,]|\s?[%€])( ?h(?:rs?|s)?\b\.?)?')
_WHOLE_HOUR = re.compile(r'(?i)\b(las?) (\d{1,2})'
                         r'(?= (?:y|menos|en|a eme|pe eme|de la|del|horas?)\b|[,;:!?»)]|\.(?![ºª°\d])|\s*$)')
_TELEPHONE = re.compile(r'(?<![\d.,])(?:\+ ?(\d{1,3})[ -]?)?(\d{2,9}(?:[ .-]\d{2,4}){1,4}|\d{7,12})'
                        r'(?![\d,]|[.-]\d)')
_TELEPHONE_CONTEXT = re.compile(r'(?i)(?:tel[ée]fonos?|móvil|tel|tf|tfno|fax|whatsapp|llam\w*|marc\w*|número)\W+'
                                r'(?:\w+\W+){0,3}$')


def dates(text: str) -> str:
    """"12/10/1492", "1492-10-12" -> "12 de octubre de 1492"."""
    def say(day, month, year):
        if len(year) == 2 and int(day) == 0:
            return None
        return f'{int(day)} de {MONTHS[int(month) - 1]} de {year}'
    text = _ISO_DATE.sub(lambda m: say(m[3], m[2], m[1]), text)
    return _DATE.sub(lambda m: say(m[1], m[3], m[4]), text)


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
    text = _HOUR.sub(say, text)
    text = _DOTTED_HOUR.sub(lambda m: m[0] if int(m[2]) > 24 else (
        m[1] + _hour_words(m[2], m[3]) + (' horas ' if m[4] else '')), text)
    return _WHOLE_HOUR.sub(lambda m: f'{m[1]} ' + (
        cardinal(int(m[2]), feminine=True) if 1 <= int(m[2]) <= 24 else m[2]), text)


def telephones(text: str) -> str:
    """Telephone numbers, known by prefix, context or grouping, are said group by group."""
    def say(match):
        prefix, number = match[1], match[2]
        groups = re.split(r'[ .-]', number)
        total = sum(map(len, groups))
        context = _TELEPHONE_CONTEXT.search(match.string[:match.start()])
        ordinary = len(groups) > 1 and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
        spanish = total == 9 and number[0] in '6789' and len(groups) > 1 and not ordinary and '-' not in number
        if not (prefix or context or spanish) or not 7 <= total <= 12 or (prefix is None and total < 7):
            return match[0]
        if len(groups) == 1:
            said = spell_digits(number)
        else:
            said = ' '.join(cardinal_of_text(group) for group in groups)
        return (f' más {cardinal_of_text(prefix)} ' if prefix else '') + said
    return _TELEPHONE.sub(say, text)


_ORDINAL = re.compile(r'(?<![\d.,])(\d{1,3})(?:\.? ?([ºª°])(s)?(?![CF])|\.?(er|os|as|ero|era|ro|ra|do|da|to|ta|mo|'
                      r'ma|vo|va|no|na)\b(?!\.))')
_FEMININE_ENDING = re.compile(r'(?:as?|(?:[cgnstx]|bel)i[oó]n(?:es)?|[dt]ad(?:es)?|tud(?:es)?|umbres?|ices)$')
_VULGAR = {'½': '1/2', '⅓': '1/3', '⅔': '2/3', '¼': '1/4', '¾': '3/4', '⅕': '1/5', '⅖': '2/5', '⅗': '3/5',
           '⅘': '4/5', '⅙': '1/6', '⅚': '5/6', '⅛': '1/8', '⅜': '3/8', '⅝': '5/8', '⅞': '7/8'}
_FRACTION = re.compile(r'(?<![\d/.,])(?:(\d+) )?(\d{1,3})\s?[/⁄]\s?(\d{1,4})(?![\d/]|[.,]\d)')
_RANGE = re.compile(r'(?<![\d.,-])(\d+(?:[.,]\d+)?%?)\s?[-–—]\s?(?=\d+(?:[.,]\d+)?(?![\d-]))')
_MINUS = re.compile(r'(?:(?<=^)|(?<=[\s(¿¡=]))[-−](?=\d)')
_SUBTRACTION = re.compile(r'(?<=[\dA-Za-z)²³]) [-−] (?=\d)')
_TIMES = re.compile(r'(?<=\d) ?[x*] ?(?=\d)')
_CARDINAL = re.compile(rf"(?<![\d]){_NUMBER}")
_WORDS_AFTER = re.compile(rf' ?([{_LETTER}]+)')
_WORD_BEFORE = re.compile(rf'([{_LETTER}]+)[^\w,;]{{0,2}}$')  # "31 días, 21 manos": días labels nothing


def ordinals(text: str) -> str:
    """"1.er" -> "primer", "3.ª" -> "tercera", "2do" -> "segundo"."""
    def say(match):
        number, sign, signs, letters = match.groups()
        if sign:
            return ordinal(int(number), sign == 'ª', bool(signs)) + ' '
        return ordinal(int(number), letters.endswith(('a', 'as')), letters in ('os', 'as'), letters == 'er')
    return _ORDINAL.sub(say, text)


def fractions(text: str) -> str:
    """"3/4" -> "tres cuartos", "2 1/2" -> "dos y medio"."""
    text = re.sub('[' + ''.join(_VULGAR) + ']', lambda m: f' {_VULGAR[m[0]]} ', text)
    text = re.sub(r'(?<=\d)  (?=\d/\d)', ' ', text)

    def say(match):
        whole, over, under = match[1], int(match[2]), int(match[3])
        if not over or not under or over > 99 and under > 99 or (over, under) == (24, 7):
            return f'{match[1] + " " if match[1] else ""}{match[2]} {match[3]}'
        if whole:
            half = 'medio' if (over, under) == (1, 2) else fraction(over, under)
            return f'{cardinal_of_text(whole)} y {half}'
        return fraction(over, under)
    return _FRACTION.sub(say, text)


def ranges(text: str) -> str:
    """"10-15" -> "10 a 15", "5 - 3" -> "5 menos 3", "-5" -> "menos 5"."""
    text = re.sub(r'#\s?(?=\d)', 'número ', text)
    text = _TIMES.sub(' por ', text)
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
        return is_feminine(following), True
    labelled = before in LABELS and before not in _PLURAL_ARTICLES
    if not following.endswith('s') or following in NOT_NOUNS or labelled:
        return False, False
    return is_feminine(following), True


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
        english = re.fullmatch(r"(\d+(?:,\d{3}){2,})([,.'’]\d+)?", token)
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
        if decimals:
            zeros = len(decimals) - len(decimals.lstrip('0'))
            rest = decimals[zeros:]
            tail = [spell_digits(decimals[:zeros])] if zeros else []
            if rest:
                tail.append(cardinal(int(rest)) if len(rest) <= 3 else spell_digits(rest))
            words += (' punto ' if mark == '.' else ' coma ') + ' '.join(tail)
        return (' ' if before.isalnum() else '') + words + ' '
    return _CARDINAL.sub(say, text)
