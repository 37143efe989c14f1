"""Write the caches that the trainer reads: recordings from a manifest, and espeak-ng speech of generated texts.

Which espeak-ng voices are held out is fixed here by name, so that no training run hears the voices that validation
and the dialogue's figures use.
"""
import importlib.util
import io
import json
import random
import struct
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from robot_ai.errors import AudioError
from robot_ai.speech.audio import read_audio, to_mono_16k
from robot_ai.speech.spanish import normalize
from training.speech import texts
from training.speech.augment import change_speed
from training.speech.data import write_cache
from training.speech.leaks import HeldOut

LANGUAGES = ('es', 'es-419')
VARIANTS = ('', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'f1', 'f2', 'f3', 'f4', 'Alex', 'Andy', 'Annie', 'Denis',
            'Diogo', 'Gene', 'Henrique', 'Hugo', 'Jacky', 'Lee', 'Marco', 'Michael', 'adam', 'anika', 'antonio',
            'aunty', 'belinda', 'benjamin', 'boris', 'caleb', 'david', 'ed', 'edward', 'grandma', 'grandpa',
            'iven', 'iven3', 'john', 'kaukovalta', 'klatt', 'klatt2', 'klatt4', 'linda', 'marcelo', 'max', 'michel',
            'miguel', 'norbert', 'pablo', 'paul', 'quincy', 'rob', 'robert', 'sandro', 'shelby', 'steph', 'travis',
            'victor', 'zac')
HELD_OUT_VARIANTS = ('m8', 'f5', 'Mario', 'pedro', 'Alicia', 'Andrea', 'klatt3', 'edward2', 'steph2', 'iven2')


def recordings(manifest: Path, split: str, held_out: HeldOut | None = None) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of a manifest's clips of one split; a test split is refused.

    Of `held_out` (the test clips), a clip that has the text or contains the sound is left out.
    """
    if split.startswith('test'):
        raise ValueError(f'{split}: a test split is never put into a training cache')
    with open(manifest, encoding='utf-8') as lines:
        for line in lines:
            clip = json.loads(line)
            if clip['split'] == split and not (held_out and held_out.has_text(clip['text'])):
                samples = read_audio(manifest.parent / clip['audio'])
                if held_out and held_out.has_sound(samples):
                    continue
                yield samples, {
                    key: clip[key] for key in ('speaker', 'source', 'split')} | {'text': normalize(clip['text'])}


NEAR_LANGUAGES = ('ca', 'it', 'pt', 'ro', 'eu', 'fi', 'ia', 'eo', 'rm-sursilv', 'rm-vallader', 'id', 'sl')


def other_languages(manifest: Path, languages: tuple[str, ...] = NEAR_LANGUAGES) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of a manifest's clips in languages spelt much as they sound, in Spanish letters.

    For pre-training the encoder on many voices and rooms: foreign accents are dropped, and a clip whose text holds
    figures or another script is left out.
    """
    with open(manifest, encoding='utf-8') as lines:
        for clip in map(json.loads, lines):
            text = ''.join(c for c in unicodedata.normalize('NFKD', clip['text'].casefold())
                           if not unicodedata.combining(c))
            text = ' '.join(''.join(c if c.isalpha() else ' ' for c in text.replace("'", '').replace('’', '')).split())
            if clip['language'] in languages and text and text.isascii() and not any(
                    c.isdigit() for c in clip['text']):
                yield read_audio(manifest.parent / clip['audio']), {
                    'text': text, 'speaker': clip['speaker'], 'source': 'other-languages', 'split': 'train'}


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


PICO = '''
import json, struct, sys
from py_nanotts import NanoTTS
voice = NanoTTS()
for line in sys.stdin:
    text, speed, pitch = json.loads(line)
    sound = voice.speak(text, voice='es-ES', speed=speed, pitch=pitch) or b''
    sys.stdout.buffer.write(struct.pack('<I', len(sound)) + sound)
    sys.stdout.buffer.flush()
'''


class Pico:
    """SVOX Pico's Spanish voice (package py-nanotts, Apache-2.0): made from a person's recordings, unlike espeak-ng's.

    It runs in a process of its own: beside TensorFlow, in one process or forked from one, it crashes.
    """

    def __init__(self):
        """Start the process; AudioError where the package is absent."""
        if importlib.util.find_spec('py_nanotts') is None:
            raise AudioError('Pico speech needs the package py-nanotts: pip install py-nanotts')
        self._process = subprocess.Popen([sys.executable, '-c', PICO], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> np.ndarray:
        """Return float32 [n] at 16 kHz, silence trimmed; AudioError where the process has ended."""
        try:
            self._process.stdin.write(json.dumps([text, speed, pitch]).encode() + b'\n')
            self._process.stdin.flush()
            size, = struct.unpack('<I', self._process.stdout.read(4))
            raw = self._process.stdout.read(size)
        except (OSError, struct.error):
            raise AudioError(f'Pico ended with status {self._process.poll()} at {text!r}') from None
        sound = np.frombuffer(raw[:len(raw) // 2 * 2], '<i2').astype(np.float32) / 32768
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        return sound[max(0, loud[0] - 1600):loud[-1] + 1600] if len(loud) else sound[:0]


def synthesize_pico(chosen: list[tuple[str, str]], seed: int) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of each text at a random speed and pitch, some played faster or slower (other throats)."""
    rng, pico = random.Random(seed), Pico()
    for source, text in chosen:
        spoken = normalize(text)
        speed, pitch, factor = rng.uniform(0.8, 1.4), rng.uniform(0.6, 1.5), rng.choice((1, 1, 0.85, 0.9, 1.1, 1.18))
        sound = pico(text, speed, pitch) if spoken else np.zeros(0, np.float32)
        if len(sound) > 1600:
            yield change_speed(sound, factor), {'text': spoken, 'speaker': 'pico', 'split': 'train',
                                                'source': source.replace('espeak', 'pico')}


def dialogue_caches(dialogue: Path, root: Path) -> None:
    """Write `dialogue-1` (each example of the dialogue in two espeak voices and Pico's) and its validation."""
    def chosen(seed):
        return [('espeak-dialogue', text) for text in texts.dialogue_examples(dialogue, seed)]

    def train():
        for seed in (1, 2):
            yield from synthesize(chosen(seed), VARIANTS, 'train', 50 + seed)
        yield from synthesize_pico(chosen(4), 54)
    write_cache(root / 'dialogue-1', train())
    held_out = random.Random(9).sample(chosen(9), 150)
    write_cache(root / 'dialogue-validation', synthesize(held_out, HELD_OUT_VARIANTS[:5], 'validation', 60))


def prepare(manifest: Path, root: Path, dialogue: Path | None = None) -> None:
    """Write every cache that the shipped configs name; about 15 min on one core.

    What equals or contains one of the manifest's test clips is left out, recorded or synthesised; the dialogue's
    examples stay, for a robot must know its own dialogue.
    """
    held_out = HeldOut.of_manifests([manifest], progress=True)
    for split in ('train', 'validation'):
        write_cache(root / f'human-{split}', recordings(manifest, split, held_out))
    said = [text for text in transcripts(manifest) if not held_out.has_text(text)]

    def unheard(chosen):
        return [(source, text) for source, text in chosen if not held_out.has_text(text)]
    for number in (1, 2):
        random.Random(number).shuffle(said)
        extra = [text for text in said if len(text.split()) > 2][:400]
        chosen = unheard(synthetic_texts(100 + number, 2000, 600, 500, extra))
        write_cache(root / f'espeak-{number}', synthesize(chosen, VARIANTS, 'train', number))
    write_cache(root / 'pico-1', synthesize_pico(unheard(synthetic_texts(901, 900, 900, 400, said[:500])), 1))
    write_cache(root / 'espeak-validation',
                synthesize(unheard(synthetic_texts(77, 150, 50, 0, [])), HELD_OUT_VARIANTS[:5], 'validation', 5))
    if dialogue:
        dialogue_caches(dialogue, root)
