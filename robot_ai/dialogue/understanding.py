"""A transcript (text, confidence 0..1) -> `Meaning`: intent, slots, score and margin in 0..1, and what to do with it.

Each intent is known by its example phrases alone; nothing is trained, so a carer can foresee what a new example
changes. Words are compared by sound (sounds.py) with RapidFuzz's edit distance, weighted by how few intents use
them; whole phrases are compared too, without spaces, because recognisers join and split words. The score says how
much of an example was heard and how much of what was heard the example explains: talk about something else leaves
words unexplained and stays below the thresholds.
"""
import functools
import math
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from robot_ai.dialogue.slots import NO, YES, find_slots
from robot_ai.dialogue.sounds import sounds_of, words_of
from robot_ai.errors import DialogueError

# Chosen on the development half of test/dialogue/understanding_*.yaml; the figures come from the other half.
ACCEPT = 0.60
CONFIRM = 0.47
MARGIN = 0.04  # a second intent this near makes the robot ask
EXPECTED_BONUS = 0.04  # for intents that the present state listens for
WORD_SHARE = 0.60  # of a phrase's score; the rest compares it letter by letter
INTENT_SHARE = 0.15  # of the score: how much of what was heard any phrase of the intent explains
RECALL_WEIGHT = 1.0  # beta of the F measure: missing words and extra words count alike
UNKNOWN_WEIGHT = 1.0  # of a heard word that no example has, in units of the rarest word's weight
LIKENESS_FLOOR = 0.4  # words less alike than this share nothing
CONFIDENCE_FLOOR = 0.75  # the score of a transcript of confidence 0 is multiplied by this
# Said around what is meant; taken out of examples and transcripts where something else remains.
FILLERS = {'es': ('por favor', 'es que', 'a ver', 'oye', 'oiga', 'mire', 'ay', 'pues', 'eh', 'venga'),
           'en': ('please', 'well', 'oh', 'um', 'uh', 'hey', 'just')}
SLOT_MARK = '\x00'  # + slot type: stands for a value in an example or transcript


@dataclass(frozen=True)
class Meaning:
    """What was understood; `decision` is 'accept', 'confirm' (ask yes or no) or 'reject'.

    `intent` is '' only where nothing was said at all; `second` is the runner-up among the other intents.
    """

    intent: str = ''
    slots: dict = field(default_factory=dict)
    score: float = 0.0
    margin: float = 0.0
    decision: str = 'reject'
    second: str = ''


class Understanding:
    """Understands one dialogue's intents. Pure: same text, same expected intents, same meaning."""

    def __init__(self, dialogue):
        self.language, self.names = dialogue.language, dialogue.names
        self.intents = dict(dialogue.intents)
        self.accept = ACCEPT if dialogue.accept is None else dialogue.accept
        self.confirm = min(CONFIRM if dialogue.confirm is None else dialogue.confirm, self.accept)
        self.margin = MARGIN if dialogue.margin is None else dialogue.margin
        self.kinds = {k for i in self.intents.values() for k in i.slots.values()}
        examples = [('affirm', w, {}) for w in YES[self.language]] + [('deny', w, {}) for w in NO[self.language]]
        for intent in self.intents.values():
            examples += [(intent.name, e, intent.slots) for e in intent.examples]
        self._index(examples)
        self._compared = functools.lru_cache(2048)(self._compare)  # the same words come again and again

    def _index(self, examples):
        rows, self.written = [], []
        for name, written, slots in examples:
            text = written
            for slot, kind in slots.items():
                text = text.replace('{' + slot + '}', f' {MARK_WORD}{_letters(kind)} ')
            words = [_mark(w, slots) for w in _bare(words_of(text, self.language), self.language)]
            sounds = tuple(w if w[0] == SLOT_MARK else sounds_of(w, self.language) for w in words)
            if sounds:
                rows.append((name, sounds))
                self.written.append(written)
        self.owners = np.array([r[0] for r in rows])
        self.order = sorted({r[0] for r in rows})
        self.owner_index = np.array([self.order.index(o) for o in self.owners])
        vocabulary = sorted({w for _, words in rows for w in words})
        self.is_mark = np.array([w[0] == SLOT_MARK for w in vocabulary])
        self.vocabulary, place = vocabulary, {w: i for i, w in enumerate(vocabulary)}
        users = [len({n for n, words in rows if w in words}) for w in vocabulary]
        rarest = math.log(1 + len(self.order))
        self.weights = np.array([math.log(1 + len(self.order) / u) / rarest for u in users] + [0.0])
        longest = max(len(words) for _, words in rows)
        # One row an intent: which words its examples use; the last column is the weightless word.
        self.uses = np.zeros((len(self.order), len(vocabulary) + 1), bool)
        for name, words in rows:
            self.uses[self.order.index(name), [place[w] for w in words]] = True
        # One row an example: indices into the vocabulary, padded with the index of the weightless last word.
        self.examples = np.full((len(rows), longest), len(vocabulary))
        for i, (_, words) in enumerate(rows):
            self.examples[i, :len(words)] = [place[w] for w in words]
        self.example_weight = self.weights[self.examples].sum(axis=1)
        self.joined = [''.join(w for w in words if w[0] != SLOT_MARK) or '\x01' for _, words in rows]
        self.needs = [frozenset(w[1:] for w in words if w[0] == SLOT_MARK) for _, words in rows]

    def understand(self, text: str, confidence: float = 1.0, expected: frozenset = frozenset()) -> Meaning:
        """Return what `text` means where the dialogue listens for the intents `expected` (empty: for any)."""
        words = _bare(words_of(text, self.language), self.language)
        if not words:
            return Meaning()
        best_of, found = self._compared(words)
        confidence = min(max(confidence, 0.0), 1.0) if confidence == confidence else 0.0
        best_of = best_of * (CONFIDENCE_FLOOR + (1 - CONFIDENCE_FLOOR) * confidence)
        ranked = best_of + np.array([EXPECTED_BONUS * (n in expected) for n in self.order])
        order = np.argsort(-ranked, kind='stable')
        best, second = order[0], order[1] if len(order) > 1 else order[0]
        name, score = self.order[best], float(min(1.0, ranked[best]))
        margin = float(ranked[best] - ranked[second]) if len(order) > 1 else score
        decision = 'accept' if score >= self.accept else 'confirm' if score >= self.confirm else 'reject'
        if decision == 'accept' and margin < self.margin:
            decision = 'confirm'
        slots = {}
        if name in self.intents:
            for slot, kind in self.intents[name].slots.items():
                value = next((m for m in found if m.kind == kind and m.value not in slots.values()), None)
                if value:
                    slots[slot] = value.value
        return Meaning(name, slots, score, margin, decision, self.order[second])

    def _compare(self, words) -> tuple[np.ndarray, list]:
        """Return the score of each intent [intents] for the heard words, and the values found in them."""
        found = find_slots(words, self.kinds, self.names, self.language)
        scores = self._scores(tuple(sounds_of(w, self.language) for w in words))
        for marked in _marked(words, found, self.language):
            scores = np.maximum(scores, self._scores(marked))
        best_of = np.zeros(len(self.order))
        np.maximum.at(best_of, self.owner_index, scores)
        return best_of, found

    def rivals(self, text: str, name: str) -> list[tuple[str, float]]:
        """Return (intent, score) of every other intent for a text that belongs to `name`, best first."""
        words = _bare(words_of(text, self.language), self.language)
        if not words:
            return []
        scores = self._scores(tuple(sounds_of(w, self.language) for w in words))
        best_of = np.zeros(len(self.order))
        np.maximum.at(best_of, self.owner_index, scores)
        return sorted(((n, float(s)) for n, s in zip(self.order, best_of) if n != name), key=lambda r: -r[1])

    def nearest_example(self, text: str, name: str) -> str:
        """Return the example of intent `name` that scores highest for a text, as written in the file."""
        scores = self._scores(tuple(sounds_of(w, self.language) for w in _bare(
            words_of(text, self.language), self.language)))
        scores[self.owners != name] = -1
        return self.written[int(scores.argmax())]

    def _scores(self, sounds) -> np.ndarray:
        """Return the score of every example [examples] for the heard sounds."""
        likeness = process.cdist(sounds, self.vocabulary, scorer=Levenshtein.normalized_similarity,
                                 dtype=np.float32)  # [heard, vocabulary]
        likeness = np.clip((likeness - LIKENESS_FLOOR) / (1 - LIKENESS_FLOOR), 0, 1)
        likeness[np.array([s[0] == SLOT_MARK for s in sounds])[:, None] != self.is_mark] = 0
        likeness = np.concatenate([likeness, np.zeros((len(sounds), 1), np.float32)], axis=1)
        nearest = likeness.argmax(axis=1)
        how_near = likeness[np.arange(len(sounds)), nearest]
        heard_weight = how_near * self.weights[nearest] + (1 - how_near) * UNKNOWN_WEIGHT
        pairs = likeness[:, self.examples]  # [heard, examples, words]
        recall = (pairs.max(axis=0) * self.weights[self.examples]).sum(axis=1) / self.example_weight
        precision = (pairs.max(axis=2) * heard_weight[:, None]).sum(axis=0) / heard_weight.sum()
        beta = RECALL_WEIGHT ** 2
        by_words = (1 + beta) * recall * precision / np.maximum(beta * precision + recall, 1e-9)
        joined = ''.join(s for s in sounds if s[0] != SLOT_MARK)
        by_letters = process.cdist([joined], self.joined, scorer=fuzz.ratio, dtype=np.float32)[0] / 100
        phrase = WORD_SHARE * by_words + (1 - WORD_SHARE) * by_letters
        explained = np.stack([likeness[:, uses].max(axis=1, initial=0) for uses in self.uses], axis=1)
        by_intent = (explained * heard_weight[:, None]).sum(axis=0) / heard_weight.sum()
        return (1 - INTENT_SHARE) * phrase + INTENT_SHARE * by_intent[self.owner_index]


def intent_of(dialogue, state: str, text: str, confidence: float = 1.0, at_once: bool = False) -> str | None:
    """Return the name of the intent that `dialogue` takes `text` for in `state`, or None where it takes it for none.

    What a running dialogue does with its first answer, without running one: the intent is acted on, or asked about
    with yes or no (`at_once`: acted on only), and something in `state`, around it or in `always` reacts to it.
    `state` is a path such as 'pastilla.hora'; with '' every intent of the dialogue counts, and none is expected more
    than the others. `confidence` is the transcript's, 0 to 1. DialogueError for a state that does not exist.
    """
    if state and state not in dialogue.states:
        raise DialogueError(f'{dialogue.file or dialogue.name}: no state {state!r}')
    kept = _UNDERSTANDINGS.get(id(dialogue))
    if kept is None or kept[0] is not dialogue:
        while len(_UNDERSTANDINGS) >= MAX_UNDERSTANDINGS:
            _UNDERSTANDINGS.pop(next(iter(_UNDERSTANDINGS)))
        kept = _UNDERSTANDINGS[id(dialogue)] = (dialogue, Understanding(dialogue))
    expected = dialogue.listens_for(dialogue.leaf(state)) if state else frozenset()
    meaning = kept[1].understand(text, confidence, expected)
    wanted = ('accept',) if at_once else ('accept', 'confirm')
    if meaning.decision not in wanted or (state and meaning.intent not in expected):
        return None
    return meaning.intent


MAX_UNDERSTANDINGS = 4  # dialogues whose understanding `intent_of` keeps
_UNDERSTANDINGS = {}  # id of a dialogue -> (dialogue, Understanding)


@functools.lru_cache(4096)
def _bare(words, language) -> tuple[str, ...]:
    """Return the words without FILLERS; all of them where nothing else would remain."""
    text = f' {" ".join(words)} '
    for filler in FILLERS[language]:
        text = text.replace(f' {filler} ', ' ')
    return tuple(text.split()) or words


MARK_WORD = 'huecoslotmark'  # survives any normaliser; turned into SLOT_MARK + type after it


def _letters(kind):
    """Return a slot type in letters a-z only, so that no normaliser changes it."""
    return ''.join(chr(ord('a') + int(d)) for d in str(int.from_bytes(kind.encode(), 'big')))


def _mark(word, slots):
    for kind in slots.values():
        if word == MARK_WORD + _letters(kind):
            return SLOT_MARK + kind
    return word


def _marked(words, found, language):
    """Yield the heard sounds with the values found replaced by marks: one type at a time, then all types."""
    kinds = {m.kind for m in found}
    groups = [[m for m in found if m.kind == k] for k in sorted(kinds)]
    if len(groups) > 1:
        groups.append(found)
    for group in groups:
        out, i = [], 0
        at = {}
        for match in sorted(group, key=lambda m: -(m.end - m.start)):
            if all(not (match.start < e and s < match.end) for s, (e, _) in at.items()):
                at[match.start] = (match.end, match.kind)
        while i < len(words):
            if i in at:
                out.append(SLOT_MARK + at[i][1])
                i = at[i][0]
            else:
                out.append(sounds_of(words[i], language))
                i += 1
        yield tuple(out)
