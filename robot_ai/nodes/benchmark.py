"""One pass of a bag through the assistant in real time, its nodes as processes of their own, everything measured.

The bag is played here, with `/clock`, so that each stamp of the sound belongs to one moment of this process's clock;
what comes back is timed by when DDS received it. A latency counts from that moment of the sound to the receipt: waiting
for the silence that ends an utterance is part of it, as it is for the person who speaks.
"""
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Header, String

from robot_ai.bags import Bag, relative_name
from robot_ai.errors import BagError, PayloadError
from robot_ai.load import LoadWatch
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS
from robot_ai.nodes.node_processes import NodeProcesses
from robot_ai.nodes.playback import Playback
from robot_ai.nodes.replay import CONSUMERS, NODES, private_domain
from robot_ai.payloads import CharactersDetail, StateReport, TranscriptDetail
from robot_ai.speech.spanish import fold
from robot_ai.testing import HeardText, HeardWord, Outcome, SeenSymbol

CLOCK_STEP = 50_000_000  # ns between two /clock at most
TAIL = 4.0  # s that the clock runs on after the last message, so that the dialogue can answer
CATCH_UP = 60.0  # s that the recogniser may be behind at the end, on a busy machine
STALLED = 10.0  # s without progress after which nothing is waited for: stamps of another clock tell nothing
LAST_REPORT = 30.0  # s to wait for the nodes' last diagnostics, which come once a second
MATCHING = 120.0  # s to wait for DDS to match publishers and subscriptions
LOOK_EVERY = 0.5  # s between two looks at the processes
ANSWER = 2.0  # s after a transcript in which a sentence counts as its answer
SAME_MOMENT = 2_000_000  # ns that a state's `since` may differ from the end of the speech that led to it
LATENCIES = ('consumed', 'partial', 'final', 'final_after_silence', 'state', 'say', 'symbol')


@dataclass
class Pass:
    """What one pass brought. Latencies in s by kind (LATENCIES); times of `outcome` from the start of the bag."""

    outcome: Outcome = field(default_factory=Outcome)
    confidences: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)  # s from the start of the bag, of each transcript
    final_latencies: list[float] = field(default_factory=list)  # s, of each transcript
    latencies: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in LATENCIES})
    words_without_partial: int = 0
    sent: dict[str, int] = field(default_factory=dict)  # messages by stream: audio, image
    diagnostics: dict[str, dict[str, str]] = field(default_factory=dict)  # node -> its last report
    real_time_factors: list[float] = field(default_factory=list)  # of speech_to_text, once a second
    nodes: dict[str, dict[str, float]] = field(default_factory=dict)  # node -> cold_start_s, cpu_share, resident_mb
    cold_start: float = 0.0  # s from the first process's start until every node was ready
    duration: float = 0.0  # s of the bag
    latest: float = 0.0  # s, the most that the player was behind its own time
    others_share: float = 0.0  # cores that everything else on the machine kept busy meanwhile


def run_pass(bag: str | Path, *, speech=None, dialogue: str = '', models: str = '', params_files=(),
             reliable: bool = False, nodes=NODES) -> Pass:
    """Play a bag once in real time and return what was measured.

    `speech`: further parameters of speech_to_text, {name: value}; `reliable` sends sound and images so that nothing
    can be lost, where a robot sends them best effort. Raises RobotAIError where the bag, a model or a node cannot
    be used.
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    domain = private_domain()
    context = Context()
    with Bag(bag) as opened:
        rclpy.init(args=['--ros-args', '--log-level', 'error'], context=context, domain_id=domain)
        executor = SingleThreadedExecutor(context=context)
        try:
            with NodeProcesses(domain, params_files) as processes:
                player = Node('bag_player', context=context)
                executor.add_node(player)
                for name in nodes:
                    processes.start(name, **_parameters(name, speech or {}, dialogue, models, reliable))
                playback = Playback(player, opened, lossless=reliable)
                measured = _Measured(player, opened, executor, processes, playback)
                processes.wait_ready(player, executor)
                measured.play()
                return measured.result()
        finally:
            executor.shutdown(timeout_sec=0)
            rclpy.try_shutdown(context=context)


def _parameters(name, speech, dialogue, models, reliable):
    given = {'use_sim_time': True, 'reliable': reliable}
    if name in ('speech_to_text', 'character_recognizer') and models:
        given['model'] = str(models)
    if name == 'speech_to_text':
        given |= speech
    if name == 'state_machine' and dialogue:
        given['dialogue'] = str(dialogue)
    if name == 'speaker':
        given['backend'] = 'none'
    return given


class _Measured:
    """Plays, listens and watches the processes."""

    def __init__(self, node, bag, executor, processes, playback):
        self._bag, self._executor, self._processes, self._playback = bag, executor, processes, playback
        self._node = node
        self._start_wall = 0  # ns of the system's clock at the bag's start
        self._out = Pass(duration=bag.duration)
        self._partials, self._finals, self._since_final = [], [], None
        self._consumed, self._heard_at = 0, 0.0  # ns, end of the sound heard; s, when that was told
        self._reported = set()  # nodes that told of themselves
        self._waiting_progress = []  # receipts of finals whose block's progress is still to come
        for topic, callback, qos, kind in (
                ('transcript/partial', self._on_partial, RESULT_QOS, String),
                ('transcript/detail', self._on_final, RESULT_QOS, String),
                ('characters/detail', self._on_symbol, RESULT_QOS, String),
                ('state', self._on_state, STATE_QOS, String), ('say', self._on_say, RESULT_QOS, String),
                ('audio/progress', self._on_progress, RESULT_QOS, Header),
                ('diagnostics', self._on_diagnostics, 50, DiagnosticArray)):
            node.create_subscription(kind, topic, _timed(callback), qos)

    def play(self):
        """Play the bag and its tail, and wait for the last reports."""
        self._match()
        self._watch = LoadWatch(self._processes.pids | {'player': os.getpid()})
        self._watch.look()
        self._next_look = time.monotonic() + LOOK_EVERY
        self._begun, self._start_wall = time.monotonic(), time.time_ns()
        now = last_sound = self._bag.start_ns
        self._playback.publish_clock(now)
        for message in self._playback.messages():
            now = self._advance(now, message.time_ns)
            self._playback.publish(message)
            stream = relative_name(message.topic).partition('/')[0]
            if stream == 'audio':
                last_sound = message.time_ns
            self._out.sent[stream] = self._out.sent.get(stream, 0) + (not message.topic.endswith('_info'))
        self._advance(now, now + round(TAIL * 1e9))
        self._watch.look()
        if 'audio' in self._out.sent:
            self._spin_while(lambda: self._consumed < last_sound - 1_000_000_000
                             and time.monotonic() - self._heard_at < STALLED, CATCH_UP)
        self._reported.clear()
        self._spin_while(lambda: self._processes.pids.keys() - self._reported, LAST_REPORT)
        self._processes.check_alive()

    def _spin_while(self, condition, seconds):
        end = time.monotonic() + seconds
        while condition() and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.1)

    def _match(self):
        """Wait until whoever must hear a topic, and everybody the clock, has subscribed it."""
        wanted = [t for t in self._playback.topics if not t.endswith('_info')
                  and CONSUMERS.get(relative_name(t).partition('/')[0]) in self._processes.pids]
        end = time.monotonic() + MATCHING
        while True:
            missing = [t for t in wanted if not self._playback.subscribers(t)]
            if self._playback.clock.get_subscription_count() < len(self._processes.pids):
                missing.append('/clock')
            if not missing:
                return
            if time.monotonic() > end:
                raise BagError(f'{self._bag.path}: nobody subscribes {missing[0]}')
            self._executor.spin_once(timeout_sec=0.05)

    def _advance(self, now, until):
        while now < until:
            now = min(until, now + CLOCK_STEP)
            due = self._begun + (now - self._bag.start_ns) / 1e9
            self._spin_until(due)
            self._out.latest = max(self._out.latest, time.monotonic() - due)
            self._playback.publish_clock(now)
        return now

    def _spin_until(self, due):
        while (left := due - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)
            if time.monotonic() > self._next_look:
                self._next_look += LOOK_EVERY
                self._watch.look()

    # -- what comes back; `at` is the receipt in ns of the system's clock

    def _since(self, at, stamp_ns) -> float:
        """Return the s from the moment of the sound with this stamp until `at`."""
        return ((at - self._start_wall) - (stamp_ns - self._bag.start_ns)) / 1e9

    def _on_partial(self, message, at):
        if message.data:
            self._partials.append((at, fold(message.data).split()))

    def _on_final(self, message, at):
        detail = TranscriptDetail.from_json(message.data)
        begin, end = detail.stamp.ns, detail.stamp.ns + round(detail.duration * 1e9)
        start = (begin - self._bag.start_ns) / 1e9
        out = self._out
        out.outcome.transcripts.append(HeardText(detail.text, start, tuple(
            HeardWord(w.text, start + w.start, start + w.end) for w in detail.words)))
        out.confidences.append(detail.confidence)
        out.ends.append((end - self._bag.start_ns) / 1e9)
        out.final_latencies.append(self._since(at, end))
        out.latencies['final'].append(self._since(at, end))
        for place, word in enumerate(detail.words):
            shown = next((then for then, words in self._partials
                          if len(words) > place and words[place] == fold(word.text)), None)
            if shown is None:
                out.words_without_partial += 1
            else:
                out.latencies['partial'].append(self._since(shown, begin + round(word.end * 1e9)))
        self._partials = []
        self._since_final = (at, end)
        self._waiting_progress.append(at)

    def _on_progress(self, message, at):
        stamp = message.stamp.sec * 1_000_000_000 + message.stamp.nanosec
        self._consumed, self._heard_at = max(self._consumed, stamp), time.monotonic()
        self._out.latencies['consumed'].append(self._since(at, stamp))
        for final_at in self._waiting_progress:  # the block that ended the utterance
            self._out.latencies['final_after_silence'].append(self._since(final_at, stamp))
        self._waiting_progress = []

    def _on_symbol(self, message, at):
        try:
            detail = CharactersDetail.from_json(message.data)
        except PayloadError:
            return
        self._out.outcome.symbols.append(SeenSymbol(detail.latex, (detail.stamp.ns - self._bag.start_ns) / 1e9))
        self._out.latencies['symbol'].append(self._since(at, detail.stamp.ns))
        self._since_final = None  # what is said next may answer what was written

    def _on_state(self, message, at):
        report = StateReport.from_json(message.data)
        self._out.outcome.states.append(report.state)
        for end in self._finals_ended():
            if abs(report.since.ns - end) <= SAME_MOMENT:
                self._out.latencies['state'].append(self._since(at, end))

    def _finals_ended(self):
        return {self._bag.start_ns + round(end * 1e9) for end in self._out.ends[-1:]}

    def _on_say(self, message, at):
        self._out.outcome.say.append(message.data)
        if self._since_final is not None and at - self._since_final[0] < ANSWER * 1e9:
            self._out.latencies['say'].append(self._since(at, self._since_final[1]))
        self._since_final = None

    def _on_diagnostics(self, message, at):
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            name = status.name.rpartition('/')[2]
            self._out.diagnostics[name] = values
            self._reported.add(name)
            if name == 'speech_to_text' and self._start_wall and 'real-time factor' in values:
                self._out.real_time_factors.append(float(values['real-time factor']))

    def result(self) -> Pass:
        """Return the pass."""
        out, starts = self._out, self._processes.cold_start
        out.cold_start, out.others_share = max(starts.values()), self._watch.others_share()
        for name in self._processes.pids:
            out.nodes[name] = {
                'cold_start_s': starts[name], 'cpu_share': self._watch.cpu_seconds(name) / self._watch.seconds(name),
                'resident_mb': self._watch.resident_mb(name)}
        return out


def _timed(callback):
    """Return a subscription's callback that gets the receipt too, in ns of the system's clock."""
    def called(message, info):
        callback(message, info['received_timestamp'] or time.time_ns())
    return called
