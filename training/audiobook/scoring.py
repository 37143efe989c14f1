"""A known audiobook and an alignment of it in, border errors and counts of hits out."""
from dataclasses import dataclass, field

import numpy as np

from training.audiobook.fragments import Alignment
from training.audiobook.known import KnownBook

OVERLAP = 0.5  # share of the shorter of two stretches that makes them the same
WITHIN_S = 0.2
FRAME_TOLERANCE_S = 0.5  # the cut after a preamble may miss the last of it, or the first sentence, by this much


@dataclass
class Tally:
    """Counts over books; borders in seconds, each the distance of a begin or an end from the true one."""

    borders: list[float] = field(default_factory=list)
    gap_borders: list[float] = field(default_factory=list)  # 0 where the border lies in the true silence
    missing: list[int] = field(default_factory=lambda: [0, 0, 0])  # hits, false alarms, misses
    extra: list[int] = field(default_factory=lambda: [0, 0, 0])
    preambles: int = 0
    endings: int = 0
    books: int = 0

    def f1(self) -> float:
        """F1 of the missing and the extra sentences together."""
        hits, false, missed = (self.missing[k] + self.extra[k] for k in range(3))
        return 2 * hits / max(1, 2 * hits + false + missed)

    def summary(self) -> dict:
        """Return the figures with plain names; errors in ms."""
        borders = np.asarray(self.borders) if self.borders else np.full(1, np.nan)
        gaps = np.asarray(self.gap_borders) if self.gap_borders else np.full(1, np.nan)
        return {'books': self.books, 'borders': len(self.borders),
                'median_ms': round(float(np.median(borders)) * 1000, 1),
                'mean_ms': round(float(np.mean(borders)) * 1000, 1),
                'within_200_ms': round(float(np.mean(borders <= WITHIN_S)), 4),
                'gap_mean_ms': round(float(np.mean(gaps)) * 1000, 1),
                'gap_within_200_ms': round(float(np.mean(gaps <= WITHIN_S)), 4),
                'missing_hit_false_missed': self.missing, 'extra_hit_false_missed': self.extra,
                'f1': round(self.f1(), 4), 'preambles_cut': self.preambles, 'endings_cut': self.endings}


def _same(a, b):
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return shared > OVERLAP * min(a[1] - a[0], b[1] - b[0])


def score_book(book: KnownBook, alignment: Alignment, tally: Tally) -> None:
    """Add one book to `tally`; the alignment's fragments are those of `book.sentences`, in order."""
    extra = list(book.extra)
    found = alignment.fragments
    for index, (truth, fragment) in enumerate(zip(book.truth, found)):
        if truth is None or not fragment.read:
            place = 2 if truth is None and fragment.read else 0 if truth is None else 1
            tally.missing[place if place != 2 else 2] += 1
            continue
        again = book.twice.get(index)
        if again is not None and _same(again, (fragment.begin, fragment.end)) \
                and not _same(truth, (fragment.begin, fragment.end)):
            extra[extra.index(again)] = truth
            truth = again
        errors = [abs(fragment.begin - truth[0]), abs(fragment.end - truth[1])]
        tally.borders += errors
        spans, seconds = _spans(book), len(book.samples) / 16000
        before = max([end for _, end in spans if end <= truth[0] + 1e-6], default=0.0)
        after = min([begin for begin, _ in spans if begin >= truth[1] - 1e-6], default=seconds)
        tally.gap_borders += [max(0.0, before - fragment.begin, fragment.begin - truth[0]),
                              max(0.0, truth[1] - fragment.end, fragment.end - after)]
    first, last = _text_span(book)
    claimed = [span for span in alignment.extra if first - FRAME_TOLERANCE_S < (span[0] + span[1]) / 2
               < last + FRAME_TOLERANCE_S]
    hits = [span for span in extra if any(_same(span, other) for other in claimed)]
    false = [span for span in claimed if not any(_same(span, other) for other in extra)]
    tally.extra[0] += len(hits)
    tally.extra[1] += len(false)
    tally.extra[2] += len(extra) - len(hits)
    read = [fragment for fragment in found if fragment.read]
    if read:
        tally.preambles += abs(read[0].begin - first) <= FRAME_TOLERANCE_S
        tally.endings += abs(read[-1].end - last) <= FRAME_TOLERANCE_S
    tally.books += 1


def _spans(book):
    spans = [span for span in book.truth if span] + book.extra
    return [*spans, book.preamble, book.ending]


def _text_span(book):
    spans = [span for span in book.truth if span] + list(book.twice.values())
    return min(begin for begin, _ in spans), max(end for _, end in spans)
