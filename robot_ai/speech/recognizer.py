"""Spanish speech to text: 16 kHz float32 samples in, partial and final transcripts with word times out.

A growing utterance is encoded again every 270 ms in the smallest length that the graph offers (static shapes
serve CPU and TPU alike); its final comes from one encoding of the whole. Everything is a function of the
samples alone: the same sound in any blocks gives the same finals at the same times, on any machine's clock.
"""
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from robot_ai.errors import AudioError, ModelError
from robot_ai.model_store import GraphRunner, load_model
from robot_ai.speech import spanish
from robot_ai.speech.audio import SAMPLE_RATE, RingBuffer
from robot_ai.speech.cleaning import HighPass, set_level
from robot_ai.speech.decoding import BLANK, Decoder, DecodingOptions, Hypothesis, align
from robot_ai.speech.endpointing import FRAME, PROFILES, Begin, Endpointer, find_profile, speech_spans
from robot_ai.speech.guard import MIN_VOICE, voice_log_odds
from robot_ai.speech.language_model import NgramModel

PARTIAL_STRIDE = 9 * FRAME  # samples: 270 ms
PARTIAL_WINDOW_S = 4.0  # a partial encodes at most this much; what came before stands as it was
VOICE_WINDOW = 3 * SAMPLE_RATE  # samples: a partial is shown once so much sounds like a voice
QUIET_WINDOW = SAMPLE_RATE // 10  # samples: an over-long utterance is cut where so much is quietest
SURELY_NOT = -30.0  # ln probability of any label in a pause that is left out
MIN_CONFIDENCE = 0.03  # of an utterance; below it nothing was understood (model.yaml's guard overrides)


@dataclass(frozen=True)
class Word:
    """A word with its times (s from the start of the stream or recording) and confidence in 0..1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Candidate:
    """One reading of an utterance with its share of the belief, 0..1."""

    text: str
    confidence: float


@dataclass(frozen=True)
class VoiceActivity:
    """Speech began or ended at `time` (s)."""

    active: bool
    time: float


@dataclass(frozen=True)
class Partial:
    """What is heard so far; the first `stable_words` words will not change in later partials."""

    text: str
    stable_words: int
    start: float
    end: float


@dataclass(frozen=True)
class Final:
    """One utterance; `candidates` best first, the first being `text` itself."""

    text: str
    words: tuple[Word, ...]
    confidence: float
    language: str
    start: float
    end: float
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class _Encoded:
    log_probs: np.ndarray  # [frames, V]
    memory: np.ndarray | None = None  # [1, T, D], where the sound was encoded in one piece
    bucket: int = 0  # s


class SpeechRecognizer:
    """A speech model that is loaded and ready. Not thread-safe; streams of it share the one graph."""

    def __init__(self, model_folder: str | Path, threads: int = 1, phrases: Iterable[str] = (),
                 profile: str = 'normal', graph=None):
        """Load the model; ModelError says what is wrong with the folder, ConfigurationError with `profile`.

        `phrases` are expected texts to favour. `graph`, for tests, is an open graph (`info`, `run`) to use
        instead of the folder's own.
        """
        find_profile(profile)
        self.graph = graph or GraphRunner(load_model(model_folder, 'speech'), threads)
        self.info = self.graph.info
        self.profile = profile
        parameters = self.info.parameters
        try:
            self.buckets = sorted(int(b) for b in parameters['buckets_s'])
            self.frame_s = float(parameters['frame_s'])
            self._frame = round(self.frame_s * SAMPLE_RATE)
            boundary = str(parameters.get('word_boundary', ' '))
            self._border = self.info.labels.index(boundary) if boundary in self.info.labels else None
            self._scores_tokens = int(parameters.get('max_tokens', 0)), int(parameters.get('hypotheses', 8))
            self._logistic = parameters.get('confidence') or {}
            guard = parameters.get('guard') or {}
            self._min_confidence = float(guard.get('min_confidence', MIN_CONFIDENCE))
            self.min_voice = float(guard.get('min_voice', MIN_VOICE))
            options = DecodingOptions.from_parameters(parameters)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f'{self.info.folder}/model.yaml: parameters of a speech model: {error!r}') from None
        if parameters.get('sample_rate', SAMPLE_RATE) != SAMPLE_RATE or not self.buckets:
            raise ModelError(f'{self.info.folder}/model.yaml: expected sample_rate {SAMPLE_RATE} and buckets_s')
        language_model = (parameters.get('language_model') or {}).get('file')
        language_model = NgramModel.load(self.info.file(language_model)) if language_model else None
        self.decoder = Decoder(self.info.labels, boundary, options, language_model)
        self.decoder = self.decoder_for(phrases)
        self.language = str(parameters.get('language', 'es'))

    def recognize(self, samples: np.ndarray) -> Final:
        """Recognise one whole utterance, float32 [n]; the text may be empty."""
        return self.finalize(HighPass().whole(checked(samples)), 0.0, self.decoder)

    def transcribe(self, samples: np.ndarray, profile: str | None = None) -> list[Final]:
        """Recognise a whole recording, float32 [n], utterance by utterance."""
        stream = SpeechStream(self, profile or self.profile, partials=False)
        return [event for event in [*stream.accept(samples), *stream.finish()] if isinstance(event, Final)]

    def stream(self) -> 'SpeechStream':
        """Return a new stream of this recogniser."""
        return SpeechStream(self, self.profile)

    def decoder_for(self, phrases: Iterable[str]) -> Decoder:
        """Return this model's decoder favouring `phrases`, which are normalised here."""
        return self.decoder.favouring([spanish.normalize(phrase) for phrase in phrases])

    def hear(self, levelled: np.ndarray) -> _Encoded:
        """Encode an utterance of any length, float32 [n].

        Its long pauses are left out, as the model has never heard any, and stand as blank frames with a word's
        border in the middle; pieces longer than the largest bucket are cut where they are quietest.
        """
        pieces = [(start + a, start + b) for start, end in speech_spans(levelled)
                  for a, b in split_at_quiet(levelled[start:end], self.buckets[-1] * SAMPLE_RATE - self._frame)]
        if len(pieces) == 1:
            return self.encode(levelled)
        shape = math.ceil(len(levelled) / self._frame), len(self.info.labels)
        log_probs = np.full(shape, SURELY_NOT, np.float32)
        log_probs[:, BLANK] = 0.0
        last = 0
        for start, end in pieces:
            first = start // self._frame
            if first - last > 1 and self._border is not None:
                log_probs[(first + last) // 2, [BLANK, self._border]] = np.log([0.1, 0.9])
            piece = self.encode(levelled[first * self._frame:end]).log_probs
            log_probs[first:first + len(piece)] = piece
            last = first + len(piece)
        return _Encoded(log_probs)

    def encode(self, samples):
        """Run the graph once on levelled sound, float32 [n], at most the largest bucket long."""
        bucket = next(b for b in self.buckets if b * SAMPLE_RATE >= len(samples))
        padded = np.zeros((1, bucket * SAMPLE_RATE), np.float32)
        padded[0, :len(samples)] = samples
        out = self.graph.run(f'encode_{bucket}', samples=padded, length=np.array([len(samples)], np.int32))
        frames = min(out['log_probs'].shape[1], math.ceil(len(samples) / self._frame))
        return _Encoded(out['log_probs'][0, :frames], out.get('memory'), bucket)

    def finalize(self, filtered: np.ndarray, offset: float, decoder: Decoder) -> Final:
        """Recognise one utterance that is already high-passed, float32 [n], starting at `offset` (s)."""
        encoded = self.hear(set_level(filtered))
        ranked = decoder.decode(encoded.log_probs, self._attention(encoded), self._scores_tokens[1])
        words = self.words(encoded.log_probs, ranked[0], offset)
        text = ' '.join(word.text for word in words)
        confidence = math.exp(sum(math.log(max(w.confidence, 1e-6)) * len(w.text) for w in words)
                              / max(1, sum(len(w.text) for w in words))) if words else 0.0
        return Final(text, tuple(words), confidence, self.language, offset, offset + len(filtered) / SAMPLE_RATE,
                     _candidates(ranked))

    def is_speech(self, final: Final) -> bool:
        """Return whether a final is worth telling: noise gives empty text, or some that is not believed."""
        return bool(final.text) and final.confidence >= self._min_confidence

    def words(self, log_probs: np.ndarray, hypothesis: Hypothesis, offset: float) -> list[Word]:
        """Return the words of a reading of [T, V] with their times, `offset` (s) being the first frame's."""
        spans = align(log_probs, hypothesis.tokens)
        words, current = [], []
        pieces = [self.decoder.vocabulary.pieces[token] for token in hypothesis.tokens]
        for piece, span in zip(pieces, spans):
            for i, part in enumerate(piece.split(' ')):
                if i and current:
                    words.append(current)
                    current = []
                if part:
                    current.append((part, span))
        return [self._word(parts, offset) for parts in [*words, current] if parts]

    def _word(self, parts, offset):
        raw = sum(span[2] for _, span in parts) / len(parts)  # mean ln probability of its tokens
        if self._logistic:
            confidence = 1 / (1 + math.exp(-(self._logistic['a'] * raw + self._logistic['b'])))
        else:
            confidence = math.exp(raw)
        return Word(''.join(text for text, _ in parts), round(offset + parts[0][1][0] * self.frame_s, 3),
                    round(offset + parts[-1][1][1] * self.frame_s, 3), round(min(1.0, confidence), 4))

    def _attention(self, encoded):
        """Return the function that scores token sequences with the model's decoder; None where it has none."""
        width, rows = self._scores_tokens
        if encoded.memory is None or not width:
            return None

        def score(sequences):
            if max(map(len, sequences)) > width:
                return None  # longer than the decoder can take: CTC decides alone
            tokens, count = np.zeros((rows, width), np.int32), np.zeros(rows, np.int32)
            for k, sequence in enumerate(sequences[:rows]):
                count[k] = min(len(sequence), width)
                tokens[k, :count[k]] = sequence[:width]
            out = self.graph.run(f'score_{encoded.bucket}', memory=encoded.memory, tokens=tokens,
                                 token_count=count, frames=np.array([len(encoded.log_probs)], np.int32))
            return out['log_likelihood'][:len(sequences)]
        return score


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


def _candidates(ranked):
    scores = np.array([hypothesis.score for hypothesis in ranked])
    shares = np.exp(scores - scores.max())
    return tuple(Candidate(hypothesis.text, round(float(share), 4))
                 for hypothesis, share in zip(ranked, shares / shares.sum()))


def checked(samples: np.ndarray) -> np.ndarray:
    """Return samples as float32 [n] without NaN; AudioError where they are not mono floats."""
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != 'f':
        raise AudioError(f'samples {samples.dtype} {list(samples.shape)}: expected float32 [n] at 16 kHz '
                         '(robot_ai.speech.audio.to_mono_16k makes it)')
    return np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


class SpeechStream:
    """One stream of sound: blocks in, events out."""

    def __init__(self, recognizer: SpeechRecognizer, profile: str = 'normal', partials: bool = True):
        """Start at time 0; without `partials` only voice activity and finals come."""
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
        self._partial: _PartialText | None = None

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
        if self._partials and self._partial is not None:
            position = self._sound.end
            if self._partial.is_due(position, self._endpointer):
                partial = self._partial.update(self._sound.read(self._endpointer.start), position, self._decoder)
                events += [partial] if partial else []
        return events

    def _tell(self, endpoints):
        events = []
        for event in endpoints:
            if isinstance(event, Begin):
                self._partial = _PartialText(self._recognizer, event.start)
                events.append(VoiceActivity(True, event.start / SAMPLE_RATE))
                continue
            self._partial = None
            events.append(VoiceActivity(False, event.end / SAMPLE_RATE))
            sound = self._sound.read(event.start, event.end)
            if event.speech and voice_log_odds(sound) >= self._recognizer.min_voice:
                final = self._recognizer.finalize(sound, event.start / SAMPLE_RATE, self._decoder)
                events += [final] if self._recognizer.is_speech(final) else []
        return events


class _PartialText:
    """The growing text of one utterance: a frozen head, and a tail that is decoded anew each time."""

    def __init__(self, recognizer, start):
        self._recognizer, self._start = recognizer, start
        self._due, self._voiced_end = start + PARTIAL_STRIDE, 0
        self._frozen: list[Word] = []
        self._tail: list[str] = []  # of the update before
        self._window = start  # first sample that is still encoded
        self._voice = False  # whether it has sounded like a voice at all

    def is_due(self, position, endpointer):
        """Return whether enough sound, with voice in it, has come since the last update."""
        if position < self._due or endpointer.speech_end == self._voiced_end:
            return False
        self._due, self._voiced_end = position + PARTIAL_STRIDE, endpointer.speech_end
        return True

    def update(self, sound, position, decoder):
        """Decode the window's end, float32 [n] being the whole utterance so far; return a Partial or None."""
        self._voice = self._voice or voice_log_odds(sound[-VOICE_WINDOW:]) >= self._recognizer.min_voice
        if not self._voice:
            return None
        window = set_level(sound)[self._window - self._start:]
        log_probs = self._recognizer.hear(window).log_probs
        best = decoder.decode(log_probs, finalists=1)[0]
        border = self._frozen[-1].end if self._frozen else -1.0
        words = [word for word in self._recognizer.words(log_probs, best, self._window / SAMPLE_RATE)
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
        longest = min(PARTIAL_WINDOW_S, self._recognizer.buckets[-1]) * SAMPLE_RATE - PARTIAL_STRIDE
        if position - self._window <= longest:
            return
        if self._frozen and self._frozen[-1].end * SAMPLE_RATE > self._window:
            self._window = round(self._frozen[-1].end * SAMPLE_RATE)
        while position - self._window > longest:  # nothing was agreed on: half the window must stand as it is
            middle = self._window / SAMPLE_RATE + longest / SAMPLE_RATE / 2
            self._frozen += [word for word in words if word.end <= middle]
            words[:] = [word for word in words if word.end > middle]
            self._window = round(middle * SAMPLE_RATE)


def with_numerals(final: Final) -> Final:
    """Return a final with its numbers as numerals ('veinte' -> '20'); the words keep what was heard."""
    candidates = tuple(replace(each, text=spanish.digits(each.text)) for each in final.candidates)
    return replace(final, text=spanish.digits(final.text), candidates=candidates)
