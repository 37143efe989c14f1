"""A dialogue file is checked whole: every fault with line and column, nothing loaded that is not plain and small."""
import pytest

from robot_ai.dialogue.checks import check_dialogue
from robot_ai.dialogue.document import load_dialogue, parse_dialogue
from robot_ai.dialogue.drawing import mermaid, svg
from robot_ai.dialogue.scripts import run_script
from robot_ai.errors import DialogueError
from robot_ai.paths import share_directory

SMALL = """robot_ai_dialogue: 1
name: small
start: hello
safe: waiting
intents:
  water: {examples: [tengo sed, quiero agua]}
always:
  - {hear: water, go: hello}
states:
  hello:
    say: "¿Quiere agua?"
    on:
      - {hear: affirm, go: waiting}
  waiting: {rest: true}
"""


def refused(text):
    with pytest.raises(DialogueError) as error:
        parse_dialogue(text, 'f.yaml')
    return str(error.value)


def test_a_small_dialogue_loads():
    dialogue = parse_dialogue(SMALL)
    assert dialogue.start == 'hello' and dialogue.states['waiting'].rest and not check_dialogue(dialogue)


@pytest.mark.parametrize(('old', 'new', 'place', 'words'), [
    ('say: "¿', 'sya: "¿', '11:5', "did you mean 'say'"),
    ('go: waiting}', 'go: wating}', '13:28', "did you mean 'waiting'"),
    ('hear: affirm', 'hear: afirm', '13:16', "did you mean 'affirm'"),
    ('¿Quiere agua?', '¿Quiere {drink}?', '11:10', 'nothing fills {drink}'),
    ('¿Quiere agua?', '¿Quiere agua, {greting}?', '11:10', "did you mean 'greeting'"),
    ('tengo sed', '"tengo {sed}"', '6:22', 'declare it under `slots:`'),
    ('{examples:', '{slots: {x: numberx}, examples:', '6:22', "did you mean 'number'"),
    ('    on:', '    after: {go: waiting}\n    on:', '12:12', 'how long to wait'),
    ('    on:', '    do: {name: play_sound}\n    on:', '12:9', "'failed' is missing here: the state to go to"),
    ('hear: affirm', 'hear: si', '13:16', "did you mean 'affirm'"),
    ('hear: affirm', 'hear: "no"', '13:16', "did you mean 'deny'"),
    ('go: waiting}', 'go waiting}', '13:24', "colon missing after 'go'"),
    ('  hello:', ' hello:', '14:3', 'its group (line 10) in column 2'),
    ('    on:', '   on:', '12:4', 'the one above (line 11) begins in column 5'),
    ('say: "¿Quiere agua?"', '{say: Quiere: agua}', '11', 'quotes'),
    ('always:', 'reminders: [{name: a, at: 17.30, go: hello}]\nalways:', '7:27', 'in quotes as "09:30"'),
    ('rest: true', 'rest: sure', '14:19', 'true or false'),
    ('safe: waiting', 'safe: hello', '4:7', 'rest: true'),
    ('{examples: [tengo sed, quiero agua]}', '{examples: []}', '6:21', 'empty'),
    ('  waiting:', '\twaiting:', '14', 'tab'),
    ('say: "¿Quiere agua?"', 'say: Quiere: agua', '11', 'quotes'),
    ('name: small', 'name: small\nname: twice', '3:1', 'stands twice'),
    ('name: small', 'name: !!python/object:os.system x', '2:7', 'tag'),
    ('start: hello', '', '1:1', "'start' is missing"),
    ('{rest: true}', '{}', '14:3', 'neither says nor does'),
])
def test_faults_are_named_with_their_place(old, new, place, words):
    message = refused(SMALL.replace(old, new))
    assert f'f.yaml:{place}' in message and words in message


def test_all_faults_come_at_once():
    message = refused(SMALL.replace('hear: affirm', 'hear: afirm').replace('go: hello', 'go: hallo'))
    assert len(message.splitlines()) == 2


def test_bombs_and_nests_are_refused():
    bomb = 'a: &a [x, x, x, x, x, x, x, x, x, x]\n' + ''.join(
        f'{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n' for a, b in zip('abcdef', 'bcdefg'))
    assert 'aliases' in refused(bomb)
    assert 'nested' in refused('a: ' + '[' * 2000 + ']' * 2000)
    assert 'nested' in refused('a: &a [*a]')
    assert 'larger' in refused('#' * 1_000_001)
    assert 'empty' in refused('')


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / 'd.yaml'
    path.write_bytes(b'name: caf\xe9')
    with pytest.raises(DialogueError, match='1:10: not UTF-8'):
        load_dialogue(path)


def test_check_finds_the_unreachable_the_endless_and_the_colliding():
    text = SMALL.replace('intents:\n', 'intents:\n  thirst: {examples: [quiero agua]}\n').replace(
        '  - {hear: water, go: hello}', '  - {hear: [water, thirst], say: Agua.}').replace(
        '  waiting: {rest: true}',
        '  lost: {say: Hola., silence: {go: lost}, unclear: {go: lost}}\n  waiting: {rest: true}')
    found = [f.text for f in check_dialogue(parse_dialogue(text))]
    assert any('nothing leads to the state lost' in t for t in found)
    assert any('no way out of the state lost' in t for t in found)
    assert any('no way out of the rest state waiting' in t for t in found)
    assert any('collide' in t and "'quiero agua'" in t and 'make one intent of both' in t for t in found)


def test_check_warns_of_sounds_that_would_be_cut_off():
    text = SMALL.replace('    on:', '    do: {name: play_sound, arguments: {file: a.ogg}, failed: waiting}\n    on:')
    assert any('cut off after 10 s' in f.text for f in check_dialogue(parse_dialogue(text)))
    text = text.replace('failed: waiting', 'failed: waiting, timeout: 60')
    assert not any('cut off' in f.text for f in check_dialogue(parse_dialogue(text)))


@pytest.mark.parametrize('name', ['acompanante.yaml', 'companion.yaml'])
def test_the_bundled_dialogues_have_no_problems_and_hold_their_conversations(name):
    folder = share_directory() / 'config' / 'dialogues'
    dialogue = load_dialogue(folder / name)
    assert [f for f in check_dialogue(dialogue) if f.level == 'problem'] == []
    for seed in (0, 1):
        outcome = run_script(folder / 'conversations' / name, seed)
        assert outcome.faults == [] and outcome.unvisited == []
    picture = svg(dialogue, dialogue.start)
    leaves = [p for p, s in dialogue.states.items() if s.leaf]
    assert all(f'data-state="{leaf}"' in picture for leaf in leaves) and picture.count('data-current=""') == 1
    assert mermaid(dialogue).startswith('stateDiagram-v2')
