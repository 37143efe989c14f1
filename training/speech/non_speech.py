"""`python -m training.speech.non_speech`: sounds without speech, from a seed, as a cache to train silence on.

A clip of this cache has the text '' and the source `non-speech`: the trainer asks for the blank in every frame of it
(training/speech/train.py). What is made here shares no code with robot_ai/speech/noises.py, on which false
transcripts are counted, so that the count says something about sounds that were not trained on.

Example:
  python -m training.speech.non_speech --clips 900 --out ~/speech-cache/non-speech --voices ~/speech-cache/human-train

"""
import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from robot_ai.speech.audio import SAMPLE_RATE
from training.speech.data import NON_SPEECH, Cache, write_cache

SECONDS = (1.0, 6.0)
CROWD = (8, 14)  # voices at once: fewer are people whom a robot should hear
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 6, 7, 10), (0, 2, 4, 7, 9))
PROGRESSIONS = ((0, 4, 5, 3), (0, 3, 4, 0), (5, 3, 0, 4), (0, 5, 1, 4), (0, 0, 3, 4))


def make(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return float64 [n] of one of KINDS, of any level."""
    return KINDS[kind](n, rng)


def clips(count: int, seed: int, voices: Cache | None = None) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples float32 [n] at 16 kHz, facts); with `voices`, some are their crowds, backwards."""
    names, shares = zip(*SHARES.items())
    shares = np.array(shares) / sum(shares)
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        n = int(rng.uniform(*SECONDS) * SAMPLE_RATE)
        kind = str(rng.choice(names, p=shares))
        if kind == 'crowd' and voices is None:
            kind = 'noise'
        sound = crowd(n, rng, voices) if kind == 'crowd' else make(kind, n, rng)
        if rng.random() < 0.25:
            sound = _scaled(sound) + rng.uniform(0.05, 1) * _scaled(make(str(rng.choice(list(KINDS))), n, rng))
        if rng.random() < 0.3:
            sound = sosfilt(butter(2, rng.uniform(1500, 7000), fs=SAMPLE_RATE, output='sos'), sound)
        sound = _scaled(sound) * rng.uniform(0.05, 0.9) + rng.standard_normal(n) * 10 ** rng.uniform(-5, -3)
        yield np.clip(sound, -1, 1).astype(np.float32), {
            'text': '', 'speaker': kind, 'source': NON_SPEECH, 'split': 'train'}


def _scaled(sound):
    return sound / max(float(np.abs(sound).max()), 1e-6)


def _time(n):
    return np.arange(n) / SAMPLE_RATE


def _tone(n, hz, rng=None, wave='sine'):
    """Return [n] of a wave at `hz`, a number or one a sample."""
    phase = np.cumsum(np.broadcast_to(np.asarray(hz, float), n)) / SAMPLE_RATE
    if rng is not None:
        phase = phase + rng.random()
    if wave == 'square':
        return np.sign(np.sin(2 * np.pi * phase))
    if wave == 'saw':
        return 2 * (phase % 1) - 1
    if wave == 'triangle':
        return 4 * np.abs(phase % 1 - 0.5) - 1
    return np.sin(2 * np.pi * phase)


def _wander(n, rng, each_s=0.2):
    """Return [n] of a smooth random curve in about -2..2 that turns every `each_s` seconds."""
    points = max(2, int(n / SAMPLE_RATE / each_s) + 2)
    return np.interp(np.linspace(0, points - 1, n), np.arange(points), rng.standard_normal(points))


def _spread(out, part, start, gain=1.0):
    """Add `part` into `out` from `start` on, cut at its end."""
    stop = min(len(out), start + len(part))
    if start < stop:
        out[start:stop] += gain * part[:stop - start]


def noise(n, rng):
    """Noise of a random spectrum, steady or in gusts: rooms, wind, rain, taps."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    octave = np.log2(np.maximum(np.fft.rfftfreq(n, 1 / SAMPLE_RATE), 20) / 20)
    shape = np.interp(octave, np.arange(11), np.cumsum(rng.normal(rng.uniform(-5, 1), 4, 11)))
    sound = np.fft.irfft(spectrum * 10 ** (shape / 20), n)
    return sound * 10 ** (rng.choice([0, 0, 0.3, 0.6]) * _wander(n, rng, rng.uniform(0.1, 1.5)))


def hum(n, rng):
    """Mains, transformers and motors: harmonics of a steady or wandering pitch under a little noise."""
    hz = rng.choice([50, 60, 100, 120, rng.uniform(30, 260)]) * 2 ** (rng.choice([0, 0.02, 0.2]) * _wander(n, rng, 0.5))
    fall = rng.uniform(0.3, 2)
    sound = sum(rng.random() / k ** fall * _tone(n, k * hz, rng) for k in range(1, rng.integers(3, 25)))
    return _scaled(sound) + rng.uniform(0.001, 0.3) * _scaled(noise(n, rng))


def knocks(n, rng):
    """Blows on things: a few damped modes each, the same thing struck several times."""
    out, length = np.zeros(n), int(0.5 * SAMPLE_RATE)
    time = _time(length)
    modes = [(rng.uniform(60, 4500), rng.uniform(0.004, 0.12), rng.random()) for _ in range(rng.integers(3, 9))]
    for start in rng.integers(0, n, rng.integers(1, 12)):
        blow = sum(a * np.exp(-time / d) * np.sin(2 * np.pi * hz * rng.uniform(0.98, 1.02) * time)
                   for hz, d, a in modes)
        blow[:200] += rng.uniform(0, 2) * rng.standard_normal(200) * np.linspace(1, 0, 200)
        _spread(out, blow, int(start), rng.uniform(0.2, 1))
    return out


def crackle(n, rng):
    """Clicks from single ones to a fire, typing or applause, through a random resonance."""
    rate = 10 ** rng.uniform(0, 3)
    out = (rng.random(n) < rate / SAMPLE_RATE) * rng.standard_normal(n)
    radius, angle = rng.uniform(0.7, 0.99), 2 * np.pi * rng.uniform(300, 6000) / SAMPLE_RATE
    return lfilter([1, -1], [1, -2 * radius * np.cos(angle), radius ** 2], out)


def bleeps(n, rng):
    """Signals of machines: dialling pairs, ringing, alarms of two pitches, single beeps."""
    out, at = np.zeros(n), int(rng.uniform(0, 0.5) * SAMPLE_RATE)
    pair = rng.uniform(300, 3000, 2) if rng.random() < 0.7 else np.array([rng.uniform(300, 3000)] * 2)
    on, off, wave = rng.uniform(0.04, 0.9), rng.uniform(0.02, 1.2), str(rng.choice(['sine', 'square', 'triangle']))
    together, jumps = rng.random() < 0.5, rng.random() < 0.4
    turn = 0
    while at < n:
        length = int(on * SAMPLE_RATE)
        if jumps:
            pair = rng.uniform(300, 3000, 2)
        sound = _tone(length, pair[0], rng, wave) + _tone(length, pair[1], rng, wave) if together else \
            _tone(length, pair[turn % 2], rng, wave)
        if rng.random() < 0.3:
            sound *= 1 + np.sin(2 * np.pi * rng.uniform(8, 40) * _time(length))
        _spread(out, sound * np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / 80), at)
        at, turn = at + int((on + off) * SAMPLE_RATE), turn + 1
    return out


def _note(length, hz, voice, rng):
    """Return one note of an instrument: harmonics that die away, the high ones faster, with vibrato."""
    time, sound = _time(length), np.zeros(length)
    pitch = hz * (1 + voice['vibrato'] * np.sin(2 * np.pi * voice['speed'] * time))
    for k, strength in enumerate(voice['harmonics'], 1):
        if k * hz < 7500:
            sound += strength * np.exp(-time * voice['decay'] * k ** voice['faster']) * _tone(length, k * pitch, rng)
    rise, end = max(2, int(voice['attack'] * SAMPLE_RATE)), min(length, 800)
    sound[:rise] *= np.linspace(0, 1, rise)[:length]
    sound[-end:] *= np.linspace(1, 0, end)
    return sound


def _instrument(rng):
    count = int(rng.integers(1, 14))
    return {'harmonics': rng.random(count) / np.arange(1, count + 1) ** rng.uniform(0, 2), 'attack':
            10 ** rng.uniform(-2.7, -0.8), 'decay': rng.choice([0.0, rng.uniform(0.3, 12)]), 'faster':
            rng.uniform(0, 1), 'vibrato': rng.choice([0, 0, rng.uniform(0.002, 0.02)]), 'speed': rng.uniform(4, 7)}


def music(n, rng):
    """A melody, chords, a bass and drums, or some of them, in a key and a time."""
    out, beat = np.zeros(n), int(rng.uniform(0.12, 0.6) * SAMPLE_RATE)
    root, scale = 110 * 2 ** (rng.integers(-6, 12) / 12), SCALES[rng.integers(len(SCALES))]
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    parts = [part for part in ('melody', 'chords', 'bass', 'drums') if rng.random() < 0.6] or ['melody']
    voices = {part: _instrument(rng) for part in parts}

    def pitch(degree):
        return root * 2 ** (degree // len(scale) + scale[degree % len(scale)] / 12)
    degree, first = int(rng.integers(0, 14)), int(rng.integers(0, 8))
    for turn, at in enumerate(range(-int(rng.integers(beat)), n, beat), first):
        place, chord = max(0, at), progression[turn // 4 % len(progression)]
        if 'melody' in parts and rng.random() < 0.75:
            degree = int(np.clip(degree + rng.integers(-3, 4), 0, 20))
            _spread(out, _note(int(beat * rng.choice([0.5, 1, 1, 2])), 2 * pitch(degree), voices['melody'], rng), place)
        if 'chords' in parts and turn % 2 == 0:
            for third in (0, 2, 4):
                _spread(out, _note(2 * beat, 2 * pitch(chord + third), voices['chords'], rng), place, 0.4)
        if 'bass' in parts:
            _spread(out, _note(beat, pitch(chord) / 2, voices['bass'], rng), place, 0.8)
        if 'drums' in parts:
            _spread(out, _drum(turn, rng), place, 0.6)
    return out


def _drum(turn, rng):
    length = int(0.15 * SAMPLE_RATE)
    time = _time(length)
    if turn % 4 == 0:
        return np.sin(2 * np.pi * np.cumsum(45 + 120 * np.exp(-time * 40)) / SAMPLE_RATE) * np.exp(-time * 18)
    beat = rng.standard_normal(length) * np.exp(-time * (25 if turn % 4 == 2 else 90))
    return beat if turn % 4 == 2 else 0.4 * np.diff(beat, prepend=0)


def effects(n, rng):
    """What games sound like: sweeps, jumps, lasers, bursts, in waves of old machines."""
    out = np.zeros(n)
    for start in rng.integers(0, n, rng.integers(1, 7)):
        length = int(rng.uniform(0.06, 1.5) * SAMPLE_RATE)
        fade = np.exp(-_time(length) * rng.choice([0, 2, 8])) * np.minimum(1, np.arange(length)[::-1] / 100)
        if rng.random() < 0.25:
            sound = noise(length, rng) * np.exp(-_time(length) * rng.uniform(1, 12))
        else:
            low, high = np.sort(np.exp(rng.uniform(np.log(80), np.log(6000), 2)))[::int(rng.choice([1, -1]))]
            hz = np.geomspace(low, high, length)
            if rng.random() < 0.4:
                hz = hz * 2 ** (rng.uniform(0.02, 1) * np.sin(2 * np.pi * rng.uniform(3, 60) * _time(length)))
            sound = _tone(length, hz, rng, str(rng.choice(['sine', 'square', 'saw', 'triangle'])))
        _spread(out, _scaled(sound) * fade, int(start), rng.uniform(0.3, 1))
    return out


def hiss(n, rng):
    """Noise that comes and goes: sprays, brushes, passing cars, doors, breath."""
    out = np.zeros(n)
    for start in rng.integers(0, n, rng.integers(1, 6)):
        length = int(rng.uniform(0.1, 2.5) * SAMPLE_RATE)
        place, peak = np.arange(length) / length, rng.uniform(0.02, 0.98)
        swell = np.minimum(place / peak, (1 - place) / (1 - peak)) ** rng.uniform(0.5, 3)
        _spread(out, swell * _scaled(noise(length, rng)), int(start), rng.uniform(0.3, 1))
    return out


def chirps(n, rng):
    """Birds, insects and squeaks: short arcs of pitch, repeated."""
    out, at, middle = np.zeros(n), int(rng.uniform(0, 0.4) * SAMPLE_RATE), rng.uniform(900, 6000)
    bend, length = rng.uniform(-1, 1), int(rng.uniform(0.03, 0.35) * SAMPLE_RATE)
    while at < n:
        place = np.linspace(0, 1, length)
        hz = middle * 2 ** (bend * (place - 0.5) + rng.uniform(0, 0.4) * np.sin(np.pi * place * rng.integers(1, 5)))
        sound = _tone(length, hz, rng) + rng.uniform(0, 0.4) * _tone(length, 2 * hz, rng)
        _spread(out, sound * np.sin(np.pi * place), at, rng.uniform(0.4, 1))
        at += length + int(rng.uniform(0.02, 0.6) * SAMPLE_RATE)
    return out


def hush(n, rng):
    """Almost nothing."""
    return rng.standard_normal(n) * 10 ** rng.uniform(-4, -2)


def crowd(n: int, rng: np.random.Generator, voices: Cache) -> np.ndarray:
    """Return float64 [n] of many people at once, played backwards: a murmur without a word in it."""
    total = np.zeros(n)
    for _ in range(rng.integers(*CROWD)):
        row = np.concatenate([_scaled(voices.samples(int(rng.integers(len(voices))))) for _ in range(4)])
        total += np.resize(np.roll(row, int(rng.integers(len(row)))), n)
    return total[::-1]


KINDS: dict[str, Callable] = {'noise': noise, 'hum': hum, 'knocks': knocks, 'crackle': crackle, 'bleeps': bleeps,
                              'music': music, 'effects': effects, 'hiss': hiss, 'chirps': chirps, 'hush': hush}
# Music most: it has pitch, syllables and a changing spectrum, and passes the voice guard.
SHARES = {'music': 30, 'effects': 12, 'knocks': 10, 'noise': 9, 'hum': 8, 'bleeps': 8, 'hiss': 7, 'crackle': 6,
          'chirps': 5, 'crowd': 3, 'hush': 2}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.speech.non_speech', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--clips', type=int, default=900)
    parser.add_argument('--seed', type=int, default=31)
    parser.add_argument('--voices', type=Path, help='cache of speech to mix crowds from')
    parser.add_argument('--out', type=Path, required=True, help='cache folder to write')
    options = parser.parse_args(arguments)
    count = write_cache(options.out, clips(options.clips, options.seed, Cache([options.voices]) if options.voices
                                           else None))
    print(f'{options.out}: {count} clips without speech')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
