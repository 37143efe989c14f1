"""Expected phrases in, a bonus per decoded character out: an Aho-Corasick automaton over text.

The context graph of the field (k2/icefall): each matched character earns a boost, a match that breaks off
gives its boost back, a phrase that ends at a word's end keeps it. It walks characters, not tokens, so that
a phrase matches whatever pieces the model spells it with.
"""
from collections import deque
from collections.abc import Iterable

BOUNDARY = ' '


class ContextGraph:
    """The automaton of a set of phrases (normalised text). States are ints; `start` is at a word's start."""

    def __init__(self, phrases: Iterable[str], boost: float):
        """Give `boost` (nats) for each matched character."""
        self._next: list[dict[str, int]] = [{}]
        self._fail, self._potential, self._output = [0], [0.0], [0.0]
        for phrase in sorted(phrases, key=len):  # so that a longer one knows what a shorter one keeps
            words = phrase.split()
            if words:
                self._add(BOUNDARY + BOUNDARY.join(words) + BOUNDARY, boost)
        self._link()
        self.start = self.step(0, BOUNDARY)[0]

    def _add(self, text, boost):
        state, banked = 0, 0.0
        for depth, character in enumerate(text):
            following = self._next[state].get(character)
            if following is None:
                following = self._next[state][character] = len(self._next)
                self._next.append({})
                self._fail.append(0)
                self._potential.append(boost * depth)
                self._output.append(0.0)
            state = following
            if self._output[state] and depth < len(text) - 1:
                banked = self._potential[state]  # a shorter phrase has already kept this much
        self._output[state] = max(self._potential[state] - banked, 1e-9)

    def _link(self):
        queue = deque(self._next[0].values())
        while queue:
            state = queue.popleft()
            for character, following in self._next[state].items():
                self._fail[following] = self.step(self._fail[state], character)[0]
                queue.append(following)

    def step(self, state: int, character: str) -> tuple[int, float]:
        """Return the state after `character`, and the bonus (nats; negative where a match breaks off)."""
        before = self._potential[state]
        while character not in self._next[state] and state:
            state = self._fail[state]
        state = self._next[state].get(character, 0)
        return state, self._potential[state] - before + self._output[state]

    def walk(self, state: int, text: str) -> tuple[int, float]:
        """Return the state after `text`, and the bonus."""
        total = 0.0
        for character in text:
            state, bonus = self.step(state, character)
            total += bonus
        return state, total

    def finish(self, state: int) -> float:
        """Return the bonus at the end of the utterance: a phrase may end there, a fragment gives back."""
        state, bonus = self.step(state, BOUNDARY)
        return bonus - self._potential[state]
