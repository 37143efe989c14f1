"""`python -m training COMMAND`: train, evaluate and export the models, and prepare their data."""
import importlib
import importlib.util
import sys

from robot_ai.errors import RobotAIError

COMMANDS = {  # command -> (module with main(arguments) -> exit status, one line)
    'train': ('training.commands.train', 'train speech|characters|expressions from a config'),
    'evaluate': ('training.commands.evaluate', 'print the figures of speech|characters|expressions'),
    'export': ('training.commands.export', 'write the model folder that robot_ai loads'),
    'release': ('training.commands.release', 'export, tune and describe a trained speech model, all in one'),
    'audiobook': ('training.audiobook.command', 'recordings + e-book -> aligned corpus'),
    'speech-data': ('training.speech.data_command', 'synthesize speech, write shards'),
    'import-whisper': ('training.whisper.command', 'import Whisper weights into a model folder'),
    'tpu': ('training.tpu', 'print and check the commands for a Cloud TPU'),
}


def _installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    commands = {name: entry for name, entry in COMMANDS.items() if _installed(entry[0])}
    if not arguments or arguments[0] not in commands:
        asked = arguments and arguments[0] not in ('-h', '--help')
        stream = sys.stderr if asked or not arguments else sys.stdout
        print('usage: python -m training COMMAND [-h]\n', file=stream)
        for name, (_, text) in commands.items():
            print(f'  {name:<16}{text}', file=stream)
        print('\nexample:\n  python -m training train characters --config digits', file=stream)
        return 0 if stream is sys.stdout else 2
    try:
        return importlib.import_module(commands[arguments[0]][0]).main(arguments[1:])
    except RobotAIError as error:
        print(f'training {arguments[0]}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
