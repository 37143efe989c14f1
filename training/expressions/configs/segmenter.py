"""The segmenter: is this group of strokes one symbol?

Data: every group of consecutive strokes in half of CROHME's training expressions (199,270 groups), scored by
the shipped character model; a third of CROHME 2013's groups validate.
Cost: 5 minutes for the caches (9 on a crowded core), 3 for the steps on one Zen 3 core left alone.

    python -m training train expressions --config segmenter --prepare ../shared/data/handwriting --folder RUN

Laptop variant: add `--steps 500` (half a minute).
"""
KIND = 'segmenter'
SEED = 4
SHARES = {'train': 0.5, 'validation': 0.3}  # of the expressions
MODEL = {'width': 128, 'dropout': 0.15}
LOOP = {  # training.loop.LoopConfig
    'steps': 4000,
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
