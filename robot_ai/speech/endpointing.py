"""Where an utterance begins and ends: frames of 30 ms in, Begin and End events in samples out.

A frame is voiced where WebRTC's detector says so *and* some of its bands stand above their noise floors, the
quietest levels of the last seconds: speech is heard between the bands of a noise as loud as itself, and a
steady hum or fan raises the floors and so closes what it opened. Only samples are counted, never a clock, so
that a recording gives the same events at any speed.
"""
import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import webrtcvad

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE

FRAME = 480  # samples: 30 ms, one of the three lengths that WebRTC's detector takes
FLOOR_SECONDS = 4.0  # span of the noise floor's percentile: longer than any vowel, shorter than patience
FLOOR_RANK = 16  # a floor is the 16th lowest of the 133 frames' levels in that span
BANDS_HZ = (200, 400, 700, 1100, 1700, 2600, 3800)  # edges
LOUDEST_BANDS = 3  # the bands that count: voices and fricatives fill different ones
MOST_DB = 18.0  # a band counts no more than this, so that a lone beep is no voice
LOWEST_FLOOR_DB = -68.0  # dBFS a band; digital silence must not make a whisper of noise loud
DEFAULT_FLOOR_DB = -62.0  # dBFS a band, until FLOOR_SECONDS of sound are known
MARGIN_DB = 7.0  # the loudest bands' mean lies this far above their floors; less hears more and errs more
ONSET_FRAMES, ONSET_VOICED = 6, 4  # speech begins with this many voiced of this many frames
VAD_MODE = 2  # WebRTC's aggressiveness, 0..3
PRE_ROLL_S = 0.3  # kept before the first voiced frame: soft beginnings
TAIL_S = 0.24  # kept after the last voiced frame: soft endings


@dataclass(frozen=True)
class Profile:
    """How patient the endpointer is."""

    silence_s: float  # this much silence ends an utterance
    max_utterance_s: float  # it is ended then at the latest
    min_voiced_s: float = 0.15  # less voice than this is no speech


PROFILES = {
    'normal': Profile(silence_s=0.66, max_utterance_s=20.0),
    # For people who search for words: up to 3 s of silence inside a sentence do not end it.
    'paused_speech': Profile(silence_s=3.09, max_utterance_s=60.0),
}


def find_profile(name: str) -> Profile:
    """Return a profile by name; ConfigurationError lists the names there are."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ConfigurationError(f'endpointing profile {name!r}: expected one of {", ".join(PROFILES)}') from None


@dataclass(frozen=True)
class Begin:
    """Speech began at sample `start` (pre-roll included); known at sample `known`."""

    start: int
    known: int


@dataclass(frozen=True)
class End:
    """The utterance [start, end) in samples is over; `speech` is false where it held too little voice."""

    start: int
    end: int
    known: int
    speech: bool
    why: str  # 'silence', 'length', 'muted' or 'finish'


class Endpointer:
    """Finds utterances in a stream of frames of FRAME samples."""

    def __init__(self, profile: str = 'normal', floors_db: np.ndarray | None = None):
        """Start idle. `floors_db` (dBFS, one a band), where known, seeds the floors; see `ambient_floors`."""
        self.profile = find_profile(profile)
        self._seed = np.full(len(BANDS_HZ) - 1, DEFAULT_FLOOR_DB) if floors_db is None else floors_db
        self.reset()

    def seed(self, floors_db: np.ndarray):
        """Take the noise floors (dBFS, [bands]) as known, from now on and after each `reset`."""
        self._seed = floors_db
        self._levels[:] = floors_db

    def reset(self):
        """Forget the stream: sample 0 comes next."""
        self._vad = webrtcvad.Vad(VAD_MODE)
        self._levels = np.tile(self._seed, (round(FLOOR_SECONDS * SAMPLE_RATE / FRAME), 1))  # [frames, bands]
        self._next_level = 0
        self._recent = deque(maxlen=ONSET_FRAMES)
        self._position = 0  # samples seen
        self._floor_start = 0  # an utterance's pre-roll goes back no further: the end of the one before
        self._start = None  # of the open utterance
        self._voiced = self._voiced_end = 0

    @property
    def active(self) -> bool:
        """Whether an utterance is open."""
        return self._start is not None

    @property
    def start(self) -> int | None:
        """The first sample of the open utterance."""
        return self._start

    @property
    def earliest(self) -> int:
        """The earliest sample at which an utterance can still begin: older ones may be forgotten."""
        return self._start if self.active else max(
            self._floor_start, self._position - ONSET_FRAMES * FRAME - round(PRE_ROLL_S * SAMPLE_RATE))

    @property
    def speech_end(self) -> int:
        """Where the open utterance would end were nothing more to come."""
        return min(self._position, self._voiced_end + round(TAIL_S * SAMPLE_RATE))

    @property
    def voiced_s(self) -> float:
        """Seconds of voice in the open (or the last) utterance."""
        return self._voiced * FRAME / SAMPLE_RATE

    @property
    def floors_db(self) -> np.ndarray:
        """The bands' noise floors (dBFS), [bands]."""
        return np.maximum(LOWEST_FLOOR_DB, np.partition(self._levels, FLOOR_RANK, axis=0)[FLOOR_RANK])

    def push(self, frame: np.ndarray, muted: bool = False) -> list:
        """Take one frame, float32 [FRAME]; return Begin and End events. A muted frame ends any utterance."""
        self._position += FRAME
        if muted:
            events = self._end('muted') if self.active else []
            self._recent.clear()
            self._floor_start = self._position
            return events
        voiced = self._is_voiced(frame)
        if not self.active:
            return self._look_for_begin(voiced)
        if voiced:
            self._voiced += 1
            self._voiced_end = self._position
        if self._position - self._voiced_end >= self.profile.silence_s * SAMPLE_RATE:
            return self._end('silence')
        if self._position - self._start >= self.profile.max_utterance_s * SAMPLE_RATE:
            return self._end('length')
        return []

    def finish(self) -> list:
        """End the open utterance, if any: the stream is over."""
        return self._end('finish') if self.active else []

    def _is_voiced(self, frame):
        levels = band_levels(frame)
        excess = np.clip(levels - self.floors_db, 0, MOST_DB)
        voiced = np.sort(excess)[-LOUDEST_BANDS:].mean() > MARGIN_DB
        pcm = (np.clip(frame, -1, 1) * 32767).astype('<i2').tobytes()
        voiced = self._vad.is_speech(pcm, SAMPLE_RATE) and bool(voiced)  # the detector adapts on every frame
        self._levels[self._next_level] = levels
        self._next_level = (self._next_level + 1) % len(self._levels)
        return voiced

    def _look_for_begin(self, voiced):
        self._recent.append(voiced)
        if sum(self._recent) < ONSET_VOICED:
            return []
        frames = len(self._recent) - list(self._recent).index(True)  # since the first voiced one
        first = self._position - frames * FRAME
        self._start = max(self._floor_start, first - round(PRE_ROLL_S * SAMPLE_RATE), 0)
        self._voiced, self._voiced_end = sum(self._recent), self._position
        self._recent.clear()
        return [Begin(self._start, self._position)]

    def _end(self, why):
        end = self._position if why == 'length' else self.speech_end
        event = End(self._start, end, self._position, self.voiced_s >= self.profile.min_voiced_s, why)
        self._start, self._floor_start = None, end
        return [event]


def level_db(samples: np.ndarray) -> float:
    """Return the level of float32 samples in dBFS; -100 for digital silence."""
    return 10 * math.log10(max(float(np.dot(samples, samples)) / max(len(samples), 1), 1e-10))


def speech_spans(samples: np.ndarray, pause_s: float = 0.9, margin_s: float = 0.25) -> list[tuple[int, int]]:
    """Return the spans [start, end) of one utterance, float32 [n], between its pauses of `pause_s` and more.

    A frame is silent where it is far below the loud frames or near to the quiet ones. One span, the whole, where
    nothing is long silent.
    """
    count = len(samples) // FRAME
    if count * FRAME < 2 * pause_s * SAMPLE_RATE:
        return [(0, len(samples))]
    frames = samples[:count * FRAME].reshape(count, FRAME).astype(np.float64)
    levels = 10 * np.log10(np.maximum(np.square(frames).mean(axis=1), 1e-10))
    loud = np.flatnonzero(levels > max(np.percentile(levels, 95) - 28, np.percentile(levels, 10) + 6))
    margin, spans = round(margin_s * SAMPLE_RATE), []
    for frame in loud.tolist():
        if spans and frame * FRAME - spans[-1][1] < pause_s * SAMPLE_RATE:
            spans[-1][1] = (frame + 1) * FRAME
        else:
            spans.append([frame * FRAME, (frame + 1) * FRAME])
    if len(spans) < 2:
        return [(0, len(samples))]
    return [(0 if i == 0 else start - margin, len(samples) if i == len(spans) - 1 else end + margin)
            for i, (start, end) in enumerate(spans)]


def ambient_floors(samples: np.ndarray) -> np.ndarray:
    """Return the noise floors (dBFS, [bands]) of sound without speech, float32 [n] at 16 kHz.

    As SpeechRecognition's `adjust_for_ambient_noise`: an average of the frames' energies that forgets
    with a time constant, here in dB so that one knock does not count.
    """
    floors, damping = np.full(len(BANDS_HZ) - 1, DEFAULT_FLOOR_DB), 0.15 ** (FRAME / SAMPLE_RATE)
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        floors = damping * floors + (1 - damping) * band_levels(samples[start:start + FRAME])
    return np.maximum(LOWEST_FLOOR_DB, floors)


def band_levels(frame: np.ndarray) -> np.ndarray:
    """Return the levels (dBFS) of a frame's bands, float32 [FRAME] -> [bands]."""
    power = np.square(np.abs(np.fft.rfft(frame * _WINDOW)))
    return 10 * np.log10(np.maximum(np.add.reduceat(power, _EDGES)[:-1] / _SCALE, 1e-10))


_WINDOW = np.hanning(FRAME)
_SCALE = FRAME * np.square(_WINDOW).sum() / 2  # Parseval: a full-scale sine is at -3 dBFS
_EDGES = np.round(np.array(BANDS_HZ) * FRAME / SAMPLE_RATE).astype(int)
