"""Replay a bag and compare what came out with what should: for your own bags, under pytest or without.

    from robot_ai.testing import check_bag

    def test_greeting():
        check_bag('bags/greeting.mcap', 'bags/greeting.yaml')      # AssertionError shows the difference

`robot-ai replay BAG --expect FILE.yaml --update` writes the file; read it, correct it where the robot was wrong, and
keep it. A section left out of the file (transcripts, symbols, states, say) is not compared. Replaying needs ROS 2
(rclpy); reading and comparing do not.
"""
import difflib
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from robot_ai.errors import ConfigurationError
from robot_ai.yaml_files import read_yaml_file

TIME_TOLERANCE = 0.020  # s that the times of words and symbols may differ
SECTIONS = ('transcripts', 'symbols', 'states', 'say')


@dataclass(frozen=True)
class HeardWord:
    """A word with its times in s from the start of the bag."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class HeardText:
    """A final transcript; `start` in s from the start of the bag."""

    text: str
    start: float
    words: tuple[HeardWord, ...] = ()


@dataclass(frozen=True)
class SeenSymbol:
    """A symbol or expression read, as LaTeX; `at`: the image's stamp in s from the start of the bag."""

    latex: str
    at: float


@dataclass
class Outcome:
    """What a replay brought, in order. None: not known, hence not compared (an expectation's absent section)."""

    transcripts: list[HeardText] | None = field(default_factory=list)
    symbols: list[SeenSymbol] | None = field(default_factory=list)
    states: list[str] | None = field(default_factory=list)
    say: list[str] | None = field(default_factory=list)

    def save(self, path: str | Path):
        """Write this outcome as an expectation file."""
        document = {
            'transcripts': [{'text': t.text, 'start': round(t.start, 3), 'words': [
                [w.text, round(w.start, 3), round(w.end, 3)] for w in t.words]} for t in self.transcripts],
            'symbols': [{'latex': s.latex, 'at': round(s.at, 3)} for s in self.symbols],
            'states': list(self.states), 'say': list(self.say)}
        try:
            Path(path).write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110,
                                                 default_flow_style=None), encoding='utf-8')
        except OSError as error:
            raise ConfigurationError(f'{path}: cannot be written: {error.strerror}') from None


def load_outcome(path: str | Path) -> Outcome:
    """Read an expectation file; ConfigurationError where it has not the form that `Outcome.save` writes."""
    if not Path(path).is_file():
        raise ConfigurationError(f'{path}: no such file; `robot-ai replay BAG --expect {path} --update` writes it')
    document = read_yaml_file(path)
    try:
        unknown = set(document) - set(SECTIONS)
        if unknown:
            raise ValueError(f'unknown section {sorted(unknown)[0]!r}')
        texts, symbols = document.get('transcripts'), document.get('symbols')
        return Outcome(
            transcripts=None if texts is None else [HeardText(str(t['text']), float(t.get('start', 0)), tuple(
                HeardWord(str(text), float(start), float(end)) for text, start, end in t.get('words', ())))
                for t in texts],
            symbols=None if symbols is None else [SeenSymbol(str(s['latex']), float(s['at'])) for s in symbols],
            states=document.get('states') and [str(s) for s in document['states']],
            say=document.get('say') and [str(s) for s in document['say']])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ConfigurationError(f'{path}: expected the sections {", ".join(SECTIONS)} as '
                                 f'`robot-ai replay --update` writes them: {error}') from None


def differences(expected: Outcome, actual: Outcome, tolerance: float = TIME_TOLERANCE) -> list[str]:
    """Return the lines that tell how `actual` differs from `expected`; an empty list where it does not.

    Texts, symbols, states and sentences must be equal; times may differ by `tolerance` s.
    """
    lines = []
    for section in SECTIONS:
        wanted, got = getattr(expected, section), getattr(actual, section)
        if wanted is None:
            continue
        texts = [_text(item) for item in wanted], [_text(item) for item in got]
        if texts[0] != texts[1]:
            lines.append(f'{section}: expected (-) and got (+)')
            lines += [f'  {line}' for line in difflib.ndiff(*texts) if not line.startswith('?')]
        elif section == 'transcripts':
            for one, other in zip(wanted, got):
                lines += _moved(f'transcripts: {one.text!r}', one.words, other.words, tolerance)
        elif section == 'symbols':
            lines += [f'symbols: {one.latex!r}: expected at {one.at:.3f} s, got {other.at:.3f} s'
                      for one, other in zip(wanted, got) if abs(one.at - other.at) > tolerance]
    return lines


def _text(item) -> str:
    return item if isinstance(item, str) else item.text if isinstance(item, HeardText) else item.latex


def _moved(where, wanted, got, tolerance):
    if not wanted:  # an expectation written by hand may leave the words out
        return []
    if [word.text for word in wanted] != [word.text for word in got]:
        return [f'{where}: expected the words {[w.text for w in wanted]}, got {[w.text for w in got]}']
    return [f'{where}: {one.text!r} expected at {one.start:.3f}-{one.end:.3f} s, '
            f'got {other.start:.3f}-{other.end:.3f} s'
            for one, other in zip(wanted, got)
            if max(abs(one.start - other.start), abs(one.end - other.end)) > tolerance + 1e-6]


def replay_bag(bag: str | Path, **options) -> Outcome:
    """Play a bag through the assistant in this process, as fast as it can be done exactly, and return what came.

    `options`: dialogue (file), models (folder), params_files, topics, namespace (of the bag's topics), and whatever
    else `robot_ai.nodes.replay.replay` takes. Raises RobotAIError where the bag or a model cannot be used.
    """
    from robot_ai.nodes.replay import replay
    return replay(bag, **options)


def check_bag(bag: str | Path, expect: str | Path | Outcome, tolerance: float = TIME_TOLERANCE, **options) -> Outcome:
    """Replay a bag and raise AssertionError, showing the difference, where the outcome is not `expect`."""
    expected = expect if isinstance(expect, Outcome) else load_outcome(expect)
    outcome = replay_bag(bag, **options)
    lines = differences(expected, outcome, tolerance)
    if lines:
        raise AssertionError('\n'.join([f'{bag} brought something else than expected:', *lines]))
    return outcome
