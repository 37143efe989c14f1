"""Lifecycle node microphone: the device's sound out on `audio` (Int16MultiArray, rate and channels in the layout).

It alone opens the device, through SpeechRecognition's Microphone on PyAudio. A device that is absent, busy or
lost shows in the diagnostics and is tried again every few seconds; the node never spins on it. Topic out:
`audio`, best effort unless `reliable`. There is no model to miss; without PyAudio it stays unconfigured.
"""
import contextlib

import numpy as np
from std_msgs.msg import Int16MultiArray

from robot_ai.errors import DeviceError
from robot_ai.nodes.audio_messages import MAX_RATE, MIN_RATE, to_array_message
from robot_ai.nodes.common import Parameter, run
from robot_ai.nodes.device import RETRY, DeviceNode
from robot_ai.quiet import without_chatter


class MicrophoneNode(DeviceNode):
    """Reads the device; see the module's docstring."""

    NAME = 'microphone'
    OUTPUT = (Int16MultiArray, 'audio')
    PARAMETERS = (
        Parameter('device', -1, 'index of the device as `robot-ai devices` lists them; -1: the default one',
                  minimum=-1, maximum=255),
        Parameter('rate', 16_000, f'sampling rate asked of the device, {MIN_RATE} to {MAX_RATE}; 0: its own', 'Hz',
                  check=lambda v: '' if v == 0 or MIN_RATE <= v <= MAX_RATE
                  else f'{v} Hz; expected 0 or {MIN_RATE} to {MAX_RATE} Hz'),
        Parameter('block', 0.064, 'sound in one message', 's', 0.01, 1.0),
        RETRY,
    )

    def __init__(self, source_factory=None, **node_arguments):
        """Declare the parameters.

        `source_factory(device, rate, chunk)` returns what speech_recognition.Microphone is: a context manager
        with SAMPLE_RATE, CHUNK and `stream.read(frames) -> bytes`.
        """
        super().__init__(**node_arguments)
        self._open = source_factory or open_microphone
        self._needs_pyaudio = source_factory is None

    def configure(self):
        """Create the publisher; DeviceError where PyAudio is not installed."""
        if self._needs_pyaudio:
            require_pyaudio()
        super().configure()

    def read(self, stop):
        """Publish the device's sound until stopped; raises where it fails."""
        rate = self.setting('rate') or None
        chunk = round(self.setting('block') * (rate or 16_000))
        with opened(self._open, self.setting('device'), rate, chunk) as source:
            self.health.value('device rate', source.SAMPLE_RATE)
            while not stop.is_set():
                data = source.stream.read(source.CHUNK)
                if not data:
                    raise DeviceError('the device gives no sound any more')
                self.publish(to_array_message(np.frombuffer(data, np.int16), source.SAMPLE_RATE), stop, 'blocks')


def require_pyaudio():
    """Raise DeviceError, saying how to install it, where PyAudio cannot be imported."""
    try:
        import pyaudio  # noqa: F401
    except ImportError:
        raise DeviceError('PyAudio is not installed: sudo apt install portaudio19-dev gcc && '
                          "pip install 'robot_ai[microphone]'") from None


def open_microphone(device: int, rate: int | None, chunk: int):
    """Return SpeechRecognition's Microphone; DeviceError where there is no such device."""
    require_pyaudio()
    import speech_recognition
    try:
        return speech_recognition.Microphone(None if device < 0 else device, rate, chunk)
    except AssertionError as error:
        raise DeviceError(str(error)) from None
    except OSError as error:
        raise DeviceError(f'no microphone: {error}') from None


@contextlib.contextmanager
def opened(factory, *arguments):
    """Enter `factory(*arguments)`; DeviceError where the device cannot be opened."""
    with without_chatter():
        source = factory(*arguments)
        source.__enter__()
    if getattr(source, 'stream', None) is None:
        # SpeechRecognition swallows the error and leaves no stream.
        raise DeviceError('the device cannot be opened: busy, gone, or not at this rate')
    try:
        yield source
    finally:
        with contextlib.suppress(Exception):  # closing a device that is gone may fail in any way
            source.__exit__(None, None, None)


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(MicrophoneNode, args)
