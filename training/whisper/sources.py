"""Whisper weights of others in, one `Source` out: a Hugging Face folder, or OpenAI's .pt with a vocabulary beside it.

Nothing in a file is executed: safetensors are plain arrays, and pickles go through an unpickler that knows arrays
only (`training.whisper.pickles`). Faults raise ModelError with the file that has them.
"""
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError
from robot_ai.speech.whisper_tokenizer import WhisperTokenizer
from training.whisper.model import WhisperSize
from training.whisper.pickles import read_pickle
from training.whisper.vocabularies import openai_vocabulary, read_vocabulary, signs

SIZE_OF = {  # our name -> config.json's, OpenAI's
    'mels': ('num_mel_bins', 'n_mels'), 'width': ('d_model', 'n_audio_state'),
    'heads': ('encoder_attention_heads', 'n_audio_head'), 'blocks': ('encoder_layers', 'n_audio_layer'),
    'decoder_heads': ('decoder_attention_heads', 'n_text_head'), 'decoder_blocks': ('decoder_layers', 'n_text_layer'),
    'vocabulary': ('vocab_size', 'n_vocab'), 'frames': ('max_source_positions', 'n_audio_ctx'),
    'positions': ('max_target_positions', 'n_text_ctx'),
}
FRONT_END = {'sampling_rate': 16000, 'hop_length': 160, 'n_fft': 400}  # what our features are made for
ENGLISH_ONLY = 51864  # tokens of the models that know English alone


@dataclass
class Source:
    """A model as it was found, in our terms."""

    path: Path
    size: WhisperSize
    weights: dict[str, np.ndarray]  # by transformers' names, without 'model.'
    tokenizer: WhisperTokenizer
    decoding: dict = field(default_factory=dict)  # suppress_tokens, begin_suppress_tokens, alignment_heads, ...
    origin: str = ''  # for model.yaml


def read_source(path: Path, vocabulary: Path | None = None) -> Source:
    """Read a Hugging Face folder, an OpenAI .pt, or a folder with one; `vocabulary` says where else tokens are."""
    if not path.exists():
        raise ModelError(f'{path}: no such file or folder')
    if path.is_dir() and not (path / 'config.json').is_file():
        found = sorted(path.glob('*.pt'))
        if len(found) != 1:
            raise ModelError(f'{path}: expected config.json (a Hugging Face folder) or one .pt of OpenAI, '
                             f'found {", ".join(p.name for p in found) or "neither"}')
        path = found[0]
    return _read_folder(path, vocabulary) if path.is_dir() else _read_openai(path, vocabulary)


def read_json(path: Path) -> dict:
    """Return a JSON object; ModelError where it is missing or none."""
    try:
        value = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise ModelError(f'{path}: missing') from None
    except (OSError, ValueError) as error:
        raise ModelError(f'{path}: no JSON: {error}') from None
    if not isinstance(value, dict):
        raise ModelError(f'{path}: expected a JSON object')
    return value


def _read_folder(folder, vocabulary):
    config = read_json(folder / 'config.json')
    if config.get('model_type') != 'whisper':
        raise ModelError(f'{folder}/config.json: model_type {config.get("model_type")!r}, expected whisper')
    for key in ('activation_function', 'scale_embedding'):
        if config.get(key, {'activation_function': 'gelu'}.get(key, False)) not in ('gelu', False):
            raise ModelError(f'{folder}/config.json: {key} {config[key]!r} is not Whisper\'s')
    size = _size(config, 0, folder / 'config.json')
    ratios = [config.get(f'{part}_ffn_dim', 4 * size.width) / size.width for part in ('encoder', 'decoder')]
    if any(ratio != int(ratio) for ratio in ratios):
        raise ModelError(f'{folder}/config.json: ffn_dim must be a multiple of d_model')
    size = WhisperSize(**{**size.__dict__, 'expansion': int(ratios[0]), 'decoder_expansion': int(ratios[1])})
    _check_front_end(folder / 'preprocessor_config.json', size)
    if (folder / 'generation_config.json').is_file():
        generation = read_json(folder / 'generation_config.json')
    else:
        generation = config
    decoding = {key: [int(i) for i in generation.get(key) or ()] for key in
                ('suppress_tokens', 'begin_suppress_tokens')}
    if generation.get('alignment_heads'):
        decoding['alignment_heads'] = [[int(a), int(b)] for a, b in generation['alignment_heads']]
    decoding['max_initial_timestamp'] = generation.get('max_initial_timestamp_index', 50)
    decoding['multilingual'] = bool(generation.get('is_multilingual', size.vocabulary != ENGLISH_ONLY))
    tokenizer = read_vocabulary(vocabulary or folder)
    return _checked(Source(folder, size, _read_tensors(folder), tokenizer, decoding,
                           'Hugging Face folder ' + folder.resolve().name))


def _size(facts, column, path):
    values = {}
    for ours, theirs in SIZE_OF.items():
        value = facts.get(theirs[column])
        if not isinstance(value, int) or value < 1:
            raise ModelError(f'{path}: {theirs[column]} {value!r}, expected a positive whole number')
        values[ours] = value
    return WhisperSize(**values)


def _check_front_end(path, size):
    facts = read_json(path)
    for key, expected in (*FRONT_END.items(), ('feature_size', size.mels)):
        if facts.get(key, expected) != expected:
            raise ModelError(f'{path}: {key} {facts[key]!r}, expected {expected}')
    seconds = facts.get('chunk_length', 30)
    if seconds * 50 != size.frames:
        raise ModelError(f'{path}: chunk_length {seconds} s, but config.json has max_source_positions {size.frames} '
                         f'({size.frames / 50:g} s)')


def _read_tensors(folder):
    index = folder / 'model.safetensors.index.json'
    if index.is_file():
        names = sorted(set(read_json(index).get('weight_map', {}).values()))
    elif (folder / 'model.safetensors').is_file():
        names = ['model.safetensors']
    elif (folder / 'pytorch_model.bin').is_file():
        return _plain_names(read_pickle(folder / 'pytorch_model.bin'))
    else:
        raise ModelError(f'{folder}/model.safetensors: missing (nor a model.safetensors.index.json)')
    weights = {}
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise ModelError(f'{folder / name}: missing')
        weights.update(_read_safetensors(folder / name))
    return _plain_names(weights)


def _read_safetensors(path):
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise ModelError(f'{path}: reading it needs safetensors: pip install safetensors') from None
    try:
        with safe_open(path, framework='numpy') as file:
            return {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelError(f'{path}: cannot be read: {error}') from None


def _plain_names(weights):
    return {name.removeprefix('model.'): np.asarray(value, np.float32) for name, value in weights.items()}


OPENAI_NAMES = (  # in this order; what is not named is the same
    ('blocks', 'layers'), ('.mlp.0.', '.fc1.'), ('.mlp.2.', '.fc2.'), ('.mlp_ln.', '.final_layer_norm.'),
    ('.cross_attn_ln.', '.encoder_attn_layer_norm.'), ('.attn_ln.', '.self_attn_layer_norm.'),
    ('.cross_attn.', '.encoder_attn.'), ('.attn.', '.self_attn.'), ('.query.', '.q_proj.'), ('.key.', '.k_proj.'),
    ('.value.', '.v_proj.'), ('.out.', '.out_proj.'), ('encoder.ln_post.', 'encoder.layer_norm.'),
    ('decoder.ln.', 'decoder.layer_norm.'), ('token_embedding', 'embed_tokens'),
)


def _read_openai(path, vocabulary):
    document = read_pickle(path)
    if not isinstance(document.get('dims'), dict) or not isinstance(document.get('model_state_dict'), dict):
        raise ModelError(f'{path}: expected a .pt of OpenAI\'s Whisper, with dims and model_state_dict')
    size, weights = _size(document['dims'], 1, path), {}
    for name, value in document['model_state_dict'].items():
        for theirs, other in OPENAI_NAMES:
            name = name.replace(theirs, other)
        if name.endswith('.positional_embedding'):
            name = name.replace('positional_embedding', 'embed_positions.weight')
        if name not in ('encoder.mask', 'decoder.mask'):
            weights[name] = np.asarray(value, np.float32)
    tokenizer = openai_vocabulary(size.vocabulary, vocabulary or path.parent)
    decoding = {'suppress_tokens': signs(tokenizer), 'begin_suppress_tokens': [*tokenizer.encode(' '), tokenizer.end],
                'max_initial_timestamp': 50, 'multilingual': size.vocabulary != ENGLISH_ONLY}
    return _checked(Source(path, size, weights, tokenizer, decoding, 'OpenAI file ' + path.name))


def _checked(source):
    """Return the source; ModelError where vocabulary or lists do not fit the weights."""
    size, known = source.size, len(source.tokenizer)
    if known > size.vocabulary:
        raise ModelError(f'{source.path}: the tokeniser has {known} tokens, the model {size.vocabulary}: '
                         'it belongs to another model')
    if source.tokenizer.first_timestamp + size.frames + 1 > size.vocabulary:
        raise ModelError(f'{source.path}: the model has {size.vocabulary} tokens; {size.frames + 1} times after '
                         f'token {source.tokenizer.first_timestamp} do not fit: the tokeniser is another model\'s')
    heads = source.decoding.setdefault('alignment_heads', [
        [layer, head] for layer in range(size.decoder_blocks // 2, size.decoder_blocks)
        for head in range(size.decoder_heads)])  # OpenAI's default: the upper half
    if any(not (0 <= a < size.decoder_blocks and 0 <= b < size.decoder_heads) for a, b in heads):
        raise ModelError(f'{source.path}: alignment_heads {heads} name layers or heads that the decoder lacks')
    for key in ('suppress_tokens', 'begin_suppress_tokens'):
        if any(not 0 <= i < size.vocabulary for i in source.decoding[key]):
            raise ModelError(f'{source.path}: {key} names a token outside 0..{size.vocabulary - 1}')
    return source
