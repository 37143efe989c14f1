"""The robot's state machine: events and a given time go in, what to say, do and listen for comes out.

The states run on `transitions` (engine.py). This module has what a caller uses, and the timers; what is heard
is judged in hearing.py, what follows from it in reacting.py, what is said and done comes from voice.py, and
working_memory.py has the attributes that they share. Nothing here reads a clock, a file or chance: the same
events at the same times give the same outputs, live or from a bag. Timers run at their own due times, in order,
whatever the step of `now`.
"""
import math

from robot_ai.dialogue.engine import Engine
from robot_ai.dialogue.events import (
    Act,
    ActionResult,
    Heard,
    Listen,
    Named,
    Say,
    Seen,
    StateChanged,
    Tick,
)
from robot_ai.dialogue.hearing import Hearing
from robot_ai.dialogue.reacting import Reacting
from robot_ai.dialogue.structure import Dialogue
from robot_ai.dialogue.understanding import Meaning, Understanding
from robot_ai.dialogue.voice import SLOW_FACTOR, Voice

__all__ = ['Act', 'ActionResult', 'DialogueMachine', 'Heard', 'Listen', 'Named', 'Say', 'Seen', 'StateChanged', 'Tick']

SNAPSHOT_VERSION = 1
ALL_SOUNDS = 'sounds'  # as id of `cancel`: every sound that plays, whoever began it
CLOCK_JUMP = 60.0  # s overdue: the clock was set or the robot slept; timers then go on from the new time
# Order of timers due at the same time.
TIMERS = ('action', 'after', 'confirm', 'silence', 'watch', 'reminder')


class DialogueMachine(Hearing, Reacting, Voice):
    """Runs one dialogue. `now` is ROS time in s; `seed` varies the wording chosen, nothing else.

    Uses of Hearing `_heard`, `_saw`, `_named`, `_silent`, `_unanswered`, `_ask`; of Reacting `_enter`, `_go`,
    `_interrupt`, `_action_ended`; of Voice `_say`, `_act`, `_fill`, `_wording`, `_listen`, `_identity`.
    """

    def __init__(self, dialogue: Dialogue, now: float, seed: int = 0):
        self.dialogue, self.seed = dialogue, seed
        self.understanding = Understanding(dialogue)
        self._words = set().union(*(i.slots for i in dialogue.intents.values()), *(
            item for items in dialogue.lists.values() for item in items))
        self._engine = Engine(dialogue, self)
        self._expectations = {}  # (state, whether a question is open) -> Listen
        urgent = {name for name, intent in dialogue.intents.items() if intent.urgent}
        reactions = [r for s in dialogue.line(dialogue.leaf(dialogue.safe)) for r in s.on] + list(dialogue.always)
        self._calls = {r.go: name for r in reactions if r.go for name in r.hear if name in urgent}
        self._local = {p: dialogue.listens_for(p, everywhere=False) for p in dialogue.states}
        self._active = {p: dialogue.listens_for(p) for p in dialogue.states}
        self._expected = {p: dialogue.expects(p) for p in dialogue.states}
        self._clear(now)

    # -- what a caller uses --------------------------------------------------------------------------------

    @property
    def slots(self) -> dict:
        """A copy of the values known."""
        return dict(self._slots)

    @property
    def resting(self) -> bool:
        """Whether silence is right now: a rest state, and no question open."""
        return self._leaf.rest and not self._pending

    @property
    def listens_for(self) -> frozenset:
        """The intents that something reacts to in the present state."""
        return self._active[self.state]

    @property
    def listens_here(self) -> frozenset:
        """Those of them that the state itself, or one around it, reacts to."""
        return self._local[self.state]

    @property
    def open_actions(self) -> tuple:
        """Ids of the actions that an answer is awaited for, or that may still be cancelled."""
        return tuple(self._actions)

    @property
    def speaking_until(self) -> float:
        """When the robot has said what it has to say, by estimate (s of ROS time)."""
        return self._talk_until

    @property
    def next_deadline(self) -> float | None:
        """When `handle(Tick(), ...)` has something to do (s of ROS time), or None."""
        if not self._started:
            return self._now
        times = [*self._timers.values(), self._reminders.next_due]
        return min((t for t in times if t is not None), default=None)

    def handle(self, event, now: float) -> list:
        """Return what follows from `event` at `now`, and from the timers due until then, in order."""
        self._out = []
        now = self._settle_clock(now)
        if not self._started:
            self._start()
        began = event.began if isinstance(event, Heard) else None
        self._run_timers(now if began is None or not began < now else began)
        self._now = max(self._now, now)
        if isinstance(event, Heard):
            self._heard(event)
            self._run_timers(now)
        elif isinstance(event, Seen):
            self._saw(event)
        elif isinstance(event, ActionResult):
            self._action_ended(event.id, event.ok is True, str(event.why)[:200])
        elif isinstance(event, Named):
            self._named(event)
        elif not isinstance(event, Tick):
            raise TypeError(f'{event!r} is no dialogue event')
        self._serve_reminders()
        self._listen()
        return self._out

    def restart(self, now: float, count: int | None = None) -> list:
        """Begin anew at the next `handle`; return what ends what is still going on, sounds included.

        `count` 0 makes it the same as a new machine; else ids go on, so that no late answer meets a new action.
        """
        ending = [Act(self._identity(), 'cancel', {'id': i}) for i in self._actions]
        ending.append(Act(self._identity(), 'cancel', {'id': ALL_SOUNDS}))
        count = self._count if count is None else count
        self._clear(now)
        self._count = count
        return ending

    def snapshot(self) -> dict:
        """Return what survives a restart, as JSON values: the state and slots, never what was said."""
        return {'version': SNAPSHOT_VERSION, 'dialogue': self.dialogue.name, 'state': self.state,
                'since': self._since, 'saved': self._now, 'slots': dict(self._slots), 'count': self._count,
                'remaining': {k: list(v) for k, v in self._remaining.items()}, 'slow': self._slow,
                'came_from': self._came_from, 'last_event': self._last_event,
                'call': self._call, 'asked': self._asked_urgently(),
                'reminders': self._reminders.snapshot(),
                'actions': {name: [path, i, action.name, self._timers.get(f'action {name}')]
                            for name, (path, action, i) in self._actions.items()}}

    def restore(self, snapshot: dict, now: float, quiet: bool = False) -> str:
        """Go on from a snapshot at the next `handle`; return '' or why it starts somewhere else.

        The same state is entered again, asks again and begins its actions again; with `quiet`, after a reload, it
        only listens, and goes on waiting for the actions that are already at work. A memory older than
        `resume_within`, or of a state that is no more, resumes in the safe state. A call for help is never dropped: an
        urgent question that was open is asked again, and the safe state asks whether help that was called is still
        needed; no answer counts as yes, as always.
        """
        self._clear(now)
        try:
            if snapshot['version'] != SNAPSHOT_VERSION or snapshot['dialogue'] != self.dialogue.name:
                return 'the memory is of another dialogue or version'
            state, age = str(snapshot['state']), self._now - float(snapshot['saved'])
            slots = {str(k): str(v)[:300] for k, v in snapshot['slots'].items()}
            remaining = {name: [int(i) for i in left if 0 <= int(i) < len(self.dialogue.lists[name])]
                         for name, left in snapshot['remaining'].items() if name in self.dialogue.lists}
            since = float(snapshot['since'])
            self._count, self._slow = int(snapshot['count']), bool(snapshot['slow'])
            call, asked = str(snapshot.get('call', '')), str(snapshot.get('asked', ''))
            came_from, reminders = str(snapshot['came_from']), dict(snapshot['reminders'])
            actions = self._still_open(dict(snapshot.get('actions') or {}), state) if quiet else {}
            if not math.isfinite(age):
                raise ValueError('saved')
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            self._clear(now)
            return f'the memory is damaged ({type(error).__name__}: {error})'
        self._slots, self._remaining = slots, remaining
        self._reminders.restore(reminders, self._now)
        known = self.dialogue.states.get(state)
        self._came_from = came_from if came_from in self._active else ''
        problem, goal = '', state
        if known is None or not known.leaf:
            problem, goal = f'the state {state!r} is no more', self.dialogue.leaf(self.dialogue.safe)
        elif age > self.dialogue.resume_within or age < -CLOCK_JUMP:
            problem, goal = f'the memory is {age:.0f} s old', self.dialogue.leaf(self.dialogue.safe)
        self._started = True
        self._engine.stand_in(goal)
        self._last_event, self._why = 'restart', problem or 'resumed'
        leaf = self.dialogue.states[goal]
        if not problem:
            for name, (path, i, due) in actions.items():
                self._actions[name] = (path, self.dialogue.states[path].do[i], i)
                self._timers[f'action {name}'] = due
        kept = {(path, i) for path, i, _ in actions.values()}
        self._quiet = quiet and not problem and all(
            (goal, i) in kept for i, action in enumerate(leaf.do) if action.done)
        self._returning = True
        self._out = []
        self._call = call if call in self.dialogue.intents else ''
        self._enter(leaf)
        urgent = asked or (call if problem else '')
        if urgent in self._active[goal] and urgent in self.dialogue.intents:
            self._ask(Meaning(urgent, decision='confirm'))
        self._quiet = False
        if quiet and not problem:
            self._since = since
        self._early, self._timers['start'] = self._out, self._now
        return problem

    def _asked_urgently(self) -> str:
        """Return the urgent intent that an open question is about, or ''."""
        kind, what = self._pending or ('', None)
        intent = self.dialogue.intents.get(what.intent) if kind == 'heard' else None
        return intent.name if intent and intent.urgent else ''

    def _still_open(self, actions, state) -> dict:
        """Return {id: (path, index, due)} of a snapshot's actions that this dialogue still waits for in `state`."""
        out = {}
        for name, (path, i, action, due) in actions.items():
            if state in self.dialogue.states and path in {s.path for s in self.dialogue.line(state)}:
                do = self.dialogue.states[path].do
                if 0 <= int(i) < len(do) and do[int(i)].name == action and math.isfinite(float(due)):
                    out[str(name)] = (path, int(i), float(due))
        return out

    # -- time ----------------------------------------------------------------------------------------------

    def _settle_clock(self, now) -> float:
        """Return a usable `now`; timers move along where the clock jumped."""
        now = float(now)
        if not math.isfinite(now):
            return self._now
        due = min(self._timers.values(), default=now)
        shift = now - self._now if now < self._now - 1.0 else now - due if now - due > CLOCK_JUMP else 0.0
        if shift:
            self._timers = {k: t + shift for k, t in self._timers.items()}
            self._talk_until += shift
            if shift < 0:
                self._now = now
                self._seen, self._asked_at = ('', -math.inf), -math.inf
                self._reminders.restart(now)
        return max(now, self._now)

    def _start(self):
        self._started = True
        self._last_event, self._why = 'start', ''
        self._engine.stand_in(self.dialogue.leaf(self.dialogue.start))
        for state in reversed(self.dialogue.line(self.state)):
            self._enter(state)

    def _run_timers(self, now):
        while True:
            due = min(((t, _rank(k), k) for k, t in self._timers.items()), default=None)
            reminder = self._reminders.next_due
            if due and due[0] <= now and not (reminder is not None and reminder < due[0]):
                self._now = max(self._now, due[0])
                del self._timers[due[2]]
                self._expired(due[2])
            elif reminder is not None and reminder <= now:
                self._now = max(self._now, reminder)
                self._reminders.wake(self._now)
            else:
                return
            self._serve_reminders()

    def _expired(self, timer):
        kind, _, rest = timer.partition(' ')
        if kind == 'start':
            self._out, self._early = self._early + self._out, []
        elif kind == 'action':
            self._act('cancel', {'id': rest})  # a sound must not play on into the next state
            self._action_ended(rest, False, 'timeout')
        elif kind == 'confirm':
            self._unanswered()
        elif kind == 'after':
            after = self._leaf.after
            self._say(after.say, f'after {self.state}')
            self._go('after', 'after', f'{after.seconds:g} s')
        elif kind == 'silence':
            self._silent()
        elif kind == 'watch' and not self.resting:
            self._say(self._wording('give_up'), 'give_up')
            self._go('safe', 'patience', 'silent for too long')

    def _arm(self):
        """Set the timers of the present state anew, counted from the end of what is being said."""
        leaf, factor = self._leaf, SLOW_FACTOR if self._slow else 1.0
        for name in ('silence', 'watch', 'confirm'):
            self._timers.pop(name, None)
        if self._pending:
            self._timers['confirm'] = self._talk_until + leaf.silence.after * factor
        elif not leaf.rest and not self.awaiting_action:
            self._timers['silence'] = self._talk_until + leaf.silence.after * factor
        if not leaf.rest:
            waits = [t for k, t in self._timers.items() if k.startswith('action ')]
            self._timers['watch'] = max([self._talk_until, *waits]) + self.dialogue.patience * factor
        if 'after' in self._timers:
            self._timers['after'] = max(self._timers['after'], self._talk_until + 0.5)

    def _serve_reminders(self):
        leaf = self._leaf
        if not self._started or self._pending:
            return
        reminder = self._reminders.take(self._now, leaf.rest, leaf.interruptible)
        if reminder:
            self._slots |= {k: self._fill(v) for k, v in reminder.set.items() if v is not None}
            self._interrupt()
            self._go(f'reminder {reminder.name}', f'reminder {reminder.name}', '')


def _rank(timer) -> int:
    kind = timer.partition(' ')[0]
    return TIMERS.index(kind) if kind in TIMERS else -1
