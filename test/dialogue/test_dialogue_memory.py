"""The memory file: private, whole or not at all, and never a reason to stop."""
import os
import stat

import pytest

from robot_ai.dialogue.memory import default_memory_file, load_memory, save_memory
from robot_ai.errors import DialogueError


def test_it_is_written_privately_and_read_again(tmp_path):
    path = tmp_path / 'deep' / 'er' / 'memory.json'
    for value in ({'state': 'a'}, {'state': 'ñ', 'slots': {'x': '1'}}):
        save_memory(path, value)
        assert load_memory(path) == value
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and os.listdir(path.parent) == ['memory.json']


def test_a_write_that_fails_keeps_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'memory.json'
    save_memory(path, {'state': 'a'})

    def full(*_):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(DialogueError, match='No space left'):
        save_memory(path, {'state': 'b'})
    assert load_memory(path) == {'state': 'a'} and os.listdir(tmp_path) == ['memory.json']


@pytest.mark.parametrize('content', [b'', b'{', b'[1]', b'\xff\xfe', b'[' * 100_000, b'"x"', b' ' * 1_000_001])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / 'memory.json'
    path.write_bytes(content)
    with pytest.raises(DialogueError, match='damaged'):
        load_memory(path)


def test_no_file_is_no_memory_and_its_place_follows_the_environment(tmp_path, monkeypatch):
    assert load_memory(tmp_path / 'none.json') is None
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path))
    assert default_memory_file('/kitchen') == tmp_path / 'robot_ai' / 'kitchen' / 'dialogue.json'
