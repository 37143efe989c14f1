"""Back-off n-grams: an ARPA file or our compact .npz in, natural-log probabilities out; NumPy only.

The .npz holds one sorted array of 64-bit hashes of all n-grams with their log probabilities and back-off
weights in half precision: 12 bytes an n-gram, opened in milliseconds, nothing compiled and nothing pickled.

    python -m robot_ai.speech.language_model spanish.arpa spanish.npz
"""
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError

BEGIN, END, UNKNOWN = '<s>', '</s>', '<unk>'
LN10 = float(np.log(10))
DEFAULT_UNKNOWN = -16.0  # ln probability of an unknown word where the file has no <unk>
MEMO = 20_000  # scores kept, 6 MB: a minute and a half of speech; ten times as many grow for hours and save no time
_MULTIPLIER, _MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


class NgramModel:
    """An n-gram model over words, or over a recogniser's labels."""

    def __init__(self, order: int, units: list[str], keys: np.ndarray, log_probs: np.ndarray,
                 backoffs: np.ndarray):
        """Take the units (words), and for each n-gram its hash (sorted), ln probability and ln back-off."""
        self.order = order
        self.ids = {unit: i for i, unit in enumerate(units)}
        self._keys, self._log_probs, self._backoffs = keys, log_probs, backoffs
        self._unknown = self.ids.get(UNKNOWN, -1)
        self._memo: dict = {}

    @property
    def begin(self) -> tuple[int, ...]:
        """The state before the first word."""
        return (self.ids[BEGIN],) if BEGIN in self.ids and self.order > 1 else ()

    def score(self, state: tuple[int, ...], unit: str) -> tuple[float, tuple[int, ...]]:
        """Return the ln probability of `unit` after `state`, and the state after it."""
        known = self._memo.get((state, unit))
        if known is None:
            if len(self._memo) >= MEMO:
                self._memo.clear()
            known = self._memo[state, unit] = self._score(state, self.ids.get(unit, self._unknown))
        return known

    def _score(self, state, unit):
        if unit < 0:
            return DEFAULT_UNKNOWN, ()
        penalty = 0.0
        for start in range(len(state) + 1):
            context = state[start:]
            found = self._find((*context, unit))
            if found is not None:
                following = (*context, unit)[-(self.order - 1):] if self.order > 1 else ()
                return penalty + float(self._log_probs[found]), following
            found = self._find(context) if context else None
            if found is not None:
                penalty += float(self._backoffs[found])
        return penalty + DEFAULT_UNKNOWN, ()

    def _find(self, ngram):
        key = np.uint64(_hash(ngram))
        i = int(np.searchsorted(self._keys, key))
        return i if i < len(self._keys) and self._keys[i] == key else None

    def save(self, path: str | Path):
        """Write the compact form (.npz)."""
        units = '\n'.join(self.ids).encode('utf-8')
        np.savez_compressed(path, order=np.int32(self.order), units=np.frombuffer(units, np.uint8),
                            keys=self._keys, log_probs=self._log_probs, backoffs=self._backoffs)

    @classmethod
    def load(cls, path: str | Path) -> 'NgramModel':
        """Read an .npz of ours, or an .arpa; ModelError where it is neither."""
        path = Path(path)
        try:
            if path.suffix == '.arpa':
                return cls.from_arpa(path)
            with np.load(path, allow_pickle=False) as held:
                units = held['units'].tobytes().decode('utf-8').split('\n')
                order, keys, values = int(held['order']), held['keys'], (held['log_probs'], held['backoffs'])
            if order < 1 or keys.dtype != np.uint64 or any(
                    v.shape != keys.shape or v.ndim != 1 or v.dtype.kind != 'f' for v in values):
                raise ValueError('its arrays do not fit each other')
            return cls(order, units, keys, *values)
        except (OSError, ValueError, KeyError, IndexError, EOFError, RuntimeError, TypeError, zipfile.BadZipFile,
                zlib.error) as error:
            raise ModelError(f'{path}: not a language model of ours (.npz) or .arpa: {error}') from None

    @classmethod
    def from_arpa(cls, path: str | Path) -> 'NgramModel':
        """Read a text ARPA file, UTF-8; ModelError names the line that does not fit."""
        ids, entries, order = {}, {}, 0
        with open(path, encoding='utf-8') as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip()
                if line.endswith('-grams:') and line.startswith('\\'):
                    order = int(line[1:line.index('-')])
                elif line == '\\end\\':
                    break
                elif line and order:
                    fields = line.split('\t') if '\t' in line else line.split(' ', 1)
                    words = fields[1].split(' ')
                    if len(words) > order:  # separated by blanks only: the back-off comes last
                        fields, words = [*fields, words[-1]], words[:-1]
                    if len(words) != order:
                        raise ModelError(f'{path}, line {number}: expected {order} words: {line[:60]!r}')
                    if order == 1:
                        ids.setdefault(words[0], len(ids))
                    backoff = float(fields[2]) if len(fields) > 2 else 0.0
                    entries[_hash(ids[w] for w in words)] = (float(fields[0]) * LN10, backoff * LN10)
        if not entries:
            raise ModelError(f'{path}: no n-grams; expected an ARPA file')
        keys = np.array(sorted(entries), np.uint64)
        values = np.array([entries[int(key)] for key in keys], np.float32)
        return cls(order, list(ids), keys, np.maximum(values[:, 0], -60).astype(np.float16),
                   np.maximum(values[:, 1], -60).astype(np.float16))


def _hash(ngram):
    value = 0x5DEECE66D
    for unit in ngram:
        value = ((value ^ (unit + 1)) * _MULTIPLIER) & _MASK
        value ^= value >> 29
    return value


if __name__ == '__main__':
    NgramModel.from_arpa(sys.argv[1]).save(sys.argv[2])
