"""What every node shares: parameters from one table, diagnostics, QoS, lifecycle and a `main` that ends cleanly.

A node lists its parameters as a tuple of `Parameter`; descriptors, ranges and the refusal of bad values follow
from it. Whoever reads a value calls `node.setting(name)`. A node that loads something heavy derives from
`ManagedNode` and overrides `configure`, `activate`, `deactivate` and `cleanup`, which raise a RobotAIError to
refuse the transition; others derive from `PlainNode`. Both publish `diagnostics` once a second of the steady
clock, so that a stopped simulation is seen too.
"""
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import uninstall_signal_handlers
from rclpy.utilities import remove_ros_args

from robot_ai.errors import ConfigurationError, RobotAIError
from robot_ai.nodes.health import Health

RESULT_QOS = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)  # transcripts, symbols, events
STATE_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE,  # the last value, for late joiners too
                       durability=DurabilityPolicy.TRANSIENT_LOCAL)
LOSSLESS_QOS = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node; its type is that of `default` (bool, int, float, str or a list of one of them).

    `minimum` and `maximum` bound numbers (inclusive, in `unit`), `choices` lists the strings allowed, `check`
    takes the value and returns '' or the reason why it cannot be used. Where `live` is false the node reads
    the value when it is configured (or started), so a change is refused after that.
    """

    name: str
    default: object
    description: str
    unit: str = ''
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[object], str] | None = None
    live: bool = False

    def fault(self, value) -> str:
        """Return '' where `value` (already of the right type) can be used, else the reason why not."""
        unit = f' {self.unit}' if self.unit else ''
        if isinstance(value, float) and not math.isfinite(value):
            return f'{self.name}: expected a finite number, got {value}'
        if self.minimum is not None and value < self.minimum:
            return f'{self.name}: {value}{unit} is below the least value, {self.minimum}{unit}'
        if self.maximum is not None and value > self.maximum:
            return f'{self.name}: {value}{unit} is above the greatest value, {self.maximum}{unit}'
        if self.choices and value not in self.choices:
            return f'{self.name}: {value!r} is none of {", ".join(self.choices)}'
        reason = self.check(value) if self.check else ''
        return f'{self.name}: {reason}' if reason else ''

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(name=self.name, description=self.description)
        hints = [f'unit: {self.unit}'] if self.unit else []
        if self.choices:
            hints.append(f'one of: {", ".join(self.choices)}')
        if not self.live:
            hints.append('read when the node is configured or started')
        descriptor.additional_constraints = '; '.join(hints)
        if type(self.default) is int and (self.minimum, self.maximum) != (None, None):
            low = -2**63 if self.minimum is None else int(self.minimum)
            high = 2**63 - 1 if self.maximum is None else int(self.maximum)
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
        elif type(self.default) is float and (self.minimum, self.maximum) != (None, None):
            low = -sys.float_info.max if self.minimum is None else float(self.minimum)
            high = sys.float_info.max if self.maximum is None else float(self.maximum)
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        return descriptor


RELIABLE = Parameter('reliable', False, 'take and give streams (sound, images) reliably and keep all of them: '
                     'for replaying bags, where nothing may be lost')
AUTOSTART = Parameter('autostart', False, 'configure and activate by itself at start, where no lifecycle '
                      'manager (the launch file, `robot-ai assistant`) does it')


def stream_qos(reliable: bool, depth: int = 5) -> QoSProfile:
    """Return the QoS of a stream of sound or images: best effort keeping `depth`, or reliable and keep-all."""
    return LOSSLESS_QOS if reliable else QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)


class _Shared:
    """What PlainNode and ManagedNode share; `PARAMETERS` is the node's own table."""

    PARAMETERS: tuple[Parameter, ...] = ()

    def _set_up(self, parameters):
        self._table = {}
        self._settled = False  # True: parameters that are not live are refused
        self.add_on_set_parameters_callback(self._check_parameters)
        for parameter in parameters:
            self._table[parameter.name] = parameter
            try:
                self.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
            except InvalidParameterTypeException as error:
                raise ConfigurationError(
                    f'{self.get_name()}: parameter {parameter.name}: expected '
                    f'{type(parameter.default).__name__} like {parameter.default!r} ({error})') from None
            except InvalidParameterValueException as error:
                reason = str(error).partition('Reason: ')[2].removesuffix(f': {parameter.name}')
                raise ConfigurationError(f'{self.get_name()}: parameter {reason or error}') from None
        self.health = Health(self)

    def setting(self, name: str):
        """Return the present value of a parameter of the table."""
        return self.get_parameter(name).value

    def every(self, period: float, callback):
        """Call `callback` every `period` s; return the timer.

        With use_sim_time these are seconds of /clock, so that a replay's steps stay exact; else of the steady clock: a
        timer on the wall clock would rest for an hour where that is set back by one, as computers without a battery do
        once they have found a network.
        """
        simulated = self.get_parameter('use_sim_time').value
        clock = self.get_clock() if simulated else Clock(clock_type=ClockType.STEADY_TIME)
        return self.create_timer(period, callback, clock=clock)

    def has_publisher(self, topic: str) -> bool:
        """Return whether anybody publishes `topic` (a relative name)."""
        return self.count_publishers(self.resolve_topic_name(topic)) > 0

    def _check_parameters(self, parameters):
        for given in parameters:
            parameter = self._table.get(given.name)
            if parameter is None:
                continue
            if given.type_ == given.Type.NOT_SET:
                return SetParametersResult(successful=False, reason=f'{given.name}: cannot be unset')
            if self._settled and not parameter.live:
                return SetParametersResult(
                    successful=False, reason=f'{given.name}: {self._why_settled()}')
            reason = parameter.fault(given.value)
            if reason:
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _why_settled(self):
        return 'is read at start; give it then (--ros-args -p) and start the node again'

    def bug(self, text: str):
        """Report a traceback from a thread; at shutdown, when publishers are gone already, it means nothing."""
        if rclpy.ok(context=self.context):
            self.health.event(f'a bug: {text}')

    def wait_idle(self, timeout: float) -> bool:
        """Wait until the node's worker, where it has one, has done everything; False after `timeout` s."""
        worker = getattr(self, '_worker', None)
        return worker is None or worker.wait_idle(timeout)

    def start(self):
        """Called by `run` before the node spins."""

    def close(self):
        """Stop threads and release devices; called before the node is destroyed. May be called twice."""


class PlainNode(_Shared, Node):
    """A node without a lifecycle. Derived classes set NAME and PARAMETERS and create the rest in __init__."""

    NAME = 'node'

    def __init__(self, **node_arguments):
        """Declare the parameters; ConfigurationError where a value given cannot be used."""
        super().__init__(self.NAME, **node_arguments)
        self._set_up((RELIABLE, *self.PARAMETERS))
        self._settled = True


class ManagedNode(_Shared, LifecycleNode):
    """A lifecycle node. Derived classes override configure, activate, deactivate and cleanup.

    A hook that raises RobotAIError refuses the transition (FAILURE: the node stays where it was, and its
    diagnostics show the message until a transition succeeds). Whatever else it raises is a bug: logged with
    its traceback, and the node goes back to unconfigured through cleanup.
    """

    NAME = 'node'

    def __init__(self, **node_arguments):
        """Declare the parameters, nothing heavy; ConfigurationError where a value given cannot be used."""
        super().__init__(self.NAME, **node_arguments)
        self._set_up((RELIABLE, AUTOSTART, *self.PARAMETERS))
        self.health.value('state', 'unconfigured')

    def configure(self):
        """Load and create; undone by `cleanup`, which is called too when this raises."""

    def activate(self):
        """Begin to work."""

    def deactivate(self):
        """Cease to work, keeping what was loaded."""

    def cleanup(self):
        """Release everything that `configure` made; must stand being called when it made only a part."""

    @property
    def active(self) -> bool:
        """Whether the node is in the state active."""
        return self._state_machine.current_state[1] == 'active'

    def start(self):
        """Configure and activate where the parameter `autostart` says so."""
        if self.setting('autostart') and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def close(self):
        """Undo what the present state holds, without a transition's services."""
        state = self._state_machine.current_state[1]
        if state in ('active', 'activating'):
            self._attempt('deactivate', self.deactivate)
        if state not in ('unconfigured', 'finalized'):
            self._attempt('cleanup', self.cleanup)

    def on_configure(self, state):
        """Call `configure`; on failure undo it, and stay unconfigured."""
        self._settled = True
        result = self._transition('configure', self.configure, 'inactive', state)
        if result != TransitionCallbackReturn.SUCCESS:
            self._attempt('cleanup', self.cleanup)
            self._settled = False
        return result

    def on_activate(self, state):
        """Call `activate`; on failure undo it, and stay inactive."""
        result = self._transition('activate', self.activate, 'active', state)
        if result != TransitionCallbackReturn.SUCCESS:
            self._attempt('deactivate', self.deactivate)
        return result

    def on_deactivate(self, state):
        """Call `deactivate`."""
        return self._transition('deactivate', self.deactivate, 'inactive', state)

    def on_cleanup(self, state):
        """Call `cleanup`."""
        result = self._transition('cleanup', self.cleanup, 'unconfigured', state)
        self._settled = False
        return result

    def on_shutdown(self, state):
        """Undo what the state left holds."""
        if state.label == 'active':
            self._attempt('deactivate', self.deactivate)
        if state.label in ('active', 'inactive'):
            self._attempt('cleanup', self.cleanup)
        self.health.value('state', 'finalized')
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state):
        """After a bug in a hook: release everything and return to unconfigured."""
        self._attempt('deactivate', self.deactivate)
        self._attempt('cleanup', self.cleanup)
        self._settled = False
        self.health.value('state', 'unconfigured')
        return TransitionCallbackReturn.SUCCESS

    def _why_settled(self):
        return (f'is read on configure; first: ros2 lifecycle set {self.get_fully_qualified_name()} '
                'cleanup (after deactivate)')

    def _transition(self, name, hook, reached, state):
        try:
            hook()
        except RobotAIError as error:
            self.health.fault(f'{name} failed: {error}')
            return TransitionCallbackReturn.FAILURE
        except Exception:
            if not rclpy.ok(context=self.context):
                return TransitionCallbackReturn.FAILURE  # a signal came: nothing can be made in a context that ends
            self.health.fault(f'{name} failed by a bug: {traceback.format_exc()}')
            return TransitionCallbackReturn.ERROR
        self.health.recovered()
        self.health.value('state', reached)
        self.get_logger().info(f'{state.label} -> {reached}')
        return TransitionCallbackReturn.SUCCESS

    def _attempt(self, name, hook):
        try:
            hook()
        except Exception:
            self.bug(f'{name} failed: {traceback.format_exc()}')


def spin(executor):
    """Spin until SIGINT, SIGTERM or a shutdown from elsewhere, and return.

    rclpy's own signal handler ends the context at once, so what a callback is just publishing may fail: that is
    no fault. Whatever a callback raises while the context lives comes through.
    """
    try:
        executor.spin()
    except ExternalShutdownException:
        pass
    except Exception:
        if rclpy.ok():
            raise


def end_signals():
    """Let no signal disturb what follows, the release of devices; call it before an executor is shut down.

    rclpy answers a signal in a thread of its own, which wakes the guard conditions of executors. One that is destroyed
    meanwhile crashes the process, so this waits for that thread; and a second Ctrl-C is ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    uninstall_signal_handlers()


def run(node_class, args: list[str] | None = None) -> int:
    """Run one node until SIGINT or SIGTERM; the exit status: 0, or 1 where it could not start.

    `args` are the command line without the program's name; those of ROS are taken, others are refused.
    """
    arguments = sys.argv if args is None else [node_class.NAME, *args]
    spare = remove_ros_args(arguments)[1:]
    if spare in (['-h'], ['--help']):
        print(_help(node_class))
        return 0
    if spare:
        print(f'{node_class.NAME}: unknown argument {spare[0]!r}; parameters go after --ros-args, e.g.\n'
              f'  {node_class.NAME} --ros-args -p use_sim_time:=true', file=sys.stderr)
        return 2
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')  # this machine only, unless told otherwise
    node, executor, begun = None, None, False
    try:
        # rclpy passes signals on to Python's handlers; SIGTERM too must break off a load in the main thread.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as it is for a shell's background job
            signal.signal(signal.SIGINT, signal.default_int_handler)
        rclpy.init(args=arguments)
        begun = True
        node = node_class()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        node.start()
        spin(executor)
    except KeyboardInterrupt:
        pass
    except RobotAIError as error:
        print(f'{node_class.NAME}: {str(error).removeprefix(f"{node_class.NAME}: ")}', file=sys.stderr)
        return 1
    except Exception as error:
        if node is None and isinstance(error, _rclpy.RCLError) and (not begun or rclpy.ok()):  # no keystore, a bad name
            print(f'{node_class.NAME}: ROS 2 refuses to start it: {" ".join(str(error).split())}', file=sys.stderr)
            return 1
        if not begun or rclpy.ok():  # else a signal has ended ROS amid the start, and whatever that broke is no fault
            raise
    finally:
        end_signals()
        if executor is not None:
            executor.shutdown(timeout_sec=0)
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _help(node_class):
    lines = [sys.modules[node_class.__module__].__doc__.strip(), '', 'parameters:']
    for parameter in node_class.PARAMETERS:
        unit = f' {parameter.unit}' if parameter.unit else ''
        choices = f' ({", ".join(parameter.choices)})' if parameter.choices else ''
        lines.append(f'  {parameter.name}: {parameter.description}{choices}; default {parameter.default!r}{unit}')
    return '\n'.join([*lines, '', 'example:', f'  {node_class.NAME} --ros-args -p use_sim_time:=true'])
