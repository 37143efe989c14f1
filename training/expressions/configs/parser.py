r"""The parser of formulas: symbols' scores and boxes to labels and layout tree.

Data: CROHME's 8,709 training expressions whose LaTeX and symbols agree, their symbols' distorted drawings scored by
a character model; CROHME 2013 validates with its symbol grouping given. The shipped character model was trained on
these very symbols and is surer of them than of new ones: of its scores the parser learns to trust them (2.8 % of labels
wrong in training, 9.3 % in validation). So it learns from the scores of one trained for 2,000 steps only, which is
wrong on these about as often as the shipped one on new ones.
On validation, formulas with any wrong label or edge: without renaming and a fifth of the parameters 48.4 %, renamed
47.9, with twice the width 42.3; twice that width again, 44.8.
Cost: 2 minutes for the caches, 10 for the steps on one Zen 3 core left alone, 7 for that character model.

    python -m training train characters --config shipped --cache CACHE --folder WEAK --steps 2000
    python -m training export characters --folder WEAK --cache CACHE --to WEAK/characters
    python -m training train expressions --config parser --prepare ../shared/data/handwriting \
        --drawings CACHE --characters WEAK/characters --validate-with models/characters --folder RUN

Laptop variant: add `--steps 600` (2 minutes).
"""
KIND = 'parser'
SEED = 3
MODEL = {'width': 128, 'heads': 8, 'depth': 4, 'dropout': 0.2}
LOOP = {  # training.loop.LoopConfig
    'steps': 4000,
    'peak_rate': 2e-3,
    'warm_up': 100,
    'decay_from': 0.4,
    'weight_decay': 1e-2,
    'evaluate_every': 250,
    'checkpoint_every': 150,
    'log_every': 50,
    'metric': 'error',
}
BATCH = 64  # expressions of up to 16 symbols a replica; a quarter as many of the long ones
JITTER = 0.03  # of the boxes, in typical symbol sizes
RENAMED = 0.5  # of the formulas: letters and digits stand for others
EXCHANGED = 0.3  # of the symbols of half of the formulas: scored as another of the same name was
