"""The parser of formulas: symbols' scores and boxes to labels and layout tree.

Data: CROHME's 8,709 training expressions whose LaTeX and symbols agree, three distorted views each, scored by the
shipped character model; CROHME 2013 validates with its symbol grouping given.
Cost: 5 minutes for the caches, 25 for the steps on one Zen 3 core left alone.

    python -m training train expressions --config parser --prepare ../shared/data/handwriting --folder RUN

Laptop variant: add `--steps 600` (3 minutes).
"""
KIND = 'parser'
SEED = 3
VARIANTS = 3  # distorted views of each expression
MODEL = {'width': 96, 'heads': 4, 'depth': 3, 'dropout': 0.1}
LOOP = {  # training.loop.LoopConfig
    'steps': 6000,
    'peak_rate': 1.5e-3,
    'warm_up': 200,
    'decay_from': 0.4,
    'weight_decay': 1e-2,
    'evaluate_every': 300,
    'checkpoint_every': 150,
    'log_every': 50,
    'metric': 'error',
}
BATCH = 64  # expressions of up to 16 symbols a replica; a quarter as many of the long ones
JITTER = 0.03  # of the boxes, in typical symbol sizes
