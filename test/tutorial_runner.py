"""Run a tutorial as its reader would: every fenced block in order, in a checkout of its own, output as shown.

A fence's first word is its language, a second one says what becomes of the block:

    ```sh               run by bash (-e); a ```text block right after it is what it prints (`...`: anything)
    ```sh background    run beside what follows, once it has printed a line, until ```sh interrupt (Ctrl-C) or the end
    ```sh interrupt     not run: its text is the comment that tells the reader to press Ctrl-C
    ```sh not-run       shown only; the text says why
    ```yaml my/x.yaml   written to that file (any language, any path with a dot)
"""
import doctest
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r'^```(\w+)(?: (\S+))?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PATIENCE = 1200.0  # s that one block may take on a slow, busy machine: it bounds a hang
OUTPUT_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: `action` is run, background, interrupt, not-run, or the file to write; `line` for messages."""

    action: str
    text: str
    line: int
    expected: str = ''


def blocks(document: str) -> list[Block]:
    """Return what a tutorial does, in order."""
    found, previous_end = [], None
    for match in FENCE.finditer(document):
        language, word, text = match.groups()
        line = document.count('\n', 0, match.start()) + 1
        if language == 'text' and not word:
            if not found or found[-1].action != 'run' or document[previous_end:match.start()].strip():
                raise ValueError(f'line {line}: output that follows no command')
            found[-1] = Block('run', found[-1].text, found[-1].line, text)
        elif language == 'sh':
            found.append(Block(word or 'run', text, line))
        elif word:
            found.append(Block(word, text, line))
        else:
            raise ValueError(f'line {line}: a {language} block that is neither run nor written to a file')
        previous_end = match.end()
    return found


def make_checkout(folder: Path):
    """Link everything of this checkout into `folder`, so that what the tutorial writes stays there."""
    for path in CHECKOUT.iterdir():
        if path.name not in ('.git', '.venv', 'my', 'build', 'install', 'log'):
            (folder / path.name).symlink_to(path)


class Tutorial:
    """Runs the blocks of one tutorial in `folder`; a failure raises AssertionError with line and output."""

    def __init__(self, path: Path, folder: Path):
        """Make the folder a checkout."""
        self.name, self.folder = path.name, folder
        self.blocks = blocks(path.read_text('utf-8'))
        self._background = []
        make_checkout(folder)
        # As after `. .venv/bin/activate`; the page on any free port, for many tests run on a machine.
        self._environment = {**os.environ, 'PYTHONUNBUFFERED': '1', 'TF_CPP_MIN_LOG_LEVEL': '3', 'COLUMNS': '100',
                             'HOME': str(folder), 'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}'}

    def run(self):
        """Do everything."""
        try:
            for block in self.blocks:
                self._do(block)
        finally:
            self._interrupt()

    def _do(self, block):
        if block.action == 'run':
            self._run(block)
        elif block.action == 'background':
            self._start(block)
        elif block.action == 'interrupt':
            self._interrupt()
        elif block.action != 'not-run':
            path = self.folder / block.action
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, 'utf-8')

    def _start(self, block):
        """Start a program and wait for its first line: from then on it does what the text says."""
        log = self.folder / f'background-{block.line}.log'
        with open(log, 'wb') as output:
            process = subprocess.Popen(['bash', '-ec', f'exec {block.text.strip()}'], cwd=self.folder, stdout=output,
                                       env=self._environment, start_new_session=True, stdin=subprocess.DEVNULL)
        self._background.append(process)
        end = time.monotonic() + PATIENCE
        while not log.read_bytes().count(b'\n') and process.poll() is None:
            assert time.monotonic() < end, f'{self.name}, line {block.line}: {block.text}has said nothing'
            time.sleep(0.1)

    def _run(self, block):
        done = subprocess.run(['bash', '-e', '-o', 'pipefail', '-c', block.text], cwd=self.folder, text=True,
                              env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT if not block.expected else subprocess.PIPE,
                              timeout=PATIENCE, check=False)
        where = f'{self.name}, line {block.line}:\n{block.text}'
        assert done.returncode == 0, f'{where}exit status {done.returncode}\n{done.stdout}{done.stderr or ""}'
        if block.expected and not doctest.OutputChecker().check_output(block.expected, done.stdout, OUTPUT_FLAGS):
            raise AssertionError(f'{where}printed\n{done.stdout}\nbut the text shows\n{block.expected}')

    def _interrupt(self):
        while self._background:
            process = self._background.pop()
            process.send_signal(signal.SIGINT)
            try:
                status = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            assert status == 0, f'{self.name}: a program in the background ended with {status}'
