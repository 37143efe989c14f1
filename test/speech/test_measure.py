"""The measuring tool counts what was planted: false transcripts, word errors, calibration."""
import json

import numpy as np
import pytest
import soundfile
from tone_model import ToneGraph, silence, tones

from robot_ai.speech import measure, noises, recognizer


@pytest.fixture(autouse=True)
def tone_model(monkeypatch):
    monkeypatch.setattr(recognizer, 'load_model', lambda folder, kind: None)
    monkeypatch.setattr(recognizer, 'GraphRunner', lambda info, threads: ToneGraph())
    monkeypatch.setattr(measure, 'find_model', lambda kind, where: where)


def rows(capsys, *arguments):
    measure.main(list(arguments))
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_scene_has_its_level_and_repeats():
    for name in noises.SCENES:
        sound = noises.scene(name, 4, -30, seed=3)
        assert sound.dtype == np.float32 and len(sound) == 64000 and np.isfinite(sound).all()
        if name not in ('silence', 'clicks'):  # clicks clip
            assert 20 * np.log10(sound.std()) == pytest.approx(-30, abs=1.5), name
        assert np.array_equal(sound, noises.scene(name, 4, -30, seed=3))
    mixed = noises.babble([tones('hola'), tones('qué tal')], 2, -20, seed=1)
    assert len(mixed) == 32000 and 20 * np.log10(mixed.std()) == pytest.approx(-20, abs=0.5)


def test_false_transcripts_are_counted(tmp_path, capsys):
    path = tmp_path / 'speech.wav'
    sound = [silence(1), tones('hola'), silence(1.5, 1), tones('sí'), silence(1, 2)]
    soundfile.write(path, np.concatenate(sound), 16000)
    told, total = rows(capsys, 'noise', str(path))
    assert [text for text, _ in told['false']] == ['hola', 'sí']
    assert total['false_transcripts'] == 2
    assert total['an_hour'] == pytest.approx(2 * 3600 / 4.7, rel=0.02)


def test_word_errors_are_counted_by_source(tmp_path, capsys):
    soundfile.write(tmp_path / 'a.wav', tones('la casa azul'), 16000)
    soundfile.write(tmp_path / 'b.wav', silence(1), 16000)
    clips = [{'audio': 'a.wav', 'text': 'La cama azul.', 'source': 'one', 'split': 'validation'},
             {'audio': 'b.wav', 'text': 'nada', 'source': 'two', 'split': 'validation'},
             {'audio': 'none.wav', 'text': 'never opened', 'source': 'two', 'split': 'test-unseen-speaker'}]
    (tmp_path / 'm.jsonl').write_text('\n'.join(map(json.dumps, clips)))
    one, two, total = rows(capsys, 'speech', str(tmp_path / 'm.jsonl'))
    assert (one['clips'], one['rejected'], one['wer_folded']) == (1, 0, pytest.approx(1 / 3, abs=1e-3))
    assert (two['clips'], two['rejected'], two['wer_folded']) == (1, 1, 1.0)
    assert total['wer_folded'] == 0.5


def test_speed_reports_every_figure(tmp_path, capsys):
    soundfile.write(tmp_path / 'a.wav', np.concatenate([silence(0.5), tones('la casa azul')]), 16000)
    (row,) = rows(capsys, 'speed', str(tmp_path / 'a.wav'))
    assert row['text'] == 'la casa azul' and row['partials'] >= 6
    assert row['offline_real_time_factor'] > 0 and row['peak_memory_mb'] > 10
    assert row['endpoint_to_final_p95_ms'] is not None


def test_calibration_error_of_known_marks():
    assert measure.calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == pytest.approx(0)
    assert measure.calibration_error([(0.95, False)] * 4) == pytest.approx(0.95)
    assert measure.calibration_error([]) == 0.0
