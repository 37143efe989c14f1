"""The shipped character model's first stage, half an hour of one slow core; then come second_stage and grown.

Data: UNIPEN less one group of contributors and three that validate, CROHME's training symbols, MNIST's first 55,000,
mathnote, four fifths of Detexify's samples, composed Spanish letters, ink that is no symbol; 254,000 samples.
Cost: 0.19 s of one Zen 3 core a step of 128 with the other core busy, nine tenths of it convolutions; widths of 24, 48
and 96 take 0.11 s.

    python -m training.characters.prepare --cache CACHE --variants 2
    python -m training train characters --config shipped --cache CACHE --folder RUN --threads 1

Laptop variant: add `--steps 2000` (6 minutes).
"""
SEED = 1
MODEL = {
    'widths': (32, 64, 128),  # channels at 16x16, 8x8, 4x4: 8.1 M multiplications
    'transformer': 'affine',  # the Spatial Transformer's kind; None leaves it out
    'dropout': 0.2,
}
LOOP = {  # training.loop.LoopConfig
    'steps': 7200,  # 3.6 passes; 3,100 more on the same two drawings of each sample gained nothing
    'peak_rate': 1.2e-3,  # at BATCH; the loop's warm-up and linear fall
    'warm_up': 300,
    'decay_from': 0.2,
    'weight_decay': 2e-2,
    'beta_2': 0.99,
    'clip_norm': 5.0,
    'evaluate_every': 2000,
    'checkpoint_every': 500,
    'log_every': 100,
    'metric': 'error',
}
BATCH = 128  # a replica; the learning rate is scaled with the global batch
LABEL_SMOOTHING = 0.03
# How often a source is drawn: CROHME and MNIST have figures to reach; a quarter for Detexify cost them too much.
SHARES = {'crohme': 0.36, 'unipen': 0.17, 'mnist': 0.18, 'mathnote': 0.02, 'detexify': 0.20, 'composed': 0.07,
          'own': 0.1}  # of a cache made with --own
BALANCE = 0.25  # inside a source a class is drawn by count ** (1 - BALANCE): rare symbols come more often
DISTORTION = 0.5  # of a cached drawing at each use: training.characters.batches.bent
