"""What follows once something is understood: reactions, entering and leaving states, actions and their ends.

`_react` gives a trigger to `transitions`, which calls back through engine.py: `_fits` (does the reaction
hold?), `_take` (before the change), `_leave` and `_enter` of the states, `_finish` (after it).
"""
from robot_ai.dialogue.engine import ALWAYS
from robot_ai.dialogue.events import StateChanged
from robot_ai.dialogue.sounds import words_of
from robot_ai.dialogue.working_memory import WorkingMemory

SPEECH_RATE = 0.8  # of the usual rate, asked of the voice once someone has asked to go slower


class Reacting(WorkingMemory):
    """Part of DialogueMachine: what a trigger does.

    Uses of Voice `_say`, `_act`, `_fill`, `_short`, `_wording`, `_picked`; of DialogueMachine `_arm`.
    """

    def _react(self, trigger, event, why, latex='') -> bool:
        """Give a trigger to the present state and those around it, then to `always`; False where none takes it."""
        before = (self._last_event, self._why)
        self._last_event, self._why = event, why
        if any(self._engine.trigger(prefix + trigger, latex=latex) for prefix in ('', ALWAYS)):
            return True
        self._last_event, self._why = before
        return False

    def _go(self, trigger, event, why):
        self._last_event, self._why = event, why
        self._engine.trigger(trigger)

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
            self._engine.trigger(f'back {goal}')
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
        self._call = '' if state.leaf and state.rest else self._calls.get(state.path, self._call)
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
