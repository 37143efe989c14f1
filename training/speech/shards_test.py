"""Shards hold what may be trained on, and only that; an interrupted run goes on and ends with the same bytes."""
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip('apache_beam')

import apache_beam as beam
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.localfilesystem import LocalFileSystem
from apache_beam.options.pipeline_options import PipelineOptions

from robot_ai.errors import ConfigurationError
from training.__main__ import main
from training.speech import shards
from training.speech.leaks import HeldOut
from training.speech.leaks_test import voice_like
from training.speech.tfrecords import read_examples
from training.speech.utterances import Utterance

CHECKOUT = Path(__file__).resolve().parents[2]


def corpus(folder, clips=24, seconds=1.5):
    """Write clips of 1.5 and 3 s; 6 is a test's sound, 7 has its text, 8 is cut short, 9 is silent."""
    folder.mkdir()
    lines = []
    for number in range(clips):
        text, name = f'esta es la frase número {number}', f'{number}.flac'
        samples = voice_like(number, seconds * (1 + number % 2))
        if number == 7:
            text = 'La frase de la prueba'
        if number == 9:
            samples = samples * 0
        soundfile.write(folder / name, samples, 16000)
        if number == 8:
            (folder / name).write_bytes((folder / name).read_bytes()[:300])
        split = 'validation' if number % 6 == 5 else 'train'
        lines.append(Utterance(name, text, speaker=f'ana{number % 3}', source='casa', split=split).to_json())
    (folder / 'manifest.jsonl').write_text('\n'.join(lines), 'utf-8')
    return folder


def content(output):
    return {str(file.relative_to(output)): file.read_bytes() for file in sorted(output.rglob('*')) if file.is_file()}


@pytest.fixture(scope='module')
def held_out():
    found = HeldOut()
    found.add(Utterance('test.flac', '¡LA FRASE DE LA PRUEBA!'), voice_like(6, 1.5))
    return found


@pytest.fixture(scope='module')
def made(tmp_path_factory, held_out):
    folder = tmp_path_factory.mktemp('shards')
    plan = shards.Plan(str(folder / 'out'), 3, buckets_s=(2, 4), variants=('clean', 'telephone', 'room', 'babble'))
    counters = shards.run_pipeline([(str(corpus(folder / 'corpus')), 'auto')], plan, held_out)
    return folder, plan, counters


def test_every_record_is_accounted_for(made):
    folder, plan, counters = made
    paths = sorted((folder / 'out').rglob('*.tfrecord'))
    records = [(path, record) for path in paths for record in read_examples(path)]
    assert counters['utterances'] == 24
    dropped = {name: value for name, value in counters.items() if name.startswith('dropped')}
    assert dropped == {'dropped: unreadable sound': 1, 'dropped: silence': 1, 'dropped: text is in a held-out test': 1,
                       'dropped: sound is in a held-out test': 1}
    train = [record for path, record in records if path.parent.name == 'train']
    validation = [record for path, record in records if path.parent.name == 'validation']
    assert len(train) == 4 * 16 and len(validation) == 4
    assert {record['variant'] for record in validation} == {'clean'}
    assert len({(record['id'], record['variant']) for record in train}) == len(train)
    for path, record in records:
        seconds = len(record['samples']) / 16000
        assert (seconds <= 2) == path.name.endswith('02s.tfrecord') and 1 < seconds <= 4
        assert record['text'].startswith('esta es la frase número ') and record['speaker'].startswith('ana')
        assert np.isfinite(record['samples']).all() and np.abs(record['samples']).max() > 0.05


def test_clean_records_are_the_sound_itself(made):
    folder = made[0]
    path = next(iter(sorted((folder / 'out' / 'train').glob('*02s.tfrecord'))))
    record = next(record for record in read_examples(path) if record['variant'] == 'clean')
    original, _ = soundfile.read(folder / 'corpus' / f'{record["written"].split()[-1]}.flac', dtype='float32')
    np.testing.assert_allclose(record['samples'], original, atol=1e-4)
    other = next(record for record in read_examples(path) if record['variant'] == 'telephone')
    assert abs(np.fft.rfft(other['samples']))[int(3600 / 16000 * len(other['samples'])):].max() < 1


def test_a_second_run_changes_nothing_and_a_lost_shard_comes_back_the_same(made, held_out, tmp_path):
    folder, plan, _ = made
    before = content(folder / 'out')
    times = {path: os.stat(path).st_mtime_ns for path in (folder / 'out').rglob('*') if path.is_file()}
    lost = folder / 'out' / 'train' / f'{plan.name(1)}.json'
    lost.unlink()
    (folder / 'out' / 'train' / f'{plan.name(1)}.02s.tfrecord.part').write_bytes(b'killed here')
    counters = shards.run_pipeline([(str(folder / 'corpus'), 'auto')], plan, held_out)
    assert counters['shards to make'] == 1
    assert content(folder / 'out') == before
    assert [path.name for path, then in times.items() if path.exists() and os.stat(path).st_mtime_ns != then] and all(
        plan.name(1) in path.name for path, then in times.items() if os.stat(path).st_mtime_ns != then)


def test_damage_is_found_and_mended(made, held_out):
    folder, plan, _ = made
    before = content(folder / 'out')
    victim = next((folder / 'out' / 'train').glob('*.tfrecord'))
    damaged = bytearray(victim.read_bytes())
    damaged[1000] ^= 1
    victim.write_bytes(bytes(damaged))
    broken = dict(shards.verify(plan))
    assert list(broken) == [str(victim)] and 'expected' in broken[str(victim)]
    shards.forget(plan, broken)
    shards.run_pipeline([(str(folder / 'corpus'), 'auto')], plan, held_out)
    assert dict(shards.verify(plan)) == {} and content(folder / 'out') == before


def test_another_plan_in_the_same_folder_is_refused(made):
    with pytest.raises(ConfigurationError, match='take an empty output folder'):
        shards.finished_shards(shards.Plan(made[1].output, 3, seed=5))
    with pytest.raises(ConfigurationError, match='rising'):
        shards.Plan('x', 3, buckets_s=(4, 2))
    with pytest.raises(ConfigurationError, match='variants'):
        shards.Plan('x', 3, variants=('clean', 'echo'))


def test_a_full_disk_fails_its_shard_and_the_rest_goes_on(made, held_out, tmp_path, monkeypatch):
    folder = made[0]
    plan = shards.Plan(str(tmp_path / 'out'), 3, splits=('train',), buckets_s=(4,), variants=('clean',))
    write = shards._ShardFile.write

    def full(self, example, samples):
        if 'shard-00001' in self.name:
            raise OSError(28, 'No space left on device')
        write(self, example, samples)
    monkeypatch.setattr(shards._ShardFile, 'write', full)
    counters = shards.run_pipeline([(str(folder / 'corpus'), 'auto')], plan, held_out)
    assert counters['shards that failed'] == 1
    assert sorted(shard for _, shard in shards.finished_shards(plan)) == [0, 2]
    assert not list((tmp_path / 'out').rglob('*.part'))


def test_command_lists_what_is_broken_and_ends_nonzero(made, tmp_path, capsys):
    folder = made[0]
    arguments = ['speech-data', 'shards', str(folder / 'corpus'), '--output', str(tmp_path / 'out'), '--shards', '2',
                 '--variants', 'clean', '--held-out', str(folder / 'corpus')]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert '8.flac' in said.err and '(unreadable sound)' in said.out and 'train: 2 shards' in said.out


@pytest.mark.long
def test_ctrl_c_leaves_whole_shards_that_the_next_call_keeps(tmp_path):
    folder = corpus(tmp_path / 'corpus', clips=120, seconds=1.5)
    command = [sys.executable, '-m', 'training', 'speech-data', 'shards', str(folder), '--output',
               str(tmp_path / 'out'), '--shards', '30', '--variants', 'clean,room', '--held-out', str(folder)]
    environment = {**os.environ, 'PYTHONPATH': str(CHECKOUT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    while process.poll() is None and len(list((tmp_path / 'out').rglob('*.json'))) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*.json')}
    assert process.returncode == 130, error.decode()[-2000:]
    assert 3 <= len(kept) < 60
    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True).returncode == 1
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    found = [json.loads(path.read_text()) for path in (tmp_path / 'out').rglob('*.json')]
    assert len(found) > len(kept)


class ObjectStore(LocalFileSystem):
    """Stands in for gs://, without folders: objects lie in one local folder."""

    root = None

    @classmethod
    def scheme(cls):
        return 'stands-in-for-gs'

    def _real(self, path):
        return str(self.root / path.removeprefix('gs://'))

    def join(self, base, *parts):
        return '/'.join([base.rstrip('/'), *parts])

    def split(self, path):
        return tuple(path.rsplit('/', 1))

    def mkdirs(self, path):
        pass

    def has_dirs(self):
        return False

    def exists(self, path):
        return Path(self._real(path)).is_file()

    def create(self, path, *arguments, **named):
        Path(self._real(path)).parent.mkdir(parents=True, exist_ok=True)
        return super().create(self._real(path), *arguments, **named)

    def open(self, path, *arguments, **named):
        return super().open(self._real(path), *arguments, **named)

    def rename(self, sources, targets):
        super().rename(list(map(self._real, sources)), list(map(self._real, targets)))

    def delete(self, paths):
        super().delete(list(map(self._real, paths)))

    def _list(self, prefix):
        for path in sorted(self.root.rglob('*')):
            name = f'gs://{path.relative_to(self.root).as_posix()}'
            if path.is_file() and name.startswith(prefix):
                yield FileMetadata(name, path.stat().st_size)


def test_corpus_and_shards_may_lie_in_an_object_store(made, held_out, tmp_path, monkeypatch):
    """The same bytes come out as from and to a local folder; the paths never touch this machine's file system."""
    folder, plan, _ = made
    monkeypatch.setattr(ObjectStore, 'root', tmp_path)
    local = FileSystems.get_filesystem
    monkeypatch.setattr(FileSystems, 'get_filesystem', staticmethod(
        lambda path: ObjectStore(PipelineOptions([])) if path.startswith('gs://') else local(path)))
    # A clip's shard and chance hang on the last three parts of its path.
    shutil.copytree(folder / 'corpus', tmp_path / folder.name / 'corpus')
    remote = shards.Plan('gs://bucket/out', plan.shards, plan.splits, plan.buckets_s, plan.variants, plan.seed)
    counters = shards.run_pipeline([(f'gs://{folder.name}/corpus/manifest.jsonl', 'auto')], remote, held_out)
    assert counters['utterances'] == 24 and dict(shards.verify(remote)) == {}
    assert shards.count_finished(remote) == shards.count_finished(plan)
    made_remotely = {name: data for name, data in content(tmp_path / 'bucket' / 'out').items() if '.json' not in name}
    assert made_remotely == {name: data for name, data in content(folder / 'out').items() if '.json' not in name}


@pytest.mark.parametrize('options', [
    ['--runner=FlinkRunner', '--flink_master=host:8081', '--environment_type=LOOPBACK'],
    ['--runner=SparkRunner', '--environment_type=LOOPBACK'],
    ['--runner=DataflowRunner', '--project=project', '--region=europe-west1', '--temp_location=gs://bucket/tmp',
     '--staging_location=gs://bucket/staging', '--sdk_container_image=image', '--max_num_workers=500'],
])
def test_the_pipeline_is_built_for_a_clusters_runner(options, held_out, tmp_path):
    """As it is sent to the cluster: every step pickled into the portable form. No cluster runs it here."""
    plan = shards.Plan(str(tmp_path), 4)
    pipeline = shards.build_pipeline([('gs://bucket/corpus/manifest.jsonl', 'auto')], plan, held_out, options)
    assert type(pipeline.runner).__name__ == options[0].removeprefix('--runner=')
    proto = pipeline.to_runner_api()
    names = {transform.unique_name for transform in proto.components.transforms.values()}
    assert {'corpora', 'load', 'by shard', 'spread', 'write'} <= names
    assert beam.Pipeline.from_runner_api(proto, 'DirectRunner', PipelineOptions([])) is not None


def test_options_that_beam_refuses_are_told(tmp_path):
    with pytest.raises(ConfigurationError, match='--runner=DataflowRunner'):
        shards.build_pipeline([], shards.Plan(str(tmp_path), 1), None, ['--runner=DataflowRunner'])


def test_utterances_travel_in_packs(tmp_path, monkeypatch):
    folder = corpus(tmp_path / 'corpus')
    monkeypatch.setattr(shards, 'PACKED', 10)
    plan, found = shards.Plan(str(tmp_path / 'out'), 3), []
    packs = list(shards._Load(plan, frozenset({('train', 0)})).process((str(folder), 'auto')))
    for (split, shard), pack in packs:
        utterances = pickle.loads(zlib.decompress(pack))
        assert all(u.split == split and shards.clip_hash(u) % 3 == shard for u in utterances)
        found += utterances
    assert len(packs) < len(found) < 24 and not any(key == ('train', 0) for key, _ in packs)
    assert len({utterance.audio for utterance in found}) == len(found)
