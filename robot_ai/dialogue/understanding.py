"""A transcript (text, confidence 0..1) -> `Meaning`: intent, slots, score and margin in 0..1, and what to do with it.

Each intent is known by its example phrases; nothing is trained, so a carer can foresee what a new example changes.
Words are compared by sound (sounds.py) with RapidFuzz's edit distance and by the word groups of the language
(lexicon.py), weighted by how few intents use them; whole phrases are compared too, without spaces, because recognisers
join and split words. The score says how much of an example was heard and how much of what was heard the example
explains; evidence.py adds what all examples of an intent say together. Talk about something else leaves words
unexplained and stays below the thresholds, or is nearer to one of the language's sentences of other talk than to any
example.
"""
import functools
import math
from dataclasses import dataclass, field, replace

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from robot_ai.dialogue.evidence import Evidence
from robot_ai.dialogue.lexicon import NEGATIONS, bare, clauses, groups_of, other_talk, root_of
from robot_ai.dialogue.slots import NO, YES, find_slots, meant
from robot_ai.dialogue.sounds import sounds_of, words_of, words_of_all
from robot_ai.errors import DialogueError

# Chosen on the development half of test/dialogue/understanding_*.yaml; the figures come from the other half.
ACCEPT = 0.66
CONFIRM = 0.50
MARGIN = 0.04  # a second intent this near makes the robot ask
EXPECTED_BONUS = 0.04  # for intents that the present state itself listens for, and urgent ones
WORD_SHARE = 0.55  # of a phrase's score; the rest compares it letter by letter
INTENT_SHARE = 0.05  # of the score: how much of what was heard any phrase of the intent explains
EVIDENCE_WEIGHT = 0.15  # of what all examples of an intent say together, above
EVIDENCE_USUAL = 0.3  # so that the thresholds mean about the same with it
NEGATION_COST = 0.06  # of an example that says no where what was heard does not, or the other way round
UNKNOWN_WEIGHT = 1.0  # of a heard word that no example has, in units of the rarest word's weight
LIKENESS_FLOOR = 0.4  # words less alike than this share nothing
GROUP_LIKENESS = 0.75  # of words that mean the same
DIMINUTIVE_LIKENESS = 0.9  # of "agüita" and "agua"
OTHER_MARGIN = 0.05  # other talk this near makes the robot ask; that much nearer than any intent, it is left alone
CONFIDENCE_FLOOR = 0.75  # the score of a transcript of confidence 0 is multiplied by this
OTHER_TALK = ''  # owner of the sentences that are not for the robot
NO_LIKENESS = 0.6  # of what was heard and a name: as much as two names have in common by chance
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
        rows, self.written, texts = [], [], []
        for _, text, slots in examples:
            for slot, kind in slots.items():
                text = text.replace('{' + slot + '}', f' {MARK_WORD}{_letters(kind)} ')
            texts.append(text)
        for (name, written, slots), words in zip(examples, words_of_all(texts, self.language)):
            words = [_mark(w, slots) for w in bare(words, self.language)]
            sounds = tuple(w if w[0] == SLOT_MARK else sounds_of(w, self.language) for w in words)
            if sounds:
                rows.append((name, sounds))
                self.written.append(written)
        rows += [(OTHER_TALK, words) for words in self._other_talk(rows)]
        self.order = sorted({name for name, _ in rows})
        place = {name: i for i, name in enumerate(self.order)}
        self.owner_index = np.array([place[name] for name, _ in rows])
        self.is_other = self.owner_index == place.get(OTHER_TALK, -1)
        self._index_words(rows)
        self.evidence = Evidence(rows, self.order, self.group_of_sound)
        self.negations = {sounds_of(w, self.language) for w in NEGATIONS[self.language]}
        self.negated = np.array([not self.negations.isdisjoint(words) for _, words in rows])
        self.joined = [_joined(words) for _, words in rows]

    def _other_talk(self, rows):
        """Return the sounds of sentences meant for others, without those that an intent's own words make up."""
        used = {}
        for name, words in rows:
            used.setdefault(name, set()).update(words)
        out = []
        for words in words_of_all(other_talk(self.language), self.language):
            words = tuple(sounds_of(w, self.language) for w in bare(words, self.language))
            if not any(set(words) <= own for own in used.values()):
                out.append(words)
        return out

    def _index_words(self, rows):
        """Note which words the examples use, how much each weighs, and where it stands."""
        self.vocabulary = sorted({w for _, words in rows for w in words})
        place = {w: i for i, w in enumerate(self.vocabulary)}
        self.is_mark = np.array([w[0] == SLOT_MARK for w in self.vocabulary])
        self.roots = {}  # root -> [(index into the vocabulary, whether a diminutive)]
        for i, word in enumerate(self.vocabulary):
            root, small = root_of(word, self.language)
            self.roots.setdefault(root, []).append((i, small))
        groups = {sounds_of(w, self.language): g for w, g in groups_of(self.language).items()}
        self.group_of_sound = groups
        self.groups = np.array([groups.get(w, -1) for w in self.vocabulary])
        # A word's last column stands for none: padding, without weight.
        longest = max(len(words) for _, words in rows)
        self.examples = np.full((len(rows), longest), len(self.vocabulary))
        uses = np.zeros((len(self.order), len(self.vocabulary)), bool)
        self.places = [[] for _ in self.vocabulary]  # of each word: the examples with it
        for i, (_, words) in enumerate(rows):
            indices = [place[w] for w in words]
            self.examples[i, :len(words)] = indices
            uses[self.owner_index[i], indices] = True
            for j in set(indices):
                self.places[j].append(i)
        self.places = [np.array(p) for p in self.places]
        self.words_of_intents = np.nonzero(uses)[1]  # each intent's words, one intent after the other
        self.first_words = np.append(0, uses.sum(axis=1).cumsum()[:-1])  # [intents], into words_of_intents
        self.weights = np.append(np.log(1 + len(self.order) / uses.sum(axis=0)) / math.log(1 + len(self.order)), 0.0)
        self.example_weights = self.weights[self.examples]  # [examples, words]
        self.example_weight = self.example_weights.sum(axis=1)

    def understand(self, text: str, confidence: float = 1.0, expected: frozenset = frozenset()) -> Meaning:
        """Return what `text` means where the intents `expected` are likelier than others (empty: none is).

        A call for help within a longer sentence ("me caí y no me puedo parar") is asked about.
        """
        words = bare(words_of(text, self.language), self.language)
        if not words:
            return Meaning()
        meaning = self._meaning(words, confidence, expected)
        if meaning.decision == 'accept' or (meaning.decision == 'confirm' and self._urgent(meaning)):
            return meaning
        parts = (self._meaning(part, confidence, expected) for part in clauses(words, self.language))
        call = next((p for p in parts if p.decision == 'accept' and self._urgent(p)), None)
        return replace(call, decision='confirm') if call else meaning

    def _urgent(self, meaning) -> bool:
        return meaning.intent in self.intents and self.intents[meaning.intent].urgent

    def _meaning(self, words, confidence, expected) -> Meaning:
        best_of, found = self._compared(words)
        confidence = min(max(confidence, 0.0), 1.0) if confidence == confidence else 0.0
        best_of = best_of * (CONFIDENCE_FLOOR + (1 - CONFIDENCE_FLOOR) * confidence)
        ranked = best_of + np.array([EXPECTED_BONUS * (n in expected) for n in self.order])
        other = -1.0
        if OTHER_TALK in self.order:
            place = self.order.index(OTHER_TALK)
            other, ranked[place] = ranked[place], -1.0
        order = np.argsort(-ranked, kind='stable')
        best, second = order[0], order[1] if len(order) > 1 else order[0]
        name, score = self.order[best], float(min(1.0, ranked[best]))
        margin = float(ranked[best] - ranked[second]) if len(order) > 1 else score
        decision = 'accept' if score >= self.accept else 'confirm' if score >= self.confirm else 'reject'
        if decision == 'accept' and (margin < self.margin or other > score - OTHER_MARGIN):
            decision = 'confirm'
        if other > score + OTHER_MARGIN:
            decision = 'reject'
        slots = self._values(self.intents[name].slots, found, words) if name in self.intents else {}
        return Meaning(name, slots, score, margin, decision, self.order[second])

    def _values(self, wanted, found, words) -> dict:
        """Return {slot: value} of the `wanted` slots {slot: type}; where two share a type, in the order said."""
        slots, kinds = {}, list(wanted.values())
        for slot, kind in wanted.items():
            matches = [m for m in found if m.kind == kind and m.value not in slots.values()]
            if matches:
                slots[slot] = (meant(matches, words, self.language) if kinds.count(kind) == 1 else matches[0]).value
        return slots

    def _compare(self, words) -> tuple[np.ndarray, list]:
        """Return the score of each intent [intents] for the heard words, and the values found in them."""
        found = find_slots(words, self.kinds, self.names, self.language)
        plain = tuple(sounds_of(w, self.language) for w in words), (1.0,) * len(words)
        best = [self._weighed(*said) for said in (plain, *_marked(words, found, self.language))]
        return np.max(best, axis=0), found

    def _weighed(self, sounds, surety) -> np.ndarray:
        """Return the score of each intent [intents]: its nearest example's, and what all its examples say."""
        likeness = self._likeness(sounds, surety)
        nearest = likeness.argmax(axis=1)
        heard = [(self.vocabulary[j] if row[j] > 0 else None, row[j]) for j, row in zip(nearest, likeness)]
        evidence = self.evidence.of(heard)
        return self._best_of(self._scores(sounds, likeness)) + EVIDENCE_WEIGHT * (
            evidence - evidence.mean() - EVIDENCE_USUAL)

    def collisions(self, limit: float) -> list[tuple[float, str, str, str]]:
        """Return (score, intent, its example, other intent) where the other takes that example at `limit` or above.

        Examples with slots are left out: their values decide.
        """
        # A score of `limit` needs letters at least this much alike, whatever the words: a cheap look at all pairs.
        phrase = (limit - INTENT_SHARE) / (1 - INTENT_SHARE)
        alike = max(0.0, (phrase - WORD_SHARE) / (1 - WORD_SHARE)) * 100
        out, owners = [], self.owner_index
        for i, written in enumerate(self.written):
            others = (owners != owners[i]) & ~self.is_other
            if '{' in written or not (process.cdist([self.joined[i]], self.joined, scorer=fuzz.ratio, dtype=np.float32,
                                                    score_cutoff=alike)[0, others] > 0).any():
                continue
            name = self.order[owners[i]]
            best_of = self._best_of(self._scores(self._sounds(written)))
            out += [(float(score), name, written, other) for other, score in zip(self.order, best_of)
                    if score >= limit and other not in (name, OTHER_TALK)]
        return out

    def nearest_example(self, text: str, name: str) -> str:
        """Return the example of intent `name` that scores highest for a text, as written in the file."""
        scores = self._scores(self._sounds(text))
        scores[self.owner_index != self.order.index(name)] = -1
        return self.written[int(scores.argmax())]

    def _sounds(self, text) -> tuple[str, ...]:
        return tuple(sounds_of(w, self.language) for w in bare(words_of(text, self.language), self.language))

    def _best_of(self, scores) -> np.ndarray:
        """Return the best score of each intent [intents] from those of the examples."""
        best_of = np.zeros(len(self.order))
        np.maximum.at(best_of, self.owner_index, scores)
        return best_of

    def _scores(self, sounds, likeness=None) -> np.ndarray:
        """Return the score of every example [examples] for the heard sounds."""
        likeness = self._likeness(sounds, (1.0,) * len(sounds)) if likeness is None else likeness
        nearest = likeness.argmax(axis=1)
        how_near = likeness[np.arange(len(sounds)), nearest]
        heard_weight = how_near * self.weights[nearest] + (1 - how_near) * UNKNOWN_WEIGHT
        heard_share = heard_weight / heard_weight.sum()
        found = likeness.max(axis=0)  # of each word of the vocabulary: how much of it was heard
        recall = (found[self.examples] * self.example_weights).sum(axis=1) / self.example_weight
        precision = np.zeros(len(self.examples))
        for share, row in zip(heard_share, likeness):
            best = np.zeros(len(self.examples))
            for word in (near := np.flatnonzero(row))[np.argsort(row[near], kind='stable')]:
                best[self.places[word]] = row[word]  # words in rising likeness: the last one stays
            precision += share * best
        by_words = 2 * recall * precision / np.maximum(precision + recall, 1e-9)
        by_letters = process.cdist([_joined(sounds)], self.joined, scorer=fuzz.ratio, dtype=np.float32)[0] / 100
        if all(s[0] == SLOT_MARK for s in sounds):
            by_letters *= likeness.max(axis=1).mean()
        phrase = WORD_SHARE * by_words + (1 - WORD_SHARE) * by_letters
        phrase -= NEGATION_COST * (self.negated != (not self.negations.isdisjoint(sounds)))
        explained = np.maximum.reduceat(likeness[:, self.words_of_intents], self.first_words, axis=1)
        by_intent = (heard_share @ explained)[self.owner_index]  # from [heard, intents]
        # Talk about other things is no intent: its sentences have nothing in common.
        by_intent[self.is_other] = precision[self.is_other]
        return (1 - INTENT_SHARE) * phrase + INTENT_SHARE * by_intent

    def _likeness(self, sounds, surety) -> np.ndarray:
        """Return how alike each heard sound and each word of the vocabulary are, 0 to 1 [heard, vocabulary + 1].

        `surety` of each sound, 0 to 1: how like a name what stands behind a slot's mark was.
        """
        likeness = process.cdist(sounds, self.vocabulary, scorer=Levenshtein.normalized_similarity, dtype=np.float32)
        likeness = np.clip((likeness - LIKENESS_FLOOR) / (1 - LIKENESS_FLOOR), 0, 1)
        for i, sound in enumerate(sounds):
            group = self.group_of_sound.get(sound)
            if group is not None:
                same = self.groups == group
                likeness[i, same] = np.maximum(likeness[i, same], GROUP_LIKENESS)
            root, small = root_of(sound, self.language)
            for j, other in self.roots.get(root, ()):
                if small != other:
                    likeness[i, j] = max(likeness[i, j], DIMINUTIVE_LIKENESS)
        likeness[np.array([s[0] == SLOT_MARK for s in sounds])[:, None] != self.is_mark] = 0
        likeness *= np.array(surety, np.float32)[:, None]
        return np.concatenate([likeness, np.zeros((len(sounds), 1), np.float32)], axis=1)


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
    leaf = dialogue.leaf(state) if state else ''
    meaning = kept[1].understand(text, confidence, dialogue.expects(leaf) if leaf else frozenset())
    wanted = ('accept',) if at_once else ('accept', 'confirm')
    if meaning.decision not in wanted or (leaf and meaning.intent not in dialogue.listens_for(leaf)):
        return None
    return meaning.intent


MAX_UNDERSTANDINGS = 4  # dialogues whose understanding `intent_of` keeps
_UNDERSTANDINGS = {}  # id of a dialogue -> (dialogue, Understanding)


MARK_WORD = 'huecoslotmark'  # survives any normaliser; turned into SLOT_MARK + type after it


def _joined(sounds) -> str:
    """Return the sounds without slots and spaces; SLOT_MARK where there are slots only, so that those are alike."""
    return ''.join(s for s in sounds if s[0] != SLOT_MARK) or SLOT_MARK


def _letters(kind):
    """Return a slot type in letters a-z only, so that no normaliser changes it."""
    return ''.join(chr(ord('a') + int(d)) for d in str(int.from_bytes(kind.encode(), 'big')))


def _mark(word, slots):
    for kind in slots.values():
        if word == MARK_WORD + _letters(kind):
            return SLOT_MARK + kind
    return word


def _marked(words, found, language):
    """Yield (heard sounds with the values found replaced by marks, how sure each is): by one type, then by all."""
    kinds = {m.kind for m in found}
    groups = [[m for m in found if m.kind == k] for k in sorted(kinds)]
    if len(groups) > 1:
        groups.append(found)
    for group in groups:
        out, i = [], 0
        surety, at = [], {}
        for match in sorted(group, key=lambda m: -(m.end - m.start)):
            if all(not (match.start < e and s < match.end) for s, (e, *_) in at.items()):
                at[match.start] = (match.end, match.kind, match.likeness)
        while i < len(words):
            if i in at:
                out.append(SLOT_MARK + at[i][1])
                surety.append(max(0.0, (at[i][2] - NO_LIKENESS) / (1 - NO_LIKENESS)))
                i = at[i][0]
            else:
                out.append(sounds_of(words[i], language))
                surety.append(1.0)
                i += 1
        yield tuple(out), tuple(surety)
