"""The page's server lets its own page in and nobody else; bad input gets an answer and harms no other page."""
import asyncio
import contextlib
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import websockets

from robot_ai.errors import ConfigurationError
from robot_ai.vision.ink import ink_of_strokes
from robot_ai.web.hub import HISTORY_LENGTH, Hub
from robot_ai.web.request_deadline import DeadlineProtocol
from robot_ai.web.security import COOKIE, fingerprint, make_access, open_socket, self_signed
from robot_ai.web.server import MAX_MESSAGE_BYTES, Backend, PageServer
from robot_ai.web.writing import Writer, rectified

WAIT = 20  # s until a message that must come is given up


class Recorder(Backend):
    """Notes what the page makes happen."""

    def __init__(self):
        self.calls = []

    def audio(self, samples):
        self.calls.append(('audio', samples))

    def utterance(self, text):
        self.calls.append(('utterance', text))

    def event(self, event):
        self.calls.append(('event', event.event))

    def written(self, detail):
        self.calls.append(('written', detail.latex, detail.source))

    def listening(self, on):
        self.calls.append(('listening', on))


class SevenRecognizer:
    """Reads every ink as a seven: the server's way with strokes is tested here, not the model."""

    @property
    def characters(self):
        return self

    def recognize_strokes(self, strokes):
        candidates = (SimpleNamespace(latex='7', score=0.9), SimpleNamespace(latex='1', score=0.1))
        return SimpleNamespace(candidates=candidates, symbols=(1,), theta=np.eye(2, 3, dtype=np.float32))

    def recognize(self, grey):
        return SimpleNamespace(latex='', score=0.0, symbols=())


@pytest.fixture
def page(tmp_path):
    backend = Recorder()
    writer = Writer(SevenRecognizer(), str(tmp_path / 'kept'))
    server = PageServer(backend, Hub(), make_access(port=0), writer)
    server.start()
    yield server, backend, tmp_path / 'kept'
    server.stop()


def connect(server, origin=None, **options):
    name = f'127.0.0.1:{server.port}'
    return websockets.connect(f'ws://{name}/ws', origin=origin or f'http://{name}', **options)


async def wait_for(socket, topic):
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), WAIT))
        if message['topic'] == topic:
            return message['data']


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=WAIT) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_shipped_files_come_whole_and_nothing_else(page):
    server = page[0]
    address = f'http://127.0.0.1:{server.port}'
    status, body, headers = get(address)
    assert status == 200 and b'<canvas' in body
    assert "default-src 'self'" in headers['Content-Security-Policy']
    for name in ('app.js', 'style.css', 'vendor/katex/katex.min.js'):
        assert get(f'{address}/{name}')[0] == 200
    for name in ('../server.py', '%2e%2e/server.py', '/etc/passwd', '..%2f..%2fpaths.py', 'static/index.html'):
        assert get(f'{address}/{name}')[0] == 404, name


def test_foreign_host_name_is_refused(page):
    assert get(f'http://127.0.0.1:{page[0].port}/', Host='evil.example')[0] == 421


@pytest.mark.parametrize('origin', ['http://evil.example', 'null', 'https://127.0.0.1'])
def test_foreign_origin_gets_no_websocket(page, origin):
    async def attempt():
        async with connect(page[0], origin):
            pass
    with pytest.raises(websockets.InvalidStatus, match='403'):
        asyncio.run(attempt())


def test_writing_is_read_and_sent_to_the_robot(page):
    async def write():
        async with connect(page[0]) as socket:
            await socket.send(json.dumps({'topic': 'writing', 'data': {
                'id': 5, 'strokes': [[[10, 10], [60, 10], [30, 90]]], 'send': True}}))
            return await wait_for(socket, 'reading')
    reading = asyncio.run(write())
    assert reading['id'] == 5 and reading['detail']['latex'] == '7'
    assert reading['detail']['items'][0]['box'] == [10, 10, 51, 81]
    assert reading['rectified'].startswith('data:image/png')
    assert page[1].calls == [('written', '7', 'page')]


def test_rectified_view_of_the_identity_is_the_ink_itself():
    strokes = [[(10, 10), (60, 10), (30, 90)]]
    view = rectified(strokes, np.eye(2, 3))
    small = cv2.resize(view, (32, 32), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - ink_of_strokes(strokes)).mean() < 6
    shifted = rectified(strokes, np.array([[1, 0, 2.5], [0, 1, 0]]))  # looks past the right edge
    assert not shifted.any()


def test_empty_canvas_gives_no_digit(page):
    async def write():
        async with connect(page[0]) as socket:
            await socket.send('{"topic":"writing","data":{"id":1,"strokes":[],"send":true}}')
            return await wait_for(socket, 'reading')
    assert asyncio.run(write())['detail']['latex'] == ''
    assert page[1].calls == []


def test_correction_is_kept_in_the_trainers_format(page):
    async def correct():
        async with connect(page[0]) as socket:
            await socket.send(json.dumps({'topic': 'correction', 'data': {
                'label': r'\pi', 'strokes': [[[100, 200], [151, 302]]]}}))
            return await wait_for(socket, 'correction')
    assert asyncio.run(correct()) == {'kept': True}
    path = page[2] / 'symbols-page.jsonl'
    sample = json.loads(path.read_text())
    assert sample == {'label': r'\pi', 'source': 'page', 'writer': 'page', 'strokes': [[[0, 0], [128, 255]]]}
    assert path.stat().st_mode & 0o777 == 0o600


def test_sound_only_from_the_page_that_holds_the_microphone(page):
    async def speak():
        async with connect(page[0]) as first, connect(page[0]) as second:
            await first.send('{"topic":"microphone","data":true}')
            assert await wait_for(first, 'microphone') is True
            await second.send('{"topic":"microphone","data":true}')
            assert await wait_for(second, 'microphone') is False
            await second.send(b'\1\0')
            assert 'holds the microphone' in await wait_for(second, 'error')
            await first.send(np.array([1, -2, 300], '<i2').tobytes())
            await first.send('{"topic":"utterance","data":" hola "}')
            await first.send(b'odd')
            assert '16-bit' in await wait_for(first, 'error')
        async with connect(page[0]) as third:  # the owner has gone: free again
            await third.send('{"topic":"microphone","data":true}')
            assert await wait_for(third, 'microphone') is True
    asyncio.run(speak())
    sound = [samples for name, samples in page[1].calls[:1]]
    assert sound[0].tolist() == [1, -2, 300]
    assert page[1].calls[1] == ('utterance', 'hola')


@pytest.mark.parametrize('message', [
    '', '[]', '{', '1', '{"topic":1}', '{"topic":"unknown"}', '{"topic":"utterance","data":""}',
    '{"topic":"utterance","data":"' + 'x' * 600 + '"}', '{"topic":"writing"}', '[' * 50_000,
    '{"topic":"writing","data":{"strokes":[[[1,"a"]]]}}', '{"topic":"writing","data":{"strokes":[[[1,1e99]]]}}',
    '{"topic":"writing","data":{"strokes":[[[NaN,1]]]}}', '{"topic":"dialogue/event","data":{"id":7}}',
    '{"topic":"correction","data":{"label":"","strokes":[[[1,2]]]}}', '{"topic":"listening","data":"yes"}'])
def test_bad_message_gets_an_error_and_the_page_lives_on(page, message):
    async def talk():
        async with connect(page[0]) as socket:
            await socket.send(message)
            assert await wait_for(socket, 'error')
            await socket.send('{"topic":"utterance","data":"sigo"}')
            await socket.send('{"topic":"microphone","data":true}')
            await wait_for(socket, 'microphone')
    asyncio.run(talk())
    assert page[1].calls == [('utterance', 'sigo')]


def test_oversized_message_and_flood_close_only_that_page(page):
    async def attack():
        async with connect(page[0]) as good, connect(page[0]) as big, connect(page[0]) as loud:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await big.send('x' * (MAX_MESSAGE_BYTES + 1))
                await wait_for(big, 'never')
            assert closed.value.rcvd.code == 1009
            with pytest.raises(websockets.ConnectionClosed) as closed:
                for _ in range(400):
                    await loud.send('{"topic":"listening","data":true}')
                await wait_for(loud, 'never')
            assert closed.value.rcvd.code == 1008
            page[0].hub.publish('say', 'hola')
            assert await wait_for(good, 'say') == 'hola'
    asyncio.run(attack())


def test_slow_reader_is_cut_off_and_others_get_everything(page):
    async def read():
        async with connect(page[0]) as good:
            slow = await connect(page[0], max_queue=1).__aenter__()
            await wait_for(good, 'remembered')
            for count in range(30_000):
                page[0].hub.publish('say', f'{count} ' + 'x' * 2000)
                if count % 100 == 99:
                    while not (await wait_for(good, 'say')).startswith(f'{count} '):
                        pass
                    if page[0].hub.client_count == 1:
                        break
            assert page[0].hub.client_count == 1
            slow.transport.abort()
    asyncio.run(read())


@pytest.mark.parametrize('beginning', [
    b'', b'GET / HT', b'GET / HTTP/1.1\r\nHost: a\r\nX-', b'POST /api/read HTTP/1.1\r\nHost: {host}\r\n'
    b'Origin: http://{host}\r\nContent-Length: 9\r\n\r\nabc'])
def test_a_request_that_never_ends_is_cut_off_and_others_are_served(page, monkeypatch, beginning):
    server, _, _ = page
    monkeypatch.setattr(DeadlineProtocol, 'request_timeout', 0.5)
    host = f'127.0.0.1:{server.port}'
    kept = http.client.HTTPConnection(host, timeout=WAIT)
    with socket.create_connection(('127.0.0.1', server.port), WAIT) as slow:
        slow.sendall(beginning.replace(b'{host}', host.encode()))
        kept.request('GET', '/')
        assert kept.getresponse().status == 200
        with contextlib.suppress(ConnectionError):  # cut off: the end of the stream, or a reset
            assert slow.recv(100) == b''
    kept.close()


def test_a_websocket_outlives_the_deadline_of_requests(page, monkeypatch):
    server, backend, _ = page
    monkeypatch.setattr(DeadlineProtocol, 'request_timeout', 0.3)

    async def talk():
        async with connect(server) as one:
            await asyncio.sleep(0.9)
            await one.send(json.dumps({'topic': 'utterance', 'data': 'hola'}))
            await one.send(json.dumps({'topic': 'x'}))
            await wait_for(one, 'error')
    asyncio.run(talk())
    assert ('utterance', 'hola') in backend.calls


def test_page_that_joins_later_gets_state_and_bounded_history(page):
    page[0].hub.publish('state', {'state': 'saludo'})
    for count in range(HISTORY_LENGTH + 20):
        page[0].hub.publish('say', str(count))

    async def join():
        async with connect(page[0]) as socket:
            return await wait_for(socket, 'remembered')
    remembered = asyncio.run(join())
    assert {'topic': 'state', 'data': {'state': 'saludo'}} in remembered
    said = [m['data'] for m in remembered if m['topic'] == 'say']
    assert len(said) == HISTORY_LENGTH and said[-1] == str(HISTORY_LENGTH + 19)


def test_upload_is_checked(page):
    address = f'http://127.0.0.1:{page[0].port}'

    def post(body, origin):
        request = urllib.request.Request(f'{address}/api/read', data=body, headers={'Origin': origin})
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
    assert post(b'x', 'http://evil.example')[0] == 403
    status, answer = post(b'\x89PNG broken', address)
    assert status == 400 and 'no picture' in answer['error']
    assert post(b'', address)[0] == 400


def test_network_needs_token_and_certificate(tmp_path):
    access = make_access('0.0.0.0', 0, folder=str(tmp_path))
    assert access.secure and len(access.token) >= 16
    assert (tmp_path / 'key.pem').stat().st_mode & 0o777 == 0o600
    server = PageServer(Recorder(), Hub(), access, None)
    server.start()
    try:
        trusting = ssl.create_default_context(cafile=str(access.certificate))
        base = f'https://localhost:{server.port}'

        def fetch(path, cookie=''):
            request = urllib.request.Request(base + path, headers={'Cookie': cookie} if cookie else {})
            opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusting), KeepRedirect())
            try:
                with opener.open(request, timeout=WAIT) as reply:
                    return reply.status, reply.headers
            except urllib.error.HTTPError as error:
                return error.code, error.headers
        assert fetch('/')[0] == 403
        assert fetch('/?token=wrong-wrong-wrong-wrong')[0] == 403
        status, headers = fetch(f'/?token={access.token}')
        assert status == 303 and 'HttpOnly' in headers['Set-Cookie'] and 'Secure' in headers['Set-Cookie']
        assert fetch('/', f'{COOKIE}={access.token}')[0] == 200
        assert fingerprint(access.certificate) in server.announcement
    finally:
        server.stop()


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    """Show a redirect instead of following it."""

    def redirect_request(self, *_):
        return None


def test_certificate_is_kept_and_a_damaged_one_made_anew(tmp_path):
    certificate, _ = self_signed(tmp_path, 'localhost')
    first = certificate.read_bytes()
    assert self_signed(tmp_path, 'localhost')[0].read_bytes() == first
    certificate.write_text('damaged')
    assert self_signed(tmp_path, 'localhost')[0].read_bytes() not in (first, b'damaged')


def test_settings_that_cannot_be_used_say_why(tmp_path):
    taken = open_socket('127.0.0.1', 0)
    taken.listen()
    with pytest.raises(ConfigurationError, match='choose another port'):
        PageServer(Recorder(), Hub(), make_access(port=taken.getsockname()[1]), None).start()
    taken.close()
    with pytest.raises(ConfigurationError, match='go together'):
        make_access(certificate='a.pem')
    with pytest.raises(ConfigurationError, match='no such file'):
        make_access(certificate=str(tmp_path / 'a'), key=str(tmp_path / 'b'))
    with pytest.raises(ConfigurationError, match='token'):
        make_access(token='short')
    for name in ('a', 'b'):
        (tmp_path / name).write_text('nonsense')
    access = make_access(certificate=str(tmp_path / 'a'), key=str(tmp_path / 'b'), port=0)
    with pytest.raises(ConfigurationError, match='certificate'):
        PageServer(Recorder(), Hub(), access, None).start()
