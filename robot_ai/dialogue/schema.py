"""schema.json (published inside the package) applied to a file read: faults as [(path, text)] in plain words.

jsonschema's own messages quote whole values and its own keywords; a carer needs the word that is wrong, what
may stand there, and the nearest right spelling.
"""
import functools
import json
from importlib import resources

import jsonschema
from rapidfuzz import process

KINDS = {'object': 'a group of `key: value` lines', 'array': 'a list', 'string': 'a text', 'number': 'a number',
         'integer': 'a whole number', 'boolean': 'true or false', 'null': 'nothing'}

MISSING = {  # what a word that must be there is for
    'robot_ai_dialogue': 'the version of the format, `robot_ai_dialogue: 1`', 'name': 'a short name',
    'start': 'the state to begin in', 'safe': 'the state to rest in when nobody answers',
    'states': 'the group of states', 'intents': 'the group of what people may mean',
    'examples': 'a list of phrases that people say', 'seconds': 'how long to wait, as `seconds: 20`',
    'go': 'the state to go to', 'failed': 'the state to go to when that does not succeed in time',
    'done': 'the state to go to when that has succeeded', 'at': 'the time of day, as `at: "09:30"`',
    'person': 'whom to tell', 'message': 'what to tell them'}


@functools.cache
def dialogue_schema() -> dict:
    """Return the JSON Schema (draft 2020-12) of dialogue files."""
    return json.loads(resources.files('robot_ai.dialogue').joinpath('schema.json').read_text('utf-8'))


@functools.cache
def _validator():
    return jsonschema.Draft202012Validator(dialogue_schema())


def schema_faults(source) -> list[tuple[tuple, str]]:
    """Return what in `source` (a reading.Source) does not fit the schema."""
    faults = []
    for error in _validator().iter_errors(source.value):
        faults += _explained(error)
    return faults


def _explained(error):
    path, value, rule = tuple(error.absolute_path), error.instance, error.validator
    if rule == 'additionalProperties' and isinstance(error.validator_value, bool):
        allowed = list(error.schema.get('properties', {}))
        return [((*path, ('key', key)), _unknown(key, allowed)) for key in value if key not in allowed]
    if rule == 'required':
        missing = [key for key in error.validator_value if key not in value]
        return [(path, f'{key!r} is missing here' + (f': {MISSING[key]}' if key in MISSING else ''))
                for key in missing if f"'{key}'" in error.message]
    if 'propertyNames' in error.absolute_schema_path:
        return [((*path, ('key', value)), f'{value!r} cannot be a name: letters, digits and _ only, a letter first')]
    if rule == 'type' and path[-1:] == ('at',):
        return [(path, f'expected a time of day in quotes as "09:30", got {_shown(value)}')]
    return [(path, _sentence(rule, error.validator_value, value))]


def _unknown(key, allowed) -> str:
    best = process.extractOne(key, allowed, score_cutoff=60)
    guess = f'; did you mean {best[0]!r}?' if best else '.'
    if key.partition(' ')[0] in allowed:
        guess = f'; is a colon missing after {key.partition(" ")[0]!r}?'
    return f'the word {key!r} has no meaning here{guess} Allowed: {", ".join(allowed)}'


def _sentence(rule, wanted, value) -> str:
    shown = _shown(value)
    if rule == 'type':
        kinds = [wanted] if isinstance(wanted, str) else wanted
        hint = ' (put quotes around it to make it a text)' if 'string' in kinds and isinstance(
            value, (int, float)) else ''
        return f'expected {" or ".join(KINDS[k] for k in kinds)}, got {shown}{hint}'
    if rule in ('enum', 'const'):
        choices = wanted if rule == 'enum' else [wanted]
        return f'expected one of {", ".join(map(str, choices))}, got {shown}'
    if rule in ('minimum', 'maximum'):
        return f'expected {"at least" if rule == "minimum" else "at most"} {wanted:g}, got {shown}'
    if rule in ('minLength', 'minItems', 'minProperties'):
        return 'empty: expected at least one entry'
    if rule in ('maxLength', 'maxItems', 'maxProperties'):
        return f'too long: {len(value)}, at most {wanted}'
    if rule == 'pattern' and 'T' not in wanted and ':[0-5]' in wanted:
        return f'expected a time of day in quotes as "09:30", got {shown}'
    if rule == 'pattern' and '{4}' in wanted:
        return f'expected a date as 2027-01-31, got {shown}'
    if rule == 'pattern':
        return f'{shown} cannot be a name: letters, digits and _ only, a letter first'
    return f'{shown} does not fit the rule {rule}'


def _shown(value) -> str:
    if isinstance(value, dict):
        return 'a group of `key: value` lines'
    if isinstance(value, list):
        return 'a list'
    if value is None:
        return 'nothing'
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 50 else text[:47] + '...'
