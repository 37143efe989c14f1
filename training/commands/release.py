"""`python -m training release speech`: hands over to training/MODEL/release.py."""
from training.commands import dispatch


def main(arguments: list[str]) -> int:
    """Run `training.MODEL.release.main` with what follows the model's name; returns the exit status."""
    return dispatch('release', arguments)
