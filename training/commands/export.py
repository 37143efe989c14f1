"""`python -m training export speech|characters|expressions`: hands over to training/MODEL/export.py."""
from training.commands import dispatch


def main(arguments: list[str]) -> int:
    """Run `training.MODEL.export.main` with what follows the model's name; returns the exit status."""
    return dispatch('export', arguments)
