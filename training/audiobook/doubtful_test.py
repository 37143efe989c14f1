"""A wrong transcript is found among right ones, and a broken-off run goes on."""
import json

import pytest

from robot_ai.errors import ConfigurationError
from training.audiobook import doubtful
from training.audiobook.dtw import DtwAligner
from training.audiobook.espeak import speak
from training.speech.utterances import Utterance

TEXTS = ['la casa estaba vacía', 'nadie abrió la puerta', 'el perro ladró dos veces', 'mi abuelo encendió la luz',
         'los vecinos miraban', 'al final salió una mujer']


def test_speech_that_is_something_else_scores_worse_and_none_is_left_out():
    try:
        samples = speak(TEXTS[0], 'es+f4', 160).samples
    except ConfigurationError as error:
        pytest.skip(str(error))
    aligner = DtwAligner()
    right, seconds, expected = aligner.fit(samples, TEXTS[0])
    wrong = aligner.fit(samples, TEXTS[5])[0]
    assert right > wrong + 0.2 and seconds == pytest.approx(expected, rel=0.35)
    short = aligner.fit(samples, 'y')
    assert short[0] > -9 and short[1] == seconds and short[2] < 0.5  # stretched over all the speech, and told


def test_worst_come_first_and_scores_are_kept(tmp_path, monkeypatch):
    scores = {text: (0.5 + 0.01 * k, 1.0, 1.0) for k, text in enumerate(TEXTS)}
    scores[TEXTS[2]] = (-0.4, 1.0, 1.0)
    scores[TEXTS[4]] = (0.5, 3.0, 1.0)
    asked = []
    monkeypatch.setattr(doubtful, 'read', lambda utterance: utterance.text)
    monkeypatch.setattr(DtwAligner, 'fit', lambda _, samples, text: asked.append(text) or scores[text])
    utterances = [Utterance(f'{k}.flac', text, source='a') for k, text in enumerate(TEXTS)]
    kept = tmp_path / 'scores.jsonl'
    rows, faults = doubtful.score(utterances[:4], kept)
    kept.write_text(kept.read_text() + '{"audio": "4.fl')  # killed while writing
    kept.write_text(kept.read_text() + '\n')
    rows, faults = doubtful.score(utterances, kept)
    assert asked == TEXTS and not faults and len(rows) == 6
    assert {row['text'] for row in doubtful.rank(list(rows.values()))[:2]} == {TEXTS[2], TEXTS[4]}
    assert json.loads(kept.read_text().splitlines()[-1])['text'] == TEXTS[5]
