"""The distortions keep the digit on the canvas, and networks with and without a transformer are of one size."""
import numpy as np
import pytest

from training.characters.distorted_mnist import KINDS, SIDE, build, distort

BAR = np.zeros((28, 28), np.uint8)
BAR[6:22, 12:16] = 255


@pytest.mark.parametrize('distortion', SIDE)
def test_the_ink_stays_on_the_canvas(distortion):
    rng = np.random.default_rng(0)
    pictures = [distort(BAR, distortion, rng) for _ in range(40)]
    assert all(p.shape == (SIDE[distortion],) * 2 and p.dtype == np.uint8 and p.any() for p in pictures)
    assert np.mean([p.sum() for p in pictures]) > 0.6 * BAR.sum()
    assert len({p.tobytes() for p in pictures}) == 40


def test_sizes_are_alike():
    counts = [build(28, kind).count_params() for kind in KINDS]
    assert max(counts) < 1.1 * min(counts)
