"""Speech data: synthesize speech, check a corpus, look for test data in it, write shards and caches for training.

A command stopped with Ctrl-C goes on where it was when it is called again. Exit status: 0 all done; 1 something
was left out, and is listed; 2 usage.
"""

import argparse
import itertools
import random
import sys
import threading
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from robot_ai.errors import ConfigurationError
from training.speech import leaks, loaders
from training.speech.utterances import LISTED, Problems, read

DIALOGUES = Path(__file__).resolve().parents[2] / 'config' / 'dialogues'
SOURCES = ('everyday', 'written', 'prose', 'words', 'dialogues')
CLIPS_A_SHARD = 400
CLIP_S = 2.6  # mean length of a synthetic clip, for --hours
EXAMPLE = """example:
  python -m training speech-data synthesize --hours 2 --workers 2 --output data/synthetic
  python -m training speech-data check data/synthetic
  python -m training speech-data leaks data/synthetic
  python -m training speech-data shards data/synthetic --output data/shards
  python -m training speech-data cache data/shards --output ~/speech-cache/mine"""


def main(arguments: list[str]) -> int:
    """Run `speech-data` and return the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m training speech-data',
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    synthesize = commands.add_parser(
        'synthesize', help='texts -> 16 kHz FLAC + manifest.jsonl, by espeak-ng or Piper'
    )
    synthesize.add_argument(
        '--output', type=Path, required=True, help='folder of the corpus; an unfinished one goes on'
    )
    amount = synthesize.add_mutually_exclusive_group()
    amount.add_argument('--clips', type=int, help='number of texts (default 1000)')
    amount.add_argument('--hours', type=float, help=f'about so much sound (a clip is about {CLIP_S} s)')
    synthesize.add_argument(
        '--sources',
        default=','.join(SOURCES),
        help='texts to take, with commas (default: all): ' + ', '.join(SOURCES),
    )
    synthesize.add_argument(
        '--text', type=Path, action='append', default=[], help='only these files, a sentence a line'
    )
    synthesize.add_argument(
        '--split',
        default='train',
        choices=('train', 'validation', 'test'),
        help='which voices speak: each split has its own (default train)',
    )
    synthesize.add_argument('--piper', type=Path, help='folder with Piper voices (*.onnx) to use beside espeak-ng')
    synthesize.add_argument('--seed', type=int, default=0, help='another seed is another corpus (default 0)')
    synthesize.add_argument('--workers', type=int, default=1, help='clips made at a time (default 1)')
    check = commands.add_parser('check', help='load a corpus of any layout, count it and name what is broken')
    check.add_argument('--sound', action='store_true', help='read every sound to its end too')
    check.add_argument('--spelling', action='store_true', help='report words that no Spanish dictionary has')
    leak = commands.add_parser('leaks', help='compare texts and sounds of corpora with the held-out tests')
    leak.add_argument('--texts-only', action='store_true', help='do not compare the sounds')
    for command in (check, leak):
        command.add_argument('corpus', type=Path, nargs='+', help='folder or file in one of the known layouts')
        command.add_argument('--layout', default='auto', choices=('auto', *loaders.LAYOUTS))
    for command in (synthesize, leak):
        command.add_argument(
            '--held-out',
            type=Path,
            action='append',
            help='manifest whose test splits no training may see (default: ../shared/data/speech, where it is)',
        )
    shards = commands.add_parser('shards', help='corpora -> TFRecords in buckets of length, by Apache Beam')
    shards.add_argument('corpus', nargs='+', help='folder or file in one of the known layouts, or gs://.../manifest.jsonl')
    shards.add_argument('--layout', default='auto', choices=('auto', *loaders.LAYOUTS))
    shards.add_argument('--output', required=True, help='folder, local or gs://; finished shards in it are kept')
    shards.add_argument('--shards', type=int, help='number of shards a split (default: one for 400 clips)')
    shards.add_argument('--splits', default='train,validation', help='splits to write (default train,validation)')
    shards.add_argument('--buckets', default='2,4,8,16', help='longest clip of each bucket, in seconds')
    shards.add_argument('--variants', default='clean,mixed', help='of the train split: clean, speed, room, noise, '
                        'babble, telephone, or mixed (one of these by chance); default clean,mixed')
    shards.add_argument('--seed', type=int, default=0)
    shards.add_argument('--workers', type=int, default=1, help='processes of the DirectRunner (default 1)')
    shards.add_argument('--held-out', type=Path, action='append', help='as for synthesize')
    shards.add_argument('--verify', action='store_true', help='first compare finished shards with their checksums, '
                        'and make broken ones again')
    shards.add_argument('--beam', nargs=argparse.REMAINDER, default=[], help='the rest goes to Beam: '
                        '--runner=DataflowRunner --project=... (default: DirectRunner)')
    cache = commands.add_parser('cache', help='corpora or shards -> the caches that `train speech` reads')
    cache.add_argument('corpus', type=Path, nargs='+', help='folder or file in one of the known layouts, or of shards')
    cache.add_argument('--layout', default='auto', choices=('auto', *loaders.LAYOUTS))
    cache.add_argument('--output', type=Path, required=True, help='folder; a cache a split is written in it')
    cache.add_argument('--splits', default='train,validation', help='splits to write (default train,validation)')
    cache.add_argument('--held-out', type=Path, action='append', help='as for synthesize')
    options = parser.parse_args(arguments)
    return {'synthesize': _synthesize, 'check': _check, 'leaks': _leaks, 'shards': _shards,
            'cache': _cache}[options.command](options)


def _held_out(options, sounds):
    manifests = options.held_out or leaks.default_held_out()
    if not manifests:
        print('no held-out manifest (--held-out): nothing is compared with a test', file=sys.stderr)
        return None
    return leaks.HeldOut.of_manifests(manifests, sounds, progress=True)


def _texts(options, count):
    """Yield (source, text), the sources taking turns, until `count` or the end of the texts."""
    from training.speech import texts, written

    if options.text:
        for file in options.text:
            if not file.is_file():
                raise ConfigurationError(f'{file}: no such file; expected text, a sentence a line')
            try:
                lines = file.read_text(encoding='utf-8').splitlines()
            except UnicodeDecodeError as error:
                raise ConfigurationError(f'{file}: not UTF-8 ({error}); save it so') from None
            yield from ((file.stem, line) for line in lines if line.strip())
        return
    rng, streams = random.Random(f'texts {options.seed}'), []
    for source in options.sources.split(','):
        if source == 'everyday':
            streams.append((source, texts.sentences(options.seed, count)))
        elif source == 'written':
            streams.append((source, written.written_sentences(options.seed, count)))
        elif source == 'dialogues':
            streams.append((source, written.dialogue_sentences(sorted(DIALOGUES.glob('*.yaml')), options.seed)))
        elif source in ('prose', 'words'):
            path = texts.FORTUNES if source == 'prose' else texts.WORDS
            if not path.exists():
                package = {'prose': 'fortunes-es', 'words': 'wspanish'}[source]
                print(f'{path}: not there, goes without (sudo apt install {package})', file=sys.stderr)
                continue
            found = texts.prose() if source == 'prose' else texts.words()
            rng.shuffle(found)
            streams.append((source, iter(found)))
        else:
            raise ConfigurationError(f'--sources {source!r}: expected {", ".join(SOURCES)}')
    while streams:
        for stream in list(streams):
            text = next(stream[1], None)
            if text is None:
                streams.remove(stream)
            else:
                yield f'synthetic-{stream[0]}', text


def _synthesize(options):
    from training.speech import synthesize, voices

    count = options.clips or (round(options.hours * 3600 / CLIP_S) if options.hours else 1000)
    speakers = voices.espeak_voices(options.split)
    if options.piper:
        speakers += voices.piper_voices(options.piper)
    texts = itertools.islice(_texts(options, count), None if options.text else count)
    summary = synthesize.synthesize(
        texts,
        speakers,
        options.output,
        options.split,
        options.seed,
        options.workers,
        _held_out(options, sounds=False),
        progress=True,
    )
    print(f'{options.output}: {summary.clips} clips, {summary.seconds / 3600:.2f} h, {summary.made} made now')
    for reason, number in sorted(summary.dropped.items()):
        if number:
            print(f'  dropped: {number} ({reason})')
    return summary.problems.report()


def _check(options):

    problems, clips, seconds, words = Problems(), Counter(), Counter(), Counter()
    spelling = None
    if options.spelling:
        from training.speech.spelling import Spelling

        spelling = Spelling()
    for path in options.corpus:
        for utterance in tqdm(list(loaders.load(path, options.layout, problems)), unit='clip', leave=False):
            if options.sound:
                try:
                    seconds[utterance.split] += len(read(utterance)) / 16000
                except Exception as error:  # any decoder's fault is the file's
                    problems.add(utterance.audio, error)
                    continue
            else:
                seconds[utterance.split] += utterance.seconds
            clips[utterance.split] += 1
            if spelling:
                for suspect in spelling.suspects(utterance.text):
                    words[suspect.word] += 1
                    print(f'{utterance.audio}:{suspect.place + 1}: {suspect.word}')
    for split in sorted(clips):
        print(f'{split}: {clips[split]} clips, {seconds[split] / 3600:.2f} h')
    if spelling:
        print(f'{sum(words.values())} suspects, {len(words)} different')
    return problems.report()


def _leaks(options):

    held_out = _held_out(options, sounds=not options.texts_only)
    if held_out is None:
        return 2
    problems, found = Problems(), Counter()
    for path in options.corpus:
        training = [
            utterance
            for utterance in loaders.load(path, options.layout, problems)
            if not utterance.split.startswith('test')
        ]
        for leak in leaks.find_leaks(
            tqdm(training, unit='clip', leave=False), held_out, not options.texts_only, problems
        ):
            found[leak.how] += 1
            print(f'{leak.entry}: its {leak.how} is that of {leak.held_out}')
    print(f'{found["text"]} texts and {found["sound"]} sounds are in the held-out tests')
    return max(problems.report(), 1 if found else 0)


def _shards(options):
    try:
        from training.speech import shards
    except ModuleNotFoundError as error:
        raise ConfigurationError(f'{error}: pip install "robot_ai[training,data]"') from error
    for corpus in options.corpus:
        if '://' not in corpus and not Path(corpus).exists():
            raise ConfigurationError(f'{corpus}: no such file or folder; expected a corpus')
    clips, count = None, options.shards
    if not count:
        if any('://' in corpus for corpus in options.corpus):
            raise ConfigurationError('--shards: expected a number where a corpus is not on this machine')
        clips = _count_clips(options)
        count = max(1, round(sum(clips.values()) / CLIPS_A_SHARD))
    try:
        buckets = tuple(int(seconds) for seconds in options.buckets.split(','))
    except ValueError:
        raise ConfigurationError(f'--buckets {options.buckets!r}: expected whole seconds with commas') from None
    plan = shards.Plan(options.output, count, tuple(options.splits.split(',')), buckets,
                       tuple(options.variants.split(',')), options.seed)
    if options.verify:
        broken = dict(shards.verify(plan))
        for path, reason in broken.items():
            print(f'{path}: {reason}; it is made again', file=sys.stderr)
        shards.forget(plan, broken)
    beam_options = list(options.beam)
    if not any(option.startswith('--runner') for option in beam_options) and options.workers > 1:
        beam_options += [f'--direct_num_workers={options.workers}', '--direct_running_mode=multi_processing']
    total = sum(count if clips is None else min(count, clips[split]) for split in plan.splits)
    with _ShardBar(plan, total):
        counters = shards.run_pipeline([(corpus, options.layout) for corpus in options.corpus], plan,
                                       _held_out(options, sounds=True), beam_options)
    return _report_shards(options, shards.finished_shards(plan), counters)


def _count_clips(options):
    """Return how many clips of each split there are."""
    clips = itertools.chain.from_iterable(loaders.load(corpus, options.layout) for corpus in options.corpus)
    return Counter(clip.split for clip in tqdm(clips, 'corpora', unit='clip', leave=False, delay=3))


def _report_shards(options, finished, counters):
    dropped, problems = Counter(), []
    for facts in finished.values():
        dropped.update(facts['dropped'])
        problems += facts['problems']
    for split in options.splits.split(','):
        parts = [facts for (of, _), facts in finished.items() if of == split]
        files = [file for facts in parts for file in facts['files'].values()]
        records, seconds, size = (sum(file[name] for file in files) for name in ('records', 'seconds', 'bytes'))
        print(f'{options.output}/{split}: {len(parts)} shards, {len(files)} files, {records} records, '
              f'{seconds / 3600:.2f} h, {size / 1e6:.0f} MB')
    # What the shards do not know of: entries that never came to one.
    before = {name.removeprefix('dropped: '): number for name, number in counters.items()
              if 'not asked for' in name or 'broken entry' in name}
    for reason, number in sorted((dropped + Counter(before)).items()):
        print(f'  dropped: {number} ({reason})')
    for problem in problems[:LISTED]:
        print(problem, file=sys.stderr)
    failed = counters['shards that failed']
    if failed:
        print(f'{failed} shards failed (see above); the same command makes them', file=sys.stderr)
    return 1 if failed or problems or counters['dropped: broken entry of a corpus'] else 0


def _cache(options):
    from training.speech.prepare import corpus_cache

    problems, held_out = Problems(), _held_out(options, sounds=True)
    for corpus in options.corpus:
        if not corpus.exists():
            raise ConfigurationError(f'{corpus}: no such file or folder; expected a corpus or shards')
    for split in options.splits.split(','):
        folder = options.output / split
        clips = corpus_cache(options.corpus, split, folder, options.layout, held_out, problems)
        print(f'{folder}: {clips} clips, {(folder / "sound.i16").stat().st_size / 2 / 16000 / 3600:.2f} h')
    return problems.report()


class _ShardBar:
    """A progress bar fed by what appears in the output, so that it serves every runner."""

    def __init__(self, plan, total):
        self._plan, self._total, self._done = plan, total, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._done.set()
        self._thread.join(timeout=10)

    def _watch(self):
        from training.speech import shards
        already = shards.count_finished(self._plan)
        with tqdm(total=self._total, initial=already, unit='shard', leave=False) as bar:
            while not self._done.wait(2.0):
                bar.n = shards.count_finished(self._plan)
                bar.refresh()
