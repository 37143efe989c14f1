"""The whole chain on a small book that espeak-ng reads: the preamble is cut, what fails is named."""
import json
import shutil
import signal

import numpy as np
import pytest
import soundfile

from robot_ai.errors import ConfigurationError
from training.audiobook import align, corpus, dtw
from training.audiobook.command import main
from training.audiobook.decisions import apply_decisions, write_decisions
from training.audiobook.espeak import speak
from training.audiobook.files import read_book, read_json
from training.audiobook.fragments import Alignment, Fragment
from training.audiobook.known import Clip, build_book
from training.audiobook.quality import Limits, reason_to_drop
from training.audiobook.scoring import Tally, score_book
from training.speech.spelling import DICTIONARIES

TEXT = ['La casa estaba vacía desde el verano.', 'Nadie quiso abrir la puerta del jardín.',
        'Entonces el perro ladró dos veces.', 'Mi abuelo encendió la lámpara de aceite.',
        'Los vecinos miraban desde la ventana.', 'Al final salió una mujer con un paraguas rojo.']
VOICE = 'es+f4'  # not one that the classifier was fitted to


@pytest.fixture(scope='module', autouse=True)
def _espeak():
    try:
        speak('a')
    except ConfigurationError as error:
        pytest.skip(str(error))


def _recording(sentences, seed=0, pause_s=0.6):
    generator = np.random.default_rng(seed)
    parts, spans, position = [], [], 0
    for text in sentences:
        voice = VOICE if text in TEXT else 'es-419+m1'
        for samples in (np.zeros(int(pause_s * 16000)), speak(text, voice, 160).samples * 0.5):
            parts.append(samples)
            position += len(samples)
        spans.append(((position - len(parts[-1])) / 16000, position / 16000))
    parts.append(np.zeros(8000))
    samples = np.concatenate(parts)
    return (samples + 1e-3 * generator.standard_normal(len(samples))).astype(np.float32), spans


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
    """A book of two recordings, prepared and aligned."""
    folder = tmp_path_factory.mktemp('libros') / 'cuento'
    (folder / 'recordings').mkdir(parents=True)
    (folder / 'text').mkdir()
    preamble, ending = 'Esta es una grabación para todos los públicos.', 'Fin de la sección.'
    for number, sentences in enumerate((TEXT[:3], TEXT[3:])):
        samples, _ = _recording([preamble, *sentences, ending], number)
        soundfile.write(folder / 'recordings' / f'parte{number + 1}.ogg', samples, 16000)
    (folder / 'text' / 'libro.txt').write_text('\n\n'.join(TEXT))
    (folder / 'book.yaml').write_text('title: Cuento\nreader: Ana\nauthor: Eva\nlicence: CC0\n')
    assert main(['prepare', str(folder)]) == 0
    assert main(['align', str(folder)]) == 0
    return folder


def test_preamble_and_ending_are_cut_and_the_text_is_shared_out(prepared):
    book = read_book(prepared)
    for number, sentences in enumerate((TEXT[:3], TEXT[3:])):
        name = f'parte{number + 1}'
        assert align.read_sentences(book.path('sentences', name)) == sentences
        preamble, *spans, _ = _recording(['Esta es una grabación para todos los públicos.', *sentences,
                                          'Fin de la sección.'], number)[1]
        cuts = read_json(book.path('cuts', name))
        assert preamble[1] < cuts['begin'] <= spans[0][0] + 0.1
        assert cuts['end'] == pytest.approx(spans[-1][1] + 0.3, abs=0.25)


def test_borders_are_where_they_were_made(prepared):
    book = read_book(prepared)
    begin = read_json(book.path('cuts', 'parte1'))['begin']
    spans = _recording(['Esta es una grabación para todos los públicos.', *TEXT[:3]])[1][1:]
    fragments = align.load(book, 'parte1').fragments
    assert [fragment.read for fragment in fragments] == [True] * 3
    for fragment, span in zip(fragments, spans):
        assert fragment.begin + begin == pytest.approx(span[0], abs=0.15)
        assert fragment.end + begin == pytest.approx(span[1], abs=0.15)
        assert len(fragment.words) == len(fragment.text.split())
        times = [time for word in fragment.words for time in (word.begin, word.end)]
        assert times == sorted(times)


def test_nothing_is_done_twice(prepared, monkeypatch):
    monkeypatch.setattr(dtw.DtwAligner, 'align', lambda *_, **__: pytest.fail('aligned again'))
    assert main(['prepare', str(prepared)]) == 0
    assert main(['align', str(prepared)]) == 0


def test_half_written_and_unreadable_files_are_named_and_the_rest_is_done(prepared, tmp_path, capsys):
    folder = tmp_path / 'roto'
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns('audio', 'sentences', 'cuts', 'maps', 'details'))
    (folder / 'recordings' / 'parte0.mp3').write_bytes(b'ID3\x04 half of a file')
    assert main(['prepare', str(folder)]) == 1
    said = capsys.readouterr().err
    assert 'parte0.mp3' in said and 'Traceback' not in said
    assert read_book(folder).names('audio') == ['parte1', 'parte2']


def test_a_full_disk_is_named_and_leaves_nothing_half_written(prepared, tmp_path, capsys, monkeypatch):
    folder = tmp_path / 'lleno'
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns('maps', 'details'))

    def full(*_):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr('training.audiobook.files.os.fsync', full)
    assert main(['align', str(folder)]) == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert not list((folder / 'maps').glob('*.json')) if (folder / 'maps').exists() else True
    monkeypatch.undo()
    assert main(['align', str(folder)]) == 0
    assert read_book(folder).names('maps') == ['parte1', 'parte2']


def test_corpus_has_librispeechs_layout_and_is_the_same_each_time(prepared, tmp_path, capsys):
    trees = []
    for name in ('uno', 'dos'):
        assert main(['corpus', str(prepared), '--out', str(tmp_path / name), '--min-score', '-1']) == 0
        trees.append({path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
                      for path in (tmp_path / name).rglob('*') if path.is_file()})
    assert trees[0] == trees[1]
    transcript = trees[0]['train/1/1/1-1.trans.txt'].decode()
    assert transcript.splitlines()[0] == '1-1-0000 LA CASA ESTABA VACÍA DESDE EL VERANO'
    assert {'SPEAKERS.TXT', 'BOOKS.TXT', 'CHAPTERS.TXT', 'DROPPED.TXT', 'train/1/2/1-2-0002.flac'} <= set(trees[0])
    assert 'Ana' in trees[0]['SPEAKERS.TXT'].decode()
    assert 'too few readers' in capsys.readouterr().out


def test_corpus_obeys_the_review(prepared, tmp_path):
    folder = tmp_path / 'cuento'
    shutil.copytree(prepared, folder)
    (folder / 'decisions').mkdir()
    decisions = {'f000001': {'state': 'rejected'}, 'f000002': {'state': 'accepted', 'text': 'Otro texto del jardín.'}}
    (folder / 'decisions' / 'parte1.json').write_text(json.dumps({'fragments': decisions}))
    out = tmp_path / 'corpus'
    assert main(['corpus', str(folder), '--out', str(out), '--min-score', '-1']) == 0
    assert (out / 'train/1/1/1-1.trans.txt').read_text().splitlines()[0] == '1-1-0001 OTRO TEXTO DEL JARDÍN'
    assert 'review: rejected' in (out / 'DROPPED.TXT').read_text()


def test_accepting_does_not_find_a_sentence_that_was_not_read(prepared, tmp_path):
    folder = tmp_path / 'cuento'
    shutil.copytree(prepared, folder)
    book = read_book(folder)
    alignment = align.load(book, 'parte1')
    alignment.fragments[1].read, alignment.fragments[1].end = False, alignment.fragments[1].begin
    for decision, read in (({'state': 'accepted'}, False), ({'state': 'open', 'begin': 1.0, 'end': 2.0}, True)):
        write_decisions(book, 'parte1', {'f000002': decision})
        assert apply_decisions(book, 'parte1', alignment)[0][1].read is read


def test_readers_do_not_meet_in_two_splits(tmp_path):
    books = []
    for reader in ('ana', 'ben', 'eva'):
        folder = tmp_path / reader
        (folder / 'audio').mkdir(parents=True)
        soundfile.write(folder / 'audio' / 'uno.flac', np.zeros(16000), 16000)
        align.save(read_book(folder), 'uno', Alignment([Fragment('f000001', 'Hola.', 0.1, 0.9)], [], 'dtw', 1.0))
        books.append(read_book(folder))
    chapters, _ = corpus.plan(books, False)
    assert sorted(chapter.split for chapter in chapters) == ['test', 'train', 'validation']


@pytest.mark.parametrize('change, reason', [
    ({}, ''), ({'score': -1.0}, 'score'), ({'text': 'No.'}, 'speed'), ({'text': TEXT[0] * 3}, 'speed'),
    ({'gain': 40.0}, 'clipping'), ({'floor': -25.0}, 'noise'), ({'text': '* * *'}, 'text')])
def test_reasons_to_drop(change, reason):
    facts = {'score': 0.5, 'text': TEXT[0], 'gain': 1.0, 'floor': -60.0, **change}
    samples = np.clip(0.1 * facts['gain'] * np.random.default_rng(1).standard_normal(2 * 16000), -1, 1)
    said = reason_to_drop(samples.astype(np.float32), facts['text'], facts['score'], facts['floor'], Limits())
    assert said.startswith(reason) and bool(said) == bool(reason)


def test_known_book_is_scored_right():
    clips = [Clip(str(k), text, speak(text, VOICE).samples) for k, text in enumerate(TEXT)]
    book = build_book('b', clips, clips[:2], 0, seed=3)
    assert sum(span is None for span in book.truth) == 1 and len(book.extra) == 2 and len(book.sentences) == 5
    fragments = [Fragment(f'f{k}', text, *(span or (0.0, 0.0)), read=span is not None)
                 for k, (text, span) in enumerate(zip(book.sentences, book.truth))]
    tally = Tally()
    score_book(book, Alignment(fragments, [book.preamble, *book.extra, book.ending]), tally)
    assert max(tally.borders) == 0 and tally.f1() == 1 and tally.preambles == 1
    late = [Fragment(f.id, f.text, f.begin + 0.3, f.end + 0.3, read=True) for f in fragments]
    tally = Tally()
    score_book(book, Alignment(late), tally)
    assert np.median(tally.borders) == pytest.approx(0.3)
    assert tally.missing == [0, 0, 1] and tally.extra == [0, 0, 2]


def test_misprints_are_listed_with_their_place_and_nothing_is_changed(tmp_path, capsys):
    pytest.importorskip('spylls')
    if not any(path.is_file() for path in DICTIONARIES):
        pytest.skip('needs hunspell-es')
    sentences = tmp_path / 'sentences' / 'uno.txt'
    sentences.parent.mkdir()
    sentences.write_text('La casa.\nLa csaa de Quintanar.\n')
    assert main(['spelling', str(tmp_path)]) == 0
    assert capsys.readouterr().out == f'{sentences}:2:4: csaa\n'
    (tmp_path / 'own.txt').write_text('csaa')
    assert main(['spelling', str(tmp_path), '--known', str(tmp_path / 'own.txt')]) == 0
    assert not capsys.readouterr().out and sentences.read_text() == 'La casa.\nLa csaa de Quintanar.\n'
    assert main(['spelling', str(tmp_path / 'nowhere')]) == 1


def test_a_map_without_its_sound_and_sentences_of_another_encoding_are_named(tmp_path):
    align.save(read_book(tmp_path), 'uno', Alignment([Fragment('f000001', 'Hola.', 0.1, 0.9)], [], 'dtw', 1.0))
    with pytest.raises(ConfigurationError, match='uno.flac'):
        corpus.plan([read_book(tmp_path)], False)
    (tmp_path / 'uno.txt').write_bytes('Mañana.'.encode('latin-1'))
    with pytest.raises(ConfigurationError, match='UTF-8'):
        align.read_sentences(tmp_path / 'uno.txt')


def test_an_interrupt_while_espeak_speaks_is_not_lost(monkeypatch):
    as_array = np.ctypeslib.as_array
    monkeypatch.setattr(np.ctypeslib, 'as_array', lambda *a: (signal.raise_signal(signal.SIGINT), as_array(*a))[1])
    with pytest.raises(KeyboardInterrupt):
        speak('La casa estaba vacía.')
    monkeypatch.undo()
    assert len(speak('La casa estaba vacía.').samples) > 8000


def test_an_empty_book_says_what_to_do(tmp_path, capsys):
    assert main(['prepare', str(tmp_path)]) == 1
    assert 'text/' in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match='audiobook prepare'):
        main(['align', str(tmp_path)])
