"""One clip in, the variants of it that shards hold out: clean, speed, room, noise, babble, telephone, mixed.

Rooms are boxes simulated by pyroomacoustics (image sources), a few for each shard: a room costs more than a clip.
The other changes are those of `augment.py`, so that shards and the trainer's own augmentation sound alike.
"""
import numpy as np
from scipy.signal import fftconvolve

from robot_ai.errors import ConfigurationError
from training.speech import augment

SAMPLE_RATE = 16000
ROOMS = 12  # simulated for a shard
CHANGES = ('speed', 'room', 'noise', 'babble', 'telephone')
NAMES = ('clean', 'mixed', *CHANGES)
SPEEDS = (0.88, 1.12)
NOISE_DB = (3.0, 30.0)  # signal to noise
BABBLE_DB = (5.0, 25.0)
BABBLE_VOICES = 4
ROOM_M = ((2.5, 2.5, 2.3), (9.0, 7.0, 3.5))  # smallest and largest length, width, height
DECAY_S = (0.15, 0.7)  # to -60 dB


def room_response(rng: np.random.Generator) -> np.ndarray:
    """Return the impulse response float32 [m] at 16 kHz of a random box, source and microphone."""
    import pyroomacoustics

    size = rng.uniform(*ROOM_M)
    decay = rng.uniform(*DECAY_S)
    try:
        absorption, order = pyroomacoustics.inverse_sabine(decay, size)
    except ValueError:  # so large a room cannot be so dry
        absorption, order = 0.9, 4
    room = pyroomacoustics.ShoeBox(size, fs=SAMPLE_RATE, materials=pyroomacoustics.Material(absorption),
                                   max_order=min(order, 12))  # later echoes are far below the speech
    source, microphone = (rng.uniform(0.4, size - 0.4) for _ in range(2))
    room.add_source(source)
    room.add_microphone(microphone)
    room.compute_rir()
    response = np.asarray(room.rir[0][0], np.float32)
    direct = int(np.abs(response).argmax())
    response = response[max(0, direct - 20):]  # the way to the microphone is no silence to learn
    return response / np.abs(response).max()


class Variants:
    """Makes the variants of a shard's clips; the same seed and clips give the same sound."""

    def __init__(self, names, seed: int):
        """`names` out of NAMES; ConfigurationError for others."""
        unknown = [name for name in names if name not in NAMES]
        if unknown or not names:
            raise ConfigurationError(f'variants {unknown or names}: expected some of {", ".join(NAMES)}')
        self.names = tuple(names)
        self._seed = seed
        self._rooms: list[np.ndarray] = []
        self._voices: list[np.ndarray] = []

    def make(self, samples: np.ndarray, key: int):
        """Yield (name, samples float32 [m]); `key` is a number of the clip's own, from which chance is drawn."""
        for index, name in enumerate(self.names):
            rng = np.random.default_rng([self._seed, key, index])
            change = name if name != 'mixed' else CHANGES[rng.integers(len(CHANGES))]
            yield (name if name != 'mixed' else f'mixed-{change}'), self._changed(change, samples, rng)
        self._voices = [*self._voices[-BABBLE_VOICES:], samples]

    def _changed(self, change, samples, rng):
        if change == 'clean':
            return samples
        if change == 'speed':
            return augment.change_speed(samples, rng.uniform(*SPEEDS))
        if change == 'telephone':
            return augment.band_limit(samples, 300, 3400)
        if change == 'room':
            changed = fftconvolve(samples, self._room(rng))[:len(samples)].astype(np.float32)
            return changed * (np.abs(samples).max() / max(1e-6, np.abs(changed).max()))
        voices = self._voices if change == 'babble' else []
        if voices:
            noise = np.sum([np.resize(np.roll(voice, int(rng.integers(len(voice)))), len(samples))
                            for voice in voices], axis=0)
            return augment.mix(samples, noise.astype(np.float32), rng.uniform(*BABBLE_DB))
        return augment.mix(samples, augment.coloured_noise(len(samples), rng), rng.uniform(*NOISE_DB))

    def _room(self, rng):
        if not self._rooms:
            rooms = np.random.default_rng([self._seed, 1])
            self._rooms = [room_response(rooms) for _ in range(ROOMS)]
        return self._rooms[rng.integers(len(self._rooms))]
