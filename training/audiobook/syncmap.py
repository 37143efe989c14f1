"""Reads and writes aeneas sync maps (JSON), so that existing maps and finetuneas edits serve unchanged.

{"fragments": [{"begin": "0.000", "children": [], "end": "2.680", "id": "f000001",
                "language": "spa", "lines": ["En un lugar de la Mancha"]}]}
"""
import json
from pathlib import Path

from robot_ai.errors import ConfigurationError
from training.audiobook.files import read_json, write_text
from training.audiobook.fragments import Alignment, Fragment

LANGUAGES = {'es': 'spa'}  # aeneas names languages in three letters


def read(path: Path) -> list[Fragment]:
    """Return the fragments of a sync map; nested maps give their leaves. ConfigurationError says what is wrong."""
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get('fragments'), list):
        raise ConfigurationError(f'{path}: expected a sync map: a JSON object with a list "fragments"')
    return [_fragment(path, number, entry) for number, entry in enumerate(_leaves(document['fragments']))]


def _leaves(entries):
    for entry in entries:
        children = entry.get('children') if isinstance(entry, dict) else None
        if children:
            yield from _leaves(children)
        else:
            yield entry


def _fragment(path, number, entry):
    try:
        begin, end = float(entry['begin']), float(entry['end'])
        text = ' '.join(entry['lines'])
        name = str(entry.get('id', f'f{number + 1:06d}'))
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(f'{path}: fragment {number + 1}: expected begin, end and lines') from None
    if not 0 <= begin <= end:
        raise ConfigurationError(f'{path}: fragment {name}: begin {begin} and end {end} are not in order')
    return Fragment(name, text, begin, end)


def dumps(alignment: Alignment, language: str = 'es') -> str:
    """Return the sync map of the fragments that were read, byte for byte as aeneas writes it."""
    entries = [{'begin': f'{fragment.begin:.3f}', 'children': [], 'end': f'{fragment.end:.3f}', 'id': fragment.id,
                'language': LANGUAGES.get(language, language), 'lines': [fragment.text]}
               for fragment in alignment.fragments if fragment.read]
    return json.dumps({'fragments': entries}, indent=1, sort_keys=True)


def write(path: Path, alignment: Alignment, language: str = 'es') -> None:
    """Write the sync map, whole or not at all."""
    write_text(path, dumps(alignment, language))
