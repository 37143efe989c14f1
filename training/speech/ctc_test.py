"""CTC: our recursion against TensorFlow's dense form, values and gradients, and rows that cannot be trained on."""
import numpy as np
import pytest
import tensorflow as tf

from training.speech.ctc import ctc_loss, feasible, recursion

ROWS, FRAMES, LABELS, WIDTH = 5, 13, 7, 4


@pytest.fixture
def case():
    """Rows of several lengths; row 3 repeats a label, row 4 needs every frame."""
    rng = np.random.default_rng(1)
    logits = tf.constant(rng.standard_normal((ROWS, FRAMES, LABELS)) * 2, tf.float32)
    frames = np.array([13, 9, 5, 8, 7], np.int32)
    tokens = np.array([[1, 2, 3, 4], [6, 5, 0, 0], [2, 0, 0, 0], [3, 3, 1, 0], [2, 2, 2, 2]], np.int32)
    count = np.array([4, 2, 1, 3, 4], np.int32)
    return logits, frames, tokens, count


def test_two_frames_by_hand():
    log_probs = np.log(np.array([[[0.5, 0.3, 0.2], [0.6, 0.1, 0.3]]], np.float32))
    got = recursion(log_probs, np.array([2], np.int32), np.array([[1]], np.int32), np.array([1], np.int32))
    # 'a' in two frames: a a, a blank, blank a.
    assert float(got[0]) == pytest.approx(-np.log(0.3 * 0.1 + 0.3 * 0.6 + 0.5 * 0.1), abs=1e-6)


@pytest.mark.parametrize('jit', [False, True])
def test_equals_the_dense_form(case, jit):
    logits, frames, tokens, count = case

    @tf.function(jit_compile=jit)
    def ours(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = recursion(tf.nn.log_softmax(logits), frames, tokens, count)
        return loss, tape.gradient(loss, logits)

    with tf.GradientTape() as tape:
        tape.watch(logits)
        reference = tf.nn.ctc_loss(tokens, logits, count, frames, logits_time_major=False, blank_index=0)
    loss, gradient = ours(logits)
    np.testing.assert_allclose(loss, reference, atol=1e-4)
    np.testing.assert_allclose(gradient, tape.gradient(reference, logits), atol=1e-5)


def test_kernel_and_recursion_agree(case):
    logits, frames, tokens, count = case
    log_probs = tf.nn.log_softmax(logits)
    sparse, _ = ctc_loss(log_probs, frames, tokens, count)
    own, _ = ctc_loss(log_probs, frames, tokens, count, xla=True)
    np.testing.assert_allclose(sparse, own, atol=1e-4)


def test_labels_that_do_not_fit_are_masked(case):
    logits, frames, tokens, count = case
    frames = np.array([3, 9, 5, 4, 6], np.int32)  # row 0: 4 labels; row 4: 4 equal labels need 7 frames
    count = np.array([4, 2, 0, 3, 4], np.int32)  # row 2: nothing was said
    for xla in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss, usable = ctc_loss(tf.nn.log_softmax(logits), frames, tokens, count, xla)
        gradient = tape.gradient(loss, logits).numpy()
        assert usable.numpy().tolist() == [0, 1, 0, 1, 0]
        assert np.isfinite(gradient).all() and not gradient[[0, 2, 4]].any() and gradient[[1, 3]].any()
    assert feasible(frames, tokens, count).numpy().tolist() == [0, 1, 0, 1, 0]
