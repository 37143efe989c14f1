"""Corpora of any layout in, TFRecord shards in buckets of length out, by an Apache Beam pipeline.

An utterance's shard is a hash of its path, so that the plan needs no list of everything in one memory. A worker
writes a whole shard, one file a bucket (so that a batch has one static shape), each under another name until it is
whole, and last its .json with checksums and counts: what has a .json is never made again. The paths may be local
or whatever Beam's FileSystems know (gs://...); the runner is Beam's (DirectRunner, FlinkRunner, SparkRunner,
DataflowRunner).
"""
import hashlib
import json
import logging
import pickle
import shutil
import tempfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import apache_beam as beam
import google_crc32c
import numpy as np
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech.spanish import normalize
from training.speech.leaks import HeldOut
from training.speech.loaders import Problems, load
from training.speech.tfrecords import encode_example, frame
from training.speech.utterances import Utterance, read
from training.speech.variants import Variants

SAMPLE_RATE = 16000
BUCKETS_S = (2, 4, 8, 16)  # as the recogniser's
SHORTEST_S = 0.2
SLOWEST, FASTEST = 2.0, 30.0  # letters a second; outside, the text is not what is said
RATED_S = 3.0  # a shorter clip may be mostly pause
QUIETEST = 1e-3  # highest sample of a clip with nothing in it
PACKED = 20_000  # utterances of all shards that a worker holds before it sends them on
MOST_PROBLEMS = 200  # noted in a shard's .json
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """Everything that the content of a shard depends on, beside the corpora."""

    output: str
    shards: int  # of each split
    splits: tuple[str, ...] = ('train', 'validation')
    buckets_s: tuple[int, ...] = BUCKETS_S
    variants: tuple[str, ...] = ('clean', 'mixed')
    seed: int = 0

    def __post_init__(self):
        """Raise ConfigurationError for a plan that cannot be."""
        if self.shards < 1 or list(self.buckets_s) != sorted(set(self.buckets_s)) or min(self.buckets_s) <= 0:
            raise ConfigurationError(f'{self.shards} shards, buckets {self.buckets_s}: expected at least one shard, '
                                     'buckets in rising seconds')
        Variants(self.variants, self.seed)

    def place(self, *parts: str) -> str:
        """Return a path under the output."""
        return FileSystems.join(self.output, *parts)

    def name(self, shard: int) -> str:
        """Return a shard's name, without split, bucket and suffix."""
        return f'shard-{shard:05d}-of-{self.shards:05d}'


def clip_hash(utterance: Utterance) -> int:
    """Return the number that chooses a clip's shard and its chance, of the path's last three parts and the text."""
    path = '/'.join(Path(utterance.audio).parts[-3:])
    return int.from_bytes(hashlib.sha256(f'{path} {utterance.start} {utterance.text}'.encode()).digest()[:7], 'big')


def finished_shards(plan: Plan) -> dict[tuple[str, int], dict]:
    """Return {(split, shard): its .json} of what is there; ConfigurationError where another plan made it."""
    found = {}
    for split in plan.splits:
        (matches,) = FileSystems.match([plan.place(split, 'shard-*.json')])
        for match in matches.metadata_list:
            with FileSystems.open(match.path) as file:
                facts = json.loads(file.read())
            if facts['plan'] != _plan_facts(plan):
                raise ConfigurationError(f'{match.path}: made with {facts["plan"]}, asked for {_plan_facts(plan)}; '
                                         'take an empty output folder')
            found[split, facts['shard']] = facts
    return found


def count_finished(plan: Plan) -> int:
    """Return how many shards are there, without reading them."""
    matches = FileSystems.match([plan.place(split, 'shard-*.json') for split in plan.splits])
    return sum(len(match.metadata_list) for match in matches)


def _plan_facts(plan):
    return {'shards': plan.shards, 'buckets_s': list(plan.buckets_s), 'variants': list(plan.variants),
            'seed': plan.seed}


class _Load(beam.DoFn):
    """A corpus (path, layout) in, ((split, shard), pack of utterances) out, but what is finished or not asked for.

    Utterances travel in packs, for the DirectRunner keeps all that it groups in memory: one by one they took 2.5 MB
    for an hour of sound.
    """

    def __init__(self, plan, finished):
        self._plan, self._finished = plan, finished

    def process(self, corpus):
        problems, waiting, count = Problems(), defaultdict(list), 0
        utterances = _remote(corpus[0], problems) if '://' in corpus[0] else load(corpus[0], corpus[1], problems)
        for utterance in utterances:
            Metrics.counter('speech', 'utterances').inc()
            shard = clip_hash(utterance) % self._plan.shards
            if utterance.split not in self._plan.splits:
                Metrics.counter('speech', f'dropped: split {utterance.split} not asked for').inc()
            elif (utterance.split, shard) not in self._finished:
                waiting[utterance.split, shard].append(utterance)
                count += 1
                if count == PACKED:
                    yield from _packs(waiting)
                    count = 0
        yield from _packs(waiting)
        for place, reason in problems.found:
            Metrics.counter('speech', 'dropped: broken entry of a corpus').inc()
            LOG.warning('%s: %s', place, reason)


def _packs(waiting):
    """Yield (key, compressed utterances) of all that waits, and forget it."""
    for key, utterances in waiting.items():
        yield key, zlib.compress(pickle.dumps(utterances))
    waiting.clear()


def _remote(path, problems):
    """Yield the utterances of a manifest on gs:// or the like; their sounds lie beside it."""
    if not path.endswith('.jsonl'):
        raise ConfigurationError(f'{path}: of remote corpora only a manifest (.jsonl) can be read')
    base = path.rsplit('/', 1)[0]
    with FileSystems.open(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                utterance = Utterance(**{name: row[name] for name in Utterance.__dataclass_fields__ if name in row})
                yield replace(utterance, audio=FileSystems.join(base, utterance.audio))
            except (ValueError, TypeError) as error:
                problems.add(f'{path}:{number}', error)


def _read(utterance):
    """Return the sound; a remote one is copied to a file first, for the decoders want one."""
    if '://' not in utterance.audio:
        return read(utterance)
    with tempfile.NamedTemporaryFile(suffix=Path(utterance.audio).suffix) as copy:
        with FileSystems.open(utterance.audio, compression_type='uncompressed') as remote:
            shutil.copyfileobj(remote, copy)
        copy.flush()
        try:
            return read(replace(utterance, audio=copy.name))
        except AudioError as error:
            raise AudioError(f'{utterance.audio}: {error}') from error


class _Write(beam.DoFn):
    """((split, shard), utterances) in, the shard written, (name, its .json or what hindered it) out."""

    def __init__(self, plan, held_out):
        self._plan, self._held_out = plan, held_out

    def process(self, element):
        (split, shard), packs = element
        utterances = [utterance for pack in packs for utterance in pickle.loads(zlib.decompress(pack))]
        Metrics.counter('speech', 'shards to make').inc()
        try:
            facts = write_shard(self._plan, split, shard, utterances, self._held_out)
        except Exception as error:  # a full disk, a lost bucket: the other shards go on, the next call makes this
            LOG.error('%s/%s: %s', split, self._plan.name(shard), error)
            Metrics.counter('speech', 'shards that failed').inc()
            return
        for reason, count in facts['dropped'].items():
            Metrics.counter('speech', f'dropped: {reason}').inc(count)
        Metrics.counter('speech', 'records').inc(sum(file['records'] for file in facts['files'].values()))
        yield facts


def usable(utterance: Utterance, samples: np.ndarray, held_out: HeldOut | None, longest_s: float) -> str:
    """Return why an utterance is dropped, or '' if it is good."""
    seconds, letters = len(samples) / SAMPLE_RATE, len(normalize(utterance.text).replace(' ', ''))
    if not letters:
        return 'text without a word'
    if seconds < SHORTEST_S:
        return f'shorter than {SHORTEST_S} s'
    if seconds > longest_s:
        return f'longer than {longest_s} s'
    if np.abs(samples).max() < QUIETEST:
        return 'silence'
    if letters / seconds > FASTEST or (letters / seconds < SLOWEST and seconds > RATED_S):
        return 'letters a second outside what is spoken'
    if held_out and held_out.has_text(utterance.text):
        return 'text is in a held-out test'
    if held_out and held_out.has_sound(samples):
        return 'sound is in a held-out test'
    return ''


def write_shard(plan: Plan, split: str, shard: int, utterances: Iterable[Utterance],
                held_out: HeldOut | None = None) -> dict:
    """Write one shard's files and, when all are whole, its .json, whose content is returned.

    Files hold tf.train.Example: pcm (int16 bytes), samples, text (normalised), written, speaker, source, licence,
    variant, id. Validation is written clean, whatever the plan's variants.
    """
    names = plan.variants if split == 'train' else ('clean',)
    variants = Variants(names, plan.seed * 1_000_003 + shard)
    dropped, problems = Counter(), []
    folder, name = plan.place(split), plan.name(shard)
    _make_folder(folder)
    writers = {}
    try:
        for utterance in sorted(utterances, key=clip_hash):
            key = clip_hash(utterance)
            try:
                samples = _read(utterance)
            except (AudioError, OSError) as error:
                dropped['unreadable sound'] += 1
                problems.append(str(error)[:300])
                continue
            reason = usable(utterance, samples, held_out, plan.buckets_s[-1])
            if reason:
                dropped[reason] += 1
                continue
            for variant, sound in variants.make(samples, key):
                bucket = next((seconds for seconds in plan.buckets_s if len(sound) <= seconds * SAMPLE_RATE), None)
                if bucket is None:
                    dropped['variant longer than the last bucket'] += 1
                    continue
                if bucket not in writers:
                    writers[bucket] = _ShardFile(folder, f'{name}.{bucket:02d}s.tfrecord')
                writers[bucket].write(_example(utterance, sound, variant, key), len(sound))
        files = {writer.name: writer.finish() for writer in writers.values()}
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        raise
    facts = {'split': split, 'shard': shard, 'plan': _plan_facts(plan), 'files': files, 'dropped': dict(dropped),
             'problems': problems[:MOST_PROBLEMS]}
    _write_whole(FileSystems.join(folder, f'{name}.json'), json.dumps(facts, ensure_ascii=False, indent=1).encode())
    return facts


def _example(utterance, sound, variant, key):
    pcm = np.clip(np.round(sound * 32767), -32768, 32767).astype('<i2')
    return encode_example({'pcm': pcm.tobytes(), 'samples': len(pcm), 'text': normalize(utterance.text),
                           'written': utterance.text, 'speaker': utterance.speaker, 'source': utterance.source,
                           'licence': utterance.licence, 'variant': variant, 'id': f'{key:014x}'})


class _ShardFile:
    """A file of one bucket, under another name until `finish`."""

    def __init__(self, folder, name):
        self.name = name
        self._final, self._part = FileSystems.join(folder, name), FileSystems.join(folder, f'{name}.part')
        _remove(self._part)
        self._file = FileSystems.create(self._part, compression_type='uncompressed')
        self._crc, self._bytes, self._records, self._samples = 0, 0, 0, 0

    def write(self, example, samples):
        data = frame(example)
        self._file.write(data)
        self._crc = google_crc32c.extend(self._crc, data)
        self._bytes, self._records, self._samples = self._bytes + len(data), self._records + 1, self._samples + samples

    def finish(self):
        self._file.close()
        _remove(self._final)
        FileSystems.rename([self._part], [self._final])
        return {'crc32c': f'{self._crc:08x}', 'bytes': self._bytes, 'records': self._records,
                'seconds': round(self._samples / SAMPLE_RATE, 2)}

    def abandon(self):
        try:
            self._file.close()
            _remove(self._part)
        except Exception as error:  # the disk may be the reason that we are here
            LOG.warning('%s: %s', self._part, error)


def _remove(path):
    if FileSystems.exists(path):
        FileSystems.delete([path])


def _make_folder(path):
    if not FileSystems.exists(path):
        try:
            FileSystems.mkdirs(path)
        except OSError:
            if not FileSystems.exists(path):  # another worker may have made it meanwhile
                raise


def _write_whole(path, data):
    with FileSystems.create(f'{path}.part', compression_type='uncompressed') as file:
        file.write(data)
    _remove(path)
    FileSystems.rename([f'{path}.part'], [path])


def build_pipeline(corpora: Iterable[tuple[str, str]], plan: Plan, held_out: HeldOut | None = None,
                   beam_options: Iterable[str] = ()) -> beam.Pipeline:
    """Return the pipeline of `run_pipeline`, not yet run; ConfigurationError where Beam refuses the options."""
    options = PipelineOptions(list(beam_options))
    options.view_as(SetupOptions).save_main_session = False
    try:
        pipeline = beam.Pipeline(options=options)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(f'--beam {" ".join(beam_options)}: {error}') from None
    (pipeline
     | 'corpora' >> beam.Create(list(corpora))
     | 'load' >> beam.ParDo(_Load(plan, frozenset(finished_shards(plan))))
     | 'by shard' >> beam.GroupByKey()
     | 'spread' >> beam.Reshuffle()
     | 'write' >> beam.ParDo(_Write(plan, held_out)))
    return pipeline


def run_pipeline(corpora: Iterable[tuple[str, str]], plan: Plan, held_out: HeldOut | None = None,
                 beam_options: Iterable[str] = ()) -> Counter:
    """Write the shards that are not there yet and return this run's counters.

    `corpora` are (path, layout); `beam_options` go to Beam (--runner=FlinkRunner ...). A shard that fails is logged
    and counted ('shards that failed'), and the others go on.
    """
    pipeline = build_pipeline(corpora, plan, held_out, beam_options)
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except RuntimeError as error:  # Beam wraps what interrupts a worker
        if 'KeyboardInterrupt' in str(error):
            raise KeyboardInterrupt from None
        raise
    return Counter({counter.key.metric.name: counter.committed or counter.attempted or 0
                    for counter in result.metrics().query()['counters'] if counter.key.metric.namespace == 'speech'})


def verify(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield (file, what is wrong) of finished shards whose files are gone or differ from their checksums."""
    for (split, _), facts in sorted(finished_shards(plan).items()):
        for name, expected in facts['files'].items():
            path = plan.place(split, name)
            if not FileSystems.exists(path):
                yield path, 'is gone'
                continue
            crc, size = 0, 0
            with FileSystems.open(path, compression_type='uncompressed') as file:
                while block := file.read(1 << 20):
                    crc, size = google_crc32c.extend(crc, block), size + len(block)
            if (f'{crc:08x}', size) != (expected['crc32c'], expected['bytes']):
                yield path, (f'has CRC-32C {crc:08x} and {size} bytes, expected {expected["crc32c"]} and '
                             f'{expected["bytes"]}')


def forget(plan: Plan, broken: Iterable[str]) -> None:
    """Remove the .json of the shards with these files, so that the next run makes them again."""
    for path in broken:
        _remove(path.rsplit('.', 2)[0] + '.json')
