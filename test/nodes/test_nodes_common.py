"""The plumbing of all nodes: bad values are refused with reason, failures keep the state, signals end cleanly."""
import os
import signal
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

rclpy = pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from lifecycle_msgs.srv import ChangeState, GetState  # noqa: E402
from rclpy.parameter import Parameter as Given  # noqa: E402

from robot_ai.errors import ConfigurationError, ModelError  # noqa: E402
from robot_ai.nodes.common import ManagedNode, Parameter, PlainNode, run  # noqa: E402

pytestmark = pytest.mark.ros


class Lamp(ManagedNode):
    """A managed node whose hooks note their calls and fail on demand."""

    NAME = 'lamp'
    PARAMETERS = (
        Parameter('power', 5.0, 'power of the lamp', 'W', 1.0, 60.0, live=True),
        Parameter('colour', 'red', 'colour of the lamp', choices=('red', 'green')),
        Parameter('pins', 3, 'pins used', check=lambda v: '' if v % 2 else f'{v} is even'),
    )

    def __init__(self, **arguments):
        self.calls, self.failing = [], {}
        super().__init__(**arguments)

    def _hook(self, name):
        self.calls.append(name)
        if name in self.failing:
            raise self.failing[name]

    def configure(self):
        self._hook('configure')

    def activate(self):
        self._hook('activate')

    def deactivate(self):
        self._hook('deactivate')

    def cleanup(self):
        self._hook('cleanup')


def state_of(node):
    return node._state_machine.current_state[1]


@pytest.fixture
def lamp(graph):
    return graph.add(Lamp(), activate=False)


@pytest.mark.parametrize('name, value, reason', [
    ('power', 61.0, '60'), ('power', float('nan'), 'range'), ('power', 'much', 'DOUBLE'),
    ('colour', 'blue', "'blue' is none of red, green"), ('pins', 4, '4 is even')])
def test_a_bad_value_is_refused_with_the_reason_at_run_time_and_at_start(lamp, name, value, reason):
    result = lamp.set_parameters([Given(name, value=value)])[0]
    assert not result.successful and reason in result.reason
    with pytest.raises(ConfigurationError, match=name):
        Lamp(parameter_overrides=[Given(name, value=value)])


def test_descriptors_tell_unit_range_and_choices(lamp):
    power, colour = lamp.describe_parameters(['power', 'colour'])
    assert power.floating_point_range[0].to_value == 60.0 and 'unit: W' in power.additional_constraints
    assert 'red, green' in colour.additional_constraints and colour.description == 'colour of the lamp'


def test_what_is_read_on_configure_cannot_change_after_it_until_cleanup(lamp):
    lamp.trigger_configure()
    refused = lamp.set_parameters([Given('colour', value='green')])[0]
    assert not refused.successful and 'cleanup' in refused.reason
    assert lamp.set_parameters([Given('power', value=7.0)])[0].successful
    lamp.trigger_cleanup()
    assert lamp.set_parameters([Given('colour', value='green')])[0].successful


def test_transitions_by_service_over_dds(graph, lamp):
    change = graph.node.create_client(ChangeState, 'lamp/change_state')
    state = graph.node.create_client(GetState, 'lamp/get_state')
    for transition, label in ((1, 'inactive'), (3, 'active'), (4, 'inactive'), (2, 'unconfigured'),
                              (5, 'finalized')):
        graph.wait(change.service_is_ready)
        request = ChangeState.Request()
        request.transition.id = transition
        done = change.call_async(request)
        graph.wait(done.done)
        assert done.result().success
        asked = state.call_async(GetState.Request())
        graph.wait(asked.done)
        assert asked.result().current_state.label == label
    assert lamp.calls == ['configure', 'activate', 'deactivate', 'cleanup']


def test_a_refused_transition_leaves_the_state_and_is_undone(lamp):
    lamp.failing = {'configure': ModelError('models/x/model.yaml: missing')}
    assert lamp.trigger_configure().name == 'FAILURE' and state_of(lamp) == 'unconfigured'
    assert lamp.calls == ['configure', 'cleanup']
    status = lamp.health.status()
    assert status.level == DiagnosticStatus.ERROR and 'models/x/model.yaml: missing' in status.message
    lamp.failing = {}
    assert lamp.trigger_configure().name == 'SUCCESS' and state_of(lamp) == 'inactive'
    assert lamp.health.status().level == DiagnosticStatus.OK


def test_a_bug_in_a_hook_releases_everything_and_can_be_configured_again(lamp):
    lamp.trigger_configure()
    lamp.failing = {'activate': KeyError('a bug')}
    assert lamp.trigger_activate().name == 'ERROR' and state_of(lamp) == 'unconfigured'
    assert 'KeyError' in lamp.health.last_error
    lamp.failing = {}
    assert lamp.trigger_configure().name == 'SUCCESS'


def test_diagnostics_carry_rates_events_and_last_error(graph, lamp):
    received = graph.listen(DiagnosticArray, 'diagnostics')
    lamp.health.count('blocks', 3)
    lamp.health.sample('queue', lambda: 17)
    lamp.health.event('a block was lost')

    def values():
        return {pair.key: pair.value for pair in received[-1].status[0].values} if received else {}
    graph.wait(lambda: values().get('last_error'))  # one may have been published amid the lines above
    status, values = received[-1].status[0], values()
    assert status.name == '/lamp' and status.level == DiagnosticStatus.WARN
    assert values['blocks'] == '3' and float(values['blocks rate']) >= 0
    assert values['queue'] == '17' and values['last_error'] == 'a block was lost'


def test_a_flood_of_events_is_counted_but_logged_five_times_at_most(lamp, monkeypatch):
    lines = []
    monkeypatch.setattr(lamp, 'get_logger', lambda: type('Logger', (), {'warning': lines.append}))
    for _ in range(3):
        lamp.health.event('the same')
    for index in range(100):
        lamp.health.event(f'another, {index}')
    assert lines == ['the same', *(f'another, {index}' for index in range(4))]
    assert lamp.health.counted('errors') == 103 and lamp.health.last_error == 'another, 99'


def test_a_plain_node_takes_parameters_at_start_only(graph):
    class Bell(PlainNode):
        NAME = 'bell'
        PARAMETERS = (Parameter('pitch', 440, 'pitch of the bell', 'Hz', 20, 20_000),)
    bell = graph.add(Bell(parameter_overrides=[Given('pitch', value=880)]))
    assert bell.setting('pitch') == 880
    assert 'start' in bell.set_parameters([Given('pitch', value=20)])[0].reason


PROGRAM = """
    import sys, time
    import numpy as np
    from robot_ai.nodes import common, speech_to_text
    from robot_ai.nodes.common import run

    class Slow:
        def __init__(self, *_):
            if {where!r} == 'load':
                print('now', flush=True)
                time.sleep(600)
        def stream(self):
            return self
        def accept(self, samples, muted=False):
            print('now', flush=True)
            time.sleep(3)  # an inference that cannot be interrupted: the worker's thread sees no signal
            return []
        def finish(self):
            return []
        def reset(self):
            pass

    class Node(speech_to_text.SpeechToTextNode):
        def __init__(self, **arguments):
            super().__init__(Slow, **arguments)
        def start(self):
            super().start()
            if {where!r} == 'spin':
                print('now', flush=True)
            if {where!r} == 'inference':
                from robot_ai.nodes.audio_messages import Block
                self._on_block(Block(np.zeros((160, 1), np.int16), 16000, None))
                self._on_block(Block(np.zeros((160, 1), np.int16), 16000, None))
    sys.exit(run(Node, {arguments!r}))
"""


def start_program(where, tmp_path, *arguments):
    (tmp_path / 'model.yaml').write_text('kind: speech\n')
    arguments = ['--ros-args', '-p', 'autostart:=true', '-p', f'model:={tmp_path}', *arguments]
    code = textwrap.dedent(PROGRAM).format(where=where, arguments=arguments)
    return subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, 'PYTHONUNBUFFERED': '1'})


@pytest.mark.parametrize('where', ['load', 'inference', 'spin'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_node_cleanly_wherever_it_is(where, number, tmp_path):
    with start_program(where, tmp_path) as program:
        try:
            assert program.stdout.readline() == 'now\n'
            program.send_signal(number)
            _, errors = program.communicate(timeout=60)
        finally:
            program.kill()
    assert program.returncode == 0, errors
    assert 'Traceback' not in errors and 'Error' not in errors


def test_a_signal_that_ends_ros_amid_a_transition_is_no_bug():
    context = rclpy.Context()
    rclpy.init(context=context)
    lamp = Lamp(context=context)

    def configure():
        context.shutdown()
        raise RuntimeError('a publisher cannot be made')
    lamp.configure = configure
    assert lamp.on_configure(SimpleNamespace(label='unconfigured')).name == 'FAILURE'
    assert not lamp.health.last_error
    lamp.destroy_node()


def test_a_signal_that_ends_ros_amid_a_constructor_is_no_fault_but_a_bug_there_is(capsys):
    class Ended(PlainNode):  # what rclpy's handler does where SIGINT is ignored, as in a shell's background job
        def __init__(self):
            super().__init__()
            rclpy.shutdown()
            self.create_timer(1.0, print)

    class Broken(PlainNode):
        def __init__(self):
            super().__init__()
            raise ZeroDivisionError
    for node_class in (Ended, Broken):
        node_class.__module__, node_class.NAME = __name__, 'lamp'
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert run(Ended, []) == 0
        with pytest.raises(ZeroDivisionError):
            run(Broken, [])
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@pytest.mark.parametrize('arguments, status, message', [
    (['-p', 'gate_tail:=-1.0'], 1, 'gate_tail'), (['-p', 'input_rate:=4000'], 1, '4000 Hz'),
    (['-p', 'threads:=many'], 1, 'threads'), (['--', 'stray'], 2, "'stray'")])
def test_a_bad_command_line_is_one_message_not_a_traceback(arguments, status, message, tmp_path):
    with start_program('never', tmp_path, *arguments) as program:
        _, errors = program.communicate(timeout=60)
    assert program.returncode == status
    assert message in errors and 'Traceback' not in errors


def test_help_tells_topics_and_parameters_with_units(capsys):
    from robot_ai.nodes.speaker import main
    assert main(['--help']) == 0
    out = capsys.readouterr().out
    assert 'robot_speaking' in out and 'tail: time after the estimated end' in out and 'default 0.5 s' in out
