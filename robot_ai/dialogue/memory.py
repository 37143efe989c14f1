"""Where a dialogue stands, kept over a restart: one small JSON file, written whole or not at all, mode 0600.

It holds what DialogueMachine.snapshot returns: the state, slots and reminders; never what anyone said.
"""
import json
import os
import tempfile
from pathlib import Path

from robot_ai.errors import DialogueError, PayloadError
from robot_ai.payloads import strict_json

MAX_BYTES = 1_000_000


def default_memory_file(namespace: str = '') -> Path:
    """Return where the memory lies: $XDG_STATE_HOME (or ~/.local/state)/robot_ai/NAMESPACE/dialogue.json."""
    base = os.environ.get('XDG_STATE_HOME') or str(Path.home() / '.local' / 'state')
    return Path(base, 'robot_ai', *[p for p in namespace.split('/') if p], 'dialogue.json')


def save_memory(path, snapshot: dict):
    """Write the snapshot atomically, readable by its owner alone. DialogueError where it cannot be written."""
    path, draft = Path(path), ''
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)  # mkstemp makes it 0600
        with os.fdopen(handle, 'w', encoding='utf-8') as file:
            json.dump(snapshot, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        if draft and os.path.exists(draft):
            os.unlink(draft)
        raise DialogueError(f'{path}: the memory cannot be written: {error.strerror}; free the disk, or set '
                            'memory_file to a place that can be written, or to "none"') from None


def load_memory(path) -> dict | None:
    """Return the snapshot kept, or None where there is none. DialogueError where the file is damaged."""
    path = Path(path)
    try:
        with open(path, 'rb') as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DialogueError(f'{path}: the memory cannot be read: {error.strerror}') from None
    try:
        value = strict_json(data.decode('utf-8'), path.name) if len(data) <= MAX_BYTES else None
    except (UnicodeDecodeError, PayloadError):
        value = None
    if not isinstance(value, dict):
        raise DialogueError(f'{path}: the memory is damaged; the dialogue starts anew')
    return value
