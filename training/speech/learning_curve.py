"""`python -m training.speech.learning_curve`: the same config on shares of the data, with and without synthetic speech.

Every point is a training of its own in FOLDER/NAME, with the steps, schedule and validation of the config, and goes on
where it was stopped. The clips of a smaller share are among those of a larger one. The table has the validation's mean
error rates (each cut at 1) of the best step; test splits are not read.

Example:
  python -m training.speech.learning_curve --config tiny --data ~/speech-cache --folder ~/runs/curve --steps 4000

"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

import yaml

from robot_ai.errors import ConfigurationError
from training.speech.train import read_config

SYNTHETIC = ('espeak', 'pico', 'italian')  # how the sources of synthetic speech begin


def points(config: dict, shares: list[float], synthesis: bool) -> dict[str, dict]:
    """Return {name: config} of each point; with `synthesis`, each share also without synthetic speech."""
    found = {}
    for share in shares:
        for without in ((), SYNTHETIC) if synthesis else ((),):
            name = f'{round(100 * share):03d}' + ('-recordings-only' if without else '')
            found[name] = {**config, 'data': {**config['data'], 'share': share, 'without': list(without)}}
    return found


def best_of(log: str) -> dict[str, float]:
    """Return the figures of the validation with the least `wer` in a training's log; {} where there was none."""
    rows = [dict((key, float(value)) for key, value in re.findall(r'(\S+) (\d+\.\d+)', line.split('validation ', 1)[1]))
            for line in log.splitlines() if re.match(r'step \d+ validation ', line)]
    return min((row for row in rows if 'wer' in row), key=lambda row: row['wer'], default={})


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.speech.learning_curve', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='tiny')
    parser.add_argument('--data', required=True, help='folder of caches')
    parser.add_argument('--folder', required=True, type=Path, help='a training folder each lies in it')
    parser.add_argument('--shares', type=float, nargs='+', default=[0.25, 0.5, 1.0])
    parser.add_argument('--steps', type=int, help='overrides loop.steps, for every point')
    parser.add_argument('--only-with-synthesis', action='store_true', help='leave the points without it out')
    options = parser.parse_args(arguments)
    if not all(0 < share <= 1 for share in options.shares):
        raise ConfigurationError(f'--shares {options.shares}: expected shares above 0, at most 1')
    config = read_config(options.config)
    print('point                  WER    CER   (validation, mean over sources)')
    for name, made in points(config, options.shares, not options.only_with_synthesis).items():
        folder = options.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'config.yaml').write_text(yaml.safe_dump(made, allow_unicode=True), encoding='utf-8')
        command = [sys.executable, '-m', 'training', 'train', 'speech', '--config', str(folder / 'config.yaml'),
                   '--data', options.data, '--folder', str(folder)]
        with open(folder / 'log.txt', 'a', encoding='utf-8') as log:
            done = subprocess.run(command + (['--steps', str(options.steps)] if options.steps else []), stdout=log,
                                  stderr=subprocess.STDOUT, check=False)
        figures = best_of((folder / 'log.txt').read_text(encoding='utf-8'))
        said = f'status {done.returncode}: see {folder / "log.txt"}' if done.returncode or not figures else (
            f'{100 * figures["wer"]:5.1f}  {100 * figures["cer"]:5.1f}')
        print(f'{name:<20} {said}', flush=True)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
