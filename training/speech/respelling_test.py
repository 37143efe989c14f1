"""Respelling in Spanish letters: what a Spanish ear would write, in letters that the vocabulary has."""
import shutil

import pytest

from training.speech.model import Characters
from training.speech.respelling import SOUNDS, respell, spell

espeak = pytest.mark.skipif(shutil.which('espeak-ng') is None, reason='espeak-ng is not installed')


@pytest.mark.parametrize('ipa, letters', [
    ('kˈezə', 'quese'), ('ˈaːkːːa', 'aca'), ('gi ga', 'gui ga'), ('θinθa', 'cinza'),
    ('tʃao', 'chao'), ('dʒente', 'yente'), ('ɲaɲa', 'ñaña'), ('waɡ', 'huag'),
    ('jo maj maja', 'yo mai maya'), ('bɔ̃', 'bon'), ('bã', 'ban'), ('çi', 'ji'),
    ('te(en)st', 'test'), ('anpa', 'ampa'), ('(fr) vu', 'vu'), ('ʔa', 'a'),
    ('bella beʎa', 'bela bella'), ('', '')])
def test_sounds_are_spelt_as_spanish_spells_them(ipa, letters):
    assert spell(ipa) == letters


def test_a_trill_between_vowels_is_doubled_where_the_language_has_both():
    assert spell('karo kaɾo ro') == 'caro caro ro'
    assert spell('karo kaɾo ro', trilled=True) == 'carro caro ro'
    assert spell('karro') == 'carro'


def test_every_sound_has_labels():
    for sound in SOUNDS:
        Characters().encode(spell(sound) + spell(f'a{sound}e') + spell(f'{sound}i'))


@espeak
@pytest.mark.parametrize('language, text, letters', [
    ('it', 'che cosa', 'que cosa'), ('fr', 'vous', 'vu'), ('de', 'ich', 'ij'), ('rm-vallader', 'stalla', 'stala')])
def test_languages_are_read_by_their_own_rules(language, text, letters):
    assert respell(text, language) == letters


@espeak
def test_a_language_without_a_voice_gives_nothing():
    assert respell('karet en deus', 'br') == ''
