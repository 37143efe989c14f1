"""The configs: each reads, makes the model that its header states, and its batches can be shared by replicas."""
import re

import numpy as np
import pytest

from training.schedule import LoopConfig
from training.speech.data import Batches, Cache, write_cache
from training.speech.model import Characters, Size, SpeechModel
from training.speech.train import CONFIGS, read_config


@pytest.mark.parametrize('name', ['tiny', 'lstm', 'small', 'multilingual', 'base', 'large'])
def test_a_config_has_the_parameters_that_it_states(name):
    stated = float(re.search(r'([\d.]+) M parameters', (CONFIGS / f'{name}.yaml').read_text()).group(1))
    config = read_config(name)
    model = SpeechModel(Size(**config['model'])).build_all()
    assert model.count_params() / 1e6 == pytest.approx(stated, rel=0.03)
    assert LoopConfig(**config['loop']).metric == 'wer'
    data = config['data']
    assert max(data['buckets_s']) <= data['batch_s'] and data['buckets_s'] == sorted(data['buckets_s'])


@pytest.mark.parametrize('name', ['small', 'multilingual', 'base', 'large'])
def test_eight_replicas_share_the_rows_of_what_is_meant_for_them(name, tmp_path):
    write_cache(tmp_path, [(np.zeros(8000, np.float32), {'text': 'sí', 'speaker': '', 'source': '', 'split': 'train'})])
    data = read_config(name)['data']
    sizes = Batches(Cache([tmp_path]), Characters(), data['buckets_s'], data['batch_s']).sizes
    assert all(rows and rows % 8 == 0 for rows in sizes)


def test_a_learning_curve_has_every_point_and_reads_the_best_step():
    from training.speech.learning_curve import best_of, points
    made = points({'data': {'train': ['a']}, 'seed': 3}, [0.25, 1.0], synthesis=True)
    assert list(made) == ['025', '025-recordings-only', '100', '100-recordings-only']
    assert made['025-recordings-only'] == {'seed': 3, 'data': {'train': ['a'], 'share': 0.25,
                                                               'without': ['espeak', 'pico', 'italian']}}
    log = ('step 5 ctc 0.1 loss 0.1\nstep 5 validation wer_words 0.2000 wer 0.5000 cer 0.2500\n'
           'step 9 validation wer_words 0.9000 wer 0.6000 cer 0.2000\n')
    assert best_of(log) == {'wer_words': 0.2, 'wer': 0.5, 'cer': 0.25} and best_of('') == {}
