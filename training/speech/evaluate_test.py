"""Rates with intervals against counts made by hand, and the distortions by their measure."""
import jiwer
import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.speech.evaluate import CONDITIONS, distort, interval, table


def test_rate_and_interval_by_hand():
    references, heard = ['a b c d', 'e f', 'g h'], ['a b x d', 'e f', '']  # 1 + 0 + 2 errors in 8 words
    rate, low, high = interval(references, heard)
    assert rate == pytest.approx(3 / 8) and 0 <= low < rate < high <= 1
    assert rate == pytest.approx(jiwer.wer(references, heard))
    assert interval(['hola'] * 9, ['hola'] * 9) == (0.0, 0.0, 0.0)


def test_folded_rates_forgive_accents():
    row = {'source': 's', 'speaker': 'p', 'condition': 'clean', 'reference': 'está aquí', 'heard': 'esta aquí',
           'seconds': 2.0, 'work_s': 0.1}
    line, = table([row] * 3)
    assert line['wer'][0] == 0.5 and line['folded_wer'][0] == 0.0 and line['rtf'] == 0.05


@pytest.mark.parametrize('condition', CONDITIONS)
def test_distortions_keep_length(condition):
    rng = np.random.default_rng(3)
    sound = (rng.standard_normal(9000) * 0.1).astype(np.float32)
    out = distort(sound, condition, rng, [sound[::-1], sound * 2, sound + 0.1])
    assert len(out) == 9000 and np.isfinite(out).all() and (condition == 'clean') == np.array_equal(out, sound)
    if condition.startswith('noise'):
        ratio = 10 * np.log10(np.mean(sound ** 2) / np.mean((out - sound) ** 2))
        assert ratio == pytest.approx(float(condition[5:]), abs=0.1)


def test_unknown_condition_is_named():
    with pytest.raises(ConfigurationError, match='underwater'):
        distort(np.zeros(10, np.float32), 'underwater', np.random.default_rng(0), [])
