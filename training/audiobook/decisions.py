"""What a person decided about fragments: accepted, rejected, borders moved, text changed; kept apart from the map.

The sync map stays what aeneas and finetuneas expect; what they have no place for lies in decisions/NAME.json:
`{"fragments": {"f000012": {"state": "accepted", "begin": 1.2, "end": 3.4, "text": "..."}}}`.
"""
from dataclasses import replace

from robot_ai.errors import ConfigurationError
from training.audiobook.files import Book, read_json, write_json
from training.audiobook.fragments import Alignment, Fragment

STATES = ('open', 'accepted', 'rejected')


def read_decisions(book: Book, name: str) -> dict[str, dict]:
    """Return the decisions on one recording by fragment; none where nobody reviewed it."""
    path = book.path('decisions', name)
    if not path.is_file():
        return {}
    document = read_json(path)
    decisions = document.get('fragments') if isinstance(document, dict) else None
    if not isinstance(decisions, dict):
        raise ConfigurationError(f'{path}: expected an object with "fragments"')
    return decisions


def check_decision(decision: object, seconds: float) -> dict:
    """Return the decision with known keys only; ConfigurationError says what is wrong with it."""
    if not isinstance(decision, dict):
        raise ConfigurationError(f'a decision is an object, not {type(decision).__name__}')
    state = decision.get('state', 'open')
    if state not in STATES:
        raise ConfigurationError(f'state {state!r}: expected {", ".join(STATES)}')
    checked = {'state': state}
    if 'begin' in decision or 'end' in decision:
        begin, end = decision.get('begin'), decision.get('end')
        numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (begin, end))
        if not numbers or not 0 <= begin < end <= seconds + 0.05:
            raise ConfigurationError(f'borders {begin} to {end}: expected 0 <= begin < end <= {seconds:.3f}')
        checked.update(begin=round(float(begin), 3), end=round(float(end), 3))
    if 'text' in decision:
        if not isinstance(decision['text'], str) or not decision['text'].strip():
            raise ConfigurationError('text: expected a sentence')
        checked['text'] = ' '.join(decision['text'].split())
    return checked


def write_decisions(book: Book, name: str, decisions: dict[str, dict]) -> None:
    """Write the decisions on one recording, whole or not at all."""
    write_json(book.path('decisions', name), {'fragments': decisions})


def apply_decisions(book: Book, name: str, alignment: Alignment) -> tuple[list[Fragment], set[str], set[str]]:
    """Return the fragments as decided, the ids rejected and the ids accepted."""
    decisions = read_decisions(book, name)
    fragments = []
    for fragment in alignment.fragments:
        decision = decisions.get(fragment.id, {})
        changes = {key: decision[key] for key in ('begin', 'end', 'text') if key in decision}
        placed = 'begin' in changes or fragment.end > fragment.begin  # accepting alone does not find a sentence
        if placed and ('begin' in changes or decision.get('state') == 'accepted'):
            changes['read'] = True
        fragments.append(replace(fragment, **changes) if changes else fragment)
    states = {state: {key for key, decision in decisions.items() if decision.get('state') == state}
              for state in STATES}
    return fragments, states['rejected'], states['accepted']
