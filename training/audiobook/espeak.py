"""Text in, synthetic speech with the time of every word and phoneme out, by the espeak-ng library.

The library is called directly (ctypes) and not the program, because only the library tells when each
phoneme begins, which is what the recording is aligned against; it also saves a process a sentence.
Its voices waver from call to call by some samples (a state that the library keeps), so two alignments of the
same recording may differ by some milliseconds; everything downstream of a sync map is deterministic.
"""
import ctypes
import ctypes.util
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soxr

from robot_ai.errors import ConfigurationError

SAMPLE_RATE = 16000  # Hz, what is returned; the library itself speaks at 22,050
SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: the callback gets the samples, nothing is played
PHONEME_EVENTS = 1
EVENT_END, EVENT_WORD, EVENT_PHONEME = 0, 1, 7
RATE, PITCH = 1, 3  # espeak_PARAMETER
UTF8 = 1
DEFAULT_RATE = 175  # words a minute, espeak-ng's own
LANGUAGE = 'es'


@dataclass(frozen=True)
class Speech:
    """One utterance of espeak-ng."""

    samples: np.ndarray  # float32 [n], 16 kHz, -1..1
    words: tuple[tuple[int, float], ...]  # (character offset in the text, begin in seconds)
    phonemes: tuple[tuple[str, float], ...]  # (espeak-ng's name of it, begin in seconds); '' is silence


class _Identifier(ctypes.Union):
    _fields_ = [('number', ctypes.c_int), ('name', ctypes.c_char_p), ('string', ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [('type', ctypes.c_int), ('unique_identifier', ctypes.c_uint), ('text_position', ctypes.c_int),
                ('length', ctypes.c_int), ('audio_position', ctypes.c_int), ('sample', ctypes.c_int),
                ('user_data', ctypes.c_void_p), ('id', _Identifier)]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Library:
    """The one instance of libespeak-ng in this process: it keeps global state, so it is not thread-safe."""

    def __init__(self):
        name = ctypes.util.find_library('espeak-ng') or 'libespeak-ng.so.1'
        try:
            self._library = ctypes.CDLL(name)
        except OSError:
            raise ConfigurationError('the espeak-ng library was not found: apt install espeak-ng') from None
        self._rate = self._library.espeak_Initialize(SYNCHRONOUS, 500, None, PHONEME_EVENTS)
        if self._rate <= 0:
            raise ConfigurationError('the espeak-ng library has no data: apt install espeak-ng-data')
        self._callback = _Callback(self._receive)  # kept, or it would be collected while the library holds it
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice = None
        self._blocks, self._words, self._phonemes = [], [], []

    def _receive(self, wave, count, events):
        if wave and count > 0:
            self._blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != EVENT_END:
            event = events[index]
            if event.type == EVENT_WORD:
                self._words.append((event.text_position - 1, event.audio_position / 1000))
            elif event.type == EVENT_PHONEME:
                self._phonemes.append((event.id.string.decode('utf-8', 'replace'), event.audio_position / 1000))
            index += 1
        return 0

    def speak(self, text, voice, rate, pitch):
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ConfigurationError(f'espeak-ng has no voice {voice!r}; `espeak-ng --voices` lists them')
            self._voice = voice
        self._library.espeak_SetParameter(RATE, rate, 0)
        self._library.espeak_SetParameter(PITCH, pitch, 0)
        self._blocks, self._words, self._phonemes = [], [], []
        data = text.encode('utf-8')
        with _interrupt_afterwards():
            self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        samples = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int16)
        samples = soxr.resample(samples.astype(np.float32) / 32768, self._rate, SAMPLE_RATE)
        return Speech(samples, tuple(self._words), tuple(self._phonemes))


@contextmanager
def _interrupt_afterwards():
    """Let Ctrl-C wait: within a function that C calls Python would print and forget it."""
    handler, late = signal.getsignal(signal.SIGINT), []
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *arguments: late.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if late:
            handler(*late[0])


@lru_cache(maxsize=1)
def _library():
    return _Library()


def speak(text: str, voice: str = LANGUAGE, rate: int = DEFAULT_RATE, pitch: int = 50) -> Speech:
    """Return `text` spoken; `rate` in words a minute (80 to 450), `pitch` 0 to 99, `voice` as `es-419+f2`.

    Raises ConfigurationError where the library or the voice is absent.
    """
    return _library().speak(text, voice, rate, pitch)
