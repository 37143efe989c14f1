"""The robot's state machine: events and a given time go in, what to say, do and listen for comes out.

The states run on `transitions` (HierarchicalMachine); this module translates a Dialogue into its states, triggers
and callbacks and keeps the timers. Nothing here reads a clock, a file or chance: the same events at the same times
give the same outputs, live or from a bag. Timers run at their own due times, in order, whatever the step of `now`.
"""
import math
import string
import zlib
from collections import defaultdict
from functools import partial

from transitions.extensions.nesting import HierarchicalMachine, NestedState

from robot_ai.dialogue import wording
from robot_ai.dialogue.document import Dialogue, Reaction
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
from robot_ai.dialogue.reminders import Reminders
from robot_ai.dialogue.sounds import words_of
from robot_ai.dialogue.understanding import Meaning, Understanding

__all__ = ['Act', 'ActionResult', 'DialogueMachine', 'Heard', 'Listen', 'Named', 'Say', 'Seen', 'StateChanged', 'Tick']

SNAPSHOT_VERSION = 1
CLOCK_JUMP = 60.0  # s overdue: the clock was set or the robot slept; timers then go on from the new time
SEEN_SURE = 0.5  # score from which a reading counts
SEEN_POSSIBLE = 0.15  # score from which an expected reading among the candidates is asked about
SEEN_AGAIN = 10.0  # s: a reading seen again sooner is the same paper still lying there
REST_ASK_PAUSE = 60.0  # s between questions about half-understood words while the robot rests
SLOW_FACTOR = 1.5  # patience and speaking time are multiplied by it once someone has asked to go slower
SPEECH_RATE = 0.8  # of the usual rate, asked of the voice then
MAX_PHRASES = 80
ALWAYS = 'always '
# Order of timers due at the same time.
TIMERS = ('action', 'after', 'confirm', 'silence', 'watch', 'reminder')


class _State(NestedState):
    separator = '.'


class _States(HierarchicalMachine):
    state_cls = _State


class _Model:
    """Holds what `transitions` adds to its model."""


class DialogueMachine:
    """Runs one dialogue. `now` is ROS time in s; `seed` varies the wording chosen, nothing else."""

    def __init__(self, dialogue: Dialogue, now: float, seed: int = 0):
        self.dialogue, self.seed = dialogue, seed
        self.understanding = Understanding(dialogue)
        self._words = set().union(*(i.slots for i in dialogue.intents.values()), *(
            item for items in dialogue.lists.values() for item in items))
        self._build()
        self._expectations = {}  # (state, whether a question is open) -> Listen
        self._local = {p: frozenset(i for s in dialogue.line(p) for r in s.on for i in r.hear)
                       for p in dialogue.states}
        everywhere = frozenset(i for r in dialogue.always for i in r.hear)
        self._active = {p: local | everywhere for p, local in self._local.items()}
        self._clear(now)

    def _clear(self, now):
        self._now = float(now)
        self._started, self._quiet = False, False
        self._slots, self._remaining, self._last_choice = {}, {}, {}
        self._count, self._since, self._slow = 0, self._now, False
        self._last_event, self._why, self._came_from = '', '', ''
        self._silence_left = self._unclear_left = 0
        self._timers, self._actions, self._pending = {}, {}, None
        self._question, self._talk_until, self._asked_at = '', self._now, -math.inf
        self._seen, self._returning, self._listening = ('', -math.inf), False, None
        self._out, self._early, self._last_text = [], [], ''
        self._reminders = Reminders(self.dialogue.reminders, self.dialogue.zone, self._now)

    # -- from the document to `transitions` ----------------------------------------------------------------

    def _build(self):
        self._model = _Model()
        self._machine = _States(
            model=self._model, states=[self._declared(s) for s in self.dialogue.states.values() if not s.parent],
            initial=self.dialogue.leaf(self.dialogue.safe), auto_transitions=False, send_event=True,
            ignore_invalid_triggers=True)
        leaves = [p for p, s in self.dialogue.states.items() if s.leaf]
        for path, state in self.dialogue.states.items():
            for reaction in state.on:
                self._add_reaction(reaction, path, '')
            for i, action in enumerate(state.do):
                for outcome, goal in (('done', action.done), ('failed', action.failed)):
                    if goal:
                        self._machine.add_transition(f'{outcome} {path} {i}', path, goal)
        for path in leaves:
            state = self.dialogue.states[path]
            self._machine.add_transition('silence', path, state.silence.go)
            self._machine.add_transition('unclear', path, state.unclear.go)
            if state.after:
                self._machine.add_transition('after', path, state.after.go)
            for reaction in self.dialogue.always:
                self._add_reaction(reaction, path, ALWAYS)
            for reminder in self.dialogue.reminders:
                self._machine.add_transition(f'reminder {reminder.name}', path, reminder.go)
            self._machine.add_transition('safe', path, self.dialogue.safe)
        if any(r.back for r in [*self.dialogue.always, *(r for s in self.dialogue.states.values() for r in s.on)]):
            for goal in leaves:
                self._machine.add_transition(f'back {goal}', leaves, goal)

    def _declared(self, state):
        children = [s for s in self.dialogue.states.values() if s.parent == state.path]
        out = {'name': state.path.rpartition('.')[2], 'on_enter': [partial(self._enter, state)],
               'on_exit': [partial(self._leave, state)]}
        if children:
            out |= {'children': [self._declared(c) for c in children],
                    'initial': state.start.rpartition('.')[2]}
        return out

    def _add_reaction(self, reaction: Reaction, path, prefix):
        triggers = [f'hear {i}' for i in reaction.hear] + [f'event {e}' for e in reaction.event]
        for trigger in triggers + ['see'] * bool(reaction.see):
            self._machine.add_transition(
                prefix + trigger, path, reaction.go or None, conditions=partial(self._fits, reaction),
                before=partial(self._take, reaction, prefix), after=partial(self._finish, reaction))

    # -- what a caller uses --------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """The path of the present state."""
        return self._model.state

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
    def awaiting_action(self) -> bool:
        """Whether a performer is at work that the dialogue waits for."""
        return any(action.done for _, action, _ in self._actions.values())

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

    def snapshot(self) -> dict:
        """Return what survives a restart, as JSON values: the state and slots, never what was said."""
        return {'version': SNAPSHOT_VERSION, 'dialogue': self.dialogue.name, 'state': self.state,
                'since': self._since, 'saved': self._now, 'slots': dict(self._slots), 'count': self._count,
                'remaining': {k: list(v) for k, v in self._remaining.items()}, 'slow': self._slow,
                'came_from': self._came_from, 'last_event': self._last_event,
                'reminders': self._reminders.snapshot()}

    def restore(self, snapshot: dict, now: float, quiet: bool = False) -> str:
        """Go on from a snapshot at the next `handle`; return '' or why it starts somewhere else.

        The same state is entered again and asks again (with `quiet`, after a reload, it only listens); a memory
        older than `resume_within`, or of a state that is no more, resumes in the safe state.
        """
        self._clear(now)
        try:
            if snapshot['version'] != SNAPSHOT_VERSION or snapshot['dialogue'] != self.dialogue.name:
                return 'the memory is of another dialogue or version'
            state, age = str(snapshot['state']), self._now - float(snapshot['saved'])
            slots = {str(k): str(v)[:300] for k, v in snapshot['slots'].items()}
            remaining = {name: [int(i) for i in left if 0 <= int(i) < len(self.dialogue.lists[name])]
                         for name, left in snapshot['remaining'].items() if name in self.dialogue.lists}
            self._count, self._slow = int(snapshot['count']), bool(snapshot['slow'])
            came_from, reminders = str(snapshot['came_from']), dict(snapshot['reminders'])
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
        self._machine.set_state(goal, self._model)
        self._last_event, self._why = 'restart', problem or 'resumed'
        leaf = self.dialogue.states[goal]
        self._quiet = quiet and not problem and not any(a.done for a in leaf.do)
        self._returning = True
        self._out = []
        self._enter(leaf)
        self._quiet = False
        if quiet and not problem:
            self._since = float(snapshot['since'])
        self._early, self._timers['start'] = self._out, self._now
        return problem

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
        self._machine.set_state(self.dialogue.leaf(self.dialogue.start), self._model)
        for state in reversed(self.dialogue.line(self.state)):
            self._enter(state)

    def _run_timers(self, now):
        while True:
            due = min(((t, TIMERS.index(k.split()[0]) if k.split()[0] in TIMERS else -1, k)
                       for k, t in self._timers.items()), default=None)
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

    # -- hearing, seeing, being told -----------------------------------------------------------------------

    @property
    def _leaf(self):
        return self.dialogue.states[self._model.state]

    def _heard(self, event):
        try:
            text, confidence = str(event.text), float(event.confidence)
        except (TypeError, ValueError):
            return
        active = self._active[self.state] | ({'affirm', 'deny'} if self._pending else frozenset())
        meaning = self.understanding.understand(text, confidence, active)
        if not meaning.intent:
            return
        if self._pending and self._answered(meaning):
            return
        if meaning.decision != 'reject' and meaning.intent in self._active[self.state]:
            if meaning.decision == 'accept':
                self._act_on(meaning)
            else:
                self._ask(meaning)
        else:
            self._not_understood()

    def _answered(self, meaning) -> bool:
        """Take `meaning` as the answer to the open question; False where it says something else clearly."""
        kind, what = self._pending
        if meaning.intent not in ('affirm', 'deny'):
            if meaning.decision == 'accept':
                self._pending = None
                return False
            if kind == 'heard' and meaning.intent == what.intent and meaning.decision == 'confirm':
                meaning = Meaning('affirm', decision='accept')  # said again: that is a yes
            else:
                self._not_understood()
                return True
        if meaning.decision == 'reject':
            self._not_understood()
            return True
        self._pending = None
        if meaning.intent == 'affirm':
            self._act_on(what) if kind == 'heard' else self._act_on_seen(what)
        else:
            self._say([f'{t} {self._short()}'.strip() for t in self._wording('denied')], 'denied')
            self._arm()
        return True

    def _act_on(self, meaning):
        intent = self.dialogue.intents.get(meaning.intent)
        for slot in intent.slots if intent else ():
            self._slots.pop(slot, None)
        self._slots |= meaning.slots
        if not self._react(f'hear {meaning.intent}', f'heard {meaning.intent}', f'score {meaning.score:.2f}'):
            self._not_understood()

    def _ask(self, meaning):
        intent = self.dialogue.intents.get(meaning.intent)
        urgent = intent is not None and intent.urgent
        leaf = self._leaf
        if not urgent:
            if self.awaiting_action or (leaf.rest and self._now - self._asked_at < REST_ASK_PAUSE):
                return
            if leaf.unclear.retries == 0 and meaning.intent not in self._local[self.state]:
                self._not_understood()  # the state is made for free talk: a half match says little there
                return
        self._asked_at = self._now
        self._pending = ('heard', meaning)
        self._last_event, self._why = f'asked {meaning.intent}', f'score {meaning.score:.2f}'
        if intent and intent.confirm:
            self._say((intent.confirm,), f'confirm {meaning.intent}')
        else:
            spoken = {'affirm': 'sí', 'deny': 'no'} if self.dialogue.language == 'es' else {'affirm': 'yes', 'deny': 'no'}
            example = spoken.get(meaning.intent) or next(
                (e for e in intent.examples if '{' not in e), meaning.intent)
            self._say(self._wording('confirm'), 'confirm', meaning=example)
        self._arm()

    def _unanswered(self):
        kind, what = self._pending or ('', None)
        self._pending = None
        if kind == 'heard' and what.intent in self.dialogue.intents and self.dialogue.intents[what.intent].urgent:
            self._act_on(what)
        elif not self._leaf.rest:
            self._silent()
        else:
            self._arm()

    def _not_understood(self):
        leaf = self._leaf
        if (leaf.rest and not self._pending) or (self.awaiting_action and not self._pending):
            return
        if self._unclear_left > 0:
            self._unclear_left -= 1
            short = self._short() if not self._pending else ''
            texts = leaf.unclear.say or [f'{t} {short}'.strip() for t in self._wording('unclear')]
            self._say(texts, f'unclear {self.state}')
            self._arm()
        elif self._pending:
            self._unanswered()
        else:
            self._give_up('unclear', leaf.unclear.go)

    def _silent(self):
        leaf = self._leaf
        if self._silence_left > 0:
            self._silence_left -= 1
            self._say(leaf.silence.say or (self._short(),), f'silence {self.state}')
            self._arm()
        else:
            self._give_up('silence', leaf.silence.go)

    def _give_up(self, trigger, goal):
        line = self.dialogue.line(self.dialogue.leaf(goal))
        if not any(s.say for s in line[:1]):
            self._say(self._wording('give_up'), 'give_up')
        self._go(trigger, trigger, 'no more retries')

    def _saw(self, event):
        reactions = [r for s in self.dialogue.line(self.state) for r in s.on if r.see]
        reactions += [r for r in self.dialogue.always if r.see]
        latex = str(event.latex).strip().strip('$').strip()[:200]
        if not reactions or not latex or not isinstance(event.score, (int, float)):
            return
        last, when = self._seen
        self._seen = (latex, self._now)
        if latex == last and self._now - when < SEEN_AGAIN:
            return
        wanted = {self._fill(v) for r in reactions if self._holds(r.where) for v in r.see} - {'*'}
        if event.score >= SEEN_SURE and latex in wanted:
            self._act_on_seen(latex)
            return
        for candidate in event.candidates[:10]:
            if candidate[0] in wanted and candidate[1] >= SEEN_POSSIBLE and not self._pending:
                self._pending = ('seen', candidate[0])
                self._say(self._wording('confirm_seen'), 'confirm_seen', seen=candidate[0])
                self._arm()
                return
        if event.score >= SEEN_SURE:
            self._act_on_seen(latex)

    def _act_on_seen(self, latex):
        self._pending = None
        self._react('see', f'seen {latex}', '', latex=latex)

    def _named(self, event):
        name = str(event.name)[:48]
        data = event.data if isinstance(event.data, dict) else {}
        self._slots |= {k: str(v)[:100] for k, v in data.items()
                        if k in self._words and isinstance(v, (str, int, float))}
        self._react(f'event {name}', f'event {name}', '')

    # -- reacting ------------------------------------------------------------------------------------------

    def _react(self, trigger, event, why, latex='') -> bool:
        """Give a trigger to the present state and those around it, then to `always`; False where none takes it."""
        before = (self._last_event, self._why)
        self._last_event, self._why = event, why
        if any(self._model.trigger(prefix + trigger, latex=latex) for prefix in ('', ALWAYS)):
            return True
        self._last_event, self._why = before
        return False

    def _go(self, trigger, event, why):
        self._last_event, self._why = event, why
        self._model.trigger(trigger)

    def _fits(self, reaction, data) -> bool:
        if reaction.see:
            latex = data.kwargs.get('latex', '')
            if '*' not in reaction.see and latex not in map(self._fill, reaction.see):
                return False
        return self._holds(reaction.where)

    def _holds(self, where) -> bool:
        for slot, value in where.items():
            known = self._slots.get(slot, self.dialogue.facts.get(slot))
            if value is None or known is None:
                if value is not known:
                    return False
            elif words_of(known, self.dialogue.language) != words_of(self._fill(value), self.dialogue.language):
                return False
        return True

    def _take(self, reaction, prefix, data):
        for slot, value in reaction.set.items():
            if value is None:
                self._slots.pop(slot, None)
            else:
                self._slots[slot] = self._fill(value)
        if prefix and reaction.go:
            self._interrupt()
        self._say(reaction.say, reaction.say)

    def _finish(self, reaction, data):
        if reaction.slower:
            self._slow = True
            self._act('speech_rate', {'factor': SPEECH_RATE})
            self._say(self._wording('slower'), 'slower')
        if reaction.back:
            goal, self._came_from = self._came_from or self.dialogue.leaf(self.dialogue.safe), ''
            self._returning = True
            self._model.trigger(f'back {goal}')
            self._returning = False
        elif not reaction.go:
            if reaction.repeat or reaction.slower:
                text = self._short() if reaction.say else self._question
                self._say((text,) if text else (), 'repeat', filled=True)
            self._arm()

    def _interrupt(self):
        """Remember where an `always` reaction or a reminder takes the dialogue away from."""
        self._came_from = self.state

    def _enter(self, state, data=None):
        if not self._returning:
            if state.pick:
                self._slots |= self._picked(state.pick)
            for slot, value in state.set.items():
                if value is None:
                    self._slots.pop(slot, None)
                else:
                    self._slots[slot] = self._fill(value)
        if state.leaf:
            self._since, self._pending = self._now, None
            self._silence_left, self._unclear_left = state.silence.retries, state.unclear.retries
            self._out.append(StateChanged(state.path, self._last_event, self._why, self._now))
        if not self._quiet:
            self._say(state.say, f'state {state.path}')
        if state.say:
            self._question = self._last_text if not self._quiet else ''
        if not self._quiet:
            for i, action in enumerate(state.do):
                arguments = {k: self._fill(v) if isinstance(v, str) else v for k, v in action.arguments.items()}
                name = self._act(action.name, arguments)
                self._actions[name] = (state.path, action, i)
                self._timers[f'action {name}'] = self._now + action.timeout
        if state.leaf:
            self._returning = False
            if state.after:
                self._timers['after'] = self._talk_until + state.after.seconds
            self._arm()

    def _leave(self, state, data=None):
        for name, (path, action, _) in list(self._actions.items()):
            if path == state.path:
                del self._actions[name]
                del self._timers[f'action {name}']
                if action.done:
                    self._act('cancel', {'id': name})
        if state.leaf:
            for timer in ('after', 'silence', 'watch', 'confirm'):
                self._timers.pop(timer, None)

    def _action_ended(self, name, ok, why):
        path, action, i = self._actions.pop(name, ('', None, 0))
        if action is None:
            return
        self._timers.pop(f'action {name}', None)
        outcome = 'done' if ok else 'failed'
        if not (action.done if ok else action.failed):
            self._arm()
            return
        self._go(f'{outcome} {path} {i}', f'action {action.name} {outcome}', why)

    # -- words ---------------------------------------------------------------------------------------------

    def _say(self, texts, key, filled=False, **extra):
        """Say one of `texts`, another one than last time for this `key` where there is a choice."""
        texts = [t for t in texts if t]
        if not texts:
            return
        if not filled:
            ready = [t for t in texts if self._is_filled(t, extra)] or texts
            last = self._last_choice.get(key)
            choices = [t for t in ready if t != last] or ready
            chosen = choices[self._chance(len(choices))]
            self._last_choice[key] = chosen
            text = self._fill(chosen, **extra)
        else:
            text = texts[0]
        text = ' '.join(text.split())
        if not text:
            return
        self._last_text = text
        factor = SLOW_FACTOR if self._slow else 1.0
        self._talk_until = max(self._talk_until, self._now) + wording.spoken_seconds(text) * factor
        self._out += [Say(t) for t in (wording.sentences(text) if self._slow else [text])]

    def _is_filled(self, text, extra) -> bool:
        known = {*self._slots, *self.dialogue.facts, *extra, *wording.TIME_WORDS}
        return all(name is None or name in known for _, name, _, _ in string.Formatter().parse(text))

    def _fill(self, text, **extra) -> str:
        """Return the text with every {placeholder} replaced; one without a value becomes nothing."""
        if '{' not in text and '}' not in text:
            return text
        language = self.dialogue.language
        values = defaultdict(str, self.dialogue.facts)
        if any('{' + word + '}' in text for word in wording.TIME_WORDS):
            values |= wording.time_words(wording.moment(self._now, self.dialogue.zone), language)
            values['agenda'] = wording.agenda(self._reminders.today(self._now), language)
        values |= {k: wording.spoken_value(v, language) for k, v in self._slots.items()}
        values |= extra
        return string.Formatter().vformat(text, (), values)

    def _short(self) -> str:
        """Return the present question in its short form."""
        for state in self.dialogue.line(self.state)[:1]:
            if state.short:
                return self._fill(state.short[self._chance(len(state.short))])
            if state.rest:
                return ''
            if state.say:
                return wording.short_question(self._question or self._fill(state.say[0]))
        return wording.short_question(self._question)

    def _wording(self, key) -> tuple:
        return self.dialogue.wording.get(key) or wording.DEFAULTS[self.dialogue.language][key]

    def _chance(self, size) -> int:
        """Return 0..size-1, by the seed and how often it was asked."""
        if size <= 1:
            return 0
        self._count += 1
        return zlib.crc32(f'{self.seed} {self._count}'.encode()) % size

    def _picked(self, name) -> dict:
        """Return the next item of a list, in a mixed order without repetition until all were used."""
        items = self.dialogue.lists[name]
        left = self._remaining.get(name) or list(range(len(items)))
        chosen = left[self._chance(len(left))]
        self._remaining[name] = [i for i in left if i != chosen]
        return items[chosen]

    def _act(self, name, arguments) -> str:
        self._count += 1
        identity = f'{self.dialogue.name}-{self._count}'
        self._out.append(Act(identity, name, arguments))
        return identity

    def _listen(self):
        """Tell the recognisers what to expect, where that has changed."""
        key = (self.state, bool(self._pending))
        if key not in self._expectations:
            self._expectations[key] = self._expected_now()
        listen = self._expectations[key]
        if listen != self._listening:
            self._listening = listen
            self._out.append(listen)

    def _expected_now(self) -> Listen:
        reactions = [r for s in self.dialogue.line(self.state) for r in s.on]
        phrases = []
        if self._pending:
            phrases += ['sí', 'no'] if self.dialogue.language == 'es' else ['yes', 'no']
        for state in self.dialogue.line(self.state):
            phrases += state.phrases
        for group, most in ((reactions, 12), (self.dialogue.always, 4)):
            for intent in dict.fromkeys(i for r in group for i in r.hear):
                phrases += self._phrases(intent)[:most]
        vision = self._leaf.vision
        if vision is None:
            vision = any(r.see for r in [*reactions, *self.dialogue.always])
        return Listen(tuple(dict.fromkeys(phrases))[:MAX_PHRASES], self._leaf.endpointing, vision)

    def _phrases(self, name) -> list[str]:
        built_in = {'affirm': ['sí', 'vale', 'claro'], 'deny': ['no', 'no quiero']} if (
            self.dialogue.language == 'es') else {'affirm': ['yes', 'okay'], 'deny': ['no']}
        intent = self.dialogue.intents.get(name)
        out = list(built_in.get(name, ()))
        if intent:
            out += [e for e in intent.examples if '{' not in e]
            for kind in intent.slots.values():
                out += list(self.dialogue.names.get(kind, ()))
        return out
