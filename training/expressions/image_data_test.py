"""The image model's rows: what they hold and when, composed formulas, and one scale for strokes and pictures.

Guards against rows whose tokens, places and ink disagree.
"""
import numpy as np

from robot_ai.vision.layout import RELATIONS
from training.expressions.composed import Exchange, Formula, cut, read, write
from training.expressions.image_data import CANVASES, CELL, PAD, Batches, canvas_of_picture
from training.expressions.image_tokens import END, to_latex, vocabulary_of
from training.expressions.pictures import picture_of

RIGHT, SUP, ABOVE, BELOW = (RELATIONS.index(name) for name in ('right', 'sup', 'above', 'below'))


def line(*points):
    return np.array(points, np.float32)


def box(left, top, width, height):
    return [line((left, top), (left + width, top), (left + width, top + height), (left, top + height), (left, top))]


def power(x=0.0):
    """Return x ^ 2 = 1: two crossing strokes, a raised box, two bars, one bar upright."""
    return Formula(['x', '2', '=', '1'],
                   [[line((x, 40), (x + 40, 80)), line((x + 40, 40), (x, 80))], box(x + 45, 10, 20, 24),
                    [line((x + 90, 55), (x + 130, 55)), line((x + 90, 68), (x + 130, 68))],
                    [line((x + 160, 36), (x + 160, 82))]],
                   [-1, 0, 0, 2], [RIGHT, SUP, RIGHT, RIGHT])


def fraction():
    """Return a fraction of two boxes of different height."""
    return Formula(['a', '-', 'b'], [box(20, 0, 40, 24), [line((0, 34), (80, 34))], box(20, 44, 40, 36)],
                   [1, -1, 1], [ABOVE, RIGHT, BELOW])


def as_item(formula):
    strokes = [stroke.tolist() for strokes in formula.ink for stroke in strokes]
    counts = np.cumsum([0, *map(len, formula.ink)])
    symbols = [{'label': label, 'strokes': list(range(a, b))}
               for label, a, b in zip(formula.labels, counts, counts[1:])]
    return {'strokes': strokes, 'symbols': symbols, 'latex': to_latex(formula.tokens()[0])}


CONFIG = {'pixels': 2 * 48 * 128, 'cuts': 0, 'exchanged': 0, 'shares': (1.0, 0.0, 0.0), 'grow': 1}


def batches_of(*sources, **changes):
    vocabulary = vocabulary_of(f.tokens()[0] for f in sources)
    return Batches(list(sources), vocabulary, {**CONFIG, **changes}, seed=3)


def test_a_row_says_what_stands_where():
    batches = batches_of(power())
    batch = batches.batch(5)
    assert {key: value.shape for key, value in batch.items()} == {
        'picture': (2, 48, 128), 'cells': (2, 40), 'tokens': (2, 16), 'place': (2, 16, 40), 'seen': (2, 16, 40),
        'owner': (2, 40)}
    for key, value in batches.batch(5).items():
        np.testing.assert_array_equal(value, batch[key])  # a function of the step alone
    assert (batches.batch(6)['picture'] != batch['picture']).any()
    for row in range(2):
        tokens = [batches.vocabulary[t] for t in batch['tokens'][row] if t != PAD]
        assert tokens == ['x', '^', '2', '}', '=', '1', END]
        columns = batch['cells'][row] % (128 // CELL)
        middles = [columns[batch['place'][row, u] > 0].mean() for u in range(6)]
        x, power_sign, two, close, equals, one = middles
        assert x < two < equals < one and power_sign == two and close == x
        assert not batch['place'][row, 6:].any() and not batch['seen'][row, 0].any()
        np.testing.assert_allclose(batch['seen'][row, 1:7].sum(axis=1), 1, rtol=1e-6)
        assert (batch['place'][row, :6][batch['seen'][row, 1:7] > 0] == 1).all()
        inked = batch['cells'][row][batch['cells'][row] >= 0]
        for cell in inked:
            y, x = CELL * (cell // 16), CELL * (cell % 16)
            assert batch['picture'][row, y:y + CELL, x:x + CELL].max() >= 64
        assert {batches.vocabulary[t] for t in batch['owner'][row] if t != PAD} == {'x', '2', '=', '1'}


def test_long_formulas_wait_for_their_step():
    many = Formula(['1'] * 9, [[line((20 * i, 0), (20 * i, 40))] for i in range(9)], [*range(-1, 8)], [RIGHT] * 9)
    batches = batches_of(power(), many, grow=1000)
    for first, longest in ((0, 7), (1000, 10)):
        assert max((batches.batch(first + n)['tokens'] >= 0).sum(axis=1).max() for n in range(6)) == longest


def test_parts_and_exchanges_are_formulas():
    sources, rng = [power(), fraction(), power(300.0)], np.random.default_rng(1)
    found = {to_latex(cut(sources[n % 2], rng).tokens()[0]) for n in range(200)}
    assert {'x ^ { 2 }', '2', '= 1', 'x ^ { 2 } = 1', 'a', '\\frac { a } { b }'} <= found
    assert 'x' not in found  # what hangs on a symbol comes with it
    exchange, others = Exchange(sources), set()
    for _ in range(100):
        other = exchange(sources[0], rng)
        others.add(to_latex(other.tokens()[0]))
        assert other.relations == sources[0].relations and len(other.boxes()) == 4
        assert np.abs(other.boxes() - sources[0].boxes()).max() < 20
    assert {'x ^ { 2 } = 1', 'a ^ { 2 } = 1', 'x ^ { 1 } = 1'} <= others
    assert not {latex for latex in others if '+' in latex or 'b' in latex}  # letters of other shapes stay away


def test_formulas_are_written_and_read(tmp_path):
    write(tmp_path / 'train.jsonl', [power(), fraction()])
    for before, after in zip([power(), fraction()], read(tmp_path / 'train.jsonl')):
        assert before.tokens() == after.tokens()
        np.testing.assert_array_equal(before.boxes(), after.boxes())


def test_a_picture_and_strokes_give_one_scale():
    picture, cells, number = canvas_of_picture(picture_of(as_item(power()), height=50))
    assert number == 0 and picture.shape == (48, 128)
    drawn = batches_of(power()).batch(0)['picture']
    for each in (picture, *drawn):
        inked = np.flatnonzero(each.max(axis=0) >= 64)
        assert 45 < inked[-1] - inked[0] < 95
    assert canvas_of_picture(np.full((40, 60), 255, np.uint8)) is None


def test_canvases_hold_whole_cells():
    assert all(c.height % CELL == 0 and c.width % CELL == 0 for c in CANVASES)
