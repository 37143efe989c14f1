"""robot_ai.testing: expectations are written, read and compared; differences read well."""
import pytest

from robot_ai.errors import ConfigurationError
from robot_ai.testing import HeardText, HeardWord, Outcome, SeenSymbol, differences, load_outcome


def outcome():
    words = (HeardWord('qué', 1.0, 1.2), HeardWord('hora', 1.25, 1.5))
    return Outcome([HeardText('qué hora', 1.0, words), HeardText('sí', 4.0)], [SeenSymbol('\\frac{1}{2}', 2.5)],
                   ['saludo', 'reposo'], ['Hola.', 'Son las dos.'])


def test_what_is_saved_is_loaded(tmp_path):
    outcome().save(tmp_path / 'expected.yaml')
    assert load_outcome(tmp_path / 'expected.yaml') == outcome()
    assert 'qué' in (tmp_path / 'expected.yaml').read_text(encoding='utf-8')


def test_equal_outcomes_do_not_differ_and_absent_sections_are_not_compared():
    assert differences(outcome(), outcome()) == []
    assert differences(Outcome(None, None, None, ['Hola.', 'Son las dos.']), outcome()) == []


def test_another_text_is_shown_between_its_neighbours():
    got = outcome()
    got.say = ['Hola.', 'Son las tres.']
    assert differences(outcome(), got) == [
        'say: expected (-) and got (+)', '    Hola.', '  - Son las dos.', '  + Son las tres.']


def test_times_may_differ_by_20_ms_and_no_more():
    got = outcome()
    got.transcripts[0] = HeardText('qué hora', 1.0, (HeardWord('qué', 1.02, 1.2), HeardWord('hora', 1.25, 1.521)))
    assert differences(outcome(), got) == [
        "transcripts: 'qué hora': 'hora' expected at 1.250-1.500 s, got 1.250-1.521 s"]
    got.symbols = [SeenSymbol('\\frac{1}{2}', 2.6)]
    assert len(differences(outcome(), got)) == 2


@pytest.mark.parametrize('text, reason', [
    ('say: [', 'not YAML'), ('words: []', "unknown section 'words'"), ('- 1', 'expected the sections'),
    ('transcripts: [{start: 1}]', "'text'"), ('symbols: [{latex: x, at: soon}]', 'soon')])
def test_a_file_of_another_form_is_refused(tmp_path, text, reason):
    (tmp_path / 'expected.yaml').write_text(text)
    with pytest.raises(ConfigurationError, match=reason):
        load_outcome(tmp_path / 'expected.yaml')
    with pytest.raises(ConfigurationError, match='--update'):
        load_outcome(tmp_path / 'none.yaml')
