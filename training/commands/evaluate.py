"""`python -m training evaluate speech|characters|expressions`: hands over to training/MODEL/evaluate.py."""
from training.commands import dispatch


def main(arguments: list[str]) -> int:
    """Run `training.MODEL.evaluate.main` with what follows the model's name; returns the exit status."""
    return dispatch('evaluate', arguments)
