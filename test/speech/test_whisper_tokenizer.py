"""Whisper's tokeniser against `tokenizers`' own results (kept beside the importer's reference), and its words."""
import json
from pathlib import Path

import pytest
from scripted_whisper import WORDS, tokenizer

from robot_ai.errors import ModelError
from robot_ai.speech.whisper_tokenizer import WhisperTokenizer, pieces

REFERENCE = Path(__file__).parents[2] / 'training' / 'whisper' / 'testdata'


def test_text_is_cut_as_gpt_2_cuts_it():
    assert pieces("it's 25 ºC;  no!") == ['it', "'s", ' 25', ' ºC', ';', ' ', ' no', '!']
    assert pieces('a\n\n b  ') == ['a', '\n\n', ' b', '  ']
    assert pieces('') == []


def test_every_text_comes_back():
    ours = tokenizer()
    for text in ('Hola, quiero un vaso', 'ñandú 漢字 😀', ' \n'):
        assert ours.decode(ours.encode(text)) == text


def test_indices_are_those_of_tokenizers():
    document = json.loads((REFERENCE / 'tokenizer.json').read_text(encoding='utf-8'))
    vocabulary = document['model']['vocab']
    special = {entry['content']: entry['id'] for entry in document['added_tokens']}
    ours = WhisperTokenizer(sorted(vocabulary, key=vocabulary.get), special)
    encoded = json.loads((REFERENCE / 'reference.json').read_text(encoding='utf-8'))['encoded']
    assert len(encoded) >= 10
    for text, ids in encoded.items():
        assert ours.encode(text) == ids, text
        assert ours.decode(ids) == text
    assert ours.seconds(ours.first_timestamp + 3) == 0.06 and ours.seconds(5) is None
    assert set(ours.languages) == {'en', 'es'}


def test_words_are_whole_characters_and_keep_their_signs():
    ours = tokenizer()
    ids = [token for word in WORDS for token in ours.encode(f' {word}')]
    assert [text for text, _, _ in ours.words(ids, 'es')] == [f' {word}' for word in WORDS]
    spans = [(first, last) for _, first, last in ours.words(ids, 'es')]
    assert spans[0][0] == 0 and spans[-1][1] == len(ids) and all(a[1] == b[0] for a, b in zip(spans, spans[1:]))
    assert [text for text, _, _ in ours.words(ours.encode('漢字'), 'zh')] == ['漢', '字']


def test_prompt_names_language_and_task(tmp_path):
    ours = tokenizer()
    names = {index: name for name, index in ours.special.items()}
    prompt = [names[i] for i in ours.prompt('es')]
    assert prompt == ['<|startoftranscript|>', '<|es|>', '<|transcribe|>', '<|notimestamps|>']
    assert [names[i] for i in ours.prompt('', timestamps=True)] == ['<|startoftranscript|>']
    with pytest.raises(ModelError, match='en, es'):
        ours.prompt('eo')
    ours.save(tmp_path / 'tokens.json')
    assert WhisperTokenizer.load(tmp_path / 'tokens.json').encode('Hola, agua') == ours.encode('Hola, agua')


def test_other_tokenisers_are_refused():
    with pytest.raises(ModelError, match='lacks'):
        WhisperTokenizer([chr(c) for c in (*range(33, 127), *range(161, 173), *range(174, 324))], {})
    with pytest.raises(ModelError, match='not byte-level'):
        WhisperTokenizer(['a b'], {})
