"""The segmenter of pictures: is this set of pieces of ink one symbol?

Data: every set of neighbouring pieces and every side of a cut in half of CROHME's training expressions, drawn as
pictures with varied pens and sizes, scored by the shipped character model; a third of CROHME 2013's validate.
Cost: 10 minutes for the caches, 3 for the steps on one Zen 3 core left alone.

    python -m training train expressions --config pieces --prepare ../shared/data/handwriting --folder RUN

Laptop variant: add `--steps 500` (half a minute).
"""
from training.expressions.configs import segmenter

KIND = 'pieces'
SEED = 5
SHARES, MODEL, LOOP, BATCH = segmenter.SHARES, segmenter.MODEL, segmenter.LOOP, segmenter.BATCH
