"""The diagnostics of a node: counters with rates, values, events and faults, out on `diagnostics` at 1 Hz.

Any thread may report. An event (something lost, a malformed message) shows as WARN for ten seconds and stays
as `last_error`; a fault (no model, no device) shows as ERROR until `recovered`.
"""
import threading
import time
from collections import deque

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType

PERIOD = 1.0  # s between two reports
EVENT_SHOWN = 10.0  # s that an event keeps the level at WARN
LOG_AT_MOST, LOG_WITHIN = 5, 10.0  # lines of events in so many s: a flood of bad messages must not flood the log


class Health:
    """Gathers what a node says of itself and publishes it once a second (steady clock)."""

    def __init__(self, node):
        """Create the publisher and the timer on `node`."""
        self._node = node
        self._lock = threading.Lock()
        self._counts, self._reported = {}, {}
        self._values, self._samplers = {}, {}
        self._event_until = 0.0
        self._event = self._fault = self._last_error = ''
        self._last_time = time.monotonic()
        self._logged = deque(maxlen=LOG_AT_MOST)  # (time, message) of the newest lines
        self._publisher = node.create_publisher(DiagnosticArray, 'diagnostics', 10)
        self._timer = node.create_timer(PERIOD, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def count(self, name: str, number: float = 1):
        """Add to a counter; shown as `NAME` (total) and `NAME rate` (1/s)."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + number

    def counted(self, name: str) -> float:
        """Return a counter's total."""
        with self._lock:
            return self._counts.get(name, 0)

    def value(self, name: str, value):
        """Show a value until it is given anew."""
        with self._lock:
            self._values[name] = value

    def sample(self, name: str, function):
        """Show what `function()` returns at each report (called in the node's executor)."""
        with self._lock:
            self._samplers[name] = function

    def model(self, info):
        """Show the name, version and hash of a `robot_ai.model_store.ModelInfo`."""
        self.value('model', f'{info.name} {info.version}')
        self.value('model sha256', info.sha256)

    def event(self, message: str):
        """Report something that went wrong once: logged unless it comes in floods, WARN for ten seconds."""
        now = time.monotonic()
        with self._lock:
            self._event = self._last_error = message
            self._event_until = now + EVENT_SHOWN
            recent = [text for then, text in self._logged if now - then < LOG_WITHIN]
            silent = message in recent or len(recent) == LOG_AT_MOST
            if not silent:
                self._logged.append((now, message))
            self._counts['errors'] = self._counts.get('errors', 0) + 1
        if not silent:
            self._node.get_logger().warning(message)

    def fault(self, message: str):
        """Report something that stops the node from working: logged where new, ERROR until `recovered`."""
        with self._lock:
            new = message != self._fault
            self._fault = self._last_error = message
        if new:
            self._node.get_logger().error(message)

    def recovered(self):
        """End the fault."""
        with self._lock:
            self._fault = ''

    @property
    def last_error(self) -> str:
        """The newest event or fault, '' where there was none."""
        return self._last_error

    def status(self) -> DiagnosticStatus:
        """Return the present status; rates are over the time since the call before."""
        sampled = {}
        for name, function in list(self._samplers.items()):
            try:
                sampled[name] = function()
            except Exception as error:  # a report must not end the node
                sampled[name] = f'cannot be told: {error!r}'
        now = time.monotonic()
        with self._lock:
            elapsed = max(now - self._last_time, 1e-3)
            self._last_time = now
            pairs = dict(self._values, **sampled)
            for name, total in self._counts.items():
                pairs[name] = total
                pairs[f'{name} rate'] = f'{(total - self._reported.get(name, 0)) / elapsed:.2f}'
            self._reported = dict(self._counts)
            level, message = DiagnosticStatus.OK, 'ok'
            if now < self._event_until:
                level, message = DiagnosticStatus.WARN, self._event
            if self._fault:
                level, message = DiagnosticStatus.ERROR, self._fault
            pairs['last_error'] = self._last_error
        return DiagnosticStatus(level=level, name=self._node.get_fully_qualified_name(), message=message,
                                hardware_id='robot_ai',
                                values=[KeyValue(key=key, value=_shown(value)) for key, value in pairs.items()])

    def _publish(self):
        array = DiagnosticArray(status=[self.status()])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


def _shown(value):
    return f'{value:.3f}' if isinstance(value, float) else str(value)
