"""The second stage of the shipped character model: half of the drawings plain, at a low and falling rate.

Distortion keeps the network from learning the drawings by heart, and costs it what an ordinary hand looks like
(training/characters/ablate.py). Of CROHME 2013's symbols 13.8 % were wrong before and 13.1 % after it, of UNIPEN's
unseen contributors 27.0 and 25.9 %; of CROHME's turned by up to 45 degrees 30.0 and 31.0 %.
Cost: 0.19 s of one Zen 3 core a step of 128: 7 minutes, and 4 for the drawings.

    python -m training.characters.prepare --cache CACHE2 --variants 1 --undistorted
    python -m training train characters --config second_stage --cache CACHE2 --folder RUN2 --init RUN/best.keras
"""
from training.characters.configs import shipped
from training.characters.configs.shipped import (  # noqa: F401
    BALANCE,
    BATCH,
    DISTORTION,
    LABEL_SMOOTHING,
    MODEL,
    SEED,
    SHARES,
)

LOOP = {**shipped.LOOP, 'steps': 2000, 'peak_rate': 3e-4, 'warm_up': 50, 'decay_from': 0.0, 'evaluate_every': 1000}
