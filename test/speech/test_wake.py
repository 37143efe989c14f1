"""Only what follows the wake word passes, and it passes without it."""
import pytest

from robot_ai.errors import ConfigurationError
from robot_ai.speech.recognizer import Candidate, Final, Word
from robot_ai.speech.wake import WakeWord


def heard(text, start=0.0):
    words = tuple(Word(word, start + i, start + i + 0.5, 0.9) for i, word in enumerate(text.split()))
    candidates = Candidate(text, 0.8), Candidate(text[:-1], 0.2)
    return Final(text, words, 0.9, 'es', start, start + len(words), candidates)


def test_the_phrase_opens_and_is_cut_off():
    wake = WakeWord('¡Hola, robot!')
    assert wake.filter(heard('enciende la luz')) is None
    out = wake.filter(heard('hola robot enciende la luz', 20.0))
    assert out.text == 'enciende la luz' and [word.text for word in out.words] == ['enciende', 'la', 'luz']
    assert out.start == 22.0 and out.end == 25.0
    assert [each.text for each in out.candidates] == ['enciende la luz', 'enciende la lu']


def test_it_stays_awake_for_a_while():
    wake = WakeWord('hola robot', awake_s=5.0)
    assert wake.filter(heard('hola robot', 0.0)) is None  # alone it only wakes
    assert wake.filter(heard('qué hora es', 6.0)).text == 'qué hora es'  # until 2 + 5 s
    assert wake.filter(heard('y mañana', 13.9)).text == 'y mañana'  # until 9 + 5 s
    assert wake.filter(heard('nada', 21.1)) is None
    wake.filter(heard('hola robot', 30.0))
    wake.reset()
    assert wake.filter(heard('nada', 31.0)) is None


@pytest.mark.parametrize('text, wakes', [
    ('ola robot ven', True), ('hola robo ven', True), ('hola rrobot ven', True), ('holarobot ven', True),
    ('bola rota ven', False), ('robot', False), ('hola', False), ('ven hola robot', False), ('', False)])
def test_spelling_may_differ_a_little(text, wakes):
    out = WakeWord('hola robot').filter(heard(text))
    assert (out is not None) == wakes
    assert not wakes or out.text == 'ven'


def test_partials_pass_as_the_final_would():
    wake = WakeWord('hola robot', awake_s=5.0)
    assert wake.partial('enciende', 1.0) is None
    assert wake.partial('hola robot', 1.0) is None  # nothing follows it yet
    assert wake.partial('hola robot enciende', 1.0) == 'enciende'
    assert not wake.is_awake(1.0)  # a partial wakes nobody: it may still change
    wake.filter(heard('hola robot', 0.0))
    assert wake.partial('enciende', 6.0) == 'enciende'


def test_while_it_is_awake_it_can_be_kept_so():
    wake = WakeWord('hola robot', awake_s=5.0)
    wake.keep_awake(1.0)
    assert not wake.is_awake(1.0)
    wake.filter(heard('hola robot', 0.0))
    wake.keep_awake(6.5)
    assert wake.is_awake(11.5) and not wake.is_awake(11.6)


def test_an_empty_phrase_is_refused():
    with pytest.raises(ConfigurationError, match='letters'):
        WakeWord('...')
