"""Which of the expected phrases was said, if any: CTC log probabilities [T, V] in, a phrase with its probability out.

Every phrase is scored exactly, over all its alignments, in one pass over the tree of their tokens. They are ranked by
log probabilities that are flattened (a CTC model is too sure of each letter) with a bonus a token (it prefers short
texts). Whether the first one was said at all is a logistic of how far it is from the best path, how far the second
phrase is behind it, and how many there are. All of it is tuned on validation speech by training/speech/tune.py.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLANK = 0
NEVER = -1e30  # log of zero that can be added up
FARTHEST = 50.0  # nats: a second phrase that far behind is as good as none
HOPELESS = -20.0  # nats a token from the best path: farther says no more


@dataclass(frozen=True)
class PhraseOptions:
    """What ranks and accepts phrases; log quantities in nats."""

    temperature: float = 1.5  # ranking: log probabilities are divided by it
    token_bonus: float = 2.0  # ranking: of each token
    bias: float = 1.3
    distance_weight: float = 2.1  # of ln P(phrase) - ln P(best path), a token
    lead_weight: float = 0.75  # of the square root of the first phrase's lead over the second
    accept: float = 0.54  # the least probability of a phrase that is taken for said

    def flattened(self, log_probs: np.ndarray) -> np.ndarray:
        """Return the log probabilities [T, V] that phrases are ranked by."""
        flat = np.asarray(log_probs, np.float64) / self.temperature
        return flat - np.logaddexp.reduce(flat, axis=1, keepdims=True)

    def probability(self, evidence: np.ndarray) -> float:
        """Return the probability that the first phrase was said, from `PhraseChooser.evidence` [2]."""
        odds = self.bias + float(evidence @ (self.distance_weight, self.lead_weight))
        return 1 / (1 + math.exp(-min(max(odds, -50.0), 50.0)))


@dataclass(frozen=True)
class Choice:
    """The likeliest of the expected phrases: its text, its tokens, and the probability that it was said."""

    text: str
    tokens: tuple[int, ...]
    probability: float


class TokenTree:
    """Label sequences as one tree of their prefixes, so that what they share is scored once."""

    def __init__(self, sequences: Sequence[tuple[int, ...]]):
        """Take K sequences of labels without the blank; each may be empty."""
        self.lengths = np.array([len(sequence) for sequence in sequences], np.int64)
        table = np.zeros((len(sequences), max(1, int(self.lengths.max(initial=0)))), np.int64)
        for row, sequence in zip(table, sequences):
            row[:len(sequence)] = sequence
        order = np.lexsort(table.T[::-1])
        table = table[order]
        differs = np.ones(table.shape, bool)
        differs[1:] = np.logical_or.accumulate(table[1:] != table[:-1], axis=1)
        fresh = differs & (table != BLANK)  # where a sequence leaves the one sorted before it
        nodes = np.where(fresh, np.cumsum(fresh).reshape(fresh.shape), 0)
        first = np.maximum.accumulate(np.where(differs, np.arange(len(table))[:, None], 0), axis=0)
        nodes = np.take_along_axis(nodes, first, axis=0)  # [K, L]: the node of each prefix
        before = np.pad(nodes[:, :-1], ((0, 0), (1, 0)))
        count = int(fresh.sum()) + 1  # node 0 is the empty prefix
        self._token, self._parent = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._token[nodes[fresh]], self._parent[nodes[fresh]] = table[fresh], before[fresh]
        self._repeats = (self._token == self._token[self._parent]).astype(np.float64)  # a letter like the one before
        self._repeats[0] = 0.0
        self._end = np.zeros(len(table), np.int64)
        self._end[order] = np.pad(nodes, ((0, 0), (1, 0)))[np.arange(len(table)), self.lengths[order]]

    def log_likelihood(self, log_probs: np.ndarray) -> np.ndarray:
        """Return ln P of each sequence over all its alignments: [T, V] -> float64 [K]; NEVER where it cannot be."""
        # Probabilities scaled anew each frame, not logarithms: ten times as fast, and float64 holds 700 nats.
        blank, token, total = np.zeros(len(self._token)), np.zeros(len(self._token)), 0.0
        blank[0] = 1.0
        for probs in np.exp(np.asarray(log_probs, np.float64)):
            both = blank + token
            grown = both[self._parent] - self._repeats * token[self._parent]  # a repeated letter needs a blank between
            grown[0] = 0.0
            token = (token + grown) * probs[self._token]
            token[0] = 0.0
            blank = both * probs[BLANK]
            scale = max(blank.max(), token.max(), 1e-300)
            blank /= scale
            token /= scale
            total += math.log(scale)
        with np.errstate(divide='ignore'):
            return np.maximum(total + np.log(blank[self._end] + token[self._end]), NEVER)


class PhraseChooser:
    """Finds the likeliest of some phrases, and tells how likely it was said."""

    def __init__(self, texts: Sequence[str], sequences: Sequence[tuple[int, ...]], options: PhraseOptions):
        """Take the phrases and how each is spelled in tokens; at least one."""
        self.texts, self._sequences, self.options = tuple(texts), tuple(sequences), options
        self._tree = TokenTree(sequences)
        self.lengths = self._tree.lengths  # [K], tokens

    def scores(self, log_probs: np.ndarray) -> np.ndarray:
        """Return the ranking score of each phrase: [T, V] -> float64 [K] (nats)."""
        flat = self.options.flattened(log_probs)
        return self._tree.log_likelihood(flat) + self.options.token_bonus * self.lengths

    def choose(self, log_probs: np.ndarray) -> Choice | None:
        """Return the likeliest phrase in float32 [T, V]; None where none fits into the frames."""
        scores = self.scores(log_probs)
        best = int(scores.argmax())
        if scores[best] <= NEVER / 2:
            return None
        probability = self.options.probability(self.evidence(log_probs, scores))
        return Choice(self.texts[best], self._sequences[best], probability)

    def evidence(self, log_probs: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return float64 [2] for the phrase of the highest score: its distance, and the root of its lead.

        A phrase whose score is NEVER takes no part.
        """
        best = int(scores.argmax())
        others = np.delete(scores, best)
        lead = min(FARTHEST, float(scores[best] - others.max(initial=NEVER)))
        heard = TokenTree([self._sequences[best]]).log_likelihood(log_probs)[0]
        distance = (heard - float(np.max(log_probs, axis=1).sum(dtype=np.float64))) / max(1, self.lengths[best])
        return np.array([max(HOPELESS, distance), math.sqrt(lead)])
