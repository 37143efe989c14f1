"""A worker thread: takes items from a bounded queue and hands them to one function, in order.

Callbacks of a node must return at once; a recogniser takes its time. What does not fit into the queue is
dropped (the oldest first, so that what is heard or seen stays current) and counted, or, where nothing may be
lost, makes the caller wait.
"""
import threading
import traceback
from collections import deque

STOP_WAIT = 10.0  # s given to the item in work when the thread is stopped; inference is far below


class Worker:
    """A thread that calls `handle(item)` for each item put; it starts at once and ends with `stop`."""

    def __init__(self, handle, capacity: int, *, wait: bool = False, on_drop=None, on_error=None,
                 name: str = 'worker'):
        """Start the thread.

        `capacity` items wait at most; `wait`: `put` blocks while the queue is full instead of dropping;
        `on_drop(item)` is called with what is dropped, `on_error(text)` with the traceback where `handle`
        raises (the thread goes on).
        """
        self._handle, self._capacity, self._wait = handle, capacity, wait
        self._on_drop, self._on_error = on_drop, on_error
        self._items = deque()
        self._changed = threading.Condition()
        self._stopping = self._working = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item):
        """Queue an item; with `wait`, returns when there is room (or the worker stops)."""
        dropped = None
        with self._changed:
            while self._wait and len(self._items) >= self._capacity and not self._stopping:
                self._changed.wait(0.5)
            if self._stopping:
                return
            if len(self._items) >= self._capacity:
                dropped = self._items.popleft()
            self._items.append(item)
            self._changed.notify_all()
        if dropped is not None and self._on_drop:
            self._on_drop(dropped)

    @property
    def waiting(self) -> int:
        """The number of items in the queue."""
        return len(self._items)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is queued nor in work, `timeout` seconds at most; return whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._items and not self._working, timeout)

    def clear(self):
        """Forget what waits in the queue."""
        with self._changed:
            self._items.clear()
            self._changed.notify_all()

    def stop(self) -> bool:
        """End the thread after the item in work, forgetting what waits; return whether it ended."""
        with self._changed:
            self._stopping = True
            self._items.clear()
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_WAIT)
        return not self._thread.is_alive()

    def _run(self):
        while True:
            with self._changed:
                self._working = False
                self._changed.notify_all()
                while not self._items and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                item = self._items.popleft()
                self._working = True
                self._changed.notify_all()
            try:
                self._handle(item)
            except Exception:
                if self._on_error:
                    self._on_error(traceback.format_exc())
