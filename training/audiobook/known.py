"""Clips with transcripts in, audiobooks out whose true borders are known: what the aligners are measured on.

The clips of one speaker are trimmed to their speech and laid over continuous room tone. A preamble and an ending
are spoken by an espeak-ng voice or by the book's own speaker; sentences are left out of the text, not read,
read twice, or worded otherwise, as other editions are.
"""
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robot_ai.speech.audio import read_audio
from robot_ai.speech.spanish import fold
from training.audiobook.espeak import speak

SAMPLE_RATE = 16000  # Hz
SPEECH_LEVEL = 0.07  # RMS of the loudest half of each clip: -23 dB
TONE_LEVEL_DB = (-62, -52)  # of full scale, drawn per book
GAP_S = (0.25, 1.1)  # between sentences, drawn per gap
VOICES = ('es', 'es-419+f3')  # of the preamble and the ending
PREAMBLE = ('Esta es una grabación de LibriVox. Todas las grabaciones de LibriVox están en el dominio público. '
            'Para más información o para ser voluntario, visite LibriVox punto org.')
ENDING = 'Fin de esta sección. Grabado por un voluntario. Esta grabación es de dominio público.'
FILLERS = ('muy', 'ahora', 'casi', 'entonces', 'siempre', 'aquella', 'quizás', 'otra')


@dataclass(frozen=True)
class Clip:
    """One recorded sentence: the trimmed samples and the transcript."""

    path: str
    text: str
    samples: np.ndarray = field(repr=False)


@dataclass
class KnownBook:
    """An audiobook with its truth; times in seconds."""

    name: str
    samples: np.ndarray = field(repr=False)  # float32 [n], 16 kHz
    sentences: list[str] = field(default_factory=list)  # the text
    truth: list[tuple[float, float] | None] = field(default_factory=list)  # of each sentence; None: not read
    twice: dict[int, tuple[float, float]] = field(default_factory=dict)  # the other reading of a sentence
    extra: list[tuple[float, float]] = field(default_factory=list)  # speech not in the text, second readings too
    preamble: tuple[float, float] = (0.0, 0.0)
    ending: tuple[float, float] = (0.0, 0.0)


def load_clips(data: Path, split: str, speaker: str) -> list[Clip]:
    """Return the speaker's clips of `split` in ../shared/data/speech, trimmed to their speech.

    Of clips with the same text only the first: which of two equal sentences was left out, nobody can hear.
    """
    clips, texts = [], set()
    with open(data / 'manifest.jsonl', encoding='utf-8') as lines:
        for line in lines:
            entry = json.loads(line)
            if entry['split'] == split and entry['speaker'] == speaker and fold(entry['text']) not in texts:
                samples = trim(read_audio(data / entry['audio']))
                if len(samples) > 0.25 * SAMPLE_RATE:
                    clips.append(Clip(entry['audio'], entry['text'], samples))
                    texts.add(fold(entry['text']))
    return clips


def trim(samples: np.ndarray) -> np.ndarray:
    """Cut what lies before and after the speech: all within 10 ms frames 35 dB below the loudest tenth."""
    frames = samples[:len(samples) // 160 * 160].reshape(-1, 160)
    if not len(frames):
        return samples[:0]
    level = 10 * np.log10(np.mean(frames ** 2, axis=1) + 1e-10)
    loud = np.flatnonzero(level > max(np.percentile(level, 90) - 35, np.percentile(level, 5) + 6))
    return samples[loud[0] * 160:(loud[-1] + 1) * 160] if len(loud) else samples[:0]


def _levelled(samples):
    energy = samples ** 2
    loud = energy[energy >= np.median(energy)]
    return samples * (SPEECH_LEVEL / (np.sqrt(loud.mean()) + 1e-6))


def _room_tone(length, level_db, generator):
    """Return noise whose power falls with frequency, float32 [length], at `level_db` of full scale."""
    white = generator.standard_normal(length)
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)) / len(spectrum) * 8000, 60) / 60)
    tone = np.fft.irfft(spectrum, length)
    return (tone * 10 ** (level_db / 20) / tone.std()).astype(np.float32)


def _other_wording(text, generator):
    """Return the sentence as another edition has it: one word left out, added or replaced."""
    words = text.split()
    place, filler = int(generator.integers(len(words))), str(generator.choice(FILLERS))
    how = generator.integers(3) if len(words) > 3 else 1
    new = [[], [filler, words[place]], [filler]][how]
    return ' '.join(words[:place] + new + words[place + 1:])


def build_book(name: str, clips: list[Clip], frame: list[Clip], kind: int, seed: int,
               omissions: bool = True) -> KnownBook:
    """Return the book of `clips`; `kind` 0, 1: preamble by an espeak-ng voice, 2: by `frame`, the speaker's own.

    Of each ten sentences about one differs in wording; of each twenty one is left out of the text, one not
    read, one read twice (of each at least one), unless `omissions` is False.
    """
    generator = np.random.default_rng(seed)
    count = len(clips)
    order = generator.permutation(np.arange(1, count - 1)) if count > 2 else np.arange(0)
    share = max(1, round(count / 20)) if omissions else 0
    left_out, unread, twice = (set(order[k * share:(k + 1) * share].tolist()) for k in range(3))
    other = set(order[3 * share:3 * share + round(count / 10)].tolist()) if omissions else set()
    parts, position = [], 0

    def place(samples):
        nonlocal position
        gap = int(generator.uniform(*GAP_S) * SAMPLE_RATE)
        begin = position + gap
        parts.append((begin, _levelled(samples)))
        position = begin + len(samples)
        return begin / SAMPLE_RATE, position / SAMPLE_RATE

    def announce(text, own):
        if kind == 2:
            spans = [place(clip.samples) for clip in own]
            return spans[0][0], spans[-1][1]
        return place(trim(speak(text, VOICES[kind], 160, 45).samples))

    book = KnownBook(name, np.zeros(0, np.float32))
    half = max(1, len(frame) // 2)
    book.preamble = announce(PREAMBLE, frame[:half])
    for index, clip in enumerate(clips):
        span = place(clip.samples) if index not in unread else None
        if index in left_out:
            book.extra.append(span)
            continue
        if index in twice:
            book.twice[len(book.sentences)] = again = place(clip.samples)
            book.extra.append(again)
        book.sentences.append(_other_wording(clip.text, generator) if index in other else clip.text)
        book.truth.append(span)
    book.ending = announce(ENDING, frame[half:] or frame[:1])
    samples = _room_tone(position + SAMPLE_RATE, generator.uniform(*TONE_LEVEL_DB), generator)
    for begin, part in parts:
        samples[begin:begin + len(part)] += part
    book.samples = np.clip(samples, -1, 1)
    return book


# (speaker, how many books); the clips are dealt out, so that no clip is in two books
SHELVES = {
    'validation': (('drascula-D', 3), ('drascula-L', 1), ('drascula-john', 1), ('allison', 1), ('tuxpaint-es', 2)),
    'test': (('tatoeba-arh', 10), ('drascula-VB', 4), ('drascula-I', 1), ('drascula-T', 1), ('allison', 1),
             ('drascula-john', 1), ('tuxpaint-es', 2)),
}
SPLITS = {'validation': ('validation',), 'test': ('test-unseen-speaker', 'test-seen-speaker')}
FRAME_CLIPS = 4  # of each book, spoken as preamble and ending where the speaker is the book's own


def build_shelf(data: Path, shelf: str, omissions: bool = True) -> list[KnownBook]:
    """Return the known audiobooks of 'validation' (8, to tune on) or 'test' (20, to report on)."""
    books = []
    for speaker, count in SHELVES[shelf]:
        clips = [clip for split in SPLITS[shelf] for clip in load_clips(data, split, speaker)]
        for number in range(count):
            own = clips[number * len(clips) // count:(number + 1) * len(clips) // count]
            books.append(build_book(f'{speaker}-{number + 1}', own[FRAME_CLIPS:], own[:FRAME_CLIPS],
                                    len(books) % 3, seed=1000 + len(books), omissions=omissions))
    return books
