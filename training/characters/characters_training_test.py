"""The character trainer: labels, splits by writer, loaders of the users' formats, and that the network learns.

Catches a writer on both sides of a split, a label lost on the way, and a loader that breaks on a broken file.
"""
import gzip
import json
import re
import subprocess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest

from robot_ai.errors import ConfigurationError, ImageError
from robot_ai.vision.trajectory import trajectory_of
from training.characters import batches, data, loaders, prepare, trajectory_data
from training.characters.augment import augmented, plain
from training.characters.compose import no_symbols, spanish_letters
from training.characters.labels import CROHME, SPANISH, fold, to_latex

INKML = """<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">$x^2$</annotation>
<annotation type="writer">w7</annotation><trace id="0">0 0, 10 10 0.5</trace><trace id="1">0 10, 10 0</trace>
<trace id="2">12 0, 14 0, 12 4, 15 4</trace><traceGroup><traceGroup><annotation type="truth">x</annotation>
<traceView traceDataRef="0"/><traceView traceDataRef="1"/></traceGroup><traceGroup><annotation type="truth">2
</annotation><traceView traceDataRef="2"/></traceGroup></traceGroup></ink>"""
UNIPEN = """.WRITER_ID anna
.PEN_DOWN
0 0
10 20
.PEN_UP
11 20
.PEN_DOWN
5 0
5 20
.SEGMENT CHARACTER 0-2 ? "A"
"""


def test_labels():
    assert len(set(CROHME)) == 101
    assert fold('X') == fold('\\times') == fold('x') and fold('0') == fold('o') != fold('x')
    assert to_latex('unipen', '{') == '\\{' and to_latex('unipen', '_') is None
    assert to_latex('mathnote', 'Sigma_up') == '\\Sigma' and to_latex('mathnote', 'dot') == '.'


def test_no_contributor_is_on_both_sides(shared_data):
    for held_out in (0, 3):
        sides = {}
        for sample in data.unipen(shared_data / 'handwriting', held_out):
            sides.setdefault(sample.writer, set()).add(sample.split)
        assert all(len(splits) == 1 for splits in sides.values())
        assert {w for w, s in sides.items() if s == {'test'}} == set(data.UNIPEN_GROUPS[held_out])
    groups = [w for group in data.UNIPEN_GROUPS for w in group]
    assert len(groups) == len(set(groups)) == 15


def test_inkml(tmp_path):
    path = tmp_path / 'a.inkml'
    path.write_text(INKML)
    item = loaders.read_inkml(path)
    assert item['latex'] == '$x^2$' and item['writer'] == 'w7' and len(item['strokes']) == 3
    assert item['symbols'] == [{'label': 'x', 'strokes': [0, 1]}, {'label': '2', 'strokes': [2]}]
    assert [s.label for s in data.cut_symbols(item, 'train')] == ['x', '2']


@pytest.mark.parametrize('broken', ['', '<ink>', '<ink></ink>', INKML.replace('10 10 0.5', '10 ten'),
                                    INKML.replace('traceDataRef="2"', 'traceDataRef="9"'),
                                    '<!DOCTYPE a [<!ENTITY b "c">]><ink>&b;</ink>'])
def test_broken_inkml_is_named(tmp_path, broken):
    path = tmp_path / 'broken.inkml'
    path.write_text(broken)
    with pytest.raises(ImageError, match=r'broken\.inkml'):
        loaders.read_inkml(path)
    (tmp_path / 'good.inkml').write_text(INKML)
    said = []
    assert len(list(loaders.read_inkml_folder(tmp_path, said.append))) == 1 and len(said) == 1


def test_unipen_file(tmp_path):
    path = tmp_path / 'u.dat'
    path.write_text(UNIPEN)
    found = loaders.read_unipen(path)
    assert found == [{'label': 'A', 'writer': 'anna', 'strokes': [[[0, 0], [10, -20]], [[5, 0], [5, -20]]]}]
    for bad in (UNIPEN.replace('0-2', '0-7'), UNIPEN.replace('10 20', 'ten 20')):
        path.write_text(bad)
        with pytest.raises(ImageError, match=r'u\.dat: line'):
            loaders.read_unipen(path)


def test_idx(tmp_path):
    path = tmp_path / 'x.gz'
    header = b'\0\0\x08\x03' + b''.join(n.to_bytes(4, 'big') for n in (2, 3, 4))
    path.write_bytes(gzip.compress(header + bytes(range(24))))
    assert data.read_idx(path).shape == (2, 3, 4)
    for bad in (b'', header, b'\0\0\x09\x01\0\0\0\0', b'\0\0\x08'):
        path.write_bytes(gzip.compress(bad))
        with pytest.raises(ImageError, match=r'x\.gz'):
            data.read_idx(path)
    path.write_bytes(b'no gzip')
    with pytest.raises(ImageError, match=r'x\.gz'):
        data.read_idx(path)


def test_broken_lines_are_named(tmp_path):
    path = tmp_path / 'x.jsonl'
    path.write_text(json.dumps({'a': 1}) + '\n{')
    with pytest.raises(ImageError, match='line 2'):
        list(data.read_lines(path))


def test_distorted_batches_are_functions_of_the_step(tmp_path):
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 256, (30, 32, 32)).astype(np.uint8)
    facts = {'labels': ['', 'a', 'b'], 'wide': ['\\oplus', 'b'], 'sources': ['crohme', 'detexify']}
    (tmp_path / 'facts.json').write_text(json.dumps(facts))
    source = (np.arange(30) % 2).astype(np.int8)
    np.savez(tmp_path / 'index.npz', label=np.where(source, -1, np.arange(30) % 3).astype(np.int32), source=source,
             wide=np.where(source, np.arange(30) // 2 % 2, -1).astype(np.int32))
    np.save(tmp_path / 'variant_0.npy', ink)
    np.savez(tmp_path / 'validation.npz', source=source)
    cache = batches.Cache(tmp_path)
    made = batches.Batches(cache, 200, {'crohme': 0.25, 'detexify': 0.75}, 0.3, seed=4, distortion=0.5)
    first, again, other = made.batch(7), made.batch(7), made.batch(8)
    assert all((first[key] == again[key]).all() for key in first) and (first['ink'] != other['ink']).any()
    assert ((first['label'] >= 0) ^ (first['wide'] >= 0)).all()
    assert 0.6 < (first['wide'] >= 0).mean() < 0.9
    plain_ones = batches.Batches(cache, 200, {'crohme': 0.25, 'detexify': 0.75}, 0.3, seed=4)
    assert {a.tobytes() for a in plain_ones.batch(7)['ink']} <= {a.tobytes() for a in ink}
    (tmp_path / 'index.npz').unlink()
    np.savez(tmp_path / 'index.npz', label=source, source=source)
    with pytest.raises(ConfigurationError, match='earlier version'):
        batches.Cache(tmp_path)


def test_plain_drawings_become_more_and_another_process_opens_the_cache_anew(random_drawings):
    with pytest.raises(ConfigurationError, match='--undistorted'):
        batches.Batches(batches.Cache(random_drawings), 8, {'mnist': 1}, 0, seed=1, plain=(0.2, 0.6))
    np.save(random_drawings / 'variant_plain.npy', np.zeros((80, 32, 32), np.uint8))
    np.save(random_drawings / 'variant_0.npy', np.ones((80, 32, 32), np.uint8))
    np.save(random_drawings / 'variant_1.npy', np.full((80, 32, 32), 2, np.uint8))
    made = batches.Batches(batches.Cache(random_drawings), 4000, {'mnist': 1}, 0, seed=1, plain=(0.2, 0.6), steps=10)
    for step, share in ((0, 0.2), (5, 0.4), (10, 0.6)):
        views = np.bincount(made.batch(step)['ink'][:, 0, 0], minlength=3) / 4000
        np.testing.assert_allclose(views, [share, (1 - share) / 2, (1 - share) / 2], atol=0.04)
    packed = bytes(ForkingPickler.dumps(made))
    assert b'memmap' not in packed  # drawings stay where they are
    for key, value in ForkingPickler.loads(packed).batch(3).items():
        np.testing.assert_array_equal(value, made.batch(3)[key])


def test_processes_draw_what_one_draws(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    samples = [data.Sample(str(i % 10), source, None, 'train', [rng.uniform(0, 90, (5, 2)).tolist()])
               for i, source in enumerate(['crohme', 'unipen', 'detexify'] * 9)]
    samples.append(data.Sample('1', 'mnist', None, 'train', picture=np.eye(28, dtype=np.uint8) * 255))
    digits = [str(i) for i in range(10)]
    monkeypatch.setattr(prepare, 'read_samples', lambda *_: (samples, samples[::3], ['', *digits], digits))
    monkeypatch.setattr(prepare, 'CHUNK', 10)
    for processes in (1, 2):
        prepare.write(tmp_path / str(processes), tmp_path, 2, 1, 0, undistorted=True, processes=processes)
    one, two = (batches.Cache(tmp_path / name) for name in '12')
    assert len(one.variants) == 3 and one.plain == 2
    for a, b in zip([*one.variants, *one.validation.values()], [*two.variants, *two.validation.values()]):
        np.testing.assert_array_equal(a, b)
    assert (one.variants[0] != one.variants[1]).any()
    np.testing.assert_array_equal(one.validation['ink'], one.variants[2][::3])


def test_composed_samples_and_views():
    rng = np.random.default_rng(0)
    line = [[[0, 0], [40, 90]]]
    letters = [data.Sample(label, 'unipen', 'w', 'train', line * (2 if label == 'i' else 1))
               for label in ('n', 'a', 'i', '/', '\\sim', '.', 'N')]
    made = spanish_letters(letters, 2, rng)
    assert {s.label for s in made} == {'á', 'í', 'ñ', 'Ñ'} and all(s.source == 'composed' for s in made)
    assert set(SPANISH) >= {s.label for s in made}
    item = {'writer': None, 'strokes': [[[0, 0], [9, 9]], [[20, 0], [29, 9]]],
            'symbols': [{'label': 'x', 'strokes': [0]}, {'label': 'y', 'strokes': [1]}]}
    for sample in [*made, *no_symbols([item], 6, rng), data.Sample('1', 'mnist', None, 'train', picture=np.eye(
            28, dtype=np.uint8) * 255)]:
        for view in (augmented(sample, rng), plain(sample)):
            assert view.shape == (32, 32) and view.dtype == np.uint8 and view.any()


@pytest.mark.parametrize('transformer', ['affine', None])
def test_network_overfits_sixteen_inks(transformer):
    tf = pytest.importorskip('tensorflow')
    import keras

    from training.characters.model import build
    from training.characters.train import loss_sums
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    batch = {'ink': rng.integers(0, 256, (16, 32, 32)).astype(np.uint8), 'label': (np.arange(16) % 5).astype(np.int32)}
    model = build(5, widths=(8, 8, 8), dropout=0.0, transformer=transformer)
    optimizer = keras.optimizers.Adam(0.01)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            sums = loss_sums(model, batch, True)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(sums['loss'], variables), variables))
        return sums
    for _ in range(60):
        last = step()
    assert float(last['error']) == 0
    assert ('theta' in model.output_names or 'theta' in model.output) == bool(transformer)


def test_a_deeper_network_begins_as_the_shallow_one():
    pytest.importorskip('tensorflow')
    from training.characters.model import build
    model = build(5, 3, widths=(8, 8, 16), first=4, blocks=2)
    assert sum(layer.name.endswith('_join') for layer in model.layers) == 6  # of the blocks
    ink = np.random.default_rng(0).random((2, 32, 32, 1)).astype(np.float32)
    out = model(ink)
    assert out['logits'].shape == (2, 5) and out['wide'].shape == (2, 3)
    block = model.get_layer('down1_block0_relu')
    before = model.get_layer('join1')
    import keras
    values = keras.Model(model.input, [before.output, block.output])(ink)
    np.testing.assert_allclose(np.asarray(values[0]), np.asarray(values[1]))  # a block adds nothing at first


@pytest.mark.timeout(1800)  # JAX starts, and compiles, in a process of its own
def test_figures_told_by_jax_are_those_of_the_network_it_kept(random_drawings, tmp_path):
    pytest.importorskip('tensorflow')
    from training import backends_test
    from training.characters import model, train
    done = subprocess.run(
        [backends_test.python_of('jax'), '-c', backends_test.CHARACTERS, str(random_drawings), str(tmp_path / 'run'),
         '2', 'jax'], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-2000:]
    told = dict(re.findall(r'(\w+) ([\d.]+)', done.stdout.split('validation ')[1]))
    found = train.Validation(batches.Cache(random_drawings), tmp_path)(model.load(tmp_path / 'run' / 'best.keras'))
    assert found == pytest.approx({key: float(value) for key, value in told.items()}, abs=1e-4)


def test_two_outputs_learn_from_rows_that_have_only_one():
    pytest.importorskip('tensorflow')
    from training.characters.model import build
    from training.characters.train import loss_sums, rectified, take_weights
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 256, (6, 32, 32)).astype(np.uint8)
    model = build(5, 9, widths=(8, 8, 8))
    some = {'ink': ink, 'label': np.array([0, 1, 2, -1, -1, -1], np.int32),
            'wide': np.array([-1, -1, -1, 3, 4, 5], np.int32)}
    both = float(loss_sums(model, some, False)['loss'])
    parts = [float(loss_sums(model, {**some, key: np.full(6, -1, np.int32)}, False)['loss'])
             for key in ('label', 'wide')]
    assert both == pytest.approx(sum(parts), rel=1e-5) and min(parts) > 0
    views = rectified(model, ink)  # an untrained transformer is the identity
    assert views.shape == (6, 32, 65, 1) and (views[:, :, :32] == views[:, :, 33:]).all()
    narrower = build(5, widths=(8, 8, 8))
    assert take_weights(model, narrower) > 5
    np.testing.assert_array_equal(model.get_layer('logits').get_weights()[0],
                                  narrower.get_layer('logits').get_weights()[0])


def test_a_run_trains_evaluates_goes_on_and_is_trained_on_once_shipped(random_drawings, tmp_path, monkeypatch, capsys):
    pytest.importorskip('tensorflow')
    from training.characters import train
    cache = random_drawings
    config = train.read_config('shipped')
    monkeypatch.setattr(config, 'MODEL', {'widths': (8, 8, 8), 'wide_width': 8})
    monkeypatch.setattr(config, 'LOOP', dict(config.LOOP, evaluate_every=2))
    monkeypatch.setattr(config, 'BATCH', 8)
    for steps in ('2', '4'):
        assert train.main(['--cache', str(cache), '--folder', str(tmp_path / 'run'), '--steps', steps]) == 0
    assert (tmp_path / 'run' / 'best.keras').is_file() and list((tmp_path / 'run' / 'tensorboard').iterdir())
    _train_on_from_the_shipped_weights(tmp_path, monkeypatch, cache, capsys)


def _train_on_from_the_shipped_weights(tmp_path, monkeypatch, cache, capsys):
    from robot_ai.model_store import load_model
    from training.characters import export, model, train
    from training.weights import named_weights, read_arrays
    monkeypatch.setattr(export, 'check', lambda *_: None)  # a network of two steps may be anything
    shipped = tmp_path / 'shipped'
    document = export.export(tmp_path / 'run', cache, shipped, '1')
    weights = shipped / 'weights.npz'
    assert document['files'][weights.name]['for'] == 'training' and set(document['files']) == {
        'characters.tflite', 'weights.npz'}
    trained = model.load(tmp_path / 'run' / 'best.keras')
    stored = read_arrays(weights)
    assert all(array.dtype == np.float16 for array in stored.values())
    np.testing.assert_allclose(stored['stem/kernel'], trained.get_layer('stem').get_weights()[0], rtol=1e-3, atol=1e-6)
    other = model.build(11, 2, widths=(8, 8, 8), wide_width=8)
    count = len(named_weights(other))
    for init, told in ((shipped, f'{count} of {count} weights'), (weights, f'{count} of {count} weights'),
                       (tmp_path / 'run' / 'best.keras', 'layers taken')):
        assert told in train.start_from(other, init)
        ink = np.zeros((2, 32, 32, 1), np.float32)
        np.testing.assert_allclose(np.asarray(other(ink)['wide']), np.asarray(trained(ink)['wide']), atol=5e-3)
    assert train.main(['--cache', str(cache), '--folder', str(tmp_path / 'more'), '--steps', '1', '--init',
                       str(shipped)]) == 0
    assert f'shipped: {count} of {count} weights taken' in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match='nothing in it fits'):
        np.savez(tmp_path / 'other.npz', a=np.zeros(3))
        train.start_from(other, tmp_path / 'other.npz')
    weights.unlink()  # the robot does not need it
    assert load_model(shipped, 'characters').labels[1] == '0'


def test_strokes_bend_and_change_places_but_stay_strokes():
    rng = np.random.default_rng(0)
    seven = trajectory_of([[[0, 0], [60, 0], [25, 100]], [[10, 50], [50, 50]]])
    path = np.stack([seven, trajectory_of([[[3, 3]]])] * 500)
    made = trajectory_data.distorted(path, rng, np.repeat([0.0, 1.0], 500))
    np.testing.assert_allclose(made[:500], path[:500], atol=1e-6)
    np.testing.assert_array_equal(made[..., 2], path[..., 2])
    assert not made[1::2].any(axis=1)[:, :2].any()  # dots are dots
    moved = made[500::2, :, :2]
    np.testing.assert_allclose(np.abs(moved).max(axis=(1, 2)), 1, atol=1e-5)
    off = np.hypot(*(moved - seven[:, :2]).transpose(2, 0, 1)).mean(axis=1)
    assert 0.03 < np.median(off) < 0.2 and off.max() < 0.6
    mixed = trajectory_data.reordered(path[::2], rng, share=0.3)
    other = (mixed != seven).any(axis=(1, 2))
    assert 0.35 < other.mean() < 0.55  # of those whose strokes may change places half stay as they are
    assert all({tuple(np.sort(np.split(row, np.flatnonzero(row[1:, 2]) + 1)[n][:, 0])) for n in (0, 1)} ==
               {tuple(np.sort(part[:, 0])) for part in np.split(seven, np.flatnonzero(seven[1:, 2]) + 1)}
               for row in mixed)


def test_a_pens_path_trains_beside_the_ink_and_reads_with_it(random_drawings, tmp_path, monkeypatch, capsys):
    pytest.importorskip('tensorflow')
    from robot_ai.vision.characters import CharacterRecognizer
    from training.characters import export, train
    for name, small in (('shipped', {'widths': (8, 8, 8), 'wide_width': 8}),
                        ('trajectory', {'widths': (8, 8, 8), 'heads': 2, 'wide_width': 8})):
        config = train.read_config(name)
        monkeypatch.setattr(config, 'MODEL', small)
        monkeypatch.setattr(config, 'LOOP', dict(config.LOOP, evaluate_every=2))
        monkeypatch.setattr(config, 'BATCH', 8)
        assert train.main(['--config', name, '--cache', str(random_drawings), '--folder', str(tmp_path / name),
                           '--steps', '2']) == 0
    both = tmp_path / 'both'
    document = export.export(tmp_path / 'shipped', random_drawings, both, '1', tmp_path / 'trajectory')
    assert document['files']['weights-trajectory.npz']['for'] == 'training' and 'drawn' in (
        both / 'MODEL_CARD.md').read_text()
    assert train.main(['--config', 'trajectory', '--cache', str(random_drawings), '--folder', str(tmp_path / 'more'),
                       '--steps', '1', '--init', str(both)]) == 0
    told = re.search(r'both: (\d+) of (\d+) weights taken', capsys.readouterr().out)
    assert told and told.group(1) == told.group(2)
    recognizer = CharacterRecognizer(both)
    assert recognizer.reads_trajectories
    rng = np.random.default_rng(3)
    drawings = [[rng.uniform(0, 90, (9, 2)), rng.uniform(0, 90, (4, 2))] for _ in range(20)]
    scores = recognizer.drawn_scores(drawings)
    assert scores.shape == (20, 11)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-3)
    turned = recognizer.drawn_scores([[stroke[::-1] for stroke in strokes] for strokes in drawings])
    assert (np.abs(turned - scores).max(axis=1) > 0).all()  # the pictures are the same, the paths are not
    assert recognizer.look_up(drawings[0]).candidates[0].score > 0
    with pytest.raises(ConfigurationError, match='without trajectories'):
        (random_drawings / 'trajectory.npy').unlink()
        train.main(['--config', 'trajectory', '--cache', str(random_drawings), '--folder', str(tmp_path / 'none')])


def test_ink_and_path_are_weighed_by_what_each_tells():
    pytest.importorskip('tensorflow')
    from training.characters.export import pooled, shares_of
    rng = np.random.default_rng(2)
    label = rng.integers(0, 20, 3000)
    good, bad = rng.standard_normal((2, 3000, 20))
    good[np.arange(3000), label] += 3.0
    bad[np.arange(3000), label] += 1.0
    first, second = shares_of(good, bad, label)
    assert first > 2 * second > 0
    assert (pooled(good, bad, (first, second)).argmax(1) == label).mean() > (good.argmax(1) == label).mean()
    assert abs(shares_of(good, rng.standard_normal((3000, 20)), label)[1]) < 0.1


def test_each_profile_is_calibrated_on_writing_like_its_own():
    pytest.importorskip('tensorflow')
    from training.characters.export import sharpness
    rng = np.random.default_rng(0)
    labels = ['', *'0123456789', 'a', 'b']
    label = rng.integers(1, 11, 2000)
    told = np.where(rng.random(2000) < 0.7, label, rng.integers(1, 11, 2000))  # right in 73 of 100
    logits = 8.0 * np.eye(13)[told]  # and as sure as could be
    source = np.where(np.arange(2000) % 10, 'mnist', 'unipen')
    found = sharpness(logits, label, source, labels, {'digits': list('0123456789'), 'mathematics': ['a']})
    assert set(found) == {'', 'digits'}  # no CROHME, no letters here
    scaled = np.exp(8 * found['digits'])
    assert 0.65 < scaled / (scaled + 9) < 0.8


def test_the_best_score_says_how_often_it_is_right():
    pytest.importorskip('tensorflow')
    from scipy.special import softmax

    from training.characters.export import temperature_of, top_label_temperature
    rng = np.random.default_rng(1)
    label = rng.integers(0, 300, 4000)
    logits = rng.standard_normal((4000, 300))
    # Seen surely, or not at all: no temperature is right for both, and the cross-entropy minds the latter most.
    logits[np.arange(4000), np.where(rng.random(4000) < 0.6, label, rng.integers(0, 300, 4000))] += 6.0

    def off(temperature):
        best = softmax(logits / temperature, axis=1)
        return abs(best.max(axis=1).mean() - (best.argmax(axis=1) == label).mean())
    assert off(top_label_temperature(logits, label)) < off(temperature_of(logits, label)) / 2
