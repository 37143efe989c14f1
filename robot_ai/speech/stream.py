"""One stream of sound: blocks of float32 [n] at 16 kHz in, voice activity, partials and finals out.

Everything is a function of the samples alone: the same sound in any blocks gives the same finals at the same
times, on any machine's clock. A growing utterance is read again at the recogniser's stride.
"""
from collections.abc import Iterable

import numpy as np

from robot_ai.errors import AudioError
from robot_ai.speech.audio import SAMPLE_RATE, RingBuffer
from robot_ai.speech.cleaning import HighPass
from robot_ai.speech.endpointing import FRAME, PROFILES, Begin, Endpointer, ambient_floors, find_profile
from robot_ai.speech.guard import voice_log_odds
from robot_ai.speech.results import Partial, VoiceActivity, Word

VOICE_WINDOW = 3 * SAMPLE_RATE  # samples: a partial is shown once so much sounds like a voice
QUIET_WINDOW = SAMPLE_RATE // 10  # samples: an over-long utterance is cut where so much is quietest
LOUDEST = 100.0  # of full scale (40 dB above it): a source that sends more is broken, and its power overflows


class SpeechStream:
    """One stream of sound: blocks in, events out."""

    def __init__(self, recognizer, profile: str = 'normal', partials: bool = True):
        """Start at time 0; without `partials` only voice activity and finals come.

        `recognizer` has `decoder`, `decoder_for`, `finalize`, `is_speech`, `min_voice`, and for partials `read`,
        `partial_stride` and `partial_window_s`.
        """
        self._recognizer, self._decoder, self._partials = recognizer, recognizer.decoder, partials
        self._endpointer = Endpointer(profile)
        longest = max(p.max_utterance_s for p in PROFILES.values())
        self._sound = RingBuffer(round((longest + 2) * SAMPLE_RATE))
        self.reset()

    def reset(self):
        """Forget everything but the context: time 0 comes next."""
        self._endpointer.reset()
        self._sound.clear()
        self._filter = HighPass()
        self._pending, self._pending_muted = np.zeros(0, np.float32), False
        self._accepted = 0
        self._partial: PartialText | None = None

    @property
    def position(self) -> float:
        """Seconds of sound consumed."""
        return self._accepted / SAMPLE_RATE

    def set_context(self, phrases: Iterable[str] | None = None, profile: str | None = None):
        """Change the expected phrases, the endpointing profile, or both, from the next sample on."""
        if profile is not None:
            self._endpointer.profile = find_profile(profile)
        if phrases is not None:
            self._decoder = self._recognizer.decoder_for(phrases)

    def adjust_for_ambient_noise(self, samples: np.ndarray):
        """Learn the noise floors from sound in which nobody speaks, float32 [n] at 16 kHz: one second, better two.

        As SpeechRecognition's method of that name. Without it a loud room is known after four seconds.
        """
        self._endpointer.seed(ambient_floors(HighPass().whole(checked(samples))))

    def accept(self, samples: np.ndarray, muted: bool = False) -> list:
        """Take sound, float32 [n] at 16 kHz; return the VoiceActivity, Partial and Final events it led to.

        `muted` sound (the robot's own voice) counts as time but is not heard.
        """
        samples = checked(samples)
        self._accepted += len(samples)
        if len(self._pending):
            samples = np.concatenate([self._pending, samples])
        muted_now, events, start = muted or self._pending_muted, [], 0
        for start in range(0, len(samples) - FRAME + 1, FRAME):
            events += self._frame(samples[start:start + FRAME], muted_now)
            muted_now = muted
        used = len(samples) // FRAME * FRAME
        self._pending = samples[used:]
        self._pending_muted = bool(len(self._pending)) and muted_now
        return events

    def finish(self) -> list:
        """Take the stream as over; return what was still open. `reset` before another stream."""
        rest, events = len(self._pending), []
        if rest:
            events = self._frame(np.pad(self._pending, (0, FRAME - rest)), self._pending_muted)
            self._pending = np.zeros(0, np.float32)
        return events + self._tell(self._endpointer.finish())

    def _frame(self, frame, muted):
        cleaned = self._filter.push(frame)
        self._sound.append(np.zeros_like(cleaned) if muted else cleaned)
        events = self._tell(self._endpointer.push(cleaned, muted))
        if self._partial is not None:
            position = self._sound.end
            if self._partial.is_due(position, self._endpointer):
                partial = self._partial.update(self._sound.read(self._endpointer.start), position, self._decoder)
                events += [partial] if partial else []
        return events

    def _tell(self, endpoints):
        events = []
        for event in endpoints:
            if isinstance(event, Begin):
                self._partial = PartialText(self._recognizer, event.start) if self._partials else None
                events.append(VoiceActivity(True, event.start / SAMPLE_RATE))
                continue
            self._partial = None
            events.append(VoiceActivity(False, event.end / SAMPLE_RATE))
            sound = self._sound.read(event.start, event.end)
            if event.speech and voice_log_odds(sound) >= self._recognizer.min_voice:
                final = self._recognizer.finalize(sound, event.start / SAMPLE_RATE, self._decoder)
                events += [final] if self._recognizer.is_speech(final) else []
        return events


class PartialText:
    """The growing text of one utterance: a frozen head, and a tail that is decoded anew each time."""

    def __init__(self, recognizer, start):
        self._recognizer, self._start = recognizer, start
        self._stride = recognizer.partial_stride
        self._due, self._voiced_end = start + self._stride, 0
        self._frozen: list[Word] = []
        self._tail: list[str] = []  # of the update before
        self._window = start  # first sample that is still encoded
        self._voice = False  # whether it has sounded like a voice at all

    def is_due(self, position, endpointer):
        """Return whether enough sound, with voice in it, has come since the last update."""
        if position < self._due or endpointer.speech_end == self._voiced_end:
            return False
        self._due, self._voiced_end = position + self._stride, endpointer.speech_end
        return True

    def update(self, sound, position, decoder):
        """Decode the window's end, float32 [n] being the whole utterance so far; return a Partial or None."""
        self._voice = self._voice or voice_log_odds(sound[-VOICE_WINDOW:]) >= self._recognizer.min_voice
        if not self._voice:
            return None
        border = self._frozen[-1].end if self._frozen else -1.0
        words = [word for word in self._recognizer.read(sound, self._window - self._start, self._start / SAMPLE_RATE,
                                                        decoder)
                 if (word.start + word.end) / 2 > border]
        agreed = 0  # words that two updates in a row agree on, the last one excepted: it may still grow
        for before, word in zip(self._tail, words[:-1]):
            if before != word.text:
                break
            agreed += 1
        self._frozen += words[:agreed]
        words = words[agreed:]
        self._move_window(words, position)
        self._tail = [word.text for word in words]
        shown = [*self._frozen, *words]
        if not shown:
            return None
        return Partial(' '.join(word.text for word in shown), len(self._frozen), self._start / SAMPLE_RATE,
                       position / SAMPLE_RATE)

    def _move_window(self, words, position):
        longest = self._recognizer.partial_window_s * SAMPLE_RATE - self._stride
        if position - self._window <= longest:
            return
        if self._frozen and self._frozen[-1].end * SAMPLE_RATE > self._window:
            self._window = round(self._frozen[-1].end * SAMPLE_RATE)
        while position - self._window > longest:  # nothing was agreed on: half the window must stand as it is
            middle = self._window / SAMPLE_RATE + longest / SAMPLE_RATE / 2
            self._frozen += [word for word in words if word.end <= middle]
            words[:] = [word for word in words if word.end > middle]
            self._window = round(middle * SAMPLE_RATE)


def split_at_quiet(samples: np.ndarray, longest: int) -> list[tuple[int, int]]:
    """Cut [0, n) into pieces of at most `longest` samples, at the quietest places of their second halves."""
    pieces, start = [], 0
    while len(samples) - start > longest:
        low = start + longest // 2
        power = np.square(samples[low:start + longest].astype(np.float64))
        smooth = np.cumsum(np.concatenate([[0.0], power]))
        smooth = smooth[QUIET_WINDOW:] - smooth[:-QUIET_WINDOW]
        cut = low + int(smooth.argmin()) + QUIET_WINDOW // 2
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, len(samples))]


def checked(samples: np.ndarray) -> np.ndarray:
    """Return samples as float32 [n] without NaN, at most LOUDEST; AudioError where they are not mono floats."""
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != 'f':
        raise AudioError(f'samples {samples.dtype} {list(samples.shape)}: expected float32 [n] at 16 kHz '
                         '(robot_ai.speech.audio.to_mono_16k makes it)')
    with np.errstate(over='ignore'):  # float64 that float32 cannot hold
        samples = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return samples.clip(-LOUDEST, LOUDEST)
