"""Node speaker: what the dialogue says, made heard; and `robot_speaking`, so that the robot does not hear itself.

Subscribes `say` (String) and, for `external`, `robot_speaking`; publishes `robot_speaking` (Bool, latched).
Backends: `espeak` speaks with espeak-ng on this computer; `external` forwards the text to the robot's own voice
(topic `speech`) and takes it to be speaking for an estimated time plus a tail, unless another publisher of
`robot_speaking` says earlier that it ended; `none` only logs. Estimates run on ROS time, as replays do.
"""
import shutil
import subprocess
import threading
import time
from collections import deque

from std_msgs.msg import Bool, String

from robot_ai.nodes.common import RESULT_QOS, STATE_QOS, Parameter, PlainNode, run
from robot_ai.speech.spanish import normalize
from robot_ai.worker import Worker

SECOND = 1_000_000_000  # ns
LONGEST_TEXT = 2_000  # characters; what is longer is cut, since nobody listens that long
PAUSE = 0.35  # s that a voice rests at a full stop, comma or colon
ECHO_WAIT = 2.0  # s in which one's own message comes back from the topic


class SpeakerNode(PlainNode):
    """Owns the espeak-ng process and the estimate; see the module's docstring."""

    NAME = 'speaker'
    PARAMETERS = (
        Parameter('backend', 'espeak', 'who speaks', choices=('espeak', 'external', 'none')),
        Parameter('voice', 'es', 'voice of espeak-ng (espeak-ng --voices=es lists them)'),
        Parameter('words_per_minute', 150, 'speed of espeak-ng', 'words/min', 80, 400, live=True),
        Parameter('characters_per_second', 12.0, "speed of the robot's own voice; lower keeps it deaf longer",
                  'characters/s', 2.0, 50.0, live=True),
        Parameter('start_delay', 0.5, "time before the robot's own voice begins", 's', 0.0, 10.0, live=True),
        Parameter('tail', 0.5, "time after the estimated end that still counts as the robot's voice", 's',
                  0.0, 10.0, live=True),
        Parameter('barge_in', False, 'stop espeak-ng when somebody begins to speak (`voice_activity`)', live=True),
        Parameter('queue', 10, 'texts that may wait to be spoken; more drops the oldest', minimum=1, maximum=1000),
    )

    def __init__(self, **node_arguments):
        """Start the backend; a missing espeak-ng shows in the diagnostics, and the texts in the log."""
        super().__init__(**node_arguments)
        self._lock = threading.Lock()
        self._process = None
        self._until = self._begun = None  # ns of ROS time: the estimated end of speech, and its begin
        self._own = deque()  # (monotonic time, value) of own robot_speaking messages still to come back
        self._speaking = self.create_publisher(Bool, 'robot_speaking', STATE_QOS)
        self._speaking.publish(Bool(data=False))
        self._worker = Worker(self._speak, self.setting('queue'), name='speaker', on_error=self.bug,
                              on_drop=lambda text: self.health.event('too much to say; the oldest text was left out'))
        self.create_subscription(String, 'say', self._on_say, RESULT_QOS)
        if self.setting('backend') == 'external':
            self._voice = self.create_publisher(String, 'speech', RESULT_QOS)
            self.create_subscription(Bool, 'robot_speaking', self._on_robot_speaking, RESULT_QOS)
            self.every(0.05, self._on_timer)
        if self.setting('backend') == 'espeak':
            self.create_subscription(Bool, 'voice_activity', self._on_voice_activity, RESULT_QOS)
            if shutil.which('espeak-ng') is None:
                self.health.fault('espeak-ng is not installed, so nothing will be heard: sudo apt install '
                                  'espeak-ng, or set the parameter backend to external or none')
        self.health.value('backend', self.setting('backend'))

    def close(self):
        """Fall silent."""
        self._silence()
        self._worker.stop()

    def _on_say(self, message):
        text = ' '.join(message.data.split())
        if not normalize(text):
            self.health.event(f'say: {message.data[:60]!r} holds nothing that can be spoken')
            return
        if len(text) > LONGEST_TEXT:
            self.health.event(f'say: {len(text)} characters, cut to {LONGEST_TEXT}')
            text = text[:LONGEST_TEXT]
        self.health.count('texts')
        backend = self.setting('backend')
        # What is said can tell what somebody asked: it is logged where that is all that `none` does, else on request.
        (self.get_logger().info if backend == 'none' else self.get_logger().debug)(f'say: {text}')
        if backend == 'external':
            self._forward(text)
        elif backend == 'espeak' and shutil.which('espeak-ng'):
            self._worker.put(text)

    def _tell(self, speaking):
        with self._lock:
            self._own.append((time.monotonic(), speaking))
        self._speaking.publish(Bool(data=speaking))
        self.health.value('speaking', speaking)

    # -- external: the estimate

    def _forward(self, text):
        now = self.get_clock().now().nanoseconds
        # The gate must be shut before the first sound, hence before the text is sent.
        if self._until is None:
            self._begun, self._until = now, now + round(self.setting('start_delay') * SECOND)
            self._tell(True)
        self._until = max(self._until, now) + round(self.estimate(text) * SECOND)
        self._voice.publish(String(data=text))

    def estimate(self, text: str) -> float:
        """Return how long the robot's own voice takes for `text`, in s; numbers count as they are read."""
        pauses = sum(text.count(mark) for mark in '.,;:?!')
        return len(normalize(text)) / self.setting('characters_per_second') + PAUSE * pauses

    def _on_timer(self):
        if self._until is None:
            return
        now = self.get_clock().now().nanoseconds
        if now >= self._until + round(self.setting('tail') * SECOND) or now < self._begun:  # or set back
            self._end()

    def _on_robot_speaking(self, message):
        """Believe a publisher that knows: its False ends the estimate. One's own messages come back too."""
        with self._lock:
            while self._own and time.monotonic() - self._own[0][0] > ECHO_WAIT:
                self._own.popleft()
            own = next((item for item in self._own if item[1] == message.data), None)
            if own is not None:
                self._own.remove(own)
        if own is None and not message.data and self._until is not None:
            self.health.count('ended by the robot itself')
            self._end()

    def _end(self):
        self._until = None
        self._tell(False)

    # -- espeak

    def _speak(self, text):
        """Speak one text, in the worker's thread; neither shell nor command line sees it."""
        command = ['espeak-ng', '-v', self.setting('voice'), '--stdin', '-s',
                   str(self.setting('words_per_minute'))]
        self._tell(True)
        try:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as process:
                with self._lock:
                    self._process = process
                limit = 30 + len(text) / 2  # s; four times what slow speech takes
                try:
                    _, errors = process.communicate(text.encode(), timeout=limit)
                except subprocess.TimeoutExpired:
                    process.kill()
                    errors = f'error: hung, ended after {limit:.0f} s'.encode()
        except OSError as error:
            errors = f'error: {error}'.encode()
        finally:
            with self._lock:
                self._process = None
            self._tell(False)
        lines = errors.decode(errors='replace').strip().splitlines()
        if lines and lines[-1].lower().startswith('error'):
            self.health.event(f'espeak-ng: {lines[-1]} (is there a sound card?)')

    def _on_voice_activity(self, message):
        if message.data and self.setting('barge_in') and self._process is not None:
            self.health.count('interrupted')
            self._silence()

    def _silence(self):
        self._worker.clear()
        with self._lock:
            if self._process is not None:
                self._process.terminate()


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(SpeakerNode, args)
