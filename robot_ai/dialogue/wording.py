"""The robot's own words: spoken times and dates, and the sentences that a dialogue file need not write itself.

Spanish says usted: most of its listeners grew up with it, and a carer can put their own words under `wording`.
No sentence says that something was asked before, or that an answer was wrong.
"""
import datetime
import re
import string

from num2words import num2words

# What a `say` may use besides facts and slots; filled from the time.
TIME_WORDS = ('time', 'time_sentence', 'agenda', 'weekday', 'date', 'year', 'part_of_day', 'greeting', 'season')
SENTENCE_WORDS = ('time_sentence', 'agenda', 'greeting')
WEEKDAYS = {'es': ('lunes', 'martes', 'miércoles', 'jueves', 'viernes', 'sábado', 'domingo'),
            'en': ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday')}
MONTHS = {'es': ('enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'septiembre', 'octubre',
                 'noviembre', 'diciembre'),
          'en': ('January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
                 'November', 'December')}
# Hours at which each part of the day begins, as people in Spain and in Britain name them.
PARTS = {'es': ((6, 'mañana'), (13, 'tarde'), (21, 'noche'), (0, 'madrugada')),
         'en': ((5, 'morning'), (12, 'afternoon'), (18, 'evening'), (0, 'night'))}
GREETINGS = {'es': {'mañana': 'Buenos días', 'tarde': 'Buenas tardes', 'noche': 'Buenas noches',
                    'madrugada': 'Buenas noches'},
             'en': {'morning': 'Good morning', 'afternoon': 'Good afternoon', 'evening': 'Good evening',
                    'night': 'Hello'}}
SEASONS = {'es': ('invierno', 'primavera', 'verano', 'otoño'), 'en': ('winter', 'spring', 'summer', 'autumn')}

DEFAULTS = {
    'es': {
        'unclear': ('Perdone, no le he oído bien.', 'Disculpe, no le he entendido.', 'No le he oído bien, perdone.'),
        'confirm': ('¿Quiere decir: {meaning}?',),
        'denied': ('De acuerdo.', 'Muy bien.', 'Vale.'),
        'confirm_seen': ('Creo que ha escrito {seen}. ¿Es así?', 'Veo un {seen}. ¿Es así?'),
        'give_up': ('No pasa nada. Estoy aquí si me necesita.', 'No se preocupe. Sigo aquí con usted.'),
        'slower': ('Claro, hablo más despacio.', 'Voy más despacio.')},
    'en': {
        'unclear': ('Sorry, I did not hear you well.', 'Sorry, I did not understand.'),
        'confirm': ('Do you mean: {meaning}?',),
        'denied': ('All right.', 'That is fine.'),
        'confirm_seen': ('I think you wrote {seen}. Is that right?',),
        'give_up': ('Never mind. I am here if you need me.', 'That is all right. I am still here with you.'),
        'slower': ('Of course, I will speak more slowly.',)}}


def part_of_day(moment: datetime.datetime, language: str) -> str:
    """Return mañana, tarde, noche or madrugada (morning, ...)."""
    return max((p for p in PARTS[language] if p[0] <= moment.hour), key=lambda p: p[0])[1]


def spoken_time(hour: int, minute: int, language: str, with_part: bool = True) -> str:
    """Return a time of day as people say it: 'las tres y media de la tarde', 'half past three in the afternoon'."""
    part = part_of_day(datetime.datetime(2000, 1, 1, hour, minute), language)
    if language == 'en':
        return _english_time(hour, minute, part if with_part else '')
    shown, rest = hour, minute
    words = ''
    if minute > 30 and minute % 5 == 0:
        shown, rest = (hour + 1) % 24, 60 - minute
        words = ' menos ' + ('cuarto' if rest == 15 else num2words(rest, lang='es'))
    elif minute:
        words = ' y ' + {15: 'cuarto', 30: 'media'}.get(minute, num2words(minute, lang='es'))
    twelve = shown % 12 or 12
    name = 'la una' if twelve == 1 else f'las {num2words(twelve, lang="es")}'
    return name + words + (f' de la {part}' if with_part else '')


def _english_time(hour, minute, part):
    shown = hour if minute <= 30 else (hour + 1) % 24
    name = num2words(shown % 12 or 12)
    rest = minute if minute <= 30 else 60 - minute
    count = {15: 'quarter', 30: 'half'}.get(rest, num2words(rest) + (' minute' if rest == 1 else ' minutes'))
    words = f"{name} o'clock" if not minute else f'{count} {"past" if minute <= 30 else "to"} {name}'
    return words + ({'': '', 'night': ' at night'}.get(part, f' in the {part}'))


def time_words(moment: datetime.datetime, language: str) -> dict[str, str]:
    """Return what fills {time}, {weekday}, {date}, {year}, {part_of_day}, {greeting} and {season}."""
    part, weekday = part_of_day(moment, language), WEEKDAYS[language][moment.weekday()]
    month = MONTHS[language][moment.month - 1]
    if language == 'es':
        date = f'{weekday}, {num2words(moment.day, lang="es") if moment.day > 1 else "uno"} de {month}'
    else:
        date = f'{weekday}, {num2words(moment.day, to="ordinal")} of {month}'
    season = SEASONS[language][_season(moment)]
    time = spoken_time(moment.hour, moment.minute, language)
    sentence = f'It is {time}.' if language == 'en' else f'{"Es" if time.startswith("la ") else "Son"} {time}.'
    return {'time': time, 'time_sentence': sentence, 'weekday': weekday, 'date': date,
            'year': num2words(moment.year, lang='es') if language == 'es' else num2words(moment.year, to='year'),
            'part_of_day': part, 'greeting': GREETINGS[language][part], 'season': season}


def agenda(entries, language: str) -> str:
    """Return what today still brings, from (hour, minute, title) in order, as one or more sentences."""
    if not entries:
        return 'Hoy no hay nada más apuntado.' if language == 'es' else 'There is nothing more planned for today.'
    parts = [f'{"a" if language == "es" else "at"} {spoken_time(h, m, language)}, {title}' for h, m, title in entries]
    joined = '; '.join(parts)
    return f'Hoy tiene esto: {joined}.' if language == 'es' else f'Today there is: {joined}.'


def _season(moment) -> int:
    """Return the index of the season of the northern half of the world, by the usual first days."""
    day = moment.month * 100 + moment.day
    return 1 if 321 <= day < 621 else 2 if 621 <= day < 923 else 3 if 923 <= day < 1221 else 0


def spoken_value(value: str, language: str) -> str:
    """Return a slot's value as it is said: "17:30" becomes a spoken time, anything else stays."""
    match = re.fullmatch(r'([01]\d|2[0-3]):([0-5]\d)', value)
    return spoken_time(int(match[1]), int(match[2]), language) if match else value


def filled(text: str, values) -> str:
    """Return the text with each {placeholder} replaced by values[placeholder].

    A value that is a sentence (SENTENCE_WORDS) loses its capital after a comma and its full stop before one.
    """
    out, parts = '', list(string.Formatter().parse(text))
    for i, (before, name, _, _) in enumerate(parts):
        out += before
        if name is None:
            continue
        value = str(values[name])
        if name in SENTENCE_WORDS and value:
            if out.rstrip() and out.rstrip()[-1] not in '.!?…:':
                value = value[0].lower() + value[1:]
            after = parts[i + 1][0] if i + 1 < len(parts) else ''
            if after[:1] in tuple(',;.!?…'):
                value = value.removesuffix('.')
        out += value
    return out


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [s for s in re.split(r'(?<=[.!?…])\s+', text.strip()) if s]


def short_question(text: str) -> str:
    """Return the last question of a text, or the whole where it asks nothing."""
    questions = [s for s in sentences(text) if s.endswith('?')]
    return questions[-1] if questions else text


def spoken_seconds(text: str) -> float:
    """Return about how long it takes to say a text: 2.2 words a second, the pace of careful speech, and 0.6 s."""
    return 0.6 + len(text.split()) / 2.2


def moment(now: float, zone) -> datetime.datetime:
    """Return s of ROS time as a local date and time; the epoch where the clock is beyond the calendar."""
    try:
        return datetime.datetime.fromtimestamp(now, zone)
    except (OverflowError, ValueError, OSError):
        return datetime.datetime.fromtimestamp(0, zone)
