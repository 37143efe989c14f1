"""Files of others are read without running them: OpenAI's .pt, pickles with code in them, and three forms of tokens.

The .pt is written here as PyTorch writes it (a zip with a pickle and one raw file per storage), so that no PyTorch is
needed.
"""
import base64
import collections
import io
import pickle
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

from robot_ai.errors import ModelError
from robot_ai.speech.whisper_tokenizer import END, byte_spelling
from training.whisper import vocabularies
from training.whisper.pickles import read_pickle
from training.whisper.sources import OPENAI_NAMES, read_source
from training.whisper.vocabularies import openai_specials, openai_vocabulary, read_tiktoken, read_vocabulary, signs

DATA = Path(__file__).parent / 'testdata'


@pytest.fixture
def fake_torch(monkeypatch):
    """Modules with the names that PyTorch's pickles hold."""
    torch, utils = types.ModuleType('torch'), types.ModuleType('torch._utils')
    for name in ('FloatStorage', 'HalfStorage'):
        setattr(torch, name, type(name, (), {'__module__': 'torch', '__qualname__': name}))

    def _rebuild_tensor_v2(*arguments):
        raise AssertionError('the importer must use its own')
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = 'torch._utils', '_rebuild_tensor_v2'
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, 'torch', torch)
    monkeypatch.setitem(sys.modules, 'torch._utils', utils)
    return torch


class Tensor:
    """An array on its way into a pickle, `stored` in the order of its strides."""

    def __init__(self, array, turned=False):
        self.array, self.turned = array, turned
        self.stored = np.ascontiguousarray(array.T if turned else array)

    def strides(self):
        order = self.stored.strides[::-1] if self.turned else self.stored.strides
        return tuple(s // self.stored.itemsize for s in order)


class Reference:
    def __init__(self, *found):
        self.found = found


def write_pt(path, value, torch):
    storages = {}

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return obj.found if isinstance(obj, Reference) else None

        def reducer_override(self, obj):
            if not isinstance(obj, Tensor):
                return NotImplemented
            key = str(len(storages))
            storages[key] = obj.stored.tobytes()
            kind = torch.HalfStorage if obj.array.dtype == np.float16 else torch.FloatStorage
            return sys.modules['torch._utils']._rebuild_tensor_v2, (
                Reference('storage', kind, key, 'cpu', obj.array.size), 0, obj.array.shape, obj.strides(), False,
                collections.OrderedDict())
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(value)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', stream.getvalue())
        for key, raw in storages.items():
            archive.writestr(f'archive/data/{key}', raw)


def test_tensors_come_back_whatever_their_order(tmp_path, fake_torch):
    plain, half = np.arange(6, dtype=np.float32).reshape(2, 3), np.float16([1.5, -2])
    write_pt(tmp_path / 'a.pt', {'plain': Tensor(plain), 'turned': Tensor(plain, True), 'half': Tensor(half), 'n': 3},
             fake_torch)
    found = read_pickle(tmp_path / 'a.pt')
    np.testing.assert_array_equal(found['plain'], plain)
    np.testing.assert_array_equal(found['turned'], plain)
    np.testing.assert_array_equal(found['half'], half)
    assert found['n'] == 3


class Harm:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


def test_code_in_a_pickle_is_not_run(tmp_path, fake_torch):
    write_pt(tmp_path / 'bad.pt', {'dims': Harm(tmp_path / 'harmed')}, fake_torch)
    with pytest.raises(ModelError, match='refused.*only tensors'):
        read_pickle(tmp_path / 'bad.pt')
    assert not (tmp_path / 'harmed').exists()


@pytest.mark.parametrize('raw, message', [(b'junk', 'no zip archive'), (None, 'no data.pkl')])
def test_other_files_are_refused(tmp_path, raw, message):
    path = tmp_path / 'x.pt'
    if raw:
        path.write_bytes(raw)
    else:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('readme', 'x')
    with pytest.raises(ModelError, match=message):
        read_pickle(path)


def test_tensor_beyond_its_storage_is_refused(tmp_path, fake_torch):
    tensor = Tensor(np.zeros(4, np.float32))
    tensor.stored = tensor.stored[:2]
    write_pt(tmp_path / 'a.pt', {'x': tensor}, fake_torch)
    with pytest.raises(ModelError, match='beyond its 2 values'):
        read_pickle(tmp_path / 'a.pt')


def test_a_tensor_that_repeats_few_values_without_end_is_refused(tmp_path, fake_torch):
    tensor = Tensor(np.zeros(4, np.float32))
    tensor.strides, tensor.array = (lambda: (0,)), types.SimpleNamespace(shape=(10 ** 13,), size=4, dtype=np.float32)
    write_pt(tmp_path / 'a.pt', {'x': tensor}, fake_torch)
    with pytest.raises(ModelError, match='beyond its 4 values'):
        read_pickle(tmp_path / 'a.pt')


def openai_name(name):
    for theirs, ours in reversed(OPENAI_NAMES):
        name = name.replace(ours, theirs)
    return name.replace('embed_positions.weight', 'positional_embedding')


def test_openais_file_gives_the_same_weights(tmp_path, fake_torch, monkeypatch):
    source = read_source(DATA)
    size = source.size
    dims = {'n_mels': size.mels, 'n_vocab': size.vocabulary, 'n_audio_ctx': size.frames, 'n_text_ctx': size.positions,
            'n_audio_state': size.width, 'n_audio_head': size.heads, 'n_audio_layer': size.blocks,
            'n_text_state': size.width, 'n_text_head': size.decoder_heads, 'n_text_layer': size.decoder_blocks}
    state = collections.OrderedDict((openai_name(name), Tensor(value)) for name, value in source.weights.items()
                                    if name != 'proj_out.weight')
    assert 'decoder.blocks.1.cross_attn_ln.weight' in state and 'encoder.ln_post.bias' in state
    assert 'decoder.ln.weight' in state and 'encoder.blocks.0.mlp.0.weight' in state
    write_pt(tmp_path / 'small.pt', {'dims': dims, 'model_state_dict': state}, fake_torch)
    (tmp_path / 'tokenizer.json').write_bytes((DATA / 'tokenizer.json').read_bytes())
    found = read_source(tmp_path)
    assert set(found.weights) == set(source.weights) - {'proj_out.weight'}
    assert all(np.array_equal(value, source.weights[name]) for name, value in found.weights.items())
    assert found.decoding['alignment_heads'] == [[1, head] for head in range(size.decoder_heads)]
    (tmp_path / 'tokenizer.json').unlink()
    monkeypatch.setattr(vocabularies.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ModelError, match='tiktoken: missing.*--tokenizer'):
        read_source(tmp_path)


def test_three_forms_of_a_vocabulary_are_one(tmp_path):
    import json
    whole = read_vocabulary(DATA)
    document = json.loads((DATA / 'tokenizer.json').read_text(encoding='utf-8'))
    vocabulary = document['model']['vocab']
    (tmp_path / 'vocab.json').write_text(json.dumps(vocabulary), encoding='utf-8')
    pairs = [m if isinstance(m, str) else ' '.join(m) for m in document['model']['merges']]
    (tmp_path / 'merges.txt').write_text('#version: 0.2\n' + '\n'.join(pairs) + '\n', encoding='utf-8')
    (tmp_path / 'added_tokens.json').write_text(json.dumps(whole.special), encoding='utf-8')
    text = 'Hola, ¿enciendes la luz?'
    assert read_vocabulary(tmp_path).encode(text) == whole.encode(text)
    byte = {character: raw for raw, character in byte_spelling().items()}
    lines = [base64.b64encode(bytes(byte[c] for c in token)).decode() + f' {index}'
             for token, index in vocabulary.items() if token not in whole.special]
    (tmp_path / 'multilingual.tiktoken').write_text('\n'.join(lines) + '\n')
    tokens = read_tiktoken(tmp_path / 'multilingual.tiktoken')
    size = len(tokens) + 8 + 99 + 1501
    monkey = openai_vocabulary(max(51865, size), tmp_path / 'multilingual.tiktoken')
    assert monkey.encode(text) == whole.encode(text) and monkey.special[END] == len(tokens)
    (tmp_path / 'multilingual.tiktoken').write_text('x\n')
    with pytest.raises(ModelError, match='no .tiktoken'):
        read_tiktoken(tmp_path / 'multilingual.tiktoken')


def test_openais_special_tokens_lie_where_they_should():
    """Of the multilingual model: 50257 is the end, 50262 Spanish, 50359 transcribe, 50363 no timestamps."""
    special = openai_specials(50257, 99)
    assert (special[END], special['<|es|>'], special['<|transcribe|>'], special['<|notimestamps|>']) == (
        50257, 50262, 50359, 50363)
    assert openai_specials(50257, 100)['<|yue|>'] == 50358


def test_signs_are_single_tokens_that_nobody_says():
    whole = read_vocabulary(DATA)
    found = signs(whole)
    assert {whole.special['<|translate|>'], whole.encode('#')[0]} <= set(found)
    assert not {whole.encode(' a')[0], whole.encode('5')[0]} & set(found)
