"""Every tutorial does what it says: its blocks run in order and print what the text shows.

A tutorial that needs a program names it in its second line (`<!-- needs: espeak-ng -->`), one that is heavy says so
(`<!-- long -->`).
"""
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from tutorial_runner import CHECKOUT, Tutorial, blocks

TUTORIALS = sorted((CHECKOUT / 'docs' / 'tutorials').glob('*.md'))
MODULES = ('rclpy', 'tensorflow', 'apache_beam')  # needs that are Python packages; the others are programs


def marked(path: Path):
    comments = re.findall(r'<!-- (.*?) -->', path.read_text('utf-8'))
    marks = [pytest.mark.timeout(1800)] + [pytest.mark.long] * ('long' in comments)
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize('path', [marked(path) for path in TUTORIALS])
def test_the_tutorial_does_what_it_says(path, tmp_path):
    for needs in re.findall(r'<!-- needs: (.*?) -->', path.read_text('utf-8')):
        for name in needs.split(', '):
            if not (find_spec(name) if name in MODULES else shutil.which(name)):
                pytest.skip(f'needs {name}')
    Tutorial(path, tmp_path).run()


def tutorial(tmp_path, text):
    path = tmp_path / 'tried.md'
    path.write_text(text)
    (tmp_path / 'work').mkdir()
    return Tutorial(path, tmp_path / 'work')


def test_blocks_run_in_order_and_files_are_written(tmp_path):
    text = '```yaml my/a.yaml\nx: 1\n```\n\n```sh\ncat my/a.yaml\n```\n\n```text\nx: ...\n```\n'
    tutorial(tmp_path, text).run()
    assert (tmp_path / 'work' / 'my' / 'a.yaml').read_text() == 'x: 1\n'


@pytest.mark.parametrize('block', [
    '```sh\necho one\n```\n\n```text\ntwo\n```\n',  # another output
    '```sh\nfalse\ntrue\n```\n',  # a command that fails, though a later one does not
    '```sh background\nfalse\n```\n',  # a program in the background that has failed
])
def test_a_text_that_is_wrong_fails(tmp_path, block):
    with pytest.raises(AssertionError):
        tutorial(tmp_path, block).run()


@pytest.mark.parametrize('text', ['```python\nprint(1)\n```\n', '```text\nout of nowhere\n```\n'])
def test_a_block_that_would_not_be_tried_is_refused(text):
    with pytest.raises(ValueError, match='line 1'):
        blocks(text)
