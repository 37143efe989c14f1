"""Doing what a dialogue's actions ask for: play a sound file, tell a person through a command of the owner's.

No shell is involved: a command is a list of words, and what a dialogue fills in stays one argument, without
control characters, never taken for an option. Nothing is notified unless a command was configured.
"""
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

# The first one installed plays; each ends by itself and makes no window.
SOUND_PLAYERS = (('ffplay', '-nodisp', '-autoexit', '-loglevel', 'error'), ('pw-play',), ('paplay',),
                 ('play', '-q'), ('mpv', '--no-video', '--really-quiet'), ('cvlc', '--play-and-exit', '-q'))
# ffplay ends with 0 where there is no sound card: what it prints then.
FAILED_ALL_THE_SAME = ('audio open failed', 'Failed to open file')
SOUND_KINDS = ('.ogg', '.opus', '.wav', '.flac', '.mp3', '.m4a')
ALL_SOUNDS = 'sounds'  # as id of `cancel`
MAX_ARGUMENT = 500  # characters of one argument filled in
NOTIFY_TIMEOUT = 20.0  # s; a messenger that takes longer has failed
STOP_WAIT = 2.0  # s between asking a process to end and making it


class Performer:
    """Runs commands for actions, each in a thread of its own; `answer(id, why)` is told the end ('' is done)."""

    def __init__(self, answer, folder, sound_command=(), notify_command=()):
        """Take sounds from `folder` alone; an empty `sound_command` takes the first player installed."""
        self._answer, self._folder = answer, Path(folder).resolve()
        self._sound = tuple(sound_command) or next(
            (p for p in SOUND_PLAYERS if shutil.which(p[0])), ())
        self._notify = tuple(notify_command)
        self._running, self._lock = {}, threading.Lock()

    def performs(self, name: str) -> bool:
        """Whether an action of this name is answered here."""
        return name in ('play_sound', 'notify')

    def perform(self, identity: str, name: str, arguments: dict):
        """Begin an action; its end is told to `answer`, from another thread where a program runs.

        The same request once more, while it is at work, is taken as sent again and not begun twice.
        """
        with self._lock:
            if self._running.get(identity, ())[1:] == (name, arguments):
                return
        if name == 'play_sound':
            why, command = self._sound_command(str(arguments.get('file', '')))
            timeout = None
        else:
            why, command = self._notify_command(arguments)
            timeout = NOTIFY_TIMEOUT
        if why:
            self._answer(identity, why)
            return
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            self._answer(identity, f'{command[0]}: {error.strerror or error}')
            return
        with self._lock:
            self._running[identity] = process, name, arguments
        threading.Thread(target=self._wait, args=(identity, process, command[0], timeout), daemon=True,
                         name=name).start()

    def cancel(self, identity: str):
        """End the program of an action, or of every sound (`sounds`); unknown ids are ignored."""
        with self._lock:
            found = [p for i, (p, name, _) in self._running.items()
                     if i == identity or (identity == ALL_SOUNDS and name == 'play_sound')]
        for process in found:
            _stop(process)

    def close(self):
        """End every program."""
        with self._lock:
            processes = [p for p, *_ in self._running.values()]
        for process in processes:
            _stop(process)

    def _sound_command(self, name):
        if not self._sound:
            return 'no program to play sounds (one of ' + ', '.join(p[0] for p in SOUND_PLAYERS) + ')', ()
        try:
            path = (self._folder / name).resolve()
            exists = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            return f'{name[:80]!r}: {error.strerror if isinstance(error, OSError) else error}', ()
        if not path.is_relative_to(self._folder):
            return f'{name}: sounds lie in the folder of the dialogue file, {self._folder}', ()
        if path.suffix.lower() not in SOUND_KINDS:
            return f'{name}: expected one of {", ".join(SOUND_KINDS)}', ()
        if not exists:
            return f'{path} does not exist', ()
        return '', (*self._sound, str(path))

    def _notify_command(self, arguments):
        if not self._notify:
            return 'nobody can be told: notify_command is not set', ()
        filled = []
        for word in self._notify:
            text = re.sub(r'\{(person|message)\}', lambda found: harmless(arguments.get(found[1], '')), word)
            # A value at the head of an argument must not be read as an option.
            filled.append(f' {text}' if text != word and text.startswith('-') and not word.startswith('-') else text)
        return '', tuple(filled)

    def _wait(self, identity, process, program, timeout):
        try:
            _, errors = process.communicate(timeout=timeout)
            code, said = process.returncode, errors.decode('utf-8', 'replace').strip()
            failed = code != 0 or any(words in said for words in FAILED_ALL_THE_SAME)
            why = f'{program} ended with {code}: {said.splitlines()[-1][-200:] if said else ""}' if failed else ''
        except subprocess.TimeoutExpired:
            _stop(process)
            why = f'{program} took more than {timeout:g} s'
        finally:
            with self._lock:
                if self._running.get(identity, (None,))[0] is process:
                    del self._running[identity]
        self._answer(identity, why.strip())


def harmless(value) -> str:
    """Return a value as one line of printable text of bounded length."""
    return ''.join(c if c.isprintable() else ' ' for c in str(value))[:MAX_ARGUMENT]


def _stop(process):
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
            process.wait(STOP_WAIT)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
