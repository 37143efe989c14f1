"""What a dialogue file says once it is checked: plain frozen dataclasses, one for each thing that a file declares."""
import datetime
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Intent:
    """Something that a person may mean: example phrases, with `{slot}` where a value stands."""

    name: str
    examples: tuple[str, ...]
    slots: dict = field(default_factory=dict)  # slot -> type: one of SLOT_TYPES or a key of Dialogue.names
    confirm: str = ''  # how to ask "is this what you mean?"
    urgent: bool = False  # an unanswered question about it counts as yes


@dataclass(frozen=True)
class Reaction:
    """What to do on something heard, seen or told: exactly one of `hear`, `see`, `event` is not empty."""

    hear: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    where: dict = field(default_factory=dict)
    say: tuple[str, ...] = ()
    set: dict = field(default_factory=dict)
    go: str = ''
    back: bool = False
    repeat: bool = False
    slower: bool = False


@dataclass(frozen=True)
class Action:
    """Something for a performer to do; `timeout` in s; `done` is empty where the state goes on meanwhile."""

    name: str
    arguments: dict
    timeout: float
    done: str
    failed: str


@dataclass(frozen=True)
class Silence:
    """After `after` s without an answer: ask again `retries` times, then `go`."""

    after: float = 20.0
    retries: int = 2
    say: tuple[str, ...] = ()
    go: str = ''


@dataclass(frozen=True)
class Unclear:
    """After something not understood: say so and ask again `retries` times, then `go`."""

    retries: int = 2
    say: tuple[str, ...] = ()
    go: str = ''


@dataclass(frozen=True)
class After:
    """`seconds` after the robot has finished speaking, say and go."""

    seconds: float
    go: str
    say: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """One state; `path` joins nested names with dots. What a child does not set comes from its parents."""

    path: str
    say: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    pick: str = ''
    set: dict = field(default_factory=dict)
    do: tuple[Action, ...] = ()
    on: tuple[Reaction, ...] = ()
    silence: Silence = Silence()
    unclear: Unclear = Unclear()
    after: After | None = None
    rest: bool = False
    interruptible: bool = True
    phrases: tuple[str, ...] = ()
    endpointing: str = 'normal'
    vision: bool | None = None  # None: on where a reaction sees something
    start: str = ''  # path of the first child; empty for a leaf
    parent: str = ''

    @property
    def leaf(self) -> bool:
        """Whether the dialogue can stand in this state itself."""
        return not self.start


@dataclass(frozen=True)
class Reminder:
    """A time of day (minutes after midnight), on `days` (0 Monday; empty: all) or one `date`, leading to a state.

    It waits `wait` s for a rest state and is dropped when `late` s have passed; `title` names it in {agenda}.
    """

    name: str
    minute: int
    go: str
    days: tuple[int, ...] = ()
    date: datetime.date | None = None
    set: dict = field(default_factory=dict)
    wait: float = 300.0
    late: float = 3600.0
    title: str = ''


@dataclass(frozen=True)
class Dialogue:
    """A whole dialogue, checked: every name that it uses exists."""

    name: str
    language: str
    start: str  # a leaf
    safe: str  # a leaf with rest
    states: dict  # path -> State, parents before children
    intents: dict  # name -> Intent
    always: tuple[Reaction, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    facts: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)  # slot type -> {value: (ways to say it, ...)}
    lists: dict = field(default_factory=dict)  # name -> tuple of {slot: text}
    wording: dict = field(default_factory=dict)
    zone: datetime.tzinfo = datetime.timezone.utc
    patience: float = 90.0  # s
    resume_within: float = 1800.0  # s
    accept: float | None = None  # None: understanding's own thresholds
    confirm: float | None = None
    margin: float | None = None
    places: dict = field(default_factory=dict, compare=False)  # ('state', path), ('intent', name) -> (line, column)
    file: str = ''

    def leaf(self, path: str) -> str:
        """Return the leaf that is entered when the dialogue goes to `path`."""
        while self.states[path].start:
            path = self.states[path].start
        return path

    def line(self, path: str) -> list[State]:
        """Return the state at `path` and those around it, innermost first."""
        out = []
        while path:
            out.append(self.states[path])
            path = self.states[path].parent
        return out

    def listens_for(self, path: str, everywhere: bool = True) -> frozenset:
        """Return the names of the intents that the state at `path`, or one around it, reacts to.

        With `everywhere` also those that `always` reacts to.
        """
        local = frozenset(i for s in self.line(path) for r in s.on for i in r.hear)
        return local | frozenset(i for r in self.always for i in r.hear) if everywhere else local

    def expects(self, path: str) -> frozenset:
        """Return those of them that the understanding may prefer there: of the state itself, and the urgent ones.

        What `always` reacts to may come at any time and is likely at none: it has to be as clear as anything else.
        """
        urgent = {n for n, intent in self.intents.items() if intent.urgent}
        return self.listens_for(path, everywhere=False) | (urgent & self.listens_for(path))
