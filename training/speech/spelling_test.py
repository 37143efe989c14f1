"""A misspelt word is reported with its place; names, abbreviations and inflected forms are not."""

import pytest

from robot_ai.errors import ConfigurationError
from training.speech.spelling import DICTIONARIES, Spelling, Suspect


@pytest.fixture(scope='module')
def spelling():
    pytest.importorskip('spylls')
    if not any(path.is_file() for path in DICTIONARIES):
        pytest.skip('needs hunspell-es')
    return Spelling()


def test_a_misspelt_word_has_its_place(spelling):
    text = 'La vurra come yerba.'
    assert list(spelling.suspects(text)) == [Suspect('vurra', 3)]
    assert text[3:8] == 'vurra'


@pytest.mark.parametrize(
    'text',
    [
        'Los niños cantaban canciones dulcísimas.',
        'Dígaselo a Rocinante.',
        'El Sr. Ruiz vive en EE. UU.',
        'Felipe II',
        'Comprendíamoslo todo: cógelas, muéstramelo.',
        '¡OH, QUÉ BELLO!',
    ],
)
def test_good_spanish_has_no_suspects(spelling, text):
    assert [suspect.word for suspect in spelling.suspects(text)] == []


def test_sentence_starts_and_shouting_are_checked(spelling):
    assert [s.word for s in spelling.suspects('Vurra. «Zielo» azul')] == ['Vurra', 'Zielo']
    assert [s.word for s in spelling.suspects('LA VURRA COME')] == ['VURRA']


def test_own_words_are_right(tmp_path):
    pytest.importorskip('spylls')
    (tmp_path / 'mini.aff').write_text('SET UTF-8\n')
    (tmp_path / 'mini.dic').write_text('1\nhola\n')
    mini = Spelling(tmp_path / 'mini.dic', known=['Pepper'])
    assert [s.word for s in mini.suspects('hola pepper adiós')] == ['adiós']


def test_without_a_dictionary_the_error_says_what_to_install(tmp_path):
    with pytest.raises(ConfigurationError, match='hunspell-es'):
        Spelling(tmp_path / 'none.dic')
