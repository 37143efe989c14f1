"""What is converted gives what the network gave, with its weights in each of the forms that are shipped."""
import numpy as np
import pytest

from training import litert

tf = pytest.importorskip('tensorflow')


def run(flatbuffer, signature, **inputs):
    from ai_edge_litert.interpreter import Interpreter
    return Interpreter(model_content=flatbuffer).get_signature_runner(signature)(**inputs)


@pytest.mark.parametrize(('weights', 'tolerance'), [('float32', 1e-5), ('float16', 1e-2), ('int8', 5e-2)])
def test_a_layers_weights_come_along(weights, tolerance):
    import keras
    keras.utils.set_random_seed(1)
    layer = keras.layers.Dense(64)
    layer.build((1, 64))
    x = np.random.default_rng(0).normal(size=(1, 64)).astype(np.float32)
    double = tf.function(lambda x: {'y': 2 * layer(x)}, input_signature=[tf.TensorSpec((1, 64), tf.float32, 'x')])
    y = run(litert.to_flatbuffer(layer.variables, {'double': double}, weights), 'double', x=x)['y']
    np.testing.assert_allclose(y, 2 * np.asarray(layer(x)), atol=tolerance)


def test_the_graphs_of_characters_and_expressions_are_their_networks(tmp_path):
    from scipy.special import log_softmax, softmax

    from robot_ai.vision.segmentation import FEATURES
    from training.characters import export as characters
    from training.characters import model as character_model
    from training.characters import trajectory_model
    from training.expressions import export as expressions
    from training.expressions import model as expression_model
    from training.expressions import segmenter
    rng = np.random.default_rng(0)
    network = character_model.build(5, widths=(4, 8, 8))
    follower = trajectory_model.build(5, widths=(4, 8, 8), heads=2)
    characters.convert(network, {'logits': 1.0}, tmp_path / 'characters', follower, {'logits': (0.7, 0.4)})
    ink = rng.integers(0, 256, (1, characters.SIZE, characters.SIZE), np.uint8)
    path = rng.uniform(-1, 1, (1, characters.POINTS, 3)).astype(np.float32)
    graph = (tmp_path / 'characters').read_bytes()
    logits = np.asarray(network(ink[..., None].astype(np.float32) / 255, training=False)['logits'])
    followed = np.asarray(follower(path, training=False)['logits'])
    np.testing.assert_allclose(run(graph, 'classify_1', ink=ink)['scores'], softmax(logits, axis=1), atol=5e-3)
    np.testing.assert_allclose(run(graph, 'classify_drawn_1', ink=ink, trajectory=path)['scores'], softmax(
        0.7 * log_softmax(logits, axis=1) + 0.4 * log_softmax(followed, axis=1), axis=1), atol=5e-3)

    parts = segmenter.build(5, width=8)
    expressions.convert(expression_model.build(5, width=8, heads=2, depth=1), {'segment': parts}, 5,
                        tmp_path / 'expressions')
    given = {'features': rng.normal(size=(expressions.ROWS, FEATURES)).astype(np.float32),
             'scores': rng.dirichlet(np.ones(5), expressions.ROWS).astype(np.float32)}
    found = run((tmp_path / 'expressions').read_bytes(), 'segment', **given)['log_odds']
    np.testing.assert_allclose(found, np.asarray(parts(given, training=False))[:, 0], atol=2e-2)
