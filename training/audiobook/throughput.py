"""Prints hours of sound that a CPU hour prepares, aligns and packs, and the memory that it takes.

  python -m training.audiobook.throughput --hours 0.1 0.5 --workers 1 2
  python -m training.audiobook.throughput --steps shards --hours 1 5 50

A book of espeak-ng speech is made once and repeated until there is enough. Each step runs as a user's command of its
own; CPU seconds are those of all its processes, so other work on the machine does not count, and the memory is
that of its largest process.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from training.audiobook.espeak import speak
from training.speech.texts import sentences

SAMPLE_RATE = 16000
STEPS = ('prepare', 'align', 'shards')
PAUSE_S = 0.5  # after each sentence
PREAMBLE = 'Esta es una grabación para todos los públicos.'
CHECKOUT = Path(__file__).resolve().parents[2]


def speak_chapter(seconds: float, seed: int) -> tuple[list[str], np.ndarray, list[tuple[float, float]]]:
    """Return (sentences, samples, their places) of a chapter of about `seconds`, a preamble before it."""
    generator, texts, parts, places, position = np.random.default_rng(seed), [], [], [], 0
    pause = np.zeros(int(PAUSE_S * SAMPLE_RATE), np.float32)
    for text in (PREAMBLE, *sentences(seed, 1_000_000)):
        speech = 0.5 * speak(text, 'es+m7', 165).samples
        if parts:
            texts.append(text)
            places.append((position / SAMPLE_RATE, (position + len(speech)) / SAMPLE_RATE))
        parts += [speech, pause]
        position += len(speech) + len(pause)
        if position > seconds * SAMPLE_RATE:
            break
    samples = np.concatenate(parts)
    return texts, (samples + 1e-3 * generator.standard_normal(len(samples))).astype(np.float32), places


def make_books(folder: Path, chapters: list, hours: float, books: int) -> list[Path]:
    """Write `books` books of together `hours`, each of the chapters again and again; returns their folders."""
    made = []
    for number in range(books):
        book, texts, seconds, part = folder / f'book{number + 1}', [], 0.0, 0
        for name in ('recordings', 'text'):
            (book / name).mkdir(parents=True)
        while seconds < hours * 3600 / books:
            own, samples, _ = chapters[part % len(chapters)]
            source = folder / f'chapter{part % len(chapters)}.flac'
            if not source.exists():
                soundfile.write(source, samples, SAMPLE_RATE)
            part += 1
            os.link(source, book / 'recordings' / f'{part:05d}.flac')
            texts += own
            seconds += len(samples) / SAMPLE_RATE
        (book / 'text' / 'book.txt').write_text('\n\n'.join(texts), encoding='utf-8')
        made.append(book)
    return made


def make_corpus(folder: Path, chapters: list, hours: float) -> Path:
    """Write a corpus of the chapters' sentences, its manifest naming them again and again."""
    rows, total, turn = [], 0.0, 0
    (folder / 'clips').mkdir(parents=True)
    clips = []
    for number, (texts, samples, places) in enumerate(chapters):
        for text, (begin, end) in zip(texts, places):
            name = f'clips/{number}-{len(clips)}.flac'
            soundfile.write(folder / name, samples[int(begin * SAMPLE_RATE):int(end * SAMPLE_RATE)], SAMPLE_RATE)
            clips.append((name, text, end - begin))
    while total < hours * 3600:
        for name, text, seconds in clips:  # another start makes it another utterance, of another shard
            rows.append(json.dumps({'audio': name, 'text': text, 'speaker': 'a', 'source': 'b', 'split': 'train',
                                    'start': turn * 1e-6, 'seconds': seconds}))
            total += seconds
        turn += 1
    (folder / 'manifest.jsonl').write_text('\n'.join(rows), encoding='utf-8')
    return folder


def spend(command: list[str]) -> dict:
    """Run a command of this program; returns its exit status, CPU seconds and peak memory (MB of one process)."""
    environment = {**os.environ, 'PYTHONPATH': str(CHECKOUT), 'OMP_NUM_THREADS': '1'}
    process = subprocess.Popen([sys.executable, '-m', 'training', *command], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)  # with all the children that it waited for
    process.returncode = os.waitstatus_to_exitcode(status)
    return {'status': process.returncode, 'cpu_s': round(usage.ru_utime + usage.ru_stime, 1),
            'peak_mb': round(usage.ru_maxrss / 1024)}


def main() -> int:
    """Measure what the options ask for; a line of JSON each, printed as soon as it is known."""
    parser = argparse.ArgumentParser(prog='python -m training.audiobook.throughput', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hours', type=float, nargs='+', default=[0.1], help='hours of sound')
    parser.add_argument('--workers', type=int, nargs='+', default=[1], help='processes')
    parser.add_argument('--chapter', type=float, default=3.0, help='minutes of a recording')
    parser.add_argument('--steps', nargs='+', choices=STEPS, default=['prepare', 'align'])
    parser.add_argument('--engine', default='dtw', help='which aligner (dtw, ctc, joint)')
    options = parser.parse_args()
    chapters = [speak_chapter(60 * options.chapter, seed) for seed in range(2)]
    failed = 0
    for hours in options.hours:
        for workers in options.workers:
            with tempfile.TemporaryDirectory() as name:
                folder, common = Path(name), ['--workers', str(workers)]
                books = make_books(folder, chapters, hours, max(options.workers)) if \
                    {'prepare', 'align'} & {*options.steps} else []
                for step in options.steps:
                    if step == 'shards':
                        corpus = make_corpus(folder / 'corpus', chapters, hours)
                        manifest = str(corpus / 'manifest.jsonl')  # holds no test: nothing is compared
                        command = ['speech-data', 'shards', str(corpus), '--output', str(folder / 'shards'),
                                   '--variants', 'clean', '--held-out', manifest]
                    else:
                        command = ['audiobook', step, '--engine', options.engine, *map(str, books)]
                    found = spend(command + common)
                    failed += found['status'] != 0
                    print(json.dumps({'step': step, 'hours': hours, 'workers': workers, **found,
                                      'hours_a_cpu_hour': round(3600 * hours / found['cpu_s'], 1)}), flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
