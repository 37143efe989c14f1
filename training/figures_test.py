"""Figures are printed, and recorded beside those that were there."""
import yaml

from training.figures import Figures, interval


def test_a_share_has_its_interval():
    low, high = interval(0, 100)
    assert low == 0 and 3.6 < high < 3.8  # Wilson: no share is certain after a hundred trials
    assert interval(50, 100)[0] < 50 < interval(50, 100)[1]


def test_figures_are_recorded_over_older_ones_of_the_same_name(tmp_path, capsys):
    (tmp_path / 'model.yaml').write_text(yaml.safe_dump({'name': 'one', 'figures': {'kept': 'yes', 'error': 'old'}}))
    figures = Figures()
    figures.share('error', 1, 4)
    assert capsys.readouterr().out == 'error: 25.00 % (1 of 4; 95 % 4.56 to 69.94)\n'
    figures.record(tmp_path, 'a command', lambda document: f'# {document["name"]}: {document["figures"]["error"]}')
    document = yaml.safe_load((tmp_path / 'model.yaml').read_text())
    assert document['name'] == 'one' and document['figures']['kept'] == 'yes'
    assert document['figures']['error'].startswith('25.00 % (1 of 4; 95 % 4.56 to 69.94); 2')
    assert document['figures']['measured'] == 'by `a command`'
    assert (tmp_path / 'MODEL_CARD.md').read_text().startswith('# one: 25.00 %')
