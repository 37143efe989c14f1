r"""The image model: an encoder-decoder Transformer from a formula's picture to its LaTeX, 0.94 M parameters.

Data: CROHME's 8,709 training expressions whose LaTeX and symbols agree, 17,418 parts cut out of them and 8,709 composed
by exchanging their symbols, each drawn anew at every sight; CROHME 2013 validates (ExpRate of greedy reading).

    python -m training train expressions --config image --prepare ../shared/data/handwriting --folder RUN
    python -m training evaluate expressions --part validation-2013 --from image-model --run RUN --beam 4

Cost: 1 minute for the caches; 1500 steps took half an hour on a crowded Zen 3 core that was shared with other work.
Score after those: ExpRate 0.45 % on 2013 (3 of 668), the loss still falling fast; the segmenting reader has 45.5 %.

With a GPU: a wider model for some 150 sights of each expression, as published systems train, after raising in this file
MODEL to width 256, heads 8, 4 encoder and 3 decoder blocks and channels (32, 64, 192), DATA's pixels to 128 * 64 * 224,
grow to 4000 and LOOP's steps to 40000. Published encoder-decoders trained on the same expressions for as long score
52.8 (DenseWAP) to 58.4 % (CoMER) on CROHME 2014. What this one reaches there has not been measured.

    python -m training train expressions --config image --prepare ../shared/data/handwriting --folder RUN \
        --strategy mirrored        # or --backend jax, --backend torch

Laptop variant: add `--steps 1500`, which shows only that the loss falls.
"""
KIND = 'image'
SEED = 6
MODEL = {'width': 128, 'heads': 4, 'encoder_blocks': 2, 'decoder_blocks': 2, 'channels': (16, 48, 96), 'dropout': 0.1}
DATA = {
    'pixels': 16 * 64 * 224,  # a batch: 16 short formulas, 2 of the longest
    'cuts': 2,  # parts cut out of each training formula
    'exchanged': 1,  # formulas composed by exchanging its symbols
    'shares': (1.0, 0.5, 0.5),  # how often whole, cut and composed ones are drawn
    'grow': 1000,  # steps until the longest formulas take part
}
LOSS = {'smoothing': 0.1, 'pointer': 0.5, 'cell': 0.1}
VALIDATED = 3  # every third expression of 2013 is read at each evaluation
LOOP = {  # training.loop.LoopConfig
    'steps': 5000,
    'peak_rate': 1.2e-3,
    'warm_up': 150,
    'decay_from': 0.45,
    'weight_decay': 2e-2,
    'average': 0.998,
    'evaluate_every': 1000,
    'checkpoint_every': 100,
    'log_every': 50,
    'metric': 'error',
}
