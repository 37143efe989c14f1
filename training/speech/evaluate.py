"""`python -m training evaluate speech`: WER and CER of a model folder, decoded as the robot decodes.

Each clip goes through robot_ai.speech.recognizer, so that what is measured is what runs; no phrase list. Rates are
`jiwer`'s, with 95 % bootstrap intervals over clips, strict (accents count) and folded; by source, and by speaker on
request. Conditions distort the sound first: clean, noise and babble at given SNRs, room, telephone, clipped.

Test splits are for final figures: `--split` names what is read.

Example:
  python -m training evaluate speech --model models/speech_es --manifest ../shared/data/speech/manifest.jsonl \
      --split validation --conditions clean noise10

"""
import argparse
import json
import time
from pathlib import Path

import jiwer
import numpy as np
import yaml

from robot_ai.errors import ConfigurationError
from robot_ai.speech.audio import read_audio
from robot_ai.speech.recognizer import SpeechRecognizer
from robot_ai.speech.spanish import fold, normalize
from training.speech.augment import add_room, band_limit, coloured_noise, mix

CONDITIONS = ('clean', 'noise20', 'noise10', 'noise5', 'noise0', 'babble20', 'babble10', 'babble5', 'babble0',
              'room', 'telephone', 'clipped')


def distort(sound: np.ndarray, condition: str, rng: np.random.Generator, voices: list[np.ndarray]) -> np.ndarray:
    """Return float32 [n] under one of CONDITIONS; `voices` are other clips, for babble of three."""
    kind, level = condition.rstrip('0123456789'), condition.lstrip('abcdefghijklmnopqrstuvwxyz')
    if kind == 'clean':
        return sound
    if kind == 'noise':
        return mix(sound, coloured_noise(len(sound), rng), float(level))
    if kind == 'babble':
        chosen = rng.choice(len(voices), 3)
        return mix(sound, sum(np.resize(voices[i] / (np.std(voices[i]) + 1e-6), len(sound)) for i in chosen),
                   float(level))
    if kind == 'room':
        return add_room(sound, rng, 0.5)
    if kind == 'telephone':
        return band_limit(sound, 300, 3400)
    if kind == 'clipped':
        peak = np.abs(sound).max() * 0.25
        return np.clip(sound, -peak, peak)
    raise ConfigurationError(f'condition {condition!r}: expected one of {", ".join(CONDITIONS)}')


def interval(references: list[str], heard: list[str], rate=jiwer.wer, rounds: int = 500, seed: int = 0
             ) -> tuple[float, float, float]:
    """Return (rate, low, high): the rate over all clips and its 95 % bootstrap interval, clips drawn anew."""
    one = jiwer.process_words if rate is jiwer.wer else jiwer.process_characters
    counts = []
    for reference, hypothesis in zip(references, heard):
        out = one(reference, hypothesis)
        counts.append((out.substitutions + out.deletions + out.insertions,
                       out.substitutions + out.deletions + out.hits))
    counts = np.array(counts, np.float64)
    draws = np.random.default_rng(seed).integers(0, len(counts), (rounds, len(counts)))
    sums = counts[draws].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / np.maximum(1, sums[:, 1]), [2.5, 97.5])
    return float(counts[:, 0].sum() / max(1, counts[:, 1].sum())), float(low), float(high)


def clips_of(manifest: Path, split: str, limit: int = 0, sources=()) -> list[dict]:
    """Return the manifest's clips of a split whose text is not empty, at most `limit` a source, evenly spread."""
    with open(manifest, encoding='utf-8') as lines:
        clips = [c for c in map(json.loads, lines) if c['split'] == split and normalize(c['text'])]
    by_source = {}
    for clip in clips:
        if not sources or clip['source'] in sources:
            by_source.setdefault(clip['source'], []).append(clip)
    if not by_source:
        raise ConfigurationError(f'{manifest}: no clips of split {split!r}' + (f' from {sources}' if sources else ''))
    return [rows[int(i)] for rows in by_source.values()
            for i in np.linspace(0, len(rows) - 1, min(limit or len(rows), len(rows)))]


def evaluate(recognizer: SpeechRecognizer, clips: list[dict], folder: Path, condition: str = 'clean',
             seed: int = 1) -> list[dict]:
    """Recognise each clip under a condition; return rows with reference, heard, confidence, seconds of work."""
    rng = np.random.default_rng(seed)
    voices = [read_audio(folder / c['audio']) for c in clips[:12]] if condition.startswith('babble') else []
    rows = []
    for clip in clips:
        sound = distort(read_audio(folder / clip['audio']), condition, rng, voices)
        before = time.process_time()
        final = recognizer.recognize(sound)
        rows.append({'audio': clip['audio'], 'source': clip['source'], 'speaker': clip['speaker'],
                     'condition': condition, 'reference': normalize(clip['text']), 'heard': final.text,
                     'confidence': final.confidence, 'seconds': len(sound) / 16000,
                     'work_s': time.process_time() - before,
                     'words': [[w.text, w.confidence] for w in final.words]})
    return rows


def table(rows: list[dict], by: tuple[str, ...] = ('condition', 'source')) -> list[dict]:
    """Return one line of rates per group."""
    groups, lines = {}, []
    for row in rows:
        groups.setdefault(tuple(row[key] for key in by), []).append(row)
    for key, group in sorted(groups.items()):
        references, heard = [r['reference'] for r in group], [r['heard'] for r in group]
        folded = [[fold(t) for t in side] for side in (references, heard)]
        line = {**dict(zip(by, key)), 'clips': len(group)}
        for name, sides, rate in (('wer', (references, heard), jiwer.wer), ('cer', (references, heard), jiwer.cer),
                                  ('folded_wer', folded, jiwer.wer), ('folded_cer', folded, jiwer.cer)):
            line[name] = [round(v, 4) for v in interval(*sides, rate)]
        line['rtf'] = round(sum(r['work_s'] for r in group) / sum(r['seconds'] for r in group), 4)
        lines.append(line)
    return lines


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training evaluate speech', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=Path, default=Path('models/speech_es'))
    parser.add_argument('--manifest', type=Path, required=True)
    parser.add_argument('--split', default='validation')
    parser.add_argument('--sources', nargs='*', default=())
    parser.add_argument('--limit', type=int, default=0, help='clips a source, 0 for all')
    parser.add_argument('--conditions', nargs='+', default=['clean'], choices=CONDITIONS)
    parser.add_argument('--by', nargs='+', default=['condition', 'source'],
                        choices=['condition', 'source', 'speaker'])
    parser.add_argument('--out', type=Path, help='JSON lines: every clip with what was heard')
    parser.add_argument('--summary', type=Path, help='YAML of the table')
    options = parser.parse_args(arguments)
    recognizer = SpeechRecognizer(options.model)
    clips = clips_of(options.manifest, options.split, options.limit, options.sources)
    rows = [row for condition in options.conditions
            for row in evaluate(recognizer, clips, options.manifest.parent, condition)]
    lines = table(rows, tuple(options.by))
    print(f'{options.model} (sha256 {recognizer.info.sha256[:12]}), split {options.split}; % with 95 % intervals')
    for line in lines:
        name = ' '.join(f'{line[key]:<16}' for key in options.by)
        rates = '  '.join(f'{key} {100 * line[key][0]:5.1f} [{100 * line[key][1]:.1f}, {100 * line[key][2]:.1f}]'
                          for key in ('folded_wer', 'folded_cer', 'wer', 'cer'))
        print(f'{name} {line["clips"]:>4} clips  {rates}  rtf {line["rtf"]:.3f}')
    if options.out:
        options.out.write_text(''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows), encoding='utf-8')
    if options.summary:
        options.summary.write_text(yaml.safe_dump(lines, allow_unicode=True, sort_keys=False), encoding='utf-8')
    return 0
