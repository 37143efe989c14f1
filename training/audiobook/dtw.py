"""Aligns sound with text through espeak-ng's reading of it: no model is needed, so any first book will do.

First pass: dynamic time warping of the recording's cepstra against the synthetic speech. Later passes: the first
pass tells which phoneme each frame of the recording probably is, from which a linear classifier of
phonemes (linear discriminant analysis) is fitted to this reader and room, and the text is aligned with
it; that is what tells a sentence that was not read from one that was.
"""
from dataclasses import dataclass

import numpy as np

from robot_ai.speech.spanish import normalize
from training.audiobook import features, lattice
from training.audiobook.espeak import speak
from training.audiobook.fragments import Alignment
from training.audiobook.traces import Trace, to_alignment

GAP_COST = 1.1  # a frame of speech in a gap; a frame that matches costs about 0.9, one that does not about 1.2
SILENCE_COST = 0.05  # a frame of silence in a gap
PAUSE_COST = 0.33  # a frame of silence between two words
SPEECH_IN_PAUSE = 1.4
SKIP_COST = 0.05  # a state of text that is left out
STAY_COST, JUMP_COST = 0.03, 0.03
SLOPE_WEIGHT = 2.0  # of the cepstra's slopes against the cepstra
BEAM = 400.0
MIN_SCORE = -0.1  # a sentence below it counts as not read


@dataclass
class Reference:
    """The text as espeak-ng reads it; N states, 20 ms each."""

    words: list[list[str]]  # of each sentence, normalised
    cepstra: np.ndarray  # float32 [N, D]
    phone: np.ndarray  # int [N], index into `phones`; 0 is silence
    word: np.ndarray  # int [N], index of the word in its sentence; -1 is a pause between words
    lengths: list[int]  # states of each sentence
    phones: list[str]


def read_text(sentences: list[str], voice: str = 'es', rate: int = 175) -> Reference:
    """Return espeak-ng's reading of the sentences; one without a letter gets a single state of silence."""
    rows, phone, word, lengths, spelled, phones = [], [], [], [], [], {'': 0}
    for sentence in sentences:
        words = normalize(sentence).split()
        spelled.append(words)
        cepstra, phone_row, word_row = _read_sentence(words, phones, voice, rate)
        rows.append(cepstra)
        phone.append(phone_row)
        word.append(word_row)
        lengths.append(len(cepstra))
    return Reference(spelled, np.concatenate(rows), np.concatenate(phone), np.concatenate(word), lengths,
                     list(phones))


def _read_sentence(words, phones, voice, rate):
    text = ' '.join(words)
    speech = speak(text, voice, rate) if words else None
    if speech is None or len(speech.samples) < 2 * features.HOP:
        return np.zeros((1, features.CEPSTRA), np.float32), np.zeros(1, int), np.full(1, -1)
    cepstra, _ = features.compute(speech.samples)
    times = (np.arange(len(cepstra)) + 0.5) * features.FRAME_S
    labels = [phones.setdefault(name.strip("',:_;|"), len(phones)) for name, _ in speech.phonemes] or [0]
    begins = [begin for _, begin in speech.phonemes] or [0.0]
    phone = np.asarray(labels)[np.maximum(np.searchsorted(begins, times, 'right') - 1, 0)]
    offsets = np.cumsum([0] + [len(w) + 1 for w in words[:-1]])
    index = [int(np.searchsorted(offsets, offset, 'right')) - 1 for offset, _ in speech.words]
    word_begins = [begin for _, begin in speech.words] or [0.0]
    word = np.asarray(index or [0])[np.maximum(np.searchsorted(word_begins, times, 'right') - 1, 0)]
    spoken = np.flatnonzero(phone > 0)
    cut = slice(spoken[0], spoken[-1] + 1) if len(spoken) else slice(0, 1)
    cepstra, phone, word = cepstra[cut], phone[cut], np.maximum.accumulate(word[cut])
    borders = np.flatnonzero(np.diff(word) > 0) + 1  # a state of pause goes between two words
    return (np.insert(cepstra, borders, 0, axis=0), np.insert(phone, borders, 0), np.insert(word, borders, -1))


class DtwAligner:
    """Aligns recordings of one language; holds no state between recordings."""

    name = 'dtw'

    def __init__(self, voice: str = 'es'):
        """Read texts with espeak-ng's `voice`."""
        self.voice = voice

    def align(self, samples: np.ndarray, sentences: list[str], free_ends: bool = False) -> Alignment:
        """Return where in `samples` (float32 [n], 16 kHz) each sentence is spoken.

        With `free_ends` the sentences may be a longer text, of which the recording reads any part.
        """
        cepstra, level = features.compute(samples)
        speech = features.speech_frames(level)
        text = read_text(sentences, self.voice)
        graph = lattice.build_graph(text.lengths, SKIP_COST * np.asarray(text.lengths),
                                    np.ones(len(text.phone), bool))
        recorded = _warping_features(cepstra, speech)
        spoken = _warping_features(text.cepstra, text.phone > 0)
        pause = text.word < 0

        def costs(t0, t1, low, high):
            return _distances(recorded[t0:t1], spoken[low:high], pause[low:high], speech[t0:t1])

        star = np.where(speech, GAP_COST, SILENCE_COST)
        path, _ = lattice.align(costs, star, graph, stay_cost=STAY_COST, jump_cost=JUMP_COST, free_ends=free_ends,
                                beam=BEAM)
        chosen = np.maximum(path, 0)
        price = np.sqrt(np.mean((recorded - spoken[chosen]) ** 2, axis=1))
        price = np.where(pause[chosen], np.where(speech, SPEECH_IN_PAUSE, PAUSE_COST), price)
        gain = np.where(path >= 0, GAP_COST - price, 0.0)
        return to_alignment(Trace(path, gain, speech, text.word, features.FRAME_S), graph, sentences, text.words,
                            self.name, MIN_SCORE)


def _warping_features(cepstra, speech):
    normal = features.normalize(cepstra, speech)
    return np.concatenate([normal, SLOPE_WEIGHT * features.deltas(normal)], axis=1).astype(np.float32)


def _distances(recorded, spoken, pause, speech):
    """Return the root mean square difference of each frame [T, D] from each state [N, D], float32 [T, N]."""
    square = (recorded ** 2).sum(axis=1)[:, None] + (spoken ** 2).sum(axis=1) - 2 * recorded @ spoken.T
    distance = np.sqrt(np.maximum(square, 0) / recorded.shape[1])
    distance[:, pause] = np.where(speech, SPEECH_IN_PAUSE, PAUSE_COST)[:, None]
    return distance.astype(np.float32)
