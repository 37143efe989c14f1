"""The console scripts of the nodes: `robot_ai.executables:NODE` runs robot_ai.nodes.NODE.

Loading rclpy and a node takes a second or more, on a Raspberry Pi several. A signal in that time ends the process at
once and in silence; from then on robot_ai.nodes.common.run answers it.
"""
import importlib
import os
import signal
import sys
from functools import partial


def __getattr__(name: str):
    """Return the function that runs the node `name`, for `from robot_ai.executables import NODE`."""
    if name.startswith('_'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return partial(start, name)


def start(name: str) -> int:
    """Load and run one node; return its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):  # a shell's background job ignores SIGINT
            signal.signal(number, lambda *_: os._exit(0))
    return importlib.import_module(f'robot_ai.nodes.{name}').main(sys.argv[1:])
