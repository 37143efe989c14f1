"""`python -m training.speech.fit_guard`: fit robot_ai.speech.guard's logistic and print its constants.

Voices: clips of the train split and of other languages, each as it is and with noise 5 to 25 dB below. No voices:
what opens the endpointer in made noises, with seeds that `robot_ai.speech.measure` does not use, and in recordings
without speech (--music: games' sounds and music). The validation split and the measure's noises are only scored.
About a minute of one core.

Example:
  python -m training.speech.fit_guard --manifest ../shared/data/speech/manifest.jsonl \
      --other ../shared/data/speech_other_languages/manifest.jsonl

"""
import argparse
import json
from pathlib import Path

import numpy as np

from robot_ai.speech import noises
from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.cleaning import HighPass
from robot_ai.speech.endpointing import FRAME, End, Endpointer
from robot_ai.speech.guard import features

SEEDS = {'train': 2000, 'validation': 0}
LEVELS_DB = {'train': (-50, -40, -30, -20), 'validation': (-55, -35, -15)}
PENALTY = 2.0  # of the squared weights


def utterances(sound: np.ndarray) -> list[np.ndarray]:
    """Return what the endpointer cuts out of a recording, high-passed."""
    sound, endpointer, events = HighPass().whole(sound), Endpointer(), []
    for at in range(0, len(sound) - FRAME + 1, FRAME):
        events += endpointer.push(sound[at:at + FRAME])
    return [sound[e.start:e.end] for e in events + endpointer.finish() if isinstance(e, End) and e.speech]


def clips(manifest: Path, split: str | None, each: int) -> list[np.ndarray]:
    """Return about `each` clips of every source of a split (of the whole where there are no splits)."""
    groups: dict = {}
    with open(manifest, encoding='utf-8') as lines:
        for clip in map(json.loads, lines):
            if clip.get('split') == split:
                groups.setdefault(clip.get('source'), []).append(clip['audio'])
    return [np.pad(read_audio(manifest.parent / path), (SAMPLE_RATE // 2, SAMPLE_RATE))
            for paths in groups.values() for path in paths[::max(1, len(paths) // each)]]


def with_noise(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the clip in steady noise."""
    level = 20 * np.log10(sound.std() + 1e-6) - rng.uniform(5, 25)
    name = rng.choice(['pink', 'white', 'brown', 'fan', 'motor'])
    noise = noises.scene(str(name), len(sound) / SAMPLE_RATE, level, int(rng.integers(1 << 20)))
    return np.clip(sound + noise[:len(sound)], -1, 1)


def fit(rows: np.ndarray, voice: np.ndarray) -> np.ndarray:
    """Return the weights of a penalised logistic, both classes counting alike, by Newton's method."""
    share = np.where(voice > 0, 0.5 / voice.mean(), 0.5 / (1 - voice.mean()))
    weights = np.zeros(rows.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (share * (p - voice)) + PENALTY * np.append(weights[:-1], 0)
        curve = (rows * (share * p * (1 - p) + 1e-9)[:, None]).T @ rows + PENALTY * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights -= step * min(1, 3 / np.abs(step).max())
    return weights


def main():
    """Fit, print the constants, and how both sets are told apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--manifest', type=Path, required=True)
    parser.add_argument('--other', type=Path, required=True)
    parser.add_argument('--each', type=int, default=40, help='clips a source')
    parser.add_argument('--music', type=Path, nargs='*', default=[], help='recordings without any voice')
    options = parser.parse_args()
    rng, table = np.random.default_rng(0), {'train': ([], []), 'validation': ([], [])}
    for split, (voices, others) in table.items():
        sounds = clips(options.manifest, split, options.each)
        if split == 'train':
            sounds += clips(options.other, None, 2 * options.each)
            sounds += [with_noise(sound, rng) for sound in sounds[::2]]
        voices += [features(u) for sound in sounds for u in utterances(sound)]
        if split == 'train':
            others += [features(u) for path in options.music for u in utterances(read_audio(path)[:40 * SAMPLE_RATE])]
        for i, level in enumerate(LEVELS_DB[split]):
            for name in noises.SCENES:
                found = utterances(noises.scene(name, 40, level, SEEDS[split] + i))
                others += [features(u) for u in found]
    train = np.array(table['train'][0] + table['train'][1])
    mean, deviation = train.mean(axis=0).round(4), train.std(axis=0).round(4)

    def scaled(rows):
        rows = np.clip((np.array(rows) - mean) / deviation, -4, 4)
        return np.concatenate([rows, rows ** 2, np.ones((len(rows), 1))], axis=1)
    weights = fit(scaled(train), np.repeat([1.0, 0.0], [len(part) for part in table['train']])).round(4)
    for name, values in (('MEAN', mean), ('DEVIATION', deviation), ('WEIGHTS', weights)):
        print(f'{name} = np.array({values.tolist()})')
    for split, (voices, others) in table.items():
        voice, other = np.sort(scaled(voices) @ weights), np.sort(scaled(others) @ weights)
        print(f'{split}: {len(voice)} voices, lowest {voice[:8].round(2).tolist()}; '
              f'{len(other)} others, highest {other[-8:].round(2).tolist()}')


if __name__ == '__main__':
    main()
