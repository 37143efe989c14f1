"""Check, try, draw and test a dialogue file; measure how well its intents are understood.

  check FILE...           faults with line and column; states nobody reaches or leaves; intents that collide
  talk FILE               type instead of speaking; /help lists what else can be typed
  graph FILE              Mermaid on the output, or a picture with --svg PICTURE.svg
  test FILE...            scripted conversations (config/dialogues/conversations has examples)
  measure FILE UTTERANCES the share of utterances understood, clean and with simulated recognition errors

For example:
  robot-ai dialogue check my_dialogue.yaml
"""
import sys
import time
from pathlib import Path

from robot_ai.dialogue.document import load_dialogue
from robot_ai.errors import DialogueError
from robot_ai.paths import find_file


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument('what', choices=('check', 'talk', 'graph', 'test', 'measure'), help='see above')
    parser.add_argument('files', nargs='+', metavar='FILE', help='a path, or a name in config/dialogues')
    parser.add_argument('--svg', metavar='PICTURE', help='graph: write an SVG picture there')
    parser.add_argument('--seed', type=int, default=0, help='varies the wording, and the simulated errors')
    parser.add_argument('--state', default='', help='talk: begin in this state')
    parser.add_argument('--repeats', type=int, default=3, help='measure: each utterance is misheard so many times')


def run(options) -> int:
    """Do what was asked; the exit status is 1 where a file has a problem or a conversation goes wrong."""
    return {'check': _check, 'talk': _talk, 'graph': _graph, 'test': _test, 'measure': _measure}[options.what](options)


def _load(name):
    return load_dialogue(find_file(name, 'config/dialogues'))


def _check(options) -> int:
    from robot_ai.dialogue.checks import check_dialogue
    problems = 0
    for name in options.files:
        try:
            dialogue = _load(name)
        except DialogueError as error:
            print(error)
            problems += 1
            continue
        found = check_dialogue(dialogue)
        for finding in found:
            print(f'{dialogue.file}:{finding.line}:{finding.column}: {finding.level}: {finding.text}')
        wrong = sum(f.level == 'problem' for f in found)
        problems += wrong
        leaves = sum(s.leaf for s in dialogue.states.values())
        print(f'{dialogue.file}: {_counted(leaves, "state")}, {_counted(len(dialogue.intents), "intent")}, '
              f'{_counted(len(dialogue.reminders), "reminder")}; {_counted(wrong, "problem")}, '
              f'{_counted(len(found) - wrong, "piece", " of advice")}')
    return 1 if problems else 0


def _counted(number, noun, rest='') -> str:
    return f'{number} {noun}{"" if number == 1 else "s"}{rest}'


def _graph(options) -> int:
    from robot_ai.dialogue.drawing import mermaid, svg
    dialogue = _load(options.files[0])
    if options.svg:
        try:
            Path(options.svg).write_text(svg(dialogue), 'utf-8')
        except OSError as error:
            raise DialogueError(f'{options.svg}: cannot be written: {error.strerror}') from None
    else:
        print(mermaid(dialogue), end='')
    return 0


def _test(options) -> int:
    from robot_ai.dialogue.scripts import run_script
    failed = False
    for name in options.files:
        outcome = run_script(find_file(name, 'config/dialogues/conversations'), options.seed)
        for fault in outcome.faults:
            print(fault)
        print(f'{name}: {outcome.passed} conversations passed, {outcome.failed} failed, '
              f'{len(outcome.visited)} of {outcome.states} states visited')
        if outcome.unvisited:
            print(f'  not visited: {", ".join(outcome.unvisited)}')
        failed |= bool(outcome.faults)
    return 1 if failed else 0


def _measure(options) -> int:
    from robot_ai.dialogue.measuring import interval, measure, read_utterances, verbatim
    if len(options.files) != 2:
        print('robot-ai dialogue measure: expected a dialogue and a file of utterances', file=sys.stderr)
        return 2
    dialogue = _load(options.files[0])
    _, intents, off_topic = read_utterances(options.files[1])
    rows, (accepted, asked), confusions = measure(dialogue, intents, off_topic, repeats=options.repeats,
                                                  seed=options.seed)
    known, total = verbatim(dialogue, intents), sum(map(len, intents.values()))
    print(f'{total} utterances over {len(intents)} intents, {len(known)} of '
          f'them word for word an example; each misheard {options.repeats} times, seed {options.seed}')
    print('WER wanted  made   right (95 % bootstrap)     at once  wrong accepted  wrong asked')
    for row in rows:
        low, high = row.bounds
        print(f'{row.rate:10.0%}  {row.word_errors / max(1, row.words):5.1%}  {row.accuracy:6.1%} ({low:.1%} to '
              f'{high:.1%})  {row.accepted / row.utterances:10.1%}  {row.wrong / row.utterances:14.1%}  '
              f'{row.asked_wrong / row.utterances:11.1%}')
    others = total - len(known)
    right = others - sum((name, text) not in known for name, text, _ in confusions)
    if others:
        low, high = interval(right, others)
        print(f'clean, without those word for word an example: {right} of {others} right ({right / others:.1%}, '
              f'95 % interval {low:.1%} to {high:.1%})')
    if off_topic:
        low, high = interval(accepted, len(off_topic))
        print(f'off-topic: {accepted} of {len(off_topic)} accepted ({accepted / len(off_topic):.1%}, 95 % interval '
              f'{low:.1%} to {high:.1%}); {asked} asked about')
    for name, text, meaning in confusions:
        print(f'  {name}: {text!r} taken for {meaning.intent} ({meaning.score:.2f}, {meaning.decision})')
    return 0


HELP = """  what you type is what the robot hears; besides:
  (empty line)      say nothing until the robot does something
  /wait SECONDS     let time pass
  /see LATEX        show the robot something written
  /done, /failed    end the action that the robot waits for
  /event NAME       a named event from outside
  /state, /slots    where it stands, what it knows
  /quit             leave"""


def _talk(options) -> int:
    from robot_ai.dialogue.machine import DialogueMachine
    from robot_ai.dialogue.scripts import Player
    dialogue = _load(options.files[0])
    if options.state and options.state not in dialogue.states:
        raise DialogueError(f'no state {options.state!r} in {dialogue.file}')
    now = time.time()
    player = Player(DialogueMachine(dialogue, now, options.seed), now, options.state)
    print(f'{dialogue.name}: type, and press Enter (/help for more, /quit to leave)')
    _show(player.outputs)
    while True:
        try:
            line = input('> ').strip()
        except EOFError:
            print()
            return 0
        if not sys.stdin.isatty():
            print(line)  # a script's lines belong into what is shown, as typed ones are
        if line == '/quit':
            return 0
        _show(_typed(player, line))


def _typed(player, line):
    """Do what one typed line asks for; return the outputs."""
    from robot_ai.dialogue.events import Heard, Named, Seen
    word, _, rest = line.partition(' ')
    if not line:
        deadline = player.machine.next_deadline
        if deadline is None or deadline - player.now > 3600:
            print('  (nothing would happen within the hour)')
            return []
        return player.wait(max(0.0, deadline - player.now) + 0.01)
    if not line.startswith('/'):
        return player.answer(Heard(line))
    if word == '/wait':
        try:
            return player.wait(min(abs(float(rest)), 7 * 86400))
        except ValueError:
            print('  /wait SECONDS: a number is needed')
    elif word == '/see':
        return player.answer(Seen(rest))
    elif word == '/event':
        return player.answer(Named(rest))
    elif word in ('/done', '/failed'):
        open_actions = list(player.pending.values())
        if open_actions:
            return player.result(open_actions[-1], word == '/done', '' if word == '/done' else 'typed') or []
        print('  (no action is open)')
    elif word == '/state':
        print(f'  {player.machine.state}')
    elif word == '/slots':
        print(f'  {player.machine.slots}')
    else:
        print(HELP)
    return []


def _show(outputs):
    from robot_ai.dialogue.events import Act, Say, StateChanged
    for output in outputs:
        if isinstance(output, Say):
            print(f'\N{ROBOT FACE} {output.text}')
        elif isinstance(output, Act):
            print(f'  [action {output.name} {output.arguments}]')
        elif isinstance(output, StateChanged):
            print(f'  ({output.state}: {output.last_event}{" " + output.why if output.why else ""})')
