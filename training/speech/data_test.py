"""Batches depend on the step alone; nothing spoken is cut off; no test split gets into a cache."""
import itertools
import json

import numpy as np
import pytest
import soundfile

from robot_ai.errors import ConfigurationError
from training.speech.augment import augment, change_speed, mix
from training.speech.data import Batches, Cache, write_cache
from training.speech.leaks import HeldOut
from training.speech.model import Characters
from training.speech.prepare import corpus_cache
from training.speech.tfrecords import encode_example, frame
from training.speech.voices import HELD_OUT_VARIANTS, VARIANTS


@pytest.fixture
def cache(tmp_path):
    rng = np.random.default_rng(2)

    def clips():
        for i, seconds in enumerate((0.5, 0.9, 1.4, 1.7, 0.7, 5.0)):
            yield (rng.standard_normal(int(seconds * 16000)) * 0.1).astype(np.float32), {
                'text': 'hola' if i else '', 'speaker': 's', 'source': 'one' if i % 2 else 'two', 'split': 'train'}
    assert write_cache(tmp_path / 'c', clips()) == 6
    return Cache([tmp_path / 'c'])


def new_batches(cache, **settings):
    return Batches(cache, Characters(), [1.0, 2.0], 4.0, seed=3, **settings)


def test_a_batch_is_a_function_of_its_step(cache):
    first, second = new_batches(cache, augmentation={}), new_batches(cache, augmentation={})
    expected = [first.batch(step) for step in range(7)]
    for step in (5, 0, 3, 6):
        got = second.batch(step)
        assert all(np.array_equal(got[key], expected[step][key]) for key in got)
    assert not np.array_equal(expected[0]['samples'], expected[2]['samples'])


def test_an_epoch_is_planned_once(cache, monkeypatch):
    batches, drawn = new_batches(cache), []
    rng = np.random.default_rng
    monkeypatch.setattr(np.random, 'default_rng', lambda seed: drawn.append(seed) or rng(seed))
    for step in range(12):  # several epochs
        batches.batch(step)
    plans = [seed for seed in drawn if len(seed) == 2]
    assert len(plans) > 2 and len(set(plans)) == len(plans)


def test_batches_of_one_bucket_follow_each_other_where_asked(cache):
    heard = {'one': 9, 'two': 9}
    alone, together = (new_batches(cache, weights=heard, together=n)._plan(0) for n in (1, 2))
    assert sorted(alone) == sorted(together)  # the same batches, in another order
    slots = [slot for slot, _ in together]
    runs = [len(list(run)) for _, run in itertools.groupby(slots)]
    most = {slot: slots.count(slot) for slot in slots}
    # Of each bucket's batches at most one run is odd: the rest of it.
    assert sorted(most.values()) == [5, 9] and sum(run % 2 for run in runs) <= len(most)


def test_shapes_are_static_and_unusable_clips_left_out(cache):
    batches = new_batches(cache)
    assert len(batches.usable) == 4  # the empty text and the 5 s clip are not trained on
    shapes = {batches.batch(step)['samples'].shape for step in range(6)}
    assert shapes == {(4, 16000), (2, 32000)}
    batch = batches.batch(0)
    assert batch['tokens'].shape == (len(batch['length']), 30 if batch['samples'].shape[1] == 16000 else 52)
    assert batch['token_count'].tolist() == [4] * len(batch['length'])


def test_a_weight_of_two_is_heard_twice(cache):
    batches = new_batches(cache, weights={'one': 2})
    heard = [float(s) for step in range(2) for s in batches.batch(step)['seconds']]
    assert sum(abs(s - 0.9) < 1e-3 for s in heard) >= 2


def test_a_cache_without_usable_clips_is_refused(cache, tmp_path):
    with pytest.raises(ConfigurationError, match='empty or longer'):
        Batches(cache, Characters(), [0.1], 1.0)
    with pytest.raises(ConfigurationError, match=r'no clips.jsonl'):
        Cache([tmp_path / 'nothing'])


def test_test_splits_are_refused(tmp_path):
    (tmp_path / 'manifest.jsonl').write_text(json.dumps({'split': 'test-seen-speaker'}) + '\n')
    with pytest.raises(ConfigurationError, match='never'):
        corpus_cache([tmp_path / 'manifest.jsonl'], 'test-seen-speaker', tmp_path / 'cache')
    assert not set(VARIANTS) & set(HELD_OUT_VARIANTS)


@pytest.mark.parametrize('seed', range(6))
def test_augmented_sound_keeps_within_the_limit(seed):
    rng = np.random.default_rng(seed)
    sound = (rng.standard_normal(12000) * 0.2).astype(np.float32)
    changed = augment(sound, rng, dict.fromkeys(('speed', 'room', 'noise', 'babble', 'telephone', 'clip'), 1.0),
                      lambda: sound[::-1], limit=13000)
    assert len(changed) <= 13000 and changed.dtype == np.float32 and np.isfinite(changed).all()
    assert np.abs(changed).max() <= 1


def test_mix_gives_the_ratio_asked_for():
    rng = np.random.default_rng(1)
    sound, noise = rng.standard_normal(8000), 7 * rng.standard_normal(8000)
    added = mix(sound, noise, 10.0) - sound
    assert 10 * np.log10(np.mean(sound ** 2) / np.mean(added ** 2)) == pytest.approx(10.0, abs=0.01)
    assert len(change_speed(np.ones(1000, np.float32), 1.25)) == 800


def test_training_clips_that_hold_a_test_clip_are_left_out(tmp_path):
    rng = np.random.default_rng(3)
    loudness = rng.uniform(.1, .9, (3, 20)).repeat(2000, axis=1)
    sounds = [np.convolve(noise, np.ones(4) / 4, 'same') for noise in rng.standard_normal((3, 40_000))] * loudness
    clips = [('test', 'uno dos tres', 'test-seen-speaker', sounds[0]), ('own', 'cuatro cinco', 'train', sounds[1]),
             ('same-text', 'Uno, dos, tres.', 'train', sounds[2]),
             ('same-sound', 'seis', 'train', np.concatenate([sounds[2][:9000], sounds[0]]))]
    with open(tmp_path / 'manifest.jsonl', 'w') as lines:
        for name, text, split, sound in clips:
            soundfile.write(tmp_path / f'{name}.wav', sound * 0.5, 16_000)
            lines.write(json.dumps({'audio': f'{name}.wav', 'text': text, 'speaker': 'x', 'source': 'x',
                                    'licence': 'x', 'seconds': len(sound) / 16_000, 'split': split}) + '\n')
    manifest = tmp_path / 'manifest.jsonl'
    corpus_cache([manifest], 'train', tmp_path / 'cache', held_out=HeldOut.of_manifests([manifest]))
    assert [clip['text'] for clip in Cache([tmp_path / 'cache']).clips] == ['cuatro cinco']


def test_shards_become_the_cache_that_their_corpus_becomes(tmp_path):
    sound = (np.sin(np.arange(9000) / 11) * 9000).astype('<i2')
    (tmp_path / 'corpus').mkdir()
    soundfile.write(tmp_path / 'corpus' / 'a.wav', sound, 16000)
    (tmp_path / 'corpus' / 'manifest.jsonl').write_text(json.dumps(
        {'audio': 'a.wav', 'text': 'Son las 3.', 'speaker': 'ana', 'source': 'mine', 'split': 'train'}) + '\n')
    (tmp_path / 'shards' / 'train').mkdir(parents=True)
    (tmp_path / 'shards' / 'train' / 'shard-00000-of-00001.02s.tfrecord').write_bytes(frame(encode_example(
        {'pcm': sound.tobytes(), 'text': 'son las tres', 'speaker': 'ana', 'source': 'mine', 'variant': 'clean'})))
    for corpus in ('corpus', 'shards'):
        assert corpus_cache([tmp_path / corpus], 'train', tmp_path / f'{corpus}-cache') == 1
    of_corpus, of_shards = (Cache([tmp_path / name]) for name in ('corpus-cache', 'shards-cache'))
    assert of_corpus.clips == of_shards.clips and of_corpus.clips[0]['text'] == 'son las tres'
    assert np.array_equal(of_corpus.samples(0), of_shards.samples(0))
