"""Aligns sound with text through espeak-ng's reading of it: no model is needed, so any first book will do.

Dynamic time warping compares a frame of the recording with one of the synthetic speech in two ways: by cepstra, and
by which phoneme a linear classifier, fitted to espeak-ng's own voices, takes each for. The first path tells which
phoneme each frame of the recording probably is; the classifier is fitted again to this reader and room, and
the text aligned once more with it. That is what tells a sentence that was not read from one that was.

With a `listener` (a speech model, letters.py) the classifiers see its letters beside the cepstra: the fit to
this reader decides what they are worth, so that a weak model does little harm.
"""
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from robot_ai.speech.spanish import normalize
from training.audiobook import features, lattice, phones
from training.audiobook.espeak import DEFAULT_RATE, speak
from training.audiobook.fragments import Alignment
from training.audiobook.plausible import believe
from training.audiobook.traces import NOT_FOUND, Trace, refine_borders, to_alignment

PASSES = 1  # of the reader's classifier, after the first search
CEPSTRA = 9  # of the 13: the higher ones tell voices apart, not phonemes
SLOPE_WEIGHT = 2.0  # of the cepstra's slopes against the cepstra
PHONE_WEIGHT = 0.2  # of -ln of the phonemes' likeness against the cepstra's distance
READER_WEIGHT = 0.2  # of -ln of the phoneme's posterior, from the second pass on
UNLIKELY = 6.2  # the most that -ln may be
FLATTEN = 0.5  # factor of the log posteriors: frames are not independent
GAP_COST = 1.5  # a frame of speech in a gap, first pass
READER_GAP_COST, JOINT_GAP_COST = 1.9, 2.2  # later passes, without and with a listener
SILENCE_COST = 0.05  # a frame of silence in a gap
PAUSE_COST, SPEECH_IN_PAUSE = 0.3, 1.3  # a frame of silence, of speech, between two words; times the gap's cost
BORDER_COST = 10.0  # a sentence that begins or ends within speech; times the gap's cost
LEFT_OUT_COST, SKIP_COST = 10.0, 0.1  # a sentence left out, and each state of it; times the gap's cost
STAY_COST = JUMP_COST = 0.2  # times the gap's cost; the text is read again at the reader's own rate first
FORBIDDEN = 1e3  # price of a frame of speech in a gap, where all of it must be the text
MARKS = "',:_;|"  # stress, length and pauses in espeak-ng's names of phonemes
ROOM = 3200  # samples of silence around what the voices say
BEAM = 400.0
MIN_SCORE = -0.1  # mean gain a frame; a sentence below it counts as not read
VOICES = ('es', 'es-419+m3', 'es+f2', 'es-419+f4', 'es+m7', 'es-419+klatt', 'es+f1', 'es-419+m5')
SLOWEST, FASTEST = 90, 320  # words a minute that a text is read in
RATES = (150, 185, 165, 135)  # words a minute
PANGRAMS = (
    'el veloz murciélago hindú comía feliz cardillo y kiwi', 'la cigüeña tocaba el saxofón detrás del palenque de paja',
    'benjamín pidió una bebida de kiwi y fresa', 'noé sin vergüenza la más exquisita champaña del menú',
    'jovencillo emponzoñado de whisky qué figurota exhibe', 'quiere la boca exhausta vid kiwi piña y fugaz jamón',
    'fabio me exige sin tapujos que añada cerveza al whisky', 'el perro corría por la carretera mojada bajo la lluvia',
    'aquel año llegaron ocho guitarras y un piano viejo', 'dijo que nunca había visto un caballo tan grande y negro',
    'mañana iremos al mercado a comprar queso pan y aceite', 'los niños jugaban en la plaza mientras caía la tarde',
    'un hombre muy bueno vivía con su hija en el campo', 'me duele la cabeza desde que salimos de madrid',
    'cada noche se oía el ruido de las olas en la costa', 'ningún juez quiso firmar aquella carta tan extraña',
    'yo te daré lo que tú quieras pero no llores más', 'entre la gente había un viejo que vendía flores')


@dataclass
class Reference:
    """The text as espeak-ng reads it; N states, 20 ms each."""

    words: list[list[str]]  # of each sentence, normalised
    cepstra: np.ndarray  # float32 [N, D]
    phone: np.ndarray  # int [N], number of the phoneme; 0 is silence
    word: np.ndarray  # int [N], index of the word in its sentence; -1 is a pause between words
    lengths: list[int]  # states of each sentence
    rate: int  # words a minute


def read_text(sentences: list[str], voice: str = 'es', rate: int = DEFAULT_RATE) -> Reference:
    """Return espeak-ng's reading of the sentences; one without a letter gets a single state of silence."""
    rows, phone, word, lengths, spelled = [], [], [], [], []
    numbers = voices()[0]
    for sentence in sentences:
        words = normalize(sentence).split()
        spelled.append(words)
        cepstra, phone_row, word_row = _read_sentence(words, numbers, voice, rate)
        rows.append(cepstra)
        phone.append(phone_row)
        word.append(word_row)
        lengths.append(len(cepstra))
    return Reference(spelled, np.concatenate(rows), np.concatenate(phone), np.concatenate(word), lengths, rate)


def _read_sentence(words, numbers, voice, rate):
    text = ' '.join(words)
    speech = speak(text, voice, rate) if words else None
    if speech is None or len(speech.samples) < 2 * features.HOP:
        return np.zeros((1, features.CEPSTRA), np.float32), np.zeros(1, int), np.full(1, -1)
    cepstra, _ = features.compute(speech.samples)
    times = (np.arange(len(cepstra)) + 0.5) * features.FRAME_S
    phone = _phonemes(speech, times, numbers)
    offsets = np.cumsum([0] + [len(w) + 1 for w in words[:-1]])
    index = [int(np.searchsorted(offsets, offset, 'right')) - 1 for offset, _ in speech.words]
    word_begins = [begin for _, begin in speech.words] or [0.0]
    word = np.asarray(index or [0])[np.maximum(np.searchsorted(word_begins, times, 'right') - 1, 0)]
    spoken = np.flatnonzero(phone > 0)
    cut = slice(spoken[0], spoken[-1] + 1) if len(spoken) else slice(0, 1)
    cepstra, phone, word = cepstra[cut], phone[cut], np.maximum.accumulate(word[cut])
    borders = np.flatnonzero(np.diff(word) > 0) + 1  # a state of pause goes between two words
    return (np.insert(cepstra, borders, 0, axis=0), np.insert(phone, borders, 0), np.insert(word, borders, -1))


def _phonemes(speech, times, numbers):
    """Return the phoneme's number at each time; one that has no number (yet) is silence."""
    labels = [numbers.get(name.strip(MARKS), 0) for name, _ in speech.phonemes] or [0]
    begins = [begin for _, begin in speech.phonemes] or [0.0]
    return np.asarray(labels)[np.maximum(np.searchsorted(begins, times, 'right') - 1, 0)]


@lru_cache(maxsize=2)
def voices(listener=None) -> tuple[dict[str, int], phones.Sums]:
    """Return (number of each phoneme, 0 being silence; sums for its classifier) of espeak-ng's Spanish voices."""
    spoken = [(number % len(VOICES), speak(text, VOICES[number % len(VOICES)], RATES[number % len(RATES)],
                                           30 + 17 * number % 40))
              for number, text in enumerate(text for text in PANGRAMS for _ in range(len(VOICES) - 1))]
    numbers = {'': 0}
    for _, speech in spoken:
        for name, _ in speech.phonemes:
            numbers.setdefault(name.strip(MARKS), len(numbers))
    generator = np.random.default_rng(0)
    sums = None
    for voice in range(len(VOICES)):
        cepstra, labels, heard = [], [], []
        for own, speech in spoken:
            if own == voice:
                room = np.pad(speech.samples, ROOM)
                noise = generator.standard_normal(len(room)) * 10 ** (-generator.uniform(45, 60) / 20)
                noisy = (room + noise).astype(np.float32)
                cepstra.append(features.compute(noisy)[0])
                heard.append(_listen(listener, noisy))
                times = (np.arange(len(cepstra[-1])) + 0.5) * features.FRAME_S - ROOM / features.SAMPLE_RATE
                inside = (times > 0) & (times < len(speech.samples) / features.SAMPLE_RATE)
                labels.append(np.where(inside, _phonemes(speech, times, numbers), 0))
        label = np.concatenate(labels)
        frames = _stack(features.normalize(np.concatenate(cepstra), label > 0), np.concatenate(heard))
        part = phones.Sums(frames, label, len(numbers))
        sums = part if sums is None else sums.plus(part)
    return numbers, sums


def _listen(listener, samples):
    """Return what the listener hears, float32 [T, H]; H is 0 without one."""
    return listener(samples) if listener else np.zeros((len(samples) // features.HOP, 0), np.float32)


def _stack(normal, heard):
    return np.concatenate([phones.stack(normal), heard], axis=1)


class DtwAligner:
    """Aligns recordings of one language; holds no state between recordings."""

    def __init__(self, voice: str = 'es', passes: int = PASSES, listener=None, name: str = 'dtw'):
        """Read texts with espeak-ng's `voice`; fit the classifier to the reader `passes` times.

        `listener(samples)` gives what a model hears, float32 [n // 320, H], for the classifiers. `name` goes
        into the alignments.
        """
        self.voice, self.passes, self.listener, self.name = voice, passes, listener, name

    def align(self, samples: np.ndarray, sentences: list[str], free_ends: bool = False) -> Alignment:
        """Return where in `samples` (float32 [n], 16 kHz) each sentence is spoken.

        With `free_ends` the sentences may be a longer text, of which the recording reads any part.
        """
        return believe(*self.search(samples, sentences, free_ends))

    def fit(self, samples: np.ndarray, sentence: str) -> tuple[float, float, float]:
        """Return how well all the speech in `samples` is this sentence: (score, its seconds, seconds expected).

        The score is the mean gain a frame, as of a fragment; no speech may be left out, and no text.
        """
        recording, text = _Recording(np.pad(samples, ROOM), self.listener), read_text([sentence], self.voice)
        path, gain, _ = _search(recording, text, None, False, forced=True)
        chosen = (path >= 0) & recording.speech
        score = float(gain[chosen].mean()) if chosen.any() else NOT_FOUND
        return score, float(recording.speech.sum() * features.FRAME_S), len(text.word) * features.FRAME_S

    def search(self, samples: np.ndarray, sentences: list[str], free_ends: bool = False):
        """Return (alignment by sound alone, seconds that each sentence should take at the reader's pace)."""
        recording, text = _Recording(samples, self.listener), read_text(sentences, self.voice)
        path, gain, graph = _search(recording, text, None, free_ends)
        for _ in range(self.passes):
            posteriors = _fit_reader(recording, text, path, self.listener)
            rate = round(DEFAULT_RATE / _slowness(recording, text, path, gain, graph))
            text = read_text(sentences, self.voice, min(max(rate, SLOWEST), FASTEST))
            path, gain, graph = _search(recording, text, posteriors, free_ends, self.listener is not None)
        trace = Trace(path, gain, recording.speech, text.word, features.FRAME_S)
        alignment = refine_borders(to_alignment(trace, graph, sentences, text.words, self.name, MIN_SCORE),
                                   recording.speech, features.FRAME_S)
        pace = _slowness(recording, text, path, gain, graph) * DEFAULT_RATE / text.rate
        return alignment, [pace * features.FRAME_S * length for length in text.lengths]


class _Recording:
    """What is known of a recording before it is aligned; T frames."""

    def __init__(self, samples, listener):
        cepstra, level = features.compute(samples)
        self.speech = features.speech_frames(level)
        normal = features.normalize(cepstra, self.speech)
        self.cepstra = _with_slopes(normal)
        self.stacked = _stack(normal, _listen(listener, samples))
        self.phones = _flattened(phones.log_posteriors(self.stacked, voices(listener)[1].classifier()))


def _with_slopes(normal):
    few = normal[:, :CEPSTRA]
    return np.concatenate([few, SLOPE_WEIGHT * features.deltas(few)], axis=1).astype(np.float32)


def _flattened(log_posteriors):
    """Return posteriors [T, P], flattened and smoothed over three frames."""
    padded = np.pad(FLATTEN * log_posteriors, ((1, 1), (0, 0)), mode='edge')
    mean = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    mean = np.exp(mean - mean.max(axis=1, keepdims=True))  # else all may be 0 where neighbours surely differ
    return (mean / mean.sum(axis=1, keepdims=True)).astype(np.float32)


def _fit_reader(recording, text, path, listener):
    """Return flattened posteriors [T, P] of a classifier fitted to what `path` says of this recording."""
    phone = np.where(text.word < 0, 0, text.phone)[np.maximum(path, 0)]
    labels = np.where(path >= 0, phone, -1)
    labels[~recording.speech] = 0
    return _flattened(phones.classify(recording.stacked, labels, voices(listener)[1]))


def _slowness(recording, text, path, gain, graph):
    """Return how much longer the reader takes than espeak-ng did: the median over the better half of the sentences."""
    unit = np.where((path >= 0) & recording.speech, np.searchsorted(graph.ends, path, 'right'), -1)
    frames = np.bincount(unit[unit >= 0], minlength=len(graph.ends))
    fit = np.bincount(unit[unit >= 0], gain[unit >= 0], len(graph.ends)) / np.maximum(frames, 1)
    states = np.add.reduceat(text.word >= 0, graph.starts)
    found = (frames > 0) & (states > 0)
    if not found.any():
        return 1.0
    found &= fit >= np.median(fit[found])
    return float(np.median(frames[found] / states[found])) * text.rate / DEFAULT_RATE


def _search(recording, text, reader, free_ends, joint=False, forced=False):
    """Return (path [T], gain [T], graph); `reader` are posteriors [T, P] fitted to the reader, or None."""
    speech, pause = recording.speech, text.word < 0
    unit = GAP_COST if reader is None else JOINT_GAP_COST if joint else READER_GAP_COST
    normal = features.normalize(text.cepstra, text.phone > 0)
    spoken = _with_slopes(normal)
    likeness = _flattened(phones.log_posteriors(phones.stack(normal), voices()[1].classifier()))
    likeness = 0.75 * likeness + 0.25 * np.eye(likeness.shape[1], dtype=np.float32)[text.phone]
    in_pause = np.where(speech, SPEECH_IN_PAUSE, PAUSE_COST).astype(np.float32) * unit
    # What a frame's phonemes cost is taken against the best that they could: loud noise must not cost more.
    base = phones_cost(recording.phones[:, 1:].max(axis=1))
    reader_base = None if reader is None else phones_cost(reader[:, 1:].max(axis=1))

    def costs(t0, t1, low, high):
        rows, columns = slice(t0, t1), slice(low, high)
        cost = _distances(recording.cepstra[rows], spoken[columns])
        cost += PHONE_WEIGHT * (phones_cost(recording.phones[rows] @ likeness[columns].T) - base[rows, None])
        if reader is not None:
            cost += READER_WEIGHT * (phones_cost(reader[rows])[:, text.phone[columns]] - reader_base[rows, None])
        cost[:, pause[columns]] = in_pause[rows, None]
        return np.where(speech[rows, None], cost, np.minimum(cost, unit)).astype(np.float32)

    lengths = np.asarray(text.lengths)
    graph = lattice.build_graph(text.lengths, unit * (LEFT_OUT_COST + SKIP_COST * lengths), np.ones(len(pause), bool))
    star = np.where(speech, FORBIDDEN if forced else unit, SILENCE_COST)
    if forced:
        graph = lattice.build_graph(text.lengths, FORBIDDEN * lengths * len(speech), np.ones(len(pause), bool))
    path, _ = lattice.align(costs, star, graph, stay_cost=STAY_COST * unit, jump_cost=JUMP_COST * unit,
                            free_ends=free_ends, beam=1e9 if forced else BEAM * unit,
                            borders=lattice.pause_borders(speech, BORDER_COST * unit))
    placed = np.flatnonzero(path >= 0)
    state = path[placed]
    cost = np.sqrt(np.mean((recording.cepstra[placed] - spoken[state]) ** 2, axis=1))
    cost += PHONE_WEIGHT * (phones_cost((recording.phones[placed] * likeness[state]).sum(axis=1)) - base[placed])
    if reader is not None:
        cost += READER_WEIGHT * (phones_cost(reader[placed, text.phone[state]]) - reader_base[placed])
    cost = np.where(pause[state], in_pause[placed], cost)
    gain = np.zeros(len(path))
    gain[placed] = 1 - np.where(speech[placed], cost, np.minimum(cost, unit)) / unit
    return path, gain, graph


def phones_cost(posteriors: np.ndarray) -> np.ndarray:
    """Return -ln of posteriors, at most UNLIKELY."""
    return -np.log(np.maximum(posteriors, np.float32(np.exp(-UNLIKELY))))


def _distances(recorded, spoken):
    """Return the root mean square difference of each frame [T, D] from each state [N, D], float32 [T, N]."""
    square = (recorded ** 2).sum(axis=1)[:, None] + (spoken ** 2).sum(axis=1) - 2 * recorded @ spoken.T
    return np.sqrt(np.maximum(square, 0) / recorded.shape[1])
