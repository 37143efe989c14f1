"""An imported Whisper behind the recogniser's API: its words, times, partials, phrases and guards, on a scripted graph.

The graph says one word each half second of loud sound, so that every answer is known beforehand.
"""
import numpy as np
import pytest
import yaml
from scripted_whisper import WORDS, ScriptedGraph, tokenizer, write_folder

from robot_ai.errors import ModelError
from robot_ai.speech import recognizer as recognizers
from robot_ai.speech.recognizer import Final, Partial, open_recognizer
from robot_ai.speech.whisper import WhisperRecognizer


def sound(seconds, seed=0):
    return (np.random.default_rng(seed).standard_normal(round(seconds * 16000)) * 0.1).astype(np.float32)


def quiet(seconds):
    return (np.random.default_rng(1).standard_normal(round(seconds * 16000)) * 0.0005).astype(np.float32)


def opened(folder, **options):
    recognizer_options = {key: options.pop(key) for key in ('phrases',) if key in options}
    return WhisperRecognizer('', graph=ScriptedGraph(folder, **options), **recognizer_options)


@pytest.mark.parametrize('beams', [1, 3])
def test_words_come_with_their_times(tmp_path, beams):
    final = opened(tmp_path, beams=beams).recognize(sound(1.5))
    assert final.text == 'Hola, quiero un' and final.language == 'es' and final.end == 1.5
    assert [word.text for word in final.words] == WORDS[:3]
    for index, word in enumerate(final.words):  # each is 0.5 s long
        assert abs(word.start - 0.5 * index) < 0.26 and abs(word.end - 0.5 * (index + 1)) < 0.26
        assert 0.5 < word.confidence <= 1
    assert final.candidates[0].text == final.text


def test_sound_longer_than_the_window_is_cut(tmp_path):
    graph = ScriptedGraph(tmp_path)
    final = WhisperRecognizer('', graph=graph).recognize(sound(5.0))
    assert graph.calls.count('encode_4') == 2
    assert final.words[-1].start > 4 and final.words[0].start < 1


def test_stream_tells_partials_then_the_final(tmp_path):
    recognizer = opened(tmp_path)
    stream = recognizer.stream()
    events = [*stream.accept(np.concatenate([quiet(0.5), sound(2.5), quiet(2.0)])), *stream.finish()]
    partials = [event for event in events if isinstance(event, Partial)]
    finals = [event for event in events if isinstance(event, Final)]
    assert len(partials) >= 3 and len(finals) == 1
    texts = [partial.text.split() for partial in partials]
    assert all(text == WORDS[:len(text)] for text in texts) and len(texts[-1]) > len(texts[0])
    for before, after in zip(partials, partials[1:]):
        assert after.text.split()[:before.stable_words] == before.text.split()[:before.stable_words]
        assert after.start == before.start == finals[0].start


def test_expected_phrase_wins_where_the_model_is_unsure(tmp_path):
    """The graph holds ' agua.' for likely at the start: a bonus for it must change the first word, none must not."""
    assert opened(tmp_path).recognize(sound(0.5)).text == 'Hola,'
    favouring = opened(tmp_path, phrases=['agua.'], phrase_boost=8.0).recognize(sound(0.5))
    assert favouring.text.startswith('agua.')


@pytest.mark.parametrize('no_speech, text', [(0.0, 'Hola,'), (0.99, 'Hola,')])
def test_confident_words_are_told_whatever_the_start_says(tmp_path, no_speech, text):
    """OpenAI's rule: nothing was said where no speech is likely *and* the words are not believed."""
    assert opened(tmp_path, no_speech=no_speech).recognize(sound(0.5)).text == text


def test_nothing_is_heard_in_silence(tmp_path):
    recognizer = opened(tmp_path)
    final = recognizer.recognize(np.zeros(16000, np.float32))
    assert final.text == '' and final.confidence == 0.0 and not recognizer.is_speech(final)


def test_architecture_chooses_the_recogniser(tmp_path, monkeypatch):
    graph = ScriptedGraph(tmp_path / 'whisper')
    monkeypatch.setattr(recognizers, 'GraphRunner', lambda info, threads: graph)
    assert isinstance(open_recognizer(tmp_path / 'whisper'), WhisperRecognizer)
    write_folder(tmp_path / 'new', tokenizer(), 1, architecture='conformer')
    graph.info = recognizers.load_model(tmp_path / 'new')
    with pytest.raises(ModelError, match="architecture 'conformer'.*ctc, whisper"):
        open_recognizer(tmp_path / 'new')


@pytest.mark.parametrize('change, message', [
    ({'tokenizer': None}, 'lists no file'), ({'cache': {}}, "'tokens'"), ({'language': 'eo'}, "language 'eo'"),
    ({'beams': 'many'}, 'many')])
def test_damaged_parameters_are_named(tmp_path, change, message):
    with pytest.raises(ModelError, match=message):
        opened(tmp_path, **change)


def test_damaged_vocabulary_is_named(tmp_path):
    graph = ScriptedGraph(tmp_path)
    (tmp_path / 'tokens.json').write_text('{"tokens": ["a"], "special": {}}')
    with pytest.raises(ModelError, match='byte-level'):
        WhisperRecognizer('', graph=graph)
    (tmp_path / 'tokens.json').write_text('{')
    with pytest.raises(ModelError, match='no vocabulary of Whisper'):
        WhisperRecognizer('', graph=graph)


def test_scripted_folder_is_a_model_folder(tmp_path):
    ScriptedGraph(tmp_path)
    assert yaml.safe_load((tmp_path / 'model.yaml').read_text())['parameters']['architecture'] == 'whisper'
