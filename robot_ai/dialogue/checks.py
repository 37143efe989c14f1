"""What is wrong with a dialogue that loads: dead ends, states nobody reaches, intents that collide, long sentences.

A `Finding` is a problem (the dialogue will not do what its author means) or advice (it will, but hard to follow).
"""
from dataclasses import dataclass
from pathlib import Path

from robot_ai.dialogue.document import DEFAULT_ACTION_TIMEOUT
from robot_ai.dialogue.understanding import Understanding
from robot_ai.dialogue.wording import TIME_WORDS, sentences

COLLISION = 0.93  # score at which one intent's example counts as the other's
LONGEST_SENTENCE = 18  # words; people with memory loss follow short sentences better
SHIPPED_ACTIONS = ('play_sound', 'show_picture', 'show_text', 'notify')
FILE_ACTIONS = {'play_sound', 'show_picture'}


@dataclass(frozen=True)
class Finding:
    """One finding with its place; `level` is 'problem' or 'advice'."""

    level: str
    line: int
    column: int
    text: str


def transitions_of(dialogue) -> list[tuple[str, str, str]]:
    """Return (from, label, to) of every way between leaves; '*' as origin stands for any state."""
    out = []
    for state in dialogue.states.values():
        leaves = [p for p, s in dialogue.states.items()
                  if s.leaf and (p == state.path or p.startswith(state.path + '.'))]
        for reaction in state.on:
            if reaction.go or reaction.back:
                goal = dialogue.leaf(reaction.go) if reaction.go else '(back)'
                out += [(leaf, label_of(reaction), goal) for leaf in leaves]
        for action in state.do:
            for outcome, goal in (('done', action.done), ('failed', action.failed)):
                if goal:
                    out += [(leaf, f'{action.name} {outcome}', dialogue.leaf(goal)) for leaf in leaves]
        if state.leaf:
            if state.after:
                out.append((state.path, f'after {state.after.seconds:g} s', dialogue.leaf(state.after.go)))
            if not state.rest and not any(a.done for a in state.do):
                out.append((state.path, 'silence', dialogue.leaf(state.silence.go)))
                out.append((state.path, 'unclear', dialogue.leaf(state.unclear.go)))
    for reaction in dialogue.always:
        if reaction.go:
            out.append(('*', label_of(reaction), dialogue.leaf(reaction.go)))
    out += [('*', f'reminder {r.name}', dialogue.leaf(r.go)) for r in dialogue.reminders]
    return out


def label_of(reaction) -> str:
    """Return a reaction's trigger in a few words."""
    if reaction.hear:
        return ', '.join(reaction.hear)
    return f'sees {", ".join(reaction.see)}' if reaction.see else f'event {", ".join(reaction.event)}'


def check_dialogue(dialogue) -> list[Finding]:
    """Return what was found, by line."""
    found = [*_reach(dialogue), *_collisions(dialogue), *_unused(dialogue), *_actions(dialogue), *_wording(dialogue)]
    return sorted(found, key=lambda f: (f.line, f.column, f.text))


def reachable(dialogue) -> set[str]:
    """Return the leaves that some sequence of events can lead to."""
    ways = transitions_of(dialogue)
    seen, todo = set(), [dialogue.leaf(dialogue.start), dialogue.leaf(dialogue.safe)]
    todo += [goal for origin, _, goal in ways if origin == '*']
    while todo:
        state = todo.pop()
        if state not in seen and state in dialogue.states:
            seen.add(state)
            todo += [goal for origin, _, goal in ways if origin == state]
    return seen


def _reach(dialogue):
    reached, ways = reachable(dialogue), transitions_of(dialogue)
    for path, state in dialogue.states.items():
        if not state.leaf:
            continue
        line, column = dialogue.places[('state', path)]
        if path not in reached:
            yield Finding('problem', line, column, f'nothing leads to the state {path}; let a reaction `go:` there, or '
                          'take the state out')
        if state.rest and not state.after and not any(o in (path, '*') and goal != path for o, _, goal in ways):
            yield Finding('problem', line, column, f'no way out of the rest state {path}: no reaction, no `after`, '
                          'and nothing under `always` goes anywhere')
        if not state.rest and not any(o == path and goal != path for o, _, goal in ways):
            yield Finding('problem', line, column, f'no way out of the state {path} but back into itself, not even '
                          'when nobody answers; give it `after:`, or let `silence: {go: ...}` lead to another state')


def _collisions(dialogue):
    """Yield each pair of intents of which one takes the other's example for its own: the clearest example."""
    understanding, worst = Understanding(dialogue), {}
    for score, name, example, other in understanding.collisions(COLLISION):
        pair = tuple(sorted((name, other)))
        if name in dialogue.intents and score > worst.get(pair, (0,))[0]:
            worst[pair] = (score, name, example, other)
    for score, name, example, other in worst.values():
        line, column = dialogue.places[('intent', name)]
        nearest = understanding.nearest_example(example, other)
        yield Finding('problem', line, column, f'the intents {name} and {other} collide: {example!r} ({name}) sounds '
                      f'like {nearest!r} ({other}), {score:.2f}; take one of them out, or make one intent of both')


def _unused(dialogue):
    used = {i for s in dialogue.states.values() for r in s.on for i in r.hear}
    used |= {i for r in dialogue.always for i in r.hear}
    for name in dialogue.intents:
        if name not in used and name not in ('affirm', 'deny'):
            line, column = dialogue.places[('intent', name)]
            yield Finding('problem', line, column, f'nothing listens for the intent {name}; add a reaction with '
                          f'`hear: {name}`, or take the intent out')


def _actions(dialogue):
    folder = Path(dialogue.file).parent
    for path, state in dialogue.states.items():
        line, column = dialogue.places[('state', path)]
        for action in state.do:
            if action.name not in SHIPPED_ACTIONS:
                yield Finding('advice', line, column, f'{path}: no performer of this package does {action.name!r}; the '
                              f'robot must ({", ".join(SHIPPED_ACTIONS)} are shipped)')
            if action.name == 'play_sound' and action.timeout == DEFAULT_ACTION_TIMEOUT:
                yield Finding('advice', line, column, f'{path}: play_sound is cut off after {action.timeout:g} s and '
                              f'counts as failed; give it `timeout:` with more seconds than the sound lasts')
            file = action.arguments.get('file') if action.name in FILE_ACTIONS else None
            for name in _values(dialogue, file) if file else ():
                if not (folder / name).is_file():
                    yield Finding('problem', line, column, f'{path}: {action.name} names {name}, which does not lie '
                                  f'beside the dialogue')


def _values(dialogue, text):
    """Return what a `file:` can become: itself, or the values that lists give to its one placeholder."""
    if not text.startswith('{'):
        return [text] if '{' not in text else []
    slot = text.strip('{}')
    return sorted({item[slot] for items in dialogue.lists.values() for item in items if slot in item})


def _wording(dialogue):
    says_time = False
    for path, state in dialogue.states.items():
        line, column = dialogue.places[('state', path)]
        texts = [*state.say, *state.short, *state.silence.say, *state.unclear.say]
        texts += [t for r in state.on for t in r.say]
        says_time |= any('{' + w + '}' in t for t in texts for w in TIME_WORDS)
        for text in state.say:
            longest = max((len(s.split()) for s in sentences(text)), default=0)
            if longest > LONGEST_SENTENCE:
                yield Finding('advice', line, column, f'{path}: a sentence of {longest} words; at most '
                              f'{LONGEST_SENTENCE} are easy to follow')
            if text.count('?') > 1:
                yield Finding('advice', line, column, f'{path}: two questions at a time: {text!r}')
        if not state.rest and state.leaf and len(state.say) == 1 and '{' not in state.say[0] and (
                state.silence.go == path):
            yield Finding('advice', line, column, f'{path}: asks again in always the same words')
    says_time |= any('{' + w + '}' in t for r in dialogue.always for t in r.say for w in TIME_WORDS)
    if (says_time or dialogue.reminders) and str(dialogue.zone) == 'UTC':
        yield Finding('problem', 1, 1,
                      'it tells or keeps times without `timezone:`; UTC is an hour or two off in Spain')
