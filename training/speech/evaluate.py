"""`python -m training evaluate speech`: every accuracy figure of a model folder, recognised as the robot recognises.

One model, one decoding setting and one threshold for all rows; phrases are given only in the rows that say so. Rates
are `jiwer`'s with 95 % bootstrap intervals over clips (shares: Wilson's), folded (accents forgiven) and strict. The
rows are those of training/speech/rows.py; each reads at most a stated number of clips of a source, evenly spread
over the manifest (`--limit` overrides it), and everything is a function of the seed.

Test splits are for final figures: `--split` names what is read.

Example:
  python -m training evaluate speech --model models/speech_es --manifest ../shared/data/speech/manifest.jsonl \
      --split test-seen-speaker test-unseen-speaker --summary figures.yaml

"""
import argparse
import json
import time
from datetime import date
from pathlib import Path

import yaml

from robot_ai.speech.recognizer import open_recognizer
from training.speech.clips import read_clips
from training.speech.conditions import CONDITIONS
from training.speech.rows import ROWS, Evaluation

DIALOGUE = Path(__file__).resolve().parents[2] / 'config' / 'dialogues' / 'acompanante.yaml'


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training evaluate speech', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=Path, default=Path('models/speech_es'))
    parser.add_argument('--manifest', type=Path, required=True)
    parser.add_argument('--split', nargs='+', default=['validation'])
    parser.add_argument('--rows', nargs='+', default=list(ROWS), choices=list(ROWS), help='all, if not given')
    parser.add_argument('--sources', nargs='*', default=(), help='only these')
    parser.add_argument('--limit', type=int, default=0, help='clips a source in every row, instead of each row\'s own')
    parser.add_argument('--conditions', nargs='+', default=list(CONDITIONS[1:]), choices=CONDITIONS,
                        help='of the row `conditions`')
    parser.add_argument('--dialogue', type=Path, default=DIALOGUE, help='whose utterances the row `dialogue` speaks')
    parser.add_argument('--non-speech', type=Path, nargs='*', default=[],
                        help='recordings without speech, or folders of them, for the row `non-speech`')
    parser.add_argument('--minutes', type=float, default=1.0, help='of each made noise and level')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', type=Path, help='JSON lines: every clip with what was heard')
    parser.add_argument('--summary', type=Path, help='YAML of the table, for `export --figures`')
    options = parser.parse_args(arguments)
    clips = read_clips(options.manifest, options.split, options.sources)
    recognizer = open_recognizer(options.model)
    evaluation = Evaluation(recognizer, clips, options.manifest, options.split, options)
    print(f'{options.model} (sha256 {recognizer.info.sha256[:12]}), split {" ".join(options.split)}; '
          '% with 95 % intervals', flush=True)
    lines, spent = [], {}
    for row in options.rows:
        before = time.process_time()
        for line in ROWS[row](evaluation):
            print(line.text(), flush=True)
            lines.append(line)
        spent[row] = round(time.process_time() - before, 1)
        print(f'# {row}: {spent[row]} CPU s', flush=True)
    print(f'# all: {sum(spent.values()):.0f} CPU s')
    if options.out:
        options.out.write_text(''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in evaluation.heard),
                               encoding='utf-8')
    if options.summary:
        facts = {'date': str(date.today()), 'graph_sha256': recognizer.info.sha256, 'split': options.split,
                 'seed': options.seed, 'limit': options.limit or 'as each row states', 'cpu_s': spent,
                 'rows': [line.facts() for line in lines]}
        options.summary.write_text(yaml.safe_dump(facts, allow_unicode=True, sort_keys=False), encoding='utf-8')
    return 0
