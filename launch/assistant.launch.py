"""Start the whole assistant, one process a node: ears, eyes, dialogue, voice and page.

Lifecycle nodes bring themselves to active (parameter `autostart`), at the start and again whenever they had to be
respawned, with the same parameters. One Ctrl-C ends all. `--show-args` lists the arguments.
"""
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription
from robot_ai.bags import Bag
from robot_ai.errors import RobotAIError
from robot_ai.model_store import models_by_node
from robot_ai.nodes.robots import load_robot
from robot_ai.paths import find_file, share_directory

RESPAWN_DELAY = 2.0  # s
ENDING_TIMEOUT = '20'  # s after Ctrl-C before launch insists: on a busy computer a node may still be loading
MANAGED = ('microphone', 'speech_to_text', 'camera', 'character_recognizer', 'web')
PLAIN = ('state_machine', 'speaker', 'performer')
ARGUMENTS = (
    ('namespace', '', 'namespace of every node'),
    ('params_file', '', 'parameter YAML on top of config/default.yaml; its values win'),
    ('robot', '', "whose ears, eyes and voice to use: pepper, or a YAML file of your own; empty: this computer's"),
    ('use_sim_time', 'false', 'take the time from /clock (set by itself where a bag is played)'),
    ('log_level', 'info', 'debug, info, warn or error'),
    ('microphone', 'true', 'open a microphone: true or false, or the number of the device'),
    ('camera', 'false', 'open a camera: true or false, the number of the device, a video file, a folder of pictures'),
    ('models', '', 'folder of model folders; empty, or of a kind that it lacks: the model shipped'),
    ('dialogue', '', 'dialogue file: a path, or a name in config/dialogues; empty: what the parameter files say'),
    ('bag', '', 'recorded bag to hear and see instead of microphone and camera'),
    ('web', 'true', 'serve the page: true or false'),
)
SWITCH = {'true': True, 'on': True, 'yes': True, 'false': False, 'off': False, 'no': False, '': False}


def _nodes(context):
    """Return the actions: one Node each, and what is wrong with an argument as one message."""
    given = {name: LaunchConfiguration(name).perform(context).strip() for name, _, _ in ARGUMENTS}
    try:
        return _plan(given)
    except RobotAIError as error:
        raise RuntimeError(f'assistant.launch.py: {error}') from None


def _plan(given):
    files, remappings, without = [str(share_directory() / 'config' / 'default.yaml')], [], set()
    if given['robot']:
        robot = load_robot(given['robot'])
        files.append(str(robot.params_file))
        remappings = [tuple(rule.split(':=')) for rule in robot.remappings]
        without |= set(robot.without)
    if given['params_file']:
        files.append(str(find_file(given['params_file'], 'config')))
    sim_time = SWITCH.get(given['use_sim_time'].lower(), True) or bool(given['bag'])
    parameters = {name: {'use_sim_time': sim_time} for name in (*PLAIN, *MANAGED)}
    for name in MANAGED:
        parameters[name]['autostart'] = True
    for name, parameter in (('microphone', 'device'), ('camera', 'source')):
        wanted = SWITCH.get(given[name].lower())
        if given['bag'] or wanted is False:
            without.add(name)
        elif wanted is None:
            parameters[name][parameter] = int(given[name]) if parameter == 'device' else given[name]
    if not SWITCH.get(given['web'].lower(), True):
        without.add('web')
    remarks = []
    if given['models']:
        chosen, remarks = models_by_node(given['models'])
        for name, folder in chosen.items():
            parameters[name]['model'] = folder
    if given['dialogue']:
        for name in ('state_machine', 'performer', 'web'):
            parameters[name]['dialogue'] = str(find_file(given['dialogue'], 'config/dialogues'))
    if given['bag']:
        with Bag(given['bag']):  # one that cannot be read should be told before anything starts
            pass
        running = sorted(set(parameters) - without)
        for values in parameters.values():
            values['reliable'] = True  # nothing of a recording may be lost
        parameters['bag_player'] = {'bag': given['bag'], 'reliable': True, 'wait_for': running, 'wait': 60.0}
    return [*(LogInfo(msg=f'assistant.launch.py: {remark}') for remark in remarks), *(Node(
        package='robot_ai', executable=name, name=name, namespace=given['namespace'], output='screen',
        parameters=[*files, {key: _exactly(value) for key, value in values.items()}], remappings=remappings,
        respawn=name != 'bag_player', respawn_delay=RESPAWN_DELAY, sigterm_timeout=ENDING_TIMEOUT,
        arguments=['--ros-args', '--log-level', given['log_level']],
    ) for name, values in parameters.items() if name not in without)]


def _exactly(value):
    """Keep text text: launch would make a number of the camera '0'."""
    return ParameterValue(value, value_type=str) if isinstance(value, str) else value


def generate_launch_description():
    """Return the arguments and the nodes; discovery stays on this machine unless the environment says otherwise."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS),
        SetEnvironmentVariable('ROS_AUTOMATIC_DISCOVERY_RANGE', EnvironmentVariable(
            'ROS_AUTOMATIC_DISCOVERY_RANGE', default_value='LOCALHOST')),
        OpaqueFunction(function=_nodes),
    ])
