"""Own writing of every format becomes training samples; what is no writing is named."""
import json

import pytest

from robot_ai.errors import ImageError
from training.characters.own import main, own_samples

SEVEN = [[10, 20], [60, 18], [30, 100]]
INKML = """<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">7-</annotation>
<trace id="0">10 20, 60 18, 30 100</trace><trace id="1">90 60, 140 60</trace>
<traceGroup><traceGroup><annotation type="truth">7</annotation><traceView traceDataRef="0"/></traceGroup>
<traceGroup><annotation type="truth">-</annotation><traceView traceDataRef="1"/></traceGroup></traceGroup></ink>"""
UNIPEN = """.PEN_DOWN
10 100
60 102
30 20
.PEN_UP
.SEGMENT CHARACTER 0 ? "7"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'symbols-page.jsonl').write_text(json.dumps({'label': 'ñ', 'writer': 'page', 'strokes': [SEVEN]}))
    (tmp_path / 'sum.inkml').write_text(INKML)
    (tmp_path / 'seven.unp').write_text(UNIPEN)
    return tmp_path


def test_every_format_becomes_samples_of_one_source(folder):
    samples = own_samples([folder])
    assert [sample.label for sample in samples] == ['7', '7', '-', 'ñ']  # files by name
    assert {(sample.source, sample.split) for sample in samples} == {('own', 'train')}
    assert samples[3].strokes == [SEVEN] and samples[1].height > 0  # a symbol of an expression knows its neighbours


@pytest.mark.parametrize('name, text', [('a.jsonl', '{"label": ""}'), ('a.jsonl', 'no'), ('a.inkml', '<ink/>'),
                                        ('a.png', ''), ('b/none', '')])
def test_what_is_no_writing_is_named(tmp_path, name, text, capsys):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    asked = path.parent if name.endswith('none') else path
    with pytest.raises(ImageError, match=asked.name):
        own_samples([asked])
    assert main([str(asked)]) == 1 and asked.name in capsys.readouterr().err
