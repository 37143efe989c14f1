"""Aligns sound with text through our own speech model: forced alignment of its CTC labels, with wildcards.

Between two sentences a wildcard takes any sound at the price of the model's own best label plus a margin, so that
speech that is not in the text costs less there than under a sentence that it does not fit; a sentence may be left
out for a price a letter. Borders are then moved to where the speech begins and ends, as CTC's labels come in spikes.
"""
import numpy as np

from robot_ai.errors import ModelError
from robot_ai.model_store import find_model
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.speech.cleaning import HighPass, set_level
from robot_ai.speech.recognizer import SpeechRecognizer, split_at_quiet
from robot_ai.speech.spanish import normalize
from training.audiobook import features, lattice
from training.audiobook.fragments import Alignment
from training.audiobook.plausible import believe
from training.audiobook.traces import Trace, refine_borders, to_alignment

PIECE_S = 15.0  # sound is cut at its quietest places into pieces no longer than this
WORST = 6.0  # price of a frame that does not fit at all: -ln of what the model may be wrong by
MARGIN = 2.0  # price of the wildcard above the best label, a frame that is surely a letter
BLANK_MARGIN = 0.9  # a frame of speech that is surely none
SILENCE_COST = 0.02  # a frame of silence in a gap
BORDER_COST = 8.0  # a sentence that begins or ends within speech, not at a pause
PACE_COST = 1.0  # a frame on the same state, or on the next but one: letters come at 12 a second
SKIP_COST = 0.6  # a state of text that is left out
DEFAULT_PACE_S = 0.075  # a letter, where no sentence was found
WRONG = 4.0  # above the best label, on average over a sentence's frames: such a sentence counts as not read
MIN_SCORE = 0.0  # mean gain a frame, which is 1 on the best label and 0 at WRONG
BEAM = 400.0


class CtcAligner:
    """Aligns recordings with one model; holds no state between recordings."""

    name = 'ctc'

    def __init__(self, model: str = '', recognizer: SpeechRecognizer | None = None):
        """Load the model in folder `model` (empty: the one shipped), or take an open `recognizer`."""
        self._recognizer = recognizer or SpeechRecognizer(find_model('speech', model))
        info = self._recognizer.info
        self.labels = {label: index for index, label in enumerate(info.labels)}
        self.frame_s = self._recognizer.frame_s
        self._boundary = self.labels.get(str(info.parameters.get('word_boundary', ' ')))
        absent = [letter for letter in 'abcdefghijklmnopqrstuvwxyzáéíóúüñ' if letter not in self.labels]
        if absent:
            raise ModelError(f'{info.folder}: aligning needs a label for each letter; lacks {" ".join(absent)}')

    def align(self, samples: np.ndarray, sentences: list[str], free_ends: bool = False) -> Alignment:
        """Return where in `samples` (float32 [n], 16 kHz) each sentence is spoken.

        With `free_ends` the sentences may be a longer text, of which the recording reads any part.
        """
        return believe(*self.search(samples, sentences, free_ends))

    def search(self, samples: np.ndarray, sentences: list[str], free_ends: bool = False):
        """Return (alignment by sound alone, seconds that each sentence should take at the reader's pace)."""
        log_probs = self.listen(samples)
        frame_s = self.frame_s
        level = features.compute(samples)[1]
        fine = features.speech_frames(level)
        speech = _resize(fine, len(log_probs), features.FRAME_S / frame_s)
        words, states, word, lengths, jump = self._spell(sentences)
        graph = lattice.build_graph(lengths, SKIP_COST * np.asarray(lengths), jump)
        prices = np.minimum(-log_probs, WORST)
        best = prices.min(axis=1)
        # A letter in the wild costs more than one that fits; a blank does not, or long vowels would go there.
        spoken = 1 - np.exp(log_probs[:, 0])
        star = best + np.where(speech, BLANK_MARGIN + MARGIN * spoken, SILENCE_COST)

        def costs(t0, t1, low, high):
            return prices[t0:t1][:, states[low:high]]

        path, _ = lattice.align(costs, star, graph, stay_cost=PACE_COST, jump_cost=PACE_COST,
                                free_ends=free_ends, beam=BEAM,
                                borders=lattice.pause_borders(speech, BORDER_COST))
        price = prices[np.arange(len(path)), states[np.maximum(path, 0)]]
        gain = np.where(path >= 0, 1 - (price - best) / WRONG, 0.0)
        alignment = to_alignment(Trace(path, gain, speech, word, frame_s), graph, sentences, words, self.name,
                                 MIN_SCORE)
        return refine_borders(alignment, fine, features.FRAME_S), _expected(alignment, words)

    def listen(self, samples: np.ndarray) -> np.ndarray:
        """Return the model's log probabilities float32 [T, V] of a recording of any length."""
        frame = round(self.frame_s * SAMPLE_RATE)
        filtered = HighPass().whole(samples)
        rows = []
        for begin, end in split_at_quiet(filtered, int(PIECE_S * SAMPLE_RATE)):
            first = begin // frame  # pieces begin on a frame; the last row of one is the first of the next
            piece = self._recognizer.hear(set_level(filtered[first * frame:end])).log_probs
            rows.append((first, piece))
        result = np.full((-(-len(samples) // frame), len(self.labels)), -WORST, np.float32)
        result[:, 0] = 0.0
        for first, piece in rows:
            result[first:first + len(piece)] = piece[:len(result) - first]
        return result

    def _spell(self, sentences):
        """Return (words of each sentence, label [N], word index [N], states of each sentence, jump bool [N])."""
        words, labels, word, lengths, jump = [], [], [], [], []
        for sentence in sentences:
            own = normalize(sentence).split()
            words.append(own)
            before = len(labels)
            for number, text in enumerate(own):
                if number and self._boundary is not None:
                    _append(labels, word, jump, self._boundary, -1)
                for letter in text:
                    _append(labels, word, jump, self.labels[letter], number)
            if len(labels) == before:  # nothing to say: a state that only silence fits
                _append(labels, word, jump, 0, -1)
            else:
                del labels[before], word[before], jump[before]  # the gap before it takes the first blank
            lengths.append(len(labels) - before)
        return words, np.asarray(labels), np.asarray(word), lengths, np.asarray(jump)


def _expected(alignment, words):
    """Return how many seconds each sentence should take: its letters at the median pace of those that were found."""
    letters = [sum(map(len, own)) for own in words]
    paces = [(f.end - f.begin) / count for f, count in zip(alignment.fragments, letters) if f.read and count]
    pace = float(np.median(paces)) if paces else DEFAULT_PACE_S
    return [pace * count for count in letters]


def _append(labels, word, jump, label, number):
    """Add a blank and a label; the label may be reached past the blank unless it repeats the one before."""
    repeated = len(labels) > 0 and labels[-1] == label
    labels += [0, label]
    word += [word[-1] if word and number >= 0 and word[-1] == number else -1, number]
    jump += [False, not repeated]


def _resize(flags, length, ratio):
    """Return `flags` on another grid of frames: true where the middle of the frame was."""
    places = np.minimum(((np.arange(length) + 0.5) / ratio).astype(int), max(len(flags) - 1, 0))
    return flags[places] if len(flags) else np.zeros(length, bool)
