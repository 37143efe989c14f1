"""`audiobook review`: a local page to listen to the fragments of a book, worst score first, and to mend them.

Only the sound around the fragment that is shown goes to the browser, and only the rows of the list that can be
seen are drawn, so that a book of thousands of fragments stays fluent. Each change is written at once, whole or not
at all: to decisions/NAME.json, and to the sync map, which finetuneas can open as well.
"""
import io
import threading
import webbrowser
from pathlib import Path

import soundfile
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from robot_ai.errors import ConfigurationError, RobotAIError
from training.audiobook import syncmap
from training.audiobook.align import load
from training.audiobook.decisions import apply_decisions, check_decision, read_decisions, write_decisions
from training.audiobook.files import Book, read_book
from training.audiobook.fragments import Alignment

STATIC = Path(__file__).parent / 'static'
HOST = '127.0.0.1'
PORT = 8765
LONGEST_S = 120.0  # of sound in one answer


class Review:
    """One book under review: what the page asks for, and what it changes."""

    def __init__(self, book: Book):
        """Read the book's alignments; ConfigurationError where there is none."""
        self.book = book
        self._names = book.names('maps')
        if not self._names:
            raise ConfigurationError(f'{book.folder}: nothing is aligned; run `audiobook align {book.folder}` first')
        self._lock = threading.Lock()
        self._alignments = {name: load(book, name) for name in self._names}
        self._decisions = {name: read_decisions(book, name) for name in self._names}
        self._seconds = {name: book.seconds(name) for name in self._names}

    def fragments(self) -> list[dict]:
        """Return every fragment with its decision, worst score first."""
        rows = []
        for name in self._names:
            for number, fragment in enumerate(self._alignments[name].fragments):
                rows.append({'recording': name, 'number': number, 'id': fragment.id, 'text': fragment.text,
                             'begin': round(fragment.begin, 3), 'end': round(fragment.end, 3),
                             'score': round(fragment.score, 3), 'read': fragment.read,
                             'seconds': round(self._seconds[name], 3),
                             'decision': self._decisions[name].get(fragment.id, {'state': 'open'})})
        return sorted(rows, key=lambda row: (row['score'], row['recording'], row['number']))

    def decide(self, name: str, fragment_id: str, decision: object) -> dict:
        """Keep a decision (and write it); returns it as checked. ConfigurationError says what is wrong."""
        if name not in self._alignments or all(f.id != fragment_id for f in self._alignments[name].fragments):
            raise ConfigurationError(f'{name}: has no fragment {fragment_id}')
        checked = check_decision(decision, self._seconds[name])
        with self._lock:
            decisions = {**self._decisions[name], fragment_id: checked}
            if checked == {'state': 'open'}:
                del decisions[fragment_id]
            write_decisions(self.book, name, decisions)
            self._decisions[name] = decisions
            self._write_map(name)
        return checked

    def _write_map(self, name):
        alignment = self._alignments[name]
        fragments, rejected, _ = apply_decisions(self.book, name, alignment)
        kept = [fragment for fragment in fragments if fragment.id not in rejected]
        syncmap.write(self.book.path('maps', name), Alignment(kept), self.book.language)

    def sound(self, name: str, begin: float, end: float) -> bytes:
        """Return a stretch of a recording as a WAV file."""
        if name not in self._seconds or not 0 <= begin < end or end - begin > LONGEST_S:
            raise ConfigurationError(f'{name}: {begin} to {end} s: expected at most {LONGEST_S:g} s of a recording')
        with soundfile.SoundFile(self.book.path('audio', name)) as file:
            file.seek(min(int(begin * file.samplerate), file.frames))
            samples, rate = file.read(int((end - begin) * file.samplerate), dtype='int16'), file.samplerate
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, rate, format='WAV', subtype='PCM_16')
        return buffer.getvalue()


def make_app(review: Review) -> Starlette:
    """Return the web application."""

    def page(_: Request):
        return FileResponse(STATIC / 'review.html')

    def listing(_: Request):
        book = review.book
        return JSONResponse({'title': book.title, 'reader': book.reader, 'fragments': review.fragments()})

    def sound(request: Request):
        query = request.query_params
        data = review.sound(request.path_params['name'], float(query['begin']), float(query['end']))
        return Response(data, media_type='audio/wav', headers={'Cache-Control': 'no-store'})

    async def decide(request: Request):
        decision = await request.json()
        return JSONResponse(review.decide(request.path_params['name'], request.path_params['id'], decision))

    def refused(_: Request, error: Exception):
        return JSONResponse({'error': str(error)}, status_code=400)

    def failed(_: Request, error: Exception):
        return JSONResponse({'error': f'not saved: {error}'}, status_code=507)

    return Starlette(
        routes=[Route('/', page), Route('/api/fragments', listing), Route('/api/sound/{name}', sound),
                Route('/api/fragments/{name}/{id}', decide, methods=['PUT']),
                Mount('/static', StaticFiles(directory=STATIC))],
        # A page from elsewhere must not reach this one through a name that it made point here.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=['127.0.0.1', 'localhost'])],
        exception_handlers={RobotAIError: refused, ValueError: refused, KeyError: refused, OSError: failed})


def add_arguments(parser) -> None:
    """Declare the options."""
    parser.add_argument('book', help='folder of an aligned book')
    parser.add_argument('--port', type=int, default=PORT, help='port on this machine (127.0.0.1 only)')
    parser.add_argument('--no-browser', action='store_true', help='do not open a browser')


def run(options) -> int:
    """Serve the page until Ctrl-C."""
    app = make_app(Review(read_book(options.book)))
    address = f'http://{HOST}:{options.port}/'
    print(f'{address}  (Ctrl-C ends; every change is saved at once)')
    if not options.no_browser:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    uvicorn.run(app, host=HOST, port=options.port, log_level='warning')
    return 0
