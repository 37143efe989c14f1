"""The row `cleaning`: each way hears the same sounds, and what is not cleaned reaches the graph as it came."""
import numpy as np
import pytest

from robot_ai.speech.cleaning import HighPass
from training.speech import cleaning_rows
from training.speech.evaluate_test import corpus, measured  # noqa: F401


def test_every_way_reads_every_clip(corpus, monkeypatch):  # noqa: F811
    monkeypatch.setattr(cleaning_rows.importlib.util, 'find_spec', lambda name: None)  # as without noisereduce
    lines, _ = measured(corpus, '--split', 'test-unseen-speaker', '--rows', 'cleaning')
    assert {what.split()[1] for row, what in lines} == {'none', 'cleaned'} and len(lines) == 12
    assert all(line['clips'] == 5 for line in lines.values())
    assert all(line['folded_wer'][0] == pytest.approx(1 / 17, abs=1e-3)
               for (_, what), line in lines.items() if 'cleaned' in what or 'clean none' in what)


def test_uncleaned_sound_reaches_the_graph_as_it_came():
    seen = []

    class Heard:
        log_probs = 'log probs'

    class Recognizer:
        class decoder:
            @staticmethod
            def decode(log_probs, finalists):
                assert log_probs == 'log probs'
                return [type('Hypothesis', (), {'text': 'hola'})]

        @staticmethod
        def hear(samples):
            seen.append(samples)
            return Heard
    sound = cleaning_rows.rumbling(np.sin(np.arange(16000) / 5).astype(np.float32) * 0.1)
    assert cleaning_rows.read(Recognizer, sound) == 'hola' and seen[0] is sound
    assert abs(sound.mean() - cleaning_rows.OFFSET) < 0.01 and 0.09 < sound.std() < 0.11  # as loud again
    assert abs(HighPass().whole(sound)[4000:].mean()) < 1e-3


def test_babble_is_a_line_of_non_speech(corpus):  # noqa: F811
    lines, _ = measured(corpus, '--rows', 'non-speech', '--minutes', '0.02', '--split', 'test-unseen-speaker')
    babble = lines['non-speech', 'Spanish babble at -5 dB']
    assert babble['clips'] == 1 and babble['hours'] == pytest.approx(1 / 60, abs=1e-4) and babble['note'] == 'no goal'
