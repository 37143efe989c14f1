"""Validation while training: rates of what is heard, and samples that TensorBoard can show."""
import keras
import numpy as np
import tensorflow as tf

from training.speech.data import Cache, write_cache
from training.speech.model import Characters, Size, SpeechModel
from training.speech.validation import Validation, greedy


def test_figures_and_samples(tmp_path):
    rng = np.random.default_rng(2)
    write_cache(tmp_path / 'c', ((rng.uniform(-.1, .1, 16000 + i).astype(np.float32), {
        'text': 'hola' if i else '', 'speaker': 's', 'source': ['one', 'two'][i % 2], 'split': 'validation'})
        for i in range(5)))
    keras.utils.set_random_seed(1)
    model = SpeechModel(Size(width=16, heads=2, blocks=1, channels=4, mels=16, decoder_blocks=0)).build_all()
    validation = Validation(Cache([tmp_path / 'c']), Characters(), clips=2)
    figures = validation(model)
    assert set(figures) == {'wer', 'cer', 'wer_one', 'cer_one', 'wer_two', 'cer_two'} and figures['wer'] <= 1
    with tf.summary.create_file_writer(str(tmp_path / 'board')).as_default():
        for step in (1, 2):
            validation.show(model, step)
    file, = (tmp_path / 'board').iterdir()
    tags = [value.tag for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value]
    assert tags.count('samples') == 2 and tags.count('samples/one') == tags.count('samples/two') == 1


def test_repeats_are_merged_and_blanks_dropped():
    assert greedy(np.array([0, 9, 9, 0, 9, 1, 1, 3]), Characters()) == 'hh b'
