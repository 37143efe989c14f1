"""The shipped character model reads plain symbols, says nothing about blank paper and noise, and obeys `allowed`."""
import numpy as np
import pytest

from robot_ai.errors import ModelError
from robot_ai.vision.characters import CharacterRecognizer
from robot_ai.vision.ink import render_strokes

CIRCLE = [[50 + 40 * np.cos(a), 50 + 50 * np.sin(a)] for a in np.linspace(0, 2 * np.pi, 30)]
WRITTEN = {
    '+': [[[0, 50], [100, 50]], [[50, 0], [50, 100]]],
    '=': [[[0, 30], [100, 30]], [[0, 70], [100, 70]]],
    '7': [[[0, 0], [60, 0], [25, 100]]],
    '4': [[[35, 0], [0, 60], [70, 60]], [[50, 30], [50, 100]]],
    'L': [[[0, 0], [0, 100], [55, 100]]],
    '\\rightarrow': [[[0, 50], [100, 50]], [[70, 25], [100, 50], [70, 75]]],
}


@pytest.fixture(scope='module')
def recognizer():
    return CharacterRecognizer()


@pytest.mark.parametrize('label', WRITTEN)
def test_plain_symbols_are_read(recognizer, label):
    reading = recognizer.recognize_strokes(WRITTEN[label])
    assert reading.latex == label
    assert 1 >= reading.score > 0.4
    assert [c.score for c in reading.candidates] == sorted((c.score for c in reading.candidates), reverse=True)
    assert reading.theta.shape == (2, 3)


def test_a_picture_and_its_strokes_are_read_alike(recognizer):
    picture = render_strokes(WRITTEN['4'])
    for image in (picture, 255 - picture, np.repeat(picture[..., None], 3, axis=2)):
        assert recognizer.recognize(image).latex == '4'


@pytest.mark.parametrize('picture', [np.full((90, 70), 230, np.uint8), np.zeros((1, 1), np.uint8),
                                     np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)])
def test_nothing_is_read_from_blank_or_noise(recognizer, picture):
    assert recognizer.recognize(picture).candidates == ()
    assert recognizer.read(picture) == []


def test_allowed_labels_decide_between_look_alikes(recognizer):
    assert recognizer.recognize_strokes([CIRCLE], allowed='digits').latex == '0'
    assert recognizer.recognize_strokes([CIRCLE], allowed=['o']).latex == 'o'
    with pytest.raises(ModelError, match='profile'):
        recognizer.recognize_strokes([CIRCLE], allowed='runes')


def test_batches_of_any_length_agree(recognizer):
    from robot_ai.vision.ink import ink_of_strokes
    inks = [ink_of_strokes(strokes) for strokes in WRITTEN.values()] * 4
    together, _ = recognizer.scores(inks)
    assert together.shape == (24, len(recognizer.labels))
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-3)
    alone = np.concatenate([recognizer.scores([ink])[0] for ink in inks])
    np.testing.assert_allclose(together, alone, atol=5e-3)


def test_a_page_gives_symbols_with_boxes_in_order(recognizer):
    page = np.full((200, 420), 235, np.uint8)
    for x, label in ((40, '7'), (170, '+'), (300, '4')):
        drawn = render_strokes(WRITTEN[label])
        page[60:60 + drawn.shape[0], x:x + drawn.shape[1]] = drawn
    found = recognizer.read(page)
    assert [s.candidates[0].latex for s in found] == ['7', '+', '4']
    assert [round(s.box.x, -1) for s in found] == [50, 180, 310]


def test_a_sign_is_looked_up_among_detexifys(recognizer):
    for drawing in (WRITTEN['\\rightarrow'], render_strokes(WRITTEN['\\rightarrow'])):
        arrow = recognizer.look_up(drawing)
        assert len(arrow.candidates) == 5 and all('arrow' in c.latex for c in arrow.candidates[:2])
    assert recognizer.look_up(np.full((40, 40), 255, np.uint8)).candidates == ()
    assert len(recognizer.wide_labels) == len(set(recognizer.wide_labels)) > 700


def test_the_model_stays_small(recognizer):
    assert recognizer.info.graph.stat().st_size <= 6_000_000  # with Detexify's classes and the trajectory's network
    with np.load(recognizer.info.folder / 'weights.npz') as weights:
        picture = sum(2 * weights[key].size for key in weights.files if 'wide' not in key)  # float16
    assert 1_500_000 < picture <= 3_000_000


def test_real_handwriting_of_validation_is_read(recognizer, shared_data):
    from itertools import islice

    from training.characters.data import crohme
    samples = list(islice((s for s in crohme(shared_data / 'handwriting', 'validation-2013')
                           if s.label in recognizer.labels), 300))
    right = {'drawn': 0, 'picture': 0, 'backwards': 0}
    for sample in samples:
        pen = 0.06 * sample.height
        backwards = [stroke[::-1] for stroke in sample.strokes[::-1]]
        for way, reading in (('drawn', recognizer.recognize_strokes(sample.strokes, pen, 'mathematics')),
                             ('picture', recognizer.recognize(render_strokes(sample.strokes, pen), 'mathematics')),
                             ('backwards', recognizer.recognize_strokes(backwards, pen, 'mathematics'))):
            right[way] += reading.latex == sample.label
    assert right['drawn'] >= right['picture'] >= 0.75 * len(samples)
    assert right['backwards'] >= 0.75 * len(samples)  # whoever writes another way is read, too


def test_scores_are_calibrated_by_profile(recognizer, monkeypatch):
    monkeypatch.setattr(recognizer, 'sharpness', {'': 0.5, 'digits': 2.0})
    scores = np.full((1, len(recognizer.labels)), 0.5 / (len(recognizer.labels) - 1), np.float32)
    scores[0, recognizer.labels.index('3')] = 0.5
    plain = recognizer.restrict(scores, ['3', '5'])  # a list of its own: as all labels
    digits, everything = recognizer.restrict(scores, 'digits'), recognizer.restrict(scores, None)
    assert all(abs(row.sum() - 1) < 1e-5 for row in (plain, digits, everything))
    assert everything.max() < 0.2 < plain.max() < digits.max() and digits.argmax() == plain.argmax()
