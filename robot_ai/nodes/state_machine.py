"""Node state_machine: runs a dialogue file on what is heard and seen, and says what the robot does.

Subscribes `transcript/detail`, `characters/detail` and `dialogue/event` (String JSON, robot_ai.payloads);
`transcript` or `characters` (String) instead, where a parameter says that a foreign recogniser publishes only
those; `robot_speaking` and `voice_activity` (Bool), `audio/progress` (Header). Publishes `state` (JSON, transient
local), `say` (String), `action` (JSON), `recognition_context` (JSON, transient local). Services `dialogue/reload`
and `dialogue/reset` (std_srvs/Trigger). A dialogue file that cannot be used is refused with line and column, and
the one before is kept.

Time is ROS time. What was heard counts from when the person began to speak, and timers wait for sound that is
still on its way through the recogniser, so that a bag leads through the same states as the live run did.
"""
import time

from rclpy.parameter import Parameter as RosParameter
from std_msgs.msg import Bool, Header, String
from std_srvs.srv import Trigger

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.events import seen
from robot_ai.dialogue.machine import Act, ActionResult, DialogueMachine, Heard, Listen, Named, Say, Seen, Tick
from robot_ai.dialogue.memory import default_memory_file, load_memory, save_memory
from robot_ai.errors import RobotAIError
from robot_ai.nodes.audio_time import MS, VOICE_GONE, SpeechGate
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS, Parameter, PlainNode, run
from robot_ai.paths import find_file
from robot_ai.payloads import (
    ActionRequest,
    CharactersDetail,
    DialogueEvent,
    RecognitionContext,
    Stamp,
    StateReport,
    TranscriptDetail,
)

TICK = 0.1  # s of ROS time between looks at the timers; they run at their own due times all the same
SETTLE = 0.5  # s of sound after a timer's due time: by then speech that began before it shows as voice activity
PROGRESS_LIVE = 3.0  # s without audio/progress after which timers follow the clock alone
LONGEST_HOLD = 30.0  # s that voice activity may hold timers back; a television talks longer
LONGEST_SPEECH = 600.0  # s of one utterance; more is a mistake
MOST_AHEAD = 2_000 * MS  # that a stamp may lie ahead of the clock
SAVE_EVERY = 60.0  # s of wall time between saves where nothing but the time has changed
JOIN_WAIT = 3.0  # s of wall time that a start waits for a voice and a performer: what is sent before, nobody gets


def _fault_of(name) -> str:
    try:
        load_dialogue(find_file(name, 'config/dialogues'))
    except RobotAIError as error:
        return str(error)
    return ''


class StateMachineNode(PlainNode):
    """Wires a DialogueMachine to topics, ROS time and a memory file; see the module's docstring."""

    NAME = 'state_machine'
    PARAMETERS = (
        Parameter('dialogue', 'acompanante.yaml', 'dialogue file: a path, or a name in config/dialogues', live=True,
                  check=_fault_of),
        Parameter('barge_in', False, 'hear what was said while the robot spoke: for robots that cancel their echo',
                  live=True),
        Parameter('speaking_tail', 0.4, 'how long after the robot has spoken sound may still be its own', 's',
                  0.0, 10.0),
        Parameter('plain_transcripts', False, 'take `transcript` (text only) of a foreign recogniser instead of '
                  '`transcript/detail`'),
        Parameter('plain_characters', False, 'take `characters` (LaTeX only) of a foreign recogniser instead of '
                  '`characters/detail`'),
        Parameter('plain_confidence', 0.8, 'confidence of a transcript that tells none', '', 0.0, 1.0, live=True),
        Parameter('memory_file', '', 'where state and slots survive a restart; empty: ~/.local/state/robot_ai/..., '
                  'but nowhere with use_sim_time; none: nowhere'),
        Parameter('seed', 0, 'varies which of several wordings is said', minimum=0, maximum=2**31),
    )

    def __init__(self, **node_arguments):
        """Load the dialogue and begin. ConfigurationError where a parameter cannot be used, the file included."""
        super().__init__(**node_arguments)
        self._gate = SpeechGate(int(self.setting('speaking_tail') * 1000) * MS)
        self._voice_since = self._progress = self._progress_at = None
        self._machine, self._saved, self._saved_at, self._stopped = None, None, -SAVE_EVERY, False
        self._memory_file = self._choose_memory()
        self._state = self.create_publisher(String, 'state', STATE_QOS)
        self._expected = self.create_publisher(String, 'recognition_context', STATE_QOS)
        self._say = self.create_publisher(String, 'say', RESULT_QOS)
        self._action = self.create_publisher(String, 'action', RESULT_QOS)
        plain_text, plain_latex = self.setting('plain_transcripts'), self.setting('plain_characters')
        listen = self._listen_to
        listen('transcript', self._on_text) if plain_text else listen('transcript/detail', self._on_transcript)
        listen('characters', self._on_latex) if plain_latex else listen('characters/detail', self._on_characters)
        listen('dialogue/event', self._on_event)
        self.create_subscription(Bool, 'robot_speaking', self._on_speaking, RESULT_QOS)
        self.create_subscription(Bool, 'voice_activity', self._on_voice, RESULT_QOS)
        self.create_subscription(Header, 'audio/progress', self._on_progress, RESULT_QOS)
        self.create_service(Trigger, 'dialogue/reload', self._on_reload)
        self.create_service(Trigger, 'dialogue/reset', self._on_reset)
        self.add_post_set_parameters_callback(self._on_parameters_set)
        self._dialogue = load_dialogue(find_file(self.setting('dialogue'), 'config/dialogues'))
        self.health.value('dialogue', self._dialogue.name)
        self._sent, self._performers = {}, 0  # {id: request} of the actions that are open; who listened to `action`
        self._made_at = time.monotonic()
        self.every(TICK, self._on_tick)

    def _listen_to(self, topic, callback):
        def guarded(message):
            try:
                callback(message.data)
            except RobotAIError as error:
                self.health.count('malformed messages')
                self.health.event(f'{topic}: {error}')
        self.create_subscription(String, topic, guarded, RESULT_QOS)

    def _choose_memory(self):
        given = self.setting('memory_file')
        if given == 'none' or (not given and self.get_parameter('use_sim_time').value):
            return None
        return given or default_memory_file(self.get_namespace())

    # -- time ----------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self.get_clock().now().nanoseconds / 1e9

    def _timers_until(self) -> float:
        """Return up to when timers may run: not past sound that the recogniser has not told of yet."""
        now = self._now()
        limit = now
        if self._progress_at is not None and 0 <= now - self._progress_at < PROGRESS_LIVE:
            limit = min(limit, self._progress - SETTLE)
        if self._voice_since is not None and 0 <= now - self._voice_since < LONGEST_HOLD:
            limit = min(limit, self._voice_since)
        return limit

    def _on_tick(self):
        if self._machine is None:
            if not self._joined():
                return
            self._begin()
        if self._gate.speaking and not self.has_publisher('robot_speaking'):
            self._gate.tell(False, self.get_clock().now().nanoseconds)
            self.health.event(VOICE_GONE)
        deadline = self._machine.next_deadline
        limit = self._timers_until()
        if (deadline is not None and deadline <= limit) or self._now() < self._last - 1.0:
            self._feed(Tick(), limit)
        self._send_again()
        self._save()

    def _send_again(self):
        """Send the open actions again where somebody new listens to `action`: a call for help reaches who comes late.

        A performer that was started again, or found late, gets what is still waited for, under the same id.
        """
        listening = self._action.get_subscription_count()
        if listening > self._performers and self._sent:
            for name in self._machine.open_actions:
                if name in self._sent:
                    self._send(self._action, self._sent[name])
        self._performers = listening

    def _joined(self) -> bool:
        """Whether what the start says and does reaches somebody, or has waited long enough for it.

        A call for help that a restart sends again must not be lost to discovery. A replay sees to this itself.
        """
        return (self.get_parameter('use_sim_time').value or time.monotonic() - self._made_at > JOIN_WAIT or
                all(p.get_subscription_count() for p in (self._say, self._action)))

    def _begin(self):
        """Start the machine at the first look at a running clock: where it was, or at the beginning."""
        now = self._now()
        self._last = self._fed = now
        self._performers = self._action.get_subscription_count()
        self._machine = DialogueMachine(self._dialogue, now, self.setting('seed'))
        if self._memory_file is not None:
            try:
                memory = load_memory(self._memory_file)
                if memory is not None:
                    problem = self._machine.restore(memory, now)
                    self.get_logger().info(f'memory: {problem or "resumed in " + self._machine.state}')
            except RobotAIError as error:
                self.health.event(str(error))
        self._feed(Tick(), now)

    def _feed(self, event, now):
        if self._machine is None:
            self._begin()
        if self._now() < self._last - 1.0:  # the clock itself was set back: so is the machine
            self._fed = now
        now = self._fed = max(now, self._fed)  # else an old stamp must not look like a clock set back
        self._last = max(now, self._now())
        outputs = self._machine.handle(event, now)
        self._save()  # before anybody is told: whoever dies in between begins the same actions again, and loses none
        self._publish(outputs)

    def _publish(self, outputs):
        for output in outputs:
            if isinstance(output, Say):
                self._say.publish(String(data=output.text))
                self.health.count('sentences')
            elif isinstance(output, Act):
                request = ActionRequest(output.id, output.name, output.arguments)
                self._send(self._action, request)
                self.health.count('actions')
                still_open = self._machine.open_actions
                self._sent = {name: kept for name, kept in {**self._sent, output.id: request}.items()
                              if name in still_open}
            elif isinstance(output, Listen):
                self._send(self._expected, RecognitionContext(output.phrases, output.endpointing, output.vision))
            else:
                self._send(self._state, StateReport(
                    output.state, Stamp.from_ns(round(output.since * 1e9)), output.last_event, output.why,
                    self._dialogue.name))
                self.health.value('state', output.state)
                event = output.last_event  # what is written on a paper is not for the log
                self.get_logger().info(f'state {output.state} ({"seen" if event.startswith("seen ") else event}'
                                       f'{": " + output.why if output.why else ""})')

    def _send(self, publisher, payload):
        publisher.publish(String(data=payload.to_json()))

    def _save(self):
        if self._memory_file is None or self._machine is None:
            return
        snapshot = self._machine.snapshot()
        content = {k: v for k, v in snapshot.items() if k != 'saved'}
        if content == self._saved and time.monotonic() - self._saved_at < SAVE_EVERY:
            return
        self._saved, self._saved_at = content, time.monotonic()
        snapshot['saved'] = max(snapshot['saved'], self._now())
        try:
            save_memory(self._memory_file, snapshot)
        except RobotAIError as error:
            self.health.event(str(error))

    # -- what comes in -------------------------------------------------------------------------------------

    def _on_transcript(self, data):
        detail = TranscriptDetail.from_json(data)
        begin = self._when('transcript', detail.stamp.ns)
        end = begin + int(min(max(0.0, detail.duration), LONGEST_SPEECH) * 1e9)
        if detail.source == 'microphone' and self._own_voice(begin):
            return
        self.health.count('transcripts')
        self._feed(Heard(detail.text, detail.confidence, began=begin / 1e9), end / 1e9)

    def _when(self, topic, stamp) -> int:
        """Return when something was heard or seen (ns): as stamped, but never ahead of this clock.

        One message from a clock that is wrong would drag every timer and reminder along into the future.
        """
        now = self.get_clock().now().nanoseconds
        if now and stamp - now > MOST_AHEAD:
            self.health.event(f'{topic}: stamped {(stamp - now) / 1e9:.1f} s ahead of this clock; taken as of now: '
                              'synchronise the clocks (chrony), or set use_sim_time')
            return now
        return stamp or now

    def _on_text(self, text):
        now = self.get_clock().now().nanoseconds
        if not self._own_voice(now):
            self.health.count('transcripts')
            self._feed(Heard(text, self.setting('plain_confidence')), now / 1e9)

    def _own_voice(self, begin) -> bool:
        """Whether sound that began at `begin` (ns) is the robot's own: it spoke then, or had just spoken."""
        if self.setting('barge_in') or not self._gate.covers(begin, begin + 1):
            return False
        self.health.count('own voice left out')
        return True

    def _on_characters(self, data):
        detail = CharactersDetail.from_json(data)
        self.health.count('readings')
        self._feed(seen(detail), self._when('characters', detail.stamp.ns) / 1e9)

    def _on_latex(self, latex):
        self.health.count('readings')
        self._feed(Seen(latex), self._now())

    def _on_event(self, data):
        event = DialogueEvent.from_json(data)
        self.health.count('events')
        if event.id:
            if event.status not in ('done', 'failed'):
                raise RobotAIError(f'DialogueEvent.status: expected done or failed, got {event.status!r}')
            self._feed(ActionResult(event.id, event.status == 'done', event.why), self._now())
        elif event.event:
            self._feed(Named(event.event, event.data), self._now())
        else:
            raise RobotAIError('DialogueEvent: expected an id with a status, or an event; both are empty')

    def _on_speaking(self, message):
        self._gate.tell(message.data, self.get_clock().now().nanoseconds)

    def _on_voice(self, message):
        """Note since when someone speaks: the last sound consumed is nearer to the truth than the clock."""
        known = self._progress if self._progress is not None else self._now()
        self._voice_since = min(known, self._now()) if message.data else None

    def _on_progress(self, message):
        self._progress = message.stamp.sec + message.stamp.nanosec / 1e9
        self._progress_at = self._now()

    # -- reload and reset ----------------------------------------------------------------------------------

    def _on_parameters_set(self, parameters):
        if any(p.name == 'dialogue' and p.type_ == RosParameter.Type.STRING for p in parameters):
            try:
                self._use(load_dialogue(find_file(self.setting('dialogue'), 'config/dialogues')))
            except RobotAIError as error:  # changed between check and use
                self.health.event(str(error))

    def _use(self, dialogue) -> str:
        """Go on with another dialogue, in the same state where it has one; return what was done."""
        snapshot = self._machine.snapshot() if self._machine else None
        self._dialogue, now = dialogue, self._now()
        self.health.value('dialogue', dialogue.name)
        self._machine = DialogueMachine(dialogue, now, self.setting('seed'))
        problem = 'it begins at its start'
        if snapshot is not None and snapshot['dialogue'] == dialogue.name:
            problem = self._machine.restore(snapshot, now, quiet=True)
        given_up = set(snapshot['actions'] if snapshot else ()) - set(self._machine.snapshot()['actions'])
        self._publish([Act(f'{name}-cancel', 'cancel', {'id': name}) for name in sorted(given_up)])
        self._feed(Tick(), now)
        return f'{dialogue.name}: ' + (problem or f'still in {self._machine.state}')

    def _on_reload(self, request, response):
        try:
            response.message = self._use(load_dialogue(find_file(self.setting('dialogue'), 'config/dialogues')))
            response.success = True
        except RobotAIError as error:
            response.success, response.message = False, f'the dialogue before is kept: {error}'
            self.health.event(response.message)
        return response

    def _on_reset(self, request, response):
        if self._machine is None:
            self._begin()
        self._publish(self._machine.restart(self._now()))
        self._feed(Tick(), self._now())
        response.success, response.message = True, f'started anew in {self._machine.state}'
        return response


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(StateMachineNode, args)
