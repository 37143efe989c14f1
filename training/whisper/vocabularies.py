"""Whisper's vocabularies in the forms that they are given in: tokenizer.json, vocab.json with merges.txt, .tiktoken."""
import base64
import importlib.util
import json
import re
from pathlib import Path

from robot_ai.errors import ModelError
from robot_ai.speech.whisper_tokenizer import END, NO_TIMESTAMPS, START, WhisperTokenizer, byte_spelling

# OpenAI's order, in which their indices follow; 'yue' came with large-v3.
LANGUAGES = tuple(re.findall(r'\w+', """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk
te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo
ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue
"""))
SIGNS = ['"', '#', '(', ')', '*', '+', '/', ':', ';', '<', '=', '>', '@', '[', '\\', ']', '^', '_', '`', '{', '|', '}',
         '~', '「', '」', '『', '』', '<<', '>>', '<<<', '>>>', '--', '---', '-(', '-[', "('", '("', '((', '))', '(((',
         ')))', '[[', ']]', '{{', '}}', '♪♪', '♪♪♪']
MUSIC = '♩♪♫♬♭♮♯'


def read_vocabulary(folder: Path) -> WhisperTokenizer:
    """Return the vocabulary of a Hugging Face folder; ModelError where it has none, or another kind."""
    if (folder / 'tokenizer.json').is_file():
        document = _json(folder / 'tokenizer.json')
        model = document.get('model') or {}
        if model.get('type', 'BPE') != 'BPE' or not isinstance(model.get('vocab'), dict):
            raise ModelError(f'{folder}/tokenizer.json: a {model.get("type")} tokeniser, expected byte-level BPE')
        special = {entry['content']: entry['id'] for entry in document.get('added_tokens') or ()}
        merges = [tuple(m.split(' ')) if isinstance(m, str) else tuple(m) for m in model.get('merges') or ()]
        return _tokenizer(model['vocab'], merges, special, folder / 'tokenizer.json')
    for name in ('vocab.json', 'merges.txt'):
        if not (folder / name).is_file():
            raise ModelError(f'{folder / name}: missing (nor a tokenizer.json): the tokeniser belongs to the model')
    lines = (folder / 'merges.txt').read_text(encoding='utf-8').splitlines()
    merges = [tuple(line.split(' ')) for line in lines if line and not line.startswith('#version')]
    special = _json(folder / 'added_tokens.json') if (folder / 'added_tokens.json').is_file() else {}
    return _tokenizer(_json(folder / 'vocab.json'), merges, special, folder / 'vocab.json')


def _json(path):
    try:
        value = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ModelError(f'{path}: no JSON: {error}') from None
    if not isinstance(value, dict):
        raise ModelError(f'{path}: expected a JSON object')
    return value


def _tokenizer(vocabulary, merges, special, path):
    named = {name: i for name, i in vocabulary.items() if name.startswith('<|') and name.endswith('|>')}
    special = {**named, **special}
    ordinary = {name: i for name, i in vocabulary.items() if name not in special}
    if sorted(ordinary.values()) != list(range(len(ordinary))):
        raise ModelError(f"{path}: the tokens' indices are not 0 to {len(ordinary) - 1}: not Whisper's tokeniser")
    ranks = [ordinary.get(''.join(pair), -1) for pair in merges]
    # Ours joins by the index of what comes out; the file by its list. The same order is the same tokeniser.
    if not merges or min(ranks) < 0 or ranks != sorted(ranks):
        raise ModelError(f"{path}: the merges are not in the order of the tokens: not Whisper's tokeniser")
    return _make(sorted(ordinary, key=ordinary.get), special, path)


def _make(tokens, special, path):
    try:
        return WhisperTokenizer(tokens, special)
    except ModelError as error:
        raise ModelError(f'{path}: {error}') from None


def openai_vocabulary(size: int, place: Path) -> WhisperTokenizer:
    """Return the vocabulary of OpenAI's model with `size` tokens: its .pt holds none.

    It is read from multilingual.tiktoken or gpt2.tiktoken (English only) at or beside `place`, or from an installed
    openai-whisper, or from a Hugging Face tokeniser there.
    """
    multilingual = size >= 51865
    name = 'multilingual.tiktoken' if multilingual else 'gpt2.tiktoken'
    folder = place if place.is_dir() else place.parent
    found = place if place.suffix == '.tiktoken' else folder / name
    if not found.is_file():
        if any((folder / other).is_file() for other in ('tokenizer.json', 'vocab.json')):
            return read_vocabulary(folder)
        package = importlib.util.find_spec('whisper')  # found, not imported: it would draw in PyTorch
        assets = Path(package.origin).parent / 'assets' / name if package and package.origin else None
        if assets is None or not assets.is_file():
            raise ModelError(f"{found}: missing; OpenAI's .pt holds no tokeniser: put {name} beside it (it is in "
                             'whisper/assets of the package openai-whisper) or name it with --tokenizer')
        found = assets
    tokens = read_tiktoken(found)
    return _make(tokens, openai_specials(len(tokens), size - 51765 - multilingual), found)


def openai_specials(first: int, languages: int) -> dict[str, int]:
    """Return OpenAI's special tokens by name, from index `first` on."""
    names = [END, START, *(f'<|{code}|>' for code in LANGUAGES[:languages]), '<|translate|>', '<|transcribe|>',
             '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', NO_TIMESTAMPS]
    return {name: first + i for i, name in enumerate(names)}


def read_tiktoken(path: Path) -> list[str]:
    """Return the tokens of a .tiktoken file in GPT-2's spelling; ModelError where it is none."""
    spelling, tokens = byte_spelling(), {}
    try:
        for line in path.read_text(encoding='ascii').splitlines():
            token, rank = line.split()
            tokens[int(rank)] = ''.join(spelling[b] for b in base64.b64decode(token))
        return [tokens[i] for i in range(len(tokens))]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f'{path}: no .tiktoken vocabulary: {error!r}') from None


def signs(tokenizer: WhisperTokenizer) -> list[int]:
    """Return OpenAI's list of tokens that are not spoken: signs and music, and what only a prompt holds."""
    found = {tokenizer.encode(' -')[0], tokenizer.encode(" '")[0]}
    for sign in [*SIGNS, *MUSIC]:
        for form in (sign, ' ' + sign):
            ids = tokenizer.encode(form)
            if len(ids) == 1 or sign in MUSIC:
                found.add(ids[0])
    names = ('<|transcribe|>', '<|translate|>', START, '<|startofprev|>', '<|startoflm|>', '<|nospeech|>')
    return sorted(found | {tokenizer.special[name] for name in names if name in tokenizer.special})
