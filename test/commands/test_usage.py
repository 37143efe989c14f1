"""What every command owes who types it: help with an example that the command takes, exit status 2 for a wrong line."""
import re
import shlex

import pytest

from robot_ai.cli import COMMANDS, load_command, main


@pytest.mark.parametrize('command', COMMANDS)
def test_help_shows_examples_that_the_command_takes(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, '--help'])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(rf'^ +robot-ai {command}( .*)?$', text.partition('xample:\n')[2], re.MULTILINE)
    assert examples, text
    for example in examples:
        load_command(command)[1].parse_args(shlex.split(example))  # SystemExit where it is not what the parser takes


@pytest.mark.parametrize('line, said', [
    ('', 'COMMAND'), ('dance', 'dance'), ('transcribe', 'FILE'), ('transcribe --threads 0 a.wav', '--threads 0'),
    ('read', 'IMAGE'), ('read --symbol --expression a.png', '--expression'), ('record', 'BAG'),
    ('record visit --seconds -1', '--seconds -1'), ('record visit --seconds nan', '--seconds nan'),
    ('replay', '--demo'), ('replay visit --demo', '--demo'), ('replay visit --update', '--expect'),
    ('replay visit --rate -1', '--rate -1'), ('devices 7', '7'), ('benchmark --repeat 0', '--repeat 0')])
def test_a_wrong_line_is_status_2_and_says_what_is_wrong(line, said, capsys):
    try:
        status = main(shlex.split(line))
    except SystemExit as stopped:
        status = stopped.code
    printed = capsys.readouterr()
    assert status == 2 and said in printed.err and not printed.out
