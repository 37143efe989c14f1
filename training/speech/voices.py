"""The synthetic voices: who there is, who speaks in which split, and each one's sound as float32 [n] at 16 kHz.

espeak-ng (a program), Piper (a program, with the voices that the user brings), SVOX Pico (a package) and Festival (a
program, with Italian voices that read `italian_spelling`). Which variants of espeak-ng are held out is fixed here by
name, so that no training run hears the voices that validation and the dialogue's figures use.
"""
import importlib.util
import io
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech.audio import to_mono_16k

LANGUAGES = ('es', 'es-419')
VARIANTS = ('', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'f1', 'f2', 'f3', 'f4', 'Alex', 'Andy', 'Annie', 'Denis',
            'Diogo', 'Gene', 'Henrique', 'Hugo', 'Jacky', 'Lee', 'Marco', 'Michael', 'adam', 'anika', 'antonio',
            'aunty', 'belinda', 'benjamin', 'boris', 'caleb', 'david', 'ed', 'edward', 'grandma', 'grandpa',
            'iven', 'iven3', 'john', 'kaukovalta', 'klatt', 'klatt2', 'klatt4', 'linda', 'marcelo', 'max', 'michel',
            'miguel', 'norbert', 'pablo', 'paul', 'quincy', 'rob', 'robert', 'sandro', 'shelby', 'steph', 'travis',
            'victor', 'zac')
HELD_OUT_VARIANTS = ('m8', 'f5', 'Mario', 'pedro', 'Alicia', 'Andrea', 'klatt3', 'edward2', 'steph2', 'iven2')
# Halved by name: the first half speaks validation, the second half the test.
HELD_OUT = {
    'validation': HELD_OUT_VARIANTS[: len(HELD_OUT_VARIANTS) // 2],
    'test': HELD_OUT_VARIANTS[len(HELD_OUT_VARIANTS) // 2 :],
}
PIPER_TIMEOUT_S = 120
FESTIVAL_VOICES = Path('/usr/share/festival/voices')
FESTIVAL_LINES = 50  # that one process speaks


@dataclass(frozen=True)
class Voice:
    """A voice: an espeak-ng name such as 'es-419+f3', or a Piper model file."""

    name: str
    piper_model: str = ''


def espeak_voices(split: str = 'train') -> list[Voice]:
    """Return espeak-ng's voices for a split: both accents with every variant of that split that is installed."""
    if shutil.which('espeak-ng') is None:
        raise ConfigurationError('espeak-ng is not installed: sudo apt install espeak-ng')
    if split not in ('train', *HELD_OUT):
        raise ConfigurationError(f'split {split!r}: expected train, {", ".join(HELD_OUT)}')
    listed = subprocess.run(['espeak-ng', '--voices=variant'], capture_output=True, text=True, check=True).stdout
    installed = {line.rsplit('!v/', 1)[1].strip() for line in listed.splitlines() if '!v/' in line} | {''}
    variants = [name for name in HELD_OUT.get(split, VARIANTS) if name in installed]
    return [Voice(language + (f'+{name}' if name else '')) for name in variants for language in LANGUAGES]


def piper_voices(folder: Path) -> list[Voice]:
    """Return the Piper voices (*.onnx with its *.onnx.json) of a folder; the user brings them and `piper`."""
    models = [model for model in sorted(Path(folder).rglob('*.onnx')) if Path(f'{model}.json').is_file()]
    if not models:
        raise ConfigurationError(f'{folder}: no Piper voice; expected NAME.onnx with NAME.onnx.json')
    if shutil.which('piper') is None:
        raise ConfigurationError('Piper voices need the program piper: pip install piper-tts')
    return [Voice(f'piper-{model.stem}', str(model)) for model in models]


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


def piper(text: str, model: str, length_scale: float = 1.0) -> np.ndarray:
    """Return the speech of a Piper voice, float32 [n] at 16 kHz; `length_scale` above 1 is slower."""
    done = subprocess.run(
        ['piper', '--model', model, '--length_scale', f'{length_scale:.2f}', '--output_file', '-'],
        input=f'{text}\n'.encode(),
        capture_output=True,
        timeout=PIPER_TIMEOUT_S,
        check=False,
    )
    if done.returncode or len(done.stdout) < 100:
        raise AudioError(f'piper failed for {model}: {done.stderr.decode(errors="replace").strip()[-200:]}')
    samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype='float32', always_2d=True)
    return to_mono_16k(samples, rate)


PICO = '''
import json, struct, sys
from py_nanotts import NanoTTS
voice = NanoTTS()
for line in sys.stdin:
    text, speed, pitch, name = json.loads(line)
    sound = voice.speak(text, voice=name, speed=speed, pitch=pitch) or b''
    sys.stdout.buffer.write(struct.pack('<I', len(sound)) + sound)
    sys.stdout.buffer.flush()
'''


class Pico:
    """A voice of SVOX Pico (package py-nanotts, Apache-2.0): made from a person's recordings, unlike espeak-ng's.

    It runs in a process of its own: beside TensorFlow, in one process or forked from one, it crashes.
    """

    def __init__(self, voice: str = 'es-ES'):
        """Start the process; `voice`: es-ES, or it-IT for `italian_spelling`. AudioError without the package."""
        self.voice = voice
        if importlib.util.find_spec('py_nanotts') is None:
            raise AudioError('Pico speech needs the package py-nanotts: pip install py-nanotts')
        self._process = subprocess.Popen([sys.executable, '-c', PICO], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> np.ndarray:
        """Return float32 [n] at 16 kHz, silence trimmed; AudioError where the process has ended."""
        try:
            self._process.stdin.write(json.dumps([text, speed, pitch, self.voice]).encode() + b'\n')
            self._process.stdin.flush()
            size, = struct.unpack('<I', self._process.stdout.read(4))
            raw = self._process.stdout.read(size)
        except (OSError, struct.error):
            raise AudioError(f'Pico ended with status {self._process.poll()} at {text!r}') from None
        return _trimmed(np.frombuffer(raw[:len(raw) // 2 * 2], '<i2').astype(np.float32) / 32768)


def need_festival(voice: str) -> None:
    """Raise AudioError where Festival or its voice is not installed."""
    if shutil.which('festival') is None or not list(FESTIVAL_VOICES.glob(f'*/{voice}')):
        raise AudioError(f'Festival or its voice {voice} is not installed: sudo apt install festival festvox-italp16k '
                         'festvox-itapc16k')


def festival(lines: list[tuple[str, float]], voice: str = 'pc_diphone') -> Iterator[np.ndarray]:
    """Yield the sound of each (text, stretch), float32 [n] at 16 kHz, silence trimmed, empty where Festival failed.

    A person's diphones (Debian's festival, festvox-italp16k and festvox-itapc16k, GPL-2). `voice`: an Italian man's
    pc_diphone or woman's lp_diphone; `text`: letters and spaces, as `italian_spelling` writes them; `stretch` above 1
    is slower. AudioError where Festival or the voice is absent.
    """
    need_festival(voice)
    for first in range(0, len(lines), FESTIVAL_LINES):
        with tempfile.TemporaryDirectory() as folder:
            part = lines[first:first + FESTIVAL_LINES]
            commands = [f'(voice_{voice})'] + [
                f"(Parameter.set 'Duration_Stretch {stretch:.2f}) "
                f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{number}.wav" \'riff)'
                for number, (text, stretch) in enumerate(part)]
            script = Path(folder, 'lines.scm')
            script.write_text('\n'.join(commands), encoding='latin-1', errors='replace')
            subprocess.run(['festival', '-b', str(script)], capture_output=True, timeout=600, check=False)
            for number in range(len(part)):
                try:
                    yield _trimmed(to_mono_16k(*soundfile.read(f'{folder}/{number}.wav', dtype='float32')))
                except soundfile.LibsndfileError:
                    yield np.zeros(0, np.float32)


def _trimmed(sound):
    """Return a sound without the silence before and after it, but for a tenth of a second."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[max(0, loud[0] - 1600):loud[-1] + 1600] if len(loud) else sound[:0]
