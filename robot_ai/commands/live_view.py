"""What the assistant hears, reads, decides and says, one line each, in the terminal; in Spanish, as the robot is."""
import shutil

HEARS, READS, STATE, SAYS, NOTE = 'oye', 'lee', 'estado', 'dice', 'aviso'
COLOURS = {HEARS: '1', READS: '1;33', STATE: '2', SAYS: '1;36', NOTE: '31'}
LABEL_WIDTH = 7


class LiveView:
    """Prints to `stream`; on a terminal with colours, and partial transcripts in a line that is written over."""

    def __init__(self, stream, quiet: bool = False):
        self._stream, self._quiet = stream, quiet
        self._terminal = stream.isatty()
        self._open = False  # a partial transcript stands in the last line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end_line()

    def addresses(self, assembly):
        """Show the page's address, where a node `web` runs."""
        page = getattr(assembly.nodes.get('web'), 'announcement', '')
        if page:
            self.line(None, 'página', page.removeprefix('page: '))

    def note(self, text):
        """Show that something does not work."""
        self.line(None, NOTE, text)

    def show(self, kind, at, what):
        """Show one event of a replay: see robot_ai.nodes.replay.replay."""
        if kind == 'partial':
            if self._terminal and not self._quiet and what:
                self._write_over(f'{self._head(at, HEARS)}{what} …')
        elif kind == 'final':
            self.line(at, HEARS, f'«{what.text}»  {round(100 * what.confidence)} %')
        elif kind == 'symbol':
            best = what.items[0].candidates[1:4] if len(what.items) == 1 else ()
            others = ', '.join(c.latex for c in best)
            self.line(at, READS, f'{what.latex}  {round(100 * what.score)} %' + (f'  (o {others})' if others else ''))
        elif kind == 'state':
            why = ': '.join(part for part in (what.last_event, what.why) if part)
            self.line(at, STATE, what.state + (f'  ({why})' if why else ''))
        elif kind == 'say':
            self.line(at, SAYS, what)

    def line(self, at, label, text):
        """Print one line; `at` in s from the start of the bag, or None."""
        if self._quiet and label != NOTE:
            return
        self._end_line()
        head, text = self._head(at, label), _printable(text)
        colour = COLOURS.get(label, '')
        shown = f'{head}\033[{colour}m{text}\033[0m' if self._terminal and colour else head + text
        print(shown, file=self._stream, flush=True)

    @staticmethod
    def _head(at, label):
        clock = '       ' if at is None else f'{int(at) // 60}:{at % 60:04.1f}'.rjust(7)
        return f'{clock}  {label:<{LABEL_WIDTH}}'

    def _write_over(self, text):
        text = _printable(text)
        width = shutil.get_terminal_size().columns - 1
        if len(text) > width:  # the end is what was said last
            text = text[:18] + '…' + text[-(width - 19):]
        self._stream.write(f'\r\033[2K\033[2m{text}\033[0m')
        self._stream.flush()
        self._open = True

    def _end_line(self):
        if self._open:
            self._stream.write('\r\033[2K')
            self._stream.flush()
            self._open = False


def _printable(text: str) -> str:
    """Return text without control characters: what was written at the page must not steer the terminal."""
    return ''.join(c if c.isprintable() else ' ' for c in text)
