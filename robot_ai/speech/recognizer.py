"""Spanish speech to text: 16 kHz float32 samples in, partial and final transcripts with word times out.

A growing utterance is encoded again every 270 ms in the smallest length that the graph offers (static shapes
serve CPU and TPU alike); its final comes from one encoding of the whole. `open_recognizer` opens a model folder
of any architecture.
"""
import importlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError
from robot_ai.model_store import GraphRunner, load_model, reading_parameters
from robot_ai.speech import spanish
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.speech.cleaning import HighPass, set_level
from robot_ai.speech.decoding import BLANK, Decoder, DecodingOptions, align
from robot_ai.speech.endpointing import FRAME, find_profile, speech_spans
from robot_ai.speech.guard import MIN_VOICE
from robot_ai.speech.language_model import NgramModel
from robot_ai.speech.phrases import PhraseOptions
from robot_ai.speech.results import Candidate, Final, Partial, VoiceActivity, Word, with_numerals
from robot_ai.speech.stream import SpeechStream, checked, split_at_quiet

__all__ = ['Candidate', 'Final', 'Partial', 'SpeechRecognizer', 'SpeechStream', 'VoiceActivity', 'Word', 'checked',
           'open_recognizer', 'split_at_quiet', 'with_numerals']

ARCHITECTURES = {  # parameters.architecture of model.yaml -> (module, class)
    'ctc': ('robot_ai.speech.recognizer', 'SpeechRecognizer'),
    'whisper': ('robot_ai.speech.whisper', 'WhisperRecognizer'),
}

PARTIAL_STRIDE = 9 * FRAME  # samples: 270 ms
PARTIAL_WINDOW_S = 4.0  # a partial encodes at most this much; what came before stands as it was
SURELY_NOT = -30.0  # ln probability of any label in a pause that is left out
MIN_CONFIDENCE = 0.03  # of an utterance; below it nothing was understood (model.yaml's guard overrides)


def open_recognizer(model_folder: str | Path, threads: int = 1, phrases: Iterable[str] = (),
                    profile: str = 'normal'):
    """Return the recogniser that the model's architecture asks for: all have SpeechRecognizer's methods.

    ModelError says what is wrong with the folder, ConfigurationError with `profile`.
    """
    graph = GraphRunner(load_model(model_folder, 'speech'), threads)
    architecture = str(graph.info.parameters.get('architecture', 'ctc'))
    if architecture not in ARCHITECTURES:
        raise ModelError(f'{graph.info.folder}/model.yaml: architecture {architecture!r}: this robot_ai knows '
                         f'{", ".join(ARCHITECTURES)}')
    module, name = ARCHITECTURES[architecture]
    return getattr(importlib.import_module(module), name)(model_folder, threads, phrases, profile, graph)


@dataclass(frozen=True)
class _Encoded:
    log_probs: np.ndarray  # [frames, V]
    memory: np.ndarray | None = None  # [1, T, D], where the sound was encoded in one piece
    bucket: int = 0  # s


@lru_cache(maxsize=8192)  # a dialogue's states expect thousands of phrases, nearly all of them the same
def _normalized(phrase):
    return spanish.normalize(phrase)


class SpeechRecognizer:
    """A CTC model that is loaded and ready. Not thread-safe; streams of it share the one graph."""

    partial_stride = PARTIAL_STRIDE

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
        with reading_parameters(self.info) as parameters:
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
            phrase_options = PhraseOptions(**(parameters.get('phrases') or {}))
        if parameters.get('sample_rate', SAMPLE_RATE) != SAMPLE_RATE or not self.buckets:
            raise ModelError(f'{self.info.folder}/model.yaml: expected sample_rate {SAMPLE_RATE} and buckets_s')
        language_model = (parameters.get('language_model') or {}).get('file')
        language_model = NgramModel.load(self.info.file(language_model)) if language_model else None
        self.decoder = Decoder(self.info.labels, boundary, options, language_model, phrase_options)
        self.decoder = self.decoder_for(phrases)
        self.language = str(parameters.get('language', 'es'))
        self.partial_window_s = min(PARTIAL_WINDOW_S, self.buckets[-1])

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
        return self.decoder.favouring([_normalized(phrase) for phrase in phrases])

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

    def read(self, filtered: np.ndarray, skip: int, offset: float, decoder: Decoder) -> list[Word]:
        """Return the words of a growing utterance from its sample `skip` on: what a partial shows.

        The utterance is high-passed, float32 [n], and starts at `offset` (s).
        """
        log_probs = self.hear(set_level(filtered)[skip:]).log_probs
        return self.words(log_probs, decoder.decode(log_probs, finalists=1)[0].tokens, offset + skip / SAMPLE_RATE)

    def finalize(self, filtered: np.ndarray, offset: float, decoder: Decoder) -> Final:
        """Recognise one utterance that is already high-passed, float32 [n], starting at `offset` (s)."""
        return self.final_of(self.hear(set_level(filtered)), len(filtered), offset, decoder)

    def final_of(self, encoded: _Encoded, count: int, offset: float, decoder: Decoder) -> Final:
        """Read an utterance of `count` samples that `hear` has encoded."""
        log_probs = encoded.log_probs
        ranked = decoder.decode(log_probs, self._attention(encoded), self._scores_tokens[1])
        words = self.words(log_probs, ranked[0].tokens, offset)
        confidence = math.exp(sum(math.log(max(w.confidence, 1e-6)) * len(w.text) for w in words)
                              / max(1, sum(len(w.text) for w in words))) if words else 0.0
        final = Final(' '.join(word.text for word in words), tuple(words), confidence, self.language, offset,
                      offset + count / SAMPLE_RATE, _candidates(ranked))
        # What would not be told without phrases is not told because of them: noise is near to some phrase, too.
        said = decoder.expected(log_probs) if self.is_speech(final) else None
        if said is None or said.probability < decoder.phrase_options.accept:
            return final
        return self._taken_for(final, said, self.words(log_probs, said.tokens, offset))

    @staticmethod
    def _taken_for(final, said, words):
        """Return a final that says an expected phrase: each word is at least as sure as the phrase."""
        sure = round(said.probability, 4)
        others = [each for each in final.candidates if each.text != said.text]
        share = (1 - sure) / max(sum(each.confidence for each in others), 1e-9)
        return replace(final, text=said.text, confidence=sure, candidates=(Candidate(said.text, sure), *(
            replace(each, confidence=round(each.confidence * share, 4)) for each in others)),
            words=tuple(replace(word, confidence=max(word.confidence, sure)) for word in words))

    def is_speech(self, final: Final) -> bool:
        """Return whether a final is worth telling: noise gives empty text, or some that is not believed."""
        return bool(final.text) and final.confidence >= self._min_confidence

    def words(self, log_probs: np.ndarray, tokens: tuple[int, ...], offset: float) -> list[Word]:
        """Return the words of a reading of [T, V] with their times, `offset` (s) being the first frame's."""
        spans = align(log_probs, tokens)
        words, current = [], []
        pieces = [self.decoder.vocabulary.pieces[token] for token in tokens]
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


def _candidates(ranked):
    scores = np.array([hypothesis.score for hypothesis in ranked])
    shares = np.exp(scores - scores.max())
    return tuple(Candidate(hypothesis.text, round(float(share), 4))
                 for hypothesis, share in zip(ranked, shares / shares.sum()))
