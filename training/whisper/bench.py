"""Latency and memory of Whisper's true sizes on this machine, with random weights: what an import will cost.

Writes a model of the size to a temporary folder, then a fresh process without TensorFlow hears 10 s of noise, greedily,
40 tokens, on one thread. Times are CPU seconds, so that a busy machine does not blur them.

Example:
  python -m training.whisper.bench tiny base

"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from training.litert import STORED

SIZES = {  # width, heads, blocks
    'tiny': (384, 6, 4), 'base': (512, 8, 6), 'small': (768, 12, 12),
}
SOUND_S, TOKENS, ROUNDS = 10, 40, 3
TEXT_TOKENS, LANGUAGES = 50257, 99


def write_random(name: str, out: Path, stored: str, beams: int = 1) -> None:
    """Write a model folder of one of SIZES with random weights and a made-up vocabulary."""
    from robot_ai.speech.whisper_tokenizer import WhisperTokenizer, byte_spelling
    from training.whisper.export import write_folder
    from training.whisper.model import WhisperModel, WhisperSize
    from training.whisper.sources import Source
    from training.whisper.vocabularies import openai_specials
    width, heads, blocks = SIZES[name]
    size = WhisperSize(width=width, heads=heads, blocks=blocks, decoder_heads=heads, decoder_blocks=blocks)
    letters = list(byte_spelling().values())
    tokens = [*letters, *(a + b for a in letters for b in letters)][:TEXT_TOKENS]
    tokenizer = WhisperTokenizer(tokens, openai_specials(TEXT_TOKENS, LANGUAGES))
    places = [[layer, head] for layer in range(blocks // 2, blocks) for head in range(heads)]
    source = Source(out, size, {}, tokenizer, {'alignment_heads': places, 'suppress_tokens': [],
                                              'begin_suppress_tokens': []}, f'random weights of the size of {name}')
    model = WhisperModel(size).build_all()
    print(f'{name}: {model.count_params() / 1e6:.1f} M parameters, random weights', flush=True)
    write_folder(model, source, out, [30], beams, weights=stored)


def measure(folder: Path) -> str:
    """Return one line of figures of a folder; to be called in a fresh process, because of the memory."""
    from robot_ai.speech.whisper import Stepper, WhisperRecognizer
    before = time.process_time()
    recognizer = WhisperRecognizer(folder)
    opened = time.process_time() - before
    sound = (np.random.default_rng(1).standard_normal(SOUND_S * 16000) * 0.05).astype(np.float32)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        stepper = Stepper(recognizer.graph, 30, sound, recognizer.prompt[:1], recognizer.max_tokens)
        encoded = time.process_time()
        for token in [*recognizer.prompt[1:], *range(300, 300 + TOKENS)]:
            recognizer.rules.apply(stepper.read([token], [0])[0], [token])
        times.append((encoded - start, time.process_time() - encoded))
    encoding, decoding = np.median(np.array(times), axis=0)
    per_token = decoding / (TOKENS + len(recognizer.prompt) - 1)
    status = Path('/proc/self/status').read_text(encoding='ascii')  # not getrusage: that counts the parent's
    resident = int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) / 1024
    return (f'  {recognizer.info.graph.stat().st_size / 1e6:.0f} MB graph; opened in '
            f'{opened:.1f} s; encoding {encoding:.2f} s, a token {1000 * per_token:.0f} ms; real-time factor '
            f'{(encoding + decoding) / SOUND_S:.2f} ({SOUND_S} s, {TOKENS} tokens, one thread); at most {resident:.0f} '
            'MB resident')


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sizes', nargs='*', metavar='SIZE', default=['tiny'], help=', '.join(SIZES))
    parser.add_argument('--store', choices=STORED, default=STORED[0], help='how weights are stored')
    parser.add_argument('--folder', type=Path, help='measure this model folder (any Whisper) only')
    parser.add_argument('--keep', type=Path, help='write the folders here and keep them')
    options = parser.parse_args(arguments)
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    if options.folder:
        print(measure(options.folder))
        return 0
    unknown = [name for name in options.sizes if name not in SIZES]
    if unknown:
        parser.error(f'size {unknown[0]!r}: expected one of {", ".join(SIZES)}')
    for name in options.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            folder = (options.keep or Path(scratch)) / name
            write_random(name, folder, options.store)
            subprocess.run([sys.executable, '-m', 'training.whisper.bench', '--folder', str(folder)], check=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
