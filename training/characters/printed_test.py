"""Printed pages hold ink in one of the fonts, and a folder without fonts is named."""
import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.characters.printed import FONTS, fonts, printed_page


def test_pages_are_written_and_differ():
    if not list(FONTS.rglob('*.ttf')):
        pytest.skip('no outline fonts on this machine')
    rng = np.random.default_rng(0)
    pages = [printed_page(rng, fonts(), 3) for _ in range(4)]
    assert all(p.shape == (480, 640) and p.dtype == np.uint8 and np.ptp(p.astype(int)) > 60 for p in pages)
    assert len({p.tobytes() for p in pages}) == 4


def test_a_folder_without_fonts_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match='no fonts'):
        fonts(tmp_path)
