"""`robot-ai transcribe`: one line a file, the bad ones named and passed over, the status says so."""
import json

import numpy as np
import pytest
import soundfile
from tone_model import ToneGraph, silence, tones

from robot_ai import cli
from robot_ai.speech import recognizer


@pytest.fixture(autouse=True)
def tone_model(monkeypatch, tmp_path):
    """A model folder is found and opened as the tone model."""
    (tmp_path / 'model').mkdir()
    (tmp_path / 'model' / 'model.yaml').write_text('kind: speech')
    monkeypatch.setattr(recognizer, 'load_model', lambda folder, kind: None)
    monkeypatch.setattr(recognizer, 'GraphRunner', lambda info, threads: ToneGraph())


def write(path, *texts):
    parts = [silence(0.5)]
    for i, text in enumerate(texts):
        parts += [tones(text), silence(1.2, i)]
    soundfile.write(path, np.concatenate(parts), 16000)
    return str(path)


def transcribe(tmp_path, *arguments):
    return cli.main(['transcribe', '--model', str(tmp_path / 'model'), *arguments])


def test_a_line_a_file(tmp_path, capsys):
    a, b = write(tmp_path / 'a.wav', 'hola'), write(tmp_path / 'b.flac', 'adiós', 'veinte')
    assert transcribe(tmp_path, a, b) == 0
    assert capsys.readouterr().out.splitlines() == [f'{a}\thola', f'{b}\tadiós veinte']
    assert transcribe(tmp_path, '--numerals', b) == 0
    assert capsys.readouterr().out == f'{b}\tadiós 20\n'


def test_json_has_times_confidence_and_candidates(tmp_path, capsys):
    assert transcribe(tmp_path, '--json', write(tmp_path / 'a.wav', 'hola amigo')) == 0
    line = json.loads(capsys.readouterr().out)
    assert line['file'].endswith('a.wav') and line['text'] == 'hola amigo'
    assert [word['text'] for word in line['words']] == ['hola', 'amigo']
    assert line['words'][0]['start'] == pytest.approx(0.5, abs=0.05)
    assert 0 < line['confidence'] <= 1
    assert line['candidates'][0]['text'] == 'hola amigo'
    assert line['utterances'][0]['language'] == 'es'


def test_a_bad_file_is_named_and_the_others_are_done(tmp_path, capsys):
    (tmp_path / 'bad.wav').write_bytes(b'this is no sound')
    good = write(tmp_path / 'good.wav', 'hola')
    assert transcribe(tmp_path, str(tmp_path / 'bad.wav'), str(tmp_path / 'none.wav'), good) == 1
    out, err = capsys.readouterr()
    assert out == f'{good}\thola\n'
    assert 'bad.wav' in err and 'none.wav: no such file' in err and 'Traceback' not in err


def test_silence_is_an_empty_text(tmp_path, capsys):
    soundfile.write(tmp_path / 'silence.wav', silence(2.0), 16000)
    assert transcribe(tmp_path, '--json', str(tmp_path / 'silence.wav')) == 0
    assert json.loads(capsys.readouterr().out)['text'] == ''


def test_phrases_from_a_file(tmp_path, capsys):
    (tmp_path / 'phrases.txt').write_text('Hola, amigo\n\n', encoding='utf-8')
    assert transcribe(tmp_path, '--phrases', str(tmp_path / 'phrases.txt'), write(tmp_path / 'a.wav', 'hola')) == 0
    assert transcribe(tmp_path, '--phrases', str(tmp_path / 'no.txt'), str(tmp_path / 'a.wav')) == 1
    assert 'no.txt' in capsys.readouterr().err


def test_usage(tmp_path, capsys):
    for arguments in ([], ['--profile', 'slow', 'a.wav'], ['--unknown']):
        with pytest.raises(SystemExit) as stopped:
            transcribe(tmp_path, *arguments)
        assert stopped.value.code == 2
    with pytest.raises(SystemExit) as stopped:
        cli.main(['transcribe', '--help'])
    assert stopped.value.code == 0 and 'example:' in capsys.readouterr().out
