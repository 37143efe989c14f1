"""Every state of the bundled dialogues is reached by what people, time and performers can do: by directed walks.

From each state reached, every way out that the file declares is tried with the event that it waits for; a state not
reached so is one that nobody would ever meet.
"""
import datetime
import itertools

import pytest

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.events import Act, ActionResult, Heard, Named, Seen, StateChanged, Tick
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.paths import share_directory

CLOCK = 1_800_000_000.0
SLOT_VALUES = {'number': 'siete', 'time': 'a las cinco', 'day': 'mañana', 'yes_no': 'sí'}
ENGLISH_VALUES = {'number': 'seven', 'time': 'at five', 'day': 'tomorrow', 'yes_no': 'yes'}
WAITS = (40.0, 120.0, 400.0, 3600.0)
MAX_TRIES = 6000


class Walker:
    """A machine whose place can be kept and gone back to."""

    def __init__(self, dialogue):
        self.machine, self.now, self.open, self.visited = DialogueMachine(dialogue, CLOCK), CLOCK, {}, set()
        self.note(self.machine.handle(Tick(), CLOCK))

    def note(self, outputs):
        self.visited |= {o.state for o in outputs if isinstance(o, StateChanged)}
        self.open |= {o.id: o.name for o in outputs if isinstance(o, Act)}

    def goto(self, snapshot, now):
        self.open, self.now = {}, now
        self.machine.restore(snapshot, now)
        self.note(self.machine.handle(Tick(), now))

    def give(self, event):
        self.now = max(self.now, self.machine.speaking_until) + 1.0
        self.note(self.machine.handle(event, self.now))

    def mumble(self):
        """Say what nobody could understand until the state gives up."""
        before = self.machine.state
        for _ in range(5):
            if self.machine.state == before:
                self.give(Heard('xilg brumf tzonk vriel'))

    def wait(self, seconds):
        """Let time pass until the state changes, `seconds` at most."""
        before, end = self.machine.state, self.now + seconds
        while self.machine.state == before and (self.machine.next_deadline or end + 1) <= end:
            self.now = max(self.now, self.machine.next_deadline)
            self.note(self.machine.handle(Tick(), self.now))


def utterance(dialogue, name, round_, wanted=None):
    """Return an example of an intent; `wanted` are the values that its slots should have."""
    if name in ('affirm', 'deny'):
        spanish = dialogue.language == 'es'
        return {'affirm': 'sí' if spanish else 'yes', 'deny': 'no'}[name]
    intent = dialogue.intents[name]
    fitting = [e for e in intent.examples if not wanted or any('{' + s + '}' in e for s in wanted)] or intent.examples
    text = fitting[round_ % len(fitting)]
    values = SLOT_VALUES if dialogue.language == 'es' else ENGLISH_VALUES
    for slot, kind in intent.slots.items():
        known = sorted(dialogue.names.get(kind, ()))
        value = (wanted or {}).get(slot) or (known[round_ % len(known)] if known else values[kind])
        text = text.replace('{' + slot + '}', value)
    return text


def moves(walker, round_):
    """Yield what can be done in the present state: each a function of the walker."""
    dialogue, machine = walker.machine.dialogue, walker.machine
    for state in dialogue.line(machine.state):
        for reaction in state.on:
            wanted = {k: str(v).format_map({**dialogue.facts, **machine.slots})
                      for k, v in reaction.where.items() if v is not None}
            for name in reaction.hear:
                yield lambda w, name=name, wanted=wanted: w.give(Heard(utterance(dialogue, name, round_, wanted)))
            for name in reaction.event:
                yield lambda w, name=name: w.give(Named(name))
            for latex in reaction.see:
                known = latex.format_map({**dialogue.facts, **machine.slots}) if latex != '*' else '0'
                yield lambda w, known=known: w.give(Seen(known))
    for identity, ok in itertools.product(list(walker.open), (True, False)):
        yield lambda w, i=identity, ok=ok: w.give(ActionResult(i, ok))
    yield lambda w: w.mumble()
    for seconds in WAITS:
        yield lambda w, s=seconds: w.wait(s)


def always(dialogue, round_):
    for reaction in dialogue.always:
        for name in reaction.hear:
            yield lambda w, name=name: w.give(Heard(utterance(dialogue, name, round_)))
        for name in reaction.event:
            yield lambda w, name=name: w.give(Named(name))


def beginnings(walker):
    """Yield (snapshot, time) to walk from: the dialogue's start, and each reminder just after it came due."""
    yield walker.machine.snapshot(), walker.now
    dialogue = walker.machine.dialogue
    rest = walker.machine.snapshot() | {'state': dialogue.leaf(dialogue.safe), 'slots': {}, 'reminders': {}}
    today = datetime.datetime.fromtimestamp(CLOCK, dialogue.zone).date()
    for reminder in dialogue.reminders:
        days = [reminder.date] if reminder.date else [today + datetime.timedelta(days=i) for i in range(1, 8)]
        day = next(d for d in days if not reminder.days or d.weekday() in reminder.days)
        at = datetime.time(reminder.minute // 60, reminder.minute % 60)
        now = datetime.datetime.combine(day, at, dialogue.zone).timestamp() - 5.0
        walker.goto(rest | {'saved': now}, now)
        walker.wait(10.0)
        yield walker.machine.snapshot(), walker.now


def walk(dialogue, rounds=4):
    """Return the states reached, breadth first; later rounds use other words and values."""
    walker, tries = Walker(dialogue), 0
    leaves = {p for p, s in dialogue.states.items() if s.leaf}
    begin = list(beginnings(walker))
    for round_ in range(rounds):
        todo, expanded = list(begin), set()
        while todo and tries < MAX_TRIES and not leaves <= walker.visited:
            snapshot, now = todo.pop(0)
            if snapshot['state'] in expanded:
                continue
            everywhere = always(dialogue, round_) if not expanded else ()
            expanded.add(snapshot['state'])
            walker.goto(snapshot, now)
            for move in [*moves(walker, round_), *everywhere]:
                tries += 1
                walker.goto(snapshot, now)
                move(walker)
                if walker.machine.state not in expanded:
                    todo.append((walker.machine.snapshot(), walker.now))
    return walker.visited & leaves, leaves


@pytest.mark.parametrize('name', ['acompanante.yaml', 'companion.yaml'])
def test_every_state_is_reached(name):
    visited, leaves = walk(load_dialogue(share_directory() / 'config' / 'dialogues' / name))
    assert leaves - visited == set()
