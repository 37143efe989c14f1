"""Run the whole assistant: every node in one process, until Ctrl-C.

Ears, eyes, dialogue, voice and page, with the parameters of config/default.yaml; a file given with --params-file
comes on top of it. A node that cannot work (no microphone, no model) says so once, and the others go on. It is
visible on this machine only, unless ROS_AUTOMATIC_DISCOVERY_RANGE says otherwise. Without the `ros2` command;
with it, `ros2 launch robot_ai assistant.launch.py` runs the same nodes in processes of their own.

For example:
  robot-ai assistant --camera 0 --dialogue acompanante.yaml
  robot-ai assistant --robot pepper
  robot-ai assistant --bag visita.mcap
"""
import os
import sys
from pathlib import Path

from robot_ai.bags import Bag
from robot_ai.errors import ConfigurationError
from robot_ai.model_store import models_by_node
from robot_ai.paths import find_file, share_directory
from robot_ai.yaml_files import read_yaml_file

NODES = ('speaker', 'performer', 'state_machine', 'speech_to_text', 'character_recognizer', 'web', 'camera',
         'microphone')


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument('--dialogue', default='', metavar='FILE',
                        help='dialogue file: a path, or a name in config/dialogues')
    parser.add_argument('--models', default='', metavar='DIR',
                        help='folder of model folders; of a kind that it lacks the model shipped is used')
    parser.add_argument('--params-file', action='append', default=[], metavar='FILE',
                        help='parameter YAML; may be given more than once, the last one wins')
    parser.add_argument('--robot', default='', metavar='NAME',
                        help='use the ears, eyes and voice of a robot: pepper, or a YAML file of your own')
    parser.add_argument('--namespace', default='', metavar='NAME', help='namespace of the nodes')
    parser.add_argument('--camera', default='', metavar='SOURCE',
                        help='device number, video file or folder of pictures (default: no camera)')
    parser.add_argument('--microphone', type=int, metavar='INDEX', help='device as `robot-ai devices` lists it')
    parser.add_argument('--no-microphone', action='store_true', help='do not open a microphone')
    parser.add_argument('--no-speaker', action='store_true', help='do not speak; what is said is logged')
    parser.add_argument('--no-web', action='store_true', help='do not serve the page')
    parser.add_argument('--bag', default='', metavar='BAG', help='hear and see a recorded bag instead of devices')
    parser.add_argument('--loop', action='store_true', help='with --bag: begin again at its end')
    parser.add_argument('--log-level', default='info', choices=('debug', 'info', 'warn', 'error'))


def plan(options) -> tuple[dict[str, dict], dict]:
    """Return what to start: {node: parameters given}, and the keyword arguments of Assembly.

    Raises RobotAIError where a file named does not exist or a bag cannot be read.
    """
    nodes = {name: {} for name in NODES}
    files = [share_directory() / 'config' / 'default.yaml']
    remappings = ()
    if options.robot:
        from robot_ai.nodes.robots import load_robot
        robot = load_robot(options.robot)
        files.append(robot.params_file)
        remappings = robot.remappings
        for name in robot.without:
            nodes.pop(name, None)
    files += [_existing(file) for file in options.params_file]
    if options.no_microphone or options.bag:
        nodes.pop('microphone', None)
    if not options.camera or options.bag:
        nodes.pop('camera', None)
    if options.no_web:
        nodes.pop('web')
    if options.no_speaker:
        nodes['speaker']['backend'] = 'none'
    if options.microphone is not None and 'microphone' in nodes:
        nodes['microphone']['device'] = options.microphone
    if 'camera' in nodes:
        nodes['camera']['source'] = options.camera
    if options.models:
        chosen, remarks = models_by_node(options.models)
        for name in chosen.keys() & nodes.keys():
            nodes[name]['model'] = chosen[name]
        for remark in remarks:
            print(f'robot-ai assistant: {remark}', file=sys.stderr)
    if options.dialogue:
        dialogue = str(find_file(options.dialogue, 'config/dialogues'))
        for name in ('state_machine', 'performer', 'web'):
            if name in nodes:
                nodes[name]['dialogue'] = dialogue
    if options.bag:
        with Bag(options.bag):  # a bag that cannot be read should be told before anything starts
            pass
        for parameters in nodes.values():
            parameters |= {'use_sim_time': True, 'reliable': True}  # nothing of a recording may be lost
        nodes['bag_player'] = {'bag': str(Path(options.bag).expanduser()), 'loop': options.loop, 'reliable': True}
    return nodes, {'namespace': options.namespace, 'params_files': files, 'remappings': remappings}


def _existing(file) -> Path:
    path = Path(file).expanduser()
    document = read_yaml_file(path)
    if not isinstance(document, dict) or not all(
            isinstance(block, dict) and 'ros__parameters' in str(block) for block in document.values()):
        raise ConfigurationError(f'{path}: no parameter file; see {share_directory() / "config" / "default.yaml"}')
    return path


def run(options) -> int:
    """Run the assistant; 0 after Ctrl-C, 1 where nothing at all could be started."""
    nodes, arguments = plan(options)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    try:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        from robot_ai.nodes.assembly import Assembly, installed
        from robot_ai.nodes.common import end_signals, spin
    except ImportError as error:
        raise ConfigurationError(f'the assistant needs ROS 2 ({error}): source it, or run `make venv`') from None
    rclpy.init(args=['--ros-args', '--log-level', options.log_level])
    executor = SingleThreadedExecutor()
    assembly = Assembly(executor, report=lambda line: print(f'robot-ai assistant: {line}', file=sys.stderr, flush=True),
                        **arguments)
    try:
        for name, parameters in nodes.items():
            if installed(name):
                assembly.make(name, **parameters)
        if not assembly.nodes:
            return 1
        print(_summary(assembly), flush=True)
        spin(executor)
    except KeyboardInterrupt:
        pass
    except Exception:
        if rclpy.ok():  # else a signal has ended ROS in the middle of the start, and whatever that broke is no fault
            raise
    finally:
        end_signals()
        assembly.close()
        executor.shutdown(timeout_sec=0)
        rclpy.try_shutdown()
    return 0


def _summary(assembly) -> str:
    running = [name for name in assembly.nodes if name not in assembly.failures]
    page = getattr(assembly.nodes.get('web'), 'announcement', '')
    return '\n'.join(line for line in (page, f'running: {", ".join(running)}; Ctrl-C ends it') if line)
