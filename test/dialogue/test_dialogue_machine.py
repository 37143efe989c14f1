"""The machine as its node uses it: questions, urgent words, reminders, reload, restart and reset."""
import datetime
import json

import pytest

from robot_ai.dialogue.document import parse_dialogue
from robot_ai.dialogue.events import Act, ActionResult, Heard, Listen, Named, Say, StateChanged, Tick
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.payloads import RecognitionContext

NIGHT = datetime.datetime(2027, 3, 1, 7, 0, tzinfo=datetime.timezone.utc).timestamp()
TEXT = """robot_ai_dialogue: 1
name: small
start: hello
safe: waiting
patience: 60
intents:
  help: {urgent: true, confirm: "¿Necesita ayuda?", examples: [ayuda por favor ahora, que venga alguien pronto]}
  water: {confirm: "¿Quiere agua?", examples: [tengo mucha sed, un vaso de agua]}
  clock: {examples: [qué hora es]}
reminders:
  - {name: pill, at: "08:00", go: pill, title: la pastilla, wait: 60, late: 600}
always:
  - {hear: help, go: call}
  - {hear: clock, say: "Ahora mismo, {time_sentence}"}
  - {event: door, go: hello}
states:
  hello: {say: "¿Quiere agua?", on: [{hear: [affirm, water], go: bring}, {hear: deny, go: waiting, say: Muy bien.}]}
  bring: {say: Voy., do: {name: fetch, arguments: {what: agua}, timeout: 30, done: waiting, failed: hello}}
  call: {say: Pido ayuda., hand_over: {person: ana, message: Pide ayuda., done: waiting, failed: waiting}}
  pill: {say: "Es la hora de la pastilla. ¿La ha tomado?", on: [{hear: [affirm, deny], go: waiting}]}
  tune:
    say: Una canción.
    do: {name: play_sound, arguments: {file: a.ogg}, failed: waiting}
    after: {seconds: 50, go: waiting}
  waiting: {rest: true, on: [{event: music, go: tune}]}
"""


class Robot:
    def __init__(self, now=NIGHT, text=TEXT):
        self.now, self.machine = now, DialogueMachine(parse_dialogue(text), now)
        self.first = self.give(Tick(), 0)

    def give(self, event, after=5.0):
        self.now = max(self.now, self.machine.speaking_until) + after
        return self.machine.handle(event, self.now)


def of(kind, outputs):
    return [o for o in outputs if isinstance(o, kind)]


def test_it_begins_by_speaking_and_tells_the_recogniser_what_to_expect():
    robot = Robot()
    assert [o.text for o in of(Say, robot.first)] == ['¿Quiere agua?']
    listen = of(Listen, robot.first)[0]
    assert 'sí' in listen.phrases and 'tengo mucha sed' in listen.phrases and not listen.vision


@pytest.mark.parametrize('names', [3, 300])
def test_the_recogniser_is_told_every_phrase_that_fits_into_a_message(names):
    people = ''.join(f'    persona {i}: [la señora número {i} del segundo piso]\n' for i in range(names))
    wishes = json.dumps([f'quiero llamar por teléfono a las {hour} a {{who}}' for hour in range(12)])
    text = TEXT.replace('reminders:', f'names:\n  who:\n{people}reminders:').replace(
        '  clock:', f'  call_them: {{slots: {{who: who}}, examples: {wishes}}}\n  clock:').replace(
        '{hear: clock', '{hear: [clock, call_them]')
    listen = of(Listen, Robot(text=text).first)[0]
    sent = RecognitionContext.from_json(RecognitionContext(listen.phrases).to_json())
    assert sent.phrases == listen.phrases and 'ayuda por favor ahora' in sent.phrases
    said = [p for p in sent.phrases if 'la señora' in p]
    assert len(said) == 12 * names if names == 3 else 500 < len(said) < 12 * names


def test_a_half_understood_urgent_question_without_an_answer_counts_as_yes():
    robot = Robot()
    asked = robot.give(Heard('ven alguien'))
    assert robot.machine.state == 'hello' and of(Say, asked)[0].text == '¿Necesita ayuda?'
    outputs = robot.machine.handle(Tick(), robot.now + 30)
    assert robot.machine.state == 'call' and of(Act, outputs)[0].name == 'notify'


def test_an_unsure_wish_is_asked_about_and_not_acted_on_without_an_answer():
    robot = Robot()
    asked = robot.give(Heard('mucha sed ha hecho'))
    assert robot.machine.state == 'hello' and of(Say, asked)[0].text == '¿Quiere agua?'
    outputs = robot.machine.handle(Tick(), robot.now + 40)
    assert robot.machine.state == 'hello' and of(Act, outputs) == []
    robot.now += 40
    robot.give(Heard('mucha sed ha hecho'))
    robot.give(Heard('sí'))
    assert robot.machine.state == 'bring'


def test_timers_wait_for_someone_who_began_to_speak_before_them():
    robot = Robot()
    deadline = robot.machine.next_deadline
    outputs = robot.machine.handle(Heard('no', began=deadline - 0.5), deadline + 3.0)
    assert robot.machine.state == 'waiting' and [o.text for o in of(Say, outputs)] == ['Muy bien.']


def test_sentences_join_without_a_capital_or_a_second_stop():
    robot = Robot(NIGHT + 3600 - 600)
    outputs = robot.give(Heard('qué hora es'), 0)
    assert of(Say, outputs)[0].text == 'Ahora mismo, son las ocho menos diez de la mañana.'


def test_a_reminder_waits_for_rest_and_is_given_once():
    robot = Robot(NIGHT + 3590)
    robot.give(Heard('no'))
    outputs = robot.machine.handle(Tick(), NIGHT + 3601)
    assert robot.machine.state == 'pill' and of(StateChanged, outputs)[-1].last_event == 'reminder pill'
    robot.now = NIGHT + 3601
    robot.give(Heard('sí'))
    robot.machine.handle(Tick(), NIGHT + 3900)
    assert robot.machine.state == 'waiting'
    assert robot.machine.next_deadline == NIGHT + 3600 + 86_400


def test_a_reminder_missed_for_too_long_is_dropped():
    robot = Robot(NIGHT + 3590)
    robot.give(Heard('no'))
    memory = robot.machine.snapshot()
    for hours, expected in ((0.1, 'pill'), (2.0, 'waiting')):
        robot.machine.restore(memory, NIGHT + 3600 * (1 + hours))
        robot.machine.handle(Tick(), NIGHT + 3600 * (1 + hours))
        assert robot.machine.state == expected


def test_a_reload_does_not_begin_an_action_again_and_takes_its_answer():
    robot = Robot()
    act = of(Act, robot.give(Heard('sí')))[0]
    other = DialogueMachine(parse_dialogue(TEXT.replace('Voy.', 'Ahora voy.')), robot.now)
    assert other.restore(robot.machine.snapshot(), robot.now + 1, quiet=True) == ''
    outputs = other.handle(Tick(), robot.now + 1)
    assert of(Act, outputs) == [] and of(Say, outputs) == [] and other.state == 'bring' and other.awaiting_action
    other.handle(ActionResult(act.id, True), robot.now + 2)
    assert other.state == 'waiting'


def test_a_reload_keeps_the_time_limit_of_an_action():
    robot = Robot()
    robot.give(Heard('sí'))
    other = DialogueMachine(parse_dialogue(TEXT), robot.now)
    other.restore(robot.machine.snapshot(), robot.now + 20, quiet=True)
    other.handle(Tick(), robot.now + 29)
    assert other.state == 'bring'
    other.handle(Tick(), robot.now + 31)
    assert other.state == 'hello'


def test_an_action_that_takes_too_long_is_ended_before_its_fallback():
    robot = Robot()
    act = of(Act, robot.give(Heard('sí')))[0]
    outputs = robot.machine.handle(Tick(), robot.now + 31)
    assert robot.machine.state == 'hello' and ('cancel', {'id': act.id}) in [(a.name, a.arguments) for a in of(
        Act, outputs)]


def test_a_reload_with_another_action_begins_that_one():
    robot = Robot()
    robot.give(Heard('sí'))
    other = DialogueMachine(parse_dialogue(TEXT.replace('name: fetch', 'name: bring_tray')), robot.now)
    other.restore(robot.machine.snapshot(), robot.now + 1, quiet=True)
    assert [a.name for a in of(Act, other.handle(Tick(), robot.now + 1))] == ['bring_tray']


def test_a_restart_begins_the_action_again_since_nobody_knows_whether_it_was_done():
    robot = Robot()
    first = of(Act, robot.give(Heard('ayuda por favor ahora')))[0]
    other = DialogueMachine(parse_dialogue(TEXT), robot.now)
    other.restore(robot.machine.snapshot(), robot.now + 1)
    again = of(Act, other.handle(Tick(), robot.now + 1))
    assert [a.name for a in again] == ['notify'] and again[0].id != first.id


def test_a_reset_ends_what_is_at_work_and_reuses_no_id():
    robot = Robot()
    robot.give(Heard('no'))
    playing = of(Act, robot.give(Named('music')))[0]
    assert playing.name == 'play_sound'
    ending = robot.machine.restart(robot.now)
    assert {'id': playing.id} in [a.arguments for a in ending] and {'id': 'sounds'} in [a.arguments for a in ending]
    robot.machine.handle(Tick(), robot.now)
    assert robot.machine.state == 'hello'
    new = of(Act, robot.give(Heard('sí')))[0]
    assert new.id not in {playing.id, *(a.id for a in ending)}
    robot.give(ActionResult(playing.id, True))
    assert robot.machine.state == 'bring'


def restored(memory, after):
    machine = DialogueMachine(parse_dialogue(TEXT), NIGHT)
    machine.restore(memory, memory['saved'] + after)
    return machine, machine.handle(Tick(), memory['saved'] + after)


def test_an_urgent_question_that_was_open_is_asked_again_after_a_restart():
    robot = Robot()
    robot.give(Heard('ven alguien'))
    machine, outputs = restored(robot.machine.snapshot(), 5)
    assert machine.state == 'hello' and of(Say, outputs)[-1].text == '¿Necesita ayuda?'
    machine, outputs = restored(machine.snapshot(), 7200)  # and again where it goes down meanwhile
    assert machine.state == 'waiting' and [o.text for o in of(Say, outputs)] == ['¿Necesita ayuda?']


@pytest.mark.parametrize('answer, state', [(None, 'call'), ('sí', 'call'), ('no', 'waiting')])
def test_after_a_long_outage_it_asks_whether_help_is_still_needed(answer, state):
    robot = Robot()
    robot.give(Heard('ayuda por favor ahora'))
    memory = robot.machine.snapshot()
    machine, outputs = restored(memory, 7200)
    assert machine.state == 'waiting' and [o.text for o in of(Say, outputs)] == ['¿Necesita ayuda?']
    later = memory['saved'] + 7200 + (10 if answer else 40)  # the question waits 20 s
    outputs = machine.handle(Heard(answer) if answer else Tick(), later)
    assert machine.state == state and any(a.name == 'notify' for a in of(Act, outputs)) == (state == 'call')


def test_help_that_was_dealt_with_is_not_asked_about_after_an_outage():
    robot = Robot()
    call = of(Act, robot.give(Heard('ayuda por favor ahora')))[0]
    robot.give(ActionResult(call.id, True))
    assert robot.machine.state == 'waiting'
    assert of(Say, restored(robot.machine.snapshot(), 7200)[1]) == []


@pytest.mark.parametrize('damage', [
    {'state': 'gone'}, {'version': 9}, {'slots': 3}, {'saved': float('nan')}, {'saved': NIGHT - 7200}, {'state': None},
    {'remaining': {'x': 'y'}, 'reminders': 3}])
def test_a_damaged_or_old_memory_leads_somewhere_safe(damage):
    machine = DialogueMachine(parse_dialogue(TEXT), NIGHT)
    machine.handle(Tick(), NIGHT)
    assert machine.restore({**machine.snapshot(), **damage}, NIGHT + 1)
    machine.handle(Tick(), NIGHT + 1)
    assert machine.state in ('waiting', 'hello')
