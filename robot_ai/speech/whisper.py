"""An imported Whisper model as a recogniser: 16 kHz float32 samples in, open dictation with word times out.

Made by `python -m training import-whisper`; opened, as any speech model is, by `open_recognizer(folder)`. The graph
has `encode_B` for sounds of B seconds and `step_K_B`, which reads one token of each of K beams against a cache of
keys and values that is kept here. What Whisper hears is written text, with capitals and punctuation.
"""
import math
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from robot_ai.model_store import GraphRunner, load_model, reading_parameters
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.speech.cleaning import HighPass
from robot_ai.speech.endpointing import find_profile
from robot_ai.speech.guard import MIN_VOICE
from robot_ai.speech.results import Candidate, Final, Word
from robot_ai.speech.stream import SpeechStream, checked, split_at_quiet
from robot_ai.speech.whisper_alignment import token_frames
from robot_ai.speech.whisper_decoding import PhraseBias, Rules, Transcript, beam_search, greedy
from robot_ai.speech.whisper_tokenizer import WhisperTokenizer

MAX_NO_SPEECH = 0.6  # OpenAI's: above it, and below MIN_MEAN, nothing was said
MIN_MEAN = -1.0  # mean ln probability a token
MAX_COMPRESSION = 2.4  # bytes of text / bytes compressed: above it the decoder was caught in a loop
TOKENS_PER_S, SPARE_TOKENS = 12, 16  # no speech is faster; a loop ends there
PARTIAL_STRIDE_S = 2.0  # where the importer did not measure


class Stepper:
    """One sound's encoding and the caches of its beams: what greedy and beam search drive."""

    def __init__(self, graph, bucket: int, samples: np.ndarray, prompt: list[int], longest: int):
        """Encode samples float32 [n], at most `bucket` s, and read the prompt; `longest` tokens fit altogether."""
        self._graph, self._bucket, self._longest = graph, bucket, longest
        padded = np.zeros((1, bucket * SAMPLE_RATE), np.float32)
        padded[0, :len(samples)] = samples
        self._memory = graph.run(f'encode_{bucket}', samples=padded)
        self._position, self._keys, self._values = 0, None, None
        self.first_logits = None  # [V] after the start: holds the probability of no speech
        for token in prompt:
            self.read([token], [0])
            if self.first_logits is None:
                self.first_logits = self.logits[0]

    def read(self, tokens: list[int], rows: list[int]) -> np.ndarray:
        """Read one token a beam, int [K], each going on from the beam `rows` [K]; return logits [K, V]."""
        width = 1 if len(tokens) == 1 and self._rows == 1 else self._graph.info.parameters['beams']
        if self._keys is None:
            shape = self._cache_shape(width)
            self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        rows = [*rows, *[rows[0]] * (width - len(rows))]
        if rows != list(range(self._rows)):
            self._keys, self._values = self._keys[:, rows], self._values[:, rows]
        out = self._graph.run(f'step_{width}_{self._bucket}', **self._memory,
                              tokens=np.array([*tokens, *[tokens[0]] * (width - len(tokens))], np.int32),
                              position=np.array([self._position], np.int32),
                              own_keys=self._keys, own_values=self._values)
        self._keys[:, :, :, self._position] = out['new_keys'][:, :, :, 0]
        self._values[:, :, :, self._position] = out['new_values'][:, :, :, 0]
        self._position += 1
        self.logits, self._scores = out['logits'], out['attention']
        return self.logits

    @property
    def _rows(self):
        return 1 if self._keys is None else self._keys.shape[1]

    def _cache_shape(self, width):
        cache = self._graph.info.parameters['cache']
        return cache['layers'], width, cache['heads'], cache['tokens'], cache['width']

    def attention(self, row: int) -> np.ndarray:
        """Return the scores of the alignment heads of the last step, [A, T], of one beam."""
        return self._scores[:, row]


class WhisperRecognizer:
    """A Whisper model that is loaded and ready, with the methods of SpeechRecognizer. Not thread-safe."""

    partial_window_s = 28.0  # what a partial encodes at most

    def __init__(self, model_folder: str | Path, threads: int = 1, phrases: Iterable[str] = (),
                 profile: str = 'normal', graph=None):
        """Load the model; ModelError says what is wrong with the folder. See SpeechRecognizer."""
        find_profile(profile)
        self.graph = graph or GraphRunner(load_model(model_folder, 'speech'), threads)
        self.info, self.profile = self.graph.info, profile
        with reading_parameters(self.info) as parameters:
            self.tokenizer = WhisperTokenizer.load(self.info.file(parameters['tokenizer']))
            self.buckets = sorted(int(b) for b in parameters['buckets_s'])
            self.frame_s = float(parameters['frame_s'])
            self.beams, self.max_tokens = int(parameters['beams']), int(parameters['cache']['tokens'])
            self.rules = Rules.of(self.tokenizer, parameters)
            self._boost = float(parameters.get('phrase_boost', 2.0))
            self.partial_stride = round(float(parameters.get('partial_stride_s', PARTIAL_STRIDE_S)) * SAMPLE_RATE)
            guard = parameters.get('guard') or {}
            self.min_voice = float(guard.get('min_voice', MIN_VOICE))
            self.language, self.task = str(parameters['language']), str(parameters.get('task', 'transcribe'))
            spoken = self.language if parameters.get('multilingual', True) else ''
        self.prompt = self.tokenizer.prompt(spoken, self.task, self.rules.timestamps)
        self.partial_window_s = min(self.partial_window_s, float(self.buckets[-1]))
        self.partial_stride = min(self.partial_stride, round(self.partial_window_s * SAMPLE_RATE / 2))
        self.decoder = self.decoder_for(phrases)

    def recognize(self, samples: np.ndarray) -> Final:
        """Recognise one whole utterance, float32 [n]; the text may be empty."""
        return self.finalize(HighPass().whole(checked(samples)), 0.0, self.decoder)

    def transcribe(self, samples: np.ndarray, profile: str | None = None) -> list[Final]:
        """Recognise a whole recording, float32 [n], utterance by utterance."""
        stream = SpeechStream(self, profile or self.profile, partials=False)
        return [event for event in [*stream.accept(samples), *stream.finish()] if isinstance(event, Final)]

    def stream(self) -> SpeechStream:
        """Return a new stream of this recogniser."""
        return SpeechStream(self, self.profile)

    def decoder_for(self, phrases: Iterable[str]) -> PhraseBias:
        """Return what favours `phrases` while decoding."""
        return PhraseBias(phrases, self.tokenizer, self._boost)

    def decode(self, samples: np.ndarray, bias: PhraseBias | None = None, beams: int | None = None) -> list[Transcript]:
        """Return the best transcripts of samples float32 [n], at most the largest bucket, best first."""
        return self._decode(samples, bias, self.beams if beams is None else beams)[0]

    def _decode(self, samples, bias, beams):
        bucket = next((b for b in self.buckets if b * SAMPLE_RATE >= len(samples)), self.buckets[-1])
        stepper = Stepper(self.graph, bucket, samples[:bucket * SAMPLE_RATE], self.prompt, self.max_tokens)
        longest = min(self.max_tokens - len(self.prompt),
                      SPARE_TOKENS + math.ceil(TOKENS_PER_S * len(samples) / SAMPLE_RATE))
        if beams > 1:
            found = beam_search(stepper, self.rules, longest, beams, bias)
        else:
            found = [greedy(stepper, self.rules, longest, bias)]
        no_speech = 0.0
        if self.tokenizer.no_speech is not None and stepper.first_logits is not None:
            logits = stepper.first_logits.astype(np.float64)
            no_speech = float(np.exp(logits[self.tokenizer.no_speech] - logits.max())
                              / np.exp(logits - logits.max()).sum())
        return found, no_speech

    def read(self, filtered: np.ndarray, skip: int, offset: float, decoder: PhraseBias | None) -> list[Word]:
        """Return the words of a growing utterance, float32 [n], from its sample `skip` on: greedily."""
        filtered = filtered[skip:]
        found, no_speech = self._decode(filtered, decoder, 1)
        if not self._believed(found[0], no_speech):
            return []
        return self._words(found[0], len(filtered), offset + skip / SAMPLE_RATE)

    def finalize(self, filtered: np.ndarray, offset: float, decoder: PhraseBias | None) -> Final:
        """Recognise one utterance that is already high-passed, float32 [n], starting at `offset` (s)."""
        words, candidates = [], ()
        pieces = split_at_quiet(filtered, self.buckets[-1] * SAMPLE_RATE)
        for start, end in pieces:
            found, no_speech = self._decode(filtered[start:end], decoder, self.beams)
            if self._believed(found[0], no_speech):
                words += self._words(found[0], end - start, offset + start / SAMPLE_RATE)
                candidates = self._candidates(found)
        text = ' '.join(word.text for word in words)
        if len(pieces) > 1 or not candidates:
            candidates = (Candidate(text, 1.0),)
        length = sum(len(word.text) for word in words)
        confidence = math.exp(sum(math.log(max(w.confidence, 1e-6)) * len(w.text) for w in words) / max(1, length))
        return Final(text, tuple(words), confidence if words else 0.0, self.language, offset,
                     offset + len(filtered) / SAMPLE_RATE, candidates)

    def is_speech(self, final: Final) -> bool:
        """Return whether a final is worth telling."""
        return bool(final.text)

    def _believed(self, said, no_speech):
        text = self.tokenizer.decode(said.tokens).encode()
        looping = len(text) > 40 and len(text) / len(zlib.compress(text)) > MAX_COMPRESSION
        return not looping and not (no_speech > MAX_NO_SPEECH and said.mean < MIN_MEAN)

    def _candidates(self, found):
        means = np.array([said.mean for said in found])
        shares = np.exp(means - means.max())
        texts = {}
        for said, share in zip(found, shares / shares.sum()):
            text = self.tokenizer.decode(said.tokens).strip()
            texts[text] = texts.get(text, 0.0) + float(share)
        return tuple(Candidate(text, round(share, 4)) for text, share in texts.items())

    def _words(self, said, length, offset):
        """Return the words of a transcript of `length` samples with times by cross-attention."""
        kept = [i for i, token in enumerate(said.tokens) if self.tokenizer.is_text(token)]
        if not kept:
            return []
        rows = [*kept, *range(len(said.tokens), len(said.attention))]  # the end's row, too
        frames = math.ceil(length / SAMPLE_RATE / self.frame_s)
        borders = token_frames(np.stack([said.attention[i] for i in rows], axis=1), frames) * self.frame_s
        words = []
        for text, first, last in self.tokenizer.words([said.tokens[i] for i in kept], self.language):
            if text.strip():
                confidence = math.exp(sum(said.log_probs[kept[i]] for i in range(first, last)) / (last - first))
                words.append(Word(text.strip(), round(offset + float(borders[first]), 3),
                                  round(offset + float(borders[last]), 3), round(min(1.0, confidence), 4)))
        return words
