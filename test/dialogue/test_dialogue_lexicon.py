"""Words that every dialogue of a language shares: politeness is taken off, never what is meant."""
import pytest

from robot_ai.dialogue.document import parse_dialogue
from robot_ai.dialogue.lexicon import bare, groups_of, other_talk, root_of
from robot_ai.dialogue.sounds import sounds_of, words_of, words_of_all
from robot_ai.dialogue.understanding import Understanding

TEXT = """robot_ai_dialogue: 1
name: words
start: waiting
safe: waiting
intents:
  pain: {examples: [me duele la barriga]}
  thanks: {examples: [muchas gracias, le doy las gracias]}
  song: {examples: [ponme una canción]}
states: {waiting: {rest: true}}
"""


@pytest.mark.parametrize(('text', 'kept'), [
    ('oiga por favor qué hora es', 'que hora es'), ('bueno pues no muchas gracias', 'no'), ('sí hija', 'si'),
    ('gracias', 'gracias'), ('muchas gracias', 'muchas gracias'), ('ay gracias', 'gracias'),
    ('llama a mi hija', 'llama a mi hija'), ('le doy las gracias', 'le doy las gracias'), ('por favor', 'por favor'),
    ('hola guapa', 'hola'), ('qué guapa', 'que guapa'), ('me caí me caí en el baño', 'me cai en el baño'),
    ('no no no', 'no'), ('eh este quiero quiero agua', 'quiero agua'), ('no lo sé la verdad', 'no lo se')])
def test_politeness_is_taken_off_but_not_what_is_meant(text, kept):
    assert ' '.join(bare(words_of(text))).replace('qué', 'que') == kept


@pytest.mark.parametrize('language', ['es', 'en'])
def test_shared_words_are_as_transcripts_write_them_and_stand_once(language):
    groups = groups_of(language)
    assert groups and all(words_of(word, language) == (word,) for word in groups)
    assert len({words_of(text, language) for text in other_talk(language)}) == len(other_talk(language)) > 50


def test_texts_are_folded_together_as_each_alone():
    texts = ['¿Qué hora es?', 'son 3', '', 'número 4º, señor García', 'xborderx', 'a' * 300]
    assert words_of_all(texts[:4]) == [words_of(t) for t in texts[:4]]
    assert words_of_all(texts) == [words_of(t) for t in texts]


def test_words_of_one_group_mean_the_same_in_any_dialogue():
    understanding = Understanding(parse_dialogue(TEXT))
    for text, intent in (('me duele el estómago', 'pain'), ('póngame una ranchera', 'song')):
        meaning = understanding.understand(text)
        assert meaning.intent == intent and meaning.decision != 'reject'


def test_talk_about_other_things_is_left_alone_even_if_it_is_near():
    understanding = Understanding(parse_dialogue(TEXT))
    assert understanding.understand('al perro le duele una pata').decision != 'accept'


def test_an_intents_own_words_win_over_other_talk():
    sentence = other_talk('es')[5]
    understanding = Understanding(parse_dialogue(TEXT.replace('[me duele la barriga]', f'["{sentence}"]')))
    meaning = understanding.understand(sentence)
    assert (meaning.intent, meaning.decision) == ('pain', 'accept')


@pytest.mark.parametrize(('small', 'word'), [
    ('barquito', 'barco'), ('cafecito', 'café'), ('solecito', 'sol'), ('cancioncita', 'canción'), ('ratito', 'rato')])
def test_a_diminutive_has_the_root_of_its_word(small, word):
    (one, is_small), (other, not_small) = (root_of(sounds_of(*words_of(w))) for w in (small, word))
    assert one == other and is_small and not not_small


def test_a_diminutive_is_understood_as_its_word():
    text = TEXT.replace('[ponme una canción]', '[quiero un barco]')
    assert Understanding(parse_dialogue(text)).understand('quiero un barquito').score > 0.85
