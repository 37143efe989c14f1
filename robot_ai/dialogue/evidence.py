"""How much the heard words speak for each intent, by how the examples use them; counted, not trained.

A phrase is compared with one example at a time (understanding.py); here all examples of an intent speak together. A
word, or two that follow each other, speaks for an intent by the share of its examples that have it, against the
others' shares: "frío" in "me muero de frío" says more than "me muero de", which begins other wishes too. Words that
mean the same (lexicon.py) count as one.
"""
import numpy as np

START, END = '<', '>'
SCARCE = 0.5  # examples: a word that one has says two thirds of what one says that many have
UNPROVEN = 0.35  # weight of knowing nothing: evidence from one common word stays small


class Evidence:
    """Counts of words and pairs by intent; `of` returns what a transcript's words say together."""

    def __init__(self, rows, order, groups):
        """Count `rows` [(intent, sounds)]; `order` numbers the intents, `groups` {sound: group} joins words."""
        self._groups, self._place = groups, {name: i for i, name in enumerate(order)}
        self._examples = np.zeros(len(order))  # of each intent
        self._counts = {}  # word or pair -> examples with it [intents]
        self._told = {}  # word or pair -> what `_tells` returned: the same words come again and again
        for name, sounds in rows:
            self.add(name, sounds, 1)

    def add(self, name: str, sounds, times: int):
        """Count an example `times` more (-1: as if it were not there)."""
        place = self._place[name]
        self._examples[place] += times
        self._told.clear()
        for key in self._keys([(s, 1.0) for s in sounds]):
            self._counts.setdefault(key, np.zeros(len(self._place)))[place] += times

    def of(self, heard) -> np.ndarray:
        """Return the evidence for each intent [intents], about 0 to 0.8, from `heard`: (sound, likeness 0..1) each.

        A sound is one that examples have, or None where they have nothing like it.
        """
        out, weights = np.zeros(len(self._place)), UNPROVEN
        for key, likeness in self._keys(heard).items():
            if key not in self._counts:
                continue
            if key not in self._told:
                self._told[key] = self._tells(self._counts[key])
            share, uses, clear = self._told[key]
            weight = likeness * uses / (uses + SCARCE) * clear
            out += weight * share
            weights += weight
        return out / weights

    def _tells(self, counts) -> tuple[np.ndarray, float, float]:
        """Return each intent's share [intents] of a key's uses, their number, and how clear the shares are, 0 to 1."""
        uses = counts.sum()
        if uses < 0.5:  # its examples were taken out again
            return np.zeros(len(counts)), 0.0, 0.0
        share = counts / np.maximum(self._examples, 1)
        share = share / share.sum()
        spread = -(share[share > 0] * np.log(share[share > 0])).sum() / np.log(max(2, len(share)))
        return share, uses, 1 - spread

    def _keys(self, heard) -> dict:
        """Return {word or pair: likeness}; the ends of the phrase count as words in pairs."""
        heard = [(self._groups.get(s, s), likeness) for s, likeness in heard]
        keys = {}
        for key, likeness in heard:
            if key is not None:
                keys[key] = max(keys.get(key, 0.0), likeness)
        heard = [(START, 1.0), *heard, (END, 1.0)]
        for (left, one), (right, other) in zip(heard, heard[1:]):
            if left is not None and right is not None:
                keys[left, right] = one * other
        return keys
