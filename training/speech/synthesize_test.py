"""The corpus depends on texts and seed alone: not on workers, nor on where an earlier call stopped."""

import json
import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile

from robot_ai.errors import ConfigurationError
from training.__main__ import main
from training.speech import synthesize, voices, written
from training.speech.leaks import HeldOut
from training.speech.loaders import load, read
from training.speech.utterances import Utterance

TEXTS = [('t', 'Buenos días.'), ('t', '¿Qué hora es?'), ('u', 'Son las 15:30.'), ('u', '...'), ('u', 'Hola, Ana.')]
pytestmark = pytest.mark.skipif(not synthesize.shutil.which('espeak-ng'), reason='needs espeak-ng')


def corpus(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob('*')) if file.is_file()
    }


def test_workers_and_interruption_change_nothing(tmp_path):
    speakers = voices.espeak_voices()
    whole = synthesize.synthesize(TEXTS, speakers, tmp_path / 'whole')
    assert (whole.clips, whole.made, dict(+whole.dropped)) == (4, 4, {'text without a word': 1})
    synthesize.synthesize(TEXTS[:2], speakers, tmp_path / 'twice', workers=2)
    with open(tmp_path / 'twice' / 'manifest.jsonl', 'a', encoding='utf-8') as manifest:
        manifest.write('{"audio": "ab/abc')  # killed while it wrote
    again = synthesize.synthesize(TEXTS, speakers, tmp_path / 'twice', workers=2)
    assert (again.clips, again.made) == (4, 2)
    assert again.seconds == pytest.approx(whole.seconds, abs=0.01)
    assert corpus(tmp_path / 'twice') == corpus(tmp_path / 'whole')
    other_seed = synthesize.synthesize(TEXTS, speakers, tmp_path / 'other', seed=1)
    assert other_seed.made == 4 and corpus(tmp_path / 'other').keys() != corpus(tmp_path / 'whole').keys()


def test_the_corpus_loads_and_sounds(tmp_path):
    synthesize.synthesize(TEXTS, voices.espeak_voices('validation'), tmp_path, 'validation')
    utterances = list(load(tmp_path))
    assert [utterance.text for utterance in utterances] == [text for _, text in TEXTS if text != '...']
    for utterance in utterances:
        samples = read(utterance)
        assert utterance.split == 'validation' and len(samples) == pytest.approx(utterance.seconds * 16000, abs=9)
        assert np.abs(samples).max() > 0.05


def test_no_voice_is_in_two_splits():
    by_split = {
        split: {voice.name for voice in voices.espeak_voices(split)}
        for split in ('train', 'validation', 'test')
    }
    assert all(by_split.values())
    assert not by_split['train'] & (by_split['validation'] | by_split['test'])
    assert not by_split['validation'] & by_split['test']


def test_a_text_of_a_test_is_never_spoken(tmp_path):
    held_out = HeldOut()
    held_out.add(Utterance('test.flac', '¡QUE HORA ES!'))
    summary = synthesize.synthesize(TEXTS, voices.espeak_voices(), tmp_path, held_out=held_out)
    assert summary.dropped['text is in a held-out test'] == 1
    assert all('hora' not in utterance.text for utterance in load(tmp_path))


def test_a_clip_that_fails_is_named_and_the_rest_is_made(tmp_path, monkeypatch):
    program = tmp_path / 'bin' / 'piper'
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho no such model >&2; exit 3\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{program.parent}:/usr/bin:/bin')
    speakers = [voices.Voice('es'), voices.Voice('broken', 'broken.onnx')]
    summary = synthesize.synthesize(TEXTS * 4, speakers, tmp_path, seed=3)
    assert summary.made and summary.problems.found
    assert all('no such model' in reason for _, reason in summary.problems.found)
    assert not list(tmp_path.rglob('*.part'))


def test_a_full_disk_stops_with_what_to_do(tmp_path, monkeypatch):
    def full(file, *_, **__):
        Path(file).write_bytes(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(synthesize.soundfile, 'write', full)
    with pytest.raises(ConfigurationError, match='No space left.*make room'):
        synthesize.synthesize(TEXTS, voices.espeak_voices(), tmp_path)
    monkeypatch.undo()
    assert synthesize.synthesize(TEXTS, voices.espeak_voices(), tmp_path).made == 4
    assert not list(tmp_path.rglob('*.part'))


def test_a_manifest_that_does_not_fit_stops_too_and_goes_on(tmp_path, monkeypatch):
    def make(job, output):
        (output / job.name[:2]).mkdir(exist_ok=True)
        (output / job.name[:2] / f'{job.name}.flac').touch()
        return 1.0

    monkeypatch.setattr(synthesize, '_make', make)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(ConfigurationError, match='1 clips are done: make room'):
            synthesize.synthesize(TEXTS, [voices.Voice('es')], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert synthesize.synthesize(TEXTS, [voices.Voice('es')], tmp_path).made == 3
    assert len([json.loads(line) for line in (tmp_path / 'manifest.jsonl').read_text().splitlines()]) == 4


def test_piper_voices_are_called_as_the_program_wants(tmp_path, monkeypatch):
    """A stand-in `piper` checks its arguments and speaks a tone as long as its text."""
    soundfile.write(tmp_path / 'tone.wav', np.sin(np.arange(11025) / 9) / 2, 22050)
    program = tmp_path / 'bin' / 'piper'
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\ntest "$1" = --model && test "$3" = --length_scale && test "$6" = - || exit 3\n'
        f'read text && cat {tmp_path}/tone.wav\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{program.parent}:/usr/bin:/bin')
    (tmp_path / 'es_ana.onnx').touch()
    with pytest.raises(ConfigurationError, match='no Piper voice'):
        voices.piper_voices(tmp_path)
    (tmp_path / 'es_ana.onnx.json').touch()
    summary = synthesize.synthesize(TEXTS[:1], voices.piper_voices(tmp_path), tmp_path / 'out')
    assert summary.seconds == pytest.approx(0.5, abs=0.01)
    assert json.loads((tmp_path / 'out' / 'manifest.jsonl').read_text())['speaker'] == 'piper-es_ana'


def test_command_with_own_texts(tmp_path, capsys):
    (tmp_path / 'mine.txt').write_text('Buenos días.\n\nHasta mañana.\n', 'utf-8')
    arguments = [
        'speech-data',
        'synthesize',
        '--text',
        str(tmp_path / 'mine.txt'),
        '--output',
        str(tmp_path / 'out'),
    ]
    assert main(arguments) == 0
    assert '2 clips' in capsys.readouterr().out
    assert main(['speech-data', 'check', '--sound', str(tmp_path / 'out')]) == 0
    assert 'train: 2 clips' in capsys.readouterr().out


def test_dialogues_are_filled_in(tmp_path):
    (tmp_path / 'a.yaml').write_text(
        'intents:\n  go:\n    examples: ["llévame a {place}", "hola"]\n    slots: {place: rooms}\n'
        'names:\n  rooms:\n    cocina: [la cocina]\n    baño: [el aseo]\n',
        'utf-8',
    )
    found = list(written.dialogue_sentences([tmp_path / 'a.yaml'], seed=0))
    assert found.count('hola') == 1 and len(found) == 6
    assert {text.removeprefix('llévame a ') for text in found} <= {
        'hola',
        'cocina',
        'la cocina',
        'baño',
        'el aseo',
    }


def test_written_sentences_are_repeatable_and_all_read():
    first = list(written.written_sentences(5, 300))
    assert first == list(written.written_sentences(5, 300)) != list(written.written_sentences(6, 300))
    assert not any('{' in text for text in first)
