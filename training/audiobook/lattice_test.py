"""The search finds planted paths: texts left out, speech that is not in the text, and any division into blocks."""
import numpy as np
import pytest

from robot_ai.errors import AudioError
from training.audiobook import lattice


def _costs(frames, labels, states):
    """0 where the frame's label is the state's, 1 elsewhere."""
    table = (np.asarray(labels)[:, None] != np.asarray(states)).astype(np.float32)
    return lambda t0, t1, low, high: table[t0:t1, low:high]


def _graph(lengths, skip=0.3):
    return lattice.build_graph(lengths, skip * np.asarray(lengths), np.zeros(sum(lengths), bool))


def test_worked_by_hand():
    # units AB and C; heard: silence A A B silence C
    heard = ['', 'A', 'A', 'B', '', 'C']
    path, price = lattice.align(_costs(6, heard, ['A', 'B', 'C']), np.array([0.1, .8, .8, .8, 0.1, .8]),
                                _graph([2, 1]))
    assert path.tolist() == [-1, 0, 0, 1, -2, 2]
    assert price == pytest.approx(0.2)


def test_unread_unit_and_foreign_speech_are_told_apart():
    heard = list('ABxxxEF')  # CD was not read; xxx is not in the text
    path, price = lattice.align(_costs(7, heard, list('ABCDEF')), np.full(7, 0.6), _graph([2, 2, 2]))
    assert path.tolist()[:2] == [0, 1] and path.tolist()[-2:] == [4, 5]
    assert all(step < 0 for step in path[2:5])
    assert price == pytest.approx(3 * 0.6 + 2 * 0.3)


def test_free_ends_find_the_part_that_is_read():
    heard = list('CDEF')
    path, price = lattice.align(_costs(4, heard, list('ABCDEFGH')), np.full(4, 0.6), _graph([2] * 4),
                                free_ends=True)
    assert path.tolist() == [2, 3, 4, 5]
    assert price == 0


def _planted(generator, units):
    """Return (labels heard, states, lengths, true state of each frame or -1): some units unread, noise between."""
    heard, states, lengths, truth = [], [], [], []
    for unit in range(units):
        length = int(generator.integers(3, 9))
        labels = generator.integers(1, 60, length).tolist()
        lengths.append(length)
        first = len(states)
        states += labels
        for _ in range(int(generator.integers(0, 4))):
            heard.append(0)
            truth.append(-1)
        if unit % 7 != 3:
            for k, label in enumerate(labels):
                for _ in range(int(generator.integers(1, 4))):
                    heard.append(label)
                    truth.append(first + k)
    return heard, states, lengths, np.array(truth)


@pytest.mark.parametrize('beam', [1e9, 30.0])
def test_planted_path_over_many_blocks(beam):
    heard, states, lengths, truth = _planted(np.random.default_rng(4), 150)
    assert len(heard) > 5 * lattice.BLOCK
    star = np.where(np.array(heard) == 0, 0.05, 0.7)
    path, _ = lattice.align(_costs(len(heard), heard, states), star, _graph(lengths), beam=beam)
    right = np.where(truth < 0, path < 0, path == truth)
    assert right.mean() > 0.99


def test_result_does_not_depend_on_the_block(monkeypatch):
    heard, states, lengths, _ = _planted(np.random.default_rng(5), 30)
    star = np.where(np.array(heard) == 0, 0.05, 0.7)
    results = []
    for block in (7, 1000):
        monkeypatch.setattr(lattice, 'BLOCK', block)
        results.append(lattice.align(_costs(len(heard), heard, states), star, _graph(lengths)))
    assert results[0][0].tolist() == results[1][0].tolist()
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-5)


def test_price_is_that_of_the_path():
    generator = np.random.default_rng(6)
    table = generator.random((40, 12)).astype(np.float32)
    star = generator.random(40)
    graph = lattice.build_graph([5, 4, 3], np.array([0.4, 0.5, 0.6]), np.ones(12, bool))
    path, price = lattice.align(lambda t0, t1, low, high: table[t0:t1, low:high], star, graph)
    used = set(np.searchsorted(graph.ends, path[path >= 0], 'right').tolist())
    paid = sum(star[t] if s < 0 else table[t, s] for t, s in enumerate(path))
    paid += sum(graph.skip[k] for k in range(3) if k not in used)
    assert price == pytest.approx(paid, rel=1e-4)


def test_borders_that_cost_move_the_path():
    # unit AB twice as likely as frames 0..1 or 2..3; beginning in the middle of speech costs more
    heard = list('ABAB')
    borders = np.zeros((4, 2))
    borders[0, 0] = borders[3, 1] = 0.5
    path, price = lattice.align(_costs(4, heard, list('AB')), np.full(4, 0.2), _graph([2]), borders=borders)
    assert price == pytest.approx(0.2 + 0.2 + 0.5)
    borders[1, 1] = 0.6
    path, price = lattice.align(_costs(4, heard, list('AB')), np.full(4, 0.2), _graph([2]), borders=borders)
    assert path.tolist() == [-1, -1, 0, 1]
    assert price == pytest.approx(0.9)


def test_no_frame_is_an_error():
    with pytest.raises(AudioError, match='at least one frame'):
        lattice.align(None, np.zeros(0), _graph([2]))
