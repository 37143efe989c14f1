"""A recogniser for tests of nodes: what is loud is an utterance, and its text tells how long it lasted."""
import numpy as np

from robot_ai.speech.results import Final, Partial, VoiceActivity, Word

RATE = 16_000
FRAME = 320  # samples: 20 ms
SILENCE = 15  # frames that end an utterance: 0.3 s
LOUD = 0.05  # root mean square of a frame


class LoudnessRecognizer:
    """Stands where SpeechRecognizer stands; `contexts` keeps what set_context was given.

    `text(tenths)` is what an utterance of so many tenths of a second says.
    """

    def __init__(self, *_):
        self.contexts = []
        self.text = 'tono {}'.format

    def stream(self):
        return LoudnessStream(self.contexts, lambda tenths: self.text(tenths))


class LoudnessStream:
    """Utterances of loud frames; says 'tono N' with N tenths of a second, rounded."""

    def __init__(self, contexts, text='tono {}'.format):
        self.contexts, self.text = contexts, text
        self.reset()

    def reset(self):
        self.position = 0.0
        self._rest = np.zeros(0, np.float32)
        self._frames = self._quiet = 0
        self._start = self._last = None

    def set_context(self, phrases=None, profile=None):
        self.contexts.append((tuple(phrases), profile))

    def accept(self, samples, muted=False):
        assert samples.dtype == np.float32 and samples.ndim == 1
        samples = np.zeros_like(samples) if muted else samples
        self.position += len(samples) / RATE
        self._rest = np.concatenate([self._rest, samples])
        results = []
        while len(self._rest) >= FRAME:
            frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
            results += self._frame(float(np.sqrt(np.mean(frame ** 2))) > LOUD)
        return results

    def _frame(self, loud):
        begin, self._frames = self._frames * FRAME / RATE, self._frames + 1
        if loud:
            self._quiet, self._last = 0, begin + FRAME / RATE
            if self._start is None:
                self._start = begin
                return [VoiceActivity(True, begin), Partial('tono', 0, begin, self._last)]
        elif self._start is not None:
            self._quiet += 1
            if self._quiet == SILENCE:
                return self.finish()
        return []

    def finish(self):
        if self._start is None:
            return []
        start, end = self._start, self._last
        self._start = None
        text = self.text(round((end - start) * 10))
        first, _, rest = text.partition(' ')
        words = (Word(first, start, start + 0.1, 0.9), Word(rest, start + 0.1, end, 0.8))
        return [VoiceActivity(False, end), Final(text, words, 0.9, 'es', start, end, ())]


def tone(seconds, rate=RATE, channels=1, silence=0.0, frequency=440.0):
    """Return int16 [frames, channels]: a tone, and silence after it."""
    time = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * frequency * time) * 12_000
    wave = np.concatenate([wave, np.zeros(round(silence * rate))])
    return np.repeat(wave.astype(np.int16)[:, None], channels, axis=1)


def blocks(samples, rate=RATE, seconds=0.1):
    """Cut samples into blocks as a driver sends them."""
    size = round(seconds * rate)
    return [samples[i:i + size] for i in range(0, len(samples), size)]
