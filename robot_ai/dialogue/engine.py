"""A Dialogue's states, triggers and callbacks put into `transitions` (HierarchicalMachine).

Triggers are named by what happens: `hear INTENT`, `event NAME`, `see`, `silence`, `unclear`, `after`, `reminder NAME`,
`done STATE I` and `failed STATE I` (action I of a state), `safe`, `back STATE`; those of the dialogue's `always` have
ALWAYS before them, so that what a state itself reacts to is asked first.
"""
from collections import defaultdict
from functools import partial

from transitions.extensions.nesting import HierarchicalMachine, NestedState

from robot_ai.dialogue.structure import Dialogue, Reaction

ALWAYS = 'always '


class _State(NestedState):
    separator = '.'


class _States(HierarchicalMachine):
    state_cls = _State

    def __init__(self, **arguments):
        self._known = {}
        super().__init__(**arguments)

    def get_state(self, state, hint=None):
        """Look a state up once: the library walks the tree each time, which is most of a transition's cost."""
        key = (tuple(self.prefix_path), state if isinstance(state, str) else tuple(state))
        if key not in self._known:
            self._known[key] = super().get_state(state, hint)
        return self._known[key]


class _Model:
    """Holds what `transitions` adds to its model."""


class Engine:
    """The state that a dialogue stands in, and what each trigger does there.

    `hooks` has _enter(state, data), _leave(state, data), _fits(reaction, data), _take(reaction, prefix, data) and
    _finish(reaction, data), called as the library runs them.
    """

    def __init__(self, dialogue: Dialogue, hooks):
        self._dialogue, self._hooks, self._model = dialogue, hooks, _Model()
        self._sources = defaultdict(set)  # trigger -> paths of the states that may take it
        self._lines = {p: frozenset(s.path for s in dialogue.line(p)) for p in dialogue.states}
        self._machine = _States(
            model=self._model, states=[self._declared(s) for s in dialogue.states.values() if not s.parent],
            initial=dialogue.leaf(dialogue.safe), auto_transitions=False, send_event=True,
            ignore_invalid_triggers=True)
        for path, state in dialogue.states.items():
            for reaction in state.on:
                self._add_reaction(reaction, path, '')
            for i, action in enumerate(state.do):
                for outcome, goal in (('done', action.done), ('failed', action.failed)):
                    if goal:
                        self._add(f'{outcome} {path} {i}', path, goal)
        self._add_common()

    @property
    def state(self) -> str:
        """The path of the present state."""
        return self._model.state

    def stand_in(self, path: str):
        """Go to a state without leaving or entering any."""
        self._machine.set_state(path, self._model)

    def trigger(self, name: str, **arguments) -> bool:
        """Give a trigger to the present state and those around it; False where none takes it."""
        if self._sources.get(name, frozenset()).isdisjoint(self._lines[self.state]):
            return False
        return bool(self._model.trigger(name, **arguments))

    def _add(self, trigger, path, goal, **callbacks):
        self._sources[trigger].add(path)
        self._machine.add_transition(trigger, path, goal, **callbacks)

    def _add_common(self):
        """Add what holds in every leaf: silence, not understanding, `always`, reminders, the way to safety."""
        dialogue = self._dialogue
        leaves = [p for p, s in dialogue.states.items() if s.leaf]
        for path in leaves:
            state = dialogue.states[path]
            self._add('silence', path, state.silence.go)
            self._add('unclear', path, state.unclear.go)
            if state.after:
                self._add('after', path, state.after.go)
            for reaction in dialogue.always:
                self._add_reaction(reaction, path, ALWAYS)
            for reminder in dialogue.reminders:
                self._add(f'reminder {reminder.name}', path, reminder.go)
            self._add('safe', path, dialogue.safe)
        if any(r.back for r in [*dialogue.always, *(r for s in dialogue.states.values() for r in s.on)]):
            for goal in leaves:
                for path in leaves:
                    self._add(f'back {goal}', path, goal)

    def _declared(self, state):
        children = [s for s in self._dialogue.states.values() if s.parent == state.path]
        out = {'name': state.path.rpartition('.')[2], 'on_enter': [partial(self._hooks._enter, state)],
               'on_exit': [partial(self._hooks._leave, state)]}
        if children:
            out |= {'children': [self._declared(c) for c in children],
                    'initial': state.start.rpartition('.')[2]}
        return out

    def _add_reaction(self, reaction: Reaction, path, prefix):
        triggers = [f'hear {i}' for i in reaction.hear] + [f'event {e}' for e in reaction.event]
        hooks = self._hooks
        for trigger in triggers + ['see'] * bool(reaction.see):
            self._add(prefix + trigger, path, reaction.go or None, conditions=partial(hooks._fits, reaction),
                      before=partial(hooks._take, reaction, prefix), after=partial(hooks._finish, reaction))
