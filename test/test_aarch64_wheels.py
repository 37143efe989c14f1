"""Every run-time dependency can be had on an ARM computer without a compiler (long: asks the registry)."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


PLATFORMS = ['manylinux_2_17_aarch64', 'manylinux2014_aarch64', 'manylinux_2_26_aarch64', 'manylinux_2_27_aarch64',
             'manylinux_2_28_aarch64', 'linux_aarch64']


def requirements():
    """Return setup.py's install_requires as a list of requirement strings."""
    text = (CHECKOUT / 'setup.py').read_text()
    block = re.search(r'install_requires=\[(.*?)\]', text, re.DOTALL).group(1)
    return re.findall(r"'([^']+)'", block)


@pytest.mark.long
@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12', '3.13'])
@pytest.mark.parametrize('requirement', requirements())
def test_wheel_for_aarch64(requirement, python, tmp_path):
    command = [sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:',
               '-d', str(tmp_path),
               '--python-version', python, '--implementation', 'cp']
    for platform in PLATFORMS:
        command += ['--platform', platform]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, env=os.environ, timeout=600)
    assert done.returncode == 0 and list(tmp_path.glob('*.whl')), done.stderr[-500:]
