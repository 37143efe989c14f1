"""The dispatchers: the right module is called with the rest of the line, and a wrong name is said plainly."""
import types

import pytest

from training import commands


def test_arguments_reach_the_models_own_module(monkeypatch):
    seen = []
    module = types.SimpleNamespace(main=lambda arguments: seen.append(arguments) or 7)
    monkeypatch.setattr(commands.importlib.util, 'find_spec', lambda name: object())
    monkeypatch.setattr(commands.importlib, 'import_module', lambda name: seen.append(name) or module)
    assert commands.dispatch('train', ['speech', '--config', 'small']) == 7
    assert seen == ['training.speech.train', ['--config', 'small']]


@pytest.mark.parametrize('arguments', [[], ['poems']])
def test_unknown_model_is_a_usage_error(arguments, capsys):
    assert commands.dispatch('train', arguments) == 2
    assert 'speech|characters|expressions' in capsys.readouterr().err
