"""Changed input of every kind: a fixed share here, a million cases in the long mode (test/fuzz/fuzz.py; FUZZ_CASES)."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import NODES, SHARES, run
from fuzz_targets import TARGETS

FAST = {'payload_json': 2000, 'image': 2000, 'audio_message': 1000, 'page_frames': 300, 'memory': 60, 'yaml_files': 60,
        'corpora': 300, 'compressed_image': 500, 'upload': 300, 'language_model': 50, 'sound_file': 100, 'dialogue': 15,
        'training_yaml': 30, 'model_yaml': 10, 'bag': 10, 'sound_stream': 100, 'page_writing': 40}


@pytest.mark.parametrize('name', TARGETS)
def test_only_errors_for_the_user_come_out(name, tmp_path):
    assert run(name, range(FAST[name]), folder=tmp_path)['cases'] == FAST[name]


@pytest.mark.ros
@pytest.mark.parametrize('name', NODES)
def test_no_message_ends_a_node(name, tmp_path):
    pytest.importorskip('rclpy')
    assert run(f'node {name}', range(300), folder=tmp_path)['cases'] == 300


def test_a_case_comes_back_by_its_number():
    from mutations import Mutator
    assert Mutator('0/x/7').json({'a': [1, 'b']}) == Mutator('0/x/7').json({'a': [1, 'b']})
    assert len({Mutator(f'0/x/{n}').json({'a': [1, 'b']}) for n in range(50)}) > 25


@pytest.mark.long
def test_a_million_cases():
    cases = os.environ.get('FUZZ_CASES', '1000000')
    done = subprocess.run([sys.executable, str(Path(__file__).with_name('fuzz.py')), '--cases', cases], text=True,
                          stdout=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout.count(' refused ') == len(SHARES), done.stdout
