"""UNIPEN's contributors in five groups, each held out once: how the character network reads hands it has never seen.

For each group a cache without it is drawn, a network trained by the config, and the group read; FOLDER/results.jsonl
keeps one line a group. Stopped anywhere, the command goes on: finished groups are skipped, a training resumes.

    python -m training.characters.cross_validate --folder RUNS                # the config's steps: hours on two cores
    python -m training.characters.cross_validate --folder RUNS --steps 2000   # a first look

Cost a group on one Zen 3 core: 2 to 3 minutes for each random view, then 0.2 s a step of 128.
"""
import argparse
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from training.characters import data
from training.characters.labels import DIGITS, NOTHING, fold
from training.characters.results import Results
from training.figures import interval

LOWER, UPPER = (tuple(chr(first + n) for n in range(26)) for first in (97, 65))
PARTS = {'digits': DIGITS, 'upper': UPPER, 'lower': LOWER, 'all': None, 'all, look-alikes folded': None}


def errors_of(logits: np.ndarray, truth: list[str], labels: list[str]) -> dict[str, list[int]]:
    """Return for each of PARTS [wrong, total]: digits, upper and lower case among themselves, all among all classes.

    `logits` [n, classes]; "no symbol" is no answer.
    """
    truth, names, out = np.array(truth, object), np.array(labels, object), {}
    for part, among in PARTS.items():
        chosen = np.isin(names, among) if among else names != NOTHING
        rows = np.isin(truth, among) if among else np.ones(len(truth), bool)
        found = names[np.where(chosen, logits[rows], -np.inf).argmax(axis=1)]
        same = [fold(a) == fold(b) if 'folded' in part else a == b for a, b in zip(found, truth[rows])]
        out[part] = [len(same) - sum(same), len(same)]
    return out


def run(options, held_out: int) -> dict:
    """Draw, train and read with one group held out; return its line of the results."""
    from training.characters import prepare, train
    from training.characters.augment import plain
    from training.characters.model import load
    folder = options.folder / f'group{held_out}'
    prepare.write(folder / 'cache', options.data, options.variants, held_out, seed=0)
    command = ['--config', options.config, '--cache', str(folder / 'cache'), '--folder', str(folder / 'run'),
               '--threads', str(options.threads)]
    train.main([*command, *(['--steps', str(options.steps)] if options.steps else [])])
    facts = json.loads((folder / 'run' / 'run.json').read_text())
    samples = [s for s in data.unipen(options.data, held_out) if s.split == 'test' and s.label in facts['labels']]
    logits = train.logits_of(load(folder / 'run' / 'best.keras'), np.stack([plain(s) for s in samples]))
    shutil.rmtree(folder / 'cache')
    return {'held_out': held_out, 'contributors': data.UNIPEN_GROUPS[held_out], 'steps': facts['loop']['steps'],
            'errors': errors_of(logits, [s.label for s in samples], facts['labels'])}


def table(results: list[dict]) -> str:
    """Return errors in % as a table: a row a part, a column a group, and all groups together with 95 % interval."""
    results = sorted(results, key=lambda r: r['held_out'])
    lines = ['| among | ' + ' | '.join(' '.join(r['contributors']) for r in results) + ' | together |',
             '| --- ' * (len(results) + 2) + '|']
    for part in PARTS:
        counts = np.array([r['errors'][part] for r in results])
        wrong, total = (int(v) for v in counts.sum(axis=0))
        low, high = interval(wrong, total)
        cells = [f'{100 * w / t:.2f}' if t else '' for w, t in counts]
        lines.append(f'| {part} | ' + ' | '.join(cells)
                     + f' | {100 * wrong / max(total, 1):.2f} ({wrong} of {total}; {low:.2f} to {high:.2f}) |')
    return '\n'.join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run the groups that are missing; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.characters.cross_validate', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', type=Path, required=True, help='results.jsonl and unfinished groups; gone on with')
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'), help='the source files')
    parser.add_argument('--config', default='shipped', help='a module of training/characters/configs')
    parser.add_argument('--group', type=int, nargs='+', choices=range(5), default=range(5), help='which to hold out')
    parser.add_argument('--steps', type=int, help="overrides the config's LOOP['steps']")
    parser.add_argument('--variants', type=int, default=2, help='random views a sample (default 2)')
    parser.add_argument('--threads', type=int, default=1, help='intra-op threads')
    options = parser.parse_args(arguments)
    results = Results(options.folder, steps=options.steps)
    for held_out in options.group:
        results.run_missing(partial(run, options), held_out=held_out)
    print(table(results))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
