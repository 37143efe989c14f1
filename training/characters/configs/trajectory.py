"""The trajectory network, for ink whose strokes are known: reads beside the picture's network (see export).

Data: the strokes of the shipped config, MNIST left out, which has none.
On validation, pictures alone and with their strokes: CROHME 2013 12.5 and 11.2 % wrong, UNIPEN's unseen contributors
25.4 and 23.6, Detexify 39.6 and 33.9. 7,000 more steps from 1.2e-3 with less distortion gained nothing (11.2 and 34.6).
Three Transformer blocks at 32 points cost three times what these convolutions do. Cost: 0.2 s of one Zen 3 core a
step of 128, half an hour.

    python -m training.characters.prepare --cache CACHE --variants 1
    python -m training train characters --config trajectory --cache CACHE --folder RUN

Laptop variant: add `--steps 2000` (7 minutes).
"""
from training.characters.configs import shipped
from training.characters.configs.shipped import BALANCE, BATCH, LABEL_SMOOTHING, SEED  # noqa: F401

SEES = 'trajectory'
MODEL = {'widths': (64, 96, 128), 'residuals': 1, 'blocks': 1, 'heads': 4, 'dropout': 0.1}
LOOP = {**shipped.LOOP, 'steps': 10000, 'peak_rate': 2e-3}  # 5 passes
SHARES = {'crohme': 0.42, 'unipen': 0.26, 'mathnote': 0.02, 'detexify': 0.22, 'composed': 0.08, 'own': 0.1}
DISTORTION = 1.0  # of the trajectories at each use; a third of that in half of them: trajectory_data.distorted
