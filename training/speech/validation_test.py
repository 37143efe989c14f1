"""Validation while training: rates of what is heard, and samples that TensorBoard can show."""
import keras
import numpy as np
import tensorflow as tf

from training.speech.attention_pictures import attention_pictures, picture
from training.speech.data import Cache, write_cache
from training.speech.model import Characters, Size, SpeechModel
from training.speech.validation import Validation, greedy


def test_figures_and_samples(tmp_path):
    rng = np.random.default_rng(2)
    write_cache(tmp_path / 'c', ((rng.uniform(-.1, .1, 16000 + i).astype(np.float32), {
        'text': 'hola' if i else '', 'speaker': 's', 'source': ['one', 'two'][i % 2], 'split': 'validation'})
        for i in range(5)))
    keras.utils.set_random_seed(1)
    model = SpeechModel(Size(width=16, heads=2, blocks=1, channels=4, mels=16, decoder_blocks=1)).build_all()
    validation = Validation(Cache([tmp_path / 'c']), Characters(), clips=2)
    figures = validation(model)
    assert set(figures) == {'wer', 'cer', 'wer_one', 'cer_one', 'wer_two', 'cer_two'} and figures['wer'] <= 1
    with tf.summary.create_file_writer(str(tmp_path / 'board')).as_default():
        for step in (1, 2):
            validation.show(model, step)
    file, = (tmp_path / 'board').iterdir()
    tags = [value.tag for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value]
    assert tags.count('samples') == 2 and tags.count('samples/one') == tags.count('samples/two') == 1
    assert tags.count('attention/encoder') == tags.count('attention/decoder') == 2


def test_pictures_show_what_is_attended_to():
    keras.utils.set_random_seed(1)
    model = SpeechModel(Size(width=16, heads=2, blocks=2, channels=4, mels=16, decoder_blocks=1)).build_all()
    sound = np.random.default_rng(3).uniform(-.1, .1, 7 * 640 - 5).astype(np.float32)
    given = sound[None, :6 * 640], np.array([6 * 640], np.int32)
    before = keras.ops.convert_to_numpy(model.encode(*given)[1])
    drawn = attention_pictures(model, sound, [3, 4, 5])
    size, tall = 256 // 7 + 1, 256 // 4  # 7 frames; the start and 3 labels
    assert drawn['encoder'].shape == (7 * size, (7 + 1 + 7) * size)
    assert drawn['decoder'].shape == (4 * tall, (7 + 1 + 7) * tall)
    assert drawn['encoder'].max() == 255 and (drawn['encoder'][:, 7 * size:8 * size] == 255).all()
    # Nothing of the watching is left behind: the model still computes what it did.
    after = keras.ops.convert_to_numpy(model.encode(*given)[1])
    np.testing.assert_array_equal(before, after)
    assert 'attend' not in vars(model.blocks[-1].attention)
    recurrent = SpeechModel(Size(width=16, heads=2, blocks=1, channels=4, mels=16, decoder_blocks=0, recurrent=True))
    assert attention_pictures(recurrent.build_all(), sound, []) == {}
    weights = np.array([[[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]]])
    assert picture(weights)[::128, ::128].tolist() == [[127, 63, 63], [0, 0, 255]]


def test_repeats_are_merged_and_blanks_dropped():
    assert greedy(np.array([0, 9, 9, 0, 9, 1, 1, 3]), Characters()) == 'hh b'
