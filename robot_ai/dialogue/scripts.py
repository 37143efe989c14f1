"""Scripted conversations: YAML steps played through a DialogueMachine, with what must come out of each.

    dialogue: acompanante.yaml          # beside the script, or in config/dialogues
    clock: "2027-03-01 10:00"           # local time at which each conversation begins
    conversations:
      - name: asks for help
        from: reposo                    # a state to begin in; without it the dialogue begins at its start
        steps:
          - {hear: socorro, state: emergencia.avisar, say: ayuda, act: notify}
          - {done: notify, state: emergencia.avisado}

A step does one thing (hear, see, event, done, failed, wait) and tells what must follow (state, say, not_say, act,
slots, silent, phrase, vision). `say` is a part of a sentence, or a list of which one must occur.
"""
import datetime
from dataclasses import dataclass, field
from pathlib import Path

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.events import Act, ActionResult, Heard, Listen, Named, Say, Seen, StateChanged, Tick
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.dialogue.reading import read_yaml
from robot_ai.errors import DialogueError
from robot_ai.paths import find_file

DEEDS = ('hear', 'see', 'event', 'done', 'failed', 'wait')
EXPECTATIONS = ('state', 'say', 'not_say', 'act', 'slots', 'silent', 'phrase', 'vision')
OTHERS = ('confidence', 'data', 'why', 'note', 'candidates')
ANSWER_DELAY = 2.0  # s from the end of the robot's sentence to the person's answer


@dataclass
class Outcome:
    """What became of one script: conversations passed, faults with line and column, states visited and not."""

    passed: int = 0
    failed: int = 0
    faults: list = field(default_factory=list)
    visited: set = field(default_factory=set)
    leaves: tuple[str, ...] = ()  # states that the dialogue can stand in

    @property
    def states(self) -> int:
        """How many states the dialogue can stand in."""
        return len(self.leaves)

    @property
    def unvisited(self) -> list[str]:
        """Those that no conversation came to, in the file's order."""
        return [path for path in self.leaves if path not in self.visited]


class Player:
    """Feeds a machine and keeps what came out; time is made up, and moves with what is said."""

    def __init__(self, machine: DialogueMachine, clock: float, state: str = ''):
        """Begin anew at `clock` (s), at the dialogue's start or in `state`; the machine may have run before."""
        self.machine, self.now, dialogue = machine, clock, machine.dialogue
        machine.restart(clock, count=0)
        self.pending, self.outputs, self.visited, self.listen = {}, [], set(), None
        if state:
            leaf = dialogue.leaf(state)
            snapshot = self.machine.snapshot() | {'state': leaf, 'since': clock, 'saved': clock}
            self.machine.restore(snapshot, clock)
        self.feed(Tick())

    def feed(self, event) -> list:
        """Give one event now; return and keep what came out."""
        self.outputs = self._note(self.machine.handle(event, self.now))
        return self.outputs

    def answer(self, event) -> list:
        """Give an event when the robot has finished speaking."""
        self.now = max(self.now, self.machine.speaking_until) + ANSWER_DELAY
        return self.feed(event)

    def wait(self, seconds: float) -> list:
        """Let time pass, timer by timer; return what came out meanwhile."""
        end, out = self.now + seconds, []
        while self.machine.next_deadline is not None and self.machine.next_deadline <= end:
            self.now = max(self.now, self.machine.next_deadline)
            out += self._note(self.machine.handle(Tick(), self.now))
        self.now = end
        self.outputs = out
        return out

    def result(self, name: str, ok: bool, why: str = '') -> list | None:
        """Answer the newest open action of that name; None where there is none."""
        identity = next((i for i, n in reversed(self.pending.items()) if n == name), None)
        if identity is None:
            return None
        del self.pending[identity]
        self.now += 0.5
        return self.feed(ActionResult(identity, ok, why))

    def _note(self, outputs):
        for output in outputs:
            if isinstance(output, Act):
                self.pending[output.id] = output.name
            elif isinstance(output, StateChanged):
                self.visited.add(output.state)
            elif isinstance(output, Listen):
                self.listen = output
        return outputs


def run_script(path, seed: int = 0) -> Outcome:
    """Play every conversation of the script at `path`. DialogueError where the script itself cannot be used."""
    try:
        text = Path(path).read_text('utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise DialogueError(f'{path}: cannot be read: {error}') from None
    source = read_yaml(text, str(path))
    script = source.value
    if not isinstance(script, dict) or not isinstance(script.get('conversations'), list) or 'dialogue' not in script:
        raise DialogueError(source.fault((), 'expected `dialogue:` and `conversations:` (a list)'))
    beside = Path(path).parent / str(script['dialogue'])
    here = beside.is_file() and not beside.samefile(path)
    dialogue = load_dialogue(beside if here else find_file(script['dialogue'], 'config/dialogues'))
    outcome = Outcome(leaves=tuple(p for p, s in dialogue.states.items() if s.leaf))
    machine = DialogueMachine(dialogue, 0.0, seed)  # built once: that is what takes time
    for i, conversation in enumerate(script['conversations']):
        where = ('conversations', i)
        if not isinstance(conversation, dict) or not isinstance(conversation.get('steps'), list):
            raise DialogueError(source.fault(where, 'a conversation needs `name` and `steps`'))
        clock = _clock(conversation.get('clock', script.get('clock', '2027-03-01 10:00')), dialogue, source, where)
        state = str(conversation.get('from', ''))
        if state and state not in dialogue.states:
            raise DialogueError(source.fault((*where, 'from'), f'no state {state!r}'))
        player = Player(machine, clock, state)
        faults = []
        for j, step in enumerate(conversation['steps']):
            faults += _step(player, step, source, (*where, 'steps', j))
            if faults:
                break
        outcome.visited |= player.visited
        outcome.faults += [f'{fault} (in: {conversation.get("name", i + 1)})' for fault in faults]
        outcome.passed += not faults
        outcome.failed += bool(faults)
    return outcome


def _clock(text, dialogue, source, where):
    try:
        return datetime.datetime.fromisoformat(str(text)).replace(tzinfo=dialogue.zone).timestamp()
    except ValueError:
        raise DialogueError(source.fault(where, f'clock: expected "2027-03-01 10:00", got {text!r}')) from None


def _step(player, step, source, where) -> list[str]:
    if not isinstance(step, dict) or sum(d in step for d in DEEDS) > 1:
        raise DialogueError(source.fault(where, f'a step does at most one of {", ".join(DEEDS)}'))
    for word in step:
        if word not in (*DEEDS, *EXPECTATIONS, *OTHERS):
            raise DialogueError(source.fault((*where, ('key', word)), f'{word!r} has no meaning in a step; allowed: '
                                             f'{", ".join((*DEEDS, *EXPECTATIONS, *OTHERS))}'))
    done = _do(player, step)
    if done is None:
        name = step.get('done') or step.get('failed')
        return [source.fault(where, f'no action {name!r} is open; open: {sorted(player.pending.values())}')]
    return [source.fault((*where, key), text) for key, text in _unmet(player, step)]


def _do(player, step):
    if 'hear' in step:
        return player.answer(Heard(str(step['hear']), float(step.get('confidence', 1.0))))
    if 'see' in step:
        candidates = tuple((str(k), float(v)) for k, v in dict(step.get('candidates') or {}).items())
        return player.answer(Seen(str(step['see']), float(step.get('confidence', 1.0)), candidates))
    if 'event' in step:
        return player.answer(Named(str(step['event']), dict(step.get('data') or {})))
    if 'done' in step:
        return player.result(str(step['done']), True)
    if 'failed' in step:
        return player.result(str(step['failed']), False, str(step.get('why', '')))
    if 'wait' in step:
        return player.wait(float(step['wait']))
    return player.outputs


def _unmet(player, step):
    """Yield (key, what was expected and what came) of each expectation that is not met."""
    said = [o.text for o in player.outputs if isinstance(o, Say)]
    acts = [o.name for o in player.outputs if isinstance(o, Act)]
    for key in EXPECTATIONS:
        if key not in step:
            continue
        wanted = step[key]
        options = [str(w).casefold() for w in (wanted if isinstance(wanted, list) else [wanted])]
        if key == 'state' and player.machine.state not in options:
            yield key, f'expected the state {wanted}, it is {player.machine.state}; it said {said}'
        elif key == 'say' and not any(o in t.casefold() for o in options for t in said):
            yield key, f'expected it to say {wanted!r}, it said {said}; state {player.machine.state}'
        elif key == 'not_say' and any(o in t.casefold() for o in options for t in said):
            yield key, f'expected it not to say {wanted!r}, it said {said}'
        elif key == 'act' and str(wanted) not in acts:
            yield key, f'expected the action {wanted}, it did {acts}'
        elif key == 'silent' and bool(said) == bool(wanted):
            yield key, f'expected {"silence" if wanted else "some sentence"}, it said {said}'
        elif key == 'slots':
            slots = player.machine.slots
            for slot, value in dict(wanted).items():
                if slots.get(slot) != (None if value is None else str(value)):
                    yield key, f'expected {slot} = {value!r}, it is {slots.get(slot)!r}'
        elif key == 'phrase' and str(wanted) not in player.listen.phrases:
            yield key, f'expected the recogniser to be told {wanted!r}'
        elif key == 'vision' and player.listen.vision is not wanted:
            yield key, f'expected vision {wanted}, it is {player.listen.vision}'
