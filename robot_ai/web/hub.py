"""Fans out what happens to every page: any thread publishes, each client has its own bounded queue.

A message is a topic's name and JSON-ready data. The newest value of a lasting topic, and the last transcripts,
are kept for pages that join later. A page that reads too slowly loses what is replaced soon anyway (levels,
partials), and is cut off when even the rest does not fit: the others never wait for it.
"""
import asyncio
import json
import threading
from collections import deque

QUEUE_LENGTH = 200  # messages a client may be behind
HISTORY_LENGTH = 100  # transcripts, readings and sayings shown to a page that joins
LASTING = {'state', 'graph', 'voice_activity', 'listening', 'robot_speaking', 'show', 'microphone/owner',
           'server'}
HISTORICAL = {'transcript/detail', 'characters/detail', 'say'}
REPLACEABLE = {'level', 'transcript/partial', 'diagnostics'}


class Client:
    """One page's outgoing queue; `lost` is set when it was too slow to go on."""

    def __init__(self):
        """Start with an empty queue (event loop only)."""
        self.queue = asyncio.Queue(QUEUE_LENGTH)
        self.lost = asyncio.Event()

    def offer(self, topic: str, text: str):
        """Queue a message (event loop only)."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            if topic not in REPLACEABLE:
                self.lost.set()


class Hub:
    """Everything that pages see passes here."""

    def __init__(self):
        """Start with no clients and nothing remembered."""
        self._lock = threading.Lock()
        self._lasting = {}
        self._history = deque(maxlen=HISTORY_LENGTH)
        self._diagnostics = {}
        self._clients = set()
        self._loop = None

    def bind(self, loop: asyncio.AbstractEventLoop | None):
        """Name the event loop that the clients live in (None: it ended)."""
        with self._lock:
            self._loop = loop
            if loop is None:
                self._clients.clear()

    def publish(self, topic: str, data):
        """Send `data` (JSON-ready) to every page; from any thread, never blocks."""
        text = _message(topic, data)
        with self._lock:
            if topic in LASTING:
                self._lasting[topic] = text
            elif topic in HISTORICAL:
                self._history.append(text)
            elif topic == 'diagnostics':
                self._diagnostics[data['name']] = text
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._fan_out, topic, text)

    def join(self) -> Client:
        """Add a page: it first gets what lasts and the history (event loop only)."""
        client = Client()
        with self._lock:
            remembered = [*self._lasting.values(), *self._diagnostics.values(), *self._history]
            self._clients.add(client)
        # One message, so that a long history cannot fill the queue of a page that has only just come.
        client.offer('remembered', '{"topic":"remembered","data":[' + ','.join(remembered) + ']}')
        return client

    def leave(self, client: Client):
        """Forget a page."""
        with self._lock:
            self._clients.discard(client)

    def send(self, client: Client, topic: str, data):
        """Answer one page alone (event loop only)."""
        client.offer(topic, _message(topic, data))

    @property
    def client_count(self) -> int:
        """The number of pages that are open."""
        return len(self._clients)

    def _fan_out(self, topic, text):
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.offer(topic, text)


def _message(topic, data):
    return json.dumps({'topic': topic, 'data': data}, ensure_ascii=False, separators=(',', ':'), allow_nan=False)
