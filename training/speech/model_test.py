"""The speech model: padding does not change what is heard, the decoder sees no future, the export is the model."""
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
import yaml

from robot_ai.errors import ConfigurationError, ModelError
from robot_ai.model_store import GraphRunner, load_model
from training.speech.export import disagreement, log_likelihood, to_flatbuffer, write_folder
from training.speech.features import mel_matrix
from training.speech.model import Characters, Size, SpeechModel, VocalTractWarp, frame_count
from training.weights import initial_weights, load_weights, named_weights, to_numpy, write_arrays

SIZE = Size(width=24, heads=2, blocks=2, channels=4, mels=16, decoder_blocks=1)
TOKENS, HYPOTHESES = 12, 3


@pytest.fixture(scope='module')
def model():
    keras.utils.set_random_seed(5)
    return SpeechModel(SIZE).build_all()


def sound(seconds, seed=1):
    rng = np.random.default_rng(seed)
    n = int(seconds * 16000)
    return (rng.standard_normal(n) * 0.05 * (1.2 + np.sin(np.arange(n) / 900))).astype(np.float32)


def padded(samples, n):
    return np.pad(samples, (0, n - len(samples)))[None], np.array([len(samples)], np.int32)


@pytest.mark.parametrize('recurrent', [False, True])
def test_padding_changes_nothing(model, recurrent):
    if recurrent:
        model = SpeechModel(replace(SIZE, recurrent=True, decoder_blocks=0)).build_all()
    samples = sound(1.3)
    short, long = (np.asarray(model.encode(*padded(samples, n))[1])[0] for n in (24 * 1600, 56 * 1600))
    frames = int(frame_count(len(samples)))
    assert short.shape == (60, 35) and long.shape == (140, 35) and frames == 33
    np.testing.assert_allclose(short[:frames], long[:frames], atol=1e-4)


def test_level_changes_little(model):
    samples = sound(1.0)
    loud, quiet = (np.asarray(model.encode(*padded(samples * g, 16000))[1]) for g in (1.0, 0.5))
    np.testing.assert_allclose(np.exp(loud), np.exp(quiet), atol=0.02)


def test_decoder_sees_only_what_came_before(model):
    memory, _ = model.encode(*padded(sound(1.0), 16000))
    frames = np.array([25], np.int32)
    one, other = (np.asarray(model.decode(memory, frames, np.array([tokens], np.int32)))[0]
                  for tokens in ([3, 4, 5, 6], [3, 4, 9, 9]))
    np.testing.assert_allclose(one[:3], other[:3], atol=1e-5)
    assert np.abs(one[3] - other[3]).max() > 1e-3


def test_mel_filters_cover_the_band_without_gaps():
    filters = mel_matrix(16, 60.0, 7600.0)
    assert filters.shape == (257, 16) and np.allclose(filters.sum(axis=0), 1, atol=1e-5)
    inside = filters[4:240].sum(axis=1)
    assert (inside > 0).all()
    assert filters.argmax(axis=0).tolist() == sorted(filters.argmax(axis=0).tolist())


@pytest.mark.parametrize('hz', [400, 1500, 3000])
@pytest.mark.parametrize('factor', [0.85, 1.0, 1.15])
def test_a_warped_throat_moves_a_tone_in_inverse_proportion(hz, factor):
    matrix = np.array(VocalTractWarp(0.15).matrix(np.full((1, 1), factor, np.float32), 64))[0]
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-4)
    filters = mel_matrix(64, 60.0, 7600.0)  # a row is what one frequency leaves in the mels

    def heard(tone):
        return filters[round(tone / 8000 * 256)]
    assert abs(int((heard(hz) @ matrix).argmax()) - int(heard(hz / factor).argmax())) <= 1


def test_throats_are_warped_in_training_alone_and_each_anew():
    features = np.random.default_rng(1).standard_normal((2, 9, 64)).astype(np.float32)
    features[1] = features[0]
    layer = VocalTractWarp(0.15)
    np.testing.assert_array_equal(layer(features), features)
    warped = np.array(layer(features, training=True))
    assert warped.shape == features.shape
    assert np.abs(warped[0] - warped[1]).max() > 0.1
    np.testing.assert_array_equal(VocalTractWarp(0.0)(features, training=True), features)


def test_a_deeper_model_begins_as_the_one_it_grows_from(model, tmp_path):
    file = str(tmp_path / 'weights.npz')
    write_arrays(file, {path: to_numpy(variable) for path, variable in named_weights(model).items()})
    deeper = SpeechModel(replace(SIZE, blocks=4)).build_all()
    assert deeper.begin_as_identity(load_weights(deeper, file, partial=True)) == ['block2', 'block3']
    samples, length = padded(sound(1.5), 24320)
    np.testing.assert_allclose(deeper.encode(samples, length)[1], model.encode(samples, length)[1], atol=1e-5)


def test_vocabulary_spells_both_ways():
    vocabulary = Characters()
    assert vocabulary.decode(vocabulary.encode('la niña está')) == 'la niña está' and vocabulary.labels[0] == ''
    with pytest.raises(ValueError, match='normalise'):
        vocabulary.encode('Año 2')


def test_impossible_heads_are_refused():
    with pytest.raises(ConfigurationError, match='heads'):
        Size(width=30, heads=4)


@pytest.fixture(scope='module')
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp('speech')
    write_folder(model, to_flatbuffer(model, (2,), TOKENS, HYPOTHESES, weights='float32'), folder, {}, {})
    return folder


def test_exported_graph_is_the_model(model, exported):
    """A Keras model inside a tf.Module converts without error and without its weights: this would show it."""
    assert disagreement(model, exported) < 1e-5
    runner = GraphRunner(load_model(exported, 'speech'))
    samples, length = padded(sound(1.7), 32000)
    out = runner.run('encode_2', samples=samples, length=length)
    memory, log_probs = (np.asarray(x) for x in model.encode(samples, length))
    np.testing.assert_allclose(out['log_probs'], log_probs, atol=2e-3)
    tokens = np.zeros((HYPOTHESES, TOKENS), np.int32)
    tokens[0, :3], tokens[1, :5] = [4, 5, 6], [7, 1, 9, 9, 3]
    given = {'frames': np.array([43], np.int32), 'tokens': tokens, 'token_count': np.array([3, 5, 0], np.int32)}
    scored = runner.run('score_2', memory=out['memory'], **given)['log_likelihood']
    np.testing.assert_allclose(scored, np.asarray(log_likelihood(model, memory, **given)), atol=5e-3)


def test_log_likelihood_is_the_sum_of_the_steps(model):
    memory, _ = model.encode(*padded(sound(1.0), 16000))
    frames, tokens = np.array([25], np.int32), np.array([[4, 5, 0]], np.int32)
    steps = np.asarray(model.decode(memory, frames, tokens))[0]
    expected = steps[0, 4] + steps[1, 5] + steps[2, 0]
    got = log_likelihood(model, memory, frames, tokens, np.array([2], np.int32))
    assert float(got[0]) == pytest.approx(float(expected), abs=1e-4)


def test_a_shipped_folder_gives_its_weights_back(model, exported, tmp_path):
    other = SpeechModel(SIZE).build_all()
    samples, length = padded(sound(1.0), 16000)
    assert load_weights(other, initial_weights(str(exported)), partial=True) == []
    np.testing.assert_allclose(np.exp(other.encode(samples, length)[1]), np.exp(model.encode(samples, length)[1]),
                               atol=2e-3)
    shutil.copytree(exported, tmp_path / 'copy')
    with open(tmp_path / 'copy' / 'weights.npz', 'r+b') as stream:
        stream.seek(100)
        stream.write(b'?')
    with pytest.raises(ModelError, match=r'weights.npz: SHA-256'):
        initial_weights(tmp_path / 'copy')
    document = yaml.safe_load((exported / 'model.yaml').read_text())
    del document['files']['weights.npz']
    (tmp_path / 'copy' / 'model.yaml').write_text(yaml.safe_dump(document))
    with pytest.raises(ModelError, match=r'shipped without weights.npz, so that it cannot be trained further'):
        initial_weights(tmp_path / 'copy')
    with pytest.raises(ConfigurationError, match=r'expected a .npz of weights, or a model folder'):
        initial_weights(tmp_path)
    (tmp_path / 'cut.npz').write_bytes((exported / 'weights.npz').read_bytes()[:900])
    with pytest.raises(ModelError, match=r'cut.npz: is no whole .npz'):
        load_weights(other, tmp_path / 'cut.npz')
