"""Forced alignment finds planted letters, leaves out what was not read and stars what is not in the text."""
from types import SimpleNamespace

import numpy as np
import pytest

from robot_ai.errors import ModelError
from training.audiobook.ctc import CtcAligner
from training.audiobook.quality import Limits

LETTERS = 'abcdefghijklmnopqrstuvwxyzáéíóúüñ'
LABELS = ('', '▁', *LETTERS)
FRAME = 640  # samples, 40 ms


class _Recognizer:
    """Stands in for the model: gives planted labels, one a frame."""

    frame_s = 0.04

    def __init__(self, labels=LABELS):
        self.info = SimpleNamespace(labels=labels, parameters={'word_boundary': '▁'}, folder='models/planted')


def _plant(text_of_frames):
    """Return (log probabilities [T, V], samples): '.' is silence, '-' a blank within speech."""
    frames = len(text_of_frames)
    log_probs = np.full((frames, len(LABELS)), np.log(0.1 / (len(LABELS) - 1)), np.float32)
    samples = np.random.default_rng(1).standard_normal(frames * FRAME).astype(np.float32) * 1e-3
    for k, sign in enumerate(text_of_frames):
        label = 0 if sign in '.-' else LABELS.index('▁' if sign == ' ' else sign)
        log_probs[k, label] = np.log(0.9)
        if sign != '.':
            samples[k * FRAME:(k + 1) * FRAME] *= 100
    return log_probs, samples


def _align(frames, sentences, **options):
    log_probs, samples = _plant(frames)
    aligner = CtcAligner(recognizer=_Recognizer())
    aligner.listen = lambda _: log_probs
    return aligner.align(samples, sentences, **options)


def test_words_and_sentences_lie_where_they_were_planted():
    frames = '.' * 20 + 'h-o-l-a- -a-n-a' + '.' * 25 + 's-í- -c-l-a-r-o' + '.' * 20
    found = _align(frames, ['¡Hola, Ana!', 'Sí, claro.'])
    first, second = found.fragments
    assert first.read and second.read and not found.extra
    assert (first.begin, first.end) == pytest.approx((20 * 0.04, 35 * 0.04), abs=0.045)
    assert (second.begin, second.end) == pytest.approx((60 * 0.04, 75 * 0.04), abs=0.045)
    assert [word.text for word in first.words] == ['hola', 'ana']
    assert first.words[1].begin == pytest.approx(30 * 0.04, abs=0.045)
    assert [word.text for word in second.words] == ['sí', 'claro']
    assert all(Limits().min_score < fragment.score <= 1 for fragment in found.fragments)  # `corpus` keeps them


def test_unread_sentence_and_foreign_speech_are_found():
    foreign = 'q-u-i-z-á-s- -m-a-ñ-a-n-a'
    frames = '.' * 20 + 'b-u-e-n-o' + '.' * 20 + foreign + '.' * 20 + 'a-d-i-ó-s' + '.' * 20
    found = _align(frames, ['Bueno.', 'Jugábamos siempre fuera.', 'Adiós.'])
    assert [fragment.read for fragment in found.fragments] == [True, False, True]
    begin = 20 + 9 + 20
    assert found.extra == [pytest.approx((begin * 0.04, (begin + len(foreign)) * 0.04), abs=0.09)]


def test_double_letters_need_a_blank_between_them():
    scores = [_align('.' * 20 + heard + '.' * 20, ['Calle.']).fragments[0].score
              for heard in ('c-a-l-l-e', 'c-a-lll-e')]
    assert scores[0] > scores[1] + 0.05


def test_part_of_a_longer_text_is_found():
    frames = '.' * 20 + 'b-u-e-n-o' + '.' * 20
    found = _align(frames, ['Largo prólogo del autor.', 'Bueno.', 'Índice de capítulos.'], free_ends=True)
    assert [fragment.read for fragment in found.fragments] == [False, True, False]


def test_text_without_letters_is_no_fault():
    found = _align('.' * 20 + 'b-u-e-n-o' + '.' * 20, ['* * *', 'Bueno.'])
    assert found.fragments[1].read


def test_model_without_letters_is_refused():
    with pytest.raises(ModelError, match='needs a label for each letter'):
        CtcAligner(recognizer=_Recognizer(('', '▁', 'a', 'b')))
