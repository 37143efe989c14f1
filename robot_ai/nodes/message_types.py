"""The Python class of a message type whose name came from somewhere else: the graph, a bag."""
import importlib
import importlib.util
import re
from pathlib import Path

_NAME = re.compile(r'([a-z][a-z0-9_]*)/msg/([A-Z][A-Za-z0-9]*)')


def message_class(type_name: str):
    """Return the class of 'package/msg/Name'; ImportError, with the reason, where it is none that is installed.

    Anybody in the network may publish under any type's name, and importing runs code: so only packages that hold
    messages are imported, never merely what can be imported under that name.
    """
    found = _NAME.fullmatch(type_name)
    if not found:
        raise ImportError(f'{type_name!r} is no name of a message type')
    package, name = found.groups()
    spec = importlib.util.find_spec(package)  # of a top-level name: finds the package without running it
    folders = spec.submodule_search_locations if spec is not None else None
    if not any((Path(folder) / 'msg' / '__init__.py').is_file() for folder in folders or ()):
        raise ImportError(f'no package {package} with messages is installed')
    kind = getattr(importlib.import_module(f'{package}.msg'), name, None)
    if not hasattr(kind, 'get_fields_and_field_types'):
        raise ImportError(f'{package} has no message {name}')
    return kind


def message_class_or_none(type_name: str):
    """Return the class of 'package/msg/Name', or None where its package is not installed here."""
    try:
        return message_class(type_name)
    except ImportError:
        return None
