"""The n-gram counter: probabilities after every context sum to one, and what was seen is likelier than what was not."""
import itertools
import math

import pytest

from robot_ai.speech.language_model import END
from training.speech.model import Characters
from training.speech.ngram import train_ngram


@pytest.fixture(scope='module')
def model():
    return train_ngram([('hola ana', 3.0), ('hola', 2.0), ('ana canta', 1.0), ('la casa', 1.0)], order=4, at_least=2)


@pytest.mark.parametrize('said', ['', 'h', 'hol', 'ana', 'zz', 'a▁c'])
def test_what_may_follow_sums_to_one(model, said):
    state = model.begin
    for letter in said:
        _, state = model.score(state, letter)
    total = sum(math.exp(model.score(state, unit)[0]) for unit in [*Characters.labels[1:], END])
    assert total == pytest.approx(1.0, abs=0.01)  # half-precision logarithms


def test_seen_text_is_likelier(model, tmp_path):
    def score(text, model):
        state, total = model.begin, 0.0
        for unit in itertools.chain(text.replace(' ', '▁'), [END]):
            value, state = model.score(state, unit)
            total += value
        return total
    assert score('hola ana', model) > score('ohal naa', model) + 5
    model.save(tmp_path / 'letters.npz')
    assert score('la ana', type(model).load(tmp_path / 'letters.npz')) == pytest.approx(score('la ana', model))
