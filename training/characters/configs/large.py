"""A deeper character network trained long: for a GPU.

Two residual blocks at 16x16, 8x8 and 4x4 each, behind a first convolution at full size: 58 M multiplications and
2.9 M parameters, 6 MB; not trained to its end yet. More and more of the drawings are
plain, which is the lesson of training/characters/configs/second_stage.py in one run.
Data: as the shipped model's, each sample drawn six times and once plain (1.8 GB).
Cost on one Zen 3 core: 14 minutes for the drawings, 17 ms for the batch of a step; the step itself wants a GPU.

    python -m training.characters.prepare --cache CACHE --variants 6 --undistorted --processes 16
    python -m training train characters --config large --cache CACHE --folder RUN --backend jax --workers 4

`--steps N` makes it shorter or longer; the rate falls over all of them.
"""
from training.characters.configs import shipped
from training.characters.configs.shipped import SEED  # noqa: F401

MODEL = {
    'first': 16,  # channels at 32x32
    'widths': (40, 80, 160),  # at 16x16, 8x8, 4x4
    'blocks': 2,
    'wide_width': 256,
    'transformer': 'affine',
    'dropout': 0.3,
}
LOOP = {
    **shipped.LOOP,
    'steps': 40_000,  # 80 passes
    'peak_rate': 2.4e-3,  # twice that of a quarter of the batch
    'warm_up': 1000,
    'decay_from': 0.1,
    'final_rate': 0.01,
    'weight_decay': 5e-2,
    'evaluate_every': 2000,
    'checkpoint_every': 2000,
    'log_every': 100,
}
BATCH = 512
LABEL_SMOOTHING = 0.05
SHARES = {'crohme': 0.34, 'unipen': 0.19, 'mnist': 0.16, 'mathnote': 0.02, 'detexify': 0.23, 'composed': 0.06,
          'own': 0.1}
BALANCE = 0.15
DISTORTION = 0.6
PLAIN = (0.25, 0.6)  # share of undistorted drawings, at first and at last
