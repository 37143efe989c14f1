"""The shipped character model: as good as two slow cores make it in an evening.

Data: UNIPEN less one group of contributors, CROHME's training symbols, MNIST's first 55,000, mathnote, four
fifths of Detexify's samples, composed Spanish letters, ink that is no symbol; 260,000 samples.
Cost: 180 ms of one Zen 3 core a step of 128: 15 minutes for the steps below.

The weights shipped now are two networks. For the everyday symbols: 3,000 steps of this config's first version (one
output, no DISTORTION, nearly twice the rate). For Detexify's classes: 500 steps more of that, then of this version
`--init first3500.keras --steps 1500`; its everyday output read CROHME 2013 alike but MNIST's validation part worse
(5.4 % among all classes against 2.4 %), so it is not used. The losses were still falling.

    python -m training.characters.prepare --cache CACHE --variants 2
    python -m training train characters --config shipped --cache CACHE --folder RUN

Laptop variant: add `--steps 2000` (5 minutes).
"""
SEED = 1
MODEL = {
    'widths': (24, 48, 96),  # channels at 16x16, 8x8, 4x4: 4.9 M multiplications
    'transformer': 'affine',  # the Spatial Transformer's kind; None leaves it out
    'dropout': 0.25,
}
LOOP = {  # training.loop.LoopConfig
    'steps': 5_000,
    'peak_rate': 1.2e-3,  # at BATCH; the loop's warm-up and linear fall
    'warm_up': 200,
    'decay_from': 0.15,
    'weight_decay': 2e-2,
    'beta_2': 0.99,
    'clip_norm': 5.0,
    'evaluate_every': 500,
    'checkpoint_every': 250,
    'log_every': 50,
    'metric': 'error',
}
BATCH = 128  # a replica; the learning rate is scaled with the global batch
LABEL_SMOOTHING = 0.05
# How often a source is drawn: CROHME and MNIST have figures to reach, a few rare sources have few samples.
SHARES = {'crohme': 0.34, 'unipen': 0.18, 'mnist': 0.12, 'mathnote': 0.03, 'detexify': 0.25, 'composed': 0.08,
          'own': 0.1}  # of a cache made with --own
BALANCE = 0.35  # inside a source a class is drawn by count ** (1 - BALANCE): rare symbols come more often
DISTORTION = 0.5  # of a cached drawing at each use: training.characters.batches.bent
