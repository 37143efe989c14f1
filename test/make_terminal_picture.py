"""Make docs/terminal.svg: what `robot-ai replay --demo` prints on a terminal, as it is.

    .venv/bin/python test/make_terminal_picture.py

The command runs on a pseudo-terminal, so that its colours come too; rich (which keras brings) draws them. Lines that a
terminal writes over (partial transcripts) are shown as they end. Run it again when the demo's outcome changes.
"""
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

CHECKOUT = Path(__file__).resolve().parent.parent
PICTURE = CHECKOUT / 'docs' / 'terminal.svg'
COMMAND = ('-m', 'robot_ai.cli', 'replay', '--demo', '--rate', '0', '--no-web')
WIDTH = 92  # characters
WRITTEN_OVER = re.compile(r'[^\n]*\r\x1b\[2K')
WEB_FONT = re.compile(r'@font-face\s*{[^}]*}\s*')  # the picture loads nothing from elsewhere


def output_on_a_terminal(*arguments: str) -> str:
    """Return what Python prints with these arguments on a terminal; RuntimeError where it fails."""
    chunks = []

    def keep(descriptor):
        chunks.append(os.read(descriptor, 4096))
        return chunks[-1]
    status = os.waitstatus_to_exitcode(pty.spawn([sys.executable, *arguments], keep))
    if status:
        raise RuntimeError(f'{" ".join(arguments)}: ended with {status}')
    return b''.join(chunks).decode().replace('\r\n', '\n')


def main() -> int:
    """Run the demo and write the picture."""
    os.chdir(CHECKOUT)
    shown = WRITTEN_OVER.sub('', output_on_a_terminal(*COMMAND))
    console = Console(record=True, width=WIDTH, file=open(os.devnull, 'w'))  # noqa: SIM115
    console.print(Text.from_ansi(f'$ make demo\n{shown.rstrip()}'))
    picture = console.export_svg(title='make demo', unique_id='robot-ai-demo')
    PICTURE.write_text(WEB_FONT.sub('', picture), 'utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
