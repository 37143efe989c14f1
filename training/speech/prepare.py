"""Write the caches that the trainer reads: recordings from a manifest, and espeak-ng speech of generated texts.

Which espeak-ng voices are held out is fixed here by name, so that no training run hears the voices that validation
and the dialogue's figures use.
"""
import io
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from robot_ai.errors import AudioError
from robot_ai.speech.audio import read_audio, to_mono_16k
from robot_ai.speech.spanish import normalize
from training.speech import texts

LANGUAGES = ('es', 'es-419')
VARIANTS = ('', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'f1', 'f2', 'f3', 'f4', 'Alex', 'Andy', 'Annie', 'Denis',
            'Diogo', 'Gene', 'Henrique', 'Hugo', 'Jacky', 'Lee', 'Marco', 'Michael', 'adam', 'anika', 'antonio',
            'aunty', 'belinda', 'benjamin', 'boris', 'caleb', 'david', 'ed', 'edward', 'grandma', 'grandpa',
            'iven', 'iven3', 'john', 'kaukovalta', 'klatt', 'klatt2', 'klatt4', 'linda', 'marcelo', 'max', 'michel',
            'miguel', 'norbert', 'pablo', 'paul', 'quincy', 'rob', 'robert', 'sandro', 'shelby', 'steph', 'travis',
            'victor', 'zac')
HELD_OUT_VARIANTS = ('m8', 'f5', 'Mario', 'pedro', 'Alicia', 'Andrea', 'klatt3', 'edward2', 'steph2', 'iven2')


def recordings(manifest: Path, split: str) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of a manifest's clips of one split; a test split is refused."""
    if split.startswith('test'):
        raise ValueError(f'{split}: a test split is never put into a training cache')
    with open(manifest, encoding='utf-8') as lines:
        for line in lines:
            clip = json.loads(line)
            if clip['split'] == split:
                yield read_audio(manifest.parent / clip['audio']), {
                    key: clip[key] for key in ('speaker', 'source', 'split')} | {'text': normalize(clip['text'])}


def transcripts(manifest: Path) -> list[str]:
    """Return the texts of a manifest's train split (for synthesis and n-grams)."""
    with open(manifest, encoding='utf-8') as lines:
        return [clip['text'] for clip in map(json.loads, lines) if clip['split'] == 'train']


def espeak(text: str, voice: str, speed: int = 160, pitch: int = 50, gap: int = 0) -> np.ndarray:
    """Return espeak-ng's speech, float32 [n] at 16 kHz; `speed` words a minute, `pitch` 0..99, `gap` in 10 ms."""
    done = subprocess.run(['espeak-ng', '-v', voice, '-s', str(speed), '-p', str(pitch), '-g', str(gap), '--stdout',
                           '--', text], capture_output=True, timeout=60, check=False)
    if done.returncode != 0 or len(done.stdout) < 100:
        raise AudioError(f'espeak-ng failed for voice {voice!r}: {done.stderr.decode(errors="replace").strip()}')
    header = bytearray(done.stdout)
    header[40:44] = (len(header) - 44).to_bytes(4, 'little')  # a stream's length field is a guess
    samples, rate = soundfile.read(io.BytesIO(bytes(header)), dtype='float32')
    return to_mono_16k(samples, rate)


def synthetic_texts(seed: int, everyday: int, prose: int, words: int, extra: list[str]) -> list[tuple[str, str]]:
    """Return (source, text): generated sentences, prose, single words and `extra` (transcripts), shuffled."""
    rng = random.Random(seed)
    chosen = [('espeak-everyday', text) for text in texts.sentences(seed, everyday)]
    if prose:
        chosen += [('espeak-prose', text) for text in rng.sample(texts.prose(), prose)]
    if words:
        chosen += [('espeak-word', text) for text in rng.sample(texts.words(), words)]
    chosen += [('espeak-transcript', text) for text in extra]
    rng.shuffle(chosen)
    return chosen


def synthesize(chosen: list[tuple[str, str]], variants: tuple[str, ...], split: str, seed: int
               ) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of each text in a random voice, speed and pitch; silent failures are left out."""
    rng = random.Random(seed)
    for source, text in chosen:
        spoken = normalize(text)
        variant = rng.choice(variants)
        voice = rng.choice(LANGUAGES) + (f'+{variant}' if variant else '')
        speed, pitch, gap = rng.randrange(105, 205), rng.randrange(20, 85), rng.choice((0, 0, 0, 2, 6))
        if not spoken:
            continue
        sound = espeak(text, voice, speed, pitch, gap)
        if len(sound) > 1600:
            yield sound, {'text': spoken, 'speaker': voice, 'source': source, 'split': split}
