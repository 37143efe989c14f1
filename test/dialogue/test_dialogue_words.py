"""What people say: intents under errors, values in sentences, spoken times and dates."""
import datetime

import pytest

from robot_ai.dialogue import wording
from robot_ai.dialogue.document import parse_dialogue
from robot_ai.dialogue.evidence import Evidence
from robot_ai.dialogue.mishearing import Mishearing, word_errors
from robot_ai.dialogue.slots import find_slots, meant
from robot_ai.dialogue.sounds import sounds_of, words_of
from robot_ai.dialogue.understanding import Understanding, intent_of
from robot_ai.errors import DialogueError

TEXT = """robot_ai_dialogue: 1
name: words
start: waiting
safe: waiting
names: {person: {Lucía: [mi nieta, la niña], Ángel: []}}
intents:
  call: {examples: ["llama a {who}", "quiero hablar con {who}"], slots: {who: person}}
  hour: {examples: [qué hora es, me dices la hora]}
  fall: {examples: [me he caído, estoy en el suelo]}
  wake: {examples: ["despiértame {at}", "quiero levantarme {at}"], slots: {at: time}}
states:
  waiting: {rest: true, on: [{hear: [fall, deny], go: asked}]}
  asked: {say: ¿Le ayudo?, states: {again: {say: ¿Le ayudo?, on: [{hear: hour, go: waiting}]}}}
"""


@pytest.fixture(scope='module')
def understanding():
    return Understanding(parse_dialogue(TEXT))


@pytest.mark.parametrize(('text', 'intent'), [
    ('me e kaido', 'fall'), ('por favor, oiga, ¿qué hora es?', 'hour'), ('ke ora es', 'hour'), ('si', 'affirm'),
    ('que no', 'deny'), ('ESTOY EN EL SUELO', 'fall')])
def test_errors_of_a_recogniser_do_not_hide_what_is_meant(understanding, text, intent):
    meaning = understanding.understand(text)
    assert (meaning.intent, meaning.decision) == (intent, 'accept')


@pytest.mark.parametrize('text', ['mañana viene el fontanero a las cuatro', 'el partido acabó tres a dos', 'jajaja'])
def test_talk_about_something_else_is_not_acted_on(understanding, text):
    assert understanding.understand(text).decision != 'accept'


@pytest.mark.parametrize('text', ['', '   ', '¿?', '😀', '\x00'])
def test_nothing_said_means_nothing(understanding, text):
    assert understanding.understand(text).intent == ''


def test_values_come_out_as_the_dialogue_names_them(understanding):
    assert understanding.understand('llama a mi nieta').slots == {'who': 'Lucía'}
    assert understanding.understand('quiero hablar con anjel').slots == {'who': 'Ángel'}
    assert understanding.understand('despiértame a las siete y media de la tarde').slots == {'at': '19:30'}


def test_a_transcript_of_less_confidence_needs_a_better_match(understanding):
    sure, unsure = (understanding.understand('me he caido', c) for c in (1.0, 0.0))
    assert sure.score > unsure.score and unsure.intent == 'fall'
    assert understanding.understand('me he caido', float('nan')).score == unsure.score


def test_the_intent_of_a_text_depends_on_what_the_state_listens_for():
    dialogue = parse_dialogue(TEXT)
    assert intent_of(dialogue, '', 'qué hora es') == intent_of(dialogue, 'asked', 'qué hora es') == 'hour'
    assert intent_of(dialogue, 'waiting', 'qué hora es') is None and intent_of(dialogue, 'waiting', 'no') == 'deny'
    assert intent_of(dialogue, '', 'mañana viene el fontanero') is None
    strict = parse_dialogue(TEXT + 'understanding: {accept: 1, confirm: 0.3}\n')
    unsure = (strict, 'waiting', 'me caído', 0.0)
    assert intent_of(*unsure) == 'fall' and intent_of(*unsure, at_once=True) is None
    with pytest.raises(DialogueError, match="no state 'nowhere'"):
        intent_of(dialogue, 'nowhere', 'no')


def test_a_state_expects_its_own_intents_and_the_urgent_ones_and_not_all_of_always():
    text = TEXT.replace('fall: {', 'fall: {urgent: true, ') + 'always: [{hear: [call, fall], go: waiting}]\n'
    dialogue = parse_dialogue(text)
    assert dialogue.expects('asked.again') == {'hour', 'fall'}
    assert dialogue.listens_for('asked.again') == {'hour', 'fall', 'call'}


@pytest.mark.parametrize(('text', 'value'), [
    ('las tres y cuarto', '03:15'), ('la una menos diez', '00:50'), ('las ocho de la noche', '20:00'),
    ('las doce de la noche', '00:00'), ('las doce del mediodía', '12:00'), ('a las veintidós', '22:00'),
    ('las cinco en punto', '05:00')])
def test_spanish_times(text, value):
    assert [m.value for m in find_slots(words_of(text), {'time'})][:1] == [value]


@pytest.mark.parametrize(('text', 'value'), [
    ("half past three", '03:30'), ("at five o'clock", '05:00'), ('quarter to one', '00:45'),
    ('at eight in the evening', '20:00')])
def test_english_times(text, value):
    assert [m.value for m in find_slots(words_of(text, 'en'), {'time'}, language='en')][:1] == [value]


def test_numbers_days_and_answers():
    assert find_slots(words_of('creo que son treinta y siete'), {'number'})[0].value == '37'
    assert find_slots(words_of('siette'), {'number'})[0].value == '7'
    assert find_slots(words_of('pues claro que sí'), {'yes_no'})[-1].value == 'yes'
    assert find_slots(words_of('nada de eso'), {'number', 'time'}) == []


@pytest.mark.parametrize(('text', 'kind', 'value'), [
    ('siete no ocho', 'number', '8'), ('tres y cuatro siete', 'number', '7'),
    ('el lunes digo el martes', 'day', 'martes'), ('el lunes y el martes', 'day', 'lunes')])
def test_who_corrects_himself_means_what_he_says_last(text, kind, value):
    words = words_of(text)
    assert meant(find_slots(words, {kind}), words).value == value


def test_an_article_makes_no_name_of_another_word():
    names = {'thing': {'una casa': ['una casita'], 'un gato': []}}
    found = {text: [m.value for m in find_slots(words_of(text), {'thing'}, names)]
             for text in ('una siesta', 'una casita', 'el gato', 'un rato')}
    assert found['una siesta'] == [] and found['una casita'] == ['una casa'] and found['el gato'] == ['un gato']


def test_a_doubtful_name_scores_less_than_a_sure_one():
    text = TEXT.replace('examples: ["llama a {who}"', 'examples: ["{who}", "llama a {who}"')
    understanding = Understanding(parse_dialogue(text))
    sure, doubtful = (understanding.understand(t) for t in ('lucía', 'lucira'))
    assert sure.slots == doubtful.slots == {'who': 'Lucía'} and doubtful.score < sure.score - 0.1


def test_the_contrary_of_an_example_is_further_off_than_the_example():
    text = TEXT.replace('[me he caído, estoy en el suelo]', '[quiero seguir]').replace(
        '[qué hora es, me dices la hora]', '[no quiero continuar]')
    understanding = Understanding(parse_dialogue(text))
    assert understanding.understand('no quiero seguir').score < understanding.understand('quiero seguir').score
    assert understanding.understand('no quiero seguir con esto').intent == 'hour'


def test_a_call_for_help_within_a_longer_sentence_is_asked_about():
    said = 'qué desgracia la mía y me he caído porque había agua por todas partes'
    urgent = Understanding(parse_dialogue(TEXT.replace('fall: {', 'fall: {urgent: true, '))).understand(said)
    assert (urgent.intent, urgent.decision) == ('fall', 'confirm')
    assert Understanding(parse_dialogue(TEXT)).understand(said).decision == 'reject'


def test_evidence_counts_what_tells_intents_apart():
    rows = [('cold', ('me', 'muero', 'de', 'frio')), ('cold', ('ke', 'frio')), ('thirst', ('me', 'muero', 'de', 'se')),
            ('sleep', ('me', 'muero', 'de', 'sueño'))]
    evidence = Evidence(rows, ['cold', 'sleep', 'thirst'], {})
    heard = evidence.of([('me', 1.0), ('muero', 1.0), ('frio', 1.0)])
    assert heard.argmax() == 0 and heard[0] > 2 * heard[1]
    assert evidence.of([(None, 0.0)]).tolist() == [0.0, 0.0, 0.0]
    evidence.add(*rows[0], -1)
    evidence.add(*rows[1], -1)
    assert evidence.of([('frio', 1.0)]).max() == 0


def test_words_that_sound_alike_are_alike():
    assert sounds_of('vaca') == sounds_of('baca') and sounds_of('llave') == sounds_of('yave')
    assert sounds_of('hola') == sounds_of('ola') and sounds_of('casa') == sounds_of('caza') != sounds_of('cama')


@pytest.mark.parametrize(('hour', 'minute', 'spanish', 'english'), [
    (1, 0, 'la una de la madrugada', "one o'clock at night"), (15, 30, 'las tres y media de la tarde',
                                                              'half past three in the afternoon'),
    (12, 45, 'la una menos cuarto de la mañana', 'quarter to one in the afternoon'),
    (0, 1, 'las doce y uno de la madrugada', "one minute past twelve at night")])
def test_spoken_times(hour, minute, spanish, english):
    assert wording.spoken_time(hour, minute, 'es') == spanish
    assert wording.spoken_time(hour, minute, 'en') == english


def test_dates_and_sentences():
    words = wording.time_words(datetime.datetime(2027, 3, 1, 9, 0), 'es')
    assert words['date'] == 'lunes, uno de marzo' and words['greeting'] == 'Buenos días'
    assert wording.short_question('Es tarde. ¿Ha cenado? ') == '¿Ha cenado?'
    assert wording.sentences('Hola. ¿Qué tal? Bien') == ['Hola.', '¿Qué tal?', 'Bien']


@pytest.mark.parametrize(('text', 'result'), [
    ('{time_sentence}', 'Son las dos.'), ('Mire, {time_sentence}', 'Mire, son las dos.'),
    ('Mire. {time_sentence} Descanse.', 'Mire. Son las dos. Descanse.'), ('{time_sentence}, ¿no?', 'Son las dos, ¿no?'),
    ('Hola, {who}.', 'Hola, Ana.')])
def test_sentences_are_put_into_texts_as_people_would(text, result):
    assert wording.filled(text, {'time_sentence': 'Son las dos.', 'who': 'Ana'}) == result


def test_simulated_errors_come_at_about_the_wanted_rate_and_again_the_same():
    texts = ['quiero que llames a mi nieta por la tarde'] * 200
    heard = [Mishearing(texts, seed=3).mishear(t, 0.2) for t in texts[:1]]
    assert heard == [Mishearing(texts, seed=3).mishear(texts[0], 0.2)]
    mishearing = Mishearing([*texts, 'quiere', 'llamas', 'a la', 'mía', 'neta', 'tarda'], seed=3)
    errors, words = map(sum, zip(*(word_errors(t, mishearing.mishear(t, 0.2)) for t in texts)))
    assert 0.14 < errors / words < 0.26
