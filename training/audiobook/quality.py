"""One fragment's sound and text in, the reason to drop it out (or none): score, speed, clipping, noise, length."""
from dataclasses import dataclass

import numpy as np

from robot_ai.speech.spanish import normalize
from training.audiobook.features import compute

SAMPLE_RATE = 16000  # Hz
CLIPPED = 0.985  # of full scale


@dataclass(frozen=True)
class Limits:
    """What a fragment may be; the defaults keep ordinary reading and drop what would teach wrongly."""

    min_score: float = 0.0  # as the aligner gives it
    min_s: float = 0.4
    max_s: float = 16.0  # the longest that the speech model takes
    min_letters_s: float = 4.0  # letters a second: slower is a gap inside
    max_letters_s: float = 28.0  # faster is text that was not all read
    max_clipped: float = 0.002  # share of the samples
    min_snr_db: float = 10.0  # the loud tenth of 20 ms frames against the recording's quiet tenth


def reason_to_drop(samples: np.ndarray, text: str, score: float, floor_db: float, limits: Limits) -> str:
    """Return why the fragment (float32 [n], 16 kHz) is no training sentence, or ''.

    `floor_db` is the level of the recording's quiet frames.
    """
    seconds = len(samples) / SAMPLE_RATE
    letters = len(normalize(text).replace(' ', ''))
    if not letters:
        return 'text: nothing to say'
    if score < limits.min_score:
        return f'score: {score:.3f} < {limits.min_score:g}'
    if not limits.min_s <= seconds <= limits.max_s:
        return f'length: {seconds:.2f} s'
    if not limits.min_letters_s <= letters / seconds <= limits.max_letters_s:
        return f'speed: {letters / seconds:.1f} letters/s'
    clipped = float(np.mean(np.abs(samples) >= CLIPPED))
    if clipped > limits.max_clipped:
        return f'clipping: {100 * clipped:.2f} % of the samples'
    snr = float(np.percentile(compute(samples)[1], 90)) - floor_db
    if snr < limits.min_snr_db:
        return f'noise: {snr:.1f} dB above the floor'
    return ''


def floor_db(samples: np.ndarray) -> float:
    """Return the level of the recording's quiet tenth of frames, dB of full scale."""
    level = compute(samples)[1]
    return float(np.percentile(level, 10)) if len(level) else -100.0
