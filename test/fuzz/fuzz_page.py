"""The page as fuzz targets: what a browser sends by WebSocket, and uploads."""
import asyncio
from types import SimpleNamespace

import numpy as np
from mutations import sendable

from robot_ai import payloads

WRITING = {'topic': 'writing', 'data': {'id': 1, 'mode': 'auto', 'send': True, 'strokes': [
    [[10, 10, 0], [40, 12, 5], [20, 60, 9]], [[5, 30], [50, 31]]]}}
PAGE = [WRITING, {'topic': 'correction', 'data': dict(WRITING['data'], label='7')},
        {'topic': 'utterance', 'data': 'quiero agua'}, {'topic': 'dialogue/event', 'data': {'event': 'x', 'data': {}}},
        {'topic': 'dialogue/event', 'data': {'id': 'a1', 'status': 'done'}}, {'topic': 'listening', 'data': True},
        {'topic': 'microphone', 'data': True}, {'topic': 'microphone', 'data': False}]


class _Socket:
    """A WebSocket that brings given messages and keeps what is sent."""

    def __init__(self, messages):
        self.messages, self.sent = [*messages, {'type': 'websocket.disconnect'}], []

    async def receive(self):
        return self.messages.pop(0)

    async def close(self, code=1000, reason=''):
        self.messages = [{'type': 'websocket.disconnect'}]


class _Sink:
    """A backend that checks that all it is given could be published."""

    def __getattr__(self, name):
        def take(*values):
            for value in values:
                if isinstance(value, str):
                    value.encode('utf-8')
                elif isinstance(value, payloads.Payload):
                    sendable(value.to_json())
        return take

    def now(self):
        return payloads.Stamp(1, 2)


def page_frames(folder, writer=None):
    """WebSocket messages, text and binary; the recogniser of writing answers at random."""
    from robot_ai.web.hub import Hub
    from robot_ai.web.security import Access
    from robot_ai.web.server import PageServer
    from robot_ai.web.writing import Writer
    writer = writer or Writer(_Reader(), str(folder / 'samples'))
    server = PageServer(_Sink(), Hub(), Access('127.0.0.1', 0), writer)

    async def talk(mutator):
        client = server.hub.join()
        messages = []
        for _ in range(mutator.pick((1, 2, 4))):
            if mutator.chance(0.2):
                messages.append({'type': 'websocket.receive', 'bytes': mutator.rng.randbytes(
                    mutator.pick((0, 1, 2, 3200, 32_000, 32_001)))})
            else:
                messages.append({'type': 'websocket.receive', 'text': mutator.json(mutator.pick(PAGE))})
        try:
            await server._receive_all(_Socket(messages), client)
        finally:
            server.hub.leave(client)
            server._release_microphone(client)
        while not client.queue.empty():
            sendable(client.queue.get_nowait())
    loop = asyncio.new_event_loop()

    def case(mutator):
        (folder / 'samples' / 'symbols-page.jsonl').unlink(missing_ok=True)
        loop.run_until_complete(talk(mutator))
    return case


class _Reader:
    """In the place of the recognisers of writing: costs nothing, and finds nothing."""

    def __init__(self):
        self.characters = self

    def recognize_strokes(self, strokes):
        from robot_ai.vision.ink import ink_of_strokes
        ink_of_strokes(strokes)
        return SimpleNamespace(symbols=(), latex='', score=0.0, candidates=())

    def recognize(self, grey):
        assert grey.dtype == np.uint8 and grey.ndim == 2
        return SimpleNamespace(symbols=(), latex='', score=0.0)


def page_writing(folder):
    """The same with the shipped recognisers."""
    from robot_ai.web.writing import make_writer
    return page_frames(folder, make_writer('', str(folder / 'samples')))


def upload(folder):
    import cv2

    from robot_ai.web.writing import Writer
    picture = np.random.default_rng(1).integers(0, 255, (40, 30, 3), np.uint8)
    seeds = [cv2.imencode(kind, picture)[1].tobytes() for kind in ('.jpg', '.png', '.webp', '.tiff', '.bmp')]
    writer = Writer(_Reader())

    def case(mutator):
        sendable(writer.read_picture(mutator.bytes(mutator.pick(seeds)), payloads.Stamp()).to_json())
    return case
