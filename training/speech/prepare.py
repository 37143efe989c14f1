"""Write the caches that the trainer reads: of any corpus or shards, and those that the shipped configs name."""
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech.audio import read_audio
from robot_ai.speech.spanish import normalize
from training.speech import loaders, texts
from training.speech.augment import change_speed
from training.speech.data import write_cache
from training.speech.italian_spelling import italian_spelling
from training.speech.leaks import HeldOut
from training.speech.respelling import respell
from training.speech.synthesize import plan, speak
from training.speech.tfrecords import read_examples
from training.speech.utterances import Problems, read
from training.speech.voices import Pico, espeak_voices, festival, need_festival

FACTS = ('speaker', 'source')  # what a cache keeps of a clip besides text and split
ITALIAN = ('pico-it', 'pc_diphone', 'lp_diphone')  # voices: Pico's, Festival's


def corpus_cache(corpora: list[Path], split: str, folder: Path, layout: str = 'auto', held_out: HeldOut | None = None,
                 problems: Problems | None = None) -> int:
    """Write one split of corpora (of a layout of `loaders`, or shards) as one cache; return its number of clips.

    A test split is refused; of `held_out`, a clip that has the text or contains the sound is left out.
    """
    if split.startswith('test'):
        raise ConfigurationError(f'{split}: a test split is never put into a training cache')
    problems = Problems() if problems is None else problems

    def clips():
        for corpus in corpora:
            shards = sorted((corpus / split).glob('*.tfrecord'))
            for text, samples, facts in (_of_shards(shards) if shards else _of_corpus(corpus, layout, split, problems)):
                if not (held_out and (held_out.has_text(text) or held_out.has_sound(samples))):
                    yield samples, {'text': normalize(text), 'split': split, **facts}
    return write_cache(folder, clips())


def _of_shards(shards):
    for shard in shards:
        for clip in read_examples(shard):
            yield clip['text'], clip['samples'], {key: clip.get(key, '') for key in FACTS}


def _of_corpus(corpus, layout, split, problems):
    for utterance in loaders.load(corpus, layout, problems):
        if utterance.split == split:
            try:
                yield utterance.text, read(utterance), {key: getattr(utterance, key) for key in FACTS}
            except AudioError as error:
                problems.add(utterance.audio, error)


def other_languages(manifest: Path) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of a manifest's clips in other languages, respelt in Spanish letters.

    For the encoder, which so hears many voices, rooms and microphones; a clip of a language that no voice of espeak-ng
    reads is left out.
    """
    with open(manifest, encoding='utf-8') as lines:
        for clip in map(json.loads, lines):
            if text := respell(clip['text'], clip['language']):
                yield read_audio(manifest.parent / clip['audio']), {
                    'text': text, 'speaker': clip['speaker'], 'source': 'other-languages', 'split': 'train'}


def transcripts(manifest: Path) -> list[str]:
    """Return the texts of a manifest's train split (for synthesis and n-grams)."""
    with open(manifest, encoding='utf-8') as lines:
        return [clip['text'] for clip in map(json.loads, lines) if clip['split'] == 'train']


def synthetic_texts(seed: int, everyday: int, prose: int, words: int, extra: list[str]) -> list[tuple[str, str]]:
    """Return (source, text): generated sentences, prose, single words and `extra` (transcripts), shuffled."""
    rng = random.Random(seed)
    chosen = [('espeak-everyday', text) for text in texts.sentences(seed, everyday)]
    if prose:
        chosen += [('espeak-prose', text) for text in rng.sample(texts.prose(), prose)]
    if words:
        chosen += [('espeak-word', text) for text in rng.sample(texts.words(), words)]
    chosen += [('espeak-transcript', text) for text in extra]
    rng.shuffle(chosen)
    return chosen


def synthesize(chosen: list[tuple[str, str]], split: str, seed: int) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of each text in one of espeak-ng's voices of `split`; a voice that fails is left out."""
    for job in plan(chosen, espeak_voices(split), split, seed):
        try:
            yield speak(job), {'text': job.spoken, 'speaker': job.voice.name, 'source': job.source, 'split': split}
        except AudioError:
            continue


def synthesize_pico(chosen: list[tuple[str, str]], seed: int) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of each text at a random speed and pitch, some played faster or slower (other throats)."""
    rng, pico = random.Random(seed), Pico()
    for source, text in chosen:
        spoken = normalize(text)
        speed, pitch, factor = rng.uniform(0.8, 1.4), rng.uniform(0.6, 1.5), rng.choice((1, 1, 0.85, 0.9, 1.1, 1.18))
        sound = pico(text, speed, pitch) if spoken else np.zeros(0, np.float32)
        if len(sound) > 1600:
            yield change_speed(sound, factor), {'text': spoken, 'speaker': 'pico', 'split': 'train',
                                                'source': source.replace('espeak', 'pico')}


def synthesize_italian(chosen: list[tuple[str, str]], seed: int) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield (samples, facts) of texts that an Italian can say, a third of them in each of three Italian voices."""
    rng = random.Random(seed)
    sayable = [(source, normalize(text), spelt) for source, text in chosen if (spelt := italian_spelling(text))]
    pico = Pico('it-IT')
    for number, voice in enumerate(ITALIAN):
        mine = sayable[number::3]
        if voice == ITALIAN[0]:
            sounds = (pico(spelt, rng.uniform(0.8, 1.4), rng.uniform(0.6, 1.5)) for _, _, spelt in mine)
        else:
            sounds = festival([(spelt, rng.uniform(0.75, 1.25)) for _, _, spelt in mine], voice)
        for (source, spoken, _), sound in zip(mine, sounds):
            if len(sound) > 1600:
                yield change_speed(sound, rng.choice((1, 1, 0.85, 0.9, 1.1, 1.18))), {
                    'text': spoken, 'speaker': voice, 'split': 'train', 'source': source.replace('espeak', 'italian')}


def dialogue_caches(dialogue: Path, root: Path) -> None:
    """Write `dialogue-1` (each example of the dialogue in two espeak voices and Pico's) and its validation."""
    def chosen(seed):
        return [('espeak-dialogue', text) for text in texts.dialogue_examples(dialogue, seed)]

    def train():
        for seed in (1, 2):
            yield from synthesize(chosen(seed), 'train', 50 + seed)
        yield from synthesize_pico(chosen(4), 54)
    write_cache(root / 'dialogue-1', train())
    held_out = random.Random(9).sample(chosen(9), 150)
    write_cache(root / 'dialogue-validation', synthesize(held_out, 'validation', 60))


def prepare(manifest: Path, root: Path, dialogue: Path | None = None, others: Path | None = None) -> None:
    """Write the caches that the shipped configs name, but for non_speech.py's; about 20 min on one core.

    `others` is the manifest of clips in other languages.

    What equals or contains one of the manifest's test clips is left out, recorded or synthesised; the dialogue's
    examples stay, for a robot must know its own dialogue.
    """
    for voice in ITALIAN[1:]:  # said at once, not behind a quarter of an hour's work
        need_festival(voice)
    held_out = HeldOut.of_manifests([manifest], progress=True)
    for split in ('train', 'validation'):
        corpus_cache([manifest], split, root / f'human-{split}', held_out=held_out)
    said = [text for text in transcripts(manifest) if not held_out.has_text(text)]

    def unheard(chosen):
        return [(source, text) for source, text in chosen if not held_out.has_text(text)]
    for number in (1, 2):
        random.Random(number).shuffle(said)
        extra = [text for text in said if len(text.split()) > 2][:400]
        chosen = unheard(synthetic_texts(100 + number, 2000, 600, 500, extra))
        write_cache(root / f'espeak-{number}', synthesize(chosen, 'train', number))
    write_cache(root / 'pico-1', synthesize_pico(unheard(synthetic_texts(901, 900, 900, 400, said[:500])), 1))
    said = [text for text in transcripts(manifest) if not held_out.has_text(text)]
    random.Random(7).shuffle(said)
    longer = [text for text in said if len(text.split()) > 2][:700]
    write_cache(root / 'pico-2', synthesize_pico(unheard(synthetic_texts(902, 1300, 1700, 300, longer)), 2))
    chosen = unheard(synthetic_texts(903, 3000, 3500, 700, longer))
    write_cache(root / 'italian-1', synthesize_italian(chosen, 3))
    write_cache(root / 'espeak-validation',
                synthesize(unheard(synthetic_texts(77, 150, 50, 0, [])), 'validation', 5))
    if others:
        write_cache(root / 'other-languages', other_languages(others))
    if dialogue:
        dialogue_caches(dialogue, root)
