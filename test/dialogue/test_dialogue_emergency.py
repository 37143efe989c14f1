"""From every state of the bundled dialogues, a call for help brings help, or a question about it first."""
import re

import pytest

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.events import Act, Heard, Say
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.dialogue.scripts import Player
from robot_ai.paths import share_directory

CLOCK = 1_800_000_000.0
CALLS = {
    'acompanante': [('socorro', 1.0), ('me he caído', 0.4), ('me e kaido', 0.7), ('alluda por favor', 0.6),
                    ('ay hija me caí me caí y no me puedo levantar', 0.9)],
    'companion': [('help', 1.0), ('i have fallen', 0.4), ('i ave falen', 0.7), ('i slipped and i cannot get up', 0.9)]}
# Reproaches and advice: a person with memory loss is never told that something was asked before, nor what to take.
NEVER = re.compile(r'ya (me |se )?(lo |la )?(ha |he |había |ha sido )?(pregunta|dich|dij)|otra vez|already|as i said|'
                   r'tómese|debe tomar|you should take|you must take|\bmg\b', re.IGNORECASE)
HELPING = ('emergencia', 'emergency', 'malestar', 'unwell')  # states that are about help already


@pytest.fixture(scope='module', params=sorted(CALLS))
def machine(request):
    return DialogueMachine(load_dialogue(share_directory() / 'config' / 'dialogues' / f'{request.param}.yaml'), CLOCK)


def test_help_is_called_or_asked_about_in_every_state(machine):
    dialogue = machine.dialogue
    questions = {i.confirm for i in dialogue.intents.values() if i.urgent}
    unheard = []
    for path in [p for p, s in dialogue.states.items() if s.leaf and p.partition('.')[0] not in HELPING]:
        for call, confidence in CALLS[dialogue.name]:
            player = Player(machine, CLOCK, path)
            out = player.answer(Heard(call, confidence))
            if any(isinstance(o, Say) and any(q in o.text for q in questions) for o in out):
                out = player.wait(120)  # whoever cannot answer is helped all the same
            called = any(isinstance(o, Act) and o.name == 'notify' for o in out)
            if not called and machine.state.partition('.')[0] not in HELPING:
                unheard.append((path, call, machine.state))
    assert unheard == []


def test_nothing_that_it_says_reproaches_or_advises(machine):
    dialogue = machine.dialogue
    texts = [t for s in dialogue.states.values() for t in (*s.say, *s.short, *s.silence.say, *s.unclear.say)]
    texts += [t for s in dialogue.states.values() for r in s.on for t in r.say]
    texts += [t for r in dialogue.always for t in r.say] + [i.confirm for i in dialogue.intents.values()]
    assert len(texts) > 100 and [t for t in texts if NEVER.search(t)] == []
