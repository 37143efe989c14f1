"""results.jsonl of an experiment of several trainings: a line a finished one, so that a stopped experiment goes on."""
import json
from collections.abc import Callable
from pathlib import Path

from robot_ai.errors import ConfigurationError
from training.characters import data


class Results(list):
    """The lines of FOLDER/results.jsonl, dicts."""

    def __init__(self, folder: Path, **asked):
        """Read what is there. ConfigurationError where a line has another value than `asked` (None: any will do)."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / 'results.jsonl'
        super().__init__(data.read_lines(self._path) if self._path.is_file() else ())
        other = {f'--{key}' for line in self for key, value in asked.items() if value not in (None, line[key])}
        if other:
            raise ConfigurationError(f'{self._path}: holds results of other {", ".join(sorted(other))}; give another '
                                     '--folder')

    def run_missing(self, made: Callable[..., dict], **which):
        """Add the line that `made(**which)` returns, unless there is one of these values."""
        if not any(all(line[key] == value for key, value in which.items()) for line in self):
            self.append(made(**which))
            with self._path.open('a', encoding='utf-8') as stream:
                stream.write(json.dumps(self[-1]) + '\n')
            print(json.dumps(self[-1]), flush=True)
