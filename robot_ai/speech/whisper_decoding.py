"""Whisper's decoding: a function that reads one token and gives logits in, the best transcripts out.

Greedy and beam search over log-probabilities, with the lists of suppressed tokens, the grammar of timestamps
(arXiv:2212.04356) and a bonus for expected phrases. A `stepper` is what drives the graph:
`stepper.read(tokens, rows)` with int [K] tokens and the beam that each continues gives logits [K, V].
"""
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from robot_ai.speech.whisper_tokenizer import WhisperTokenizer

NEVER = -np.inf


@dataclass(frozen=True)
class Rules:
    """What may be said; indices of tokens."""

    end: int
    suppress: tuple[int, ...] = ()  # never
    begin_suppress: tuple[int, ...] = ()  # not as the first token
    timestamps: bool = False
    no_timestamps: int = -1
    first_timestamp: int = 1 << 30
    max_initial_timestamp: int | None = 50  # s / 0.02 of the first timestamp at most

    @classmethod
    def of(cls, tokenizer: WhisperTokenizer, parameters: dict) -> 'Rules':
        """Read them from model.yaml's parameters."""
        return cls(tokenizer.end, tuple(parameters.get('suppress_tokens') or ()),
                   tuple(parameters.get('begin_suppress_tokens') or ()), bool(parameters.get('timestamps', False)),
                   tokenizer.no_timestamps, tokenizer.first_timestamp, parameters.get('max_initial_timestamp', 50))

    def apply(self, logits: np.ndarray, said: list[int]) -> np.ndarray:
        """Return log-probabilities float32 [V] of the next token after `said`, forbidden ones at -inf."""
        scores = logits.astype(np.float32)
        scores[list(self.suppress)] = NEVER
        if not said:
            scores[list(self.begin_suppress)] = NEVER
        if self.timestamps:
            self._apply_timestamps(scores, said)
        return scores - log_sum(scores)

    def _apply_timestamps(self, scores, said):
        """Times come in pairs, never fall, begin the transcript, and win where they are likelier than any word."""
        scores[self.no_timestamps] = NEVER
        first = self.first_timestamp
        after = bool(said) and said[-1] >= first
        if after and (len(said) < 2 or said[-2] >= first):
            scores[first:] = NEVER  # a pair, or the first, is complete: text follows
        elif after:
            scores[:self.end] = NEVER  # an end: the next segment's beginning follows, or the end of all
        times = [token for token in said if token >= first]
        if times:
            last = times[-1] if after and len(said) >= 2 and said[-2] < first else times[-1] + 1
            scores[first:last] = NEVER
        if not said:
            scores[:first] = NEVER
            if self.max_initial_timestamp is not None:
                scores[first + self.max_initial_timestamp + 1:] = NEVER
        if log_sum(scores[first:]) > scores[:first].max(initial=NEVER):
            scores[:first] = NEVER


def log_sum(scores: np.ndarray) -> float:
    """Return ln(sum(exp(scores))), -inf where all are."""
    top = scores.max(initial=NEVER)
    return float(top + np.log(np.exp(scores - top).sum(dtype=np.float64))) if np.isfinite(top) else NEVER


class PhraseBias:
    """Expected phrases, spelled in tokens, as a tree: each token that goes on with one earns `boost` nats.

    A match that breaks off gives back what it earned, one that is whole keeps it, as in the field's context graphs.
    """

    def __init__(self, phrases: Iterable[str], tokenizer: WhisperTokenizer, boost: float = 2.0):
        """Spell each phrase as it may come: as it is, in lower case, capitalised, and right after an opening sign."""
        self.boost = boost
        self._next: list[dict[int, int]] = [{}]
        self._depth, self._whole = [0], [False]
        for phrase in phrases:
            text = phrase.strip()
            first = text[:1].upper() + text[1:]
            for form in (f' {text}', f' {text.lower()}', f' {first}', first) if text else ():
                self._add(tokenizer.encode(form))

    def __bool__(self):
        return len(self._next) > 1

    def _add(self, ids):
        state = 0
        for token in ids:
            if token not in self._next[state]:
                self._next[state][token] = len(self._next)
                self._next.append({})
                self._depth.append(self._depth[state] + 1)
                self._whole.append(False)
            state = self._next[state][token]
        self._whole[state] = True

    def add_to(self, scores: np.ndarray, state: int) -> np.ndarray:
        """Return scores [V] with the bonuses of every next token, given where the phrases stand."""
        if not self:
            return scores
        debt = self._debt(state)
        scores = scores - debt
        for token in self._next[0]:
            scores[token] += self.boost
        for token in self._next[state] if state else ():
            scores[token] += debt + self.boost - (self.boost if token in self._next[0] else 0.0)
        return scores

    def step(self, state: int, token: int) -> int:
        """Return where the phrases stand after a token."""
        return self._next[state].get(token, self._next[0].get(token, 0))

    def _debt(self, state):
        """Return what a match that breaks off here gives back."""
        return 0.0 if self._whole[state] else self.boost * self._depth[state]


@dataclass
class Transcript:
    """One reading: tokens without prompt and end, ln probability of each and of the end, and where it looked."""

    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)  # of `tokens`, then of the end where it was reached
    score: float = 0.0  # with bonuses
    attention: list[np.ndarray] = field(default_factory=list)  # [A, T] of the step that gave each token
    state: int = 0  # of the phrases

    @property
    def mean(self) -> float:
        """The score a token: what readings are ranked by."""
        return self.score / max(1, len(self.log_probs))

    def followed_by(self, token: int, log_prob: float, score: float, attention, state: int) -> 'Transcript':
        """Return this reading with one more token (the end has none: pass -1)."""
        tokens = [*self.tokens, token] if token >= 0 else self.tokens
        return Transcript(tokens, [*self.log_probs, log_prob], score, [*self.attention, attention], state)


def greedy(stepper, rules: Rules, longest: int, bias: PhraseBias | None = None) -> Transcript:
    """Return the transcript of the best token each time, at most `longest` tokens."""
    said, logits = Transcript(), stepper.logits[0]
    while True:
        scores = rules.apply(logits, said.tokens)
        favoured = bias.add_to(scores, said.state) if bias else scores
        best = int(favoured.argmax())
        state = bias.step(said.state, best) if bias else 0
        total = said.score + float(favoured[best])
        said = said.followed_by(-1 if best == rules.end else best, float(scores[best]), total,
                                stepper.attention(0), state)
        if best == rules.end or len(said.tokens) >= longest:
            return said
        logits = stepper.read([best], [0])[0]


def beam_search(stepper, rules: Rules, longest: int, beams: int, bias: PhraseBias | None = None) -> list[Transcript]:
    """Return up to `beams` transcripts, best (by mean score a token) first."""
    live, done, logits = [Transcript()], [], stepper.logits[:1]
    for _ in range(longest):
        options = []
        for row, said in enumerate(live):
            scores = rules.apply(logits[row], said.tokens)
            favoured = bias.add_to(scores, said.state) if bias else scores
            kept = min(2 * beams, len(favoured))
            for token in np.argpartition(-favoured, kept - 1)[:kept]:
                if np.isfinite(scores[token]):
                    options.append((said.score + float(favoured[token]), row, int(token), float(scores[token])))
        options.sort(key=lambda option: -option[0])
        following, rows = [], []
        for total, row, token, log_prob in options:
            ended = token == rules.end
            state = bias.step(live[row].state, token) if bias else 0
            said = live[row].followed_by(-1 if ended else token, log_prob, total, stepper.attention(row), state)
            if ended:
                done.append(said)
            else:
                following.append(said)
                rows.append(row)
            if len(following) == beams:
                break
        live = following
        done = sorted(done, key=lambda said: -said.mean)[:beams]
        if len(done) == beams or not live:
            break
        logits = stepper.read([said.tokens[-1] for said in live], rows)
    return sorted([*done, *([] if len(done) == beams else live)], key=lambda said: -said.mean)[:beams]
