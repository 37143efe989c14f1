"""What the parts of DialogueMachine share while it runs: every attribute with its meaning, and a fresh start of all.

The machine is one object in four files, because one event touches all of them: machine.py has what a caller
uses and the timers, hearing.py judges what comes in, reacting.py carries a reaction out, voice.py makes what
goes out. They call each other downwards (machine -> hearing -> reacting -> voice), and upwards only `_arm`,
which sets the timers. Each names in its docstring what it uses of the others; test_dialogue_parts.py keeps that
true.
"""
import math

from robot_ai.dialogue.engine import Engine
from robot_ai.dialogue.reminders import Reminders
from robot_ai.dialogue.structure import Dialogue, State
from robot_ai.dialogue.understanding import Understanding


class WorkingMemory:
    """The attributes of a DialogueMachine. Times are seconds of ROS time."""

    # -- fixed once the dialogue is loaded --
    dialogue: Dialogue
    seed: int  # of the wording chosen
    understanding: Understanding
    _engine: Engine  # knows the state and the ways out of it
    _words: set  # names of slots and of values of lists: what an event's data may fill
    _local: dict  # state -> intents that it, or a state around it, reacts to
    _active: dict  # state -> those and the ones of `always`
    _expected: dict  # state -> intents that the understanding prefers there
    _expectations: dict  # (state, whether a question is open) -> Listen
    _calls: dict  # state that an urgent intent leads to from the safe state -> that intent

    def _clear(self, now: float):
        """Forget everything: the dialogue has not begun, and it is `now`."""
        self._now = float(now)
        self._started = False
        self._out, self._early = [], []  # outputs of this `handle`; those to be given with the next one
        # -- where it stands, and why --
        self._since = self._now  # when the state was entered
        self._last_event, self._why = '', ''  # as StateChanged tells them
        self._came_from = ''  # the state that `back` returns to
        self._returning = False  # entering a state again: neither `pick` nor `set` anew
        self._quiet = False  # entering after a reload: nothing said, nothing begun
        # -- what is known --
        self._slots = {}  # name -> text
        self._remaining = {}  # list -> indices of the items that `pick` has not used
        self._reminders = Reminders(self.dialogue.reminders, self.dialogue.zone, self._now)
        # -- what it waits for --
        self._timers = {}  # name -> when it is due
        self._actions = {}  # id -> (state, Action, its index): begun and not ended
        self._call = ''  # the urgent intent that it is about, until the robot rests again
        self._pending = None  # open yes-or-no question: ('heard', Meaning) or ('seen', LaTeX)
        self._silence_left = self._unclear_left = 0  # retries that the state still has
        self._asked_at = -math.inf  # of the last question about something half understood
        self._seen = ('', -math.inf)  # the last reading, and when
        self._listening = None  # the Listen given last
        # -- what was said --
        self._question, self._last_text = '', ''  # of the present state; of all
        self._talk_until = self._now  # when it has been said, by estimate
        self._slow = False  # someone has asked to go slower
        self._last_choice = {}  # what wording -> the one said last
        self._count = 0  # choices and ids so far: takes the place of chance

    @property
    def state(self) -> str:
        """The path of the present state."""
        return self._engine.state

    @property
    def _leaf(self) -> State:
        return self.dialogue.states[self._engine.state]

    @property
    def awaiting_action(self) -> bool:
        """Whether a performer is at work that the dialogue waits for."""
        return any(action.done for _, action, _ in self._actions.values())
