"""Fixtures of the training tests: the shared data, and a quiet TensorFlow on few threads."""
import os
from pathlib import Path

import pytest

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def shared_data():
    """Return the folder of the shared data; the test is skipped, and says so, where there is none."""
    folder = CHECKOUT.parent / 'shared' / 'data'
    if not folder.is_dir():
        pytest.skip('needs the shared data beside the checkout (../shared/data)')
    return folder
