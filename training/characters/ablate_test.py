"""Distortion and transformer are taken away one by one, and a stopped ablation trains only what it lacks."""
import numpy as np
import pytest

from robot_ai.errors import ConfigurationError
from training.characters import ablate
from training.characters.configs import shipped


def test_a_variant_differs_in_what_is_taken_away_alone():
    whole, without = ablate.variant(shipped, True, True), ablate.variant(shipped, False, False)
    assert vars(whole) == {name: getattr(shipped, name) for name in dir(shipped) if name.isupper()}
    assert without.DISTORTION == 0.0 and without.MODEL['transformer'] is None and shipped.MODEL['transformer']
    assert {k for k in vars(whole) if getattr(whole, k) != getattr(without, k)} == {'DISTORTION', 'MODEL'}


def test_each_symbol_is_turned_by_its_own_angle():
    bar = np.zeros((32, 32), np.uint8)
    bar[4:28, 14:18] = 255
    out = ablate.turned(np.stack([bar] * 50))
    assert out.shape == (50, 32, 32) and len({one.tobytes() for one in out}) == 50
    assert (out.sum(axis=(1, 2)) > 0.9 * bar.sum()).all()
    across = (out.max(axis=1) > 128).sum(axis=1)  # columns with ink: 4 upright, up to 21 turned by 45 degrees
    assert across.min() <= 6 and 17 <= across.max() <= 22


def test_only_missing_networks_are_trained(tmp_path, monkeypatch, capsys):
    asked = []

    def run(options, distorted, transformer):
        asked.append((distorted, transformer))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return {'distorted': distorted, 'transformer': transformer, 'config': options.config, 'seed': 1, 'steps': 5,
                'parameters': 7, 'errors': {'crohme': 0.125, 'turned': 0.25}}
    monkeypatch.setattr(ablate, 'run', run)
    command = ['--folder', str(tmp_path), '--steps', '5']
    with pytest.raises(KeyboardInterrupt):
        ablate.main(command)
    assert ablate.main(command) == 0
    assert asked == [(True, True), (True, False), (True, False), (False, True), (False, False)]
    assert '| plain | without | 7 | 12.50 | 25.00 |  |  |  |' in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match='other --steps'):
        ablate.main([*command[:2], '--steps', '6'])
