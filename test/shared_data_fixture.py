"""The fixture `shared_data`, for the tests of robot_ai and of training."""
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def shared_data():
    """Return the folder of the shared data; the test is skipped, and says so, where there is none."""
    folder = CHECKOUT.parent / 'shared' / 'data'
    if not folder.is_dir():
        pytest.skip('needs the shared data beside the checkout (../shared/data)')
    return folder
