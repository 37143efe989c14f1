"""What a model hears reaches the classifiers at the right frames, and helps the fit to the reader."""
import numpy as np

from training.audiobook import dtw, phones
from training.audiobook.ctc_test import FRAME, LABELS, _plant, _Recognizer
from training.audiobook.letters import REACH, Letters


def test_letters_lie_at_their_frames():
    letters = Letters(recognizer=_Recognizer())
    log_probs, samples = _plant('.' * 10 + 'á' + '.' * 10)
    letters._aligner.listen = lambda _: log_probs
    heard = letters(samples)
    classes = heard.shape[1] // (2 * REACH + 1)
    assert heard.dtype == np.float32 and len(heard) == len(samples) // (FRAME // 2)
    assert classes == len(LABELS) - 6  # accents are merged with their vowels
    middle = heard[:, REACH * classes:(REACH + 1) * classes]
    a = int(middle[20].argmax())
    assert middle[20:22, a].min() > 2 * middle[[19, 22], a].max()
    assert heard[16, 2 * REACH * classes + a] == middle[20, a]  # two frames of the model later


def test_a_listener_that_hears_better_than_the_cepstra_is_believed():
    generator = np.random.default_rng(2)
    labels = np.repeat(generator.integers(0, 4, 600), 5)
    cepstra = generator.standard_normal((len(labels), 8)).astype(np.float32)  # tell nothing
    heard = np.eye(4, dtype=np.float32)[labels] + 0.1 * generator.standard_normal((len(labels), 4)).astype(np.float32)
    right = []
    for frames in (cepstra, np.concatenate([cepstra, heard], axis=1)):
        start = phones.Sums(frames[:200], labels[:200], 4)
        right.append((phones.classify(frames, labels, start).argmax(axis=1) == labels).mean())
    assert right[0] < 0.5 and right[1] > 0.95


def test_sure_neighbours_that_differ_leave_a_posterior():
    log_posteriors = np.full((6, 3), -2000.0, np.float32)
    log_posteriors[np.arange(6), np.arange(6) % 3] = 0
    flattened = dtw._flattened(log_posteriors)
    assert np.isfinite(flattened).all() and np.allclose(flattened.sum(axis=1), 1)
