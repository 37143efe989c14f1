"""Where this package's own files lie: in a checkout, under a prefix of pip's, or in a ROS workspace."""
import os
import sys
from pathlib import Path

from robot_ai.errors import ConfigurationError

PACKAGE = 'robot_ai'


def share_directory() -> Path:
    """Return the folder that holds `config/`, `launch/` and `models/`.

    Looked for in this order: the checkout that this module lies in, each prefix of AMENT_PREFIX_PATH,
    the running Python's own prefix. Raises ConfigurationError where none has it.
    """
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / 'package.xml').is_file():
        return checkout
    ament = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    for prefix in [*ament, *Path(__file__).resolve().parents, Path(sys.prefix)]:
        share = prefix / 'share' / PACKAGE
        if (share / 'package.xml').is_file():
            return share
    raise ConfigurationError(
        f'the files of {PACKAGE} (config, launch, models) were not found under AMENT_PREFIX_PATH or '
        f'{sys.prefix}; install the package again, or source the workspace that holds it')


def find_file(name: str | os.PathLike, folder: str) -> Path:
    """Return `name` as a path: as given where it exists, else inside the shared `folder` ('config', ...)."""
    try:
        given = Path(name).expanduser()
        if given.exists():
            return given
        bundled = share_directory() / folder / name
        if bundled.exists():
            return bundled
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL in it, nobody's home
        raise ConfigurationError(f'{str(name)[:80]!r} is no file name: {error}') from None
    raise ConfigurationError(f'{name} was not found, neither as a path nor in {bundled.parent}')
