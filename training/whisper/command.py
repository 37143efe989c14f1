"""`python -m training import-whisper`: Whisper weights in, a model folder for open dictation out.

DIR is a Hugging Face folder (config.json, model.safetensors, tokenizer files, preprocessor_config.json), or OpenAI's
.pt, whose vocabulary (multilingual.tiktoken) lies beside it or in an installed openai-whisper. The export is checked
against the model and timed on this machine; how often a partial comes follows from that.

Example:
  python -m training import-whisper ~/whisper-base --output models/whisper
  robot-ai transcribe --model models/whisper recording.wav

"""
import argparse
import os
from pathlib import Path

from robot_ai.errors import ConfigurationError
from training.litert import STORED


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training import-whisper', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='DIR', type=Path, help='Hugging Face folder, or .pt of OpenAI')
    parser.add_argument('--output', type=Path, help='model folder to write (default: models/NAME)')
    parser.add_argument('--language', default='', help='what is spoken: es, en, ... (default: es; en where the model '
                        'knows only that)')
    parser.add_argument('--tokenizer', type=Path, help='folder or .tiktoken to read the vocabulary from')
    parser.add_argument('--beams', type=int, default=5, help='of finals; 1: greedy, faster (default: 5)')
    parser.add_argument('--seconds', type=int, nargs='+', metavar='S', help='lengths of the encoder (default: what it '
                        'was trained on, 30); shorter ones are faster, but Whisper has never heard them')
    parser.add_argument('--store', choices=STORED, default=STORED[0], help='how weights are stored; int8 takes half of '
                        'the memory, but LiteRT then rounds activations, too: measure the error rate')
    parser.add_argument('--trainable', action='store_true', help='keep the weights beside the graph, for fine-tuning')
    options = parser.parse_args(arguments)
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    from training.whisper.check import check_export, measure
    from training.whisper.export import write_folder
    from training.whisper.model import WhisperModel
    from training.whisper.sources import read_source
    from training.whisper.weights import fill
    source = read_source(options.source, options.tokenizer)
    longest = source.size.frames // 50
    buckets = sorted(set(options.seconds or [longest]))
    if buckets[0] < 1 or buckets[-1] > longest:
        raise ConfigurationError(f'--seconds {buckets}: expected 1 to {longest}')
    if not 1 <= options.beams <= 16:
        raise ConfigurationError(f'--beams {options.beams}: expected 1 to 16')
    language = options.language or ('es' if source.decoding['multilingual'] else 'en')
    if source.decoding['multilingual']:
        source.tokenizer.prompt(language)  # says what languages there are
    elif language != 'en':
        raise ConfigurationError(f'--language {language}: this model knows English only')
    out = options.output or Path('models') / options.source.resolve().stem
    model = fill(WhisperModel(source.size).build_all(), source)
    print(f'{options.source}: {model.count_params() / 1e6:.1f} M parameters, {len(source.tokenizer)} tokens; '
          'exporting', flush=True)
    write_folder(model, source, out, buckets, options.beams, language, options.store, options.trainable)
    print(check_export(model, out))
    print(measure(out))
    print(f'{out}: ready; try\n  robot-ai transcribe --model {out} RECORDING')
    return 0
