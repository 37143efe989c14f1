"""The distortions keep the digit on the canvas, and networks with and without a transformer are of one size."""
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.characters import distorted_mnist
from training.characters.data import Sample
from training.characters.distorted_mnist import KINDS, SIDE, build, distort
from training.characters.results import Results

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


@pytest.fixture
def twenty_digits(monkeypatch):
    rng = np.random.default_rng(0)
    digits = [Sample(str(n % 10), 'mnist', None, 'train', picture=rng.integers(0, 256, (28, 28), dtype=np.uint8))
              for n in range(20)]
    monkeypatch.setattr(distorted_mnist.data, 'mnist', lambda folder, part: digits)


@pytest.mark.usefixtures('twenty_digits')
def test_a_worker_is_sent_no_pictures_and_makes_the_same_batches(tmp_path):
    batches = distorted_mnist.Batches(tmp_path, 4, 'RTS', 1)
    sent = bytes(ForkingPickler.dumps(batches))
    assert len(sent) < 1000
    ours, theirs = batches.batch(3), ForkingPickler.loads(sent).batch(3)
    assert ours['ink'].shape == (4, 42, 42) and all((ours[key] == theirs[key]).all() for key in ours)


@pytest.mark.usefixtures('twenty_digits')
def test_the_experiment_resumes_and_runs_only_what_is_missing(tmp_path, monkeypatch, capsys):
    command = ['--folder', str(tmp_path), '--distortion', 'R', '--seed', '0', '--batch', '4', '--tests', '10',
               '--steps', '2']
    whole = distorted_mnist.Batches.batch

    def stopped(self, step):
        if step == 1:
            raise KeyboardInterrupt
        return whole(self, step)
    monkeypatch.setattr(distorted_mnist.Batches, 'batch', stopped)
    with pytest.raises(KeyboardInterrupt):
        distorted_mnist.main([*command, '--transformer', 'tps'])
    assert not Results(tmp_path)
    with pytest.raises(ConfigurationError, match='begun with other'):
        distorted_mnist.main([*command[:-2], '--steps', '3', '--transformer', 'tps'])
    monkeypatch.setattr(distorted_mnist.Batches, 'batch', whole)
    assert distorted_mnist.main([*command, '--transformer', 'tps', 'none']) == 0
    assert 'resumed at step 1' in capsys.readouterr().out
    results = Results(tmp_path)
    assert [(r['transformer'], r['tests'], r['batch']) for r in results] == [('tps', 10, 4), ('none', 10, 4)]
    assert [p.name for p in tmp_path.iterdir()] == ['results.jsonl']
    assert distorted_mnist.main([*command, '--transformer', 'tps', 'none']) == 0  # nothing is missing
    assert len(Results(tmp_path)) == 2 and '; 1)' in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match='other --steps'):
        distorted_mnist.main([*command[:-2], '--steps', '3'])
    with pytest.raises(ConfigurationError, match='other --batch'):
        distorted_mnist.main([*command, '--batch', '8'])
