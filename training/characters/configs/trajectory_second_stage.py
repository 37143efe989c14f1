"""The trajectory network's second stage: less distortion, as for the pictures' network, and a third more steps.

python -m training train characters --config trajectory_second_stage --cache CACHE --folder RUN2 \
        --init RUN/best.keras
"""
from training.characters.configs import trajectory
from training.characters.configs.trajectory import BALANCE, BATCH, LABEL_SMOOTHING, MODEL, SEES, SHARES  # noqa: F401

SEED = 2
LOOP = {**trajectory.LOOP, 'steps': 7000, 'peak_rate': 1.2e-3, 'warm_up': 100, 'decay_from': 0.1}
DISTORTION = 0.6
