"""The segmenter of pictures: is this set of pieces of ink one symbol?

Data: every set of neighbouring pieces in an eighth of CROHME's training expressions, drawn as pictures with varied pens
and sizes, scored by the shipped character model; a third of CROHME 2013's sets validate.
Cost: 1 minute for the caches, 1 for the steps on one Zen 3 core left alone.

    python -m training train expressions --config pieces --prepare ../shared/data/handwriting --folder RUN

Laptop variant: add `--steps 500` (half a minute).
"""
KIND = 'pieces'
SEED = 5
SHARES = {'train': 0.12, 'validation': 0.3}  # of the expressions
MODEL = {'width': 64, 'dropout': 0.1}
LOOP = {  # training.loop.LoopConfig
    'steps': 1500,
    'peak_rate': 2e-3,
    'warm_up': 100,
    'decay_from': 0.3,
    'weight_decay': 1e-2,
    'evaluate_every': 500,
    'checkpoint_every': 500,
    'log_every': 250,
    'metric': 'loss',
}
BATCH = 256
