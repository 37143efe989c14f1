"""Every layout gives the same utterances, and each kind of broken entry is named while the rest is loaded."""

import json
import tarfile

import numpy as np
import pytest
import soundfile

from robot_ai.errors import AudioError, ConfigurationError
from training.speech.loaders import Problems, Utterance, detect, load, read
from training.speech.utterances import read_whole

TEXT = 'Ábrete, sésamo.'
SECONDS = 0.5


def write_sound(path, seconds=SECONDS, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(int(seconds * rate)) / rate
    opus = {'format': 'OGG', 'subtype': 'OPUS'} if path.suffix == '.opus' else {}
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * times), rate, **opus)
    return path


def librispeech(root):
    write_sound(root / 'dev-clean' / '84' / '121123' / '84-121123-0000.flac')
    (root / 'dev-clean' / '84' / '121123' / '84-121123.trans.txt').write_text(f'84-121123-0000 {TEXT}\n', 'utf-8')


def commonvoice(root):
    write_sound(root / 'clips' / 'common_voice_es_1.mp3', rate=32000)
    (root / 'dev.tsv').write_text(
        f'client_id\tpath\tsentence\tup_votes\n84\tcommon_voice_es_1.mp3\t{TEXT}\t2\n', 'utf-8'
    )


def mls(root):
    write_sound(root / 'dev' / 'audio' / '84' / '7' / '84_7_000.flac')
    (root / 'dev' / 'transcripts.txt').write_text(f'84_7_000\t{TEXT}\n', 'utf-8')


def voxforge(root):
    write_sound(root / '84-2012-abc' / 'wav' / 'es-0001.wav')
    (root / '84-2012-abc' / 'etc').mkdir()
    (root / '84-2012-abc' / 'etc' / 'PROMPTS').write_text(f'84-2012-abc/mfc/es-0001 {TEXT}\n', 'utf-8')


def voxforge_archive(root):
    voxforge(root / 'inside')
    with tarfile.open(root / '84-2012-abc.tgz', 'w:gz') as archive:
        archive.add(root / 'inside' / '84-2012-abc', '84-2012-abc')


def folder(root):
    write_sound(root / 'dev' / '84' / 'a.wav').with_suffix('.txt').write_text(TEXT + '\n', 'utf-8')


def csv_file(root):
    write_sound(root / 'a.flac')
    (root / 'list.csv').write_text(f'File;Transcript;speaker;split\na.flac;"{TEXT}";84;validation\n', 'utf-8-sig')
    return root / 'list.csv'


def manifest(root):
    write_sound(root / 'a.opus', rate=48000)
    (root / 'manifest.jsonl').write_text(
        json.dumps({'audio': 'a.opus', 'text': TEXT, 'speaker': '84', 'split': 'validation', 'seconds': SECONDS}),
        'utf-8',
    )


LAYOUTS = {
    'librispeech': librispeech,
    'commonvoice': commonvoice,
    'mls': mls,
    'voxforge': voxforge,
    'folder': folder,
    'csv': csv_file,
    'manifest': manifest,
}


@pytest.mark.parametrize('layout', LAYOUTS)
def test_layouts(tmp_path, layout):
    path = LAYOUTS[layout](tmp_path) or tmp_path
    problems = Problems()
    assert detect(path) == layout
    (utterance,) = load(path, problems=problems)
    assert (utterance.text, utterance.speaker) == (TEXT, '84')
    assert utterance.split == ('train' if layout == 'voxforge' else 'validation')
    assert len(read(utterance)) == pytest.approx(SECONDS * 16000, rel=0.1)
    assert problems.found == []


def test_voxforge_archives_are_unpacked_once_and_only_beside_themselves(tmp_path):
    voxforge_archive(tmp_path)
    (utterance,) = load(tmp_path / '84-2012-abc.tgz')
    assert (utterance.text, utterance.speaker) == (TEXT, '84')
    assert utterance.audio.startswith(str(tmp_path / '84-2012-abc'))


def test_aeneas_maps_cut_the_sound(tmp_path):
    write_sound(tmp_path / 'chapter.mp3', seconds=3, rate=44100)
    fragments = [
        {'begin': '0.000', 'end': '1.000', 'id': 'f1', 'language': 'spa', 'lines': []},
        {'begin': '1.000', 'end': '1.250', 'id': 'f2', 'language': 'spa', 'lines': ['Ábrete,', 'sésamo.']},
        {'begin': '2.000', 'end': 'x', 'id': 'f3', 'language': 'spa', 'lines': ['mal']},
    ]
    (tmp_path / 'chapter.json').write_text(json.dumps({'fragments': fragments}), 'utf-8')
    problems = Problems()
    (utterance,) = load(tmp_path, problems=problems)
    assert (utterance.text, utterance.start, utterance.end) == (TEXT, 1.0, 1.25)
    assert len(read(utterance)) == 4000
    assert 'fragment 2' in problems.found[0][0]


def test_broken_entries_are_named_and_the_rest_is_loaded(tmp_path, capsys):
    write_sound(tmp_path / 'good.wav')
    (tmp_path / 'empty.wav').touch()
    lines = [
        '{"audio": "good.wav", "text": "bien"}',
        '{"audio": "gone.wav", "text": "falta"}',
        '{"audio": "good',
        '{"audio": "good.wav", "text": "  "}',
        '{"text": "sin sonido"}',
        '{"audio": "empty.wav", "text": "nada"}',
        '{"audio": "good.wav", "text": "al revés", "start": 2, "end": 1}',
        '[1]',
        '{"audio": "good.wav", "text": "x", "end": "dos"}',
    ]
    (tmp_path / 'manifest.jsonl').write_text('\n'.join(lines), 'utf-8')
    problems = Problems()
    assert [utterance.text for utterance in load(tmp_path, problems=problems)] == ['bien']
    assert problems.report() == 1
    listed = capsys.readouterr().err
    for part in (
        'gone.wav: no such file',
        'manifest.jsonl:3',
        'no text',
        'expected a sound',
        'empty file',
        'before it begins',
        'manifest.jsonl:8',
        'expected numbers',
        '8 left out',
    ):
        assert part in listed


def test_a_half_written_file_is_an_error_that_names_it(tmp_path):
    whole = write_sound(tmp_path / 'whole.mp3', seconds=4, rate=44100).read_bytes()
    (tmp_path / 'half.mp3').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match='half.mp3'):
        read(Utterance(str(tmp_path / 'half.mp3'), TEXT, seconds=4))
    with pytest.raises(AudioError, match='half.mp3'):
        read(Utterance(str(tmp_path / 'half.mp3'), TEXT, start=3, end=3.5))


@pytest.mark.parametrize('name', ['a.mp3', 'a.ogg', 'a.opus', 'a.flac', 'a.wav', 'a.m4a'])
def test_a_file_cut_short_is_no_sound_in_any_format(tmp_path, name):
    file = tmp_path / name
    if name == 'a.m4a':
        av = pytest.importorskip('av')
        with av.open(str(file), 'w') as container:
            stream = container.add_stream('aac', rate=48000, layout='mono')
            for start in range(0, 4 * 48000, 1024):
                tone = np.sin(np.arange(start, start + 1024) / 20).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(tone[None], format='fltp', layout='mono')
                frame.sample_rate, frame.pts = 48000, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    else:
        write_sound(file, seconds=4, rate=48000)
    assert len(read_whole(file)) == pytest.approx(4 * 16000, abs=2500)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(AudioError, match=name):
        read_whole(file)


def test_unknown_layouts_say_what_is_expected(tmp_path):
    with pytest.raises(ConfigurationError, match='no known layout'):
        next(load(tmp_path))
    with pytest.raises(ConfigurationError, match='no such file'):
        next(load(tmp_path / 'nowhere'))


def test_a_manifest_line_comes_back(tmp_path):
    write_sound(tmp_path / 'a.wav')
    utterance = Utterance(str(tmp_path / 'a.wav'), TEXT, 0.1, 0.3, 'ana', 'casa', 'CC0-1.0', 'validation', 0.2)
    (tmp_path / 'manifest.jsonl').write_text(utterance.to_json(tmp_path), 'utf-8')
    assert list(load(tmp_path)) == [utterance]


def test_the_shared_manifest_loads_whole(shared_data):
    problems = Problems()
    assert sum(1 for _ in load(shared_data / 'speech', problems=problems)) == 7044
    assert problems.found == []
