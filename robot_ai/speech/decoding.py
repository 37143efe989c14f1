"""CTC log probabilities [T, V] in, ranked texts with scores and word times out.

Prefix beam search (Hannun et al. 2014) with the n-gram and the phrase bonus added as a prefix grows, then
every finalist scored exactly: full CTC forward, decoder (where the model has one), n-gram, bonus. The beam
is an array, its prefixes live in a tree, so that a frame costs a few NumPy calls; a frame that is surely
blank costs one. Whether the whole utterance is one of the expected phrases is decided apart, in phrases.py.
"""
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from robot_ai.speech.biasing import BOUNDARY, ContextGraph
from robot_ai.speech.language_model import END, NgramModel
from robot_ai.speech.phrases import BLANK, NEVER, Choice, PhraseChooser, PhraseOptions, TokenTree

SURE_BLANK = math.log(0.999)


@dataclass(frozen=True)
class DecodingOptions:
    """What steers a decoder; log quantities in nats."""

    beam: int = 16
    token_threshold: float = 9.0  # tokens this far below a frame's best are not tried
    beam_threshold: float = 14.0  # prefixes this far below the best are dropped
    max_tokens_a_frame: int = 12
    attention_weight: float = 0.0  # of the decoder against CTC, 0..1
    lm_weight: float = 0.0
    word_bonus: float = 0.0  # a word, against the n-gram's dislike of long texts
    phrase_boost: float = 0.7  # a character of an expected phrase, alone or in a longer utterance

    @classmethod
    def from_parameters(cls, parameters: dict) -> 'DecodingOptions':
        """Take the values that model.yaml's parameters give (`decoding`, `language_model`, `attention_weight`)."""
        given = {k: v for k, v in (parameters.get('decoding') or {}).items() if k in cls.__dataclass_fields__}
        lm = parameters.get('language_model') or {}
        return cls(**{'attention_weight': float(parameters.get('attention_weight', 0.0)),
                      'lm_weight': float(lm.get('weight', 0.0)), 'word_bonus': float(lm.get('word_bonus', 0.0)),
                      **given})


@dataclass(frozen=True)
class Hypothesis:
    """One reading: label indices, text, and the ranking score with its parts (nats)."""

    tokens: tuple[int, ...]
    text: str
    score: float
    ctc: float  # ln P(tokens | sound), all alignments
    external: float  # weighted n-gram, word bonus and phrase bonus
    attention: float = 0.0


class Vocabulary:
    """Labels by index (blank first) and the text that they spell."""

    def __init__(self, labels: Iterable[str], boundary: str = BOUNDARY):
        """Take the labels; `boundary` is the sign for a word's border inside them (' ' or '▁')."""
        self.pieces = tuple(label.replace(boundary, BOUNDARY) for label in labels)
        self._index = {piece: i for i, piece in enumerate(self.pieces) if i != BLANK and piece}
        self._longest = max(map(len, self._index), default=1)
        self._leading = any(piece.startswith(BOUNDARY) and len(piece) > 1 for piece in self._index)

    def text(self, tokens: Iterable[int]) -> str:
        """Return the text of a token sequence, words parted by one space."""
        return ' '.join(''.join(self.pieces[t] for t in tokens).split())

    def encode(self, text: str) -> tuple[int, ...] | None:
        """Spell normalised text in as few tokens as possible; None where it cannot be spelled."""
        text = ' '.join(text.split())
        if self._leading:
            text = BOUNDARY + text
        best: list = [((), 0)] + [None] * len(text)
        for end in range(1, len(text) + 1):
            for start in range(max(0, end - self._longest), end):
                token = self._index.get(text[start:end])
                if token is not None and best[start] and (best[end] is None or best[start][1] + 1 < best[end][1]):
                    best[end] = ((*best[start][0], token), best[start][1] + 1)
        return best[-1][0] if best[-1] else None


class _Prefixes:
    """The tree of prefixes: per node its parent, last token, external score and what follows from them."""

    def __init__(self, decoder, graph):
        self._decoder, self._graph = decoder, graph
        lm = decoder.lm
        self.parent, self.token, self.external = [-1], [BLANK], [0.0]
        self._states = [(lm.begin if lm else (), '', graph.start if graph else 0)]
        self._children: dict[tuple[int, int], int] = {}

    def child(self, node, token):
        """Return the node of `node` + `token`, scored."""
        found = self._children.get((node, token))
        if found is None:
            state, bonus = self._step(self._states[node], token)
            found = self._children[node, token] = len(self.parent)
            self.parent.append(node)
            self.token.append(token)
            self.external.append(self.external[node] + bonus)
            self._states.append(state)
        return found

    def _step(self, state, token):
        lm_state, word, place = state
        piece, bonus, decoder = self._decoder.vocabulary.pieces[token], 0.0, self._decoder
        if self._graph and (word or piece != BOUNDARY):  # a second border changes nothing
            place, bonus = self._graph.walk(place, piece)
        if decoder.lm_of_tokens:
            log_prob, lm_state = decoder.lm.score(lm_state, decoder.labels[token])
            bonus += decoder.options.lm_weight * log_prob
        if BOUNDARY in piece or word:
            *done, word = (word + piece).split(BOUNDARY)
            for each in filter(None, done):
                bonus += decoder.options.word_bonus
                if decoder.lm and not decoder.lm_of_tokens:
                    log_prob, lm_state = decoder.lm.score(lm_state, each)
                    bonus += decoder.options.lm_weight * log_prob
        else:
            word = piece
        return (lm_state, word, place), bonus

    def finished(self, node):
        """Return the external score of a node as a whole utterance."""
        (lm_state, word, place), total, decoder = self._states[node], self.external[node], self._decoder
        if word:
            total += decoder.options.word_bonus
        if decoder.lm:
            if word and not decoder.lm_of_tokens:
                log_prob, lm_state = decoder.lm.score(lm_state, word)
                total += decoder.options.lm_weight * log_prob
            total += decoder.options.lm_weight * decoder.lm.score(lm_state, END)[0]
        return total + (self._graph.finish(place) if self._graph else 0.0)

    def tokens(self, node):
        """Return the token sequence of a node."""
        out = []
        while node > 0:
            out.append(self.token[node])
            node = self.parent[node]
        return tuple(reversed(out))


class Decoder:
    """Ranks what a CTC output may say."""

    def __init__(self, labels: Iterable[str], boundary: str = BOUNDARY,
                 options: DecodingOptions | None = None, language_model: NgramModel | None = None,
                 phrase_options: PhraseOptions | None = None):
        """Take the model's labels (blank first). The n-gram is over words, or over the labels themselves."""
        self.boundary = boundary
        self.labels = tuple(labels)
        self.vocabulary = Vocabulary(self.labels, boundary)
        self.options, self.phrase_options = options or DecodingOptions(), phrase_options or PhraseOptions()
        self.lm = language_model if self.options.lm_weight else None
        self.lm_of_tokens = bool(self.lm) and sum(label in self.lm.ids for label in self.labels[1:]) > 0.8 * (
            len(self.labels) - 1)
        self._graph, self._chooser = None, None

    def favouring(self, phrases: Iterable[str]) -> 'Decoder':
        """Return a decoder that favours these texts (normalised), and no others."""
        other = Decoder(self.labels, self.boundary, self.options, self.lm, self.phrase_options)
        texts = tuple(dict.fromkeys(' '.join(p.split()) for p in phrases if p.strip()))
        spelled = [(text, tokens) for text in texts if (tokens := self.vocabulary.encode(text))]
        other._graph = ContextGraph(texts, self.options.phrase_boost) if texts else None
        other._chooser = PhraseChooser(*zip(*spelled), self.phrase_options) if spelled else None
        return other

    def expected(self, log_probs: np.ndarray) -> Choice | None:
        """Return the favoured phrase that a whole utterance, float32 [T, V], is likeliest to be; None without any."""
        return self._chooser.choose(log_probs) if self._chooser else None

    def decode(self, log_probs: np.ndarray, attention: Callable | None = None,
               finalists: int = 8) -> list[Hypothesis]:
        """Return the best readings of float32 [T, V], best first, at most `finalists`; never empty.

        `attention`, where the model has a decoder, maps a list of token tuples to their log likelihoods, or
        to None where they are too long for it.
        """
        log_probs = np.asarray(log_probs, np.float32)
        tree = _Prefixes(self, self._graph)
        found = [tree.tokens(node) for node in self._search(log_probs, tree)][:finalists]
        by_text: dict[str, tuple] = {}
        for tokens, ctc in zip(found, ctc_log_likelihood(log_probs, found)):
            text = self.vocabulary.text(tokens)
            if text not in by_text or ctc > by_text[text][1]:
                by_text[text] = (tokens, float(ctc))
        hypotheses = [self._ranked(tree, tokens, text, ctc) for text, (tokens, ctc) in by_text.items()]
        hypotheses = sorted(hypotheses, key=lambda h: -h.score)[:finalists]
        if attention and self.options.attention_weight > 0 and len(hypotheses) > 1:
            scores = attention([h.tokens for h in hypotheses])
            if scores is not None:
                hypotheses = [self._ranked(tree, h.tokens, h.text, h.ctc, float(score))
                              for h, score in zip(hypotheses, scores)]
                hypotheses.sort(key=lambda h: -h.score)
        return hypotheses

    def _ranked(self, tree, tokens, text, ctc, attention=None):
        node = 0
        for token in tokens:
            node = tree.child(node, token)
        external, weight = tree.finished(node), self.options.attention_weight
        heard = ctc if attention is None else (1 - weight) * ctc + weight * attention
        return Hypothesis(tokens, text, heard + external, ctc, external, attention or 0.0)

    def _search(self, log_probs, tree):
        """Return the nodes of the beam after the last frame, best first."""
        options = self.options
        nodes, last = [0], np.zeros(1, np.int64)
        blank, token = np.zeros(1), np.full(1, NEVER)  # ln P of the prefix, ending in blank / in its token
        external = np.zeros(1)
        for frame in log_probs:
            total = np.logaddexp(blank, token)
            stay_blank, stay_token = total + frame[BLANK], token + frame[last]
            stay_token[last == BLANK] = NEVER  # the empty prefix has no last token
            if frame[BLANK] > SURE_BLANK:
                blank, token = stay_blank, stay_token
                continue
            allowed = np.flatnonzero(frame[1:] > frame.max() - options.token_threshold) + 1
            if len(allowed) > options.max_tokens_a_frame:
                allowed = allowed[np.argpartition(-frame[allowed], options.max_tokens_a_frame)
                                  [:options.max_tokens_a_frame]]
            base = np.where(last[:, None] == allowed, blank[:, None], total[:, None])
            grown = base + frame[allowed]  # [beam, allowed]
            self._merge(tree, nodes, last, allowed, grown, stay_token)
            ranked = np.logaddexp(stay_blank, stay_token) + external
            rows, columns = _most_promising(grown + external[:, None], ranked.max(), options)
            fresh = [tree.child(nodes[r], int(allowed[c])) for r, c in zip(rows, columns)]
            nodes = nodes + fresh
            blank = np.concatenate([stay_blank, np.full(len(fresh), NEVER)])
            token = np.concatenate([stay_token, grown[rows, columns]])
            last = np.concatenate([last, allowed[columns]])
            external = np.concatenate([external, [tree.external[node] for node in fresh]])
            ranked = np.logaddexp(blank, token) + external
            order = np.argsort(-ranked, kind='stable')[:options.beam]
            order = order[ranked[order] > ranked[order[0]] - options.beam_threshold]
            nodes = [nodes[i] for i in order]
            blank, token, last, external = blank[order], token[order], last[order], external[order]
        finished = np.logaddexp(blank, token) + np.array([tree.finished(node) for node in nodes])
        return [nodes[i] for i in np.argsort(-finished, kind='stable')]

    @staticmethod
    def _merge(tree, nodes, last, allowed, grown, stay_token):
        """Where a prefix grows into one that the beam already holds, add it there instead."""
        place = {node: i for i, node in enumerate(nodes)}
        for i, node in enumerate(nodes):
            j = place.get(tree.parent[node])
            if j is not None and node:
                column = np.flatnonzero(allowed == last[i])
                if len(column):
                    stay_token[i] = np.logaddexp(stay_token[i], grown[j, column[0]])
                    grown[j, column[0]] = NEVER


def _most_promising(scores, best, options):
    """Return rows and columns of the extensions [beam, allowed] that are worth a node in the tree."""
    rows, columns = np.nonzero(scores > max(best, scores.max(initial=NEVER)) - options.beam_threshold)
    if len(rows) > 2 * options.beam:  # twice, since what the n-gram and the phrases say is not yet in
        chosen = np.argpartition(-scores[rows, columns], 2 * options.beam)[:2 * options.beam]
        rows, columns = rows[chosen], columns[chosen]
    return rows, columns


def ctc_log_likelihood(log_probs: np.ndarray, sequences: list[tuple[int, ...]]) -> np.ndarray:
    """Return ln P of each label sequence over all its alignments: [T, V], K sequences -> float64 [K]."""
    return TokenTree(sequences).log_likelihood(log_probs)


def align(log_probs: np.ndarray, tokens: tuple[int, ...]) -> list[tuple[int, int, float]]:
    """Return for each token its first frame, one past its last, and its best ln probability there (Viterbi).

    Empty where the tokens do not fit into the frames.
    """
    frames = len(log_probs)
    if not tokens or not frames:
        return []
    states = np.zeros(2 * len(tokens) + 1, np.int64)  # the tokens with blanks around them
    states[1::2] = tokens
    barred = np.full(len(states), NEVER)  # unless a state may follow its second last, past a blank
    barred[2:][(states[2:] != BLANK) & (states[2:] != states[:-2])] = 0.0
    alpha = np.full(len(states) + 2, NEVER)
    alpha[2] = 0.0
    steps = np.zeros((frames, len(states)), np.int8)
    for t in range(frames):
        options = np.stack([alpha[2:], alpha[1:-1], alpha[:-2] + barred if t else np.full(len(states), NEVER)])
        steps[t] = options.argmax(axis=0)
        alpha[2:] = np.maximum(options.max(axis=0) + log_probs[t][states], NEVER)
    state = len(states) - 1 if alpha[-1] >= alpha[-2] else len(states) - 2
    if alpha[2 + state] <= NEVER / 2:
        return []
    spans: list = [[frames, 0, NEVER] for _ in tokens]
    for t in range(frames - 1, -1, -1):
        if state % 2:
            span = spans[state // 2]
            span[0], span[1] = t, max(span[1], t + 1)
            span[2] = max(span[2], float(log_probs[t][states[state]]))
        state -= int(steps[t][state])
    return [tuple(span) for span in spans]
