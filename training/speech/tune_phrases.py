"""How expected phrases are ranked and accepted, chosen on validation speech: log probabilities in, PhraseOptions out.

Each clip is heard with its source's texts expected (single words: with the 49 nearest words), with its own text taken
out, and the same with a few of the phrases only; the bundled dialogue's utterances, by voices that speak validation,
with the phrases of their state; clips and sounds without speech, too, with phrases that they cannot be. The ranking is
the one that most often puts the right phrase first; a logistic then turns what `PhraseChooser.evidence` says into the
probability that the first phrase was said, and `accept` is the lowest probability at which few clips without their
text are taken for another.
"""
import dataclasses
import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from robot_ai.speech.decoding import Decoder
from robot_ai.speech.phrases import NEVER, PhraseChooser, PhraseOptions
from robot_ai.speech.recognizer import SpeechRecognizer
from robot_ai.speech.spanish import normalize
from training.speech.rows import SINGLE_WORDS, nearest_words

TEMPERATURES = (1.0, 1.25, 1.5, 1.75)
TOKEN_BONUSES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
FALSE_ACCEPTS = 0.07  # of clips whose text is not expected, the mean over sources and lists; the tests allow 0.1
NOISE_ACCEPTS = 0.01  # of sounds without speech that pass the voice guard
THRESHOLDS = tuple(round(0.02 * i, 2) for i in range(5, 49))
FEW = 8  # phrases of a short list
FEWEST_TEXTS = 8  # of a source that says something about lists
SEED = 77  # of the dialogue's utterances; those that are evaluated on have others
EACH = 2  # utterances an intent
SOUNDS, SOUNDS_SEED = 200, 902
RIDGE = 1e-3


@dataclass
class Case:
    """A sound [T, V] with expected phrases; `true` is its phrase's index, or -1 where none was said."""

    group: str
    log_probs: np.ndarray
    texts: tuple[str, ...]
    true: int
    twins: bool = False  # whether taking the phrase out leaves others that mean or sound the same
    told: bool = True  # whether it is told without phrases; what is not, no phrase is taken for
    scores: np.ndarray | None = None  # [temperatures, K], without the bonus


def recorded(rows: list[tuple]) -> list[Case]:
    """Return the cases of (log_probs [T, V], text, source): each clip among its source's texts."""
    cases, by_source = [], {}
    for row in rows:
        by_source.setdefault(row[2], []).append(row)
    words = sorted({text for _, text, source in rows if source in SINGLE_WORDS})
    for source, group in by_source.items():
        if source in SINGLE_WORDS:
            expected = nearest_words([text for _, text, _ in group], words)
        else:
            texts = tuple(dict.fromkeys(text for _, text, _ in group))
            expected = [texts] * len(group)
            if len(texts) < FEWEST_TEXTS:
                continue
        cases += [Case(source, log_probs, tuple(texts), list(texts).index(text), source in SINGLE_WORDS)
                  for (log_probs, text, _), texts in zip(group, expected)]
    return cases


def from_dialogue(recognizer: SpeechRecognizer, path: Path) -> list[Case]:
    """Return the cases of a dialogue's utterances, clean and in noise, with the phrases of their states."""
    from robot_ai.dialogue.document import load_dialogue
    from training.speech.dialogue_rows import CONDITIONS, expected_phrases, in_noise, spoken, utterances
    from training.speech.rows import padded
    from training.speech.voices import espeak_voices
    if shutil.which('espeak-ng') is None:
        print('espeak-ng is not installed: phrases are tuned without the dialogue\'s utterances', flush=True)
        return []
    dialogue = load_dialogue(path)
    found = utterances(dialogue, SEED, EACH)
    phrases = {state: tuple(dict.fromkeys(filter(None, map(normalize, texts))))
               for state, texts in expected_phrases(dialogue, {state for state, _, _ in found}).items()}
    cases = []
    for i, ((state, _, text), sound) in enumerate(zip(found, spoken(found, espeak_voices('validation'), SEED))):
        text = normalize(text)
        if text not in phrases[state]:
            continue
        for condition in CONDITIONS:
            heard = padded(sound) if condition == 'clean' else in_noise(sound, np.random.default_rng([SEED, i]))
            cases += [Case(f'dialogue {condition}', log_probs, phrases[state], phrases[state].index(text), True, told)
                      for log_probs, told in utterances_in(recognizer, heard)[:1]]
    return cases


def utterances_in(recognizer: SpeechRecognizer, sound: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Return (log probabilities [T, V], told) of the utterances that endpointer and voice guard find in float32 [n]."""
    from robot_ai.speech.cleaning import HighPass, set_level
    from robot_ai.speech.endpointing import FRAME, Begin, Endpointer
    from robot_ai.speech.guard import voice_log_odds
    endpointer, filtered = Endpointer('normal'), HighPass().whole(sound)
    frames = [filtered[at:at + FRAME] for at in range(0, len(filtered) - FRAME + 1, FRAME)]
    ends = [event for frame in frames for event in endpointer.push(frame, False)] + list(endpointer.finish())
    pieces = [filtered[end.start:end.end] for end in ends if not isinstance(end, Begin) and end.speech]
    heard = [(piece, recognizer.hear(set_level(piece))) for piece in pieces
             if voice_log_odds(piece) >= recognizer.min_voice]
    plain = recognizer.decoder_for(())
    return [(encoded.log_probs, recognizer.is_speech(recognizer.final_of(encoded, len(piece), 0.0, plain)))
            for piece, encoded in heard]


def strangers(recognizer: SpeechRecognizer, cases: list[Case]) -> list[Case]:
    """Return clips with phrases of somewhere else, and made sounds with any."""
    from training.speech.non_speech import clips
    lists = {}
    for case in cases:
        if case.group not in SINGLE_WORDS:
            lists.setdefault(case.group.split()[0], case.texts)
    spoken = {case.group: [] for case in cases if not case.twins}
    for case in cases:
        if not case.twins:
            spoken[case.group].append(case)
    others = []
    for group, members in spoken.items():
        for name, texts in lists.items():
            if name != group:
                others += [Case(f'{group} heard with {name}', case.log_probs, texts, -1) for case in members[::4]
                           if case.texts[case.true] not in texts]
    sounds = [found for sound, _ in clips(SOUNDS, SOUNDS_SEED)
              for found in utterances_in(recognizer, np.pad(sound, 8000))]
    return others + [Case('sounds', log_probs, texts, -1, told=told) for i, (log_probs, told) in enumerate(sounds)
                     for texts in [list(lists.values())[i % len(lists)]]]


def tune(recognizer: SpeechRecognizer, rows: list[tuple], dialogue: Path) -> dict:
    """Return model.yaml's `phrases`, or {} where the clips say nothing about lists; prints what was tried."""
    cases = recorded(rows)
    cases += from_dialogue(recognizer, dialogue) if cases else []
    if not any(not case.twins for case in cases):
        return {}
    cases += strangers(recognizer, cases)
    choosers = scored(cases, recognizer.decoder)
    options = ranking(cases, choosers)
    options = acceptance(cases, choosers, options)
    return {name: round(float(value), 4) for name, value in dataclasses.asdict(options).items()}


def scored(cases: list[Case], decoder: Decoder) -> dict[tuple, PhraseChooser]:
    """Give each case its `scores`; return the chooser of each list. Phrases that the labels cannot spell are never."""
    choosers = {}
    for case in cases:
        if case.texts not in choosers:
            sequences = [decoder.vocabulary.encode(text) or () for text in case.texts]
            choosers[case.texts] = PhraseChooser(case.texts, sequences, PhraseOptions(token_bonus=0.0))
        chooser, found = choosers[case.texts], []
        for temperature in TEMPERATURES:
            chooser.options = dataclasses.replace(chooser.options, temperature=temperature)
            found.append(np.where(chooser.lengths > 0, chooser.scores(case.log_probs), NEVER))
        case.scores = np.array(found)
    return choosers


def ranking(cases: list[Case], choosers: dict) -> PhraseOptions:
    """Return the options whose first phrase is most often right, in the mean over sources."""
    tried = []
    for (place, temperature), bonus in itertools.product(enumerate(TEMPERATURES), TOKEN_BONUSES):
        right: dict[str, list] = {}
        for case in cases:
            if case.true >= 0:
                best = (case.scores[place] + bonus * choosers[case.texts].lengths).argmax()
                right.setdefault(case.group, []).append(best == case.true)
        shares = {group: float(np.mean(marks)) for group, marks in right.items()}
        tried.append((float(np.mean(list(shares.values()))), temperature, bonus))
        print(f'phrases: temperature {temperature} bonus {bonus}: first is right in {tried[-1][0]:.3f}: '
              + ' '.join(f'{group} {share:.3f}' for group, share in shares.items()), flush=True)
    _, temperature, bonus = max(tried, key=lambda t: t[0])
    return PhraseOptions(temperature=temperature, token_bonus=bonus)


def acceptance(cases: list[Case], choosers: dict, options: PhraseOptions) -> PhraseOptions:
    """Return the options with the logistic and the threshold."""
    rng, place, lines = np.random.default_rng(SEED), TEMPERATURES.index(options.temperature), []
    for case in cases:
        chooser = choosers[case.texts]
        scores = case.scores[place] + options.token_bonus * chooser.lengths
        for how, mask in heard_with(case, rng):
            kept = np.where(mask, scores, NEVER)
            if kept.max() > NEVER / 2:
                best = int(kept.argmax())
                lines.append((case.group, how, best == case.true, chooser.evidence(case.log_probs, kept), case.told))
    groups = np.array([f'{group}|{how}' for group, how, *_ in lines])
    right, evidence = np.array([line[2] for line in lines], float), np.array([line[3] for line in lines])
    counts = {name: (groups == name).sum() for name in groups}
    weights = np.array([1 / counts[name] for name in groups]) / len(counts)

    def loss(p):
        odds = p[0] + evidence @ p[1:]
        return float(weights @ np.logaddexp(0, -(2 * right - 1) * odds) + RIDGE * np.square(p[1:]).sum())
    bias, distance, lead = minimize(loss, [1.0, 1.0, 0.3], method='BFGS').x
    options = dataclasses.replace(options, bias=bias, distance_weight=distance, lead_weight=lead)
    probability = np.array([options.probability(row) if line[4] else 0.0 for row, line in zip(evidence, lines)])
    without = [name for name in counts if name.endswith('|without')]

    def accepted(name, threshold):
        return float(np.mean(probability[groups == name] >= threshold))
    fits = [t for t in THRESHOLDS if np.mean([accepted(name, t) for name in without]) <= FALSE_ACCEPTS
            and ('sounds|strange' not in counts or accepted('sounds|strange', t) <= NOISE_ACCEPTS)]
    options = dataclasses.replace(options, accept=min(fits, default=THRESHOLDS[-1]))
    for name in sorted(counts):
        mine = groups == name
        told = right[mine & (probability >= options.accept)]
        print(f'phrases: {name.replace("|", ", ")}: {counts[name]} heard, right and accepted '
              f'{told.sum() / counts[name]:.3f}, wrong and accepted {(1 - told).sum() / counts[name]:.3f}', flush=True)
    print(f'phrases: {options}', flush=True)
    return options


def heard_with(case: Case, rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """Return how a case is heard, and which phrases are expected then: bool [K]."""
    count = len(case.texts)
    everything = np.ones(count, bool)
    if case.true < 0:
        return [('strange', everything)]
    few = np.zeros(count, bool)
    few[rng.choice(np.delete(np.arange(count), case.true), min(FEW, count - 1), replace=False)] = True
    this = np.arange(count) == case.true
    heard = [('with', everything), ('with, few', few | this)]
    return heard if case.twins else [*heard, ('without', ~this), ('without, few', few)]
