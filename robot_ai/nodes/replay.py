"""A bag played through the assistant in one process, step by step: the same outcome every time, on any load.

Each step publishes a `/clock` or one message of the bag, then runs whatever follows from it until every queue is
empty and every worker idle; only then comes the next step. So it does not matter how fast a recogniser or the
computer is: what a dialogue makes the recognisers expect always takes effect at the same sample. It rests on a
message being in the queues of this process's subscribers when `publish` returns, as Fast DDS and Cyclone DDS do.
"""
import os
import random
import time
from pathlib import Path

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor, TimeoutException
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import String

from robot_ai.bags import Bag, relative_name
from robot_ai.errors import BagError, DialogueError, ModelError, PayloadError
from robot_ai.nodes.assembly import Assembly, installed
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS
from robot_ai.nodes.playback import Playback
from robot_ai.payloads import CharactersDetail, StateReport, TranscriptDetail
from robot_ai.testing import HeardText, HeardWord, Outcome, SeenSymbol

CLOCK_STEP = 100_000_000  # ns between two /clock at most
TAIL = 3.0  # s that the clock runs on after the last message, so that the dialogue can answer
MATCHING = 20.0  # s to wait for DDS to match publishers and subscriptions of this process
CONSUMERS = {  # a topic's first level -> the node that must run for it to mean anything
    'audio': 'speech_to_text', 'image': 'character_recognizer'}
STUCK = 120.0  # s that one step's work may take: a recogniser needs a second at most
NODES = ('speech_to_text', 'character_recognizer', 'state_machine', 'speaker')


class Stepper(SingleThreadedExecutor):
    """An executor that runs everything that is ready, and says when nothing is left."""

    def settle(self, nodes):
        """Run callbacks, and wait for the workers of `nodes`, until there is nothing to do.

        Workers are waited for before each look, so that what is ready, and its order, never depends on how fast
        they are. BagError where one step takes longer than STUCK.
        """
        end = time.monotonic() + STUCK
        while True:
            for node in nodes:
                if not node.wait_idle(max(0.0, end - time.monotonic())):
                    raise BagError(f'{node.get_name()} was stuck for {STUCK:.0f} s in the replay')
            if not self._run_ready():
                return

    def _run_ready(self) -> bool:
        """Run what is ready at this moment; return whether there was anything."""
        ran = False
        while True:
            try:
                handler, _, _ = self.wait_for_ready_callbacks(timeout_sec=0)
            except TimeoutException:
                return ran
            ran = True
            handler()
            if handler.exception() is not None:
                raise handler.exception()


class _Witness:
    """Notes what the assistant publishes, with times from the start of the bag."""

    def __init__(self, node, start_ns, watch):
        self.outcome = Outcome()
        self._start, self._watch, self._node = start_ns, watch, node
        for topic, callback, qos in (
                ('transcript/partial', self._partial, RESULT_QOS), ('transcript/detail', self._final, RESULT_QOS),
                ('characters/detail', self._symbol, RESULT_QOS), ('state', self._state, STATE_QOS),
                ('say', self._say, RESULT_QOS)):
            node.create_subscription(String, topic, lambda m, c=callback: c(m.data), qos)

    def _at(self, stamp):
        return (stamp.ns - self._start) / 1e9

    def _now(self):
        return (self._node.get_clock().now().nanoseconds - self._start) / 1e9

    def _partial(self, text):
        self._watch('partial', self._now(), text)

    def _final(self, data):
        detail = TranscriptDetail.from_json(data)
        start = self._at(detail.stamp)
        words = tuple(HeardWord(w.text, start + w.start, start + w.end) for w in detail.words)
        self.outcome.transcripts.append(HeardText(detail.text, start, words))
        self._watch('final', self._now(), detail)

    def _symbol(self, data):
        try:
            detail = CharactersDetail.from_json(data)
        except PayloadError:
            return
        self.outcome.symbols.append(SeenSymbol(detail.latex, self._at(detail.stamp)))
        self._watch('symbol', self._now(), detail)

    def _state(self, data):
        report = StateReport.from_json(data)
        self.outcome.states.append(report.state)
        self._watch('state', self._now(), report)

    def _say(self, text):
        self.outcome.say.append(text)
        self._watch('say', self._now(), text)


def replay(bag: str | Path, *, dialogue: str = '', models: str = '', params_files=(), rate: float = 0.0,
           topics=(), namespace: str = '', nodes=NODES, watch=lambda kind, at, what: None,
           report=lambda text: None, with_nodes=lambda assembly: None, log_level: str = 'error') -> Outcome:
    """Play a bag through the assistant and return what came out.

    `dialogue`, `models`, `params_files` as for `robot-ai assistant`; `rate`: 0 as fast as possible, 1 no faster
    than real time; `topics` and `namespace` choose and name the bag's topics; `nodes` are started. `watch(kind, at,
    what)` is told of each 'partial' (text), 'final' (TranscriptDetail), 'symbol' (CharactersDetail), 'state'
    (StateReport) and 'say' (text) as it comes, `report(line)` of nodes that do not run, `with_nodes(assembly)` is
    called once all run, `log_level` is ROS's. The outcome does not depend on `rate`. Raises BagError, DialogueError
    or, where a recogniser that the bag needs does not run, ModelError.
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with Bag(bag) as opened:
        context = Context()
        rclpy.init(args=['--ros-args', '--log-level', log_level], context=context, domain_id=private_domain())
        executor = Stepper(context=context)
        try:
            return _Run(opened, executor, context, rate).run(
                dialogue, models, params_files, topics, namespace, nodes, watch, report, with_nodes)
        finally:
            executor.shutdown(timeout_sec=0)
            rclpy.try_shutdown(context=context)


def _overrides(**values):
    return [Parameter(name, value=value) for name, value in values.items()]


def private_domain() -> int:
    """Return ROS_DOMAIN_ID, or one by chance: a replay must not speak through a robot that is running."""
    given = os.environ.get('ROS_DOMAIN_ID', '')
    return int(given) if given.isdigit() else random.randint(1, 100)


class _Run:
    def __init__(self, bag, executor, context, rate):
        self._bag, self._executor, self._context, self._rate = bag, executor, context, rate
        self._spun = []

    def run(self, dialogue, models, params_files, topics, namespace, nodes, watch, report, with_nodes):
        player = Node('bag_player', context=self._context)
        assembly = Assembly(self._executor, params_files=params_files, report=report)
        self._executor.add_node(player)
        playback = None
        try:
            playback = Playback(player, self._bag, lossless=True, topics=topics, namespace=namespace)
            witness_node = Node('witness', context=self._context, parameter_overrides=_overrides(use_sim_time=True))
            self._executor.add_node(witness_node)
            witness = _Witness(witness_node, self._bag.start_ns, watch)
            self._make(assembly, nodes, dialogue, models)
            self._spun = list(assembly.nodes.values())
            self._wait_for_matches(assembly, playback, namespace)
            with_nodes(assembly)
            self._play(playback, assembly)
            return witness.outcome
        finally:
            assembly.close()
            if playback is not None:
                playback.destroy()

    def _make(self, assembly, nodes, dialogue, models):
        given = {name: {'use_sim_time': True, 'reliable': True} for name in nodes if installed(name)}
        for name in ('speech_to_text', 'character_recognizer'):
            if name in given and models:
                given[name]['model'] = str(models)
        if 'state_machine' in given and dialogue:
            given['state_machine']['dialogue'] = str(dialogue)
        if 'speaker' in given:
            given['speaker']['backend'] = 'none'
        for name, values in given.items():
            assembly.make(name, **values)

    def _wait_for_matches(self, assembly, playback, namespace):
        """Wait until whoever must hear a topic has subscribed it; an error where that node does not run."""
        if 'state_machine' in assembly.failures:
            raise DialogueError(f'state_machine does not run: {assembly.failures["state_machine"]}')
        missing = {}
        for topic in playback.topics:
            consumer = CONSUMERS.get(relative_name(topic, namespace).partition('/')[0])
            if consumer is None or relative_name(topic, namespace).endswith('_info'):
                continue
            if consumer in assembly.failures:
                raise ModelError(f'{consumer} does not run, which {topic} of {self._bag.path} needs: '
                                 f'{assembly.failures[consumer]}')
            if consumer in assembly.nodes:
                missing[topic] = consumer
        end = time.monotonic() + MATCHING
        while missing := {t: c for t, c in missing.items() if not playback.subscribers(t)}:
            if time.monotonic() > end:
                topic, consumer = missing.popitem()
                raise BagError(f'{self._bag.path}: {consumer} does not take {topic}: '
                               f'{assembly.nodes[consumer].health.last_error or "it has not subscribed"}')
            self._executor.spin_once(timeout_sec=0.05)

    def _play(self, playback, assembly):
        now = self._bag.start_ns
        self._begun = time.monotonic()
        self._step(playback, now)
        for message in playback.messages():
            now = self._advance(playback, now, message.time_ns)
            playback.publish(message)
            self._executor.settle(self._spun)
        for name in tuple(assembly.nodes):
            if name == 'speech_to_text':
                assembly.deactivate(name)  # publishes an utterance that is still open
        self._executor.settle(self._spun)
        self._advance(playback, now, now + round(TAIL * 1e9))

    def _advance(self, playback, now, until):
        while now < until:
            now = min(until, now + CLOCK_STEP)
            self._keep_pace(now)
            self._step(playback, now)
        return now

    def _step(self, playback, now):
        playback.publish_clock(now)
        self._executor.settle(self._spun)

    def _keep_pace(self, now):
        """At a given rate, serve whatever comes (a web page, say) until `now` is due."""
        if not self._rate:
            return
        due = self._begun + (now - self._bag.start_ns) / 1e9 / self._rate
        while (left := due - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)
