"""Decoded error rates on validation clips, cheap enough to be taken every few hundred steps."""
import re

import jiwer
import numpy as np

from robot_ai.speech.audio import SAMPLE_RATE
from training.forward import compiled
from training.speech.attention_pictures import attention_pictures
from training.speech.data import Cache
from training.speech.model import frame_count

BUCKETS_S = (2.0, 4.0, 8.0, 16.0)


class Validation:
    """Callable for training.loop: model -> {'wer', 'cer', 'wer_SOURCE', ...} by greedy CTC decoding.

    At most `clips` clips a source, evenly spread, so that a big source does not drown a small one: 'wer' is the
    mean over sources, each cut at 1.
    """

    def __init__(self, cache: Cache, vocabulary, clips: int = 60, sources: tuple[str, ...] = ()):
        """Take the clips now; they are the same for every call."""
        self.cache, self.vocabulary, self.rows = cache, vocabulary, {}
        for index, clip in enumerate(cache.clips):
            if clip['text'] and clip['samples'] <= BUCKETS_S[-1] * 16000 and (not sources or clip['source'] in sources):
                self.rows.setdefault(clip['source'], []).append(index)
        for source, rows in self.rows.items():
            self.rows[source] = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(clips, len(rows)))]
        self._encode, self._shown = {}, False

    def __call__(self, model) -> dict[str, float]:
        """Decode and score every clip taken."""
        figures = {}
        for source, rows in sorted(self.rows.items()):
            texts = [self.cache.clips[i]['text'] for i in rows]
            heard = self.decode(model, rows)
            figures[f'wer_{source}'] = jiwer.wer(texts, heard)
            figures[f'cer_{source}'] = jiwer.cer(texts, heard)
        for rate in ('wer', 'cer'):
            figures[rate] = float(np.mean([min(1, v) for k, v in figures.items() if k.startswith(f'{rate}_')]))
        return figures

    def show(self, model, step: int) -> None:
        """Write what is heard of one clip of each source to TensorBoard, once its sound, and the first's attention."""
        import tensorflow as tf
        rows = [rows[len(rows) // 2] for _, rows in sorted(self.rows.items())]
        lines = ['| source | said | heard |', '| --- | --- | --- |']
        for index, heard in zip(rows, self.decode(model, rows)):
            clip = self.cache.clips[index]
            lines.append(f'| {clip["source"]} | {clip["text"]} | {heard} |')
            if not self._shown:
                sound = self.cache.samples(index)[None, :, None]
                tf.summary.audio(f'samples/{clip["source"]}', sound, SAMPLE_RATE, step=step, max_outputs=1)
        self._shown = True
        tf.summary.text('samples', '\n'.join(lines), step=step)
        if rows:
            text = self.cache.clips[rows[0]]['text']
            for name, drawn in attention_pictures(model, self.cache.samples(rows[0]),
                                                  self.vocabulary.encode(text)).items():
                tf.summary.image(f'attention/{name}', drawn[None, :, :, None], step=step)

    def decode(self, model, rows: list[int], batch: int = 8) -> list[str]:
        """Return the greedy transcripts of the clips of these indices."""
        if id(model) not in self._encode:
            self._encode = {id(model): compiled(model, lambda samples, length: model.encode(samples, length)[1])}
        encode = self._encode[id(model)]
        texts = {}
        for low, high in zip((0.0, *BUCKETS_S), BUCKETS_S):
            group = [i for i in rows if low * 16000 < self.cache.clips[i]['samples'] <= high * 16000]
            for at in range(0, len(group), batch):
                part = group[at:at + batch]
                samples = np.zeros((batch, int(high * 16000)), np.float32)
                length = np.full(batch, 640, np.int32)
                for row, index in enumerate(part):
                    sound = self.cache.samples(index)
                    samples[row, :len(sound)], length[row] = sound, len(sound)
                best = np.argmax(encode(samples, length), axis=-1)
                for row, index in enumerate(part):
                    texts[index] = greedy(best[row, :int(frame_count(length[row]))], self.vocabulary)
        return [texts[i] for i in rows]


def greedy(best: np.ndarray, vocabulary) -> str:
    """Return the text of the best label a frame: repeats merged, blanks dropped."""
    kept = best[np.flatnonzero(np.diff(best, prepend=-1) != 0)]
    return re.sub(' +', ' ', vocabulary.decode(kept[kept != 0]))
