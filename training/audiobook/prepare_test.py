"""A sentence that two recordings claim belongs to the later one, if it fits there; nothing is cut twice."""
import numpy as np
import pytest
import soundfile

from training.audiobook import prepare
from training.audiobook.files import read_book, read_json
from training.audiobook.fragments import Alignment, Fragment

SENTENCES = ['Capítulo primero.', 'La casa estaba vacía.', 'Nadie abrió.', 'Capítulo segundo.', 'El perro ladró.',
             'Salió una mujer.']


class Scripted:
    """An aligner that was told what to find: {first sample: {sentence: score}}, 2 s each, 1 s after the start."""

    def __init__(self, found):
        self.found = found

    def align(self, samples, sentences, free_ends):
        scores, fragments, place = self.found[round(float(samples[0]), 1)], [], 1.0
        for sentence in sentences:
            score = scores.get(sentence)
            end = place + (2.0 if score is not None else 0)
            fragments.append(Fragment('f', sentence, place, end, score or -9.0, read=score is not None))
            place = end
        return Alignment(fragments, [], 'scripted', len(samples) / 16000)


@pytest.mark.parametrize('own, claimed, second', [(0.5, 0.3, 3), (0.5, 0.55, 3), (0.3, 0.5, 4)])
def test_a_heading_heard_in_an_ending_goes_to_the_recording_that_reads_it(tmp_path, monkeypatch, own, claimed, second):
    (tmp_path / 'recordings').mkdir()
    (tmp_path / 'text').mkdir()
    (tmp_path / 'text' / 'book.txt').write_text('\n\n'.join(SENTENCES))
    for name, level in (('a', 0.1), ('b', 0.2)):
        soundfile.write(tmp_path / 'recordings' / f'{name}.wav', np.full(12 * 16000, level), 16000)
    aligner = Scripted({0.1: {**dict.fromkeys(SENTENCES[:3], 0.6), SENTENCES[3]: claimed},
                        0.2: {SENTENCES[3]: own, **dict.fromkeys(SENTENCES[4:], 0.6)}})
    monkeypatch.setattr(prepare, 'make_aligner', lambda *_: aligner)
    monkeypatch.setattr(prepare, 'EDGE_SHARE', 0.0)
    for _ in range(2):  # a second call changes nothing
        assert prepare.prepare_book(str(tmp_path), 'dtw', '') == []
        book = read_book(tmp_path)
        text = [book.path('sentences', name).read_text().splitlines() for name in 'ab']
        assert text == [SENTENCES[:second], SENTENCES[second:]]
        cuts = [read_json(book.path('cuts', name)) for name in 'ab']
        assert [(c['first_sentence'], c['next_sentence']) for c in cuts] == [(0, second), (second, 6)]
        seconds = [soundfile.info(book.path('audio', name)).duration for name in 'ab']
        assert seconds == pytest.approx([2 * second + 0.6, 2 * (6 - second) + 0.6], abs=0.01)
