"""Training texts and sounds in, those that are in a held-out set out: nothing of a test may be trained on.

Texts are compared by a hash of `fold(text)`. Sounds are compared by a fingerprint in the manner of Haitsma and
Kalker (ISMIR 2002): 32 bits a frame, the signs of the differences of neighbouring bands and frames, which survive
another codec, level, sampling rate, a trimmed edge and telephone bandwidth, but not another reading of the text.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from robot_ai.errors import AudioError
from robot_ai.speech.spanish import fold
from training.speech.loaders import load
from training.speech.utterances import Problems, Utterance, read

SAMPLE_RATE = 16000
WINDOW = 4096  # samples, 256 ms: long, so that neighbouring fingerprints change slowly
HOP = 256  # samples, 16 ms
BANDS = 33
LOWEST_HZ, HIGHEST_HZ = 300, 3300  # inside a telephone's band
QUIET_DB = -45  # below the loudest frame: not compared
FEWEST_FRAMES = 20  # that two sounds must share
SAME_BITS = 0.27  # share of differing bits below which two sounds are one recording (chance is 0.5)
MOST_CANDIDATES = 40  # places that are compared in full
DEFAULT_HELD_OUT = Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'speech' / 'manifest.jsonl'


def text_hash(text: str) -> str:
    """Return the hash by which texts are compared: case, accents, punctuation and figures do not matter."""
    return hashlib.sha256(fold(text).encode()).hexdigest()[:16]


def _band_edges():
    hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1)
    return np.round(hz / SAMPLE_RATE * WINDOW).astype(int)


_EDGES = _band_edges()
_WINDOW = np.hanning(WINDOW).astype(np.float32)


def fingerprint(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (uint32 [T] fingerprints, bool [T] loud enough to compare) of float32 [n] at 16 kHz."""
    padded = np.pad(np.asarray(samples, np.float32), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    energy = np.empty((len(frames), BANDS), np.float32)
    for first in range(0, len(frames), 512):  # a few MB at a time
        power = np.abs(np.fft.rfft(frames[first : first + 512] * _WINDOW)) ** 2
        energy[first : first + 512] = np.add.reduceat(power, _EDGES[:-1], axis=1)[:, :BANDS]
    energy = np.log(energy + 1e-7)
    bands = energy[:, :-1] - energy[:, 1:]
    bits = np.diff(bands, axis=0) > 0
    packed = np.packbits(bits, axis=1).view('>u4')[:, 0].astype(np.uint32)
    level = energy[1:].max(axis=1)
    loudest = level.max(initial=-99)
    return packed, level > max(loudest + QUIET_DB / 10 * np.log(10), np.log(1e-4))


@dataclass(frozen=True)
class Leak:
    """A training entry that is in the held-out set: `how` is 'text' or 'sound'."""

    entry: str
    held_out: str
    how: str


class HeldOut:
    """The test clips of manifests: their texts by hash, their sounds by an index of fingerprints."""

    def __init__(self):
        self.texts: dict[str, str] = {}
        self.names: list[str] = []
        self._bits: list[np.ndarray] = []
        self._loud: list[np.ndarray] = []
        self._index = None

    @classmethod
    def of(cls, utterances: Iterable[Utterance], sounds: bool = True) -> 'HeldOut':
        """Return the set of these utterances; without `sounds` only their texts."""
        held_out = cls()
        for utterance in utterances:
            held_out.add(utterance, read(utterance) if sounds else None)
        return held_out

    @classmethod
    def of_manifests(cls, manifests: Iterable[Path], sounds: bool = True, progress: bool = False) -> 'HeldOut':
        """Return the test splits of manifests (every split whose name begins with test)."""
        chosen = [
            utterance
            for manifest in manifests
            for utterance in load(manifest)
            if utterance.split.startswith('test')
        ]
        return cls.of(tqdm(chosen, 'held-out tests', unit='clip', disable=not progress, leave=False), sounds)

    def add(self, utterance: Utterance, samples: np.ndarray | None = None) -> None:
        """Hold out one utterance, with its sound if given."""
        self.texts.setdefault(text_hash(utterance.text), utterance.audio)
        if samples is not None:
            bits, loud = fingerprint(samples)
            self.names.append(utterance.audio)
            self._bits.append(bits)
            self._loud.append(loud)
            self._index = None

    def has_text(self, text: str) -> str:
        """Return the held-out clip with this text, or ''."""
        return self.texts.get(text_hash(text), '')

    def has_sound(self, samples: np.ndarray) -> str:
        """Return the held-out clip that is, or is in, this sound float32 [n] at 16 kHz, or ''."""
        if not self._bits:
            return ''
        bits, loud = fingerprint(samples)
        for clip, offset in self._candidates(bits, loud):
            held, held_loud = self._bits[clip], self._loud[clip]
            first, last = max(0, offset), min(len(bits), offset + len(held))
            both = loud[first:last] & held_loud[first - offset : last - offset]
            if both.sum() < min(FEWEST_FRAMES, int(held_loud.sum() * 0.8)) or both.sum() < FEWEST_FRAMES // 2:
                continue
            differing = (
                np.bitwise_count(bits[first:last] ^ held[first - offset : last - offset])
                if hasattr(np, 'bitwise_count')
                else _count_bits(bits[first:last] ^ held[first - offset : last - offset])
            )
            if differing[both].mean() / 32 < SAME_BITS:
                return self.names[clip]
        return ''

    def _candidates(self, bits, loud):
        """Return the most voted (clip, frame of the query where the clip begins), one flipped bit allowed."""
        if self._index is None:
            values = np.concatenate([bits[loud] for bits, loud in zip(self._bits, self._loud)])
            clips = np.repeat(np.arange(len(self._bits)), [loud.sum() for loud in self._loud])
            places = np.concatenate([np.flatnonzero(loud) for loud in self._loud])
            order = np.argsort(values, kind='stable')
            self._index = values[order], clips[order], places[order]
        values, clips, places = self._index
        flips = np.concatenate([[0], 1 << np.arange(32)]).astype(np.uint32)
        frames = np.flatnonzero(loud)
        wanted = (bits[frames][:, None] ^ flips).ravel()
        frames = np.repeat(frames, len(flips))
        first, last = np.searchsorted(values, wanted, 'left'), np.searchsorted(values, wanted, 'right')
        counts = last - first
        if not counts.sum():
            return []
        hits = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
        offsets = np.repeat(frames, counts) - places[hits]
        pairs, votes = np.unique(np.stack([clips[hits], offsets]), axis=1, return_counts=True)
        best = np.argsort(-votes, kind='stable')[:MOST_CANDIDATES]
        return [(int(pairs[0, k]), int(pairs[1, k])) for k in best]


def _count_bits(values):
    return np.unpackbits(values.astype('>u4').view(np.uint8).reshape(len(values), 4), axis=1).sum(axis=1)


def find_leaks(
    utterances: Iterable[Utterance], held_out: HeldOut, sounds: bool = True, problems: Problems | None = None
) -> Iterable[Leak]:
    """Yield the training utterances whose text or sound is held out; unreadable ones go to `problems`."""
    problems = Problems() if problems is None else problems
    for utterance in utterances:
        clip = held_out.has_text(utterance.text)
        how = 'text'
        if not clip and sounds:
            try:
                clip, how = held_out.has_sound(read(utterance)), 'sound'
            except AudioError as error:
                problems.add(utterance.audio, error)
        if clip:
            yield Leak(utterance.audio, clip, how)


def default_held_out() -> list[Path]:
    """Return the manifests whose tests are held out where the user names none: the shared data's, if there."""
    return [DEFAULT_HELD_OUT] if DEFAULT_HELD_OUT.is_file() else []
