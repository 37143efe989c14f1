"""Whisper's decoding rules, searches, phrases and alignment, against answers worked out by hand or by brute force."""
import itertools

import numpy as np
import pytest

from robot_ai.speech.whisper_alignment import median, token_frames, warp
from robot_ai.speech.whisper_decoding import PhraseBias, Rules, beam_search, greedy

END, V = 4, 8


class Table:
    """A stepper whose logits depend on what was read: a random table [depth, last token, V]."""

    def __init__(self, seed, depth=5):
        self.table = np.random.default_rng(seed).normal(0, 2, (depth, V, V)).astype(np.float32)
        self.depth, self.rows = 0, [0]
        self.logits = self.table[:1, 0]

    def read(self, tokens, rows):
        self.depth += 1
        assert max(rows) < len(self.rows) or self.depth == 1
        self.rows = list(rows)
        return np.stack([self.table[self.depth, token] for token in tokens])

    def attention(self, row):
        return np.full((1, 3), row, np.float32)

    def score(self, tokens):
        """ln P of the tokens and the end after them, by hand."""
        total, last = 0.0, 0
        for depth, token in enumerate([*tokens, END]):
            logits = self.table[depth, last].astype(np.float64)
            total += logits[token] - np.log(np.exp(logits).sum())
            last = token
        return total


def test_greedy_takes_the_best_token_each_time_and_leaves_the_suppressed():
    free = greedy(Table(3), Rules(END), 4)
    first = int(Table(3).logits[0].argmax())
    assert free.tokens[0] == first
    assert greedy(Table(3), Rules(END, suppress=(first,)), 4).tokens.count(first) == 0
    begun = greedy(Table(3), Rules(END, begin_suppress=(first,)), 4)
    assert begun.tokens[:1] != [first]
    assert len(free.attention) == len(free.log_probs)


@pytest.mark.parametrize('seed', range(6))
def test_wide_beam_finds_the_best_transcript(seed):
    """More beams than transcripts: the best by mean ln probability a token, as brute force finds it."""
    longest = 2
    others = [t for t in range(V) if t != END]
    every = [list(s) for n in range(longest) for s in itertools.product(others, repeat=n)]
    best = max(every, key=lambda s: Table(seed).score(s) / (len(s) + 1))
    readings = beam_search(Table(seed), Rules(END), longest, V * V)
    found = [said for said in readings if len(said.log_probs) > len(said.tokens)]  # those that ended
    assert found[0].tokens == best
    assert found[0].score == pytest.approx(Table(seed).score(best), abs=1e-4)


def test_one_beam_is_never_better_than_three():
    for seed in range(10):
        one, three = greedy(Table(seed), Rules(END), 4), beam_search(Table(seed), Rules(END), 4, 3)
        assert three[0].mean >= one.mean - 1e-6 or len(one.log_probs) == len(one.tokens)


def test_times_come_in_pairs_and_never_fall():
    rules = Rules(4, timestamps=True, no_timestamps=5, first_timestamp=6, max_initial_timestamp=2)
    open_ = np.zeros(16, np.float32)

    def allowed(said):
        return set(np.flatnonzero(np.isfinite(rules.apply(open_, said))).tolist())
    assert allowed([]) == {6, 7, 8}  # begins with a time, of at most 2
    assert allowed([7]) <= set(range(5))  # text follows the first
    assert 6 not in allowed([7, 1]) and 5 not in allowed([7, 1])
    assert allowed([7, 1, 9]) == set(range(9, 16))  # the pair's second, at the first's time or later, wins by mass
    sure = open_.copy()
    sure[4] = 20
    assert int(rules.apply(sure, [7, 1, 9]).argmax()) == 4
    assert min(allowed([7, 1, 9, 9, 2])) >= 10  # a segment is never empty


def test_phrase_earns_while_it_lasts_and_gives_back_where_it_breaks():
    class Spelling:
        def encode(self, text):
            return {' ab': [0, 1], ' Ab': [0, 1], 'Ab': [0, 1]}[text]
    bias = PhraseBias(['ab'], Spelling(), boost=2.0)
    scores = np.zeros(3, np.float32)
    assert bias.add_to(scores, 0).tolist() == [2, 0, 0]
    begun = bias.step(0, 0)
    assert bias.add_to(scores, begun).tolist() == [0, 2, -2]  # another beginning; going on; breaking off
    whole = bias.step(begun, 1)
    assert bias.add_to(scores, whole).tolist() == [2, 0, 0] and not PhraseBias([], Spelling())


def test_warp_finds_a_planted_path():
    rows = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4])
    cost = np.ones((5, len(rows)))
    cost[rows, np.arange(len(rows))] = 0
    found_rows, found_columns = warp(cost)
    assert found_rows.tolist() == rows.tolist() and found_columns.tolist() == list(range(len(rows)))


def test_tokens_lie_where_attention_looked():
    centres = [4, 12, 30, 41]
    frames = np.arange(60)
    scores = np.stack([-0.5 * ((frames - c) / 2.0) ** 2 for c in centres])[None].repeat(2, axis=0)
    borders = token_frames(scores, 50)
    assert len(borders) == 5 and (np.diff(borders) >= 0).all() and borders[-1] <= 49
    for begin, centre in zip(borders[1:], centres[1:]):
        assert centre - 10 <= begin <= centre


def test_median_reflects_its_ends():
    assert median(np.array([1.0, 9, 2, 3, 4]), 3).tolist() == [9, 2, 3, 3, 3]
    assert median(np.array([5.0, 1.0]), 7).tolist() == [5, 1]
