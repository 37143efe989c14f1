"""The path of the lattice search in, fragments with times, words and scores out: the same for both engines."""
from dataclasses import dataclass

import numpy as np

from training.audiobook.fragments import Alignment, Fragment, Word
from training.audiobook.lattice import Graph

MIN_EXTRA_S = 0.4  # speech in a gap that is shorter is breath, noise or a border's rest
NOT_FOUND = -9.0  # score of a sentence that was left out
JOIN_S = 0.35  # silence inside one stretch of speech that is not in the text


@dataclass(frozen=True)
class Trace:
    """A path with what it was found in; T frames of `frame_s` seconds, N states."""

    path: np.ndarray  # int [T], state or -1 - gap
    gain: np.ndarray  # float [T], how much cheaper the frame is on the path than as foreign speech
    speech: np.ndarray  # bool [T], which frames hold speech
    word: np.ndarray  # int [N], index of the state's word in its sentence, or -1
    frame_s: float


def to_alignment(trace: Trace, graph: Graph, sentences: list[str], words: list[list[str]], engine: str,
                 min_score: float) -> Alignment:
    """Return the alignment; a sentence that scores below `min_score` counts as not read."""
    path, frame = trace.path, trace.frame_s
    unit = np.where(path >= 0, np.searchsorted(graph.ends, path, 'right'), -1)
    fragments, rejected, last = [], np.zeros(len(path), bool), 0.0
    inside = {int(k): np.flatnonzero(unit == k) for k in np.unique(unit[unit >= 0])}
    for k, text in enumerate(sentences):
        frames = inside.get(k)
        spoken = frames[trace.speech[frames]] if frames is not None else np.zeros(0, int)
        score = float(trace.gain[spoken].mean()) if len(spoken) else NOT_FOUND
        if not len(spoken) or score < min_score:
            if frames is not None:
                rejected[frames] = True
            fragments.append(Fragment(f'f{k + 1:06d}', text, last, last, score, read=False))
            continue
        begin, end = spoken[0] * frame, (spoken[-1] + 1) * frame
        fragments.append(Fragment(f'f{k + 1:06d}', text, begin, end, score,
                                  words=_words(trace, frames, words[k], begin, end)))
        last = end
    foreign = (unit < 0) | rejected
    return Alignment(fragments, _extra(foreign & trace.speech, foreign, frame), engine, len(path) * frame)


def _words(trace, frames, words, begin, end):
    index = trace.word[trace.path[frames]]
    found = []
    for number, text in enumerate(words):
        own = frames[index == number]
        first = own[0] * trace.frame_s if len(own) else (found[-1].end if found else begin)
        last = (own[-1] + 1) * trace.frame_s if len(own) else first
        found.append(Word(text, round(max(first, begin), 3), round(max(min(last, end), first), 3)))
    return found


def _extra(speech, foreign, frame):
    """Join the foreign speech into stretches over short silences, never over a fragment."""
    stretches = []
    places = np.flatnonzero(speech)
    for place in places:
        if stretches and (place - stretches[-1][1]) * frame <= JOIN_S and foreign[stretches[-1][1]:place].all():
            stretches[-1][1] = int(place) + 1
        else:
            stretches.append([int(place), int(place) + 1])
    return [(a * frame, b * frame) for a, b in stretches if (b - a) * frame >= MIN_EXTRA_S]


def refine_borders(alignment: Alignment, speech: np.ndarray, frame_s: float, reach_s: float = 0.4) -> Alignment:
    """Move each border to where the speech that it cuts begins or ends, within `reach_s` and no neighbour's place.

    `speech` bool [T] says which frames of `frame_s` seconds hold speech. Changes and returns `alignment`.
    """
    reach, found = round(reach_s / frame_s), [f for f in alignment.fragments if f.read]
    for number, fragment in enumerate(found):
        before = found[number - 1].end if number else 0.0
        after = found[number + 1].begin if number + 1 < len(found) else alignment.seconds
        first, last = round(fragment.begin / frame_s), round(fragment.end / frame_s) - 1
        lowest, highest = round(before / frame_s), round(after / frame_s) - 1
        first = _edge(speech, first, -1, max(lowest, first - reach), min(first + reach, last))
        last = _edge(speech, last, 1, max(first, last - reach), min(highest, last + reach))
        fragment.begin, fragment.end = first * frame_s, (last + 1) * frame_s
        if fragment.words:
            head, tail = fragment.words[0], fragment.words[-1]
            fragment.words[0] = Word(head.text, round(fragment.begin, 3), max(head.end, round(fragment.begin, 3)))
            tail = fragment.words[-1]
            fragment.words[-1] = Word(tail.text, min(tail.begin, round(fragment.end, 3)), round(fragment.end, 3))
    return alignment


def _edge(speech, place, outward, lowest, highest):
    """Return the last frame of the speech at `place` going `outward`, or the nearest one inward that is speech."""
    place = min(max(place, 0), len(speech) - 1)
    step = outward if speech[place] else -outward
    for candidate in range(place, (highest if step > 0 else lowest) + step, step):
        if not 0 <= candidate < len(speech):
            break
        if step == outward and not speech[candidate]:
            return candidate - step
        if step != outward and speech[candidate]:
            return candidate
        if step == outward:
            place = candidate
    return place
