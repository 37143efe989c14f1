"""`python -m training export expressions`: the parser's and the segmenter's runs to the model folder.

Signatures: `parse_N` (scores [1, N, classes], boxes [1, N, 4], mask [1, N] -> labels, edges) for a few N, `segment`
(features [64, 18], scores [64, classes] -> log_odds [64]) for strokes and the like `segment_pieces` for pictures.

Example:
  python -m training export expressions --parser ~/runs/parser --segmenter ~/runs/segmenter \
      --pieces ~/runs/pieces --to models/expressions

"""
import argparse
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import yaml

from robot_ai.errors import ModelError
from robot_ai.model_store import describe_files, load_model
from robot_ai.vision import pairs
from robot_ai.vision.layout import RELATIONS
from robot_ai.vision.parsing import FormulaParser
from robot_ai.vision.segmentation import FEATURES
from training import litert
from training.expressions.data import ROOT_INDEX

SIZES = (8, 16, 32, 64)  # symbols
ROWS = 64  # groups a call of `segment`
GRAPH = 'expressions.tflite'
WEIGHTS = {'parser': 'weights-parser.npz', 'segment': 'weights-segmenter.npz', 'segment_pieces': 'weights-pieces.npz'}


def convert(parser, segmenters: dict, classes: int, path: Path) -> None:
    """Write the LiteRT graph, weights as float16. `segmenters`: signature -> network."""
    import tensorflow as tf
    def parse(scores, boxes, mask):
        out = parser({'scores': scores, 'boxes': boxes, 'mask': mask}, training=False)
        return {'labels': tf.nn.softmax(out['labels']), 'edges': out['edges']}

    def segment(network):
        return tf.function(lambda features, scores: {
            'log_odds': network({'features': features, 'scores': scores}, training=False)[:, 0]})
    signatures = {f'parse_{n}': tf.function(parse).get_concrete_function(
        scores=tf.TensorSpec((1, n, classes), tf.float32, 'scores'),
        boxes=tf.TensorSpec((1, n, 4), tf.float32, 'boxes'),
        mask=tf.TensorSpec((1, n), tf.float32, 'mask')) for n in SIZES}
    for name, network in segmenters.items():
        signatures[name] = segment(network).get_concrete_function(
            features=tf.TensorSpec((ROWS, FEATURES), tf.float32, 'features'),
            scores=tf.TensorSpec((ROWS, classes), tf.float32, 'scores'))
    variables = [v for network in (parser, *segmenters.values()) for v in network.variables]
    path.write_bytes(litert.to_flatbuffer(variables, signatures, 'float16'))


def export(parser_run: Path, runs: dict[str, Path], characters: Path, to: Path, version: str,
           networks: Path | None = None) -> dict:
    """Write `to`/expressions.tflite, the weights, model.yaml and MODEL_CARD.md; returns model.yaml's document.

    `runs`: the segmenters' run folders by signature, 'segment' and 'segment_pieces'. `networks`: a folder for Keras's
    own format, too.
    """
    import keras

    from training.expressions import model
    from training.weights import load_weights, named_weights, ship_weights, to_numpy
    facts = {name: json.loads((run / 'run.json').read_text())
             for name, run in (('parser', parser_run), *runs.items())}
    classes = facts['parser']['classes']
    parser = model.build(classes, **facts['parser']['model'])
    load_weights(parser, parser_run / 'best.weights.npz')
    segmenters = {}
    for name, run in runs.items():
        if not (run / 'best.keras').is_file():
            raise ModelError(f'{run}: holds no best.keras; train the segmenter there first')
        segmenters[name] = keras.models.load_model(run / 'best.keras', compile=False)
    to.mkdir(parents=True, exist_ok=True)
    convert(parser, segmenters, classes, to / GRAPH)
    if not (parser_run / 'train.npz').is_file():
        raise ModelError(f'{parser_run}: holds no train.npz, the cache whose pairs of symbols are counted')
    np.savez_compressed(to / pairs.FILE, counts=count_pairs(np.load(parser_run / 'train.npz'), classes))
    for name, network in (('parser', parser), *segmenters.items()):
        ship_weights({key: to_numpy(v) for key, v in named_weights(network).items()}, to, WEIGHTS[name])
        if networks:
            networks.mkdir(parents=True, exist_ok=True)
            network.save(networks / f'{name}.keras')
    base = load_model(characters, 'characters')
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True).stdout.strip()
    document = {
        'kind': 'expressions', 'name': 'expressions', 'version': version, 'graph': GRAPH,
        'files': describe_files(to, [GRAPH, pairs.FILE], WEIGHTS.values()), 'labels': list(base.labels),
        'inputs': {'scores': 'float32 [1, n, classes]', 'boxes': 'float32 [1, n, 4]', 'mask': 'float32 [1, n]'},
        'outputs': {'labels': 'float32 [1, n, classes]', 'edges': 'float32 [1, n + 1, n, 6]'},
        'parameters': {'sizes': list(SIZES), 'segment_rows': ROWS, 'segmenters': list(segmenters),
                       'relations': list(RELATIONS),
                       'characters_sha256': base.sha256},
        'training': {'command': [f['command'] for f in facts.values()], 'commit': commit,
                     'data': 'CROHME training expressions, scored by the character model'},
        'licences': {'crohme': 'CROHME, CC BY-NC-SA 3.0: non-commercial'},
        'figures': {'parameters': sum(f['parameters'] for f in facts.values())}}  # others: evaluate --record
    (to / 'model.yaml').write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110))
    (to / 'MODEL_CARD.md').write_text(card(document))
    check(to, parser, classes)
    return document


def count_pairs(rows, classes: int) -> np.ndarray:
    """Return how often each label hangs on each, by each relation: uint16 [6, classes + 1, classes].

    `rows`: of the parser's cache, training.expressions.data.cache. The last parent is the formula's beginning.
    """
    counts = np.zeros((len(RELATIONS), classes + 1, classes), np.int64)
    labels, parents = rows['label'].astype(int), rows['parent'].astype(int)
    at, child = np.nonzero(np.arange(labels.shape[1]) < rows['count'][:, None])
    parent = parents[at, child]
    begins = parent == ROOT_INDEX
    above = np.where(begins, classes, labels[at, np.where(begins, 0, parent)])
    np.add.at(counts, (rows['relation'][at, child], above, labels[at, child]), 1)
    return np.minimum(counts, 65535).astype(np.uint16)


def check(folder: Path, parser, classes: int) -> None:
    """Raise ModelError where the exported graph's edges are not those of the trained network."""
    from robot_ai.vision.parsing import normalized_boxes
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.full(classes, 0.05), 5).astype(np.float32)
    boxes = np.cumsum(rng.uniform(1, 9, (5, 4)), axis=1).astype(np.float32)
    labels, edges = FormulaParser(load_model(folder, 'expressions')).run(scores, boxes)
    out = parser({'scores': scores[None], 'boxes': normalized_boxes(boxes)[None], 'mask': np.ones((1, 5), 'float32')})
    difference = float(np.abs(np.exp(edges) - np.exp(np.asarray(out['edges'])[0])).max())
    if difference > 0.03:
        raise ModelError(f'{folder}: the exported graph differs from the network by {difference}')


def card(document: dict) -> str:
    """Return MODEL_CARD.md for a model.yaml document."""
    figures = ''.join(f'| {name} | {value} |\n' for name, value in document['figures'].items())
    return f"""# expressions {document['version']}

Three small networks on top of the character model: one segmenter says which strokes are one symbol, another which
pieces of ink in a picture, and the parser corrects the symbols' labels by what surrounds them and gives the places
(right, above right, below right, above, below, inside) from which robot_ai.vision.parsing
makes the layout tree and its LaTeX. Works with the character model whose labels it names; retrain all after a new
character model for full accuracy.

## Trained on

CROHME's training expressions (CC BY-NC-SA 3.0: non-commercial, share alike; these weights are to be taken so too).
Commands: {', '.join(f'`{c}`' for c in document['training']['command'])}, commit {document['training']['commit']}.

## Figures

| measured | value |
| --- | --- |
{figures}
## Limits

Formulas of CROHME's kind: fractions, roots, scripts, sums, integrals, limits; no text. Matrices are found by rules
(robot_ai/vision/matrices.py), their cells read like formulas: no fractions in them, and no matrices. In pictures,
symbols that touch each other are read as one. At most {SIZES[-1]} symbols (longer ones fall back to rules).
"""


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training export expressions', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parser', type=Path, required=True, help="the parser's run")
    parser.add_argument('--segmenter', type=Path, required=True, help="the run of config segmenter, for strokes")
    parser.add_argument('--pieces', type=Path, required=True, help='the run of config pieces, for pictures')
    parser.add_argument('--characters', type=Path, default=Path('models/characters'))
    parser.add_argument('--to', type=Path, default=Path('models/expressions'))
    parser.add_argument('--version', default='0.1.0')
    parser.add_argument('--keras', type=Path, help='also write the networks to this folder as .keras (legacy .h5 '
                        'cannot hold networks of these layers)')
    options = parser.parse_args(arguments)
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    runs = {'segment': options.segmenter, 'segment_pieces': options.pieces}
    document = export(options.parser, runs, options.characters, options.to, options.version,
                      options.keras)
    print(f'{options.to}: {document["files"][GRAPH]["bytes"]} bytes')
    return 0
