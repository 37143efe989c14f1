"""What goes into a DialogueMachine (events) and what comes out of it (outputs): plain frozen dataclasses."""
from dataclasses import dataclass, field

from robot_ai.payloads import CharactersDetail


@dataclass(frozen=True)
class Heard:
    """A final transcript; `confidence` in 0..1; `began` is when the person began to speak (s of ROS time).

    Timers due after `began` wait for the answer to it: nobody is cut short while speaking.
    """

    text: str
    confidence: float = 1.0
    began: float | None = None


@dataclass(frozen=True)
class Seen:
    """A symbol or expression read, as LaTeX; `candidates` are (latex, score) pairs, best first."""

    latex: str
    score: float = 1.0
    candidates: tuple = ()


def seen(detail: CharactersDetail) -> Seen:
    """Return what was read in an image, or written at the page, as an event.

    The other candidates are a single symbol's only: those of a formula's parts say nothing about the formula.
    """
    candidates = detail.items[0].candidates if len(detail.items) == 1 else ()
    return Seen(detail.latex, detail.score, tuple((each.latex, each.score) for each in candidates))


@dataclass(frozen=True)
class ActionResult:
    """A performer's answer to the `Act` of the same `id`."""

    id: str
    ok: bool
    why: str = ''


@dataclass(frozen=True)
class Named:
    """Something from outside that a dialogue may listen for: a button, a door, a carer's page."""

    name: str
    data: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Tick:
    """Nothing but time."""


@dataclass(frozen=True)
class Say:
    """A text for the robot's voice."""

    text: str


@dataclass(frozen=True)
class StateChanged:
    """The dialogue stands in `state` now, since `since` (s of ROS time)."""

    state: str
    last_event: str
    why: str
    since: float = 0.0


@dataclass(frozen=True)
class Act:
    """An action for a performer, to be answered with an ActionResult of the same id."""

    id: str
    name: str
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Listen:
    """What the recognisers should expect now; `endpointing` is a profile of robot_ai.speech.endpointing."""

    phrases: tuple[str, ...] = ()
    endpointing: str = 'normal'
    vision: bool = False
