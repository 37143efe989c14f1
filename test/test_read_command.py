"""`robot-ai read`: what it prints and writes, and its exit status, for good, blank and broken pictures."""
import json
import re

import cv2
import numpy as np
import pytest

from robot_ai.cli import main
from robot_ai.vision.ink import draw_polylines

SEVEN_PLUS = [[[0, 0], [60, 0], [25, 100]], [[100, 50], [180, 50]], [[140, 10], [140, 90]]]


@pytest.fixture
def pictures(tmp_path):
    page = np.full((240, 320), 220, np.uint8)
    blank = page.copy()
    draw_polylines(page, [np.array(s, np.float32) + 60 for s in SEVEN_PLUS], 5, 40)
    for suffix in ('png', 'jpg', 'tiff', 'webp'):
        cv2.imwrite(str(tmp_path / f'page_1.{suffix}'), page)
    cv2.imwrite(str(tmp_path / 'blank.png'), blank)
    (tmp_path / 'broken.png').write_bytes(b'\x89PNG\r\n\x1a\nnothing')
    (tmp_path / 'empty.jpg').write_bytes(b'')
    return tmp_path


def test_every_format_is_read(pictures, capsys):
    names = [str(pictures / f'page_1.{s}') for s in ('png', 'jpg', 'tiff', 'webp')]
    assert main(['read', *names]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split('\t')[:2] for line in lines] == [[name, '7 +'] for name in names]


def test_blank_paper_is_said_and_is_no_failure(pictures, capsys):
    assert main(['read', str(pictures / 'blank.png')]) == 0
    assert 'nothing here' in capsys.readouterr().out


def test_unreadable_files_fail_and_the_others_are_read(pictures, capsys):
    names = [str(pictures / n) for n in ('broken.png', 'empty.jpg', 'absent.png', 'page_1.png')]
    assert main(['read', *names]) == 1
    printed = capsys.readouterr()
    assert '7 +' in printed.out
    assert len(printed.err.splitlines()) >= 3 and 'Traceback' not in printed.err
    assert all(name in printed.err for name in names[:3])


def test_json_has_boxes_and_candidates(pictures, capsys):
    assert main(['read', '--json', str(pictures / 'page_1.png')]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['kind'] == 'expression' and result['latex'] == '7 +'
    assert [item['candidates'][0]['latex'] for item in result['items']] == ['7', '+']
    assert all(len(item['box']) == 4 for item in result['items'])
    assert 0 < result['confidence'] <= 1 and result['seconds'] >= 0
    assert all(0 <= c['confidence'] <= 1 for item in result['items'] for c in item['candidates'])


def test_a_single_symbol(pictures, capsys):
    page = cv2.imread(str(pictures / 'page_1.png'))[40:180, 40:130]
    cv2.imwrite(str(pictures / 'seven.png'), page)
    assert main(['read', '--symbol', '--json', str(pictures / 'seven.png')]) == 0
    assert json.loads(capsys.readouterr().out)['latex'] == '7'


def test_tex_is_a_whole_document(pictures, capsys):
    out = pictures / 'out.tex'
    assert main(['read', '--tex', str(out), str(pictures / 'page_1.png'), str(pictures / 'blank.png')]) == 0
    text = out.read_text()
    assert text.startswith('\\documentclass') and text.rstrip().endswith('\\end{document}')
    assert '\\[ 7 + \\]' in text and 'page\\_1.png' in text
    assert len(re.findall(r'(?<!\\){', text)) == len(re.findall(r'(?<!\\)}', text))
    assert main(['read', '--tex', str(pictures / 'no' / 'out.tex'), str(pictures / 'blank.png')]) == 1


def test_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['read'])
    assert stopped.value.code == 2


def test_a_sign_is_looked_up(pictures, capsys):
    sign = np.full((160, 240), 225, np.uint8)
    for line in ([[0, 50], [100, 50]], [[70, 25], [100, 50], [70, 75]]):
        draw_polylines(sign, [np.array(line, np.float32) + 50], 5, 40)
    cv2.imwrite(str(pictures / 'sign.png'), sign)
    assert main(['read', '--look-up', str(pictures / 'sign.png'), str(pictures / 'blank.png')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6 and 'arrow' in lines[0] and 'nothing here' in lines[-1]
    scores = [float(line.split('\t')[2]) for line in lines[:5]]
    assert scores == sorted(scores, reverse=True)
