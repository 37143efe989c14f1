"""Simulated recognition errors: a transcript with about a given word error rate, the same for the same seed.

Each word is hit with the wanted probability. Of the hits 60 % are substitutions (half by a real word of the
vocabulary that sounds near, half by one or two confused letters: b/p/d/t/g/k, m/n/ñ, l/r/d, s/f/j, e/i, o/u, a
lost last consonant, a lost or doubled syllable), 25 % deletions and 15 % insertions of a short function word; a tenth
of the substitutions join the word to its neighbour. That is the order of shares which small CTC recognisers of
Spanish show; it stands in for one, and does not replace measuring with real sound.
"""
import random

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from robot_ai.dialogue.sounds import sounds_of, words_of

SUBSTITUTED, DELETED = 0.60, 0.25  # the rest is inserted
CONFUSED = ('bpdtgk', 'mnñ', 'lrd', 'sfj', 'ei', 'ou', 'ao', 'ae')
FUNCTION_WORDS = {'es': ('a', 'de', 'la', 'el', 'que', 'y', 'en', 'es', 'lo', 'un', 'no', 'se', 'e', 'o'),
                  'en': ('a', 'the', 'of', 'to', 'and', 'in', 'is', 'it', 'i', 'you', 'on', 'uh')}
NEAR_WORDS = 6  # a substitute is one of this many nearest words
NEAR_LIKENESS = 0.55  # and shares at least this much of its sounds; where none does, letters are confused


class Mishearing:
    """Makes errors in transcripts; `vocabulary` are the words that a recogniser could put instead."""

    def __init__(self, vocabulary, language: str = 'es', seed: int = 0):
        self._language, self._random = language, random.Random(seed)
        self._vocabulary = sorted({w for text in vocabulary for w in words_of(text, language)})
        self._sounds = [sounds_of(w, language) for w in self._vocabulary]

    def mishear(self, text: str, rate: float) -> str:
        """Return the text (folded words) with each word hit with probability `rate`."""
        out, chance = [], self._random
        for word in words_of(text, self._language):
            if chance.random() >= rate:
                out.append(word)
                continue
            kind = chance.random()
            if kind < SUBSTITUTED:
                if out and chance.random() < 0.1:
                    out[-1] += word
                else:
                    out.append(self._near(word) if chance.random() < 0.5 else self._garbled(word))
            elif kind >= SUBSTITUTED + DELETED:
                out += [chance.choice(FUNCTION_WORDS[self._language]), word]
        return ' '.join(out)

    def _near(self, word):
        found = process.extract(sounds_of(word, self._language), self._sounds,
                                scorer=Levenshtein.normalized_similarity, limit=NEAR_WORDS + 1,
                                score_cutoff=NEAR_LIKENESS)
        others = [self._vocabulary[i] for _, _, i in found if self._vocabulary[i] != word][:NEAR_WORDS]
        return self._random.choice(others) if others else self._garbled(word)

    def _garbled(self, word):
        chance, letters = self._random, list(word)
        for _ in range(1 if len(word) < 6 else 2):
            at = chance.randrange(len(letters))
            groups = [g for g in CONFUSED if letters[at] in g]
            kind = chance.random()
            if kind < 0.6 and groups:
                letters[at] = chance.choice([c for c in chance.choice(groups) if c != letters[at]])
            elif kind < 0.8 and len(letters) > 2:
                del letters[-1 if letters[-1] not in 'aeiou' else at]
            else:
                letters.insert(at, chance.choice('aeo'))
        return ''.join(letters)


def word_errors(reference: str, heard: str, language: str = 'es') -> tuple[int, int]:
    """Return (errors, words of the reference)."""
    wanted = words_of(reference, language)
    return Levenshtein.distance(wanted, words_of(heard, language)), len(wanted)
