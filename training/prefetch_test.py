"""Workers change when a batch is made, not what is in it; nothing is left in shared memory."""
import os

import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.prefetch import Prefetched
from training.speech.data import Batches, Cache, write_cache
from training.speech.model import Characters


@pytest.fixture
def batches(tmp_path):
    rng = np.random.default_rng(2)
    write_cache(tmp_path / 'cache', ((rng.uniform(-.2, .2, 9000 + 700 * i).astype(np.float32), {
        'text': 'hola', 'speaker': 's', 'source': 'one', 'split': 'train'}) for i in range(9)))
    return Batches(Cache([tmp_path / 'cache']), Characters(), [1.0], 3.0, seed=3, augmentation={})


def shared():
    return {name for name in os.listdir('/dev/shm') if name.startswith('psm_')} if os.path.isdir('/dev/shm') else set()


def test_prefetched_batches_are_the_batches(batches):
    before = shared()
    made = Prefetched(batches, 2, steps=6)
    try:
        for step in (0, 1, 2, 4, 5, 7):  # a step left out, and one past the last
            batch = made.batch(step)
            for key, value in batches.batch(step).items():
                assert batch[key].dtype == value.dtype
                np.testing.assert_array_equal(batch[key], value)
        assert made.padding(batch) == batches.padding(batch)
    finally:
        made.close()
    assert shared() <= before


def test_a_killed_worker_is_told_as_what_it_is(batches):
    made = Prefetched(batches, 1, steps=10)
    try:
        made.batch(0)
        for process in made._workers._processes.values():
            process.kill()
        with pytest.raises(ConfigurationError, match='/dev/shm'):
            for step in range(1, 10):
                made.batch(step)
    finally:
        made.close()


def test_what_nobody_fetched_is_freed(batches):
    before = shared()
    made = Prefetched(batches, 1, steps=10)
    made.batch(0)
    made.close()
    assert shared() <= before
