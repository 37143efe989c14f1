"""`python -m training.speech.tune`: choose decoding weights and calibrate confidence, on validation data only.

Every clip is encoded once; each weight of the n-gram and each word bonus is then tried by decoding alone, and the
pair with the least mean error over sources is written, with the logistic that turns a word's mean log probability
into the share of such words that are right, as the YAML that `export --parameters` takes. How expected phrases are
ranked and accepted is chosen by training/speech/tune_phrases.py.

Example:
  python -m training.speech.tune --model models/speech_es --manifest ../shared/data/speech/manifest.jsonl \
      --language-model letters.npz --caches ~/speech-cache/dialogue-validation --out parameters.yaml

"""
import argparse
import dataclasses
from pathlib import Path

import jiwer
import numpy as np
import yaml
from scipy.optimize import minimize

from robot_ai.speech.audio import read_audio
from robot_ai.speech.cleaning import HighPass, set_level
from robot_ai.speech.decoding import Decoder, DecodingOptions
from robot_ai.speech.language_model import NgramModel
from robot_ai.speech.recognizer import SpeechRecognizer
from robot_ai.speech.spanish import fold, normalize
from training.speech import tune_phrases
from training.speech.clips import read_clips, spread
from training.speech.data import Cache

WEIGHTS = (0.0, 0.3, 0.5, 0.7, 0.9)
BONUSES = (0.0, 0.7)
DIALOGUE = Path(__file__).resolve().parents[2] / 'config' / 'dialogues' / 'acompanante.yaml'
PHRASE_CLIPS = 150  # a source, for the phrases


def read(manifest: Path, each: int) -> list[tuple[np.ndarray, str, str]]:
    """Return (samples, text, source) of at most `each` validation clips a source."""
    return [(read_audio(manifest.parent / clip['audio']), normalize(clip['text']), clip['source'])
            for clips in spread(read_clips(manifest, ['validation']), each).values() for clip in clips]


def encoded(recognizer: SpeechRecognizer, sounds: list[tuple[np.ndarray, str, str]]) -> list[tuple]:
    """(samples, text, source) -> (log_probs [T, V], text, source); clips over the largest bucket are left out."""
    longest = recognizer.buckets[-1] * 16000
    return [(recognizer.encode(set_level(HighPass().whole(sound))).log_probs, text, source)
            for sound, text, source in sounds if len(sound) <= longest]


def error(rows: list[tuple], decoder: Decoder) -> tuple[float, dict[str, float]]:
    """Return the mean over sources of the folded WER (each cut at 1), and each."""
    by_source = {}
    for log_probs, text, source in rows:
        sides = by_source.setdefault(source, ([], []))
        sides[0].append(fold(text))
        sides[1].append(fold(decoder.decode(log_probs)[0].text))
    rates = {source: jiwer.wer(*sides) for source, sides in by_source.items()}
    return float(np.mean([min(1.0, rate) for rate in rates.values()])), rates


def calibrate(recognizer: SpeechRecognizer, rows: list[tuple], decoder: Decoder) -> tuple[dict, float, int]:
    """Return ({'a', 'b'}, expected calibration error after fitting, words)."""
    recognizer.decoder, recognizer._logistic = decoder, {}
    scores, right = [], []
    for log_probs, text, _ in rows:
        words = recognizer.words(log_probs, decoder.decode(log_probs)[0].tokens, 0.0)
        if not words:
            continue
        heard = [word.text for word in words]
        good = set()
        for chunk in jiwer.process_words(text, ' '.join(heard)).alignments[0]:
            if chunk.type == 'equal':
                good |= set(range(chunk.hyp_start_idx, chunk.hyp_end_idx))
        scores += [np.log(max(word.confidence, 1e-4)) for word in words]
        right += [float(i in good) for i in range(len(heard))]
    x, y = np.array(scores), np.array(right)

    def loss(p):
        return float(np.mean(np.logaddexp(0, -(2 * y - 1) * (p[0] * x + p[1]))) + 1e-3 * p[0] ** 2)
    a, b = minimize(loss, [1.0, 1.0], method='Nelder-Mead').x
    probability = 1 / (1 + np.exp(-(a * x + b)))
    bins = np.minimum(9, (probability * 10).astype(int))
    ece = sum(abs(probability[bins == k].mean() - y[bins == k].mean()) * (bins == k).mean()
              for k in range(10) if (bins == k).any())
    return {'a': round(float(a), 4), 'b': round(float(b), 4)}, float(ece), len(x)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training.speech.tune', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=Path, required=True)
    parser.add_argument('--manifest', type=Path, required=True, help='its validation split is read')
    parser.add_argument('--caches', type=Path, nargs='*', default=[], help='caches of validation speech to add')
    parser.add_argument('--language-model', type=Path, required=True)
    parser.add_argument('--limit', type=int, default=40, help='clips a source')
    parser.add_argument('--out', type=Path, required=True)
    options = parser.parse_args(arguments)
    recognizer = SpeechRecognizer(options.model)
    sounds = read(options.manifest, options.limit)
    for folder in options.caches:
        cache = Cache([folder], lambda clip: clip['split'] == 'validation')
        for i in np.linspace(0, len(cache) - 1, min(len(cache), 2 * options.limit)).astype(int):
            sounds.append((cache.samples(i), cache.clips[i]['text'], cache.clips[i]['source']))
    rows = encoded(recognizer, sounds)
    model, tried = NgramModel.load(options.language_model), []
    base = DecodingOptions.from_parameters({**recognizer.info.parameters, 'language_model': None})
    for weight in WEIGHTS:
        for bonus in BONUSES if weight else (0.0,):
            chosen = dataclasses.replace(base, lm_weight=weight, word_bonus=bonus)
            decoder = Decoder(recognizer.info.labels, recognizer.decoder.boundary, chosen, model)
            value, rates = error(rows, decoder)
            tried.append((value, weight, bonus, decoder))
            print(f'weight {weight} bonus {bonus}: folded WER {value:.4f} '
                  + ' '.join(f'{key} {rate:.3f}' for key, rate in rates.items()), flush=True)
    value, weight, bonus, decoder = min(tried, key=lambda t: t[0])
    logistic, ece, words = calibrate(recognizer, rows, decoder)
    print(f'best: weight {weight} bonus {bonus}, {value:.4f}; confidence {logistic}, calibration error {ece:.3f} '
          f'over {words} words')
    document = {'confidence': logistic}
    phrases = tune_phrases.tune(recognizer, encoded(recognizer, read(options.manifest, PHRASE_CLIPS)), DIALOGUE)
    if phrases:
        document['phrases'] = phrases
    if weight:
        document['language_model'] = {'file': options.language_model.name, 'weight': weight, 'word_bonus': bonus}
    options.out.write_text(yaml.safe_dump(document, sort_keys=False), encoding='utf-8')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
