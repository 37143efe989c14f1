"""`robot-ai COMMAND`: the robot for people without the `ros2` command. One module of `commands/` a command.

Exit status: 0 done; 1 some of it failed, the rest is done; 2 usage.
"""
import argparse
import importlib
import importlib.util
import os
import sys

from robot_ai import __version__
from robot_ai.errors import RobotAIError, UsageError

COMMANDS = {  # command -> one line; the module is robot_ai.commands.<command>
    'assistant': 'run the whole assistant: every node in one process',
    'transcribe': 'turn sound files into text',
    'read': 'turn pictures of handwriting into LaTeX',
    'record': 'record the topics of a running assistant into a bag',
    'replay': 'play a bag through the assistant and compare what came out',
    'devices': 'list and test microphones and cameras',
    'dialogue': 'check, try, draw and test a dialogue file',
    'web': 'serve the page with the recognisers, without ROS',
    'benchmark': 'measure latency, load and memory end to end',
}


def available_commands() -> dict[str, str]:
    """Return the commands whose module is installed, with their one-line descriptions."""
    return {name: text for name, text in COMMANDS.items()
            if importlib.util.find_spec(f'robot_ai.commands.{name}') is not None}


def load_command(name: str):
    """Return a command's module and its argument parser."""
    module = importlib.import_module(f'robot_ai.commands.{name}')
    parser = argparse.ArgumentParser(prog=f'robot-ai {name}', description=module.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    module.add_arguments(parser)
    return module, parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    commands = available_commands()
    listing = '\n'.join(f'  {name:<12}{text}' for name, text in commands.items())
    parser = argparse.ArgumentParser(
        prog='robot-ai', formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Offline Spanish ears, eyes and dialogue for an assistive robot.',
        epilog=f'commands:\n{listing}\n\nexample:\n  robot-ai transcribe recording.wav')
    parser.add_argument('--version', action='version', version=f'robot_ai {__version__}')
    parser.add_argument('command', metavar='COMMAND', choices=commands, help='one of those below')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    chosen = parser.parse_args(arguments)
    try:
        module, sub_parser = load_command(chosen.command)  # may take seconds, in which Ctrl-C must be quiet too
        options = sub_parser.parse_args(chosen.arguments)
        return module.run(options)
    except RobotAIError as error:
        print(f'robot-ai {chosen.command}: {error}', file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:  # `robot-ai ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
