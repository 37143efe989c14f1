"""Turn sound files into text: wav, flac, mp3, ogg, opus, m4a, of any rate and up to 8 channels.

One line a file: its name, a tab, its text. With --json one object a line: file, text, duration, confidence,
words with times (s), candidates, and the utterances that the text is made of. A file that cannot be read is
named on the error output and the others are done; the exit status is then 1.

For example:
  robot-ai transcribe recording.wav
  robot-ai transcribe --json --phrase 'enciende la luz' --phrase 'apaga la luz' *.ogg
"""
import json
import sys
from dataclasses import asdict
from pathlib import Path

from robot_ai.errors import ConfigurationError, RobotAIError, UsageError
from robot_ai.model_store import find_model
from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.endpointing import PROFILES


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument('files', nargs='+', metavar='FILE', help='sound file')
    parser.add_argument('--json', action='store_true', help='one JSON object a line')
    parser.add_argument('--phrase', action='append', default=[], metavar='TEXT',
                        help='an expected phrase to favour')
    parser.add_argument('--phrases', metavar='FILE', help='file with one expected phrase a line (UTF-8)')
    parser.add_argument('--numerals', action='store_true', help="numbers as numerals: '20', not 'veinte'")
    parser.add_argument('--model', default='', metavar='DIR', help='model folder (default: the one shipped)')
    parser.add_argument('--profile', default='normal', choices=PROFILES,
                        help='paused_speech allows 3 s of silence inside a sentence (default: normal)')
    parser.add_argument('--threads', type=int, default=1, help='threads for the model (default: 1)')


def run(options) -> int:
    """Transcribe the files and return the exit status."""
    from robot_ai.speech.recognizer import open_recognizer, with_numerals

    if options.threads < 1:
        raise UsageError(f'--threads {options.threads}: expected 1 or more')
    phrases = [*options.phrase, *_read_phrases(options.phrases)]
    recognizer = open_recognizer(find_model('speech', options.model), options.threads, phrases, options.profile)
    failed = False
    for file in options.files:
        try:
            samples = read_audio(file)
            finals = recognizer.transcribe(samples)
        except RobotAIError as error:
            print(f'robot-ai transcribe: {error}', file=sys.stderr)
            failed = True
            continue
        finals = [with_numerals(final) for final in finals] if options.numerals else finals
        print(_line(file, finals, len(samples) / SAMPLE_RATE, options), flush=True)
    return 1 if failed else 0


def _read_phrases(path):
    if not path:
        return []
    try:
        return [line.strip() for line in Path(path).read_text(encoding='utf-8').splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'{path}: expected a UTF-8 text file with one phrase a line: {error}') from None


def _line(file, finals, duration, options):
    text = ' '.join(final.text for final in finals)
    if not options.json:
        return f'{file}\t{text}'
    weight = sum(len(final.text) for final in finals)
    confidence = sum(final.confidence * len(final.text) for final in finals) / weight if weight else 0.0
    return json.dumps({
        'file': str(file), 'text': text, 'duration': round(duration, 3), 'confidence': round(confidence, 4),
        'words': [asdict(word) for final in finals for word in final.words],
        'candidates': [asdict(candidate) for candidate in finals[0].candidates] if len(finals) == 1 else [],
        'utterances': [{**asdict(final), 'words': len(final.words)} for final in finals]}, ensure_ascii=False)
