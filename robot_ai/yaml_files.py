"""A YAML file of the user's in, plain values out; whatever is wrong with it comes as one error that names the file.

Read with PyYAML's safe loader, which makes no objects; but it raises a dozen classes over a damaged file, and aliases
of aliases let a few lines stand for gigabytes. Dialogue files, whose errors tell line and column, are read in
robot_ai.dialogue.reading.
"""
from pathlib import Path

import yaml

from robot_ai.errors import ConfigurationError

MAX_BYTES = 4_000_000
MAX_VALUES = 1_000_000  # with all aliases written out
MAX_DEPTH = 50
DAMAGE = (yaml.YAMLError, RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


def read_yaml_file(path, error_class: type = ConfigurationError, max_bytes: int = MAX_BYTES):
    """Return what a YAML file holds; `error_class` where it cannot be read, is damaged or too large."""
    path = Path(path)
    try:
        if path.stat().st_size > max_bytes:
            raise error_class(f'{path}: {path.stat().st_size} bytes, at most {max_bytes}')
        document = yaml.safe_load(path.read_text(encoding='utf-8'))
        count(document)
    except OSError as error:
        raise error_class(f'{path}: cannot be read: {error.strerror or error}') from None
    except DAMAGE as error:
        raise error_class(f'{path}: cannot be read, not YAML: {error or type(error).__name__}') from None
    return document


def count(value, depth: int = 0, counted: int = 0) -> int:
    """Return the number of values in plain data, aliases written out; ValueError above MAX_VALUES or MAX_DEPTH."""
    counted += 1
    if counted > MAX_VALUES or depth > MAX_DEPTH:
        raise ValueError(f'more than {MAX_VALUES:,} values, or nested deeper than {MAX_DEPTH}, aliases written out')
    if isinstance(value, dict):
        for key, item in value.items():
            counted = count(item, depth + 1, count(key, depth + 1, counted))
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            counted = count(item, depth + 1, counted)
    return counted
