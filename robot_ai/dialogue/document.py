"""A dialogue file (YAML) -> `Dialogue`: checked against schema.json and for sense, faults with line and column.

`load_dialogue(path)` is the only place of the dialogue engine that opens a file. All faults are found in one
pass and listed together, so that a carer repairs the file in one go. The format is explained in docs/dialogue.md.
"""
import datetime
import re
import string
import zoneinfo
from pathlib import Path

from rapidfuzz import process

from robot_ai.dialogue.reading import read_yaml
from robot_ai.dialogue.schema import schema_faults
from robot_ai.dialogue.slots import NO, SLOT_TYPES, YES
from robot_ai.dialogue.structure import Action, After, Dialogue, Intent, Reaction, Reminder, Silence, State, Unclear
from robot_ai.dialogue.wording import TIME_WORDS
from robot_ai.errors import DialogueError

BUILT_IN_INTENTS = ('affirm', 'deny')  # understood without examples; examples given are added
MAX_FAULTS_SHOWN = 25
DEFAULT_ACTION_TIMEOUT = 10.0  # s
HAND_OVER_TIMEOUT = 30.0  # s; reaching a person takes longer than a sound


def load_dialogue(path) -> Dialogue:
    """Read and check the dialogue file at `path`. DialogueError lists every fault with line and column."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DialogueError(f'{path}: cannot be read: {error.strerror or error}') from None
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = data[:error.start].count(b'\n') + 1
        column = error.start - (data.rfind(b'\n', 0, error.start) + 1) + 1
        raise DialogueError(f'{path}:{line}:{column}: not UTF-8; save the file as UTF-8 text') from None
    return parse_dialogue(text, str(path))


def parse_dialogue(text: str, name: str = 'dialogue') -> Dialogue:
    """Read and check a dialogue given as text; `name` stands for the file in messages."""
    source = read_yaml(text, name)
    faults = schema_faults(source)
    if not faults:
        builder = _Builder(source)
        dialogue = builder.build()
        faults = builder.faults
    if faults:
        faults = sorted(set(faults), key=lambda f: source.place(f[0]))
        shown = [source.fault(path, text) for path, text in faults[:MAX_FAULTS_SHOWN]]
        if len(faults) > len(shown):
            shown.append(f'{name}: and {len(faults) - len(shown)} more')
        raise DialogueError('\n'.join(shown))
    return dialogue


class _Builder:
    """Turns checked YAML into a Dialogue and gathers what makes no sense in `faults` [(path, text)]."""

    def __init__(self, source):
        self.source, self.raw, self.faults = source, source.value, []
        self.states, self.yaml_paths, self.goals = {}, {}, []
        raw = self.raw
        self.paths = set(_paths(raw['states']))
        self.intent_names = {*raw['intents'], *BUILT_IN_INTENTS}
        self.words = {*TIME_WORDS, *raw.get('facts', {})}

    def fault(self, path, text):
        self.faults.append((tuple(path), text))

    def build(self) -> Dialogue:
        raw = self.raw
        self.zone = self.read_zone()
        intents = {name: self.intent(name, value) for name, value in raw['intents'].items()}
        self.gather_words()
        safe = self.goal(raw['safe'], '', ('safe',))
        defaults = (Silence(go=safe), Unclear(go=safe))
        self.read_states(raw['states'], '', ('states',), (*defaults, 'normal', True, None))
        always = tuple(self.reaction(r, '', ('always', i)) for i, r in enumerate(raw.get('always', ())))
        reminders = tuple(self.reminder(r, ('reminders', i)) for i, r in enumerate(raw.get('reminders', ())))
        for key in ('wording',):
            for word, texts in raw.get(key, {}).items():
                self.texts(texts, (key, word), extra={'meaning', 'seen'})
        understanding = raw.get('understanding', {})
        if understanding.get('confirm', 0) > understanding.get('accept', 1):
            self.fault(('understanding', 'confirm'), 'confirm must not lie above accept')
        places = {('state', p): self.source.place((*y[:-1], ('key', y[-1]))) for p, y in self.yaml_paths.items()}
        places |= {('intent', n): self.source.place(('intents', ('key', n))) for n in intents}
        dialogue = Dialogue(
            name=raw['name'], language=raw.get('language', 'es'), states=self.states, intents=intents,
            start=self.goal(raw['start'], '', ('start',)), safe=safe, always=always, reminders=reminders,
            facts={k: str(v) for k, v in raw.get('facts', {}).items()},
            names={t: {v: tuple(w) for v, w in values.items()} for t, values in raw.get('names', {}).items()},
            lists={n: tuple({k: str(v) for k, v in item.items()} for item in items)
                   for n, items in raw.get('lists', {}).items()},
            wording={k: _tuple(v) for k, v in raw.get('wording', {}).items()}, zone=self.zone,
            patience=float(raw.get('patience', 90)), resume_within=float(raw.get('resume_within', 1800)),
            accept=understanding.get('accept'), confirm=understanding.get('confirm'),
            margin=understanding.get('margin'), places=places, file=self.source.name)
        if not self.faults:
            self.check_whole(dialogue)
        return dialogue

    def read_zone(self):
        name = self.raw.get('timezone', 'UTC')
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            if name == 'UTC':
                return datetime.timezone.utc
            self.fault(('timezone',), f'no time zone {name!r} on this machine; expected one as Europe/Madrid')
            return datetime.timezone.utc

    def intent(self, name, raw) -> Intent:
        path, slots = ('intents', name), raw.get('slots', {})
        types = {*SLOT_TYPES, *self.raw.get('names', {})}
        for slot, kind in slots.items():
            if kind not in types:
                self.fault((*path, 'slots', slot),
                           f'no slot type {kind!r}{_near(kind, types)}; expected one of {_listed(types)}')
        for i, example in enumerate(raw['examples']):
            for word in self.placeholders(example, (*path, 'examples', i)):
                if word not in slots:
                    self.fault((*path, 'examples', i),
                               f'{{{word}}} is not among the slots of this intent ({_listed(slots) or "it has none"})'
                               f'{_near(word, slots)}; write one of them, or declare it under `slots:`')
        self.words |= set(slots)
        return Intent(name, tuple(raw['examples']), dict(slots), raw.get('confirm', ''), raw.get('urgent', False))

    def gather_words(self):
        """Collect every name that a `{placeholder}` may have: facts, slots, keys of lists and of `set`."""
        for items in self.raw.get('lists', {}).values():
            for item in items:
                self.words |= set(item)

        def walk(value):
            if isinstance(value, dict):
                if isinstance(value.get('set'), dict):
                    self.words.update(value['set'])
                for item in value.values():
                    walk(item)
            elif isinstance(value, list):
                for item in value:
                    walk(item)
        for part in ('states', 'always', 'reminders'):
            walk(self.raw.get(part, ()))

    def placeholders(self, text, path):
        try:
            found = [name for _, name, spec, conversion in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            self.fault(path, f'braces that do not fit: {error}; write {{slot}} for a value')
            return []
        for name in found:
            if not re.fullmatch(r'[^\W\d]\w*', name):
                self.fault(path, f'{{{name}}} is not a plain name')
        return [n for n in found if re.fullmatch(r'[^\W\d]\w*', n)]

    def texts(self, value, path, extra=()) -> tuple:
        for i, text in enumerate(_tuple(value)):
            where = (*path, i) if isinstance(value, list) else path
            for word in self.placeholders(str(text), where):
                if word not in self.words and word not in extra:
                    self.fault(where, f'nothing fills {{{word}}}{_near(word, self.words | set(extra))}; known here: '
                                      f'{_listed(self.words | set(extra))}')
        return tuple(str(t) for t in _tuple(value))

    def mapping(self, raw, path) -> dict:
        return {k: None if v is None else self.texts(v, (*path, k))[0] for k, v in raw.items()}

    def goal(self, name, scope, path) -> str:
        """Return the full path of the state `name` as seen from `scope` (inner states first)."""
        while True:
            full = f'{scope}.{name}' if scope else name
            if full in self.paths:
                return full
            if not scope:
                break
            scope = scope.rpartition('.')[0]
        self.fault(path, f'no state {name!r}{_guess(name, self.paths)}')
        return ''

    def read_states(self, raw, parent, path, outer):
        for name, value in raw.items():
            self.state(name, value or {}, parent, (*path, name), *outer)

    def state(self, name, raw, parent, path, silence, unclear, endpointing, interruptible, vision):
        full = f'{parent}.{name}' if parent else name
        self.yaml_paths[full] = path
        children, start = raw.get('states'), ''
        if children:
            start = f'{full}.{raw.get("start", next(iter(children)))}'
            if start not in self.paths:
                self.fault((*path, 'start'), f'no state {raw["start"]!r} within {full}{_guess(raw["start"], children)}')
        elif 'start' in raw:
            self.fault((*path, ('key', 'start')), 'start without states: there is nothing inside to start with')
        silence = self.silence(raw.get('silence', {}), silence, full, (*path, 'silence'))
        unclear = self.unclear(raw.get('unclear', {}), unclear, full, (*path, 'unclear'))
        endpointing = raw.get('endpointing', endpointing)
        interruptible, vision = raw.get('interruptible', interruptible), raw.get('vision', vision)
        after = None
        if 'after' in raw:
            at = (*path, 'after')
            after = After(float(raw['after']['seconds']), self.goal(raw['after']['go'], full, (*at, 'go')),
                          self.texts(raw['after'].get('say', []), (*at, 'say')))
        pick = raw.get('pick', '')
        if pick and pick not in self.raw.get('lists', {}):
            self.fault((*path, 'pick'), f'no list {pick!r} under lists{_guess(pick, self.raw.get("lists", {}))}')
        self.states[full] = State(
            full, self.texts(raw.get('say', []), (*path, 'say')), self.texts(raw.get('short', []), (*path, 'short')),
            pick, self.mapping(raw.get('set', {}), (*path, 'set')), self.actions(raw, full, path),
            tuple(self.reaction(r, full, (*path, 'on', i)) for i, r in enumerate(raw.get('on', ()))),
            silence, unclear, after, raw.get('rest', False), interruptible, tuple(raw.get('phrases', ())),
            endpointing, vision, start, parent)
        if children:
            self.read_states(children, full, (*path, 'states'), (silence, unclear, endpointing, interruptible, vision))

    def silence(self, raw, outer, scope, path) -> Silence:
        say = self.texts(raw['say'], (*path, 'say')) if 'say' in raw else outer.say
        go = self.goal(raw['go'], scope, (*path, 'go')) if 'go' in raw else outer.go
        after, patience = float(raw.get('after', outer.after)), self.raw.get('patience', 90)
        if after > patience:
            self.fault((*path, 'after') if 'after' in raw else ('patience',),
                       f'a silence of {after:g} s is longer than the patience of {patience:g} s')
        return Silence(after, raw.get('retries', outer.retries), say, go)

    def unclear(self, raw, outer, scope, path) -> Unclear:
        say = self.texts(raw['say'], (*path, 'say')) if 'say' in raw else outer.say
        go = self.goal(raw['go'], scope, (*path, 'go')) if 'go' in raw else outer.go
        return Unclear(raw.get('retries', outer.retries), say, go)

    def actions(self, raw, scope, path) -> tuple[Action, ...]:
        out = []
        given = raw.get('do', [])
        for i, item in enumerate(given if isinstance(given, list) else [given]):
            at = (*path, 'do', i) if isinstance(given, list) else (*path, 'do')
            arguments = {k: self.texts(v, (*at, 'arguments', k))[0] if isinstance(v, str) else v
                         for k, v in item.get('arguments', {}).items()}
            out.append(Action(item['name'], arguments, float(item.get('timeout', DEFAULT_ACTION_TIMEOUT)),
                              self.goal(item['done'], scope, (*at, 'done')) if 'done' in item else '',
                              self.goal(item['failed'], scope, (*at, 'failed'))))
        if 'hand_over' in raw:
            item, at = raw['hand_over'], (*path, 'hand_over')
            arguments = {k: self.texts(item[k], (*at, k))[0] for k in ('person', 'message')}
            out.append(Action('notify', arguments, float(item.get('timeout', HAND_OVER_TIMEOUT)),
                              self.goal(item['done'], scope, (*at, 'done')),
                              self.goal(item['failed'], scope, (*at, 'failed'))))
        return tuple(out)

    def reaction(self, raw, scope, path) -> Reaction:
        if sum(k in raw for k in ('hear', 'see', 'event')) != 1:
            self.fault(path, 'a reaction needs exactly one of hear, see and event')
        if sum(bool(raw.get(k)) for k in ('go', 'back')) > 1:
            self.fault((*path, ('key', 'back')), 'either go or back, not both')
        if not any(raw.get(k) for k in ('say', 'go', 'back', 'set', 'repeat', 'slower')):
            self.fault(path, 'this reaction does nothing; expected one of say, go, back, set, repeat, slower')
        for i, name in enumerate(_tuple(raw.get('hear', []))):
            if name not in self.intent_names:
                self.fault((*path, 'hear', i) if isinstance(raw['hear'], list) else (*path, 'hear'),
                           f'no intent {name!r}{_meant(name) or _guess(name, self.intent_names)}')
        for word in raw.get('where', {}):
            if word not in self.words:
                self.fault((*path, 'where', ('key', word)), f'no slot or fact {word!r}{_guess(word, self.words)}')
        see = raw.get('see', [])
        return Reaction(
            _tuple(raw.get('hear', [])), self.texts(see if isinstance(see, list) else [see], (*path, 'see')),
            _tuple(raw.get('event', [])),
            self.mapping(raw.get('where', {}), (*path, 'where')), self.texts(raw.get('say', []), (*path, 'say')),
            self.mapping(raw.get('set', {}), (*path, 'set')),
            self.goal(raw['go'], scope, (*path, 'go')) if 'go' in raw else '', raw.get('back', False),
            raw.get('repeat', False), raw.get('slower', False))

    def reminder(self, raw, path) -> Reminder:
        hour, minute = raw['at'].split(':')
        date = None
        if 'date' in raw:
            try:
                date = datetime.date.fromisoformat(raw['date'])
            except ValueError:
                self.fault((*path, 'date'), f'{raw["date"]} is not a day of the calendar')
        days = tuple(('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun').index(d) for d in raw.get('days', ()))
        return Reminder(raw['name'], int(hour) * 60 + int(minute), self.goal(raw['go'], '', (*path, 'go')), days, date,
                        self.mapping(raw.get('set', {}), (*path, 'set')), float(raw.get('wait', 300)),
                        float(raw.get('late', 3600)), raw.get('title', ''))

    def check_whole(self, dialogue):
        """Look for what only the whole can show: a safe state that is none, states that would fall silent."""
        if not dialogue.states[dialogue.leaf(dialogue.safe)].rest:
            self.fault(('safe',), f'the safe state {dialogue.safe!r} needs `rest: true`')
        for full, state in dialogue.states.items():
            path = self.yaml_paths[full]
            if state.rest and not state.leaf:
                self.fault((*path, 'rest'), 'rest belongs to a state without states inside')
            if state.leaf and not state.rest and not state.say and not state.do:
                self.fault((*path[:-1], ('key', path[-1])),
                           f'the state {full} neither says nor does anything; give it `say`, `do` or `rest: true`')
        names = [r.name for r in dialogue.reminders]
        for i, name in enumerate(names):
            if name in names[:i]:
                self.fault(('reminders', i, 'name'), f'a reminder {name!r} exists already')


def _paths(raw, parent=''):
    for name, value in raw.items():
        full = f'{parent}.{name}' if parent else name
        yield full
        if isinstance(value, dict) and value.get('states'):
            yield from _paths(value['states'], full)


def _tuple(value) -> tuple:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _listed(names) -> str:
    names = sorted(names)
    return ', '.join(names[:12]) + (', ...' if len(names) > 12 else '')


def _meant(name) -> str:
    """Return a hint where the name is a word for yes or no: those intents have names of their own."""
    word = str(name).casefold().replace('í', 'i')
    for intent, ways in (('affirm', YES), ('deny', NO)):
        if any(word in words for words in ways.values()):
            return f'; yes is called affirm, and no is called deny: did you mean {intent!r}?'
    return ''


def _near(name, known) -> str:
    """Return a question with the nearest of the known names, or nothing."""
    best = process.extractOne(str(name), list(known), score_cutoff=60)
    return f'; did you mean {best[0]!r}?' if best else ''


def _guess(name, known) -> str:
    """Return the same, or the list of the known names where none is near."""
    return _near(name, known) or (f'; there are: {_listed(known)}' if known else '')
