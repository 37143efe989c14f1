"""Play a bag through the assistant and show what it hears, reads, says and does; with --expect, compare.

The bag goes through the recognisers and the dialogue step by step, so that every replay brings the same; --rate 1
plays it no faster than it was recorded. With --expect the exit status is 1 where texts, symbols, states or sentences
differ from the file, or a word's time by more than 20 ms; --update writes the file instead. --demo plays the bag
that comes with the package. Nothing is heard or moved: the replay runs in a ROS domain of its own, unless
ROS_DOMAIN_ID is set.

For example:
  robot-ai replay visita.mcap --expect visita.yaml --update
  robot-ai replay visita.mcap --expect visita.yaml
"""
import sys

from robot_ai.commands.live_view import LiveView
from robot_ai.errors import ConfigurationError, UsageError
from robot_ai.paths import share_directory
from robot_ai.testing import differences, load_outcome

DEMO = 'config/demo'


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument('bag', nargs='?', metavar='BAG', help='folder, .mcap or .db3 file')
    parser.add_argument('--demo', action='store_true', help='play the bundled bag in real time')
    parser.add_argument('--expect', metavar='FILE.yaml', help='what should come out')
    parser.add_argument('--update', action='store_true', help='write what came out to the file of --expect')
    parser.add_argument('--rate', type=float, metavar='N',
                        help='1: real time, 2: twice as fast; 0: as fast as possible (default; 1 with --demo)')
    parser.add_argument('--dialogue', default='', metavar='FILE', help='dialogue file (default: acompanante.yaml)')
    parser.add_argument('--models', default='', metavar='DIR', help='folder of model folders (default: those shipped)')
    parser.add_argument('--params-file', action='append', default=[], metavar='FILE',
                        help='parameters of the nodes, as for ros2 run (default: config/default.yaml)')
    parser.add_argument('--topics', nargs='+', default=(), metavar='TOPIC', help='play these topics only')
    parser.add_argument('--bag-namespace', default='', metavar='NAME',
                        help="namespace taken off the names of the bag's topics")
    parser.add_argument('--no-web', action='store_true', help='with --demo: without the page')
    parser.add_argument('--quiet', action='store_true', help='show differences and errors only')


def run(options) -> int:
    """Replay and compare; return 1 where the outcome is not the one expected."""
    bag, expected = options.bag, None
    if options.demo == bool(bag):
        raise UsageError('give a bag, or --demo for the bundled one; not both')
    if options.update and not options.expect:
        raise UsageError('--update needs --expect FILE.yaml: where to write')
    if options.expect and not options.update:
        expected = load_outcome(options.expect)  # a mistake in it should not show after the whole bag only
    if options.rate is not None and not 0 <= options.rate <= 100:
        raise UsageError(f'--rate {options.rate:g}: expected 0 to 100')
    rate = options.rate if options.rate is not None else float(options.demo)
    if options.demo:
        bag = share_directory() / DEMO / 'demo.mcap'
    outcome = _replay(bag, rate, options)
    if options.update:
        outcome.save(options.expect)
        print(f'written: {options.expect}')
    if expected is None:
        return 0
    lines = differences(expected, outcome)
    if lines:
        print('\n'.join([f'{bag}: not what {options.expect} expects', *lines]))
        return 1
    print(f'{bag}: as {options.expect} expects')
    return 0


def _replay(bag, rate, options):
    try:
        from robot_ai.nodes import replay
    except ImportError as error:
        raise ConfigurationError(f'replaying needs ROS 2 ({error}): source it, or run `make venv`') from None
    view = LiveView(sys.stdout, quiet=options.quiet)
    nodes = replay.NODES
    if options.demo and not options.no_web:
        nodes = (*nodes, 'web')
    with view:
        outcome = replay.replay(
            bag, rate=rate, dialogue=options.dialogue, models=options.models, topics=options.topics,
            namespace=options.bag_namespace, nodes=nodes, watch=view.show, report=view.note,
            params_files=options.params_file or [share_directory() / 'config' / 'default.yaml'],
            with_nodes=view.addresses)
    return outcome
