"""The shipped character model's third stage: it grows by a residual block at 16x16, 8x8 and 4x4 each.

The blocks do nothing at first, so that the network goes on from what it had learnt: 22 M multiplications and 1.46 M
parameters in place of 8 and 1.07. About half of the drawings are plain, as in the second stage.
Of CROHME 2013's symbols 13.1 % were wrong before and 12.5 % after it, of Detexify's 42.4 and 39.6 %.
Cost: 0.5 s of one Zen 3 core a step of 128: 67 minutes, and 13 for the drawings.

    python -m training.characters.prepare --cache CACHE3 --variants 3 --undistorted
    python -m training train characters --config grown --cache CACHE3 --folder RUN3 --init RUN2/best.keras
"""
from training.characters.configs import shipped
from training.characters.configs.shipped import (  # noqa: F401
    BALANCE,
    BATCH,
    DISTORTION,
    LABEL_SMOOTHING,
    SEED,
    SHARES,
)

MODEL = {**shipped.MODEL, 'blocks': 1}
LOOP = {**shipped.LOOP, 'steps': 8000, 'peak_rate': 8e-4, 'warm_up': 300, 'decay_from': 0.05, 'evaluate_every': 1000}
PLAIN = (0.4, 0.6)  # share of undistorted drawings, at first and at last
