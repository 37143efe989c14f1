"""The throughput table: batches are full, every cell of both models trains, a failing one is named."""
import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training import throughput
from training.speech.data import Batches, write_cache

SMALL = """
model: {width: 16, heads: 2, blocks: 1, channels: 4, mels: 16, decoder_blocks: 0}
loop: {steps: 1}
data: {train: [some], buckets_s: [1.0], batch_s: 4}
"""


def test_made_batches_are_full():
    batch = throughput.made_batch(3, 1.6)
    assert batch['samples'].shape == (3, 25600) and Batches.padding(batch) == 0.0
    assert batch['token_count'].tolist() == [19] * 3 and batch['tokens'].shape == (3, 19)
    ink = throughput.made_ink(10)
    assert ((ink['label'] >= 0) ^ (ink['wide'] >= 0)).all() and (ink['wide'] >= 0).sum() == 2


def test_two_replicas_in_bfloat16_and_the_padding_share(tmp_path, capsys):
    config = tmp_path / 'small.yaml'
    config.write_text(SMALL)
    write_cache(tmp_path / 'cache' / 'some', (
        (np.zeros(12000, np.float32), {'text': 'hola', 'speaker': 's', 'source': 'x', 'split': 'train'})
        for _ in range(8)))
    assert throughput.main(['speech', '--config', str(config), '--replicas', '2', '--precision', 'bfloat16', '--steps',
                            '1', '--bucket', '1.0', '--data', str(tmp_path / 'cache')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:3] == ['2', 'bfloat16', '4'] and float(lines[2].split()[3]) > 0
    assert lines[3] == 'padding share of ' + str(config) + ': 25.0 %'


def test_characters_train_in_bfloat16():
    found = throughput.measure('characters', 'shipped', 1, 'bfloat16', 1, 3.2)
    assert found['rows'] == 128 and found['a_cpu_s'] > 0


def test_a_cell_that_fails_is_named():
    with pytest.raises(ConfigurationError, match='speech with 1 replicas in float32: .*no such config'):
        throughput.measure('speech', 'nothing', 1, 'float32', 1, 1.0)
