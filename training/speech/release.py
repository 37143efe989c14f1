"""`python -m training release speech`: from a training folder to a model folder that can be shipped.

1. exports the averaged weights, as a graph and (`weights.npz`, float16) for who trains on, and checks the graph against
   the trained model;
2. chooses the n-gram's weight, how phrases are accepted and the confidence's calibration on validation clips;
3. chooses the confidence below which nothing is told: the lowest at which made sounds without speech (of
   training/speech/non_speech.py, not those that are evaluated on) give the fewest transcripts, among those at which
   at most 2 % of the validation clips are rejected;
4. writes model.yaml and MODEL_CARD.md, with the figures of `evaluate --summary` if there are any.

No test split is read. Each step's result is kept beside the model folder, in OUT.work, until its inputs change, so that
a run that was stopped goes on, and new figures cost nothing.

Example:
  python -m training release speech --run ~/runs/tiny --manifest ../shared/data/speech/manifest.jsonl \
      --caches ~/speech-cache/dialogue-validation --language-model letters.npz --out models/speech_es
  python -m training evaluate speech --model models/speech_es ... --summary figures.yaml
  (the first command again, with --figures figures.yaml)

"""
import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from robot_ai.errors import ConfigurationError
from robot_ai.model_store import describe_files, sha256_of
from training.weights import WEIGHTS, read_arrays, ship_weights

REJECTED_AT_MOST = 0.02  # of the true validation clips
THRESHOLDS = (0.0, 0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.18, 0.2, 0.22, 0.25, 0.28, 0.3, 0.33, 0.36, 0.4)
NON_SPEECH_SEED = 900  # of the sounds that the threshold is chosen on; the training's is another


def kept(path: Path, inputs: dict, make: Callable[[], dict]) -> dict:
    """Return what `make` gave for the same inputs before, from the YAML at `path`, or make it and keep it there."""
    if path.is_file():
        before = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
        if before.get('inputs') == inputs:
            print(f'{path.stem}: kept from before', flush=True)
            return before['result']
    began = time.process_time()
    result = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({'inputs': inputs, 'result': result}, sort_keys=False), encoding='utf-8')
    print(f'{path.stem}: {time.process_time() - began:.0f} CPU s', flush=True)
    return result


def choose_threshold(true: list[float], false: list[float]) -> dict:
    """Return min_confidence and what it does, from the confidences of true utterances (0: rejected) and false ones.

    Where even the lowest threshold rejects too many, it is taken: the voice guard alone did it.
    """
    true, false = np.array(true), np.array(false)
    allowed = [t for t in THRESHOLDS if np.mean((true < t) | (true <= 0)) <= REJECTED_AT_MOST] or [0.0]
    fewest = min(int((false >= t).sum()) for t in allowed)
    chosen = min(t for t in allowed if (false >= t).sum() == fewest)
    return {'min_confidence': chosen, 'true': len(true), 'rejected': int(((true < chosen) | (true <= 0)).sum()),
            'made_sounds_told': fewest, 'made_sounds_heard': len(false)}


def threshold(folder: Path, manifest: Path, limit: int, sounds: int) -> dict:
    """Measure and choose the threshold of a model folder, on validation clips and made sounds without speech."""
    from robot_ai.speech.audio import SAMPLE_RATE, read_audio
    from robot_ai.speech.recognizer import SpeechRecognizer
    from training.speech.clips import read_clips, spread
    from training.speech.non_speech import clips
    from training.speech.rows import padded, shown
    recognizer = SpeechRecognizer(folder)
    recognizer._min_confidence = 0.0  # everything that the guard lets pass
    true, false = [], []
    for rows in spread(read_clips(manifest, ['validation']), limit).values():
        for clip in shown(rows, 'true utterances'):
            finals = recognizer.transcribe(padded(read_audio(manifest.parent / clip['audio'])))
            true.append(max((final.confidence for final in finals), default=0.0))
    for sound, _ in shown(clips(sounds, NON_SPEECH_SEED), 'no speech'):
        false += [final.confidence for final in recognizer.transcribe(np.pad(sound, SAMPLE_RATE // 2))]
    return choose_threshold(true, false)


def update(folder: Path, **sections: dict) -> dict:
    """Set sections of a folder's model.yaml, `parameters` key by key, describe its files anew, and return it."""
    path = folder / 'model.yaml'
    document = yaml.safe_load(path.read_text(encoding='utf-8'))
    document['parameters'] |= sections.pop('parameters', {})
    document |= sections
    names = [document['graph']]
    language_model = document['parameters'].get('language_model')
    document['files'] = describe_files(folder, names + ([language_model['file']] if language_model else []), [WEIGHTS])
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding='utf-8')
    return document


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training release speech', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--run', required=True, type=Path, help='folder of a training run')
    parser.add_argument('--weights', default='best.weights.npz', help='file in it')
    parser.add_argument('--manifest', required=True, type=Path, help='its validation split is read')
    parser.add_argument('--caches', nargs='*', default=[], help='caches of validation speech to tune on, too')
    parser.add_argument('--language-model', type=Path, required=True, help='.npz of training.speech.ngram')
    parser.add_argument('--limit', type=int, default=30, help='validation clips a source')
    parser.add_argument('--sounds', type=int, default=1200, help='made sounds without speech')
    parser.add_argument('--figures', type=Path, help='YAML of `evaluate --summary` for model.yaml and the card')
    parser.add_argument('--note', default='', help='a sentence on how it was trained')
    parser.add_argument('--out', required=True, type=Path, help='model folder to write')
    options = parser.parse_args(arguments)
    weights, out = options.run / options.weights, options.out
    for path in (weights, options.manifest, options.language_model, *([options.figures] if options.figures else [])):
        if not path.is_file():
            raise ConfigurationError(f'{path}: no such file')
    work = out.with_name(out.name + '.work')
    inputs = {'weights': sha256_of(weights)}

    def exported():
        from training.speech import export
        export.main(['--run', str(options.run), '--weights', options.weights, '--out', str(out), '--note',
                     options.note])
        return {'graph': sha256_of(out / export.GRAPH)}
    graph = out / 'speech.tflite'
    if graph.is_file() and (work / 'export.yaml').is_file() and sha256_of(graph) != yaml.safe_load(
            (work / 'export.yaml').read_text(encoding='utf-8'))['result']['graph']:
        (work / 'export.yaml').unlink()  # another graph has been put there since
    inputs |= kept(work / 'export.yaml', inputs, exported)
    ship_weights(read_arrays(weights), out)  # for who trains on; a folder exported earlier may lack them
    if options.language_model.resolve() != (out / options.language_model.name).resolve():
        shutil.copyfile(options.language_model, out / options.language_model.name)
    inputs |= {'language_model': sha256_of(options.language_model), 'manifest': sha256_of(options.manifest),
               'limit': options.limit, 'caches': list(options.caches)}

    def tuned():
        from training.speech import tune
        tune.main(['--model', str(out), '--manifest', str(options.manifest), '--language-model',
                   str(options.language_model), '--limit', str(options.limit), '--out', str(work / 'tuned.yaml'),
                   *(['--caches', *options.caches] if options.caches else [])])
        return yaml.safe_load((work / 'tuned.yaml').read_text(encoding='utf-8'))
    parameters = kept(work / 'tune.yaml', inputs, tuned)
    update(out, parameters=parameters)
    chosen = kept(work / 'threshold.yaml', inputs | {'sounds': options.sounds, 'parameters': parameters},
                  lambda: threshold(out, options.manifest, options.limit, options.sounds))
    print('threshold: ' + ' '.join(f'{key} {value}' for key, value in chosen.items()))
    sections = {'parameters': {'guard': {'min_confidence': chosen['min_confidence']}}}
    if options.figures:
        sections['figures'] = yaml.safe_load(options.figures.read_text(encoding='utf-8'))
        measured = sections['figures'].get('graph_sha256')
        if measured and measured != inputs['graph']:
            raise ConfigurationError(f'{options.figures}: figures of another graph ({measured[:12]}, this one is '
                                     f'{inputs["graph"][:12]}); evaluate {out} again')
    document = update(out, **sections)
    from training.speech.card import card
    (out / 'MODEL_CARD.md').write_text(card(document, chosen), encoding='utf-8')
    print(f'{out}: model.yaml and MODEL_CARD.md written' + ('' if options.figures else
          '; measure it with `python -m training evaluate speech --summary FILE`, then run this with --figures FILE'))
    return 0
