"""The imported model is the model that was given: features, encoder, logits and tokens equal to `transformers`'.

The reference (testdata, by make_reference.py) is a randomly initialised Whisper of 0.16 M parameters with a window of
2 s. A wrong transpose, a missing scale, a cache off by one or a lost suppress list would all show here.
"""
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from robot_ai.errors import ModelError
from robot_ai.speech.recognizer import open_recognizer
from robot_ai.speech.whisper import Stepper, WhisperRecognizer
from robot_ai.speech.whisper_decoding import Rules, beam_search, greedy
from training.whisper import command
from training.whisper.make_reference import INPUTS, NEW_TOKENS, SECONDS, sound
from training.whisper.model import WhisperModel
from training.whisper.sources import read_source
from training.whisper.weights import fill, their_name

DATA = Path(__file__).parent / 'testdata'
pytestmark = pytest.mark.timeout(1800)  # seconds of CPU, but machines are shared


@pytest.fixture(scope='module')
def reference():
    with np.load(DATA / 'reference.npz') as file:
        return dict(file)


@pytest.fixture(scope='module')
def source():
    return read_source(DATA)


@pytest.fixture(scope='module')
def model(source):
    return fill(WhisperModel(source.size).build_all(), source)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The folder that the command writes: float32, three beams."""
    out = tmp_path_factory.mktemp('models') / 'small'
    arguments = [str(DATA), '--output', str(out), '--beams', '3', '--store', 'float32', '--trainable']
    assert command.main(arguments) == 0
    return out


def padded(index):
    out = np.zeros((1, SECONDS * 16000), np.float32)
    samples = sound(index)
    out[0, :len(samples)] = samples
    return out


def tokens_of(row):
    return [int(token) for token in row if token >= 0]


def test_features_are_transformers(model, reference):
    from training.whisper.features import WhisperLogMel
    np.testing.assert_allclose(np.asarray(model.features(padded(0)))[0].T, reference['mel_0'], atol=1e-4)
    np.testing.assert_allclose(np.asarray(WhisperLogMel(128)(padded(1)))[0].T, reference['mel128_1'], atol=1e-4)


def test_encoder_and_logits_are_transformers(model, reference):
    memory = model.encode(np.concatenate([padded(0), padded(1)]))
    np.testing.assert_allclose(memory, reference['memory'], atol=1e-4)
    np.testing.assert_allclose(model.decode(memory, reference['tokens']), reference['logits'], atol=1e-4)


def test_greedy_tokens_of_200_inputs_are_transformers(model, source, reference):
    import tensorflow as tf
    rules = Rules.of(source.tokenizer, source.decoding)
    prompt = source.tokenizer.prompt('es')
    memory = np.concatenate([np.asarray(model.encode(np.concatenate([padded(i) for i in range(at, at + 20)])))
                             for at in range(0, INPUTS, 20)])
    tokens = np.full((INPUTS, len(prompt) + NEW_TOKENS), source.tokenizer.end, np.int32)
    tokens[:, :len(prompt)] = prompt
    decode = tf.function(lambda m, t: model.decode(m, t))
    live = np.ones(INPUTS, bool)
    for place in range(len(prompt), tokens.shape[1]):
        logits = decode(memory, tokens)[:, place - 1].numpy()
        for row in np.flatnonzero(live):
            tokens[row, place] = rules.apply(logits[row], tokens[row, len(prompt):place].tolist()).argmax()
        live &= tokens[:, place] != source.tokenizer.end
    expected = np.where(reference['greedy'] < 0, source.tokenizer.end, reference['greedy'])
    np.testing.assert_array_equal(tokens[:, len(prompt):], expected)
    assert len({tuple(row) for row in expected}) > INPUTS // 2, 'the reference says the same of every sound'


def test_exported_greedy_tokens_of_200_inputs_are_transformers(folder, reference):
    recognizer = WhisperRecognizer(folder)
    for index in range(INPUTS):
        stepper = Stepper(recognizer.graph, SECONDS, sound(index), recognizer.prompt, recognizer.max_tokens)
        assert greedy(stepper, recognizer.rules, NEW_TOKENS).tokens == tokens_of(reference['greedy'][index]), index


def test_exported_beams_and_times_are_transformers(folder, reference):
    recognizer = WhisperRecognizer(folder)
    timed = replace(recognizer.rules, timestamps=True)
    prompt = recognizer.tokenizer.prompt('es', timestamps=True)
    for index in range(len(reference['times'])):
        stepper = Stepper(recognizer.graph, SECONDS, sound(index), prompt, recognizer.max_tokens)
        assert greedy(stepper, timed, NEW_TOKENS).tokens == tokens_of(reference['times'][index]), index
    for index in range(len(reference['beams'])):
        stepper = Stepper(recognizer.graph, SECONDS, sound(index), recognizer.prompt, recognizer.max_tokens)
        best = beam_search(stepper, recognizer.rules, NEW_TOKENS, 3)[0]
        assert best.tokens == tokens_of(reference['beams'][index]), index


def test_exported_logits_are_the_models(folder, model, reference):
    recognizer = WhisperRecognizer(folder)
    tokens = reference['tokens'][0].tolist()
    stepper = Stepper(recognizer.graph, SECONDS, sound(0), tokens[:1], recognizer.max_tokens)
    logits = [stepper.logits[0], *(stepper.read([token], [0])[0] for token in tokens[1:])]
    np.testing.assert_allclose(logits, reference['logits'][0], atol=1e-4)


def test_folder_is_opened_as_any_speech_model(folder, monkeypatch):
    recognizer = open_recognizer(folder, phrases=['agua'])
    monkeypatch.setattr(recognizer, '_believed', lambda said, no_speech: True)  # a random model's text is dropped
    final = recognizer.recognize(sound(3))
    assert final.words and all(0 <= word.start <= word.end <= final.end + 0.02 for word in final.words)
    document = yaml.safe_load((folder / 'model.yaml').read_text(encoding='utf-8'))
    assert document['parameters']['partial_stride_s'] >= 0.3 and 'MIT' in document['licences']['weights']
    assert document['parameters']['front_end']['scale'] == 'slaney'


@pytest.mark.parametrize('weights', ['float16', 'int8'])
def test_smaller_weights_say_what_float32_says(weights, model, source, tmp_path):
    from training.whisper.check import check_export
    from training.whisper.export import write_folder
    write_folder(model, source, tmp_path, [SECONDS], 1, weights=weights)
    assert 'differ by at most' in check_export(model, tmp_path)


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(DATA, tmp_path / 'copy'))


def edited(path, change):
    document = json.loads(path.read_text(encoding='utf-8'))
    change(document)
    path.write_text(json.dumps(document), encoding='utf-8')


@pytest.mark.parametrize('file, change, message', [
    ('config.json', None, 'config.json'),
    ('config.json', lambda d: d.update(model_type='bart'), "model_type 'bart', expected whisper"),
    ('config.json', lambda d: d.update(d_model='big'), "d_model 'big'"),
    ('config.json', lambda d: d.update(d_model=44), 'heads'),
    ('config.json', lambda d: d.update(activation_function='relu'), "activation_function 'relu'"),
    ('config.json', lambda d: d.update(vocab_size=400), 'another model'),
    ('preprocessor_config.json', None, 'preprocessor_config.json: missing'),
    ('preprocessor_config.json', lambda d: d.update(chunk_length=30), 'chunk_length 30'),
    ('preprocessor_config.json', lambda d: d.update(feature_size=128), 'feature_size 128, expected 80'),
    ('generation_config.json', lambda d: d.update(alignment_heads=[[5, 0]]), 'alignment_heads'),
    ('generation_config.json', lambda d: d.update(suppress_tokens=[9999]), 'suppress_tokens'),
    ('tokenizer.json', None, 'vocab.json: missing'),
    ('tokenizer.json', lambda d: d['model'].update(type='WordPiece'), 'WordPiece'),
    ('tokenizer.json', lambda d: d.update(added_tokens=[]), 'lacks <|startoftranscript|>'),
    ('tokenizer.json', lambda d: d['model']['merges'].reverse(), 'merges'),
    ('model.safetensors', None, 'model.safetensors: missing'),
], ids=lambda value: value if isinstance(value, str) else '')
def test_bad_folder_is_one_clear_error(copy, file, change, message):
    if change:
        edited(copy / file, change)
    else:
        (copy / file).unlink()
    with pytest.raises(Exception, match='.*') as caught:
        read_source(copy)
    assert message in str(caught.value) and type(caught.value).__module__ == 'robot_ai.errors'


def test_bad_weights_are_named(source):
    def filled(**changes):
        given = {**source.weights, **changes}
        changed = replace(source, weights={name: value for name, value in given.items() if value is not None})
        return fill(WhisperModel(source.size).build_all(), changed)
    with pytest.raises(ModelError, match=r'lack decoder.layers.1.fc2.weight'):
        filled(**{'decoder.layers.1.fc2.weight': None})
    with pytest.raises(ModelError, match=r'encoder.conv1.bias is \[7\]'):
        filled(**{'encoder.conv1.bias': np.zeros(7, np.float32)})
    with pytest.raises(ModelError, match='not sinusoids'):
        filled(**{'encoder.embed_positions.weight': np.zeros((SECONDS * 50, 48), np.float32)})
    with pytest.raises(ModelError, match='no part of Whisper, extra'):
        filled(extra=np.zeros(1, np.float32))
    with pytest.raises(ModelError, match='proj_out'):
        filled(**{'proj_out.weight': source.weights['decoder.embed_tokens.weight'] + 1})


def test_cut_off_file_is_no_traceback(copy):
    whole = (copy / 'model.safetensors').read_bytes()
    (copy / 'model.safetensors').write_bytes(whole[:5000])
    with pytest.raises(ModelError, match='cannot be read'):
        read_source(copy)


def test_every_array_has_its_place(model, source):
    names = {their_name(v.path.split('/', 1)[1]) for v in model.variables if v.path.startswith('whisper/')}
    assert names == set(source.weights) - {'proj_out.weight'}
