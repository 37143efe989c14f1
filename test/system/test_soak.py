"""The judgement of `make soak`: it finds what grows, slows, is lost or doubled, and lets the rest pass."""
import numpy as np
import pytest

pytest.importorskip('rclpy')

import soak  # noqa: E402

HOUR = 3600.0


def heard(*finals):
    taken = soak.Heard(expected=(3.65, 10.04))
    for final in finals:
        taken.add(*final)
    return taken


def test_each_utterance_is_wanted_once_a_round():
    good = [(number, start + 0.02 * number, 'hola') for number in range(2) for start in (3.65, 10.04)]
    assert heard(*good).lost_and_doubled(2) == ([], [])
    assert heard(*good).lost_and_doubled(1) == ([], [])  # the last round may be cut short
    assert heard(*good[:-1]).lost_and_doubled(2) == (['round 1: at 10.04 s'], [])
    twice = heard(*good, good[0])
    assert twice.lost_and_doubled(2) == ([], ['round 0: 2 times the stamp 3.65 s'])
    late = heard(*good[:-1], (1, 10.5, 'hola'))
    assert late.lost_and_doubled(2) == ([], []) and late.off == 1
    split = heard(*good, (1, 10.3, 'la'))  # one utterance, two transcripts
    assert split.lost_and_doubled(2) == ([], ['round 1: at 10.04 s'])
    more = heard(*good, (1, 20.0, 'nadie'))  # heard where nobody spoke: false, but neither lost nor doubled
    assert more.lost_and_doubled(2) == ([], [])


def test_growth_beyond_the_tolerance_is_bad_and_noise_or_shrinking_is_not():
    random = np.random.default_rng(1)
    times = np.arange(0, 2 * HOUR, 5.0)
    flat = 120 + random.normal(0, 0.5, len(times))
    leak = flat + 4.0 * times / HOUR  # MB an hour: 8 in the two measured, 3 are let pass
    assert not soak.grows('resident MB', times, flat)[1]
    assert not soak.grows('resident MB', times, flat + 1.0 * times / HOUR)[1]
    assert not soak.grows('resident MB', times, leak[::-1])[1]
    cell, bad = soak.grows('resident MB', times, leak)
    assert bad and cell.startswith('124.0 +8.0')
    assert soak.grows('descriptors', times, 20 + times // 1200)[1]  # one every twenty minutes
    assert not soak.grows('threads', times, np.full(len(times), 15))[1]


def test_what_comes_later_at_the_end_is_told_with_its_interval():
    random = np.random.default_rng(2)
    first, same, slow = random.normal(80, 10, 200), random.normal(80, 10, 200), random.normal(200, 10, 200)
    shift, low, high = soak.later(first, same)
    assert low < 0 < high and abs(shift) < 5
    shift, low, high = soak.later(first, slow)
    assert low > soak.LATER_MS and shift == pytest.approx(120, abs=5) and low < shift < high


def test_quarters_share_the_time():
    delays = [(100.0 + second, second) for second in range(80)]
    parts = [soak.quarter(delays, 100.0, 180.0, number) for number in range(4)]
    assert [part[0] for part in parts] == [0, 20, 40, 60] and sum(map(len, parts)) == 80


@pytest.mark.long
@pytest.mark.ros
def test_two_minutes_lose_and_double_nothing(capsys):
    soak.soak(120.0, pages=3)  # too short to judge what grows
    out = capsys.readouterr().out
    assert ' 0 lost, 0 doubled' in out and 'pages: 3' in out and 'BAD: lost' not in out and 'published' in out
