"""Record the topics of a running assistant into a bag (mcap), until Ctrl-C.

Sound, images, transcripts, symbols, states: all that is published, each message as it comes, with the time of its
arrival. The bag holds voices and pictures of people: keep it as you would keep those. `robot-ai replay` plays it
through the recognisers and the dialogue again.

For example:
  robot-ai record visita
  robot-ai record visita --topics /audio /image --seconds 60
"""
import os
import shutil
import time

from robot_ai.bags import BagWriter
from robot_ai.errors import BagError, ConfigurationError, UsageError

QUIET = 5.0  # s without any topic after which to say so


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument('bag', metavar='BAG', help='folder to make')
    parser.add_argument('--topics', nargs='+', default=(), metavar='TOPIC', help='record these only (default: all)')
    parser.add_argument('--no-images', action='store_true', help='leave pictures out: they make most of the size')
    parser.add_argument('--seconds', type=float, default=0.0, metavar='S', help='end after so long (default: Ctrl-C)')
    parser.add_argument('--sim-time', action='store_true', help='take the times from /clock')


def run(options) -> int:
    """Record; 0 when the bag was closed, 1 where nothing came."""
    if not 0 <= options.seconds < float('inf'):
        raise UsageError(f'--seconds {options.seconds:g}: expected 0 (until Ctrl-C) or more')
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    try:
        import rclpy
        from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
        from rclpy.parameter import Parameter

        from robot_ai.nodes.common import end_signals
        from robot_ai.nodes.recorder import Recorder
    except ImportError as error:
        raise ConfigurationError(f'recording needs ROS 2 ({error}): source it, or run `make venv`') from None
    rclpy.init()
    executor = node = None
    with BagWriter(options.bag) as writer:
        try:
            executor = SingleThreadedExecutor()
            node = Recorder(writer, topics=options.topics, images=not options.no_images, parameter_overrides=[
                Parameter('use_sim_time', value=options.sim_time)])
            executor.add_node(node)
            _spin(executor, node, options.seconds)
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        finally:
            end_signals()  # a second Ctrl-C must not leave a bag without its index
            if executor is not None:
                executor.shutdown(timeout_sec=0)
            if node is not None:
                node.destroy_node()
            rclpy.try_shutdown()
    if not writer.count:
        shutil.rmtree(writer.path)  # made above, and empty: it would only be in the way of the next try
        raise BagError(f'{options.bag}: nothing was published meanwhile; is the assistant running, in this ROS domain?')
    print(f'{options.bag}: {writer.count} messages')
    return 0


def _spin(executor, node, seconds):
    started, told = time.monotonic(), False
    while not seconds or time.monotonic() - started < seconds:
        executor.spin_once(timeout_sec=0.5)
        if not told and not node.taken and time.monotonic() - started > QUIET:
            node.get_logger().warning('nothing is published so far')
            told = True
