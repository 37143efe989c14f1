"""Sentences as people write them, with figures, dates, hours, money, abbreviations; and dialogues filled in.

`texts.py` writes what is said; these go through the normaliser, so that a model also hears how every kind of
figure is read. Dialogue files (config/dialogues/*.yaml) give what people are expected to say to the robot.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from robot_ai.speech.spanish_tables import MONTHS

_NOUNS = ('libros', 'casas', 'personas', 'sillas', 'euros', 'horas', 'niños', 'manzanas', 'páginas', 'kilómetros',
          'semanas', 'años', 'minutos', 'lápices', 'cuadernos', 'veces', 'árboles', 'estrellas', 'preguntas')
_UNITS = ('km', 'kg', 'm', 'cm', 'g', 'l', '%', '°C', 'km/h', '€', 'min', 'h')
_KINGS = ('Felipe II', 'Alfonso XIII', 'Isabel II', 'Carlos V', 'Juan XXIII', 'Luis XIV', 'Carlos III', 'Pedro I')
_PEOPLE = ('el Sr. García', 'la Sra. López', 'el Dr. Ruiz', 'la Dra. Gil', 'D. Luis', 'D.ª Ana', 'la Srta. Rey')
_CENTURIES = ('XII', 'XV', 'XVI', 'XVII', 'XVIII', 'XIX', 'XX', 'XXI')

_FRAMES = (
    'Hay {n} {noun} en la mesa.',
    'Necesito {n} {noun}, por favor.',
    '¿Cuántos son {n} {noun}?',
    'Mide {d} {unit}.',
    'Son {n} {unit} en total.',
    'Nació el {date}.',
    'La clase es el {day} de {month} a las {clock}.',
    'El {slashed} empieza el curso.',
    'Quedamos a las {clock}.',
    'Cuesta {money}.',
    'Está en la página {n}.',
    'Abre el libro por el capítulo {roman}.',
    'Ocurrió en el siglo {century}.',
    '{king} reinó muchos años.',
    'Vive en el {ordinal} piso.',
    'Es la {ordinala} vez que viene {person}.',
    'Ha venido {person}.',
    'Suma {f} y {f}.',
    'El resultado es {d}.',
    'Llama al teléfono {phone}.',
    'Hace {t} °C.',
    'Ha crecido un {n} %.',
    '{person} tiene {n} años.',
    'Entre {n} y {n} hay {n} {noun}.',
    'Queda 1 {one}.',
    'La habitación n.º {n} está libre.',
    '{n} + {n} = {n}',
)


def written_sentences(seed: int, count: int) -> Iterator[str]:
    """Yield `count` sentences with figures; the same for the same seed."""
    rng = random.Random(f'written {seed}')
    for _ in range(count):
        yield re.sub(r'\{(\w+)\}', lambda match: _written(match[1], rng), rng.choice(_FRAMES))


def _written(slot, rng):
    number = rng.randrange(10 ** rng.choice((1, 2, 2, 3, 3, 4, 5)))
    grouped = f'{number:,}'.replace(',', '.') if number > 9999 else str(number)
    written = {
        'n': grouped,
        'noun': rng.choice(_NOUNS),
        'unit': rng.choice(_UNITS),
        'd': f'{number % 1000},{rng.randrange(100)}',
        'date': f'{rng.randrange(1, 29)} de {rng.choice(MONTHS)} de {rng.randrange(1400, 2031)}',
        'day': str(rng.randrange(1, 31)),
        'month': rng.choice(MONTHS),
        'century': rng.choice(_CENTURIES),
        'clock': f'{rng.randrange(1, 24)}:{rng.randrange(60):02d}',
        'king': rng.choice(_KINGS),
        'slashed': f'{rng.randrange(1, 29)}/{rng.randrange(1, 13)}/{rng.randrange(1950, 2031)}',
        'money': rng.choice(
            (f'{number % 500},{rng.randrange(1, 100):02d} €', f'{grouped} €', f'${number % 1000}')
        ),
        'roman': rng.choice(
            ('I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XIV', 'XX', 'XXXIX')
        ),
        'ordinal': rng.choice(('1.er', '2.º', '3.er', '4.º', '5.º', '7.º', '10.º')),
        'person': rng.choice(_PEOPLE),
        'ordinala': rng.choice(('1.ª', '2.ª', '3.ª', '6.ª', '8.ª')),
        'one': rng.choice(('hora', 'minuto', 'libro')),
        'f': f'{rng.randrange(1, 9)}/{rng.randrange(2, 13)}',
        't': str(rng.randrange(-5, 41)),
        'phone': f'6{rng.randrange(10)}' + ' '.join(f'{rng.randrange(100):02d}' for _ in range(4)),
    }
    return written[slot]


def dialogue_sentences(files: list[Path], seed: int, fills: int = 5) -> Iterator[str]:
    """Yield every example of the dialogues' intents and what the robot says, slots filled in `fills` times."""
    rng = random.Random(f'dialogue {seed}')
    for file in files:
        dialogue = yaml.safe_load(file.read_text(encoding='utf-8'))
        names = {
            kind: [word for value, others in entries.items() for word in (value, *(others or ()))]
            for kind, entries in (dialogue.get('names') or {}).items()
        }
        for intent in (dialogue.get('intents') or {}).values():
            for example in intent['examples']:
                repeats = fills if '{' in example else 1
                for _ in range(repeats):
                    yield _fill(example, intent.get('slots') or {}, names, rng)


def _fill(example, slots, names, rng):
    def value(match):
        kind = slots.get(match[1], match[1])
        if kind in names:
            return rng.choice(names[kind])
        if kind in ('time', 'hour', 'hora'):
            return f'las {rng.randrange(2, 13)}'
        if kind in ('date', 'fecha'):
            return f'{rng.randrange(1, 29)} de {rng.choice(MONTHS)}'
        if kind in ('number', 'digits', 'numero', 'número', 'integer'):
            return str(rng.randrange(10 ** rng.choice((1, 2, 2, 3))))
        return rng.choice(_NOUNS)

    return re.sub(r'\{(\w+)[^}]*\}', value, example)
