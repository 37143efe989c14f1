"""`python -m training audiobook COMMAND`: from recordings and e-books to an aligned corpus.

The chain for one book (its folder holds recordings/ and text/), each step resumable:
  python -m training audiobook prepare books/cuentos
  python -m training audiobook align books/cuentos
  python -m training audiobook corpus books/cuentos --out corpus
"""
import argparse
import importlib
import sys

COMMANDS = {
    'fetch': 'download the recordings and texts that a catalogue lists',
    'prepare': '16 kHz FLAC without preamble and ending, and what each recording reads',
    'spelling': 'list words of the text that no dictionary has',
    'align': 'when each sentence and word is spoken, with a score',
    'review': 'a local page to listen, correct, accept and reject',
    'corpus': 'LibriSpeech layout in three splits from what was aligned',
    'measure': 'border errors and hits on audiobooks whose borders are known',
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status: 0, or 1 where a file failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog='python -m training audiobook', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name, text in COMMANDS.items():
        module = importlib.import_module(f'training.audiobook.{name}')
        sub_parser = commands.add_parser(name, help=text, description=module.__doc__,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(sub_parser)
        sub_parser.set_defaults(run=module.run)
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:  # argparse's: usage is printed
        return int(stop.code or 0)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print('\nstopped; the same command goes on from here', file=sys.stderr)
        return 130
