"""`python -m training export characters`: a trained network to the model folder that robot_ai loads.

The graph takes ink uint8 [n, 32, 32] (robot_ai.vision.ink.normalize_symbol's), n = 1 or 16, and returns scores
float32 [n, classes] that sum to 1, calibrated by one temperature (each profile of labels has an exponent more: see
`sharpness`), and theta float32 [n, 2, 3]; where the network has a second output, `classify_wide_n` returns the scores
of Detexify's classes, with a temperature of their own.

Example:
  python -m training export characters --folder ~/runs/characters --cache ~/characters-cache --to models/characters

"""
import argparse
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import yaml
from scipy.special import softmax

from robot_ai.errors import ModelError
from robot_ai.model_store import describe_files
from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import FIT, SIZE
from training import litert
from training.characters.data import UNIPEN_VALIDATION
from training.characters.labels import CROHME, DIGITS, FOLDS, SPANISH

BATCHES = (1, 16)
GRAPH = 'characters.tflite'
WIDE_WEIGHTS = 'weights-wide.npz'  # of the network for Detexify's classes, where it is another
TEMPERATURES = np.geomspace(0.3, 3.0, 93)  # tried in calibration
MIN_CALIBRATION = 200  # samples from which a profile's sharpness is fitted
SIGNATURES = {'logits': 'classify', 'wide': 'classify_wide'}
LICENCES = {
    'unipen': 'UNIPEN train_r01_v07, CC BY 4.0',
    'crohme': 'CROHME, CC BY-NC-SA 3.0: non-commercial',
    'mnist': 'MNIST',
    'mathnote': 'mathnote: terms of its model card, unclear',
    'detexify': 'Detexify, ODbL',
    'composed': 'composed from UNIPEN and CROHME strokes'}


def temperature_of(logits: np.ndarray, label: np.ndarray) -> float:
    """Return the temperature that minimises the cross-entropy of softmax(logits / temperature).

    For whoever weighs every label's score against others, as the parser of expressions does.
    """
    return float(min(TEMPERATURES, key=lambda temperature: -np.log(
        softmax(logits / temperature, axis=1)[np.arange(len(label)), label] + 1e-12).mean()))


def top_label_temperature(logits: np.ndarray, label: np.ndarray) -> float:
    """Return the temperature at which the best score says best how often it is right (its binary log loss is least).

    For scores that people read: where classes are many and alike, the cross-entropy would have the best score too sure
    (top-label calibration, arXiv:2107.08353).
    """
    right = logits.argmax(axis=1) == label

    def loss(temperature):
        best = softmax(logits / temperature, axis=1).max(axis=1)
        return -np.log(np.where(right, best, 1 - best) + 1e-12).mean()
    return float(min(TEMPERATURES, key=loss))


def sharpness(logits: np.ndarray, label: np.ndarray, source: np.ndarray, labels: list[str], profiles: dict
              ) -> dict[str, float]:
    """Return the exponent of the scores for each profile of labels ('': all), fitted on writing like its own.

    `logits` [n, classes] at the graph's temperature; `source` [n]: names. Digits are calibrated on MNIST, mathematics
    on CROHME 2013, letters and all labels together on UNIPEN's validation contributors: hands never seen. A profile
    without such samples has none.
    """
    out, parts = {}, {**profiles, '': labels[1:]}
    for profile, name in (('', 'unipen'), ('digits', 'mnist'), ('mathematics', 'crohme'), ('letters', 'unipen')):
        places = np.array([labels.index(one) for one in parts.get(profile, ()) if one in labels], int)
        rows = (source == name) & np.isin(label, places)
        if rows.sum() >= MIN_CALIBRATION:
            place = np.full(len(labels), -1)
            place[places] = np.arange(len(places))
            out[profile] = round(1 / top_label_temperature(logits[rows][:, places], place[label[rows]]), 4)
    return out


def convert(models: dict, temperatures: dict[str, float], path: Path) -> None:
    """Write the LiteRT graph with signatures `classify_N` and, for the output 'wide', `classify_wide_N`.

    `models`, `temperatures`: by output; one network may give both. Weights are stored as float16.
    """
    import tensorflow as tf

    def classify(name):
        def run(ink):
            out = models[name](tf.cast(ink, tf.float32)[..., None] / 255.0, training=False)
            result = {'scores': tf.nn.softmax(out[name] / temperatures[name])}
            if 'theta' in out:
                result['theta'] = tf.identity(out['theta'])
            return result
        return tf.function(run)

    signatures = {f'{SIGNATURES[name]}_{batch}': classify(name).get_concrete_function(
        ink=tf.TensorSpec((batch, SIZE, SIZE), tf.uint8, name='ink')) for name in temperatures for batch in BATCHES}
    variables = [v for model in models.values() for v in model.variables]
    path.write_bytes(litert.to_flatbuffer(variables, signatures, 'float16'))


def card(document: dict) -> str:
    """Return MODEL_CARD.md for a model.yaml document."""
    names = document['parameters'].get('wide_labels', ())
    whose = 'a network of its own' if WIDE_WEIGHTS in document['files'] else 'a layer of its own'
    wide = f"""
A second output, `classify_wide`, gives the scores of Detexify's {len(names)} classes with 10 samples or more
(`robot_ai.vision.characters.CharacterRecognizer.look_up`), from {whose}.""" if names else ''
    figures = ''.join(f'| {name} | {value} |\n' for name, value in document['figures'].items())
    return f"""# characters {document['version']}

Reads one handwritten symbol ({len(document['labels']) - 1} classes and "no symbol"): digits, Latin letters,
Spanish accented letters, the 101 symbols of CROHME, Greek and further mathematical symbols. A Spatial Transformer
straightens the ink first; the graph returns its theta beside the scores.

Input: ink as `robot_ai.vision.ink.normalize_symbol` makes it, uint8 [n, {SIZE}, {SIZE}], n = 1 or 16.
Output: `scores` [n, {len(document['labels'])}] (calibrated, sum 1) and `theta` [n, 2, 3].{wide}

## Trained on

{''.join(f'- {text}{chr(10)}' for text in document['licences'].values())}
Command: {', '.join(f'`{c}`' for c in document['training']['command'])}, commit {document['training']['commit']}.

## Licence of these weights

CROHME's ink is for non-commercial use and share-alike (CC BY-NC-SA): take these weights as **CC BY-NC-SA**, with
attribution to CROHME, UNIPEN (CC BY 4.0) and Detexify (ODbL). The code is Apache-2.0; for commercial use train
without CROHME and mathnote: `SHARES` in training/characters/configs/shipped.py, then export again.

## Figures

| measured | value |
| --- | --- |
{figures}
## Limits

No source has real ñ or accented letters: these classes were trained on letters and marks of real writers put
together, and no figure exists for them on real writing. Symbols that differ only in size or place (o, O, 0; x, X,
\\times; 1, l, |) cannot be told apart when seen alone; pass the labels that are possible. On printed text
nothing is found from about five letters on; fewer are read as if written. UNIPEN's and CROHME's writers are mostly
adults of Europe, North America and Asia.
"""


def export(run: Path, cache: Path, to: Path, version: str, wide_run: Path | None = None) -> dict:
    """Write `to`/characters.tflite, weights.npz, model.yaml and MODEL_CARD.md; returns model.yaml's document.

    `wide_run`: the run whose network gives the scores of Detexify's classes, where `run`'s own does not.
    """
    from training.characters.batches import Cache
    from training.characters.model import build, load
    from training.characters.train import logits_of
    from training.weights import WEIGHTS, named_weights, ship_weights, to_numpy
    best = run / 'best.keras'
    if not best.is_file():
        raise ModelError(f'{best}: missing; train first: python -m training train characters --folder {run}')
    facts = json.loads((run / 'run.json').read_text())
    model = load(best)
    other = load(wide_run / 'best.keras') if wide_run else model
    wide_facts = json.loads((wide_run / 'run.json').read_text()) if wide_run else facts
    cached = Cache(cache)
    validation, crohme, detexify = cached.validation, cached.validates('crohme'), cached.validates('detexify')
    everyday = crohme | cached.validates('mnist')
    every = logits_of(model, validation['ink'])
    logits = {'logits': every[everyday]}
    truth = {'logits': validation['label'][everyday], 'wide': validation['wide'][detexify]}
    if 'wide' in other.output_names:
        logits['wide'] = logits_of(other, validation['ink'][detexify], output='wide')
    temperatures = {'logits': temperature_of(logits['logits'], truth['logits'])}
    if 'wide' in logits:
        temperatures['wide'] = top_label_temperature(logits['wide'], truth['wide'])
    to.mkdir(parents=True, exist_ok=True)
    convert({'logits': model, 'wide': other}, temperatures, to / GRAPH)
    networks = {WEIGHTS: (model, facts), **({WIDE_WEIGHTS: (other, wide_facts)} if wide_run else {})}
    for name, (network, its) in networks.items():
        # Built as training builds it: a network that was read from a .keras names its inner layers otherwise.
        built = build(len(its['labels']), len(its['wide']), **its['model'])
        built.set_weights(network.get_weights())
        ship_weights({key: to_numpy(v) for key, v in named_weights(built).items()}, to, name)
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True).stdout.strip()
    figures = {  # others: evaluate characters --record
        'parameters': int(model.count_params()) + (int(other.count_params()) if wide_run else 0),
        'CROHME 2013 symbols (validation), top-1 error': error_of(
            logits['logits'][crohme[everyday]], truth['logits'][crohme[everyday]])}
    profiles = {'digits': list(DIGITS), 'mathematics': list(CROHME), 'letters': _letters(facts['labels'])}
    document = {
        'kind': 'characters', 'name': 'characters', 'version': version, 'graph': GRAPH,
        'files': describe_files(to, [GRAPH], networks), 'labels': facts['labels'],
        'inputs': {'ink': 'uint8 [n, 32, 32], 0 paper, 255 ink'},
        'outputs': {'scores': 'float32 [n, classes]', 'theta': 'float32 [n, 2, 3]'},
        'parameters': {
            'size': SIZE, 'fit': FIT, 'batches': list(BATCHES), 'nothing': 0,
            'temperature': round(temperatures['logits'], 4),
            'sharpness': sharpness(every / temperatures['logits'], validation['label'],
                                   np.array(cached.sources)[validation['source']], facts['labels'], profiles),
            'reject_below': 0.35, 'profiles': profiles,
            'alike': [list(group) for group in FOLDS],
            **({'wide_labels': wide_facts['wide'], 'wide_temperature': round(temperatures['wide'], 4)}
               if 'wide' in temperatures else {})},
        'training': {'command': [facts['command'], *([wide_facts['command']] if wide_run else [])],
                     'data': f"UNIPEN group {facts['held_out']} held out, {', '.join(UNIPEN_VALIDATION)} validate; "
                     f"{facts['samples']} samples", 'commit': commit, 'config': facts['config']},
        'licences': LICENCES, 'figures': figures}
    (to / 'model.yaml').write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110))
    check(to, validation['ink'][everyday][:64], logits['logits'][:64] / temperatures['logits'])
    (to / 'MODEL_CARD.md').write_text(card(document))
    return document


def check(folder: Path, ink: np.ndarray, logits: np.ndarray) -> None:
    """Raise ModelError where the exported graph's scores are not those of the trained network."""
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    scores, _ = CharacterRecognizer(folder).scores(ink)
    if np.abs(scores - expected).max() > 0.02:
        raise ModelError(f'{folder}: the exported graph differs from the network by {np.abs(scores - expected).max()}')


def error_of(logits: np.ndarray, label: np.ndarray) -> str:
    """Return the share of wrong rows as '12.3 % (n of m)'."""
    wrong = int((logits.argmax(axis=1) != label).sum())
    return f'{100 * wrong / len(label):.2f} % ({wrong} of {len(label)})'


def _letters(labels):
    return [label for label in labels if (len(label) == 1 and label.isalpha()) or label in SPANISH]


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training export characters', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', type=Path, required=True, help="the run's folder (best.keras, run.json)")
    parser.add_argument('--cache', type=Path, required=True, help='for the temperature: its validation part')
    parser.add_argument('--wide-folder', type=Path, help="another run, whose network gives Detexify's classes")
    parser.add_argument('--to', type=Path, default=Path('models/characters'), help='model folder to write')
    parser.add_argument('--version', default='0.1.0')
    parser.add_argument('--h5', type=Path, help='also write the Keras model as legacy .h5')
    options = parser.parse_args(arguments)
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    document = export(options.folder, options.cache, options.to, options.version, options.wide_folder)
    if options.h5:
        from training.characters.model import load
        load(options.folder / 'best.keras').save(options.h5)
    print(f'{options.to}: {document["files"][GRAPH]["bytes"]} bytes, {document["figures"]}')
    return 0
