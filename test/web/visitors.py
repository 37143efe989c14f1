"""Web pages as programs: for the tests of load, and for `make soak`."""
import asyncio
import json

import websockets

SEVEN = [[[20, 20], [120, 20], [60, 180]]]


def connect(port):
    """Return the WebSocket of a page on this machine."""
    return websockets.connect(f'ws://127.0.0.1:{port}/ws', origin=f'http://127.0.0.1:{port}', max_size=None)


async def visitor(port, number, ended, write_every, opened=lambda: None):
    """Read all that comes and write now and then, until the event `ended`.

    `write_every`: s between two sevens, roughly; `opened` is called once the page is connected. Returns how many
    transcripts came and how many sevens were read back.
    """
    seen = read = 0
    async with connect(port) as page:
        opened()

        async def write():
            while True:
                await asyncio.sleep(write_every * (0.5 + (number % 7) / 7))
                await page.send(json.dumps({'topic': 'writing', 'data': {'id': 1, 'strokes': SEVEN}}))
        writing = asyncio.create_task(write())
        while not ended.is_set():
            try:
                message = json.loads(await asyncio.wait_for(page.recv(), 1))
            except asyncio.TimeoutError:
                continue
            seen += message['topic'] == 'transcript/detail'
            read += message['topic'] == 'reading' and message['data']['detail']['latex'] == '7'
        writing.cancel()
    return seen, read
