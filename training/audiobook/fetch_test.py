"""Downloads from a server that drops connections, asks to wait and changes its mind: whole and right at the end."""
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from robot_ai.errors import ConfigurationError
from training.audiobook.catalogue import EXAMPLE, Source, read_catalogue
from training.audiobook.command import main
from training.audiobook.fetch import ATTEMPTS, USER_AGENT, Fetcher

DATA = bytes((k * 7919 >> 3) % 251 for k in range(300_000))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.requests = []  # (path, Range header)
        self.agents = set()
        self.drops = {}  # path -> how many more answers break off after 60,000 bytes
        self.busy = {}  # path -> how many more answers are 503
        self.tag = '"v1"'

    def url(self, name):
        return f'http://127.0.0.1:{self.server_port}/{name}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_GET(self):  # noqa: N802
        server, asked = self.server, self.headers.get('Range')
        server.requests.append((self.path, asked))
        server.agents.add(self.headers.get('User-Agent'))
        if server.busy.get(self.path, 0) > 0:
            server.busy[self.path] -= 1
            self.send_response(503)
            self.send_header('Retry-After', '17')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if 'missing' in self.path:
            self.send_error(404)
            return
        begin = 0
        if asked and self.headers.get('If-Range') == server.tag and 'norange' not in self.path:
            begin = int(asked.removeprefix('bytes=').rstrip('-'))
            if begin >= len(DATA):
                self.send_error(416)
                return
        body = DATA[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header('Content-Range', f'bytes {begin}-{len(DATA) - 1}/{len(DATA)}')
        self.send_header('Content-Length', str(len(body)))
        self.send_header('ETag', server.tag)
        self.send_header('Content-Type', 'text/html; charset=utf-8' if 'page' in self.path else 'audio/mpeg')
        self.end_headers()
        if server.drops.get(self.path, 0) > 0:
            server.drops[self.path] -= 1
            body = body[:60_000]
            self.close_connection = True
        self.wfile.write(body)


@pytest.fixture
def server():
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def fetcher(waits):
    return Fetcher(pause_s=0, sleep=waits.append)


def test_dropped_connections_go_on_where_they_broke(server, fetcher, tmp_path):
    server.drops['/a.mp3'] = 3
    digest = fetcher.fetch(Source(server.url('a.mp3'), 'a.mp3'), tmp_path / 'a.mp3')
    assert (tmp_path / 'a.mp3').read_bytes() == DATA
    assert digest == hashlib.sha256(DATA).hexdigest()
    begins = [int(asked[6:-1]) if asked else 0 for _, asked in server.requests]
    assert len(begins) == 4 and begins == sorted(set(begins)) and begins[-1] > 0
    assert [path.name for path in tmp_path.iterdir()] == ['a.mp3']
    assert server.agents == {USER_AGENT}


def test_a_server_without_ranges_is_begun_anew(server, fetcher, tmp_path):
    server.drops['/norange.mp3'] = 2
    fetcher.fetch(Source(server.url('norange.mp3'), 'a.mp3'), tmp_path / 'a.mp3')
    assert (tmp_path / 'a.mp3').read_bytes() == DATA


def test_a_file_changed_between_two_attempts_is_begun_anew(server, fetcher, tmp_path):
    part = tmp_path / 'a.mp3.part'
    part.write_bytes(b'of the old file')
    (tmp_path / 'a.mp3.part.etag').write_text('"v0"')
    fetcher.fetch(Source(server.url('a.mp3'), 'a.mp3'), tmp_path / 'a.mp3')
    assert (tmp_path / 'a.mp3').read_bytes() == DATA


def test_retry_after_is_obeyed(server, fetcher, waits, tmp_path):
    server.busy['/a.mp3'] = 2
    fetcher.fetch(Source(server.url('a.mp3'), 'a.mp3'), tmp_path / 'a.mp3')
    assert waits == [17.0, 17.0]
    assert (tmp_path / 'a.mp3').read_bytes() == DATA


def test_requests_keep_their_distance(server, tmp_path):
    waits = []
    fetcher = Fetcher(pause_s=30, sleep=waits.append)
    for name in ('a.mp3', 'b.mp3'):
        fetcher.fetch(Source(server.url(name), name), tmp_path / name)
    assert len(waits) == 1 and 20 < waits[0] <= 30


def test_a_server_that_stays_busy_is_given_up_and_named(server, fetcher, waits, tmp_path):
    server.busy['/a.mp3'] = 99
    with pytest.raises(ConfigurationError, match=f'gave up after {ATTEMPTS} attempts: answered 503') as caught:
        fetcher.fetch(Source(server.url('a.mp3'), 'a.mp3'), tmp_path / 'a.mp3')
    assert str(tmp_path / 'a.mp3') in str(caught.value)
    assert len(waits) == ATTEMPTS - 1 and waits == sorted(waits)


@pytest.mark.parametrize('facts', [{'sha256': 'ab' * 32}, {'size': 5}])
def test_a_file_that_is_not_what_was_announced_is_thrown_away(server, fetcher, tmp_path, facts):
    with pytest.raises(ConfigurationError, match='the catalogue says'):
        fetcher.fetch(Source(server.url('a.mp3'), 'a.mp3', **facts), tmp_path / 'a.mp3')
    assert not list(tmp_path.iterdir())


def _catalogue(server, path):
    entry = {'id': 'cuento', 'title': 'Un cuento', 'reader': 'Ana', 'author': 'Eva', 'language': 'es',
             'licence': 'CC0', 'text': server.url('cuento.txt'),
             'recordings': [server.url('c1.mp3'), server.url('missing.mp3'), server.url('c2.mp3')]}
    path.write_text(yaml.safe_dump({'books': [entry]}))


def test_command_goes_on_after_a_fault_and_fetches_nothing_twice(server, tmp_path, capsys):
    _catalogue(server, tmp_path / 'list.yaml')
    arguments = ['fetch', '--catalogue', str(tmp_path / 'list.yaml'), '--out', str(tmp_path / 'books'), '--pause', '0']
    assert main(arguments) == 1
    assert 'missing.mp3: dead address: answered 404' in capsys.readouterr().err
    folder = tmp_path / 'books' / 'cuento'
    assert sorted(path.name for path in folder.rglob('*.*') if path.is_file()) == [
        'book.yaml', 'c1.mp3', 'c2.mp3', 'cuento.txt', 'downloads.json']
    log = json.loads((folder / 'downloads.json').read_text())
    assert log['recordings/c1.mp3']['sha256'] == hashlib.sha256(DATA).hexdigest()
    server.requests.clear()
    assert main(arguments) == 1
    assert [path for path, _ in server.requests] == ['/missing.mp3']


def test_a_web_page_in_place_of_a_recording_is_a_dead_address(server, tmp_path):
    with pytest.raises(ConfigurationError, match=r'dead address: answered a web page, not moved_page\.mp3'):
        Fetcher(0).fetch(Source(server.url('moved_page.mp3'), 'moved_page.mp3'), tmp_path / 'moved_page.mp3')
    assert not list(tmp_path.iterdir())


def test_a_host_that_does_not_answer_is_not_asked_for_each_file(tmp_path):
    waits = []
    fetcher = Fetcher(0, waits.append)
    for name in ('a.mp3', 'b.mp3'):
        with pytest.raises(ConfigurationError) as caught:
            fetcher.fetch(Source(f'http://127.0.0.1:1/{name}', name), tmp_path / name)
    assert len(waits) == ATTEMPTS - 1
    assert 'b.mp3: not tried' in str(caught.value) and 'efused' in str(caught.value)


def test_example_catalogue_says_that_its_addresses_were_never_tried(capsys):
    assert not any(entry.verified for entry in read_catalogue(EXAMPLE))
    assert main(['fetch', '--list']) == 0
    assert 'not verified' in capsys.readouterr().out


def test_example_catalogue_is_one(capsys):
    entries = read_catalogue(EXAMPLE)
    assert len(entries) >= 5
    assert all(entry.facts['language'] == 'es' and entry.recordings and entry.texts for entry in entries)
    assert main(['fetch', '--list']) == 0
    assert 'niebla' in capsys.readouterr().out


@pytest.mark.parametrize('change, said', [
    ({'recordings': ['ftp://x/y.mp3']}, 'expected http or https'), ({'licence': None}, 'lacks licence'),
    ({'id': '../out'}, 'becomes a folder'), ({'verified': 'perhaps'}, 'expected true or false'),
    ({'text': 'https://host/'}, 'names no file'),
    ({'recordings': [{'url': 'https://host/a.mp3', 'sha256': 'xyz'}]}, '64 hexadecimal')])
def test_wrong_catalogue_says_where(tmp_path, change, said):
    entry = {'id': 'a', 'title': 'A', 'reader': 'r', 'author': 'b', 'language': 'es', 'licence': 'CC0',
             'text': 'https://host/a.txt', 'recordings': 'https://host/a.mp3'}
    path = tmp_path / 'list.json'
    path.write_text(json.dumps({'books': [{**entry, **change}]}))
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_catalogue(path)
    assert 'book 1' in str(caught.value)
