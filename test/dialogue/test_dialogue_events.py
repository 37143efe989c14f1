"""No sequence of events leaves a dialogue crashed, stuck or silent beyond its patience.

Events are what the world really sends: words that the state listens for, other intents, off-topic talk, garbage
(empty, 10 kB, emoji, control characters), readings, failed, stale and unknown action results, clock jumps.
"""
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.machine import (
    Act,
    ActionResult,
    DialogueMachine,
    Heard,
    Listen,
    Named,
    Say,
    Seen,
    StateChanged,
    Tick,
)
from robot_ai.paths import share_directory

DIALOGUES = ('acompanante.yaml', 'companion.yaml')
GARBAGE = ('', ' ', '\x00\x01\x1b[2J',
           '😀' * 50, 'a' * 10_000, 'el la los ' * 1000, '{hora} {0} {}', '%s %n', '\u202e', '¿?¡!',
           '123456789012345678901234567890', 'ñandú Ñ', '</s>', 'null', '\ud83d')
CLOCK = 1_800_000_000.0


@pytest.fixture(scope='module', params=DIALOGUES)
def machine(request):
    return DialogueMachine(load_dialogue(share_directory() / 'config' / 'dialogues' / request.param), CLOCK)


class Robot:
    """Runs a machine as the node does, timers at their deadlines, and checks what must hold after every event."""

    def __init__(self, machine, clock=CLOCK, seed=0):
        self.machine, self.now, self.open, self.visited = machine, clock, {}, set()
        machine.seed = seed
        machine.restore({}, clock)  # a damaged memory: it begins at the start
        self.feed(Tick())

    def feed(self, event, after=0.0):
        end, machine = self.now + after, self.machine
        for _ in range(200):
            deadline = machine.next_deadline
            if deadline is None or deadline > end:
                break
            self.now = max(self.now, deadline)
            self.note(machine.handle(Tick(), self.now))
        self.now = end
        self.note(machine.handle(event, self.now))

    def note(self, outputs):
        machine = self.machine
        for output in outputs:
            assert isinstance(output, (Say, StateChanged, Act, Listen))
            if isinstance(output, StateChanged):
                self.visited.add(output.state)
            elif isinstance(output, Act):
                self.open[output.id] = output.name
                assert len(self.open) < 100_000
            elif isinstance(output, Say):
                assert output.text.strip() and '{' not in output.text and len(output.text) < 1000
        assert machine.dialogue.states[machine.state].leaf
        if machine.resting:
            return
        deadline = machine.next_deadline
        assert deadline is not None, f'{machine.state} waits for nothing'
        patience = 1.5 * machine.dialogue.patience + 1
        if not machine.awaiting_action:
            assert deadline <= max(self.now, machine.speaking_until) + patience, f'{machine.state} is silent too long'
        else:
            assert deadline <= max(self.now, machine.speaking_until) + 1800


def random_event(chance, robot):
    dialogue = robot.machine.dialogue
    kind = chance.random()
    if kind < 0.5:
        own = robot.machine.listens_here  # mostly answers to what was asked: else the always intents drown them
        active = sorted(own if own and chance.random() < 0.8 else robot.machine.listens_for)
        intent = dialogue.intents.get(chance.choice(active)) if active else None
        if intent is None or chance.random() < 0.1:
            intent = dialogue.intents[chance.choice(sorted(dialogue.intents))]
        text = chance.choice(intent.examples[:8])
        for kind_of_slot in intent.slots.values():
            values = sorted(dialogue.names.get(kind_of_slot, {'7': 0, '3': 0}))
            text = text.split('{')[0] + chance.choice(values)
        return Heard(text, chance.choice((1.0, 1.0, 0.6)))
    if kind < 0.62:
        return Heard(chance.choice(GARBAGE), chance.choice((0.0, 1.0, 2.0, -1.0, float('nan'))))
    if kind < 0.72:
        return Seen(chance.choice(('7', '4', '8', r'\alpha', '', 'x' * 500)), chance.random(),
                    (('7', 0.3), ('4', 0.2)))
    if kind < 0.86 and robot.open:
        identity = chance.choice(list(robot.open)[-3:])
        robot.open.pop(identity)
        return ActionResult(identity, chance.random() < 0.6, 'why')
    if kind < 0.9:
        return ActionResult(chance.choice(('', 'unknown-1')), True)
    if kind < 0.94:
        return Named(chance.choice(('ayuda_llegada', 'familia_en_casa', 'familia_se_va', 'help_arrived', 'family_here',
                                    'family_leaves', 'nothing')), {'toma': 'x' * 1000, 'unknown': 1})
    return Tick()


def run_random(machine, events, seed):
    chance = random.Random(seed)
    robot = Robot(machine, seed=seed)
    for _ in range(events):
        step = chance.choice((0.0, 0.5, 3.0, 10.0, 30.0)) if chance.random() < 0.97 else chance.choice((600.0, 7200.0))
        robot.feed(random_event(chance, robot), step)
        if chance.random() < 0.0005:
            robot.now += chance.choice((-7200.0, 5.0, 40_000.0))  # the clock is set
        if len(robot.open) > 50:
            robot.open = dict(list(robot.open.items())[-5:])
        if chance.random() < 0.001:
            memory = json.loads(json.dumps(machine.snapshot()))
            machine.restore(memory, robot.now, quiet=chance.random() < 0.5)
            robot.feed(Tick())
    return robot


@pytest.mark.parametrize('seed', range(5))  # with two dialogues: 100,000 events, timers not counted
def test_ten_thousand_random_events_keep_it_alive(machine, seed):
    assert len(run_random(machine, 10_000, seed=11 + seed).visited) > 30


@pytest.mark.long
@pytest.mark.parametrize('seed', range(10))  # with two dialogues: a million
def test_fifty_thousand_random_events_keep_it_alive(machine, seed):
    assert len(run_random(machine, 50_000, seed=100 + seed).visited) > 40


EVENTS = st.one_of(
    st.builds(Heard, st.one_of(st.text(max_size=60), st.sampled_from(GARBAGE), st.sampled_from(
        ('sí', 'no', 'ayuda', 'para', 'yes', 'help', 'stop', 'qué hora es', 'no sé'))), st.floats(0, 1)),
    st.builds(Seen, st.text(max_size=5), st.floats(0, 1)),
    st.builds(ActionResult, st.sampled_from(('', 'acompanante-3', 'companion-3')), st.booleans()),
    st.builds(Named, st.text(max_size=20), st.dictionaries(st.text(max_size=5), st.integers(), max_size=2)),
    st.just(Tick()))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(st.tuples(EVENTS, st.floats(0, 400)), max_size=25), seed=st.integers(0, 1000))
def test_any_events_keep_it_alive_and_give_the_same_trace_again(machine, events, seed):
    traces = []
    for _ in range(2):
        robot, trace = Robot(machine, seed=seed), []
        note = robot.note
        robot.note = lambda outputs, note=note, trace=trace: (trace.extend(outputs), note(outputs))
        for event, after in events:
            robot.feed(event, after)
        robot.feed(Tick(), 300.0)
        traces.append(trace)
    assert traces[0] == traces[1]


def test_the_step_of_the_clock_changes_nothing(machine):
    """Timers run at their own due times: ten ticks or one, the states and their times are the same."""
    seen = []
    for step in (0.7, 55.0):
        machine.restore({}, CLOCK)
        now, changes = CLOCK, []
        while now < CLOCK + 550:
            changes += [o for o in machine.handle(Tick(), now) if isinstance(o, (StateChanged, Say))]
            now += step
        seen.append(changes[:6])
    assert seen[0] == seen[1] and len(seen[0]) > 2
