"""Measure the assistant end to end: a bag in real time over DDS, each node a process of its own.

Latencies count from the moment of the sound (or image) to the message that it led to; waiting for the silence that
ends an utterance is part of them. CPU is the share of one core, memory is what is resident. Other speech engines that
are installed hear the same bag in the same run, in turn with ours (--against). Nothing is heard or moved: it runs in a
ROS domain of its own, unless ROS_DOMAIN_ID is set. Keep the computer idle meanwhile: a busy one measures itself.

For example:
  robot-ai benchmark
  robot-ai benchmark visita.mcap --repeat 5 --json
  robot-ai benchmark --repeat 3 --against vosk=~/vosk-model-small-es-0.42 faster_whisper=small
"""
import json
import sys
from pathlib import Path

from robot_ai.errors import ConfigurationError, UsageError
from robot_ai.measurement import report, shown
from robot_ai.paths import share_directory
from robot_ai.speech.other_engines import ENGINES, OURS
from robot_ai.testing import load_outcome

DEMO = 'config/demo'


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument('bag', nargs='?', default='', metavar='BAG',
                        help='folder, .mcap or .db3 file (default: the bundled one)')
    parser.add_argument('--repeat', type=int, default=1, metavar='N', help='play it so often, each time with new '
                        'processes; the latencies of all are put together (default: 1)')
    parser.add_argument('--against', nargs='+', default=(), metavar='ENGINE[=MODEL]',
                        help=f'other speech engines, with the name or folder of a model: {", ".join(ENGINES[1:])}')
    parser.add_argument('--allow-cloud', action='store_true', help='let an engine of --against send the sound to the '
                        'company that runs it')
    parser.add_argument('--expect', default='', metavar='FILE.yaml', help='what is really said, as `robot-ai replay '
                        "--update` writes it and you corrected it (default for the bundled bag: its script's words)")
    parser.add_argument('--reliable', action='store_true', help='send sound and images so that none can be lost; a '
                        'robot sends them best effort')
    parser.add_argument('--dialogue', default='', metavar='FILE', help='dialogue file (default: acompanante.yaml)')
    parser.add_argument('--models', default='', metavar='DIR', help='folder of model folders (default: those shipped)')
    parser.add_argument('--params-file', action='append', default=[], metavar='FILE',
                        help='parameters of the nodes, as for ros2 run (default: config/default.yaml)')
    parser.add_argument('--json', action='store_true', help='print one JSON object instead of tables')


def run(options) -> int:
    """Measure and print; 1 where an engine of --against could not be measured."""
    if not 1 <= options.repeat <= 1000:
        raise UsageError(f'--repeat {options.repeat}: expected 1 to 1000')
    try:
        from robot_ai.nodes.benchmark import run_pass
    except ImportError as error:
        raise ConfigurationError(f'the benchmark needs ROS 2 ({error}): source it, or run `make venv`') from None
    bag = options.bag or share_directory() / DEMO / 'demo.mcap'
    expect = options.expect or ('' if options.bag else share_directory() / DEMO / 'expected.yaml')
    expected = load_outcome(expect) if expect else None
    given, unavailable = {OURS: {}} | _speech_parameters(options), {}
    passes = {engine: [] for engine in given}
    arguments = {'dialogue': options.dialogue, 'models': options.models, 'reliable': options.reliable,
                 'params_files': options.params_file or [share_directory() / 'config' / 'default.yaml']}
    for number in range(options.repeat):
        order = list(passes)
        for engine in order if number % 2 == 0 else reversed(order):  # a machine whose load drifts favours nobody
            if engine in unavailable:
                continue
            print(f'{engine}: pass {number + 1} of {options.repeat}', file=sys.stderr, flush=True)
            try:
                passes[engine].append(run_pass(bag, **arguments, speech=given[engine]))
            except ConfigurationError as error:
                if engine == OURS:
                    raise
                unavailable[engine] = str(error)
                print(f'{engine} is left out: {error}', file=sys.stderr, flush=True)
    result = report(str(bag), passes, unavailable, expected, options.reliable)
    print(json.dumps(result, ensure_ascii=False) if options.json else shown(result))
    return 1 if unavailable else 0


def _speech_parameters(options) -> dict[str, dict]:
    """Return {name of the column: parameters of speech_to_text} for the engines of --against."""
    given = {}
    for text in options.against:
        engine, _, model = text.partition('=')
        if engine not in ENGINES[1:]:
            raise UsageError(f'--against {text}: expected some of {", ".join(ENGINES[1:])}')
        if model and Path(model).expanduser().exists():
            model = str(Path(model).expanduser())
        given[text] = {'engine': engine, 'engine_model': model, 'allow_cloud': options.allow_cloud}
    return given
