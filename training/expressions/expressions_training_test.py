"""The tree search against brute force, LaTeX trees' round trip, and that the parser network learns one formula."""
import itertools

import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from robot_ai.vision.latex_tree import leaves, normal_form, parse
from robot_ai.vision.layout import latex_of
from robot_ai.vision.parsing import best_tree, spanning_tree
from training.expressions.trees import tree_of


def _is_tree(parents, count):
    for start in range(count):
        node, steps = start, 0
        while node != count:
            node, steps = parents[node], steps + 1
            if steps > count:
                return False
    return sum(p == count for p in parents) == 1


@pytest.mark.parametrize('seed', range(12))
def test_spanning_tree_is_the_best_of_all(seed):
    count = 4
    scores = np.random.default_rng(seed).normal(size=(count + 1, count))
    scores[range(count), range(count)] = -1e6
    best = max(sum(scores[p, c] for c, p in enumerate(parents))
               for parents in itertools.product(range(count + 1), repeat=count) if _is_tree(parents, count))
    found = spanning_tree(scores)
    assert _is_tree(found, count)
    assert sum(scores[p, c] for c, p in enumerate(found)) == pytest.approx(best)


def test_two_children_never_share_a_place():
    edges = np.full((4, 3, 6), -9.0)
    edges[3, 0, 0] = 0.0  # symbol 0 is the root
    edges[0, 1, 0], edges[0, 2, 0], edges[1, 2, 0] = -0.1, -0.2, -0.5  # both want to stand right of it
    parents, relations = best_tree(edges)
    assert parents == [-1, 0, 1] and relations == [0, 0, 0]


def test_equal_labels_are_told_apart_by_place():
    item = {'latex': '\\frac{1}{1}', 'strokes': [[[0, 50], [100, 50]], [[50, 60], [50, 99]], [[50, 0], [50, 40]]],
            'symbols': [{'label': '-', 'strokes': [0]}, {'label': '1', 'strokes': [1]},
                        {'label': '1', 'strokes': [2]}]}
    tree = tree_of(item)
    assert tree.parents == [-1, 0, 0]
    assert [('right', 'sup', 'sub', 'above', 'below', 'inside')[r] for r in tree.relations[1:]] == ['below', 'above']
    assert tree_of({**item, 'latex': '\\frac{1}{2}'}) is None


@pytest.mark.parametrize(('latex', 'same'), [
    ('$x^{2}_{1}$', 'x_1 ^ 2'), ('\\left( a \\right)', '(a)'), ('\\sqrt[3]{x+1}', '\\sqrt [ {3} ] {{x} + 1}'),
    ("f'", 'f^{\\prime}'), ('\\sum\\limits_{i=0}^n i', '\\sum_{i=0}^{n} i')])
def test_normal_form_forgives_what_it_says(latex, same):
    assert normal_form(latex) == normal_form(same)
    assert normal_form(latex_of(parse(latex))) == normal_form(latex)


def test_normal_form_forgives_nothing_else():
    assert normal_form('x^2') != normal_form('x_2') != normal_form('x2')
    assert [n.label for n in leaves(parse('\\frac{a}{b}+c'))] == ['-', 'a', 'b', '+', 'c']
    for broken in ('{x', 'x}', 'x^', '\\frac{1}'):
        with pytest.raises(Exception, match='formula|expected|unbalanced|argument'):
            normal_form(broken)


def test_parser_network_learns_a_formula():
    pytest.importorskip('tensorflow')
    import keras

    from training.expressions.model import build
    from training.expressions.train import loss_sums
    keras.utils.set_random_seed(0)
    count, classes = 5, 7
    model = build(classes, count, width=16, heads=2, depth=1, dropout=0.0)
    rng = np.random.default_rng(0)
    batch = {'scores': rng.dirichlet(np.ones(classes), (2, count)).astype('float32'),
             'boxes': np.sort(rng.uniform(0, 5, (2, count, 4)), axis=-1).astype('float32')[..., [0, 1, 2, 3]],
             'mask': np.array([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]], 'float32'),
             'label': rng.integers(0, classes, (2, count)).astype('int32'),
             'parent': np.array([[5, 0, 1, 2, 0], [5, 0, 0, 0, 0]], 'int32'),
             'relation': np.array([[0, 0, 1, 2, 0], [0, 3, 4, 0, 0]], 'int32')}
    import tensorflow as tf
    optimizer = keras.optimizers.Adam(0.02)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            sums = loss_sums(model, batch, True)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(sums['loss'], variables), variables))
        return sums
    first = float(step()['loss'])
    for _ in range(60):
        last = step()
    assert float(last['loss']) < 0.2 * first
    assert float(last['edge_error']) == 0


def formulas(folder, rows=40):
    """Write a cache of formulas `a a 2 = b` whose scores say the label, and in the last class the symbol's number."""
    from training.expressions.data import MAX_SYMBOLS, ROOT_INDEX
    labels = ['', 'a', 'b', 'c', '2', '3', '=', 'number']
    label = np.zeros((rows, MAX_SYMBOLS), np.int16)
    label[:, :5] = [1, 1, 4, 6, 2]
    label[1::2, 0] = 3
    scores = 100.0 * np.eye(len(labels), dtype=np.float16)[label]
    scores[..., -1] = np.arange(label.size).reshape(label.shape)  # exact in float16 below 2048
    np.savez(folder / 'train.npz', scores=scores, label=label, count=np.full(rows, 5, np.int16),
             labels=np.array(labels), boxes=np.zeros((rows, MAX_SYMBOLS, 4), np.float32),
             relation=np.zeros_like(label), parent=np.full_like(label, ROOT_INDEX))
    return folder / 'train.npz'


def test_renaming_is_consistent_and_brings_scores_of_the_new_name(tmp_path):
    from training.expressions.data import Batches
    batches = Batches(formulas(tmp_path), 32, 1, renamed=1.0)
    before = batches.rows['label'].copy()
    chosen = np.tile(np.arange(0, 40, 2), 5)  # a a 2 = b
    rows = batches.changed(chosen, np.random.default_rng(0))
    label = rows['label']
    np.testing.assert_array_equal(label[:, 0], label[:, 1])
    assert (label[:, 0] != 1).any()
    assert (label[:, 3] == 6).all() and (label[:, 4] == 2).all()  # = is in no group, b alone in its own
    assert set(label[:, 0]) == {1, 3} and set(label[:, 2]) == {4}  # a 3 is written nowhere: it has no scores
    np.testing.assert_array_equal(rows['scores'][:, :5, :-1].argmax(axis=2), label[:, :5])
    np.testing.assert_array_equal(batches.rows['label'], before)


def test_an_exchanged_symbol_is_scored_as_another_of_its_name(tmp_path):
    from training.expressions.data import Batches
    batches = Batches(formulas(tmp_path), 32, 1, exchanged=1.0)
    rows = batches.changed(np.arange(40), np.random.default_rng(0))
    np.testing.assert_array_equal(rows['label'], batches.rows['label'])
    moved = (rows['scores'][:, :5, -1] != batches.rows['scores'][:, :5, -1]).any(axis=1)
    assert 10 < moved.sum() < 30  # half of the formulas
    np.testing.assert_array_equal(rows['scores'][:, :5, :-1].argmax(axis=2), rows['label'][:, :5])
    assert not rows['scores'][:, 5:, :-1].argmax(axis=2).any()  # nothing is written there
    plain = Batches(tmp_path / 'train.npz', 32, 1)
    np.testing.assert_array_equal(plain.changed(np.arange(40), np.random.default_rng(0))['scores'],
                                  plain.rows['scores'])


def test_a_cache_without_names_is_refused(tmp_path):
    from training.expressions.data import Batches
    arrays = dict(np.load(formulas(tmp_path)))
    np.savez(tmp_path / 'old.npz', **{key: value for key, value in arrays.items() if key != 'labels'})
    with pytest.raises(ConfigurationError, match='earlier version'):
        Batches(tmp_path / 'old.npz', 32, 1)


def test_an_export_holds_what_each_networks_training_goes_on_from(tmp_path, monkeypatch):
    pytest.importorskip('tensorflow')
    import json

    import keras

    from robot_ai.model_store import load_model
    from robot_ai.paths import share_directory
    from training.expressions import export, model, segmenter
    from training.expressions.data import ROOT_INDEX
    from training.weights import initial_weights, load_weights, write_weights
    classes, sizes = 7, {'width': 16, 'heads': 2, 'depth': 1}
    networks = {'parser': model.build(classes, **sizes), 'segmenter': segmenter.build(classes, width=8),
                'pieces': segmenter.build(classes, width=8)}
    for name, network in networks.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / 'run.json').write_text(json.dumps(
            {'classes': classes, 'model': sizes, 'command': name, 'parameters': network.count_params()}))
        network.save(tmp_path / name / 'best.keras')
    write_weights(networks['parser'], [v.numpy() for v in networks['parser'].trainable_variables],
                  str(tmp_path / 'parser' / 'best.weights.npz'))
    np.savez(tmp_path / 'parser' / 'train.npz', count=[2, 1], label=[[4, 5, 0], [4, 0, 0]],
             parent=[[ROOT_INDEX, 0, 0], [ROOT_INDEX, 0, 0]], relation=[[0, 1, 0], [0, 0, 0]])
    monkeypatch.setattr(export, 'check', lambda *_: None)  # it asks the labels of the shipped characters
    out = tmp_path / 'expressions'
    export.export(tmp_path / 'parser', {'segment': tmp_path / 'segmenter', 'segment_pieces': tmp_path / 'pieces'},
                  share_directory() / 'models' / 'characters', out, '1', tmp_path / 'keras')
    counts = np.load(load_model(out, 'expressions').file('pairs.npz'))['counts']
    assert counts.sum() == 3 and counts[0, classes, 4] == 2 and counts[1, 4, 5] == 1
    for name, network in networks.items():
        other = model.build(classes, **sizes) if name == 'parser' else segmenter.build(classes, width=8)
        load_weights(other, initial_weights(out, f'weights-{name}.npz'))
        for one, value in zip(other.trainable_variables, network.trainable_variables):
            np.testing.assert_allclose(one.numpy(), value.numpy(), rtol=1e-3, atol=1e-6)
    for name, file in (('parser', 'parser'), ('segmenter', 'segment'), ('pieces', 'segment_pieces')):
        loaded = keras.models.load_model(tmp_path / 'keras' / f'{file}.keras')
        for one, value in zip(loaded.weights, networks[name].weights, strict=True):
            np.testing.assert_array_equal(one.numpy(), value.numpy())
