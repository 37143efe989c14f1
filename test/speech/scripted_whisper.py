"""A stand-in for an exported Whisper: it says a text that is known beforehand, one word each half second of sound.

Its cross-attention looks at the middle of the word that comes next, so that word times are known, too.
"""
from pathlib import Path

import numpy as np
import yaml

from robot_ai.model_store import describe_files, load_model
from robot_ai.speech.whisper_tokenizer import END, NO_TIMESTAMPS, START, WhisperTokenizer, byte_spelling

WORDS = ['Hola,', 'quiero', 'un', 'vaso', 'de', 'agua.']
BUCKET_S, FRAMES, WORD_FRAMES, CACHE = 4, 200, 25, 64
LOUD, RUNNER_UP = 12.0, 8.0


def tokenizer():
    """A vocabulary of the 256 bytes, of the words (each with its space) and of what joins bytes to them."""
    tokens = [*byte_spelling().values()]
    for word in WORDS:
        spelled = ''.join(byte_spelling()[b] for b in f' {word}'.encode())
        tokens += [spelled[:n] for n in range(2, len(spelled) + 1) if spelled[:n] not in tokens]
    names = [END, START, '<|es|>', '<|en|>', '<|translate|>', '<|transcribe|>', '<|nospeech|>', NO_TIMESTAMPS]
    return WhisperTokenizer(tokens, {name: len(tokens) + i for i, name in enumerate(names)})


class ScriptedGraph:
    """Has what WhisperRecognizer uses of GraphRunner: `info` and `run`."""

    def __init__(self, folder: Path, beams=1, no_speech=0.0, **parameters):
        self.tokenizer, self.calls, self.no_speech = tokenizer(), [], no_speech
        self.words = [self.tokenizer.encode(f' {word}') for word in WORDS]
        write_folder(folder, self.tokenizer, beams, **parameters)
        self.info = load_model(folder, 'speech')
        self.heard = 0  # words in the sound that was encoded last

    def run(self, signature, **given):
        self.calls.append(signature)
        if signature.startswith('encode'):
            samples = given['samples'][0]
            loud = np.flatnonzero(np.abs(samples) > 0.01)
            self.heard = min(len(WORDS), round((loud[-1] + 1) / 8000)) if len(loud) else 0
            return {'keys': np.zeros((1, 1, FRAMES, 2), np.float32), 'values': np.zeros((1, 1, FRAMES, 2), np.float32)}
        beams, position = len(given['tokens']), int(given['position'][0])
        script = [token for word in self.words[:self.heard] for token in word] + [self.tokenizer.end]
        at = [index for index, word in enumerate(self.words[:self.heard]) for _ in word] + [self.heard]
        place = min(max(position - 3, 0), len(script) - 1)  # the prompt has four tokens
        logits = np.zeros((beams, len(self.tokenizer)), np.float32)
        logits[:, script[place]] = LOUD
        if place == 0:
            logits[:, self.words[-1][0]] += RUNNER_UP
        if position == 0:
            logits[:, self.tokenizer.no_speech] = np.log(1e-6 + self.no_speech * 1e6)
        frames = np.arange(FRAMES)
        attention = -0.5 * np.square((frames - (at[place] + 0.5) * WORD_FRAMES) / 4)
        new = np.zeros((1, beams, 1, 1, 2), np.float32)
        return {'logits': logits, 'new_keys': new, 'new_values': new,
                'attention': np.broadcast_to(attention, (2, beams, FRAMES)).astype(np.float32)}


def write_folder(folder, vocabulary, beams, **parameters):
    """Write a model folder whose graph is never opened."""
    folder.mkdir(exist_ok=True)
    vocabulary.save(folder / 'tokens.json')
    (folder / 'whisper.tflite').write_bytes(b'none')
    document = {'kind': 'speech', 'name': 'scripted', 'version': '1', 'graph': 'whisper.tflite', 'labels': [],
                'files': describe_files(folder, ['whisper.tflite', 'tokens.json']),
                'parameters': {'architecture': 'whisper', 'sample_rate': 16000, 'frame_s': 0.02, 'language': 'es',
                               'buckets_s': [BUCKET_S], 'beams': beams, 'tokenizer': 'tokens.json',
                               'cache': {'layers': 1, 'heads': 1, 'tokens': CACHE, 'width': 2},
                               'partial_stride_s': 0.5, 'guard': {'min_voice': -1000}, **parameters}}
    (folder / 'model.yaml').write_text(yaml.safe_dump(document, allow_unicode=True), encoding='utf-8')
