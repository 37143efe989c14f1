"""Texts in, a corpus of synthetic speech out: 16 kHz FLAC files and a manifest.jsonl with how each was made.

Each clip's voice, speed and pitch depend on the seed and its place in the list alone, so that any number of
workers, stopped and started anywhere, writes the same corpus. The variants in HELD_OUT never speak in a training
corpus.
"""

import concurrent.futures
import errno
import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.speech.spanish import fold, normalize
from robot_ai.speech.spanish_numbers import without_accents
from training.speech.leaks import HeldOut
from training.speech.utterances import Problems, Utterance
from training.speech.voices import Voice, espeak, piper

WORDS_PER_MINUTE = (105, 205)
PITCH = (20, 85)  # espeak-ng's 0..99
PAUSES_10MS = (0, 0, 0, 2, 6)  # between words
SHORTEST_S = 0.1
FAILURES_IN_A_ROW = 20  # the same fault of the disk so often ends the run


@dataclass(frozen=True)
class Job:
    """One clip to make; everything that its sound depends on."""

    text: str
    spoken: str
    source: str
    voice: Voice
    words_per_minute: int
    pitch: int
    pause: int
    split: str

    @property
    def name(self) -> str:
        """The file's name: a hash of the whole job."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


@dataclass
class Summary:
    """What a run did: clips and seconds of sound in the corpus, and counts of what was dropped and why."""

    clips: int = 0
    seconds: float = 0.0
    made: int = 0
    dropped: Counter = field(default_factory=Counter)
    problems: Problems = field(default_factory=Problems)


def plan(
    texts: Iterable[tuple[str, str]],
    voices: list[Voice],
    split: str = 'train',
    seed: int = 0,
    held_out: HeldOut | None = None,
    dropped: Counter | None = None,
) -> Iterator[Job]:
    """Yield a job for each (source, text); texts that are empty or held out are counted in `dropped`."""
    dropped = Counter() if dropped is None else dropped
    for index, (source, text) in enumerate(texts):
        rng = random.Random(f'{seed} {split} {index}')
        spoken = normalize(text)
        job = Job(
            ' '.join(text.split()),
            spoken,
            source,
            rng.choice(voices),
            rng.randrange(*WORDS_PER_MINUTE),
            rng.randrange(*PITCH),
            rng.choice(PAUSES_10MS),
            split,
        )
        if not spoken:
            dropped['text without a word'] += 1
        elif held_out and held_out.has_text(text):
            dropped['text is in a held-out test'] += 1
        else:
            yield job


def speak(job: Job) -> np.ndarray:
    """Return the job's sound, float32 [n] at 16 kHz; AudioError where the synthesizer fails or says nothing."""
    # Punctuation gives the voice its melody; figures and abbreviations are given as the transcript reads them.
    written = ''.join(filter(str.isalnum, without_accents(job.text.lower())))
    plain = written == fold(job.text).replace(' ', '')
    text = job.text if plain else job.spoken
    if job.voice.piper_model:
        samples = piper(text, job.voice.piper_model, 160 / job.words_per_minute)
    else:
        samples = espeak(text, job.voice.name, job.words_per_minute, job.pitch, job.pause)
    if len(samples) < SHORTEST_S * SAMPLE_RATE:
        raise AudioError(f'{job.voice.name} said nothing for {text[:60]!r}')
    return samples


def synthesize(
    texts: Iterable[tuple[str, str]],
    voices: list[Voice],
    output: Path,
    split: str = 'train',
    seed: int = 0,
    workers: int = 1,
    held_out: HeldOut | None = None,
    progress: bool = False,
) -> Summary:
    """Write the corpus, going on where an earlier call stopped, and return what there is now.

    `texts` are (source, text). A clip that fails is named in the summary's problems, and the rest goes on; raises
    ConfigurationError when the disk is full.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    summary = Summary()
    done = _finished(output / 'manifest.jsonl')
    jobs = list(plan(texts, voices, split, seed, held_out, summary.dropped))
    unique = {job.name: job for job in jobs}
    summary.dropped['same text and voice twice'] += len(jobs) - len(unique)
    rest = [job for name, job in unique.items() if name not in done]
    for name in unique.keys() & done.keys():
        summary.clips, summary.seconds = summary.clips + 1, summary.seconds + done[name]
    failures = 0
    with (
        open(output / 'manifest.jsonl', 'ab', buffering=0) as manifest,  # a line is there when it is written
        tqdm(total=len(unique), initial=len(unique) - len(rest), unit='clip', disable=not progress) as bar,
    ):
        for job, result in _in_order(rest, output, workers):
            if isinstance(result, Exception):
                summary.problems.add(f'{job.name} {job.text[:40]!r}', result)
                failures = failures + 1 if isinstance(result, OSError) else 0
                if failures >= FAILURES_IN_A_ROW or getattr(result, 'errno', 0) == errno.ENOSPC:
                    raise _full(output, result, summary)
            else:
                seconds = result
                facts = json.loads(
                    Utterance(
                        f'{job.name[:2]}/{job.name}.flac',
                        job.text,
                        speaker=job.voice.name,
                        source=job.source,
                        licence='synthetic',
                        split=job.split,
                        seconds=round(seconds, 3),
                    ).to_json()
                )
                facts.update(words_per_minute=job.words_per_minute, pitch=job.pitch, pause_10ms=job.pause)
                try:
                    line = (json.dumps(facts, ensure_ascii=False) + '\n').encode()
                    if manifest.write(line) < len(line):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                except OSError as error:  # the next call takes half a line off again
                    raise _full(output, error, summary) from None
                summary.clips, summary.made = summary.clips + 1, summary.made + 1
                summary.seconds += seconds
                failures = 0
            bar.update()
    return summary


def _full(output, error, summary):
    return ConfigurationError(f'{output}: {error}. {summary.clips} clips are done: make room and call again, the rest '
                              'follows')


def _in_order(jobs, output, workers):
    """Yield (job, seconds or exception) in the order of the jobs, a bounded number of them under way."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:  # espeak-ng is a process: threads suffice
        waiting = iter(jobs)
        under_way = [(job, pool.submit(_make, job, output)) for job in itertools.islice(waiting, 4 * workers)]
        try:
            while under_way:
                job, future = under_way.pop(0)
                try:
                    yield job, future.result()
                except (AudioError, OSError, subprocess.TimeoutExpired) as error:
                    yield job, error
                for job in itertools.islice(waiting, 1):
                    under_way.append((job, pool.submit(_make, job, output)))
        finally:
            for _, future in under_way:
                future.cancel()


def _make(job, output):
    """Write one clip, whole or not at all, and return its seconds."""
    samples = speak(job)
    file = output / job.name[:2] / f'{job.name}.flac'
    file.parent.mkdir(exist_ok=True)
    part = file.with_suffix('.part')
    try:
        soundfile.write(part, samples, SAMPLE_RATE, format='FLAC', subtype='PCM_16')
    except soundfile.LibsndfileError as error:
        part.unlink(missing_ok=True)
        full = shutil.disk_usage(output).free < 1 << 20
        raise OSError(errno.ENOSPC if full else errno.EIO, f'{part}: {error}') from error
    os.replace(part, file)
    return len(samples) / SAMPLE_RATE


def _finished(manifest):
    """Return {name: seconds} of the clips of an earlier call; a last line cut short is taken off the file."""
    if not manifest.is_file():
        return {}
    done, whole = {}, 0
    with open(manifest, 'rb') as lines:
        for line in lines:
            try:
                facts = json.loads(line)
                name = Path(facts['audio']).stem
            except (ValueError, KeyError, TypeError):
                if line.endswith(b'\n'):
                    raise ConfigurationError(
                        f'{manifest}: byte {whole}: not a line of `synthesize`; use an empty folder'
                    ) from None
                break
            if not line.endswith(b'\n'):
                break
            whole += len(line)
            if (manifest.parent / facts['audio']).is_file():
                done[name] = facts['seconds']
    with open(manifest, 'r+b') as file:
        file.truncate(whole)
    return done
