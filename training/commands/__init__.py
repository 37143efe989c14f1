"""The commands that exist once per model; each hands over to the model's own module."""
import importlib
import importlib.util
import sys

MODELS = ('speech', 'characters', 'expressions')


def dispatch(command: str, arguments: list[str]) -> int:
    """Run `training.<arguments[0]>.<command>.main(arguments[1:])`; usage and status 2 for an unknown model."""
    name = arguments[0] if arguments else ''
    if name not in MODELS:
        asked_help = name in ('-h', '--help')
        print(f'usage: python -m training {command} {"|".join(MODELS)} [-h] ...\n\nexample:\n'
              f'  python -m training {command} speech --help', file=sys.stdout if asked_help else sys.stderr)
        return 0 if asked_help else 2
    module = f'training.{name}.{command}'
    if importlib.util.find_spec(f'training.{name}') is None or importlib.util.find_spec(module) is None:
        print(f'training {command}: {name} has no such command', file=sys.stderr)
        return 2
    return importlib.import_module(module).main(arguments[1:])
