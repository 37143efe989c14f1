"""`python -m training train speech|characters|expressions`: hands over to training/MODEL/train.py."""
from training.commands import dispatch


def main(arguments: list[str]) -> int:
    """Run `training.MODEL.train.main` with what follows the model's name; returns the exit status."""
    return dispatch('train', arguments)
