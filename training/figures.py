"""Figures of a model: printed as they are measured, and by `--record` put into its model.yaml and card."""
import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from robot_ai.errors import ModelError
from robot_ai.yaml_files import read_yaml_file


def interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share, in per cent."""
    z, p = 1.96, count / total
    middle, half = p + z * z / (2 * total), z * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return tuple(100 * (middle + sign * half) / (1 + z * z / total) for sign in (-1, 1))


class Figures:
    """What one `evaluate` measures, by name."""

    def __init__(self):
        """Begin with none."""
        self.found: dict[str, str] = {}

    def tell(self, name: str, value: str) -> None:
        """Print and keep a figure."""
        print(f'{name}: {value}', flush=True)
        self.found[name] = value

    def share(self, name: str, count: int, total: int) -> None:
        """Tell a share with its counts and 95 % interval."""
        low, high = interval(count, total)
        self.tell(name, f'{100 * count / total:.2f} % ({count} of {total}; 95 % {low:.2f} to {high:.2f})')

    def record(self, folder: Path, command: str, card: Callable[[dict], str]) -> None:
        """Put the figures, with today's date, into the folder's model.yaml, over those of the same names.

        `command` printed them; `card` makes MODEL_CARD.md of the document.
        """
        path = folder / 'model.yaml'
        document = read_yaml_file(path, ModelError)
        document['figures'] = {**(document.get('figures') or {}), 'measured': f'by `{command}`', **{
            name: f'{value}; {datetime.date.today()}' for name, value in self.found.items()}}
        path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110), encoding='utf-8')
        (folder / 'MODEL_CARD.md').write_text(card(document), encoding='utf-8')
        print(f'{folder}: {len(self.found)} figures recorded')
