"""Sound for training: a flat cache of 16 kHz PCM, augmentation, and batches that are a function of the step alone.

A cache is a folder with `sound.i16` (every clip's samples, int16, one after the other) and `clips.jsonl` (one
object a clip: text, speaker, source, split, start, samples). Both are read by memory map: an hour is 115 MB.

`Batches.batch(step)` depends on (seed, step) and nothing else, so that a run stopped anywhere and resumed sees
the very batches that an unbroken run sees; no iterator state has to be saved.
"""
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE
from training.speech.augment import augment

PCM = 32767.0
NON_SPEECH = 'non-speech'  # a clip's source: nothing is said in it, and the model shall say so


def write_cache(folder: Path, clips: Iterable[tuple[np.ndarray, dict]]) -> int:
    """Write (samples float32 [n] at 16 kHz, facts with text, speaker, source, split) and return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    start = count = 0
    with open(folder / 'sound.i16', 'wb') as sound, open(folder / 'clips.jsonl', 'w', encoding='utf-8') as table:
        for samples, facts in clips:
            sound.write((np.clip(samples, -1, 1) * PCM).astype('<i2').tobytes())
            row = {**facts, 'start': start, 'samples': len(samples)}
            table.write(json.dumps(row, ensure_ascii=False) + '\n')
            start += len(samples)
            count += 1
    return count


class Cache:
    """One or several cache folders read as one list of clips."""

    def __init__(self, folders: Iterable[Path], keep: Callable[[dict], bool] = lambda clip: True):
        """Open the folders and keep the clips for which `keep(facts)`; ConfigurationError where one is no cache."""
        self.clips, self._sounds = [], []
        for folder in folders:
            folder = Path(folder).expanduser()
            if not (folder / 'clips.jsonl').is_file():
                raise ConfigurationError(f'{folder}: no clips.jsonl; write a cache with '
                                         '`python -m training train speech --prepare`')
            sound = np.memmap(folder / 'sound.i16', dtype='<i2', mode='r')
            with open(folder / 'clips.jsonl', encoding='utf-8') as table:
                for line in table:
                    clip = json.loads(line)
                    if keep(clip):
                        self.clips.append({**clip, 'sound': len(self._sounds)})
            self._sounds.append(sound)

    def __len__(self):
        return len(self.clips)

    def __getstate__(self):
        """Leave the sound where it is: a worker process maps the same files."""
        return {'clips': self.clips, 'files': [sound.filename for sound in self._sounds]}

    def __setstate__(self, state):
        """Map the files again."""
        self.clips = state['clips']
        self._sounds = [np.memmap(file, dtype='<i2', mode='r') for file in state['files']]

    def samples(self, index: int) -> np.ndarray:
        """Return one clip as float32 [n] in [-1, 1]."""
        clip = self.clips[index]
        raw = self._sounds[clip['sound']][clip['start']:clip['start'] + clip['samples']]
        return raw.astype(np.float32) / PCM

    def seconds(self, index: int) -> float:
        """Return one clip's length."""
        return self.clips[index]['samples'] / SAMPLE_RATE


class Batches:
    """Training batches of static shapes: a bucket of `buckets_s` seconds holds `batch_s` seconds of sound.

    `weights` maps a clip's source to how many times an epoch it is heard (1 where absent; 0.5: every second
    epoch on average). `augmentation` is None or the mapping that `augment` takes. A clip without text is left out,
    unless its source is `non-speech`: then its row has no tokens. `together` batches of one bucket, where there are so
    many, follow each other (see LoopConfig.steps_per_execution).
    """

    def __init__(self, cache: Cache, vocabulary, buckets_s: list[float], batch_s: float, seed: int = 0,
                 weights: dict | None = None, augmentation: dict | None = None, max_tokens: int = 160,
                 together: int = 1):
        self.together = together
        self.cache, self.vocabulary, self.seed, self.augmentation = cache, vocabulary, seed, augmentation
        self.buckets = [round(b * SAMPLE_RATE / 640) * 640 for b in buckets_s]
        # Large batches hold a multiple of 8 rows: up to 8 replicas share them evenly.
        self.sizes = [rows if rows < 16 else rows // 8 * 8 for rows in (max(1, int(batch_s / b)) for b in buckets_s)]
        self.weights, self.max_tokens = weights or {}, max_tokens
        self.tokens = [vocabulary.encode(clip['text']) for clip in cache.clips]
        self.usable = [i for i, clip in enumerate(cache.clips)
                       if (0 < len(self.tokens[i]) <= max_tokens or clip['source'] == NON_SPEECH)
                       and clip['samples'] <= self.buckets[-1]]
        self._spoken = [i for i in self.usable if self.tokens[i]]
        self._lengths = []  # steps of the epochs planned so far
        self._planned = None, []
        if not self.usable:
            raise ConfigurationError('no clip can be trained on: every one is empty or longer than '
                                     f'{buckets_s[-1]} s')

    def _plan(self, epoch):
        """Return the epoch's list of (bucket, clip indices); the same for the same seed and epoch."""
        if epoch != self._planned[0]:
            rng = np.random.default_rng((self.seed, epoch))
            groups = [[] for _ in self.buckets]
            for i in rng.permutation(self.usable):
                weight = self.weights.get(self.cache.clips[i]['source'], 1.0)
                times = int(weight) + (rng.random() < weight % 1)
                slot = int(np.searchsorted(self.buckets, self.cache.clips[i]['samples'] * 1.02))
                for _ in range(times):
                    groups[min(slot, len(self.buckets) - 1)].append(int(i))
            runs = []
            for slot, group in enumerate(groups):
                size = self.sizes[slot]
                batches = []
                # The last, short batch is filled up with the group's first clips: shapes stay static.
                for at in range(0, len(group), size):
                    part = group[at:at + size]
                    batches.append((slot, part + [group[k % len(group)] for k in range(size - len(part))]))
                runs += [batches[at:at + self.together] for at in range(0, len(batches), self.together)]
            self._planned = epoch, [batch for k in rng.permutation(len(runs)) for batch in runs[k]]
        return self._planned[1]

    def _steps(self, epoch):
        """Return the epoch's number of steps; kept, as planning each past epoch again costs more than a batch."""
        while len(self._lengths) <= epoch:
            self._lengths.append(len(self._plan(len(self._lengths))))
        return self._lengths[epoch]

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Return the batch of one step.

        `samples` float32 [B, n], `length` int32 [B], `tokens` int32 [B, U] (0-padded), `token_count` int32 [B],
        `seconds` float32 [B] (of sound, without padding).
        """
        epoch = 0
        while step >= self._steps(epoch):  # an epoch's length varies a little with fractional weights
            step -= self._steps(epoch)
            epoch += 1
        slot, indices = self._plan(epoch)[step]
        rng = np.random.default_rng((self.seed, epoch, step, 1))
        size = self.buckets[slot]
        # Spanish is spoken at up to about 20 letters a second; a fixed width per bucket keeps shapes static.
        width = min(self.max_tokens, int(22 * size / SAMPLE_RATE) + 8)
        samples = np.zeros((len(indices), size), np.float32)
        length = np.zeros(len(indices), np.int32)
        tokens = np.zeros((len(indices), width), np.int32)
        count = np.zeros(len(indices), np.int32)
        for row, index in enumerate(indices):
            sound = self.cache.samples(index)
            if self.augmentation:
                # No voice is mixed into what shall be heard as nothing.
                other = self._other(rng) if self.tokens[index] else None
                sound = augment(sound, rng, self.augmentation, other, size)
            sound = sound[:size]
            samples[row, :len(sound)] = sound
            length[row] = len(sound)
            ids = self.tokens[index][:width]
            tokens[row, :len(ids)] = ids
            count[row] = len(ids)
        return {'samples': samples, 'length': length, 'tokens': tokens, 'token_count': count,
                'seconds': (length / SAMPLE_RATE).astype(np.float32)}

    def examples(self) -> list[dict[str, np.ndarray]]:
        """Return a batch of each shape that the first epoch has, for a compiler."""
        first = {}
        for step, (slot, _) in enumerate(self._plan(0)):
            first.setdefault(slot, step)
        return [self.batch(step) for step in first.values()]

    def epoch_s(self, epoch: int) -> float:
        """Return the seconds of sound, padding included, of an epoch's batches."""
        return sum(len(indices) * self.buckets[slot] for slot, indices in self._plan(epoch)) / SAMPLE_RATE

    @staticmethod
    def padding(batch: dict[str, np.ndarray]) -> float:
        """Return the share of a batch's samples that are padding."""
        return 1.0 - float(batch['length'].sum()) / batch['samples'].size

    def _other(self, rng):
        """Return a function that draws another clip's sound, for babble."""
        return lambda: self.cache.samples(int(rng.choice(self._spoken)))
