"""Clips without speech: made alike from a seed, trained to be heard as nothing, and nothing else changed by them."""
import keras
import numpy as np
import pytest
import tensorflow as tf

from training.speech.data import NON_SPEECH, Batches, Cache, write_cache
from training.speech.model import Characters, Size, SpeechModel, frame_count
from training.speech.non_speech import KINDS, clips, crowd, make
from training.speech.train import BLANK_LABELS, label_weight, loss_sums


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_makes_sound_of_the_length_asked_for(kind):
    rows = [make(kind, 24001, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert all(row.shape == (24001,) and np.isfinite(row).all() and row.std() > 0 for row in rows)
    assert np.array_equal(rows[0], rows[1]) and not np.array_equal(rows[0], rows[2])


@pytest.fixture
def spoken(tmp_path):
    rng = np.random.default_rng(2)
    write_cache(tmp_path / 'spoken', ((rng.uniform(-.1, .1, 12000 + 900 * i).astype(np.float32), {
        'text': ['hola', 'adiós', '', 'ocho'][i % 4], 'speaker': 's', 'source': 'one', 'split': 'train'})
        for i in range(8)))
    return tmp_path / 'spoken'


def test_clips_have_no_text_and_a_crowd_needs_voices(spoken, tmp_path):
    assert write_cache(tmp_path / 'quiet', clips(12, 5, Cache([spoken]))) == 12
    cache = Cache([tmp_path / 'quiet'])
    assert {(clip['text'], clip['source']) for clip in cache.clips} == {('', NON_SPEECH)}
    assert all(0.99 < cache.seconds(i) < 6.01 and np.abs(cache.samples(i)).max() <= 1 for i in range(12))
    assert 'crowd' not in {facts['speaker'] for _, facts in clips(40, 5)}
    assert crowd(5000, np.random.default_rng(1), Cache([spoken])).shape == (5000,)


def test_batches_hold_them_beside_the_others(spoken, tmp_path):
    write_cache(tmp_path / 'quiet', clips(3, 5))

    def batches(*folders):
        return Batches(Cache(folders), Characters(), [2.0, 6.5], 8.0, seed=3, augmentation={'babble': 1.0})
    alone, both = batches(spoken), batches(spoken, tmp_path / 'quiet')
    assert len(alone.usable) == 6 and len(both.usable) == 9  # an empty text of another source is left out as before
    seen = [both.batch(step) for step in range(6)]
    silent = [batch for batch in seen if (batch['token_count'] == 0).any()]
    assert silent and all(not batch['tokens'][batch['token_count'] == 0].any() for batch in silent)
    assert label_weight(silent[0]) == silent[0]['token_count'].sum() + BLANK_LABELS * sum(silent[0]['token_count'] == 0)


def test_the_loss_is_the_blanks_and_leaves_the_other_rows_alone():
    keras.utils.set_random_seed(1)
    model = SpeechModel(Size(width=16, heads=2, blocks=1, channels=4, mels=16, decoder_blocks=0)).build_all()
    rng = np.random.default_rng(1)
    batch = {'samples': rng.uniform(-.1, .1, (2, 16000)).astype(np.float32),
             'length': np.array([16000, 9000], np.int32),
             'tokens': np.array([[9, 3, 3], [0, 0, 0]], np.int32), 'token_count': np.array([3, 0], np.int32)}
    one = loss_sums(model, {key: value[:1] for key, value in batch.items()}, False)
    both = loss_sums(model, batch, False, blank=0.5)
    log_probs = np.asarray(model(batch)[0])[1, :int(frame_count(9000)), 0]
    assert float(one['blank']) == 0 and float(both['blank']) == pytest.approx(-0.5 * log_probs.sum(), rel=1e-5)
    assert float(both['ctc']) == pytest.approx(float(one['ctc']), rel=1e-5)
    assert float(both['loss']) == pytest.approx(float(one['loss'] + both['blank']), rel=1e-5)
    assert [float(s['weight']) for s in (one, both)] == [3, 3 + BLANK_LABELS] == [3, label_weight(batch)]


def test_training_on_them_makes_the_model_silent():
    keras.utils.set_random_seed(1)
    model = SpeechModel(Size(width=16, heads=2, blocks=1, channels=4, mels=16, decoder_blocks=1)).build_all()
    batch = {'samples': np.random.default_rng(1).uniform(-.1, .1, (2, 8000)).astype(np.float32),
             'length': np.array([8000, 8000], np.int32), 'tokens': np.zeros((2, 3), np.int32),
             'token_count': np.zeros(2, np.int32)}
    optimizer, losses = keras.optimizers.Adam(0.02), []
    for _ in range(12):
        with tf.GradientTape() as tape:
            sums = loss_sums(model, batch, False)
        losses.append(float(sums['loss']))
        gradients = tape.gradient(sums['loss'], model.trainable_variables)
        optimizer.apply_gradients((g, v) for g, v in zip(gradients, model.trainable_variables) if g is not None)
    assert losses[-1] < losses[0] / 4 and (np.asarray(model(batch)[0]).argmax(-1) == 0).all()
