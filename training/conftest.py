"""Fixtures of the training tests: the shared data, and a quiet TensorFlow on few threads."""
import json
import os

import numpy as np
import pytest
from shared_data_fixture import shared_data  # noqa: F401

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')


@pytest.fixture
def random_drawings(tmp_path):
    """Return a small cache of drawings and paths, all random, as training.characters.prepare writes them."""
    rng = np.random.default_rng(0)
    cache, labels = tmp_path / 'drawings', ['', *'0123456789']
    cache.mkdir()
    sources = ['crohme', 'detexify', 'mnist', 'unipen']
    (cache / 'facts.json').write_text(json.dumps(
        {'labels': labels, 'wide': ['\\oplus', '\\ominus'], 'sources': sources, 'held_out': 1, 'seed': 0}))
    source = (np.arange(80) % 4).astype(np.int8)
    rows = {'source': source, 'label': np.where(source == 1, -1, 1 + np.arange(80) % 10).astype(np.int32),
            'wide': np.where(source == 1, np.arange(80) // 4 % 2, -1).astype(np.int32)}
    ink = rng.integers(0, 256, (80, 32, 32)).astype(np.uint8)
    np.savez(cache / 'index.npz', **rows)
    path = np.concatenate([rng.uniform(-1, 1, (80, 64, 2)), np.arange(64)[None, :, None] % 40 == np.zeros((80, 1, 1))],
                          axis=2).astype(np.float16)
    np.save(cache / 'trajectory.npy', path)
    np.savez(cache / 'validation.npz', ink=ink, trajectory=path, **rows)
    np.save(cache / 'variant_0.npy', ink)
    return cache
