"""`python -m training.speech.ngram`: count texts into the n-gram over letters that the decoder searches with.

Letters, not words: an open vocabulary in a megabyte. Absolute discounting with interpolation, pruned by count;
texts are generated sentences, Debian's prose and word list, and the train split's transcripts: never a test's.

Example:
  python -m training.speech.ngram --manifest ../shared/data/speech/manifest.jsonl \
      --dialogues config/dialogues/acompanante.yaml --out models/speech_es/letters.npz

"""
import argparse
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from robot_ai.speech.language_model import BEGIN, END, NgramModel, _hash
from robot_ai.speech.spanish import normalize
from training.speech import texts
from training.speech.leaks import HeldOut
from training.speech.model import Characters
from training.speech.subwords import vocabulary_of
from training.weights import read_run_config

DISCOUNT = 0.75


def train_ngram(lines: Iterable[tuple[str, float]], order: int = 6, at_least: float = 2.0,
                vocabulary=None) -> NgramModel:
    """Return the model of (normalised text, weight) lines; n-grams of 4 and more labels need a count `at_least`.

    `vocabulary`: a speech model's; letters where None.
    """
    vocabulary = vocabulary or Characters()
    units = [BEGIN, END, *vocabulary.labels[1:]]  # label i is unit i + 1
    counts = [Counter() for _ in range(order + 1)]
    for text, weight in lines:
        row = [0, *(token + 1 for token in vocabulary.encode(text)), 1]
        for end in range(1, len(row)):
            for n in range(1, min(order, end + 1) + 1):
                counts[n][tuple(row[end - n + 1:end + 1])] += weight
    for n in range(4, order + 1):
        counts[n] = Counter({gram: c for gram, c in counts[n].items() if c >= at_least})
    total = sum(counts[1].values())
    size = len(units)
    probability = {(i,): (counts[1].get((i,), 0.0) + 1.0) / (total + size - 1) for i in range(1, size)}
    backoff = {}

    def lookup(gram):
        scale = 1.0
        while gram not in probability:
            scale *= backoff.get(gram[:-1], 1.0)
            gram = gram[1:]
        return scale * probability[gram]

    for n in range(2, order + 1):
        followers = defaultdict(list)
        for gram, c in counts[n].items():
            followers[gram[:-1]].append((gram, c))
        made = {}
        for context, grams in followers.items():
            held = max(counts[n - 1].get(context, 0.0), sum(c for _, c in grams)) if n > 1 else total
            left = sum(min(DISCOUNT, c) for _, c in grams) + held - sum(c for _, c in grams)
            lower = {gram: lookup(gram[1:]) for gram, _ in grams}
            for gram, c in grams:
                made[gram] = (c - min(DISCOUNT, c) + max(left, 1e-3) * lower[gram]) / (held + 1e-3)
            rest = 1.0 - sum(lower.values())
            backoff[context] = max(1e-4, 1.0 - sum(made[g] for g, _ in grams)) / max(rest, 1e-4)
        probability |= made
    entries = {_hash(gram): (math.log(p), math.log(backoff.get(gram, 1.0))) for gram, p in probability.items()}
    entries[_hash((0,))] = (-60.0, math.log(backoff.get((0,), 1.0)))
    keys = np.array(sorted(entries), np.uint64)
    values = np.array([entries[int(key)] for key in keys])
    return NgramModel(order, units, keys, values[:, 0].astype(np.float16), values[:, 1].astype(np.float16))


def training_lines(manifest: Path, everyday: int, dialogues: list[Path], seed: int = 4242) -> list[tuple[str, float]]:
    """Return (text, weight): generated sentences, dialogues' examples, prose, words, the train split's transcripts.

    No prose that a test's text equals is counted.
    """
    lines = [(text, 0.5) for text in texts.sentences(seed, everyday)]
    lines += [(text, 2.0) for path in dialogues for text in texts.dialogue_examples(path)]
    held_out = HeldOut.of_manifests([manifest], sounds=False)
    lines += [(text, 1.0) for text in texts.prose() if not held_out.has_text(text)]
    lines += [(text, 0.2) for text in random.Random(seed).sample(texts.words(), 20000)]
    with open(manifest, encoding='utf-8') as rows:
        clips = [clip for clip in map(json.loads, rows) if clip['split'] == 'train']
    lines += [(clip['text'], 0.2 if clip['source'] == 'words' else 4.0) for clip in clips]
    return [(normal, weight) for normal, weight in ((normalize(text), weight) for text, weight in lines) if normal]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.speech.ngram', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--manifest', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--order', type=int, default=6)
    parser.add_argument('--dialogues', type=Path, nargs='*', default=[], help='files whose examples are counted')
    parser.add_argument('--everyday', type=int, default=40000, help='generated sentences')
    parser.add_argument('--at-least', type=float, default=1.0, help='weighted count of the n-grams kept')
    parser.add_argument('--run', type=Path, help='a training whose labels (subwords) are counted in place of letters')
    options = parser.parse_args(arguments)
    vocabulary = vocabulary_of(read_run_config(options.run).get('labels') if options.run else None)
    lines = training_lines(options.manifest, options.everyday, options.dialogues)
    model = train_ngram(lines, options.order, options.at_least, vocabulary)
    model.save(options.out)
    print(f'{options.out}: order {model.order}, {len(model._keys)} n-grams, {options.out.stat().st_size / 1e6:.1f} MB')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
