"""The errors are counted among the right labels, and a stopped cross-validation runs only the groups it lacks."""
import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.characters import cross_validate


def test_errors_are_counted_among_their_own_labels():
    labels = ['', '0', '1', 'O', 'o', 'x']
    logits = np.array([[9, 1, 0, 2, 3, 0],   # '0': right among digits, an o among all
                       [9, 0, 0, 0, 0, 1],   # 'x': right; "no symbol" is no answer
                       [0, 2, 1, 0, 0, 0]])  # '1': wrong
    found = cross_validate.errors_of(logits, ['0', 'x', '1'], labels)
    assert found == {'digits': [1, 2], 'upper': [0, 0], 'lower': [0, 1], 'all': [2, 3],
                     'all, look-alikes folded': [1, 3]}


def test_only_missing_groups_are_run(tmp_path, monkeypatch, capsys):
    asked = []

    def run(options, held_out):
        asked.append(held_out)
        if held_out == 2 and len(asked) == 2:
            raise KeyboardInterrupt
        return {'held_out': held_out, 'contributors': ['a', 'b'], 'steps': 5,
                'errors': {part: [held_out, 10] for part in cross_validate.PARTS}}
    monkeypatch.setattr(cross_validate, 'run', run)
    command = ['--folder', str(tmp_path), '--steps', '5', '--group', '1', '2']
    with pytest.raises(KeyboardInterrupt):
        cross_validate.main(command)
    assert cross_validate.main(command) == 0 and asked == [1, 2, 2]
    assert '| digits | 10.00 | 20.00 | 15.00 (3 of 20;' in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match='other --steps'):
        cross_validate.main([*command[:2], '--steps', '6'])
