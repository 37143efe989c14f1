"""What a dialogue says, asks of performers and tells the recognisers to expect: the outputs of DialogueMachine.

Everything that leaves the machine is put into `_out` here or in Reacting. Which of several wordings is said,
and which item of a list comes next, follows from the seed and a count alone, so that a bag replayed says the
same.
"""
import itertools
import json
import string
import zlib
from collections import defaultdict

from robot_ai.dialogue import wording
from robot_ai.dialogue.events import Act, Listen, Say
from robot_ai.dialogue.working_memory import WorkingMemory

SLOW_FACTOR = 1.5  # patience and speaking time are multiplied by it once someone has asked to go slower
MOST_TO_EXPECT = 200_000  # characters of all phrases as JSON, twice the bundled dialogues'; payloads.py takes 262,144
SMALL_NUMBERS = 31  # 0 to 30: answers to sums, days, hours


class Voice(WorkingMemory):
    """Part of DialogueMachine: texts, actions and expectations. Uses none of the other parts."""

    def _say(self, texts, key, filled=False, **extra):
        """Say one of `texts`, another one than last time for this `key` where there is a choice."""
        texts = [t for t in texts if t]
        if not texts:
            return
        if not filled:
            ready = [t for t in texts if self._is_filled(t, extra)] or texts
            last = self._last_choice.get(key)
            choices = [t for t in ready if t != last] or ready
            chosen = choices[self._chance(len(choices))]
            self._last_choice[key] = chosen
            text = self._fill(chosen, **extra)
        else:
            text = texts[0]
        text = ' '.join(text.split())
        if not text:
            return
        self._last_text = text
        factor = SLOW_FACTOR if self._slow else 1.0
        self._talk_until = max(self._talk_until, self._now) + wording.spoken_seconds(text) * factor
        self._out += [Say(t) for t in (wording.sentences(text) if self._slow else [text])]

    def _is_filled(self, text, extra) -> bool:
        known = {*self._slots, *self.dialogue.facts, *extra, *wording.TIME_WORDS}
        return all(name is None or name in known for _, name, _, _ in string.Formatter().parse(text))

    def _fill(self, text, **extra) -> str:
        """Return the text with every {placeholder} replaced; one without a value becomes nothing."""
        if '{' not in text and '}' not in text:
            return text
        language = self.dialogue.language
        values = defaultdict(str, self.dialogue.facts)
        if any('{' + word + '}' in text for word in wording.TIME_WORDS):
            values |= wording.time_words(wording.moment(self._now, self.dialogue.zone), language)
            values['agenda'] = wording.agenda(self._reminders.today(self._now), language)
        values |= {k: wording.spoken_value(v, language) for k, v in self._slots.items()}
        values |= extra
        return wording.filled(text, values)

    def _short(self) -> str:
        """Return the present question in its short form."""
        for state in self.dialogue.line(self.state)[:1]:
            if state.short:
                return self._fill(state.short[self._chance(len(state.short))])
            if state.rest:
                return ''
            if state.say:
                return wording.short_question(self._question or self._fill(state.say[0]))
        return wording.short_question(self._question)

    def _wording(self, key) -> tuple:
        return self.dialogue.wording.get(key) or wording.DEFAULTS[self.dialogue.language][key]

    def _chance(self, size) -> int:
        """Return 0..size-1, by the seed and how often it was asked."""
        if size <= 1:
            return 0
        self._count += 1
        return zlib.crc32(f'{self.seed} {self._count}'.encode()) % size

    def _picked(self, name) -> dict:
        """Return the next item of a list, in a mixed order without repetition until all were used."""
        items = self.dialogue.lists[name]
        left = self._remaining.get(name) or list(range(len(items)))
        chosen = left[self._chance(len(left))]
        self._remaining[name] = [i for i in left if i != chosen]
        return items[chosen]

    def _act(self, name, arguments) -> str:
        identity = self._identity()
        self._out.append(Act(identity, name, arguments))
        return identity

    def _identity(self) -> str:
        self._count += 1
        return f'{self.dialogue.name}-{self._count}'

    def _listen(self):
        """Tell the recognisers what to expect, where that has changed."""
        key = (self.state, bool(self._pending))
        if key not in self._expectations:
            self._expectations[key] = self._expected_now()
        listen = self._expectations[key]
        if listen != self._listening:
            self._listening = listen
            self._out.append(listen)

    def _expected_now(self) -> Listen:
        reactions = [r for s in self.dialogue.line(self.state) for r in s.on]
        phrases = []
        if self._pending:
            phrases += ['sí', 'no'] if self.dialogue.language == 'es' else ['yes', 'no']
        for state in self.dialogue.line(self.state):
            phrases += state.phrases
        for intent in dict.fromkeys(i for r in (*reactions, *self.dialogue.always) for i in r.hear):
            phrases += self._phrases(intent)
        vision = self._leaf.vision
        if vision is None:
            vision = any(r.see for r in [*reactions, *self.dialogue.always])
        phrases = tuple(dict.fromkeys(phrases))  # each one left out is heard worse
        ends = itertools.accumulate(len(json.dumps(p)) + 2 for p in phrases)
        fit = sum(1 for _ in itertools.takewhile(lambda end: end <= MOST_TO_EXPECT, ends))
        return Listen(phrases[:fit], self._leaf.endpointing, vision)

    def _phrases(self, name) -> list[str]:
        built_in = {'affirm': ['sí', 'vale', 'claro'], 'deny': ['no', 'no quiero']} if (
            self.dialogue.language == 'es') else {'affirm': ['yes', 'okay'], 'deny': ['no']}
        intent = self.dialogue.intents.get(name)
        out = list(built_in.get(name, ()))
        if intent:
            for example in intent.examples:
                out += self._with_values(example, intent.slots)
        return out

    def _with_values(self, example, slots) -> list[str]:
        """Return an example as it may be said: with each wording of each name, with each small number."""
        out = [example]
        for slot, kind in slots.items():
            if f'{{{slot}}}' in example:
                names = self.dialogue.names.get(kind)
                values = ([value for wordings in names.values() for value in wordings] if names else
                          map(str, range(SMALL_NUMBERS)))
                out = [text.replace(f'{{{slot}}}', value) for value in values for text in out]
        return out
