"""The path of the lattice search in, fragments with times, words and scores out: the same for both engines."""
from dataclasses import dataclass

import numpy as np

from training.audiobook.fragments import Alignment, Fragment, Word
from training.audiobook.lattice import Graph

MIN_EXTRA_S = 0.4  # speech in a gap that is shorter is breath, noise or a border's rest
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
        read = frames is not None
        spoken = frames[trace.speech[frames]] if read else None
        score = float(trace.gain[spoken].mean()) if read and len(spoken) else -1.0
        if not read or score < min_score:
            if read:
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
