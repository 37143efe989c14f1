"""Whether the cleaning before the model earns its place: the same clips with and without it, at each level of noise.

`none` is the sound as the microphone gave it, `cleaned` what every other row and the robot do (high-pass, then the
utterance's level), `reduced` the spectral noise reduction on top, where noisereduce is installed. `rumble` is what the
high-pass is for: an offset and a hum below speech, as loud as it.
"""
import importlib.util
from collections.abc import Iterator

import numpy as np

from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.speech.cleaning import clean, reduce_noise
from robot_ai.speech.spanish import normalize
from training.speech.augment import mix
from training.speech.conditions import distort
from training.speech.rows import Evaluation, shown
from training.speech.scoring import Line, error_rates

EACH = 24  # clips a source of sentences
CONDITIONS = ('clean', 'noise20', 'noise10', 'noise5', 'noise0', 'rumble')
RUMBLE_HZ, OFFSET = 31.0, 0.1
WAYS = {'none': lambda sound: sound, 'cleaned': clean, 'reduced': lambda sound: clean(reduce_noise(sound))}


def rumbling(sound: np.ndarray) -> np.ndarray:
    """Return a clip, float32 [n], with an offset and a hum of 31 Hz at 0 dB."""
    hum = np.sin(2 * np.pi * RUMBLE_HZ * np.arange(len(sound)) / SAMPLE_RATE)
    return np.clip(mix(sound, hum, 0.0) + OFFSET, -1, 1).astype(np.float32)


def cleaning_lines(evaluation: Evaluation) -> Iterator[Line]:
    """Yield a line for each split, condition and way of cleaning: error rates of the same clips."""
    ways = [way for way in WAYS if way != 'reduced' or importlib.util.find_spec('noisereduce')]
    groups = evaluation.chosen(EACH, ('split', 'source'), words=False)
    for split in sorted({split for split, _ in groups}):
        clips = [clip for (where, _), rows in groups.items() if where == split for clip in rows]
        texts = [normalize(clip['text']) for clip in clips]
        for condition in CONDITIONS:
            heard: dict[str, list[str]] = {way: [] for way in ways}
            for i, clip in enumerate(shown(clips, f'cleaning {condition}')):
                sound = evaluation.sound(clip)
                rng = np.random.default_rng([evaluation.seed, i])
                sound = rumbling(sound) if condition == 'rumble' else distort(sound, condition, rng, [])
                for way in ways:
                    heard[way].append(read(evaluation.recognizer, WAYS[way](sound)))
            for way in ways:
                yield Line('cleaning', f'{condition} {way} {split}', len(clips),
                           error_rates(texts, heard[way], strict=False))


def read(recognizer, samples: np.ndarray) -> str:
    """Return what a CTC recogniser reads of a clip exactly as given, float32 [n]: `finalize` would set its level."""
    log_probs = recognizer.hear(samples).log_probs
    return recognizer.decoder.decode(log_probs, finalists=1)[0].text
