"""Recordings with hours, readers and books in, train, validation and test out: 60/20/20 by hours, no voice twice.

Whatever shares a reader or a book must stay together; each such group goes whole, the largest first, to the split
that lacks most of its share. With few groups the shares are missed, and the caller is told by how much.
"""
import hashlib
from collections import defaultdict
from collections.abc import Sequence

SPLITS = ('train', 'validation', 'test')
SHARES = (0.6, 0.2, 0.2)


def groups(items: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Return the indices of (reader, book) pairs in groups that share neither reader nor book with another."""
    parent = list(range(len(items)))

    def root(index):
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    seen = {}
    for index, (reader, book) in enumerate(items):
        for key in (('reader', reader), ('book', book)):
            parent[root(index)] = root(seen.setdefault(key, index))
    found = defaultdict(list)
    for index in range(len(items)):
        found[root(index)].append(index)
    return sorted(found.values())


def split_by_group(items: Sequence[tuple[str, str]], hours: Sequence[float]) -> list[str]:
    """Return each item's split; the same for the same items, whatever their order within a group."""
    sizes = [(sum(hours[k] for k in group), min(items[k] for k in group), group) for group in groups(items)]
    sizes.sort(key=lambda entry: (-entry[0], entry[1]))
    total, filled, result = sum(hours) or 1.0, [0.0] * 3, [''] * len(items)
    for number, (size, _, group) in enumerate(sizes):
        lack = [share - have / total for share, have in zip(SHARES, filled)]
        if len(sizes) - number <= filled.count(0.0):  # as few groups are left as splits that have none
            lack = [share if not have else -1.0 for share, have in zip(SHARES, filled)]
        chosen = lack.index(max(lack))
        filled[chosen] += size
        for index in group:
            result[index] = SPLITS[chosen]
    return result


def split_at_random(names: Sequence[str], hours: Sequence[float], seed: int = 0) -> list[str]:
    """Return each item's split drawn by the hash of its name until the hours are shared out: voices recur."""
    order = sorted(range(len(names)), key=lambda k: hashlib.sha256(f'{seed}:{names[k]}'.encode()).digest())
    total, so_far, result = sum(hours) or 1.0, 0.0, [''] * len(names)
    for index in order:
        middle = (so_far + hours[index] / 2) / total
        result[index] = SPLITS[0 if middle < 0.6 else 1 if middle < 0.8 else 2]
        so_far += hours[index]
    return result
