"""Percentiles, slopes and tables, against answers worked out by hand."""
import numpy as np
import pytest

from robot_ai.figures import percentiles, slope, table


def test_percentiles_of_one_to_hundred():
    figures = percentiles(range(1, 101))
    assert figures['count'] == 100 and figures['max'] == 100
    assert figures['p50'] == pytest.approx(50.5) and figures['p95'] == pytest.approx(95.05)
    low, high = figures['p50_interval']
    assert 35 < low < 50.5 < high < 66  # the binomial interval of a median of 100 is 40 to 61
    assert percentiles([]) is None
    assert percentiles([3.0])['p50_interval'] == [3.0, 3.0]


def test_a_line_has_its_slope_and_no_interval_to_speak_of():
    rise, low, high = slope(np.arange(100), 5 + 0.25 * np.arange(100))
    assert rise == pytest.approx(0.25) and low == pytest.approx(0.25) and high == pytest.approx(0.25)


def test_the_interval_of_noise_holds_zero_as_often_as_it_says():
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        _, low, high = slope(np.arange(200), random.normal(size=200))
        held += low <= 0 <= high
    assert 0.92 < held / 400 < 0.98


def test_three_points_by_hand():
    # y = 0, 2, 1 over x = 0, 1, 2: slope 0.5, residual sum of squares 1.5, standard error sqrt(1.5 / 1 / 2).
    rise, low, high = slope([0, 1, 2], [0, 2, 1])
    assert rise == pytest.approx(0.5) and high - rise == pytest.approx(12.706 * 0.75**0.5, rel=1e-3)
    assert rise - low == pytest.approx(high - rise)
    with pytest.raises(ValueError, match='needs 3'):
        slope([0, 1], [0, 1])


def test_a_table_stands_in_columns():
    assert table([('node', 'MB'), ('web', 5), ('speaker', 120)]) == (
        'node      MB\n-------  ---\nweb        5\nspeaker  120')
