"""docs/reference.md says what the code says: a parameter, topic, key or option that changes changes it too."""
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.mark.ros
@pytest.mark.timeout(1200)
def test_the_reference_is_what_the_code_says():
    pytest.importorskip('rclpy')
    result = subprocess.run([sys.executable, 'test/make_reference.py', '--check'], cwd=CHECKOUT, text=True,
                            capture_output=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
