"""Lifecycle node speech_to_text: sound in, Spanish text out.

Subscribes `audio` (any type of docs/topics.md), `recognition_context` (String JSON, transient local: phrases to
expect, endpointing profile), `robot_speaking` (Bool). Publishes `transcript` (String, final text),
`transcript/partial`, `transcript/detail` (String JSON, robot_ai.payloads.TranscriptDetail), `voice_activity`
(Bool), `audio/progress` (Header: stamp of the last sample consumed) and, where hri_msgs is installed, REP-155's
voices. Without its model the node stays unconfigured and its diagnostics name the file. Another `engine` gives finals
only, without times of words and confidence; one in the cloud needs `allow_cloud`. With a `wake_word` only what follows
it is published.

The recogniser holds no thread: callbacks convert and queue, one worker runs it. While the robot speaks, sound is
left out (parameter barge_in lets it through).
"""
import time

import rclpy
from std_msgs.msg import Bool, Header, String

from robot_ai.errors import RobotAIError
from robot_ai.model_store import find_model
from robot_ai.nodes import hri
from robot_ai.nodes.audio_input import AudioInput
from robot_ai.nodes.audio_messages import MAX_RATE, MIN_RATE, PcmFormat
from robot_ai.nodes.audio_time import DRIFTED, MS, RESTARTED, VOICE_GONE, SpeechGate, Timeline
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS, ManagedNode, Parameter, run
from robot_ai.payloads import RecognitionContext, Stamp, TranscriptDetail, WordDetail
from robot_ai.speech import spanish
from robot_ai.speech.audio import SampleClock, StreamingResampler
from robot_ai.speech.endpointing import PROFILES
from robot_ai.speech.other_engines import CLOUD_ENGINES, ENGINES, OURS, make_recognizer
from robot_ai.speech.wake import WakeWord
from robot_ai.worker import Worker

SILENT_AFTER_NS = 1_500 * MS  # of ROS time without sound: what was being said is over
SKEW_NS = 2_000 * MS  # between stamps and clock; more is no delay but two clocks that disagree
ECHO_LEAD_NS = 300 * MS  # an utterance that began this short before the robot spoke is the robot


class SpeechToTextNode(ManagedNode):
    """Owns the worker thread, the topics and the time; see the module's docstring."""

    NAME = 'speech_to_text'
    PARAMETERS = (
        Parameter('model', '', 'model folder, or folder of model folders; empty: the models shipped'),
        Parameter('engine', OURS, "who turns utterances into text: ours, or an engine of SpeechRecognition's that is "
                  'installed', choices=ENGINES),
        Parameter('engine_model', '', "another engine's model: a folder (vosk), a name or path (the whispers); empty: "
                  'its default'),
        Parameter('allow_cloud', False, 'let an engine in the cloud have what people say'),
        Parameter('wake_word', '', 'phrase that an utterance for the robot begins with, e.g. "hola robot"; empty: all '
                  'are for it', check=lambda v: '' if not v or spanish.fold(v) else f'{v!r} has no letters'),
        Parameter('awake', 10.0, 'how long after an utterance for it, or its own answer, the robot listens without the '
                  'wake word', 's', 0.0, 3600.0),
        Parameter('numerals', False, 'write numbers as numerals in `transcript` ("veinte" -> "20"); '
                  '`transcript/detail` keeps what was heard', live=True),
        Parameter('threads', 1, 'threads that inference may use', minimum=1, maximum=64),
        Parameter('profile', 'normal', 'endpointing profile before a dialogue chooses one',
                  choices=tuple(PROFILES)),
        Parameter('partials', True, 'publish what is heard before the end of an utterance', live=True),
        Parameter('barge_in', False, 'listen while the robot speaks: for robots that cancel their own echo',
                  live=True),
        Parameter('gate_tail', 0.4, 'how long to stay deaf after the robot has spoken', 's', 0.0, 10.0),
        Parameter('queue', 200, 'messages of sound that may wait for the recogniser; more drops the oldest',
                  minimum=1, maximum=100_000),
        Parameter('input_rate', 0, f'rate of sound whose messages do not tell it, {MIN_RATE} to {MAX_RATE}; 0: '
                  'such sound is refused', 'Hz',
                  check=lambda v: '' if v == 0 or MIN_RATE <= v <= MAX_RATE else
                  f'{v} Hz; expected 0 or {MIN_RATE} to {MAX_RATE} Hz'),
        Parameter('input_channels', 1, 'channels of sound whose messages do not tell them', '', 1, 8),
        Parameter('voice_id', 'robot_ai', "id of the voice in REP-155's topics",
                  check=lambda v: '' if v.isidentifier() else f'{v!r} is no topic name: letters, digits and _'),
        Parameter('locale', 'es-ES', "locale that REP-155's LiveSpeech tells"),
    )

    def __init__(self, recognizer_factory=None, **node_arguments):
        """Declare the parameters.

        `recognizer_factory(folder, threads, profile)` returns what has SpeechRecognizer's `stream()`; by
        default SpeechRecognizer itself.
        """
        super().__init__(**node_arguments)
        self._make_recognizer = recognizer_factory or _default_recognizer
        self._recognizer = self._worker = self._input = self._voice = self._wake = None
        self._publishers_made, self._subscriptions_made, self._timer = [], [], None

    def configure(self):
        """Load the model; ModelError names what is missing or altered, ConfigurationError an engine that is."""
        self._recognizer = self._made_recognizer()
        self._wake = WakeWord(self.setting('wake_word'), self.setting('awake')) if self.setting('wake_word') else None
        info = getattr(self._recognizer, 'info', None)
        if info is not None:
            self.health.model(info)
        make = self._make_publisher
        self._text = make(String, 'transcript', RESULT_QOS)
        self._partial = make(String, 'transcript/partial', RESULT_QOS)
        self._detail = make(String, 'transcript/detail', RESULT_QOS)
        self._activity = make(Bool, 'voice_activity', RESULT_QOS)
        self._progress = make(Header, 'audio/progress', RESULT_QOS)
        if hri.available():
            self._voice = hri.HriVoice(self, self.setting('voice_id'), self.setting('locale'))
        # Both are latched or rare; listening begins here so that `activate` misses nothing.
        self._subscribe(String, 'recognition_context', self._on_context, STATE_QOS)
        self._subscribe(Bool, 'robot_speaking', self._on_robot_speaking, RESULT_QOS)
        self._gate = SpeechGate(int(self.setting('gate_tail') * 1000) * MS)
        self._expected = None

    def _made_recognizer(self):
        engine = self.setting('engine')
        if engine == OURS:
            folder = find_model('speech', self.setting('model'))
            return self._make_recognizer(folder, self.setting('threads'), self.setting('profile'))
        if engine in CLOUD_ENGINES and self.setting('allow_cloud'):
            self.get_logger().warning(f'every utterance is sent to the servers of the engine {engine!r}')
        given = {'model': self.setting('engine_model')} if self.setting('engine_model') else {}
        recognizer = make_recognizer(engine, '', profile=self.setting('profile'),
                                     allow_cloud=self.setting('allow_cloud'), **given)
        self.health.value('model', engine)
        return recognizer

    def cleanup(self):
        """Let go of the model, publishers and subscriptions."""
        for publisher in self._publishers_made:
            self.destroy_publisher(publisher)
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        if self._voice is not None:
            self._voice.destroy()
        self._publishers_made, self._subscriptions_made = [], []
        self._voice = self._recognizer = None

    def activate(self):
        """Start the worker and look for sound."""
        reliable = self.setting('reliable')
        self._stream = self._recognizer.stream()
        if self._wake:
            self._wake.reset()
            self._stream.set_context(phrases=(self._wake.phrase,))
        self._hearing = _Hearing()
        self._timeline = Timeline(lossless=reliable)
        self._gate.reset()
        self._last_sound = None
        self._worker = Worker(self._work, self.setting('queue'), wait=reliable, name='speech_to_text',
                              on_drop=lambda item: self.health.count('audio dropped'),
                              on_error=self.bug)
        if self._expected is not None:
            self._worker.put(('context', self._expected))
        rate = self.setting('input_rate')
        given = PcmFormat(rate, self.setting('input_channels')) if rate else None
        self._input = AudioInput(self, self._on_block, self._timeline.reset, given=given)
        self._timer = self.every(0.5, self._on_timer)
        for counter in ('audio messages', 'audio dropped', 'audio refused', 'utterances'):
            self.health.count(counter, 0)
        self.health.sample('audio queue', lambda: self._worker.waiting if self._worker else 0)

    def deactivate(self):
        """Stop listening; what was being said is finished and published."""
        if self._input is not None:
            self._input.destroy()
            self.destroy_timer(self._timer)
        self._input = None
        if self._worker is not None and self._worker.stop() and rclpy.ok(context=self.context):
            self._guarded(self._finish)
        self._worker = self._stream = None

    def _make_publisher(self, kind, topic, qos):
        self._publishers_made.append(self.create_publisher(kind, topic, qos))
        return self._publishers_made[-1]

    def _subscribe(self, kind, topic, callback, qos):
        self._subscriptions_made.append(self.create_subscription(kind, topic, callback, qos))

    def _now(self):
        return self.get_clock().now().nanoseconds

    # -- callbacks, in the executor's thread

    def _on_block(self, block):
        now = self._now()
        begin, change = self._timeline.place(block.stamp_ns, now, len(block.samples), block.rate)
        if change == DRIFTED:
            self.health.count('audio drifts')
            self.health.event('the sound and its stamps drifted apart by more than 50 ms; stamps start anew')
        elif change == RESTARTED and self._last_sound is not None:
            self.health.count('audio restarts')
            self.health.event('the sound starts anew: a gap of over a second, another rate or a clock set back')
            if now < self._last_sound:
                self._gate.reset()
        self._last_sound = now
        end = begin + block.duration_ns
        if change == RESTARTED and block.stamp_ns and not self.setting('reliable') and abs(now - end) > SKEW_NS:
            self.health.event(f'the stamps of the sound differ from this clock by {(end - now) / 1e9:+.1f} s: '
                              'synchronise the clocks of robot and computer (chrony), or set use_sim_time')
        gated = not self.setting('barge_in') and (
            self._gate.covers(begin, end) or
            (not self.setting('reliable') and self._gate.covers(now - block.duration_ns, now)))
        self._worker.put(('block', block, begin, end, change == RESTARTED, gated))

    def _on_timer(self):
        """End what was being said where sound stops coming (in ROS time; a replay's clock runs ahead of it)."""
        if self._gate.speaking and not self.has_publisher('robot_speaking'):  # else it stayed deaf for ever
            self._gate.tell(False, self._now())
            self.health.event(VOICE_GONE)
        if self._last_sound is None or self.setting('reliable'):
            return
        if not 0 <= self._now() - self._last_sound <= SILENT_AFTER_NS:  # a clock set back must not hold it open
            self._last_sound = None
            self._timeline.reset()
            self._worker.put(('finish',))

    def _on_robot_speaking(self, message):
        self._gate.tell(message.data, self._now())
        self.health.value('robot speaking', self._gate.speaking)

    def _on_context(self, message):
        try:
            self._expected = RecognitionContext.from_json(message.data)
        except RobotAIError as error:
            self.health.event(f'recognition_context: {error}')
            return
        if self._worker is not None:
            self._worker.put(('context', self._expected))

    # -- the worker's thread

    def _work(self, item):
        kind = item[0]
        if kind == 'block':
            self._guarded(self._hear, *item[1:])
        elif kind == 'context':
            wake = (self._wake.phrase,) if self._wake else ()
            self._guarded(self._stream.set_context, phrases=(*item[1].phrases, *wake), profile=item[1].endpointing)
        else:
            self._guarded(self._finish)

    def _guarded(self, function, *arguments, **named):
        try:
            function(*arguments, **named)
        except RobotAIError as error:
            self.health.event(f'{self.NAME}: {error}')

    def _hear(self, block, begin, end, restarted, gated):
        hearing, started = self._hearing, time.monotonic()
        if restarted or hearing.format not in (None, (block.rate, block.samples.shape[1])):
            self._finish()
        if gated and not hearing.gated:
            hearing.echo_from = begin
        hearing.gated = gated
        # Gated sound counts as time but is not heard; it ends what was being said.
        self._publish(self._stream.accept(hearing.push(block, begin), muted=gated))
        if gated and self._wake:
            self._wake.keep_awake(self._stream.position)
        spent, heard = time.monotonic() - started, block.duration_ns / 1e9
        self.health.count('audio gated s' if gated else 'audio heard s', heard)
        hearing.load += min(1.0, heard / 10) * (spent / heard - hearing.load)  # over about ten seconds
        self.health.value('real-time factor', hearing.load)
        self._progress.publish(Header(stamp=_time(end), frame_id=block.frame_id))

    def _finish(self):
        """End the stream and begin another."""
        hearing = self._hearing
        if hearing.resampler is not None:
            rest = hearing.resampler.flush()
            self._publish([*self._stream.accept(rest, muted=hearing.gated), *self._stream.finish()])
            self._stream.reset()
            if self._wake:
                self._wake.reset()  # its times were the stream's
        hearing.reset()

    def _publish(self, results):
        for result in results:
            kind = type(result).__name__
            if kind == 'VoiceActivity':
                self._activity.publish(Bool(data=result.active))
                if self._voice:
                    self._voice.activity(result.active, _time(self._hearing.to_ns(result.time)))
            elif kind == 'Partial':
                text = self._wake.partial(result.text, result.start) if self._wake else result.text
                if self.setting('partials') and text is not None:
                    self._partial.publish(String(data=text))
                    if self._voice:
                        self._voice.partial(text, _time(self._hearing.to_ns(result.start)))
            elif result.text:
                final = self._wake.filter(result) if self._wake else result
                if final is None:
                    self.health.count('not for the robot')
                else:
                    self._publish_final(final)

    def _publish_final(self, final):
        start, end = self._hearing.to_ns(final.start), self._hearing.to_ns(final.end)
        if self._hearing.gated and start > self._hearing.echo_from - ECHO_LEAD_NS:
            self.health.count('echoes left out')
            return
        words = tuple(WordDetail(word.text, round(word.start - final.start, 3), round(word.end - final.start, 3),
                                 round(word.confidence, 4)) for word in final.words)
        detail = TranscriptDetail(
            stamp=Stamp.from_ns(start), text=final.text, confidence=round(final.confidence, 4), words=words,
            language=final.language, duration=round(final.end - final.start, 3),
            latency=round(max(0.0, (self._now() - end) / 1e9), 3))
        self._detail.publish(String(data=detail.to_json()))
        text = spanish.digits(final.text) if self.setting('numerals') else final.text
        self._text.publish(String(data=text))
        if self._voice:
            self._voice.final(text, final.confidence, _time(start))
            self._voice.track(False, _time(end))
        self.health.count('utterances')
        self.health.value('latency', detail.latency)


class _Hearing:
    """What the worker keeps of the sound fed to the stream since its reset."""

    def __init__(self):
        self.gated = False
        self.echo_from = 0  # ns, when the newest gating began
        self.load = 0.0  # s of work a s of sound
        self.reset()

    def reset(self):
        self.format = self.resampler = self._clock = None

    def push(self, block, begin_ns):
        """Return the block as 16 kHz mono, float32 [m], noting when it was heard."""
        if self.resampler is None:
            self.format = (block.rate, block.samples.shape[1])
            self.resampler = StreamingResampler(*self.format)
            self._clock = SampleClock(block.rate)
        self._clock.push(len(block.samples), begin_ns, stamped=True)
        return self.resampler.push(block.samples)

    def to_ns(self, position):
        """Return the ROS time (ns) of a position of the stream in s."""
        return self._clock.time_of(round(position * self._clock.rate)) if self._clock else 0


def _time(nanoseconds):
    from builtin_interfaces.msg import Time
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def _default_recognizer(folder, threads, profile):
    from robot_ai.speech.recognizer import open_recognizer
    return open_recognizer(folder, threads=threads, profile=profile)


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(SpeechToTextNode, args)
