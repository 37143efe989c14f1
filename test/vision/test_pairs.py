"""Labels decided in pairs: the best tree of labels is found exactly, and where pairs say nothing each decides alone."""
import itertools

import numpy as np
import pytest

from robot_ai.errors import ModelError
from robot_ai.vision.pairs import CANDIDATES, FILE, Pairs

LABELS, RELATIONS = 5, 6


def tree(rng, count):
    """Return parents (one root) and relations of a random tree, its symbols in no order."""
    names = rng.permutation(count)
    parents = np.full(count, -1)
    for place in range(1, count):
        parents[names[place]] = names[rng.integers(place)]
    return parents.tolist(), rng.integers(RELATIONS, size=count).tolist()


@pytest.mark.parametrize('seed', range(6))
def test_the_labels_are_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    pairs = Pairs(rng.integers(0, 200, (RELATIONS, LABELS + 1, LABELS)) ** 2)
    pairs.information *= 10  # loud enough to overrule the scores
    scores = rng.dirichlet(np.ones(LABELS), 5)
    parents, relations = tree(rng, 5)

    def worth(labels):
        return sum(np.log(scores[n, label] + 1e-6) + pairs.information[
            relations[n], labels[parents[n]] if parents[n] >= 0 else LABELS, label] for n, label in enumerate(labels))
    best = max(itertools.product(range(LABELS), repeat=5), key=worth)
    found, value = pairs.decide(scores, parents, relations)
    assert CANDIDATES >= LABELS and found.argmax(axis=1).tolist() == list(best)
    assert found.sum(axis=1) == pytest.approx(1)
    assert value == pytest.approx(worth(best), abs=1e-4)


def test_a_pair_often_seen_decides_between_equal_scores_and_none_seen_changes_nothing():
    counts = np.zeros((RELATIONS, LABELS + 1, LABELS))
    scores = np.array([[0.98, 0.005, 0.005, 0.005, 0.005], [0.0, 0.5, 0.48, 0.01, 0.01]])
    same, _ = Pairs(counts).decide(scores, [-1, 0], [0, 0])
    assert same == pytest.approx(scores, abs=1e-4)
    counts[0, 0, 2] = 500  # a 2 stands right of a 0
    counts[0, LABELS] = 100
    assert Pairs(counts).decide(scores, [-1, 0], [0, 0])[0].argmax(axis=1).tolist() == [0, 2]


def test_a_file_of_another_kind_or_size_is_refused(tmp_path):
    path = tmp_path / FILE
    for content, reason in ((None, 'no counts'), ({'other': np.ones(3)}, 'no counts'),
                            ({'counts': np.ones((6, 4, 4))}, 'of shape')):
        if content is not None:
            np.savez(path, **content)
        with pytest.raises(ModelError, match=reason):
            Pairs.read(path, LABELS)
    np.savez(path, counts=np.zeros((6, LABELS + 1, LABELS), np.uint16))
    assert Pairs.read(path, LABELS).information.shape == (6, LABELS + 1, LABELS)
