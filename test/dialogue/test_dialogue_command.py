"""`robot-ai dialogue`: what it prints, its exit statuses, and the examples of docs/dialogue.md."""
import re
from pathlib import Path

import pytest

from robot_ai.cli import main
from robot_ai.dialogue.checks import check_dialogue
from robot_ai.dialogue.document import parse_dialogue

DOCS = Path(__file__).resolve().parents[2] / 'docs' / 'dialogue.md'
SCRIPT = """dialogue: small.yaml
conversations:
  - name: says yes
    steps:
      - {say: quiere agua}
      - {hear: %s, state: tell}
"""


@pytest.fixture
def small(tmp_path):
    """Return the path of the dialogue that docs/dialogue.md shows."""
    path = tmp_path / 'small.yaml'
    path.write_text(re.search(r'```yaml\n(.*?)```', DOCS.read_text('utf-8'), re.S)[1], 'utf-8')
    return path


def test_the_example_of_the_documentation_has_no_fault(small):
    assert check_dialogue(parse_dialogue(small.read_text('utf-8'))) == []


def test_check(small, capsys):
    assert main(['dialogue', 'check', str(small)]) == 0
    assert '5 states, 2 intents' in capsys.readouterr().out
    small.write_text(small.read_text('utf-8').replace('go: tell', 'go: tel'), 'utf-8')
    assert main(['dialogue', 'check', str(small)]) == 1
    assert re.search(r"small\.yaml:16:\d+: no state 'tel'; did you mean 'tell'", capsys.readouterr().out)


def test_check_of_a_file_that_is_not_there(capsys):
    assert main(['dialogue', 'check', '/no/such.yaml']) != 0
    assert 'Traceback' not in (out := ''.join(capsys.readouterr())) and '/no/such.yaml' in out


def test_graph(small, tmp_path, capsys):
    assert main(['dialogue', 'graph', str(small), '--svg', str(tmp_path / 'g.svg')]) == 0
    assert 'data-state="waiting"' in (tmp_path / 'g.svg').read_text('utf-8')
    assert main(['dialogue', 'graph', str(small)]) == 0
    assert capsys.readouterr().out.startswith('stateDiagram-v2')
    assert main(['dialogue', 'graph', str(small), '--svg', str(tmp_path / 'no' / 'g.svg')]) != 0
    assert 'cannot be written' in ''.join(capsys.readouterr())


def test_test(small, tmp_path, capsys):
    script = tmp_path / 'talks.yaml'
    script.write_text(SCRIPT % 'sí', 'utf-8')
    assert main(['dialogue', 'test', str(script)]) == 0
    script.write_text(SCRIPT % '"no"', 'utf-8')
    assert main(['dialogue', 'test', str(script)]) == 1
    assert re.search(r'talks\.yaml:6:\d+: expected the state tell, it is waiting', capsys.readouterr().out)
    script.write_text(SCRIPT.replace('hear:', 'heer:') % 'sí', 'utf-8')
    assert main(['dialogue', 'test', str(script)]) != 0
    assert "'heer' has no meaning" in ''.join(capsys.readouterr())


def test_talk(small, capsys, monkeypatch):
    typed = iter(['sí', '/state', '', '/wait 5', '/wait x', '/see 7', '/done', '/slots', '/event x', '/help', '/quit'])
    monkeypatch.setattr('builtins.input', lambda _: next(typed))
    assert main(['dialogue', 'talk', str(small)]) == 0
    out = capsys.readouterr().out
    assert 'Ahora se lo digo a su familia.' in out and '(waiting: after 2 s' in out and 'a number is needed' in out


def test_talk_ends_with_its_input(small, capsys, monkeypatch):
    def closed(_):
        raise EOFError
    monkeypatch.setattr('builtins.input', closed)
    assert main(['dialogue', 'talk', str(small), '--state', 'waiting']) == 0
    assert main(['dialogue', 'talk', str(small), '--state', 'nowhere']) != 0


def test_measure(small, tmp_path, capsys):
    utterances = tmp_path / 'u.yaml'
    utterances.write_text('intents: {water: [tengo sed, quiero agua ya], help: [socorro]}\n'
                          'off_topic: [el tren sale a las dos]\n', 'utf-8')
    assert main(['dialogue', 'measure', str(small), str(utterances), '--repeats', '1']) == 0
    out = capsys.readouterr().out
    assert '3 utterances over 2 intents, 2 of them word for word' in out and '100.0% (43.8% to 100.0%)' in out
    assert 'word for word an example: 1 of 1 right (100.0%' in out
    assert 'off-topic: 0 of 1 accepted' in out
    assert main(['dialogue', 'measure', str(small)]) == 2
    utterances.write_text('intents: {tea: [un té]}', 'utf-8')
    assert main(['dialogue', 'measure', str(small), str(utterances)]) != 0
    assert 'no intents tea' in ''.join(capsys.readouterr())
