"""The normaliser's promises: only ALPHABET comes out, twice is once, nothing raises, numbers come back."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_ai.speech.spanish import ALPHABET, digits, fold, normalize

GOLDEN = Path(__file__).with_name('spanish_golden.txt')
SPANISH = st.text(
    st.sampled_from('aábcdeéiíoólmnñrstuúüvxyzABCDEIVXLMÑ 0123456789.,;:¿?¡!ºª°€$%/-—–½\'’"«»()&@#+=²')
)
PIECES = st.lists(st.sampled_from([piece for line in GOLDEN.read_text('utf-8').splitlines()
                                   if ' | ' in line and line[0] != '#' for piece in line.split(' | ')[0].split()]))


def golden_cases():
    lines = GOLDEN.read_text('utf-8').splitlines()
    return [tuple(line.split(' | ')) for line in lines if line and not line.startswith(('# ', '## '))]


def test_golden_cases():
    cases = golden_cases()
    assert len(cases) >= 500 and len({written for written, _ in cases}) == len(cases)
    wrong = [f'{written!r}: {normalize(written)!r}, expected {said!r}' for written, said in cases
             if normalize(written) != said]
    assert not wrong, '\n'.join(wrong)


def test_a_sentence_with_everything():
    assert normalize(
        'El Sr. Ruiz compró, el 12/10/1992, 21 sillas en el n.º 5 de la C/ Felipe II (siglo XIX).'
    ) == (
        'el señor ruiz compró el doce de octubre de mil novecientos noventa y dos veintiuna sillas en el número '
        'cinco de la calle felipe segundo siglo diecinueve'
    )


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), SPANISH, PIECES.map(' '.join), PIECES.map(''.join)))
def test_alphabet_idempotence_and_no_empty_sentence(text):
    said = normalize(text)
    assert set(said) <= set(ALPHABET)
    assert said == ' '.join(said.split())
    assert normalize(said) == said
    if any(c.isascii() and c.isalnum() for c in text):
        assert said


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**15 - 1))
def test_numbers_go_there_and_back(number):
    assert digits(normalize(str(number))) == str(number)
    assert digits(f'hay {normalize(str(number))} y sobra') == f'hay {number} y sobra'


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('tengo treinta y un años', 'tengo 31 años'),
        ('dos y tres', '2 y 3'),
        ('un perro y una gata', 'un perro y una gata'),
        ('mil novecientos ochenta y cuatro', '1984'),
        ('tres coma catorce', '3,14'),
        ('cero coma cero cinco', '0,05'),
        ('noventa y uno ciento veintitrés', '91 123'),
        ('Veintiún mil', '21000'),
        ('veintidos dieciseis', '22 16'),
        ('un millón doscientos mil', '1200000'),
        ('treinta y', '30 y'),
        ('uno, dos, tres', '1, 2, 3'),
        ('', ''),
        ('el año que viene', 'el año que viene'),
        ('dos coma', '2 coma'),
        ('doscientas una sillas', '201 sillas'),
    ],
)
def test_digits(text, expected):
    assert digits(text) == expected


def test_fold_drops_accents_but_keeps_the_letter_eñe():
    assert fold('¡El pingüino añoró 16 camiones!') == 'el pinguino añoro dieciseis camiones'
