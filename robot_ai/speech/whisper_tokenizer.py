"""Whisper's tokens: text in, token indices out, and back; byte-level byte-pair encoding in one small file.

The robot decodes all the time and encodes only expected phrases; the `tokenizers` package would do both, but draws
in a client of a model hub with its web stack. A vocabulary file is JSON: `tokens`, a list of the ordinary tokens
in GPT-2's spelling (each byte a printable character), in the order of their merging; `special`, {name: index}.
"""
import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from robot_ai.errors import ModelError

START, END, NO_TIMESTAMPS = '<|startoftranscript|>', '<|endoftext|>', '<|notimestamps|>'
NO_SPEECH = ('<|nospeech|>', '<|nocaptions|>')  # the second: older files
TASKS = ('transcribe', 'translate')
FIRST_TIMESTAMP = '<|0.00|>'
TIMESTAMP_S = 0.02
LANGUAGE = re.compile(r'<\|([a-z]{2,3})\|>')
UNSPACED = ('zh', 'ja', 'th', 'lo', 'my', 'yue')  # languages written without spaces between words
REPLACED = '\ufffd'  # what bytes that are no character are decoded as
MAX_CHARACTER_BYTES = 4
CONTRACTION = re.compile("'(?:s|t|re|ve|m|ll|d)")
# On what each character is: S the space proper, W other white space, L letter, N number, O other.
PIECE = re.compile(r'S?L+|S?N+|S?O+|[SW]+(?![^SW])|[SW]+')


@lru_cache(maxsize=1)
def byte_spelling() -> dict[int, str]:
    """Return GPT-2's printable character of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def pieces(text: str) -> list[str]:
    """Cut a text as GPT-2 does: runs of letters, digits or signs, each with the space before it.

    GPT-2's pattern asks for Unicode categories, which Python's `re` lacks: it is matched against a string that
    says of each character what it is.
    """
    kinds = ''.join(_kind(character) for character in text)
    found, at = [], 0
    while at < len(text):
        match = CONTRACTION.match(text, at) or PIECE.match(kinds, at)
        found.append(text[at:match.end()])
        at = match.end()
    return found


def _kind(character):
    if character == ' ':
        return 'S'
    if character.isspace():
        return 'W'
    category = unicodedata.category(character)[0]
    return category if category in 'LN' else 'O'


class WhisperTokenizer:
    """A vocabulary with its special tokens."""

    def __init__(self, tokens: list[str], special: dict[str, int]):
        """Take the ordinary tokens by index and the special ones by name; ModelError where they are not Whisper's."""
        spelling = {character: byte for byte, character in byte_spelling().items()}
        try:
            self._bytes = [bytes(spelling[c] for c in token) for token in tokens]
        except KeyError as error:
            raise ModelError(f'the tokeniser is not byte-level: a token holds {error}') from None
        self._rank = {token: rank for rank, token in reversed(list(enumerate(self._bytes)))}
        if any(bytes([b]) not in self._rank for b in range(256)):
            raise ModelError('the tokeniser is not byte-level: some single byte has no token')
        absent = [name for name in (START, END, NO_TIMESTAMPS) if name not in special]
        if absent:
            raise ModelError(f"the tokeniser is not Whisper's: it lacks {', '.join(absent)}")
        self.special = dict(special)
        self._names = {index: name for name, index in special.items()}
        self.start, self.end, self.no_timestamps = (special[n] for n in (START, END, NO_TIMESTAMPS))
        self.no_speech = next((special[name] for name in NO_SPEECH if name in special), None)
        self.first_timestamp = special.get(FIRST_TIMESTAMP, self.no_timestamps + 1)
        self.languages = {match[1]: index for name, index in special.items()
                          if (match := LANGUAGE.fullmatch(name)) and index > self.start}
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def load(cls, path: Path) -> 'WhisperTokenizer':
        """Read a vocabulary file; ModelError where it is none."""
        try:
            document = json.loads(path.read_text(encoding='utf-8'))
            return cls(list(document['tokens']), dict(document['special']))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f'{path}: no vocabulary of Whisper: {error!r}') from None

    def save(self, path: Path) -> None:
        """Write the vocabulary file."""
        spelling = byte_spelling()
        tokens = [''.join(spelling[b] for b in token) for token in self._bytes]
        path.write_text(json.dumps({'tokens': tokens, 'special': self.special}, ensure_ascii=False,
                                   separators=(',', ':')), encoding='utf-8')

    def __len__(self):
        return max([len(self._bytes) - 1, *self._names]) + 1

    def prompt(self, language: str = '', task: str = 'transcribe', timestamps: bool = False) -> list[int]:
        """Return what every transcript begins with; without `language` as English-only models have it.

        ModelError where the vocabulary lacks the language.
        """
        ids = [self.start]
        if language:
            if language not in self.languages or f'<|{task}|>' not in self.special:
                raise ModelError(f'language {language!r}, task {task!r}: this vocabulary has '
                                 f'{", ".join(sorted(self.languages))}; {", ".join(TASKS)}')
            ids += [self.languages[language], self.special[f'<|{task}|>']]
        return ids if timestamps else [*ids, self.no_timestamps]

    def encode(self, text: str) -> list[int]:
        """Return the indices of a text, without special tokens."""
        ids = []
        for piece in pieces(text):
            if piece not in self._cache:
                self._cache[piece] = self._merge(piece.encode('utf-8'))
            ids += self._cache[piece]
        return ids

    def _merge(self, raw):
        """Join the adjacent pair whose union has the lowest rank, until none has one."""
        parts = [bytes([b]) for b in raw]
        while len(parts) > 1:
            ranks = [self._rank.get(a + b, len(self._bytes)) for a, b in zip(parts, parts[1:])]
            best = min(ranks)
            if best == len(self._bytes):
                break
            at = ranks.index(best)
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [self._rank[part] for part in parts]

    def is_text(self, index: int) -> bool:
        """Return whether a token is ordinary: neither special nor a time."""
        return index < len(self._bytes) and index not in self._names

    def decode(self, ids) -> str:
        """Return the text of indices; special tokens and times are left out."""
        return b''.join(self._bytes[i] for i in ids if self.is_text(i)).decode('utf-8', 'replace')

    def seconds(self, index: int) -> float | None:
        """Return a timestamp token's time in its window, None for any other token."""
        return round((index - self.first_timestamp) * TIMESTAMP_S, 2) if index >= self.first_timestamp else None

    def words(self, ids: list[int], language: str = '') -> list[tuple[str, int, int]]:
        """Cut text tokens into words: (text with its space, first token, token after the last).

        A word begins at a token that begins with a space; in languages without spaces, at every character.
        """
        groups, start = [], 0  # of tokens that make whole characters
        for i in range(len(ids)):
            text = self.decode(ids[start:i + 1])
            if REPLACED not in text or i + 1 - start >= MAX_CHARACTER_BYTES or i + 1 == len(ids):
                groups.append((text, start, i + 1))
                start = i + 1
        if language in UNSPACED:
            return groups
        words = []
        for text, first, last in groups:
            if words and not text.startswith(' '):
                words[-1] = (words[-1][0] + text, words[-1][1], last)
            else:
                words.append((text, first, last))
        return words
