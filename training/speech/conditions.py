"""The same clip under worse conditions: noise, babble, a room, a telephone's band, clipping; float32 [n], 16 kHz."""
import numpy as np

from robot_ai.errors import ConfigurationError
from training.speech.augment import add_room, band_limit, coloured_noise, mix

CONDITIONS = ('clean', 'noise20', 'noise10', 'noise5', 'noise0', 'babble20', 'babble10', 'babble5', 'babble0',
              'room', 'telephone', 'clipped')
BABBLE_VOICES = 3
ROOM_DECAY_S = 0.5  # to -60 dB


def distort(sound: np.ndarray, condition: str, rng: np.random.Generator, voices: list[np.ndarray]) -> np.ndarray:
    """Return float32 [n] under one of CONDITIONS; `voices` are other clips, for babble of three."""
    kind, level = condition.rstrip('0123456789'), condition.lstrip('abcdefghijklmnopqrstuvwxyz')
    if kind == 'clean':
        return sound
    if kind == 'noise':
        return mix(sound, coloured_noise(len(sound), rng), float(level))
    if kind == 'babble':
        chosen = rng.choice(len(voices), BABBLE_VOICES, replace=False)
        return mix(sound, sum(np.resize(voices[i] / (np.std(voices[i]) + 1e-6), len(sound)) for i in chosen),
                   float(level))
    if kind == 'room':
        return add_room(sound, rng, ROOM_DECAY_S)
    if kind == 'telephone':
        return band_limit(sound, 300, 3400)
    if kind == 'clipped':
        peak = np.abs(sound).max() * 0.25
        return np.clip(sound, -peak, peak)
    raise ConfigurationError(f'condition {condition!r}: expected one of {", ".join(CONDITIONS)}')
