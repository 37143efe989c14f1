"""Whether a dialogue's own utterances, spoken by held-out espeak-ng voices, lead to the right intent.

Each intent's examples are spoken by the variants that training never hears (training/speech/voices.py), other ones for
validation than for tests. Each utterance is told to the robot in a state of the dialogue that waits
for its intent, with the phrases that this state expects, through endpointer and guard as in life. Synthetic speech.
"""
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.events import Listen, Tick
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.dialogue.understanding import intent_of
from robot_ai.speech.spanish import normalize
from training.speech import texts
from training.speech.augment import coloured_noise, mix
from training.speech.rows import Evaluation, padded, shown
from training.speech.scoring import Line, error_rates, right, share
from training.speech.voices import Voice, espeak, espeak_voices

EACH = 4  # utterances an intent
CONDITIONS = ('clean', 'noise10')


def utterances(dialogue, seed: int, each: int = EACH) -> list[tuple[str, str, str]]:
    """Return (state, intent, text), at most `each` an intent, slots filled; only of intents that a state waits for."""
    rng, found = random.Random(seed), []
    waiting: dict[str, list[str]] = {}
    for path, state in dialogue.states.items():
        if not state.start:  # a leaf
            for intent in dialogue.listens_for(path):
                waiting.setdefault(intent, []).append(path)
    for name, intent in dialogue.intents.items():
        if name not in waiting:
            continue
        for example in rng.sample(intent.examples, min(each, len(intent.examples))):
            found.append((rng.choice(waiting[name]), name, _filled(example, intent, dialogue, rng)))
    return found


def _filled(example, intent, dialogue, rng):
    def value(match):
        kind = intent.slots.get(match.group(1))
        if kind in dialogue.names:
            return rng.choice([phrase for phrases in dialogue.names[kind].values() for phrase in phrases])
        return texts.number(rng.randrange(31))
    return re.sub(r'\{(\w+)\}', value, example)


def expected_phrases(dialogue, states: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the phrases that a running dialogue gives to the recogniser in each of these states."""
    machine, found = DialogueMachine(dialogue, 0.0), {}
    begun = machine.snapshot()
    for state in sorted(states):
        machine.restore({**begun, 'state': state}, 0.0, quiet=True)
        found[state] = next((out.phrases for out in machine.handle(Tick(), 0.0) if isinstance(out, Listen)), ())
    return found


def spoken(found: list[tuple[str, str, str]], voices: list[Voice], seed: int) -> list[np.ndarray]:
    """Return each utterance's sound by a random one of the voices, at a random speed and pitch."""
    rng, sounds = random.Random(seed), []
    for _, _, text in shown(found, 'espeak-ng'):
        voice = rng.choice(voices).name
        sounds.append(espeak(normalize(text), voice, rng.randrange(115, 190), rng.randrange(25, 80)))
    return sounds


def in_noise(sound: np.ndarray, rng: np.random.Generator, snr_db: float = 10.0) -> np.ndarray:
    """Return the padded clip in noise that begins and ends with the silence; the ratio is to the clip's own power."""
    whole = padded(sound)
    return mix(whole, coloured_noise(len(whole), rng), snr_db + 10 * np.log10(len(sound) / len(whole)))


def dialogue_lines(evaluation: Evaluation) -> Iterator[Line]:
    """Yield a line for each condition: intent right (acted on or asked about), at once, text right, WER."""
    dialogue = load_dialogue(Path(evaluation.options.dialogue))
    test = any(split.startswith('test') for split in evaluation.splits)
    seed = evaluation.seed + (1000 if test else 0)
    found = utterances(dialogue, seed, evaluation.options.limit or EACH)
    phrases = expected_phrases(dialogue, {state for state, _, _ in found})
    sounds = spoken(found, espeak_voices('test' if test else 'validation'), seed)
    references = [normalize(text) for _, _, text in found]
    for condition in CONDITIONS:
        heard, meant, at_once, free = [], 0, 0, []
        for i, ((state, intent, text), sound) in enumerate(zip(shown(found, f'dialogue {condition}'), sounds)):
            sound = in_noise(sound, np.random.default_rng([seed, i])) if condition == 'noise10' else padded(sound)
            final = evaluation.listen(sound, phrases[state])
            heard.append(final.text if final else '')
            if final:
                evaluation.note('dialogue', condition, {'source': f'{state}/{intent}', 'text': text}, final)
                meant += intent_of(dialogue, state, final.text, final.confidence) == intent
                at_once += intent_of(dialogue, state, final.text, final.confidence, at_once=True) == intent
            without = evaluation.listen(sound)
            free.append(without.text if without else '')
        yield Line('dialogue', f'{condition}, phrases of the state', len(found),
                   {'intent_right': share(meant, len(found)), 'at_once': share(at_once, len(found)),
                    'text_right': right(references, heard), **error_rates(references, heard, strict=False)},
                   'synthetic')
        yield Line('dialogue', f'{condition}, no phrases', len(found),
                   {'text_right': right(references, free), **error_rates(references, free, strict=False)}, 'synthetic')
    known = sum(intent_of(dialogue, state, text) == intent for state, intent, text in found)
    yield Line('dialogue', 'the texts themselves', len(found), {'intent_right': share(known, len(found))})
