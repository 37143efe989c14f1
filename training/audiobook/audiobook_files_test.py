"""A book's folder: sync maps stay as aeneas wrote them, files are whole, faults go on with the rest."""
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from robot_ai.errors import ConfigurationError, RobotAIError
from training.audiobook import jobs, syncmap
from training.audiobook.command import main
from training.audiobook.files import natural_key, read_book, replacing, write_flac, write_json
from training.audiobook.fragments import Alignment

AENEAS = '''{
 "fragments": [
  {
   "begin": "0.000",
   "children": [],
   "end": "2.680",
   "id": "f000001",
   "language": "spa",
   "lines": [
    "Una ma\\u00f1ana de abril"
   ]
  },
  {
   "begin": "2.680",
   "children": [],
   "end": "5.480",
   "id": "f000002",
   "language": "spa",
   "lines": [
    "vino el cartero."
   ]
  }
 ]
}'''


def test_sync_map_is_read_and_written_unchanged(tmp_path):
    path = tmp_path / 'map.json'
    path.write_text(AENEAS)
    fragments = syncmap.read(path)
    assert (fragments[0].begin, fragments[0].end, fragments[0].text) == (0.0, 2.68, 'Una mañana de abril')
    assert syncmap.dumps(Alignment(fragments)) == AENEAS


def test_sync_map_with_levels_gives_its_leaves(tmp_path):
    document = json.loads(AENEAS)
    write_json(tmp_path / 'map.json', {'fragments': [{'begin': '0', 'end': '6', 'id': 'p1', 'lines': ['all'],
                                                      'children': document['fragments']}]})
    assert [fragment.id for fragment in syncmap.read(tmp_path / 'map.json')] == ['f000001', 'f000002']


@pytest.mark.parametrize('text, said', [
    ('[]', 'list "fragments"'), ('{"fragments": [{"begin": "x"}]}', 'expected begin, end and lines'),
    ('{"fragments": [{"begin": "3", "end": "1", "lines": ["a"]}]}', 'not in order'),
    ('{"frag', 'expected a JSON')])
def test_broken_sync_map_is_named(tmp_path, text, said):
    path = tmp_path / 'broken.json'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=said) as caught:
        syncmap.read(path)
    assert str(path) in str(caught.value)


def test_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'file.json'
    write_json(path, {'old': 1})
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text('{"new')
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == {'old': 1}
    assert [p.name for p in tmp_path.iterdir()] == ['file.json']


def test_a_sound_that_does_not_fit_on_the_disk_is_an_error_that_names_it(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 32000).astype(np.float32)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(OSError, match='uno.flac'):
            write_flac(tmp_path / 'uno.flac', sound)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
    write_flac(tmp_path / 'uno.flac', sound)
    assert soundfile.info(tmp_path / 'uno.flac').frames == 32000


def test_names_sort_as_people_count():
    assert sorted(['part10.mp3', 'part2.mp3'], key=natural_key) == ['part2.mp3', 'part10.mp3']


def test_book_without_description_takes_what_lies_there(tmp_path):
    for name in ('recordings/b2.mp3', 'recordings/b10.ogg', 'recordings/cover.jpg', 'text/libro.epub'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    book = read_book(tmp_path)
    assert [path.name for path in book.recordings] == ['b2.mp3', 'b10.ogg']
    assert [path.name for path in book.texts] == ['libro.epub']


def _work(source, output, log):
    log.append(source.name)
    if source.read_text() == 'bad':
        raise RobotAIError(f'{source}: unreadable')
    output.write_text(source.read_text())


def test_a_fault_is_named_and_the_rest_is_done_once(tmp_path, capsys):
    log, made = [], []
    for name, text in (('a', 'good'), ('b', 'bad'), ('c', 'good')):
        (tmp_path / name).write_text(text)
        made.append(jobs.Job(name, tmp_path / f'{name}.out', (tmp_path / name,), _work,
                             (tmp_path / name, tmp_path / f'{name}.out', log)))
    faults = jobs.run_jobs(made, 'test')
    assert len(faults) == 1 and str(tmp_path / 'b') in faults[0]
    assert log == ['a', 'b', 'c']
    assert jobs.report(faults, 'test') == 1
    assert 'unreadable' in capsys.readouterr().err
    (tmp_path / 'b').write_text('mended')
    assert jobs.run_jobs(made, 'test') == []
    assert log == ['a', 'b', 'c', 'b']


def _process(number):
    return number, os.getpid()


def test_work_is_done_in_other_processes():
    found = dict(result for _, result in jobs.in_processes(_process, range(6), 2))
    assert sorted(found) == list(range(6)) and os.getpid() not in found.values()
    assert {pid for _, (_, pid) in jobs.in_processes(_process, range(3), 1)} == {os.getpid()}


def test_a_worker_that_dies_is_told():
    with pytest.raises(ConfigurationError, match='worker process died'):
        list(jobs.in_processes(os._exit, [3, 3, 3], 2))


def test_interrupt_ends_the_processes(tmp_path):
    script = tmp_path / 'long.py'
    script.write_text('import time\n'
                      'from training.audiobook.jobs import in_processes\n'
                      'def rest(name):\n'
                      '    open(name, "w").close()\n'
                      '    time.sleep(600)\n'
                      'if __name__ == "__main__":\n'
                      '    try:\n'
                      '        list(in_processes(rest, ["a", "b", "c"], 2))\n'
                      '    except KeyboardInterrupt:\n'
                      '        print("stopped")\n')
    with subprocess.Popen([sys.executable, str(script)], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, 'PYTHONPATH': str(Path(__file__).resolve().parents[2])}) as run:
        while not (tmp_path / 'a').exists():
            assert run.poll() is None
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        assert run.communicate()[0] == 'stopped\n'  # and not after ten minutes, or this test is stopped
    assert not (tmp_path / 'c').exists()


def test_prepare_goes_on_with_other_books_in_processes(tmp_path, capsys):
    for name in ('uno', 'dos'):
        (tmp_path / name).mkdir()
    assert main(['prepare', '--workers', '2', str(tmp_path / 'uno'), str(tmp_path / 'dos')]) == 1
    said = capsys.readouterr().err
    assert 'uno: holds no e-book' in said and 'dos: holds no e-book' in said
