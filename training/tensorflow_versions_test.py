"""Another TensorFlow than this environment's: the one of Cloud TPU's wheel trains and exports, too (long)."""
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TESTS = ('loop_test.py', 'strategies_test.py', 'litert_test.py', 'layers', 'speech/model_test.py',
         'characters/characters_training_test.py', 'expressions/expressions_training_test.py',
         'whisper/whisper_import_test.py')


@pytest.mark.long
@pytest.mark.parametrize('version', ['2.20'])  # tensorflow-tpu is not newer
def test_training_passes_its_tests_on(version, tmp_path):
    python = tmp_path / 'venv' / 'bin' / 'python'
    for command in ([sys.executable, '-m', 'venv', tmp_path / 'venv'],
                    [python, '-m', 'pip', 'install', '-q', f'tensorflow-cpu=={version}.*', '-e',
                     f'{CHECKOUT}[training,test]']):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    found = subprocess.run([python, '-c', 'import tensorflow; print(tensorflow.__version__)'], capture_output=True,
                           text=True, check=True)
    assert found.stdout.startswith(f'{version}.')
    done = subprocess.run([python, '-m', 'pytest', '-q', '-m', 'not long', '-p', 'no:xdist', '-p', 'no:cacheprovider',
                           *(f'training/{name}' for name in TESTS)], cwd=CHECKOUT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout[-4000:]
