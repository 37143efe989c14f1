"""The rows of `python -m training evaluate speech`: each a function of an Evaluation that yields lines of the table.

Every row says how many clips of a source it reads; they are spread evenly over the manifest's order. The sounds of
`noises.py` and the clips' distortions come from the seed, a clip's own distortion from its place in its row alone.
"""
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from tqdm import tqdm

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech import noises
from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.cleaning import HighPass
from robot_ai.speech.decoding import Decoder
from robot_ai.speech.measure import LEVELS_DB, calibration_error
from robot_ai.speech.recognizer import Final, SpeechRecognizer
from robot_ai.speech.spanish import fold, normalize
from training.speech.augment import mix
from training.speech.clips import spread
from training.speech.conditions import distort
from training.speech.non_speech import clips as sounds_without_speech
from training.speech.scoring import Line, error_rates, right, share

SINGLE_WORDS = ('words', 'gcompris')  # sources of one word a clip
UNSEEN = 'test-unseen-speaker'
NEAREST = 49
TRAINED_ALIKE, TRAINED_ALIKE_SEED = 150, 901  # clips of non_speech.py; a seed that neither training nor threshold has
LEFT_OUT_GROUPS = 50  # texts are taken out of the list in so many turns
SOUND_SUFFIXES = {'.ogg', '.oga', '.wav', '.mp3', '.flac', '.opus', '.m4a'}
LONGEST_RECORDING_S = 120  # of a recording without speech: a game's loop repeats


class Evaluation:
    """A recogniser, the clips that may be read, and how many of them."""

    def __init__(self, recognizer: SpeechRecognizer, clips: list[dict], manifest: Path, splits: list[str], options):
        """`options` has limit, conditions, dialogue, non_speech, minutes and seed, as the command's."""
        self.recognizer, self.clips, self.manifest, self.splits = recognizer, clips, manifest, splits
        self.options, self.seed = options, options.seed
        self.heard: list[dict] = []
        self._clean: dict[str, Final] = {}

    def chosen(self, each: int, by=('source',), words: bool | None = None, split: str = '') -> dict[tuple, list[dict]]:
        """Return {key: clips}, at most `each` (0: all) a key; `words` False leaves single words out, True the rest."""
        return spread([clip for clip in self.clips if words in (None, clip['source'] in SINGLE_WORDS)
                       and split in ('', clip['split'])], self.options.limit or each, by)

    def texts(self, words: bool, split: str = '') -> dict[str, list[str]]:
        """Return {source: its different texts, normalised}, of all its clips."""
        found: dict[str, dict] = {}
        for clip in self.clips:
            if words == (clip['source'] in SINGLE_WORDS) and split in ('', clip['split']):
                found.setdefault(clip['source'], {})[normalize(clip['text'])] = None
        return {source: list(texts) for source, texts in found.items()}

    def sound(self, clip: dict) -> np.ndarray:
        """Return a clip's sound, float32 [n]."""
        return read_audio(self.manifest.parent / clip['audio'])

    def clean(self, clip: dict) -> Final:
        """Return what is heard of a clip as it is, recognised once."""
        if clip['audio'] not in self._clean:
            self._clean[clip['audio']] = self.recognizer.recognize(self.sound(clip))
        return self._clean[clip['audio']]

    def note(self, row: str, condition: str, clip: dict, final: Final) -> None:
        """Keep what was heard of a clip, for `--out`."""
        self.heard.append({'row': row, 'condition': condition, 'audio': clip.get('audio', ''),
                           'source': clip['source'], 'reference': normalize(clip['text']), 'heard': final.text,
                           'confidence': round(final.confidence, 4)})

    def listen(self, sound: np.ndarray, phrases=None) -> Final | None:
        """Return what a running recogniser tells of a sound, its utterances joined; None where it tells nothing."""
        stream = self.recognizer.stream()
        if phrases is not None:
            stream.set_context(phrases)
        finals = [e for e in [*stream.accept(sound), *stream.finish()] if isinstance(e, Final)]
        if not finals:
            return None
        words = tuple(word for final in finals for word in final.words)
        letters = [len(final.text) for final in finals]
        return replace(finals[0], text=' '.join(final.text for final in finals), words=words,
                       confidence=float(np.average([final.confidence for final in finals], weights=letters)))


def shown(iterable, title: str):
    """Return the iterable with a progress bar, where a person is looking."""
    return tqdm(iterable, desc=title, unit='', disable=None, leave=False)


def padded(sound: np.ndarray) -> np.ndarray:
    """Return a clip with the silence around it that a microphone hears before and after."""
    return np.pad(sound, (SAMPLE_RATE // 2, SAMPLE_RATE))


def wer(evaluation: Evaluation) -> Iterator[Line]:
    """Every clip as it is: error rates by source, and by speaker where a source has several."""
    for (split, source), clips in evaluation.chosen(0, ('split', 'source')).items():
        finals = [evaluation.clean(clip) for clip in shown(clips, f'wer {source}')]
        for clip, final in zip(clips, finals):
            evaluation.note('wer', 'clean', clip, final)
        speakers = sorted({clip['speaker'] for clip in clips})
        for speaker in ['', *speakers] if len(speakers) > 1 else ['']:
            pairs = [(normalize(c['text']), f.text) for c, f in zip(clips, finals) if speaker in ('', c['speaker'])]
            yield Line('wer', f'{source} {speaker or split}', len(pairs), error_rates(*zip(*pairs)))


def conditions(evaluation: Evaluation) -> Iterator[Line]:
    """24 clips of each source of sentences under each condition, and the same clips clean."""
    groups = evaluation.chosen(24, ('split', 'source'), words=False)
    for split in sorted({split for split, _ in groups}):
        clips = [clip for (where, _), rows in groups.items() if where == split for clip in rows]
        voices = [evaluation.sound(clip) for clip in clips[::max(1, len(clips) // 12)]]
        texts = [normalize(clip['text']) for clip in clips]
        for condition in dict.fromkeys(['clean', *evaluation.options.conditions]):
            heard = []
            for i, clip in enumerate(shown(clips, condition)):
                rng = np.random.default_rng([evaluation.seed, i])
                sound = evaluation.sound(clip)
                others = [voice for voice in voices if not np.array_equal(voice, sound)]
                final = evaluation.clean(clip) if condition == 'clean' else evaluation.recognizer.recognize(
                    distort(sound, condition, rng, others))
                evaluation.note('conditions', condition, clip, final)
                heard.append(final.text)
            yield Line('conditions', f'{condition} {split}', len(clips), error_rates(texts, heard, strict=False))


def ngram(evaluation: Evaluation) -> Iterator[Line]:
    """40 clips a source with the n-gram (the setting of all rows) and without it."""
    kept = evaluation.recognizer.decoder
    if kept.lm is None:
        return
    without = Decoder(kept.labels, kept.boundary, replace(kept.options, lm_weight=0.0, word_bonus=0.0))
    for (split, source), clips in evaluation.chosen(40, ('split', 'source')).items():
        texts = [normalize(clip['text']) for clip in clips]
        heard = [evaluation.clean(clip).text for clip in shown(clips, f'n-gram {source}')]
        yield Line('ngram', f'{source} {split} with', len(clips), error_rates(texts, heard, strict=False))
        heard = [evaluation.recognizer.finalize(HighPass().whole(evaluation.sound(clip)), 0.0, without).text
                 for clip in shown(clips, f'no n-gram {source}')]
        yield Line('ngram', f'{source} {split} without', len(clips), error_rates(texts, heard, strict=False))


def human(evaluation: Evaluation) -> Iterator[Line]:
    """150 clips a source of sentences, the source's texts being expected; and with the true text not among them.

    Taken out with it are the texts of the same one of 50 groups: a fiftieth of the list.
    """
    split = UNSEEN if UNSEEN in evaluation.splits else ''
    recognizer, everything = evaluation.recognizer, evaluation.texts(False, split)
    for (source,), clips in evaluation.chosen(150, words=False, split=split).items():
        texts = everything[source]
        group = {text: i % LEFT_OUT_GROUPS for i, text in enumerate(texts)}
        favouring, accepted, false = recognizer.decoder_for(texts), [], 0
        by_group: dict[int, list] = {}
        for clip in clips:
            by_group.setdefault(group[normalize(clip['text'])], []).append(clip)
        for number, members in shown(sorted(by_group.items()), f'human {source}'):
            rest = [text for text in texts if group[text] != number]
            without = recognizer.decoder_for(rest)
            for clip in members:
                filtered, text = HighPass().whole(evaluation.sound(clip)), normalize(clip['text'])
                final = recognizer.finalize(filtered, 0.0, favouring)
                evaluation.note('human', 'among its source', clip, final)
                accepted.append((text, final.text if recognizer.is_speech(final) else ''))
                other = recognizer.finalize(filtered, 0.0, without)
                evaluation.note('human', 'true text taken out', clip, other)
                false += recognizer.is_speech(other) and other.text in rest
        yield Line('human', f'{source}, {len(texts)} texts', len(clips),
                   {'right': right(*zip(*accepted)), 'wrong_text': share(sum(
                       heard in texts and heard != text for text, heard in accepted), len(clips)),
                    'false_accepts': share(false, len(clips))})


def words(evaluation: Evaluation) -> Iterator[Line]:
    """150 clips a source of single words, each expected with the 49 words nearest to it by phoneme distance."""
    vocabulary = sorted({text for texts in evaluation.texts(True).values() for text in texts})
    for (source,), clips in evaluation.chosen(150, words=True).items():
        texts = [normalize(clip['text']) for clip in clips]
        heard, chosen = [], []
        for clip, expected in zip(shown(clips, f'words {source}'), nearest_words(texts, vocabulary)):
            decoder = evaluation.recognizer.decoder_for(expected)
            final = evaluation.recognizer.finalize(HighPass().whole(evaluation.sound(clip)), 0.0, decoder)
            evaluation.note('words', f'among {NEAREST} nearest', clip, final)
            heard.append(final.text)
            chosen.append(next((c.text for c in final.candidates if c.text in expected), ''))
        yield Line('words', f'{source}, of {len(vocabulary)} words', len(clips),
                   {'right': right(texts, heard), 'best_listed_right': right(texts, chosen)})


def nearest_words(texts: list[str], vocabulary: list[str]) -> list[list[str]]:
    """Return for each text the words of the vocabulary that sound most like it, itself first, at most 1 + NEAREST."""
    distances = cdist([phonemes(text) for text in texts], [phonemes(word) for word in vocabulary],
                      scorer=Levenshtein.normalized_distance)
    return [[vocabulary[i] for i in np.argsort(row, kind='stable')[:NEAREST + 1]] for row in distances]


def phonemes(word: str) -> str:
    """Return one sign a phoneme of a normalised Spanish word, as in Spain; stress is not told."""
    for letters, sound in (('ch', 'C'), ('ll', 'Y'), ('rr', 'R'), ('qu', 'k'), ('güe', 'Gwe'), ('güi', 'Gwi'),
                           ('gue', 'Ge'), ('gui', 'Gi'), ('ge', 'xe'), ('gi', 'xi'), ('gé', 'xe'), ('gí', 'xi'),
                           ('ce', 'Te'), ('ci', 'Ti'), ('cé', 'Te'), ('cí', 'Ti'), ('h', ''), ('j', 'x'), ('c', 'k'),
                           ('z', 'T'), ('v', 'b'), ('g', 'G'), ('y', 'Y'), ('w', 'Gu'), ('ñ', 'N')):
        word = word.replace(letters, sound)
    word = 'R' + word[1:] if word.startswith('r') else word
    return word.translate(str.maketrans('áéíóúü', 'aeiouu'))


def non_speech(evaluation: Evaluation) -> Iterator[Line]:
    """False transcripts an hour on made noises and on recordings, and true utterances that are told as nothing."""
    for folder in evaluation.options.non_speech:
        if not folder.exists():
            raise ConfigurationError(f'--non-speech {folder}: no such file or folder')
    seconds = 60 * evaluation.options.minutes
    made = [(name, level, i) for i, level in enumerate(LEVELS_DB) for name in noises.SCENES]
    sounds = (noises.scene(name, seconds, level, seed=i) for name, level, i in shown(made, 'made noises'))
    yield _false(evaluation, 'made noises', sounds)
    count = max(1, round(TRAINED_ALIKE * evaluation.options.minutes))
    made = sounds_without_speech(count, TRAINED_ALIKE_SEED)
    yield _false(evaluation, 'made music, effects, knocks', (sound for sound, _ in shown(made, 'made music')),
                 'the model, not the voice guard, was trained on their like')
    for folder in evaluation.options.non_speech:
        paths = [folder] if folder.is_file() else sorted(
            path for path in folder.rglob('*') if path.suffix.lower() in SOUND_SUFFIXES)
        yield _false(evaluation, folder.name, _recordings(shown(paths, folder.name)))
    yield from _babble(evaluation)
    for (split, source), clips in evaluation.chosen(40, ('split', 'source')).items():
        told = [evaluation.listen(padded(evaluation.sound(clip))) for clip in shown(clips, f'rejected {source}')]
        yield Line('non-speech', f'true {source} {split}', len(clips),
                   {'rejected': share(sum(final is None for final in told), len(clips))})


def _babble(evaluation):
    """Twenty minutes of six Spanish voices at once, 5 dB below a pink noise: speech, but nobody's to the robot."""
    voices = [evaluation.sound(clip) for rows in evaluation.chosen(8, words=False).values() for clip in rows]
    if voices:
        minutes = max(1, round(20 * evaluation.options.minutes))
        babble = (mix(noises.scene('pink', 60, -30, seed), noises.babble(voices, 60, -30, seed), 5.0)
                  for seed in shown(range(minutes), 'babble'))
        yield _false(evaluation, 'Spanish babble at -5 dB', babble, 'no goal')


def _recordings(paths):
    for path in paths:
        try:
            yield read_audio(path)[:LONGEST_RECORDING_S * SAMPLE_RATE]
        except AudioError:
            continue  # a game's file of another kind says nothing


def _false(evaluation, what, sounds, note=''):
    seconds = count = told = 0
    for sound in sounds:
        finals = evaluation.recognizer.transcribe(np.pad(sound, (0, SAMPLE_RATE)))
        for final in finals:
            evaluation.note('non-speech', what, {'source': what, 'text': ''}, final)
        seconds, count, told = seconds + len(sound) / SAMPLE_RATE, count + 1, told + len(finals)
    return Line('non-speech', what, count, {'hours': seconds / 3600, 'false_transcripts': told,
                                            'an_hour': told / max(seconds / 3600, 1e-9)}, note)


def calibration(evaluation: Evaluation) -> Iterator[Line]:
    """Expected calibration error of words, and of utterances told, on 40 clips a source as they are."""
    everything: tuple[list, list] = ([], [])
    for (source,), clips in evaluation.chosen(40).items():
        told, whole = [], []
        for clip in shown(clips, f'calibration {source}'):
            final, truth = evaluation.clean(clip), fold(clip['text']).split()
            said = [fold(word.text) for word in final.words]
            kept = {i for op in Levenshtein.opcodes(said, truth) if op.tag == 'equal'
                    for i in range(op.src_start, op.src_end)}
            told += [(word.confidence, i in kept) for i, word in enumerate(final.words)]
            whole.append((final.confidence, said == truth))
        everything = everything[0] + told, everything[1] + whole
        yield _calibrated(source, len(clips), told, whole)
    yield _calibrated('all', len(everything[1]), *everything)


def _calibrated(what, clips, told, whole):
    return Line('calibration', what, clips, {
        'words': len(told), 'word_calibration_error': calibration_error(told),
        'right_words': share(sum(ok for _, ok in told), len(told)),
        'utterance_calibration_error': calibration_error(whole)})


def cleaning(evaluation: Evaluation) -> Iterator[Line]:
    """Sound as it came, cleaned, and with its noise reduced too; see training/speech/cleaning_rows.py."""
    from training.speech.cleaning_rows import cleaning_lines
    return cleaning_lines(evaluation)


def dialogue(evaluation: Evaluation) -> Iterator[Line]:
    """What the bundled dialogue is told by held-out synthetic voices; see training/speech/dialogue_rows.py."""
    from training.speech.dialogue_rows import dialogue_lines
    return dialogue_lines(evaluation)


ROWS = {'wer': wer, 'conditions': conditions, 'cleaning': cleaning, 'ngram': ngram, 'human': human,
        'dialogue': dialogue, 'words': words, 'non-speech': non_speech, 'calibration': calibration}
