"""A model folder that is missing, truncated or altered is refused by name, never run."""
import pytest
import yaml

from robot_ai.errors import ModelError
from robot_ai.model_store import describe_files, find_model, load_model


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'model.tflite').write_bytes(b'0123456789')
    document = {'kind': 'characters', 'name': 'tiny', 'version': '1', 'graph': 'model.tflite',
                'labels': ['a', 1], 'parameters': {}, 'files': describe_files(tmp_path, ['model.tflite'])}
    (tmp_path / 'model.yaml').write_text(yaml.safe_dump(document))
    return tmp_path


def test_whole_model_is_read(folder):
    info = load_model(folder, 'characters')
    assert info.labels == ('a', '1')
    assert info.graph.read_bytes() == b'0123456789'


@pytest.mark.parametrize('damage, message', [
    (lambda f: (f / 'model.tflite').unlink(), 'model.tflite: missing'),
    (lambda f: (f / 'model.tflite').write_bytes(b'01234'), '5 bytes, expected 10'),
    (lambda f: (f / 'model.tflite').write_bytes(b'012345678X'), 'SHA-256'),
    (lambda f: (f / 'model.yaml').unlink(), 'model.yaml: missing'),
    (lambda f: (f / 'model.yaml').write_text('kind: ['), 'cannot be read'),
    (lambda f: (f / 'model.yaml').write_text('- 1'), 'expected a mapping'),
    (lambda f: (f / 'model.yaml').write_text('kind: characters'), 'lacks name'),
    (lambda f: (f / 'model.yaml').write_text((f / 'model.yaml').read_text().replace(
        'model.tflite:', '../model.tflite:')), 'not listed'),
])
def test_damaged_model_is_refused_by_name(folder, damage, message):
    damage(folder)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def test_what_only_training_needs_may_be_missing_or_other_but_the_graph_may_not(folder):
    (folder / 'weights.npz').write_bytes(b'weights')
    path = folder / 'model.yaml'
    document = yaml.safe_load(path.read_text())
    document['files'] = describe_files(folder, ['model.tflite'], ['weights.npz'])
    assert document['files']['weights.npz']['for'] == 'training' and 'for' not in document['files']['model.tflite']
    path.write_text(yaml.safe_dump(document))
    (folder / 'weights.npz').write_bytes(b'others')
    load_model(folder)
    (folder / 'weights.npz').unlink()
    with pytest.raises(ModelError, match='lists no file'):
        load_model(folder).file('weights.npz')
    document['files']['model.tflite']['for'] = 'training'  # would get past the check
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ModelError, match='not listed under files'):
        load_model(folder)


def test_wrong_kind_is_refused(folder):
    with pytest.raises(ModelError, match="expected 'speech'"):
        load_model(folder, 'speech')


def test_yaml_cannot_run_code(folder):
    (folder / 'model.yaml').write_text('!!python/object/apply:os.system ["true"]')
    with pytest.raises(ModelError, match='cannot be read'):
        load_model(folder)


def test_find_model_wants_exactly_one(folder, tmp_path):
    assert find_model('characters', folder) == folder
    with pytest.raises(ModelError, match='no such model folder'):
        find_model('speech', tmp_path.parent / 'nowhere')
