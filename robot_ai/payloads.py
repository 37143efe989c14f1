"""The JSON that travels in std_msgs/String topics: one dataclass a topic, `to_json` and `from_json`.

std_msgs/String with JSON keeps robot_ai free of compiled message packages, so that it installs with pip
alone. Every payload is checked on arrival: a message that does not fit raises PayloadError, which names the
field, so that a node can count it in its diagnostics and go on.
"""
import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass, field

from robot_ai.errors import PayloadError

MAX_JSON_BYTES = 262_144  # no honest message of ours comes near; more is refused unparsed
MAX_INTEGER = 2**53  # what JSON's other readers hold exactly


@dataclass(frozen=True)
class Stamp:
    """A ROS time: whole seconds and nanoseconds, as in builtin_interfaces/Time."""

    sec: int = 0
    nanosec: int = 0

    @classmethod
    def from_ns(cls, nanoseconds: int) -> 'Stamp':
        """Return the stamp of a count of nanoseconds."""
        return cls(*divmod(int(nanoseconds), 1_000_000_000))

    @property
    def ns(self) -> int:
        """The stamp as nanoseconds."""
        return self.sec * 1_000_000_000 + self.nanosec


@dataclass(frozen=True)
class Payload:
    """Base of every payload: strict reading, compact writing."""

    def to_json(self) -> str:
        """Return this payload as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, separators=(',', ':'))

    @classmethod
    def from_json(cls, text: str):
        """Read a payload. Unknown fields are ignored; PayloadError where the rest does not fit."""
        if len(text) > MAX_JSON_BYTES:
            raise PayloadError(f'{cls.__name__}: {len(text)} characters of JSON, at most {MAX_JSON_BYTES}')
        return cls.from_value(strict_json(text, cls.__name__))

    @classmethod
    def from_value(cls, value):
        """The same from what `strict_json` returned."""
        return _read(cls, value, cls.__name__)


def strict_json(text: str, name: str):
    """Return what a JSON text holds; PayloadError, naming `name`, where it is none, or could not be sent on.

    Python's reader takes more than JSON allows: NaN, numbers beyond floats, and half a surrogate pair, a text that
    nothing can encode.
    """
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if '\\u' in text:
            json.dumps(value, ensure_ascii=False).encode('utf-8')
    except (ValueError, RecursionError) as error:
        raise PayloadError(f'{name}: not JSON: {error}') from None
    return value


def _finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f'expected a finite number, got {text}')
    return number


def _read(kind, value, where):
    """Convert `value` (parsed JSON) to the annotated type `kind`; PayloadError names the place `where`."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise PayloadError(f'{where}: expected an object, got {_shown(value)}')
        hints, out = typing.get_type_hints(kind), {}
        for item in dataclasses.fields(kind):
            if item.name in value:
                out[item.name] = _read(hints[item.name], value[item.name], f'{where}.{item.name}')
            elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                raise PayloadError(f'{where}: the field {item.name!r} is missing')
        return kind(**out)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _read(next(a for a in arguments if a is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise PayloadError(f'{where}: expected a list, got {_shown(value)}')
        if arguments[-1] is not Ellipsis:
            if len(value) != len(arguments):
                raise PayloadError(f'{where}: expected {len(arguments)} values, got {_shown(value)}')
            return tuple(_read(a, v, f'{where}[{i}]') for i, (a, v) in enumerate(zip(arguments, value)))
        return tuple(_read(arguments[0], v, f'{where}[{i}]') for i, v in enumerate(value))
    if kind in (float, int) and isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise PayloadError(f'{where}: expected a number up to {MAX_INTEGER}, got one of {value.bit_length()} bits')
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind is dict and isinstance(value, dict):
        return value
    if kind in (str, int, bool) and type(value) is kind:
        return value
    raise PayloadError(f'{where}: expected {getattr(kind, "__name__", kind)}, got {_shown(value)}')


def _shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + '...'


@dataclass(frozen=True)
class WordDetail:
    """A word; `start` and `end` in seconds after the stamp, `confidence` in 0..1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class TranscriptDetail(Payload):
    """`transcript/detail`: one final utterance; `stamp` is that of its first sample."""

    stamp: Stamp
    text: str
    confidence: float = 1.0
    words: tuple[WordDetail, ...] = ()
    language: str = 'es'
    duration: float = 0.0  # s of sound
    latency: float = 0.0  # s from the end of speech to publication, by the node's clock
    source: str = 'microphone'  # or 'page', 'text'


@dataclass(frozen=True)
class SymbolCandidate:
    """One reading of an ink, as LaTeX, with its score in 0..1."""

    latex: str
    score: float


@dataclass(frozen=True)
class SymbolDetail:
    """One symbol or expression found: box as x, y, width, height in pixels, candidates best first."""

    box: tuple[int, int, int, int]
    candidates: tuple[SymbolCandidate, ...]


@dataclass(frozen=True)
class CharactersDetail(Payload):
    """`characters/detail`: what one image (or the page's canvas) shows; `stamp` is the image's."""

    stamp: Stamp
    latex: str
    score: float = 1.0
    kind: str = 'symbol'  # or 'expression'
    items: tuple[SymbolDetail, ...] = ()
    source: str = 'camera'  # or 'page'
    latency: float = 0.0  # s from the stamp to publication


@dataclass(frozen=True)
class RecognitionContext(Payload):
    """`recognition_context`: what the dialogue expects of the recognisers now (transient local)."""

    phrases: tuple[str, ...] = ()
    endpointing: str = 'normal'  # a profile of robot_ai.speech.endpointing
    vision: bool = True


@dataclass(frozen=True)
class ActionRequest(Payload):
    """`action`: something for the robot or a performer to do; answered on `dialogue/event` by id."""

    id: str
    name: str
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class DialogueEvent(Payload):
    """`dialogue/event`: the answer to an action (`id` and `status`), or a named event from outside."""

    id: str = ''
    status: str = ''  # 'done' or 'failed' where it answers an action
    why: str = ''
    event: str = ''  # a name that the dialogue listens for, where it answers nothing
    data: dict = field(default_factory=dict)


@dataclass(frozen=True)
class StateReport(Payload):
    """`state`: where the dialogue is (transient local); `path` joins nested states with dots."""

    state: str
    since: Stamp
    last_event: str = ''
    why: str = ''
    dialogue: str = ''
