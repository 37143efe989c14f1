"""The distortions keep the digit on the canvas, and networks with and without a transformer are of one size."""
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


def test_the_experiment_resumes_and_runs_only_what_is_missing(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    digits = [Sample(str(n % 10), 'mnist', None, 'train', picture=rng.integers(0, 256, (28, 28), dtype=np.uint8))
              for n in range(20)]
    monkeypatch.setattr(distorted_mnist.data, 'mnist', lambda folder, part: digits)
    monkeypatch.setattr(distorted_mnist, 'BATCH', 4)
    monkeypatch.setattr(distorted_mnist, 'SAVE_EVERY', 1)
    command = ['--folder', str(tmp_path), '--distortion', 'R', '--seed', '0', '--steps', '2', '--tests', '10']
    whole = distorted_mnist.Batches.batch

    def stopped(self, step):
        if step == 1:
            raise KeyboardInterrupt
        return whole(self, step)
    monkeypatch.setattr(distorted_mnist.Batches, 'batch', stopped)
    with pytest.raises(KeyboardInterrupt):
        distorted_mnist.main([*command, '--transformer', 'tps'])
    assert not Results(tmp_path)
    monkeypatch.setattr(distorted_mnist.Batches, 'batch', whole)
    assert distorted_mnist.main([*command, '--transformer', 'tps', 'none']) == 0
    assert 'R-tps-0: goes on at step 1' in capsys.readouterr().out
    results = Results(tmp_path)
    assert [r['transformer'] for r in results] == ['tps', 'none'] and all(r['tests'] == 10 for r in results)
    assert [p.name for p in tmp_path.iterdir()] == ['results.jsonl']
    assert distorted_mnist.main([*command, '--transformer', 'tps', 'none']) == 0  # nothing is missing
    assert len(Results(tmp_path)) == 2 and '; 1)' in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match='other --steps'):
        distorted_mnist.main([*command[:-4], '--steps', '3'])
