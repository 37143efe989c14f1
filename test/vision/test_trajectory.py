"""A trajectory says where the pen went: place and size do not matter, order and direction do; bad strokes are named."""
import numpy as np
import pytest

from robot_ai.errors import ImageError
from robot_ai.vision.trajectory import POINTS, trajectory_of

SEVEN = [[[0, 0], [60, 0], [25, 100]], [[10, 50], [50, 50]]]


def test_points_lie_on_the_strokes_evenly_and_in_order():
    path = trajectory_of(SEVEN)
    assert path.shape == (POINTS, 3) and path.dtype == np.float32
    begins = np.flatnonzero(path[:, 2])
    assert begins.tolist() == [0, 1 + round((POINTS - 2) * 165.9 / 205.9)] and set(path[:, 2]) == {0.0, 1.0}
    np.testing.assert_allclose(path[[0, begins[1] - 1, begins[1], -1], :2] * 50 + [30, 50],
                               [[0, 0], [25, 100], [10, 50], [50, 50]], atol=0.2)
    steps = np.hypot(*np.diff(path[:begins[1], :2], axis=0).T)
    assert steps.max() < 1.05 * np.median(steps)  # shorter only around the corner


def test_place_and_size_do_not_matter_but_direction_does():
    path = trajectory_of(SEVEN)
    np.testing.assert_allclose(trajectory_of([np.array(s) * 0.03 + 700 for s in SEVEN]), path, atol=1e-3)
    turned = trajectory_of([stroke[::-1] for stroke in SEVEN])
    assert np.abs(turned[0, :2] - path[0, :2]).max() > 1
    assert np.abs(path[:, :2]).max() == pytest.approx(1)


@pytest.mark.parametrize('strokes', [[], [[]], [[[5, 5]]], [[[5, 5], [5, 5]], [[5, 5]]]])
def test_no_ink_and_dots_have_no_extent(strokes):
    path = trajectory_of(strokes)
    assert not path[:, :2].any()
    assert path[:, 2].sum() == sum(len(stroke) > 0 for stroke in strokes)


def test_of_very_many_strokes_the_longest_count():
    rng = np.random.default_rng(0)
    long = [rng.uniform(0, 50, (5, 2)) for _ in range(POINTS)]
    path = trajectory_of([*long, *[[[x, 20], [x, 20.1]] for x in range(40)]])
    np.testing.assert_array_equal(path, trajectory_of(long))
    assert path[:, 2].all()


def test_what_is_no_stroke_is_refused():
    with pytest.raises(ImageError, match='finite'):
        trajectory_of([[[0, 0], [np.nan, 1]]])
