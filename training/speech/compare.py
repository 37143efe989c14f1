"""`python -m training.speech.compare`: models beside each other, such as the Transformer and the LSTM: one table.

Every model folder is scored on the same clips by the same decoder, the first model's (its n-gram and weights), without
phrases: folded WER by source with 95 % intervals. Beside it parameters, the graph's size, the CPU time of encoding 4 s
of sound (median of 20) and of recognising the clips. With `--configs` (a training config for each model) and `--data`,
the CPU time of an epoch of training, from a few timed steps and the epoch's padded sound.

Test splits are for final figures: `--split` names what is read.

Example:
  python -m training export speech --run ~/runs/lstm --out ~/lstm
  python -m training.speech.compare models/speech_es ~/lstm --manifest ../shared/data/speech/manifest.jsonl \
      --configs tiny lstm --data ~/speech-cache

"""
import argparse
import time
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.recognizer import open_recognizer
from robot_ai.speech.spanish import fold, normalize
from training.speech.clips import read_clips, spread
from training.speech.scoring import interval

WINDOW_S = 4  # of sound, for the time of encoding
ROUNDS = 20
TIMED_STEPS = 10  # of training
BUCKET_S = 3.2  # length of the utterances in them


def encoding_ms(recognizer) -> float:
    """Return the median CPU time of encoding WINDOW_S seconds, in ms."""
    sound = np.random.default_rng(1).normal(0, 0.05, WINDOW_S * SAMPLE_RATE).astype(np.float32)
    times = []
    for _ in range(ROUNDS + 1):
        before = time.process_time()
        recognizer.encode(sound)
        times.append(time.process_time() - before)
    return 1000 * float(np.median(times[1:]))


def epoch_s(config_name: str, root: Path) -> float:
    """Return the CPU time of one epoch of training on one device, in s."""
    from training.speech.train import read_config, training_batches
    from training.throughput import measure
    sound_s = training_batches(read_config(config_name), root).epoch_s(0)
    return sound_s / measure('speech', config_name, 1, 'float32', TIMED_STEPS, BUCKET_S)['sound_s_a_cpu_s']


def rates(recognizer, clips: dict, manifest: Path) -> tuple[dict, float]:
    """Return ({(split, source): (folded WER, low, high)}, CPU seconds a second of sound)."""
    found, spent, seconds = {}, 0.0, 0.0
    for key, rows in clips.items():
        heard = []
        for clip in rows:
            sound = read_audio(manifest.parent / clip['audio'])
            before = time.process_time()
            heard.append(fold(recognizer.recognize(sound).text))
            spent, seconds = spent + time.process_time() - before, seconds + len(sound) / SAMPLE_RATE
        found[key] = interval([fold(normalize(clip['text'])) for clip in rows], heard)
    return found, spent / seconds


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.speech.compare', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', type=Path, help='model folders; the first one decodes for all')
    parser.add_argument('--manifest', type=Path, required=True)
    parser.add_argument('--split', nargs='+', default=['validation'])
    parser.add_argument('--limit', type=int, default=0, help='clips a source (default: all)')
    parser.add_argument('--configs', nargs='+', default=[], help='one for each model, for the time of an epoch')
    parser.add_argument('--data', type=Path, help='folder of caches, with --configs')
    options = parser.parse_args(arguments)
    if options.configs and (len(options.configs) != len(options.models) or not options.data):
        raise ConfigurationError('--configs: name one config for each model, and --data')
    clips = spread(read_clips(options.manifest, options.split), options.limit, ('split', 'source'))
    columns, decoder = [], None
    for i, folder in enumerate(options.models):
        recognizer = open_recognizer(folder)
        decoder = decoder or recognizer.decoder
        if recognizer.info.labels != tuple(decoder.labels):
            raise ConfigurationError(f'{folder}: has other labels than {options.models[0]}: no decoder serves both')
        recognizer.decoder = decoder
        errors, factor = rates(recognizer, clips, options.manifest)
        training = recognizer.info.document.get('training') or {}
        columns.append({
            'parameters, M': f'{training["parameters"] / 1e6:.2f}' if 'parameters' in training else '',
            'graph, MB': f'{recognizer.info.graph.stat().st_size / 1e6:.2f}',
            f'encoding {WINDOW_S} s of sound, CPU ms': f'{encoding_ms(recognizer):.1f}',
            'recognising, CPU s a second of sound': f'{factor:.3f}',
            **({'an epoch of training, CPU s': f'{epoch_s(options.configs[i], options.data.expanduser()):.0f}'}
               if options.configs else {}),
            **{f'folded WER %, {source} {split} ({len(clips[split, source])})': '{:.1f} [{:.1f}, {:.1f}]'.format(
                *(100 * v for v in value)) for (split, source), value in errors.items()}})
    print('| | ' + ' | '.join(folder.name for folder in options.models) + ' |')
    print('| --- |' + ' --- |' * len(columns))
    for name in columns[0]:
        print(f'| {name} | ' + ' | '.join(column[name] for column in columns) + ' |')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
