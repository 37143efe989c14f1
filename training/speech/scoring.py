"""Texts read and heard in; rates with 95 % intervals out: bootstrap over clips for errors, Wilson's for shares."""
from dataclasses import dataclass, field

import jiwer
import numpy as np

from robot_ai.speech.spanish import fold

Z = 1.96  # of a 95 % interval


@dataclass
class Line:
    """One line of the table: what was measured on how many clips; a value is a number or (value, low, high)."""

    row: str
    what: str
    clips: int
    values: dict = field(default_factory=dict)
    note: str = ''

    def text(self) -> str:
        """Return the line as it is printed: rates in %, other numbers as they are."""
        parts = [f'{name.replace("_", " ")} {_shown(name, value)}' for name, value in self.values.items()]
        return f'{self.row:<12} {self.what:<34} {self.clips:>4}  ' + '  '.join(parts) + (
            f'  ({self.note})' if self.note else '')

    def facts(self) -> dict:
        """Return the line as YAML holds it."""
        values = {name: [round(float(v), 4) for v in value] if isinstance(value, tuple) else value
                  for name, value in self.values.items()}
        return {'row': self.row, 'what': self.what, 'clips': self.clips, **values,
                **({'note': self.note} if self.note else {})}


def _shown(name, value):
    if isinstance(value, tuple):
        return '{:.1f} [{:.1f}, {:.1f}]'.format(*(100 * v for v in value))
    return f'{value:.3f}' if isinstance(value, float) else str(value)


def interval(references: list[str], heard: list[str], rate=jiwer.wer, rounds: int = 500, seed: int = 0
             ) -> tuple[float, float, float]:
    """Return (rate, low, high): the rate over all clips and its 95 % bootstrap interval, clips drawn anew."""
    one = jiwer.process_words if rate is jiwer.wer else jiwer.process_characters
    counts = []
    for reference, hypothesis in zip(references, heard):
        out = one(reference, hypothesis)
        counts.append((out.substitutions + out.deletions + out.insertions,
                       out.substitutions + out.deletions + out.hits))
    counts = np.array(counts, np.float64)
    draws = np.random.default_rng(seed).integers(0, len(counts), (rounds, len(counts)))
    sums = counts[draws].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / np.maximum(1, sums[:, 1]), [2.5, 97.5])
    return float(counts[:, 0].sum() / max(1, counts[:, 1].sum())), float(low), float(high)


def error_rates(references: list[str], heard: list[str], strict: bool = True) -> dict:
    """Return WER and CER of normalised texts, folded (accents forgiven) and, with `strict`, as they are."""
    folded = [[fold(text) for text in side] for side in (references, heard)]
    rates = {'folded_wer': interval(*folded), 'folded_cer': interval(*folded, jiwer.cer)}
    if strict:
        rates |= {'wer': interval(references, heard), 'cer': interval(references, heard, jiwer.cer)}
    return rates


def share(count: int, of: int) -> tuple[float, float, float]:
    """Return (count / of, low, high) with Wilson's interval; (0, 0, 1) of nothing."""
    if not of:
        return 0.0, 0.0, 1.0
    p = count / of
    middle = (p + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z * np.sqrt(p * (1 - p) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return p, max(0.0, float(middle - half)), min(1.0, float(middle + half))


def right(texts: list[str], heard: list[str]) -> tuple[float, float, float]:
    """Return the share of clips whose folded text is exactly what was said."""
    return share(sum(fold(a) == fold(b) for a, b in zip(texts, heard)), len(texts))
