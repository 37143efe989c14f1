"""How well a dialogue's intents are understood: utterances with known intents, clean and misheard, and off-topic talk.

The utterances come from a YAML file {language, intents: {name: [text, ...]}, off_topic: [text, ...]}, written apart
from the dialogue's examples. Nothing tells the understanding which state the dialogue is in: every intent competes.
"""
import math
from dataclasses import dataclass

import numpy as np

from robot_ai.dialogue.mishearing import Mishearing, word_errors
from robot_ai.dialogue.reading import read_yaml
from robot_ai.dialogue.sounds import words_of
from robot_ai.dialogue.understanding import Understanding
from robot_ai.errors import DialogueError

RATES = (0.0, 0.1, 0.2, 0.3)  # word error rates simulated
RESAMPLES = 2000  # of the bootstrap


@dataclass(frozen=True)
class Row:
    """One line of the table; counts of utterances."""

    rate: float  # wanted word error rate
    word_errors: int
    words: int
    utterances: int
    right: int  # the right intent, accepted or asked about
    accepted: int  # the right intent, accepted at once
    wrong: int  # another intent accepted
    asked_wrong: int  # another intent asked about
    shares: tuple[float, ...] = ()  # of each distinct utterance: how often it was right, 0 to 1

    @property
    def accuracy(self) -> float:
        """Share of utterances with the right intent, accepted or asked about."""
        return self.right / self.utterances

    @property
    def bounds(self) -> tuple[float, float]:
        """95 % bootstrap interval of `accuracy`: distinct utterances are drawn anew, each with all its mishearings.

        Where all are alike, drawing says nothing: the Wilson interval then.
        """
        shares = np.array(self.shares)
        if shares.min() == shares.max():
            return interval(float(shares.sum()), len(shares))
        drawn = np.random.default_rng(0).integers(len(shares), size=(RESAMPLES, len(shares)))
        low, high = np.percentile(shares[drawn].mean(axis=1), (2.5, 97.5))
        return float(low), float(high)


def read_utterances(path) -> tuple[str, dict, list]:
    """Return (language, {intent: [texts]}, off-topic texts) of a file of utterances."""
    try:
        with open(path, encoding='utf-8') as file:
            value = read_yaml(file.read(), str(path)).value
    except (OSError, UnicodeDecodeError) as error:
        raise DialogueError(f'{path}: cannot be read: {error}') from None
    intents = value.get('intents') if isinstance(value, dict) else None
    if not isinstance(intents, dict) or not all(isinstance(v, list) and v for v in intents.values()):
        raise DialogueError(f'{path}: expected intents: {{name: [utterance, ...]}} and off_topic: [utterance, ...]')
    return (value.get('language', 'es'), {k: [str(t) for t in v] for k, v in intents.items()},
            [str(t) for t in value.get('off_topic') or ()])


def measure(dialogue, intents: dict, off_topic, rates=RATES, repeats: int = 1, seed: int = 1):
    """Return ([Row of each rate], (off-topic utterances accepted, asked about), confusions of the clean row).

    `repeats` times each utterance is misheard differently at rates above 0.
    """
    unknown = sorted(set(intents) - set(dialogue.intents) - {'affirm', 'deny'})
    if unknown:
        raise DialogueError(f'the dialogue has no intents {", ".join(unknown)}')
    understanding = Understanding(dialogue)
    vocabulary = [t for texts in intents.values() for t in texts]
    vocabulary += [e for i in dialogue.intents.values() for e in i.examples if '{' not in e]
    rows, confusions = [], []
    for rate in rates:
        mishearing = Mishearing(vocabulary, dialogue.language, seed)
        counts = dict.fromkeys(('word_errors', 'words', 'utterances', 'right', 'accepted', 'wrong', 'asked_wrong'), 0)
        shares = []
        for name, texts in intents.items():
            for text in texts:
                times = repeats if rate else 1
                before = counts['right']
                for _ in range(times):
                    heard = mishearing.mishear(text, rate) if rate else text
                    errors, words = word_errors(text, heard, dialogue.language)
                    meaning = understanding.understand(heard)
                    right = meaning.intent == name and meaning.decision != 'reject'
                    counts['word_errors'] += errors
                    counts['words'] += words
                    counts['utterances'] += 1
                    counts['right'] += right
                    counts['accepted'] += right and meaning.decision == 'accept'
                    counts['wrong'] += meaning.intent != name and meaning.decision == 'accept'
                    counts['asked_wrong'] += meaning.intent != name and meaning.decision == 'confirm'
                    if not rate and not right:
                        confusions.append((name, text, meaning))
                shares.append((counts['right'] - before) / times)
        rows.append(Row(rate, **counts, shares=tuple(shares)))
    decisions = [understanding.understand(t).decision for t in off_topic]
    return rows, (decisions.count('accept'), decisions.count('confirm')), confusions


def verbatim(dialogue, intents) -> set:
    """Return the utterances, as (intent, text), whose words are also an example of the dialogue, of any intent."""
    examples = {words_of(e, dialogue.language) for i in dialogue.intents.values() for e in i.examples}
    return {(n, t) for n, texts in intents.items() for t in texts if words_of(t, dialogue.language) in examples}


def interval(hits: float, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    middle, spread = share + z * z / (2 * total), z * math.sqrt(share * (1 - share) / total + z * z / (4 * total ** 2))
    return max(0.0, (middle - spread) / (1 + z * z / total)), min(1.0, (middle + spread) / (1 + z * z / total))
