"""`python -m training export characters`: a trained network to the model folder that robot_ai loads.

The graph takes ink uint8 [n, 32, 32] (robot_ai.vision.ink.normalize_symbol's), n = 1 or 16, and returns scores
float32 [n, classes] that sum to 1, calibrated by one temperature (each profile of labels has an exponent more: see
`sharpness`), and theta float32 [n, 2, 3]; where the network has a second output, `classify_wide_n` returns the scores
of Detexify's classes, with a temperature of their own. With --trajectory, `classify_drawn_n` and
`classify_wide_drawn_n` take the pen's path beside the ink and weigh both networks' log-probabilities by two numbers
fitted on validation.

Example:
  python -m training export characters --folder ~/runs/characters --trajectory ~/runs/trajectory \
      --cache ~/characters-cache --to models/characters

"""
import argparse
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import yaml
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from robot_ai.errors import ModelError
from robot_ai.model_store import describe_files
from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import FIT, SIZE
from robot_ai.vision.trajectory import POINTS
from training import litert
from training.characters.data import UNIPEN_VALIDATION
from training.characters.labels import CROHME, DIGITS, FOLDS, SPANISH

BATCHES = (1, 16)
GRAPH = 'characters.tflite'
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


def shares_of(ink: np.ndarray, path: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Return the weights of the log-probabilities of ink and path [n, classes] that minimise their cross-entropy.

    They are a logarithmic opinion pool's.
    """
    def loss(shares):
        return -log_softmax(pooled(ink, path, shares), axis=1)[np.arange(len(label)), label].mean()
    return tuple(float(v) for v in minimize(loss, [0.5, 0.5], method='Nelder-Mead', tol=1e-4).x)


def pooled(ink: np.ndarray, path: np.ndarray, shares: tuple[float, float]) -> np.ndarray:
    """Return the logits [n, classes] of ink and path weighed together, as the graph does it."""
    return shares[0] * log_softmax(ink, axis=1) + shares[1] * log_softmax(path, axis=1)


def sharpness(logits: np.ndarray, label: np.ndarray, source: np.ndarray, labels: list[str], profiles: dict,
              digits: str = 'mnist') -> dict[str, float]:
    """Return the exponent of the scores for each profile of labels ('': all), fitted on writing like its own.

    `logits` [n, classes] at the graph's temperature; `source` [n]: names. Digits are calibrated on MNIST, mathematics
    on CROHME 2013, letters and all labels together on UNIPEN's validation contributors: hands never seen. A profile
    without such samples has none. `digits`: the source of those, where MNIST's have no strokes.
    """
    out, parts = {}, {**profiles, '': labels[1:]}
    for profile, name in (('', 'unipen'), ('digits', digits), ('mathematics', 'crohme'), ('letters', 'unipen')):
        places = np.array([labels.index(one) for one in parts.get(profile, ()) if one in labels], int)
        rows = (source == name) & np.isin(label, places)
        if rows.sum() >= MIN_CALIBRATION:
            place = np.full(len(labels), -1)
            place[places] = np.arange(len(places))
            out[profile] = round(1 / top_label_temperature(logits[rows][:, places], place[label[rows]]), 4)
    return out


def convert(network, temperatures: dict[str, float], path: Path, follower=None, shares: dict | None = None) -> None:
    """Write the LiteRT graph with signatures `classify_N` and, for the output 'wide', `classify_wide_N`.

    `temperatures`: by output. With the trajectory network `follower` and its `shares` (see `shares_of`, by output)
    also `classify_drawn_N` and so on. Weights are stored as float16.
    """
    import tensorflow as tf

    def seen(ink):
        return network(tf.cast(ink, tf.float32)[..., None] / 255.0, training=False)

    def told(logits, out):
        return {'scores': tf.nn.softmax(logits), **({'theta': tf.identity(out['theta'])} if 'theta' in out else {})}

    def classify(name):
        def run(ink):
            out = seen(ink)
            # Of log-probabilities: of logits the division would go into a copy of the last layer's weights.
            return told(tf.nn.log_softmax(out[name]) / temperatures[name], out)
        return tf.function(run)

    def classify_drawn(name):
        def run(ink, trajectory):
            out, followed = seen(ink), follower(trajectory, training=False)
            first, second = shares[name]
            return told(first * tf.nn.log_softmax(out[name]) + second * tf.nn.log_softmax(followed[name]), out)
        return tf.function(run)

    signatures = {}
    for batch in BATCHES:
        ink = tf.TensorSpec((batch, SIZE, SIZE), tf.uint8, name='ink')
        trajectory = tf.TensorSpec((batch, POINTS, 3), tf.float32, name='trajectory')
        for name in temperatures:
            signatures[f'{SIGNATURES[name]}_{batch}'] = classify(name).get_concrete_function(ink=ink)
            if follower is not None:
                signatures[f'{SIGNATURES[name]}_drawn_{batch}'] = classify_drawn(name).get_concrete_function(
                    ink=ink, trajectory=trajectory)
    variables = [v for one in (network, follower) if one is not None for v in one.variables]
    path.write_bytes(litert.to_flatbuffer(variables, signatures, 'float16'))


def card(document: dict) -> str:
    """Return MODEL_CARD.md for a model.yaml document."""
    names = document['parameters'].get('wide_labels', ())
    wide = f"""
A second output, `classify_wide`, gives the scores of Detexify's {len(names)} classes with 10 samples or more
(`robot_ai.vision.characters.CharacterRecognizer.look_up`), from a layer of its own.""" if names else ''
    drawn = """
Where strokes are known (`recognize_strokes`), a second network follows the pen's trajectory, float32 [n, 64, 3] as
`robot_ai.vision.trajectory.trajectory_of` makes it, and both networks' log-probabilities are weighed together:
signatures `classify_drawn_N` and `classify_wide_drawn_N`.""" if document['parameters'].get('trajectories') else ''
    figures = ''.join(f'| {name} | {value} |\n' for name, value in document['figures'].items())
    return f"""# characters {document['version']}

Reads one handwritten symbol ({len(document['labels']) - 1} classes and "no symbol"): digits, Latin letters,
Spanish accented letters, the 101 symbols of CROHME, Greek and further mathematical symbols. A Spatial Transformer
straightens the ink first; the graph returns its theta beside the scores.

Input: ink as `robot_ai.vision.ink.normalize_symbol` makes it, uint8 [n, {SIZE}, {SIZE}], n = 1 or 16.
Output: `scores` [n, {len(document['labels'])}] (calibrated, sum 1) and `theta` [n, 2, 3].{wide}{drawn}

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


def export(run: Path, cache: Path, to: Path, version: str, trajectory_run: Path | None = None) -> dict:
    """Write `to`/characters.tflite, weights, model.yaml and MODEL_CARD.md; returns model.yaml's document.

    `trajectory_run`: the run of config `trajectory`, whose network reads beside `run`'s where strokes are known.
    """
    from training.characters import model, trajectory_model
    from training.characters.batches import Cache
    from training.characters.train import WEIGHTS, logits_of
    from training.weights import named_weights, ship_weights, to_numpy
    facts, network = _trained(run, model)
    cached = Cache(cache)
    validation, crohme, detexify = cached.validation, cached.validates('crohme'), cached.validates('detexify')
    label, source = validation['label'], np.array(cached.sources)[validation['source']]
    everyday = crohme | cached.validates('mnist')
    every = logits_of(network, validation['ink'])
    temperatures = {'logits': temperature_of(every[everyday], label[everyday])}
    if 'wide' in network.output_names:
        wide, wide_label = logits_of(network, validation['ink'][detexify], output='wide'), validation['wide'][detexify]
        temperatures['wide'] = top_label_temperature(wide, wide_label)
    profiles = {'digits': list(DIGITS), 'mathematics': list(CROHME), 'letters': _letters(facts['labels'])}
    parameters = {'sharpness': sharpness(every / temperatures['logits'], label, source, facts['labels'], profiles)}
    figures = {  # others: evaluate characters --record
        'parameters': int(network.count_params()),
        'CROHME 2013 symbols (validation), top-1 error': error_of(every[crohme], label[crohme])}
    trained, follower, shares = [(WEIGHTS['ink'], model, network, facts)], None, {}
    if trajectory_run:
        its, follower = _trained(trajectory_run, trajectory_model)
        if (its['labels'], its['wide']) != (facts['labels'], facts['wide']):
            raise ModelError(f'{trajectory_run}: was trained for other classes than {run}; train both from one cache')
        trained.append((WEIGHTS['trajectory'], trajectory_model, follower, its))
        path = logits_of(follower, validation['trajectory'])
        shares['logits'] = shares_of(every[crohme], path[crohme], label[crohme])
        drawn = pooled(every, path, shares['logits'])
        if 'wide' in temperatures:
            path = logits_of(follower, validation['trajectory'][detexify], output='wide')
            shares['wide'] = shares_of(wide, path, wide_label)
            colder = top_label_temperature(pooled(wide, path, shares['wide']), wide_label)
            shares['wide'] = tuple(share / colder for share in shares['wide'])
        inked = source != 'mnist'  # its digits have no strokes
        parameters |= {'trajectories': True, 'drawn_sharpness': sharpness(
            drawn[inked], label[inked], source[inked], facts['labels'], profiles, digits='unipen'),
            'shares': {name: [round(share, 4) for share in both] for name, both in shares.items()}}
        figures['parameters'] += int(follower.count_params())
        figures['CROHME 2013 symbols (validation), strokes known, top-1 error'] = error_of(drawn[crohme], label[crohme])
    to.mkdir(parents=True, exist_ok=True)
    convert(network, temperatures, to / GRAPH, follower, shares)
    for name, module, one, its in trained:
        # Built as training builds it: a network that was read from a .keras names its inner layers otherwise.
        built = module.build(len(its['labels']), len(its['wide']), **its['model'])
        built.set_weights(one.get_weights())
        ship_weights({key: to_numpy(v) for key, v in named_weights(built).items()}, to, name)
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True).stdout.strip()
    document = {
        'kind': 'characters', 'name': 'characters', 'version': version, 'graph': GRAPH,
        'files': describe_files(to, [GRAPH], [name for name, *_ in trained]), 'labels': facts['labels'],
        'inputs': {'ink': 'uint8 [n, 32, 32], 0 paper, 255 ink', **(
            {'trajectory': f'float32 [n, {POINTS}, 3], robot_ai/vision/trajectory.py'} if follower else {})},
        'outputs': {'scores': 'float32 [n, classes]', 'theta': 'float32 [n, 2, 3]'},
        'parameters': {
            'size': SIZE, 'fit': FIT, 'batches': list(BATCHES), 'nothing': 0,
            'temperature': round(temperatures['logits'], 4), **parameters,
            'reject_below': 0.35, 'profiles': profiles,
            'alike': [list(group) for group in FOLDS],
            **({'wide_labels': facts['wide'], 'wide_temperature': round(temperatures['wide'], 4)}
               if 'wide' in temperatures else {})},
        'training': {'command': [its['command'] for *_, its in trained],
                     'data': f"UNIPEN group {facts['held_out']} held out, {', '.join(UNIPEN_VALIDATION)} validate; "
                     f"{facts['samples']} samples", 'commit': commit, 'config': facts['config']},
        'licences': LICENCES, 'figures': figures}
    (to / 'model.yaml').write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110))
    rows = np.flatnonzero(everyday)[:64]
    check(to, softmax(every[rows] / temperatures['logits'], axis=1), validation['ink'][rows])
    if follower:
        rows = np.flatnonzero(crohme)[:64]
        check(to, softmax(drawn[rows], axis=1), validation['ink'][rows], validation['trajectory'][rows])
    (to / 'MODEL_CARD.md').write_text(card(document))
    return document


def _trained(run, module):
    """Return run.json's facts and the best network of a run that `module` built."""
    best = run / 'best.keras'
    if not best.is_file():
        raise ModelError(f'{best}: missing; train first: python -m training train characters --folder {run}')
    return json.loads((run / 'run.json').read_text()), module.load(best)


def check(folder: Path, expected: np.ndarray, ink: np.ndarray, trajectory: np.ndarray | None = None) -> None:
    """Raise ModelError where the exported graph's scores are not those of the trained networks [n, classes]."""
    scores, _ = CharacterRecognizer(folder).scores(ink, trajectory)
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
    parser.add_argument('--trajectory', type=Path, help='the run of config trajectory, whose network reads strokes too')
    parser.add_argument('--to', type=Path, default=Path('models/characters'), help='model folder to write')
    parser.add_argument('--version', default='0.1.0')
    parser.add_argument('--h5', type=Path, help='also write the Keras model as legacy .h5')
    options = parser.parse_args(arguments)
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    document = export(options.folder, options.cache, options.to, options.version, options.trajectory)
    if options.h5:
        from training.characters.model import load
        load(options.folder / 'best.keras').save(options.h5)
    print(f'{options.to}: {document["files"][GRAPH]["bytes"]} bytes, {document["figures"]}')
    return 0
