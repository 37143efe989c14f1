"""Lists the transcripts of a corpus that fit their sounds worst, for somebody to listen to; changes nothing.

  python -m training.audiobook.doubtful ../shared/data/speech/manifest.jsonl --keep scores.jsonl --worst 100

Every clip's sound is laid on espeak-ng's reading of its transcript (dtw.fit: no sound and no text may be left out).
Within a source, clips are ranked by how far score and pace lie from the source's median, in its usual spread.
Scores are kept in --keep, so that a broken-off run goes on.
"""
import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from robot_ai.errors import AudioError
from training.audiobook.dtw import DtwAligner
from training.audiobook.jobs import report
from training.speech.loaders import load
from training.speech.utterances import Problems, Utterance, read


def score(utterances: list[Utterance], kept: Path) -> tuple[dict[str, dict], list[str]]:
    """Return {sound: its row} and the faults; rows are appended to `kept` as they are made."""
    rows, faults, aligner = {}, [], DtwAligner()
    if kept.is_file():
        for line in kept.read_text(encoding='utf-8').splitlines():
            try:
                row = json.loads(line)
                rows[row['audio']] = row
            except ValueError:  # the last line of a run that was killed
                continue
    with open(kept, 'a', encoding='utf-8') as file:
        for utterance in tqdm([u for u in utterances if u.audio not in rows], unit='clip', disable=None):
            try:
                fit, seconds, expected = aligner.fit(read(utterance), utterance.text)
            except (AudioError, OSError) as error:
                faults.append(f'{utterance.audio}: {error}')
                continue
            row = {'audio': utterance.audio, 'source': utterance.source, 'split': utterance.split,
                   'text': utterance.text, 'score': round(fit, 4), 'seconds': round(seconds, 3),
                   'expected_s': round(expected, 3)}
            rows[utterance.audio] = row
            file.write(json.dumps(row, ensure_ascii=False) + '\n')
            file.flush()
    return rows, faults


def rank(rows: list[dict]) -> list[dict]:
    """Return the rows, the most doubtful first, each with `doubt`: deviations from its source's median."""
    groups = defaultdict(list)
    for row in rows:
        groups[row['source']].append(row)
    ranked = []
    for group in groups.values():
        low = -_deviations([row['score'] for row in group])
        pace = np.abs(_deviations([np.log((row['seconds'] + 0.1) / (row['expected_s'] + 0.1)) for row in group]))
        ranked += [{**row, 'doubt': round(float(np.hypot(max(a, 0.0), b)), 2)} for row, a, b in zip(group, low, pace)]
    return sorted(ranked, key=lambda row: (-row['doubt'], row['audio']))


def _deviations(values):
    """Return the distances from the median in units of the usual spread (of a normal distribution's sigma)."""
    values = np.asarray(values, float)
    middle = np.median(values)
    return (values - middle) / (1.4826 * np.median(np.abs(values - middle)) + 1e-3)


def main() -> int:
    """Score what is not scored yet and print the worst, a line of JSON each; 1 where a sound could not be read."""
    parser = argparse.ArgumentParser(prog='python -m training.audiobook.doubtful', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('corpus', help='folder or file in one of the layouts of docs/speech_data.md')
    parser.add_argument('--keep', type=Path, required=True, help='file for the scores')
    parser.add_argument('--source', action='append', help='only clips of this source; may be repeated')
    parser.add_argument('--every', type=int, default=1, help='only every so many-th clip')
    parser.add_argument('--worst', type=int, default=100)
    parser.add_argument('--hypotheses', action='store_true', help='show what the shipped speech model hears, too')
    options = parser.parse_args()
    problems = Problems()
    utterances = [u for u in load(options.corpus, 'auto', problems) if not options.source or u.source in options.source]
    rows, faults = score(utterances[::options.every], options.keep)
    wanted = {utterance.audio: utterance for utterance in utterances}
    ranked = rank([row for audio, row in rows.items() if audio in wanted])[:options.worst]
    recognizer = None
    if options.hypotheses:
        from robot_ai.model_store import find_model
        from robot_ai.speech.recognizer import SpeechRecognizer
        recognizer = SpeechRecognizer(find_model('speech', ''))
    for row in ranked:
        heard = {'heard': recognizer.recognize(read(wanted[row['audio']])).text} if recognizer else {}
        print(json.dumps({**row, **heard}, ensure_ascii=False))
    print(f'{len(rows)} of {len(wanted)} clips are scored: {dict(Counter(row["source"] for row in rows.values()))}',
          file=sys.stderr)
    return max(report(faults, 'doubtful'), problems.report())


if __name__ == '__main__':
    sys.exit(main())
