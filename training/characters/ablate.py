"""What the distortion of the training drawings and the Spatial Transformer each bring: trained with and without both.

Four networks of one config, steps and seed: drawings distorted (bent, sheared, with other pens, paper and blur, and
bent anew in each batch) or plain, each with the transformer and without. The figures are of the validation sets:
CROHME 2013, MNIST's last 5,000 training digits, UNIPEN's validation contributors, Detexify, and CROHME 2013 once more,
each symbol turned by up to 45 degrees. FOLDER/results.jsonl keeps a line a network; stopped anywhere, it goes on.

    python -m training.characters.ablate --folder RUNS --steps 4000

Cost on one Zen 3 core with the other busy: 7 minutes for the drawings, then 0.2 s a step of 128: an hour for 4,000
steps of all four.
"""
import argparse
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from robot_ai.vision.ink import SIZE
from training.characters.results import Results

TURN = 45.0  # degrees, at most
COLUMNS = {'crohme': 'CROHME 2013', 'turned': 'the same, turned', 'mnist': 'MNIST', 'unipen': 'UNIPEN',
           'wide': 'Detexify'}


def variant(config, distorted: bool, transformer: bool) -> SimpleNamespace:
    """Return a config with or without distortion in batches and the Spatial Transformer."""
    settings = {name: getattr(config, name) for name in dir(config) if name.isupper()}
    if not distorted:
        settings['DISTORTION'] = 0.0
    if not transformer:
        settings['MODEL'] = {**settings['MODEL'], 'transformer': None}
    return SimpleNamespace(**settings)


def turned(ink: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return inks (uint8 [n, 32, 32]), each turned about its middle by an angle of its own, -TURN to TURN."""
    angles = np.random.default_rng(seed).uniform(-TURN, TURN, len(ink))
    middle = ((SIZE - 1) / 2,) * 2
    return np.stack([cv2.warpAffine(one, cv2.getRotationMatrix2D(middle, angle, 1.0), (SIZE, SIZE))
                     for one, angle in zip(ink, angles)])


def run(options, distorted: bool, transformer: bool) -> dict:
    """Draw what is missing, train one network, or go on with it, and return its line of the results."""
    from training.characters import prepare, train
    from training.characters.batches import Cache
    from training.characters.model import load
    name = f'{"distorted" if distorted else "plain"}-{"with" if transformer else "without"}'
    drawings, folder = options.folder / ('drawings' if distorted else 'drawings-plain'), options.folder / name
    if distorted:
        prepare.write(drawings, options.data, options.variants, 1, 0)
    else:
        prepare.write(drawings, options.data, 0, 1, 0, undistorted=True)
    config = variant(train.read_config(options.config), distorted, transformer)
    train.run(config, SimpleNamespace(
        config=options.config, cache=drawings, folder=folder, init=None, steps=options.steps, seed=options.seed,
        strategy='auto', tpu='', backend='tensorflow', workers=0, threads=options.threads))
    cache, model = Cache(drawings), load(folder / 'best.keras')
    figures = train.Validation(cache, folder)(model)
    crohme = {key: value[cache.validates('crohme')] for key, value in cache.validation.items()}
    found = train.logits_of(model, turned(crohme['ink'])).argmax(1)
    figures['turned'] = float((found != crohme['label']).mean())
    facts = json.loads((folder / 'run.json').read_text())
    return {'distorted': distorted, 'transformer': transformer, 'config': options.config, 'seed': facts['seed'],
            'steps': facts['loop']['steps'], 'parameters': facts['parameters'],
            'errors': {key: round(figures[key], 5) for key in COLUMNS if key in figures}}


def table(results: list[dict]) -> str:
    """Return errors in % as a table: a row a network, a column a validation set."""
    lines = ['| drawings | Spatial Transformer | parameters | ' + ' | '.join(COLUMNS.values()) + ' |',
             '| --- ' * (len(COLUMNS) + 3) + '|']
    for r in results:
        cells = [f'{100 * r["errors"][key]:.2f}' if key in r['errors'] else '' for key in COLUMNS]
        lines.append(f'| {"distorted" if r["distorted"] else "plain"} | {"with" if r["transformer"] else "without"} | '
                     f'{r["parameters"]} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and train the networks that are missing; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.characters.ablate', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', type=Path, required=True, help='drawings, runs, results.jsonl; gone on with')
    parser.add_argument('--data', type=Path, default=Path('../shared/data/handwriting'), help='the source files')
    parser.add_argument('--config', default='shipped', help='a module of training/characters/configs')
    parser.add_argument('--steps', type=int, help="overrides the config's LOOP['steps']")
    parser.add_argument('--seed', type=int, help="overrides the config's SEED")
    parser.add_argument('--variants', type=int, default=2, help='random views a sample (default 2)')
    parser.add_argument('--threads', type=int, default=1, help='intra-op threads')
    options = parser.parse_args(arguments)
    results = Results(options.folder, steps=options.steps, seed=options.seed, config=options.config)
    for distorted in (True, False):
        for transformer in (True, False):
            results.run_missing(partial(run, options), distorted=distorted, transformer=transformer)
    print(table(results))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
