"""The trajectory network, for ink whose strokes are known: reads beside the picture's network (see export).

Data: the strokes of the shipped config, MNIST left out, which has none.

    python -m training.characters.prepare --cache CACHE --variants 1
    python -m training train characters --config trajectory --cache CACHE --folder RUN
"""
from training.characters.configs.shipped import BALANCE, SEED  # noqa: F401

SEES = 'trajectory'
MODEL = {'widths': (64, 96, 128), 'residuals': 1, 'blocks': 1, 'heads': 4, 'dropout': 0.1}
LOOP = {  # training.loop.LoopConfig
    'steps': 10000,
    'peak_rate': 2e-3,
    'warm_up': 300,
    'decay_from': 0.2,
    'weight_decay': 2e-2,
    'beta_2': 0.99,
    'clip_norm': 5.0,
    'evaluate_every': 2000,
    'checkpoint_every': 1000,
    'log_every': 100,
    'metric': 'error',
}
BATCH = 128
LABEL_SMOOTHING = 0.03
SHARES = {'crohme': 0.42, 'unipen': 0.26, 'mathnote': 0.02, 'detexify': 0.22, 'composed': 0.08, 'own': 0.1}
DISTORTION = 1.0
