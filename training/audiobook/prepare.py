"""`audiobook prepare`: recordings and e-book in; 16 kHz mono FLAC and what each of them reads out.

The spoken preamble and ending are found by aligning with the text and cut there, wherever they end; which part of
the e-book a recording reads is found in the same search, so that chapters and files need not agree. A sentence that
two recordings claim (the next chapter's heading, heard in "Fin del capítulo") belongs to the later one, if it fits.
"""
import json
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE
from training.audiobook.align import ENGINES, make_aligner
from training.audiobook.ebook import read_paragraphs
from training.audiobook.files import Book, read_book, read_json, write_flac, write_json, write_text
from training.audiobook.jobs import Job, in_processes, report, run_jobs
from training.audiobook.sentences import segment
from training.audiobook.traces import NOT_FOUND
from training.speech.utterances import read_whole

MARGIN_S = 0.3  # of room kept before the first and after the last sentence
CHARACTERS_PER_S = 14.0  # read aloud in Spanish, pauses included
EDGE_SHARE = 0.6  # of the median score that the first and the last sentence must reach
SURE_SHARE = 0.8  # of the score that the recording before gave a sentence; with less it stays there
LOOK_BACK, LOOK_AHEAD = 3, 80  # sentences searched around where a recording should begin and end
LONGER = 1.6  # times the text that a recording of its length usually holds
ENOUGH = 0.5  # share of a recording's time that its sentences must fill; else the whole book is searched


def prepare_book(folder: str, engine: str, model: str, bar: bool = True) -> list[str]:
    """Prepare the recordings of one book in their order; returns the faults, each naming its file."""
    try:
        book = read_book(folder)
        sentences = book_sentences(book)
    except ConfigurationError as error:
        return [str(error)]
    aligner = make_aligner(engine, model)
    before, faults = None, []  # the recording before, once it is prepared
    with tqdm(book.recordings, desc=f'prepare {book.folder.name}', unit='file', disable=None if bar else True) as paths:
        for path in paths:
            job = Job(str(path), book.path('cuts', path.stem), (path, *book.texts), prepare_recording,
                      (book, path, sentences, before, aligner), json.dumps([engine, model]))
            if path.is_file():
                faults += run_jobs([job], f'prepare {path.name}', bar=False)
            else:
                faults.append(f'{path}: no such recording')
            if path.is_file() and job.is_made():
                before = path.stem
    return faults


def book_sentences(book: Book) -> list[str]:
    """Return the sentences of all the book's texts, in order."""
    if not book.texts or not book.recordings:
        missing = 'e-book in text/' if not book.texts else 'recordings in recordings/'
        raise ConfigurationError(f'{book.folder}: holds no {missing}; '
                                 'put it there, or name it in book.yaml')
    return segment([paragraph for path in book.texts for paragraph in read_paragraphs(path)])


def prepare_recording(book: Book, path: Path, sentences: list[str], before: str | None, aligner) -> None:
    """Find what the recording reads from about where the one named `before` ends; write audio, sentences and cuts."""
    samples = read_whole(path)
    ended = read_json(book.path('cuts', before)) if before else {'next_sentence': 0, 'last': []}
    position, claimed = ended['next_sentence'], {index: score for index, _, score in ended.get('last', ())}
    begin, alignment = locate(samples, sentences, position, aligner)
    read = [k for k, fragment in enumerate(alignment.fragments) if fragment.read]
    read = _without_doubtful_ends(read, alignment)
    while read and alignment.fragments[read[0]].score < SURE_SHARE * claimed.get(begin + read[0], NOT_FOUND):
        read = read[1:]
    if not read:
        raise ConfigurationError(f'{path}: none of the text was found in it; does it read this book?')
    first, last = alignment.fragments[read[0]], alignment.fragments[read[-1]]
    cut_begin = max(0.0, first.begin - MARGIN_S)
    cut_end = min(len(samples) / SAMPLE_RATE, last.end + MARGIN_S)
    write_flac(book.path('audio', path.stem), samples[int(cut_begin * SAMPLE_RATE):int(cut_end * SAMPLE_RATE)])
    chosen = sentences[begin + read[0]:begin + read[-1] + 1]
    write_text(book.path('sentences', path.stem), '\n'.join(chosen) + '\n')
    write_json(book.path('cuts', path.stem), {
        'recording': path.name, 'seconds': round(len(samples) / SAMPLE_RATE, 3), 'begin': round(cut_begin, 3),
        'end': round(cut_end, 3), 'first_sentence': begin + read[0], 'next_sentence': begin + read[-1] + 1,
        'last': [[begin + k, round(alignment.fragments[k].end, 3), round(alignment.fragments[k].score, 4)]
                 for k in read[-LOOK_BACK - 1:]]})
    if before and begin + read[0] < position:
        _give_up(book, before, ended, begin + read[0])


def _give_up(book, name, cuts, first):
    """Take the sentences from number `first` on, which the next recording reads, off a prepared one."""
    kept = [entry for entry in cuts.get('last', ()) if entry[0] < first]
    if not kept:
        return
    end = min(cuts['end'], kept[-1][1] + MARGIN_S)
    samples, _ = soundfile.read(book.path('audio', name), dtype='int16')
    write_flac(book.path('audio', name), samples[:int((end - cuts['begin']) * SAMPLE_RATE)])
    lines = book.path('sentences', name).read_text(encoding='utf-8').splitlines()
    if len(lines) == cuts['next_sentence'] - cuts['first_sentence']:  # else somebody has edited them
        write_text(book.path('sentences', name), '\n'.join(lines[:kept[-1][0] + 1 - cuts['first_sentence']]) + '\n')
    write_json(book.path('cuts', name), {**cuts, 'end': round(end, 3), 'next_sentence': kept[-1][0] + 1, 'last': kept})


def _without_doubtful_ends(read, alignment):
    """Drop sentences at either end that a preamble or an ending was taken for: they fit badly."""
    scores = {k: alignment.fragments[k].score for k in read}
    enough = EDGE_SHARE * float(np.median(list(scores.values()))) if read else 0.0
    while len(read) > 1 and scores[read[0]] < enough:
        read = read[1:]
    while len(read) > 1 and scores[read[-1]] < enough:
        read = read[:-1]
    return read


def locate(samples, sentences: list[str], position: int, aligner):
    """Return (index of the first sentence searched, alignment of those searched with the recording)."""
    seconds = len(samples) / SAMPLE_RATE
    begin, end = max(0, position - LOOK_BACK), position
    wanted = seconds * CHARACTERS_PER_S * LONGER
    while end < len(sentences) and wanted > 0:
        wanted -= len(sentences[end]) + 1
        end += 1
    end = min(len(sentences), end + LOOK_AHEAD)
    alignment = aligner.align(samples, sentences[begin:end], free_ends=True)
    if end - begin < len(sentences) and _filled(alignment) < ENOUGH * seconds:
        whole = aligner.align(samples, sentences, free_ends=True)
        if _filled(whole) > _filled(alignment):
            return 0, whole
    return begin, alignment


def _filled(alignment):
    return sum(fragment.end - fragment.begin for fragment in alignment.fragments if fragment.read)


def add_arguments(parser) -> None:
    """Declare the options."""
    parser.add_argument('book', nargs='+', help='folder with recordings/ and text/ (see docs/audiobook.md)')
    parser.add_argument('--engine', choices=ENGINES, default='dtw', help='which aligner finds the text')
    parser.add_argument('--model', default='', help='folder of the speech model (ctc, joint); default: the one shipped')
    parser.add_argument('--workers', type=int, default=1,
                        help='books prepared at a time; the recordings of a book go one after the other, '
                             'for each begins in the text where the one before it ends')


def run(options) -> int:
    """Prepare what is not prepared yet; returns 1 where something failed."""
    faults, workers = [], min(options.workers, len(options.book))
    prepare = partial(prepare_book, engine=options.engine, model=options.model, bar=workers <= 1)
    with tqdm(total=len(options.book), desc='prepare', unit='book', disable=None if workers > 1 else True) as bar:
        for _, found in in_processes(prepare, options.book, workers):
            faults += found
            bar.update()
    return report(faults, 'prepare')
