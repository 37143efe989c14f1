"""Node bag_player: the sound, images and events of a recorded bag, published as they were, with `/clock`.

Publishes the bag's topics (mcap or sqlite3; names made relative, so that the namespace applies; what the assistant
publishes itself is left out) and `/clock` (rosgraph_msgs/Clock). In real time, at another `rate`, or, with
`lockstep`, as fast as `audio/progress` (Header) follows and never more than `lead` seconds ahead of it. Begins when
each topic has a subscriber and the nodes of `wait_for` show on `diagnostics`, or after `wait` s. Types that are not
installed are reported and left out; a bag that cannot be read ends the node with a message that names it. Run the
other nodes with `use_sim_time` (and `reliable`, where nothing may be lost).
"""
import threading
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import Header

from robot_ai.bags import Bag
from robot_ai.errors import BagError, ConfigurationError
from robot_ai.nodes.common import RESULT_QOS, Parameter, PlainNode, run
from robot_ai.nodes.playback import Playback

CLOCK_STEP = 20_000_000  # ns between two /clock at least, in the bag's time
AUDIO_TYPES = ('Audio', 'Int16MultiArray')  # how the names of sound's types begin
POLL = 0.02  # s between two looks at what is waited for


class BagPlayerNode(PlainNode):
    """Owns the playing thread; see the module's docstring."""

    NAME = 'bag_player'
    PARAMETERS = (
        Parameter('bag', '', 'the bag: a folder, or a .mcap or .db3 file'),
        Parameter('rate', 1.0, "speed; 2 plays in half the recording's time", '', 0.01, 100.0),
        Parameter('lockstep', False, 'play as fast as audio/progress follows, whatever `rate` says'),
        Parameter('lead', 2.0, 'how far lockstep may run ahead of audio/progress', 's', 0.0, 2.0),
        Parameter('loop', False, 'begin again at the end; /clock is then set back'),
        Parameter('tail', 3.0, 'how long /clock runs on after the last message', 's', 0.0, 600.0),
        Parameter('wait', 20.0, 'how long to wait, before the first message, for somebody to subscribe each topic',
                  's', 0.0, 600.0),
        Parameter('wait_for', [''], 'nodes of this namespace that must run, as `diagnostics` tell, before the first '
                  'message'),
        Parameter('patience', 20.0, 'lockstep: how long to wait for audio/progress before playing by `rate`', 's',
                  0.1, 600.0),
        Parameter('inputs_only', True, 'leave out what the assistant publishes itself (transcripts, states, ...)'),
        Parameter('topics', [''], 'play these topics only, named as in the bag; empty: all'),
        Parameter('source_namespace', '', "namespace taken off the names of the bag's topics"),
    )

    def __init__(self, **node_arguments):
        """Open the bag and begin to play; BagError names a bag that cannot be read."""
        super().__init__(**node_arguments)
        if not self.setting('bag'):
            raise ConfigurationError('bag_player: the parameter bag is empty; give it a bag, e.g. '
                                     '--ros-args -p bag:=recording.mcap')
        self._bag = Bag(self.setting('bag'))
        self._playback = Playback(self, self._bag, lossless=self.setting('reliable'),
                                  topics=[t for t in self.setting('topics') if t],
                                  inputs_only=self.setting('inputs_only'),
                                  namespace=self.setting('source_namespace'))
        self._audio = {t.name for t in self._bag.topics if t.name in self._playback.topics
                       and t.type.rpartition('/')[2].startswith(AUDIO_TYPES)}
        self._progress = threading.Condition()
        self._consumed = None  # ns, stamp of the newest audio/progress
        self._offset = None  # ns, from the bag's times to the sound's stamps
        self._running = set()  # names of the nodes that were heard on `diagnostics`: they spin
        self.create_subscription(Header, 'audio/progress', self._on_progress, RESULT_QOS)
        self.create_subscription(DiagnosticArray, 'diagnostics', self._on_diagnostics, 10)
        self._stopping = threading.Event()
        self.finished = threading.Event()
        self.health.value('bag', str(self._bag.path))
        self.health.value('duration', self._bag.duration)
        self._thread = threading.Thread(target=self._run, name='bag_player', daemon=True)
        self._thread.start()

    def close(self):
        """Stop playing."""
        self._stopping.set()
        with self._progress:
            self._progress.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)
        self._bag.close()

    def _on_progress(self, message):
        with self._progress:
            self._consumed = message.stamp.sec * 1_000_000_000 + message.stamp.nanosec
            self._progress.notify_all()

    def _on_diagnostics(self, array):
        self._running.update(status.name.rpartition('/')[2] for status in array.status)

    # -- the playing thread

    def _run(self):
        try:
            self._wait_for_subscribers()
            while not self._stopping.is_set():
                self._play()
                self.health.count('rounds')
                if not self.setting('loop'):
                    break
            if not self._stopping.is_set():
                self.get_logger().info(f'played {self._bag.path}')
                self.health.value('playing', 'ended')
        except BagError as error:
            self.health.fault(str(error))
        except Exception:
            if rclpy.ok(context=self.context):  # else the context went away under the thread, at shutdown
                raise
        finally:
            self.finished.set()

    def _wait_for_subscribers(self):
        end = time.monotonic() + self.setting('wait')
        missing, wanted = self._playback.topics, {name for name in self.setting('wait_for') if name}
        while (missing or wanted) and time.monotonic() < end and not self._stopping.wait(POLL):
            missing = [t for t in self._playback.topics if not self._playback.subscribers(t)]
            wanted -= self._running
        if self._stopping.is_set():
            return
        if missing:
            self.health.event(f'nobody subscribes {", ".join(missing)}; playing all the same')
        if wanted:
            self.health.event(f'{", ".join(sorted(wanted))} did not start; playing all the same')

    def _play(self):
        """Play the bag once."""
        lockstep = self.setting('lockstep') and bool(self._audio)
        self._consumed = self._offset = None
        now, sent = self._bag.start_ns, None
        pace = _Pace(self.setting('rate'), now)
        self.health.value('playing', 'in lockstep' if lockstep else f'rate {self.setting("rate"):g}')
        self._playback.publish_clock(now)
        for message in self._playback.messages():
            while now < message.time_ns and not self._stopping.is_set():
                now = min(message.time_ns, now + CLOCK_STEP)
                if lockstep:
                    if sent is not None and not self._followed(now, sent):
                        lockstep, pace = False, _Pace(self.setting('rate'), now)
                else:
                    self._stopping.wait(pace.wait(now))
                self._playback.publish_clock(now)
            if self._stopping.is_set():
                return
            self._playback.publish(message)
            self.health.count('messages')
            if message.topic in self._audio:
                sent = message.time_ns
        end = now + round(self.setting('tail') * 1e9)
        if lockstep and sent is not None:
            self._followed(sent + round(self.setting('lead') * 1e9), sent)
        pace = _Pace(self.setting('rate'), now)
        while now < end and not self._stopping.is_set():
            now = min(end, now + CLOCK_STEP)
            if not lockstep:
                self._stopping.wait(pace.wait(now))
            self._playback.publish_clock(now)

    def _followed(self, now, sent) -> bool:
        """Wait until `now` (ns) is no more than `lead` ahead of the sound consumed; False: nobody consumes.

        `sent` is the time of the newest sound published. Stamps may come from another clock than the bag's
        times, so the first block is waited for and gives the difference.
        """
        lead = round(self.setting('lead') * 1e9)
        end = time.monotonic() + self.setting('patience')
        with self._progress:
            while not self._stopping.is_set():
                if self._consumed is not None:
                    if self._offset is None:
                        self._offset = self._consumed - sent
                    consumed = self._consumed - self._offset
                    if consumed >= sent or now - consumed <= lead:
                        return True
                if time.monotonic() > end:
                    self.health.event(
                        f'audio/progress has not followed for {self.setting("patience"):g} s; playing at rate '
                        f'{self.setting("rate"):g}: is speech_to_text active?')
                    return False
                self._progress.wait(POLL)
        return True


class _Pace:
    """How long to sleep until a time of the bag is due."""

    def __init__(self, rate, start_ns):
        self._rate, self._start, self._begun = rate, start_ns, time.monotonic()

    def wait(self, now_ns) -> float:
        due = self._begun + (now_ns - self._start) / 1e9 / self._rate
        return max(0.0, due - time.monotonic())


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(BagPlayerNode, args)
