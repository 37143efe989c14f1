"""What a dialogue makes of words, readings and silence: the part of DialogueMachine that judges what comes in.

It decides between acting, asking yes or no, saying that something was not understood, and giving up after the
retries that the state allows. The way of a transcript: `_heard` -> `_answered` (a question is open) or
`_act_on`, `_ask`, `_not_understood`.
"""
from robot_ai.dialogue.understanding import Meaning
from robot_ai.dialogue.working_memory import WorkingMemory

SEEN_SURE = 0.5  # score from which a reading counts
SEEN_POSSIBLE = 0.15  # score from which an expected reading among the candidates is asked about
SEEN_AGAIN = 10.0  # s: a reading seen again sooner is the same paper still lying there
REST_ASK_PAUSE = 60.0  # s between questions about half-understood words while the robot rests


class Hearing(WorkingMemory):
    """Part of DialogueMachine: from events to reactions, questions and retries.

    Uses of Reacting `_react`, `_go`, `_holds`; of Voice `_say`, `_short`, `_wording`, `_fill`; of DialogueMachine
    `_arm`.
    """

    def _heard(self, event):
        try:
            text, confidence = str(event.text), float(event.confidence)
        except (TypeError, ValueError):
            return
        expected = self._expected[self.state] | ({'affirm', 'deny'} if self._pending else frozenset())
        meaning = self.understanding.understand(text, confidence, expected)
        if not meaning.intent:
            return
        if self._pending and self._answered(meaning):
            return
        if meaning.decision != 'reject' and meaning.intent in self._active[self.state]:
            if meaning.decision == 'accept':
                self._act_on(meaning)
            else:
                self._ask(meaning)
        else:
            self._not_understood()

    def _answered(self, meaning) -> bool:
        """Take `meaning` as the answer to the open question; False where it says something else clearly."""
        kind, what = self._pending
        if meaning.intent not in ('affirm', 'deny'):
            if meaning.decision == 'accept':
                self._pending = None
                return False
            if kind == 'heard' and meaning.intent == what.intent and meaning.decision == 'confirm':
                meaning = Meaning('affirm', decision='accept')  # said again: that is a yes
            else:
                self._not_understood()
                return True
        if meaning.decision == 'reject':
            self._not_understood()
            return True
        self._pending = None
        if meaning.intent == 'affirm':
            self._act_on(what) if kind == 'heard' else self._act_on_seen(what)
        else:
            self._say([f'{t} {self._short()}'.strip() for t in self._wording('denied')], 'denied')
            self._arm()
        return True

    def _act_on(self, meaning):
        intent = self.dialogue.intents.get(meaning.intent)
        for slot in intent.slots if intent else ():
            self._slots.pop(slot, None)
        self._slots |= meaning.slots
        if not self._react(f'hear {meaning.intent}', f'heard {meaning.intent}', f'score {meaning.score:.2f}'):
            self._not_understood()

    def _ask(self, meaning):
        intent = self.dialogue.intents.get(meaning.intent)
        urgent = intent is not None and intent.urgent
        leaf = self._leaf
        if not urgent:
            if self.awaiting_action or (leaf.rest and self._now - self._asked_at < REST_ASK_PAUSE):
                return
            if leaf.unclear.retries == 0 and meaning.intent not in self._local[self.state]:
                self._not_understood()  # the state is made for free talk: a half match says little there
                return
        self._asked_at = self._now
        self._pending = ('heard', meaning)
        self._last_event, self._why = f'asked {meaning.intent}', f'score {meaning.score:.2f}'
        if intent and intent.confirm:
            self._say((intent.confirm,), f'confirm {meaning.intent}')
        else:
            yes = 'sí' if self.dialogue.language == 'es' else 'yes'
            example = {'affirm': yes, 'deny': 'no'}.get(meaning.intent) or next(
                (e for e in intent.examples if '{' not in e), meaning.intent)
            self._say(self._wording('confirm'), 'confirm', meaning=example)
        self._arm()

    def _unanswered(self):
        kind, what = self._pending or ('', None)
        self._pending = None
        if kind == 'heard' and what.intent in self.dialogue.intents and self.dialogue.intents[what.intent].urgent:
            self._act_on(what)
        elif not self._leaf.rest:
            self._silent()
        else:
            self._arm()

    def _not_understood(self):
        leaf = self._leaf
        if (leaf.rest and not self._pending) or (self.awaiting_action and not self._pending):
            return
        if self._unclear_left > 0:
            self._unclear_left -= 1
            short = self._short() if not self._pending else ''
            texts = leaf.unclear.say or [f'{t} {short}'.strip() for t in self._wording('unclear')]
            self._say(texts, f'unclear {self.state}')
            self._arm()
        elif self._pending:
            self._unanswered()
        else:
            self._give_up('unclear', leaf.unclear.go)

    def _silent(self):
        leaf = self._leaf
        if self._silence_left > 0:
            self._silence_left -= 1
            self._say(leaf.silence.say or (self._short(),), f'silence {self.state}')
            self._arm()
        else:
            self._give_up('silence', leaf.silence.go)

    def _give_up(self, trigger, goal):
        line = self.dialogue.line(self.dialogue.leaf(goal))
        if not any(s.say for s in line[:1]):
            self._say(self._wording('give_up'), 'give_up')
        self._go(trigger, trigger, 'no more retries')

    def _saw(self, event):
        reactions = [r for s in self.dialogue.line(self.state) for r in s.on if r.see]
        reactions += [r for r in self.dialogue.always if r.see]
        latex = str(event.latex).strip().strip('$').strip()[:200]
        if not reactions or not latex or not isinstance(event.score, (int, float)):
            return
        last, when = self._seen
        self._seen = (latex, self._now)
        if latex == last and self._now - when < SEEN_AGAIN:
            return
        wanted = {self._fill(v) for r in reactions if self._holds(r.where) for v in r.see} - {'*'}
        if event.score >= SEEN_SURE and latex in wanted:
            self._act_on_seen(latex)
            return
        for candidate in event.candidates[:10]:
            if candidate[0] in wanted and candidate[1] >= SEEN_POSSIBLE and not self._pending:
                self._pending = ('seen', candidate[0])
                self._say(self._wording('confirm_seen'), 'confirm_seen', seen=candidate[0])
                self._arm()
                return
        if event.score >= SEEN_SURE:
            self._act_on_seen(latex)

    def _act_on_seen(self, latex):
        self._pending = None
        self._react('see', f'seen {latex}', '', latex=latex)

    def _named(self, event):
        name = str(event.name)[:48]
        data = event.data if isinstance(event.data, dict) else {}
        self._slots |= {k: str(v)[:100] for k, v in data.items()
                        if k in self._words and isinstance(v, (str, int, float))}
        self._react(f'event {name}', f'event {name}', '')
