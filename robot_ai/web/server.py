"""The page's server: static files from memory, one WebSocket, one upload; runs in a thread of its own.

A `Backend` is what stands behind the page: ROS topics (robot_ai.nodes.web) or the recognisers alone
(robot_ai.web.local). The WebSocket carries `{"topic": ..., "data": ...}` both ways and 16 kHz mono PCM (int16,
little endian) as binary frames from the page that holds the microphone.
"""
import asyncio
import contextlib
import mimetypes
import threading
import time
from dataclasses import asdict
from importlib import resources

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from robot_ai.dialogue.drawing import STYLE
from robot_ai.errors import ConfigurationError, PayloadError, RobotAIError
from robot_ai.payloads import DialogueEvent, Payload, Stamp, strict_json
from robot_ai.web.hub import Client, Hub
from robot_ai.web.request_deadline import DeadlineProtocol
from robot_ai.web.security import COOKIE, Access, announcement, open_socket
from robot_ai.web.writing import Writer, Writing

MAX_MESSAGE_BYTES = 262_144  # of one WebSocket message
MAX_AUDIO_BYTES = 32_000  # of one audio frame: 1 s
AUDIO_BYTES_PER_S = 32_000
AUDIO_BURST_S = 5.0  # how much sound may come ahead of real time
MAX_UPLOAD_BYTES = 8_000_000
MESSAGES_PER_S = 60  # from one page, on average over RATE_WINDOW_S
RATE_WINDOW_S = 5.0
MAX_UTTERANCE = 500  # characters typed
MAX_CLIENTS = 64
CLOSE_TIMEOUT_S = 2.0
START_TIMEOUT_S = 20.0
POLICY, TRY_LATER = 1008, 1013  # WebSocket close codes
# A page that went away: RuntimeError is starlette's word for a socket that is closed already.
GONE = (WebSocketDisconnect, RuntimeError, OSError, asyncio.TimeoutError)

# KaTeX sets style attributes; style elements stay forbidden.
CONTENT_SECURITY_POLICY = ("default-src 'self'; img-src 'self' data: blob:; style-src 'self'; "
                           "style-src-attr 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
                           "form-action 'none'; frame-ancestors 'none'")
HEADERS = {'Content-Security-Policy': CONTENT_SECURITY_POLICY, 'X-Content-Type-Options': 'nosniff',
           'Referrer-Policy': 'no-referrer', 'Permissions-Policy': 'microphone=(self)',
           'Cache-Control': 'no-cache'}


class Backend:
    """What a page can make happen; every method may be called from any thread and must not block long."""

    def now(self) -> Stamp:
        """Return the time that what is written on the page is stamped with."""
        return Stamp.from_ns(time.time_ns())

    def audio(self, samples: np.ndarray):
        """Take int16 [n], 16 kHz mono, from the page's microphone."""

    def microphone(self, on: bool):
        """A page began or ceased to be the robot's ear."""

    def utterance(self, text: str):
        """Take a sentence typed on the page as if it had been said."""

    def event(self, event: DialogueEvent):
        """Take a dialogue event: a named one, or the answer to an action."""

    def written(self, detail: Payload):
        """Take what was written on the page (CharactersDetail with source `page`)."""

    def listening(self, on: bool):
        """Pause or resume listening."""


class PageServer:
    """Serves the page; `start` returns when it listens, `stop` when it has ended."""

    def __init__(self, backend: Backend, hub: Hub, access: Access, writer: Writer | None):
        """Nothing is opened yet. `writer` None: the writing panel says that there is no model."""
        self.hub = hub
        self._backend, self._access, self._writer = backend, access, writer
        self._files = _static_files()
        self._microphone_owner = None
        self._thread = self._server = None
        self.port = access.port

    @property
    def announcement(self) -> str:
        """What to print once it listens."""
        return announcement(self._access, self.port)

    def start(self):
        """Listen and serve in a thread; ConfigurationError where it cannot."""
        listener = open_socket(self._access.host, self._access.port)
        self.port = listener.getsockname()[1]
        options = {'ssl_certfile': str(self._access.certificate), 'ssl_keyfile': str(self._access.key)} \
            if self._access.secure else {}
        try:
            config = uvicorn.Config(
                self._application(), log_level='error', access_log=False, lifespan='off', server_header=False,
                http=DeadlineProtocol, ws='websockets-sansio', ws_max_size=MAX_MESSAGE_BYTES, ws_max_queue=32,
                ws_per_message_deflate=False, timeout_graceful_shutdown=2, limit_concurrency=4 * MAX_CLIENTS,
                h11_max_incomplete_event_size=32_768, **options)
            config.load()
        except (OSError, ValueError) as error:
            listener.close()
            raise ConfigurationError(f'the page cannot use its certificate or key: {error}') from None
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(listener,), name='page', daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ConfigurationError('the page did not start; its log says why')
            time.sleep(0.01)
        self.hub.publish('server', {'writing': self._writer is not None, 'secure': self._access.secure,
                                    'keeps_samples': bool(self._writer and self._writer.keeps_samples)})

    def stop(self):
        """End it: pages are told, the port is free when this returns. May be called twice."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)
            self._thread = None

    def _serve(self, listener):
        async def main():
            self.hub.bind(asyncio.get_running_loop())
            try:
                await self._server.serve(sockets=[listener])
            finally:
                self.hub.bind(None)
        asyncio.run(main())

    def _application(self):
        return Starlette(routes=[
            WebSocketRoute('/ws', self._websocket),
            Route('/api/read', self._upload, methods=['POST']),
            Route('/{name:path}', self._file, methods=['GET'])])

    def _refusal(self, request):
        """Return a refusing response, or None where the client may go on."""
        host = request.headers.get('host', '')
        if not self._access.host_allowed(host):
            return PlainTextResponse('unknown host name; open the address that robot_ai printed\n', 421, HEADERS)
        if not self._access.token_valid(request.cookies.get(COOKIE, '')):
            return PlainTextResponse('open the address with the token that robot_ai printed\n', 403, HEADERS)
        return None

    async def _file(self, request: Request) -> Response:
        given = request.query_params.get('token', '')
        if self._access.token and given and self._access.token_valid(given) and \
                self._access.host_allowed(request.headers.get('host', '')):
            answer = RedirectResponse('/', 303, HEADERS)  # so that the token leaves the address bar
            answer.set_cookie(COOKIE, given, httponly=True, samesite='strict', secure=self._access.secure,
                              max_age=30 * 86_400)
            return answer
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        name = request.path_params['name'] or 'index.html'
        if name not in self._files:  # a dictionary of what is shipped: no name reaches the file system
            return PlainTextResponse('no such page\n', 404, HEADERS)
        body, kind = self._files[name]
        return Response(body, media_type=kind, headers=HEADERS)

    async def _upload(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if not self._access.origin_allowed(request.headers.get('origin', ''), request.headers.get('host', '')):
            return JSONResponse({'error': 'foreign origin'}, 403, HEADERS)
        if self._writer is None:
            return JSONResponse({'error': 'no character model is loaded'}, 503, HEADERS)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_UPLOAD_BYTES:
                return JSONResponse({'error': f'more than {MAX_UPLOAD_BYTES} bytes'}, 413, HEADERS)
        try:
            detail = await run_in_threadpool(self._writer.read_picture, bytes(body), self._backend.now())
        except RobotAIError as error:
            return JSONResponse({'error': str(error)}, 400, HEADERS)
        return JSONResponse(asdict(detail), 200, HEADERS)

    async def _websocket(self, socket: WebSocket):
        host = socket.headers.get('host', '')
        if not (self._access.host_allowed(host)
                and self._access.origin_allowed(socket.headers.get('origin', ''), host)
                and self._access.token_valid(socket.cookies.get(COOKIE, ''))):
            await socket.close(POLICY)  # before accept: HTTP 403
            return
        await socket.accept()
        if self.hub.client_count >= MAX_CLIENTS:
            await socket.close(TRY_LATER, f'{MAX_CLIENTS} pages are open already')
            return
        client = self.hub.join()
        tasks = [asyncio.create_task(work) for work in (
            self._receive_all(socket, client), _send_all(socket, client), client.lost.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.leave(client)
            self._release_microphone(client)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, GONE):
                raise result
        if client.lost.is_set():
            with contextlib.suppress(*GONE):
                await asyncio.wait_for(socket.close(TRY_LATER, 'this page reads too slowly'), CLOSE_TIMEOUT_S)

    async def _receive_all(self, socket, client):
        window_start, messages, audio_bytes = time.monotonic(), 0, 0
        while True:
            message = await socket.receive()
            if message['type'] == 'websocket.disconnect':
                return
            now = time.monotonic()
            if now - window_start > RATE_WINDOW_S:
                window_start, messages, audio_bytes = now, 0, 0
            data = message.get('bytes')
            if data is not None:
                audio_bytes += len(data)
                if audio_bytes > AUDIO_BYTES_PER_S * (RATE_WINDOW_S + AUDIO_BURST_S):
                    await socket.close(POLICY, 'sound comes faster than real time')
                    return
                self._take_audio(client, data)
                continue
            messages += 1
            if messages > MESSAGES_PER_S * RATE_WINDOW_S:
                await socket.close(POLICY, 'too many messages')
                return
            try:
                await self._take(client, message.get('text') or '')
            except RobotAIError as error:
                self.hub.send(client, 'error', str(error))

    def _take_audio(self, client, data):
        if client is not self._microphone_owner:
            self.hub.send(client, 'error', 'sound is taken only from the page that holds the microphone')
        elif not data or len(data) % 2 or len(data) > MAX_AUDIO_BYTES:
            self.hub.send(client, 'error', f'a sound frame is 2 to {MAX_AUDIO_BYTES} bytes of 16-bit PCM')
        else:
            self._backend.audio(np.frombuffer(data, '<i2').astype(np.int16, copy=False))

    async def _take(self, client, text):
        """Do what one text message asks."""
        try:
            message = strict_json(text, 'message')
            topic, data = message['topic'], message.get('data')
        except (PayloadError, TypeError, KeyError, AttributeError):
            raise ConfigurationError('a message is {"topic": ..., "data": ...} in JSON') from None
        if topic == 'writing':
            await self._read_writing(client, data)
        elif topic == 'correction' and self._writer is not None and isinstance(data, dict):
            await run_in_threadpool(self._writer.keep_correction, data.get('label'), Writing.from_data(data))
            self.hub.send(client, 'correction', {'kept': True})
        elif topic == 'utterance' and isinstance(data, str) and 0 < len(data.strip()) <= MAX_UTTERANCE:
            self._backend.utterance(data.strip())
        elif topic == 'dialogue/event':
            self._backend.event(DialogueEvent.from_value(data))
        elif topic == 'listening' and isinstance(data, bool):
            self._backend.listening(data)
        elif topic == 'microphone' and isinstance(data, bool):
            self._claim_microphone(client, data)
        else:
            raise ConfigurationError(f'this message cannot be used: {text[:80]}')

    async def _read_writing(self, client, data):
        writing = Writing.from_data(data)
        if self._writer is None:
            raise ConfigurationError('no character model is loaded')
        detail, rectified = await run_in_threadpool(self._writer.read, writing, self._backend.now())
        identifier = data.get('id') if isinstance(data.get('id'), int) else 0
        self.hub.send(client, 'reading', {'id': identifier, 'detail': asdict(detail), 'rectified': rectified})
        if data.get('send') is True and detail.latex:
            self._backend.written(detail)

    def _claim_microphone(self, client: Client, on: bool):
        if not on:
            self._release_microphone(client)
        elif self._microphone_owner in (None, client):
            if self._microphone_owner is None:
                self._microphone_owner = client
                self._backend.microphone(True)
                self.hub.publish('microphone/owner', True)
            self.hub.send(client, 'microphone', True)
        else:
            self.hub.send(client, 'microphone', False)

    def _release_microphone(self, client):
        if self._microphone_owner is client:
            self._microphone_owner = None
            self._backend.microphone(False)
            self.hub.publish('microphone/owner', False)
            self.hub.send(client, 'microphone', False)


async def _send_all(socket, client):
    while True:
        await socket.send_text(await client.queue.get())


def _static_files():
    """Return {path: (bytes, media type)} of everything shipped in static/."""
    root, files = resources.files('robot_ai.web') / 'static', {}

    def gather(folder, prefix):
        for item in folder.iterdir():
            if item.is_dir():
                gather(item, f'{prefix}{item.name}/')
            else:
                kind = mimetypes.guess_type(item.name)[0] or 'application/octet-stream'
                if item.name.endswith('.js'):
                    kind = 'text/javascript'
                elif item.name.endswith('.woff2'):
                    kind = 'font/woff2'
                files[prefix + item.name] = (item.read_bytes(), kind)
    gather(root, '')
    files['graph.css'] = (STYLE.encode(), 'text/css')  # the drawing's own style: inline styles are forbidden
    return files
