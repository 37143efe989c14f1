"""An alignment in, one that people would believe out: what the search leaves over is judged by its length and place.

The search weighs sound only. Three things that it reports are nearly always one reading that fits its text badly:
a sentence that was placed but did not score, beside foreign speech as long as it; a scrap of foreign speech stuck
to a sentence; foreign speech beside a sentence that is too short by just so much. What is still left over is joined
over the pauses of its speaker, and dropped where it is no longer than a word.
"""
from dataclasses import dataclass, replace

from training.audiobook.fragments import Alignment, Fragment, Word
from training.audiobook.traces import NOT_FOUND

SHORTEST, LONGEST = 0.5, 2.2  # times the length expected, of foreign speech taken for a sentence that did not score
SCRAP_S, STUCK_S = 2.0, 0.24  # foreign speech no longer than this and no further from a sentence is a part of it
TOO_SHORT, FULL = 0.9, 1.4  # times the length expected: of a sentence that lacks a part, and of it with the part
PAUSE_S = 1.0  # within a sentence, between it and the part that it lacks
SPEAKERS_PAUSE_S = 0.8  # within foreign speech
SHORTEST_EXTRA_S = 0.55  # of foreign speech that is told
DOUBTFUL = -1.0  # score of a sentence that was found by its length


@dataclass
class _Gap:
    """What lies between two sentences that were found."""

    before: Fragment | None
    after: Fragment | None
    unread: list[int]  # indices of the sentences
    extra: list[tuple[float, float]]


def believe(alignment: Alignment, expected: list[float]) -> Alignment:
    """Return the alignment with sentences rescued and foreign speech given to its sentence.

    `expected` tells how many seconds each sentence should take at the reader's pace. Changes `alignment`.
    """
    extra = []
    for gap in _gaps(alignment):
        gap.extra = _rescue(alignment, gap, expected)
        places = {id(f): k for k, f in enumerate(alignment.fragments)}
        wanted = [expected[places[id(f)]] if f else 0.0 for f in (gap.before, gap.after)]
        extra += _joined([span for span in gap.extra if not _give(span, gap, wanted)])
    return replace(alignment, extra=sorted(span for span in extra if span[1] - span[0] >= SHORTEST_EXTRA_S))


def _joined(spans):
    """Return the stretches of one gap, those joined that only a speaker's pause parts."""
    joined = []
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= SPEAKERS_PAUSE_S:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _gaps(alignment):
    """Return the gaps before, between and after the sentences that were found."""
    found = [_Gap(None, None, [], [])]
    for index, fragment in enumerate(alignment.fragments):
        if fragment.read:
            found[-1].after = fragment
            found.append(_Gap(fragment, None, [], []))
        else:
            found[-1].unread.append(index)
    for span in alignment.extra:
        middle = (span[0] + span[1]) / 2
        for gap in found:
            if gap.after is None or middle < gap.after.begin:
                gap.extra.append(span)
                break
    return found


def _rescue(alignment, gap, expected):
    """Take foreign speech for the sentence that did not score in the same gap; returns the rest of it."""
    rest = list(gap.extra)
    if gap.before is None or gap.after is None:  # at the ends it is the preamble, the ending, or text not reached
        return rest
    earliest = 0.0
    for index in gap.unread:
        fragment, wanted = alignment.fragments[index], expected[index]
        if fragment.score <= NOT_FOUND:
            continue
        fits = [span for span in rest if span[0] >= earliest
                and SHORTEST * wanted <= span[1] - span[0] <= LONGEST * wanted]
        if not fits:
            continue
        begin, end = min(fits, key=lambda span: abs(span[1] - span[0] - wanted))
        rest.remove((begin, end))
        fragment.begin, fragment.end, fragment.read = begin, end, True
        fragment.score = min(fragment.score, DOUBTFUL)
        fragment.words = _spread(fragment.text.split(), begin, end)
        earliest = end
    return rest


def _spread(words, begin, end):
    """Return the words with times by their letters."""
    total, position, result = sum(len(word) + 1 for word in words) or 1, begin, []
    for word in words:
        last = position + (end - begin) * (len(word) + 1) / total
        result.append(Word(word, round(position, 3), round(last, 3)))
        position = last
    return result


def _give(span, gap, expected):
    """Make foreign speech a part of the sentence before or after it, if it is one; tells whether it was."""
    choices = []
    for fragment, wanted, distance in ((gap.before, expected[0], span[0] - gap.before.end if gap.before else 0),
                                       (gap.after, expected[1], gap.after.begin - span[1] if gap.after else 0)):
        if fragment is None:
            continue
        own, length = fragment.end - fragment.begin, span[1] - span[0]
        scrap = length <= SCRAP_S and distance <= STUCK_S
        lacking = distance <= PAUSE_S and own < TOO_SHORT * wanted and own + distance + length <= FULL * wanted
        if scrap or lacking:
            choices.append((distance, fragment is gap.after, fragment))
    if not choices:
        return False
    _, after, fragment = min(choices, key=lambda choice: choice[:2])
    if after:
        fragment.begin = span[0]
        if fragment.words:
            fragment.words[0] = replace(fragment.words[0], begin=round(span[0], 3))
    else:
        fragment.end = span[1]
        if fragment.words:
            fragment.words[-1] = replace(fragment.words[-1], end=round(span[1], 3))
    return True
