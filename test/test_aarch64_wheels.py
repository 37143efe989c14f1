"""Everything that the robot needs to run can be had on an ARM computer without a compiler (long: asks the registry)."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PLATFORMS = ('manylinux_2_17_aarch64', 'manylinux2014_aarch64', 'manylinux_2_26_aarch64', 'manylinux_2_27_aarch64',
             'manylinux_2_28_aarch64', 'linux_aarch64')
SOURCE_ONLY = ('docopt',)  # num2words needs it; pure Python, published without a wheel


def requirements():
    """Return setup.py's install_requires as a list of requirement strings."""
    text = (CHECKOUT / 'setup.py').read_text()
    block = re.search(r'install_requires=\[(.*?)\]', text, re.DOTALL).group(1)
    return re.findall(r"'([^']+)'", block)


def pip(*arguments):
    done = subprocess.run([sys.executable, '-m', 'pip', *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.long
@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12', '3.13'])
def test_all_requirements_and_theirs_have_wheels_for_aarch64(python, tmp_path):
    made, got = tmp_path / 'made', tmp_path / 'got'
    pip('wheel', '-q', '--no-deps', '-w', str(made), *SOURCE_ONLY)
    assert all(wheel.name.endswith('-none-any.whl') for wheel in made.iterdir())  # no compiler, any machine
    pip('download', '-q', '--only-binary=:all:', '--find-links', str(made), '-d', str(got), '--implementation', 'cp',
        '--python-version', python, *(part for platform in PLATFORMS for part in ('--platform', platform)),
        *requirements())
    names = {re.sub(r'[-_.]+', '-', wheel.name.partition('-')[0]).lower() for wheel in got.glob('*.whl')}
    asked = {re.sub(r'[-_.]+', '-', re.split(r'[<>=!~\[]', text)[0]).lower() for text in requirements()}
    assert asked <= names
    assert not [wheel.name for wheel in got.iterdir() if 'x86_64' in wheel.name]
