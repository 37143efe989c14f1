"""No reader and no book in two splits, 60/20/20 by hours, and the same answer each time."""
import numpy as np
import pytest

from training.audiobook.splits import SPLITS, split_at_random, split_by_group


def test_books_that_share_a_reader_stay_together():
    items = [('ana', 'A'), ('ana', 'B'), ('ben', 'B'), ('eva', 'C'), ('ivo', 'D')]
    split = split_by_group(items, [2.0, 2.0, 2.0, 2.0, 2.0])
    assert split[0] == split[1] == split[2] == 'train'
    assert {split[3], split[4]} == {'validation', 'test'}


@pytest.mark.parametrize('seed', range(5))
def test_shares_and_separation(seed):
    generator = np.random.default_rng(seed)
    items = [(f'r{generator.integers(60)}', f'b{k // 4}') for k in range(60)]
    items += [(f's{k}', f'c{k}') for k in range(100)]
    hours = generator.uniform(0.1, 1.0, len(items)).tolist()
    split = split_by_group(items, hours)
    for position in (0, 1):
        seen = {}
        for item, chosen in zip(items, split):
            assert seen.setdefault(item[position], chosen) == chosen
    shares = [sum(h for h, s in zip(hours, split) if s == name) / sum(hours) for name in SPLITS]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.05)
    assert split_by_group(items, hours) == split


def test_random_split_shares_hours_and_repeats_itself():
    names, hours = [f'n{k}' for k in range(500)], [1.0] * 500
    split = split_at_random(names, hours)
    assert [split.count(name) for name in SPLITS] == [300, 100, 100]
    assert split == split_at_random(names, hours)
    assert split != split_at_random(names, hours, seed=1)
