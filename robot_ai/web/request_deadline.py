"""An HTTP connection that ends where its request does not arrive whole in time (uvicorn sets no such limit).

Without it a few hundred clients that send a byte now and then hold every place the server has.
"""
import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class DeadlineProtocol(H11Protocol):
    """uvicorn's protocol; head and body of each request must be there `request_timeout` s after it began.

    The first one begins with the connection, a later one with its first byte. WebSockets are not concerned: uvicorn
    pings them.
    """

    request_timeout = 20.0  # s; enough for the largest upload over a slow Wi-Fi

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self._deadline, self._upgraded = None, False

    def connection_made(self, transport):
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.request_timeout, self._expire)

    def data_received(self, data):
        """Take bytes; the deadline holds until a request is whole."""
        super().data_received(data)
        if self._upgraded or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._cancel()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.request_timeout, self._expire)

    def handle_websocket_upgrade(self, event):
        """Hand the connection over to the WebSocket's protocol."""
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc):
        """Forget the deadline with the connection."""
        self._cancel()
        super().connection_lost(exc)

    def _cancel(self):
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self):
        self._deadline = None
        self.transport.abort()
