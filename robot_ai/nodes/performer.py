"""Node performer: does what the dialogue's actions ask of a computer, and answers them.

Subscribes `action` (String JSON: id, name, arguments); publishes `dialogue/event` (String JSON: id, done or failed,
why). It performs `play_sound` (a file in the dialogue's folder), `notify` (a command of the owner's; off until
`notify_command` is set), `speech_rate` (asks the node speaker to speak slower) and `cancel`. Pictures and texts are
shown by the page. Other actions are the robot's own and stay unanswered here.
"""
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from std_msgs.msg import String

from robot_ai.dialogue.performers import Performer
from robot_ai.errors import ConfigurationError, RobotAIError
from robot_ai.nodes.common import RESULT_QOS, Parameter, PlainNode, run
from robot_ai.paths import find_file
from robot_ai.payloads import ActionRequest, DialogueEvent

USUAL_RATE = 150  # words a minute of the node speaker; speech_rate's factor is of it
SLOWEST_RATE = 80


class PerformerNode(PlainNode):
    """Answers actions; see the module's docstring."""

    NAME = 'performer'
    PARAMETERS = (
        Parameter('dialogue', 'acompanante.yaml', 'dialogue file beside which the sounds lie: a path, or a name in '
                  'config/dialogues'),
        Parameter('sound_command', [''], 'program and arguments that play a sound file given as last argument; '
                  "['']: the first installed of ffplay, pw-play, paplay, play, mpv"),
        Parameter('notify_command', [''], "program and arguments that tell a person, with {person} and {message}; "
                  "['']: off. No shell is used"),
    )

    def __init__(self, **node_arguments):
        """Begin to answer. ConfigurationError where the dialogue file is nowhere."""
        super().__init__(**node_arguments)
        self._events = self.create_publisher(String, 'dialogue/event', RESULT_QOS)
        folder = find_file(self.setting('dialogue'), 'config/dialogues').parent
        sound, notify = ([w for w in self.setting(n) if w] for n in ('sound_command', 'notify_command'))
        if notify and not any('{message}' in w or '{person}' in w for w in notify):
            raise ConfigurationError('notify_command: expected {message} or {person} in it, got ' + repr(notify))
        self._performer = Performer(self._answer, folder, sound, notify)
        self._speaker = self.create_client(SetParameters, 'speaker/set_parameters')
        self.health.value('notify', 'on' if notify else 'off')
        self.create_subscription(String, 'action', self._on_action, RESULT_QOS)

    def _on_action(self, message):
        try:
            action = ActionRequest.from_json(message.data)
        except RobotAIError as error:
            self.health.count('malformed messages')
            self.health.event(f'action: {error}')
            return
        if self._performer.performs(action.name):
            self.health.count('actions')
            self._performer.perform(action.id, action.name, action.arguments)
        elif action.name == 'cancel':
            self._performer.cancel(str(action.arguments.get('id', '')))
        elif action.name == 'speech_rate':
            self._slow_down(action)

    def _slow_down(self, action):
        factor = action.arguments.get('factor')
        if not isinstance(factor, (int, float)) or not 0.3 <= factor <= 2.0 or not self._speaker.service_is_ready():
            self._answer(action.id, 'no speaker listens, or the factor is not within 0.3 to 2')
            return
        rate = max(SLOWEST_RATE, round(USUAL_RATE * factor))
        value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=rate)
        request = SetParameters.Request(parameters=[ParameterMessage(name='words_per_minute', value=value)])
        self._speaker.call_async(request).add_done_callback(
            lambda future: self._answer(action.id, future.result().results[0].reason if future.result() else 'refused'))

    def _answer(self, identity, why):
        """Tell the end of an action; called from any thread."""
        if why:
            self.health.event(f'action {identity} failed: {why}')
        if not self.context.ok():
            return
        event = DialogueEvent(identity, 'failed' if why else 'done', why)
        self._events.publish(String(data=event.to_json()))

    def close(self):
        """End the programs that still run."""
        self._performer.close()


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(PerformerNode, args)
