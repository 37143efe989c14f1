"""Lifecycle node web: the page beside the robot. It shows the topics below, and publishes what is done on it.

Subscribes `audio` (level only), `voice_activity`, `robot_speaking` (Bool), `transcript/partial`, `say` (String),
`transcript/detail`, `characters/detail`, `state`, `action` (String JSON), `diagnostics`. Publishes `audio`
(Int16MultiArray, 16 kHz mono, only while a page is the robot's ear), `transcript`, `transcript/detail` (typed
sentences, source `text`), `characters`, `characters/detail` (source `page`), `dialogue/event`. Pausing deactivates
the node speech_to_text; a page's microphone deactivates the node microphone meanwhile.

Without a character model the page works, and its writing panel says so. An address or port that cannot be used
refuses the activation with the reason.
"""
import json

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from std_msgs.msg import Bool, Int16MultiArray, String

from robot_ai.errors import ModelError, RobotAIError
from robot_ai.nodes.audio_input import AudioInput
from robot_ai.nodes.audio_messages import to_array_message
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS, ManagedNode, Parameter, run, stream_qos
from robot_ai.paths import find_file
from robot_ai.payloads import (
    ActionRequest,
    CharactersDetail,
    DialogueEvent,
    Stamp,
    StateReport,
    TranscriptDetail,
)
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.web.graph import dialogue_graph
from robot_ai.web.hub import Hub
from robot_ai.web.security import make_access
from robot_ai.web.server import Backend, PageServer
from robot_ai.web.showing import Screen
from robot_ai.web.writing import make_writer

LEVEL_EVERY = 0.1  # s between two levels sent to the pages
SILENT_DB = -60.0


class WebNode(ManagedNode, Backend):
    """Stands behind the page with ROS topics; see the module's docstring."""

    NAME = 'web'
    PARAMETERS = (
        Parameter('host', '127.0.0.1', 'address to listen on; elsewhere than on this machine the page needs the '
                  'token, and TLS is used'),
        Parameter('port', 8080, 'port to listen on; 0: any that is free', minimum=0, maximum=65_535),
        Parameter('token', '', 'what a browser elsewhere must show; empty: a random one, printed at start'),
        Parameter('certificate', '', 'TLS certificate, PEM; empty: one is made on first use'),
        Parameter('key', '', "the certificate's key, PEM"),
        Parameter('model', '', 'folder of model folders; empty: the models shipped'),
        Parameter('samples_folder', '', 'where corrected writing is kept for retraining; empty: nowhere'),
        Parameter('dialogue', 'acompanante.yaml', 'dialogue file whose graph and pictures are shown: a path, or a '
                  'name in config/dialogues'),
    )

    def __init__(self, **node_arguments):
        """Declare the parameters, nothing heavy."""
        super().__init__(**node_arguments)
        self._hub = self._server = self._writer = self._audio = self._input = None
        self._made = []
        self._level_at, self._peak = 0, 0.0

    def configure(self):
        """Load the recognisers of writing; what is missing is shown on the page and in the diagnostics."""
        self._writer = None
        try:
            self._writer = make_writer(self.setting('model'), self.setting('samples_folder'))
        except ModelError as error:
            self.health.event(str(error))

    def cleanup(self):
        """Let go of the recognisers."""
        self._writer = None

    def activate(self):
        """Listen; ConfigurationError where address, port, token or certificate cannot be used."""
        access = make_access(self.setting('host'), self.setting('port'), self.setting('token'),
                             self.setting('certificate'), self.setting('key'))
        self._hub = Hub()
        self._outputs = {name: self._keep(self.create_publisher(String, name, RESULT_QOS), 'publisher')
                         for name in ('transcript', 'transcript/detail', 'characters', 'characters/detail',
                                      'dialogue/event')}
        self._managers = {name: self._keep(self.create_client(ChangeState, f'{name}/change_state'), 'client')
                          for name in ('microphone', 'speech_to_text')}
        self._show_graph()
        self._show_topics()
        self._hub.publish('listening', True)
        self._server = PageServer(self, self._hub, access, self._writer)
        self._server.start()
        self.health.value('address', f'{access.host}:{self._server.port}')
        self.health.sample('pages', lambda: self._hub.client_count)
        self.get_logger().info('the page is served')  # its address holds the token, which logs must not keep

    def start(self):
        """Start as every lifecycle node, and show where the page is."""
        super().start()
        if self.announcement:
            print(self.announcement, flush=True)

    def deactivate(self):
        """Close the port; pages say that they are disconnected and come back by themselves."""
        if self._server is not None:
            self._server.stop()
        self._server = None
        if self._input is not None:
            self._input.destroy()
        self._input = None
        self._close_audio()
        for kind, made in self._made:
            getattr(self, f'destroy_{kind}')(made)
        self._made = []

    @property
    def announcement(self) -> str:
        """What to show the user: where the page is; '' while it is not served."""
        return self._server.announcement if self._server is not None else ''

    def _keep(self, made, kind):
        self._made.append((kind, made))
        return made

    # -- topics to pages

    def _show_topics(self):
        self._show(Bool, 'voice_activity', RESULT_QOS, lambda message: message.data)
        self._show(Bool, 'robot_speaking', RESULT_QOS, lambda message: message.data)
        self._show(String, 'transcript/partial', RESULT_QOS, lambda message: message.data)
        self._show(String, 'say', RESULT_QOS, lambda message: message.data)
        for topic, payload, qos in (('transcript/detail', TranscriptDetail, RESULT_QOS),
                                    ('characters/detail', CharactersDetail, RESULT_QOS),
                                    ('state', StateReport, STATE_QOS)):
            self._show(String, topic, qos, lambda message, payload=payload: json.loads(
                payload.from_json(message.data).to_json()))
        self._show(String, 'action', RESULT_QOS, self._on_action)
        listener = self.create_subscription(DiagnosticArray, 'diagnostics', self._on_diagnostics, 10)
        self._keep(listener, 'subscription')
        self._input = AudioInput(self, self._on_block)

    def _show(self, kind, topic, qos, convert):
        def forward(message):
            try:
                self._hub.publish(topic, convert(message))
            except (RobotAIError, ValueError) as error:
                self.health.event(f'{topic}: {error}')
        self._keep(self.create_subscription(kind, topic, forward, qos), 'subscription')

    def _on_action(self, message):
        action = ActionRequest.from_json(message.data)
        if self._screen.performs(action.name):
            why = self._screen.perform(action.name, action.arguments)
            self.event(DialogueEvent(action.id, 'failed' if why else 'done', why))
        return json.loads(message.data)

    def _on_diagnostics(self, array):
        for status in array.status:
            self._hub.publish('diagnostics', {
                'name': status.name, 'level': int.from_bytes(status.level, 'little'), 'message': status.message,
                'values': {pair.key: pair.value for pair in status.values}})

    def _on_block(self, block):
        """Send the level of the loudest sound since the last one sent, dB of full scale."""
        samples = block.samples.astype(np.float32)
        if np.issubdtype(block.samples.dtype, np.integer):
            samples /= np.iinfo(block.samples.dtype).max
        self._peak = max(self._peak, float(np.mean(samples * samples)) if samples.size else 0.0)
        now = self.get_clock().now().nanoseconds
        if abs(now - self._level_at) >= LEVEL_EVERY * 1e9:
            level = max(SILENT_DB, 10 * float(np.log10(self._peak + 1e-12)))
            self._hub.publish('level', round(level, 1))
            self._level_at, self._peak = now, 0.0

    def _show_graph(self):
        folder = None
        try:
            path = find_file(self.setting('dialogue'), 'config/dialogues')
            folder = path.parent
            self._hub.publish('graph', dialogue_graph(path))
        except RobotAIError as error:
            self.health.event(str(error))
        self._screen = Screen(self._hub, folder)

    # -- pages to topics (the server's thread calls these; rclpy publishes from any thread)

    def audio(self, samples):
        """Publish the page's sound."""
        if self._audio is not None:
            self._audio.publish(to_array_message(samples, SAMPLE_RATE))

    def microphone(self, on):
        """Open or close `audio`, and let the robot's own microphone rest meanwhile."""
        self._in_executor(self._open_audio if on else self._close_audio)
        self._set_active('microphone', not on)

    def utterance(self, text):
        """Publish a typed sentence as heard with certainty."""
        self._publish('transcript/detail', TranscriptDetail(self._stamp(), text, source='text').to_json())
        self._publish('transcript', text)

    def written(self, detail):
        """Publish what was written on the page."""
        self._publish('characters/detail', detail.to_json())
        self._publish('characters', detail.latex)

    def event(self, event):
        """Publish a dialogue event."""
        self._publish('dialogue/event', event.to_json())

    def listening(self, on):
        """Pause or resume the node speech_to_text."""
        self._set_active('speech_to_text', on, lambda: self._hub.publish('listening', on))

    def now(self):
        """Return the node's time as a stamp."""
        return self._stamp()

    def _publish(self, topic, text):
        self._outputs[topic].publish(String(data=text))

    def _stamp(self):
        return Stamp.from_ns(self.get_clock().now().nanoseconds)

    def _in_executor(self, function):
        if self.executor is not None:
            self.executor.create_task(function)

    def _open_audio(self):
        self._close_audio()
        self._audio = self.create_publisher(Int16MultiArray, 'audio', stream_qos(self.setting('reliable')))

    def _close_audio(self):
        publisher, self._audio = self._audio, None
        if publisher is not None:
            self.destroy_publisher(publisher)

    def _set_active(self, node, active, done=None):
        """Ask a lifecycle node of the same namespace to work or rest; `done()` is called when it does."""
        def ask():
            client = self._managers[node]
            if not client.service_is_ready():
                if done is not None:
                    self.health.event(f'{node} is not there: it cannot be paused or resumed')
                return
            transition = Transition.TRANSITION_ACTIVATE if active else Transition.TRANSITION_DEACTIVATE
            future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
            future.add_done_callback(
                lambda answered: done() if done and answered.result() and answered.result().success else None)
        self._in_executor(ask)


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(WebNode, args)
