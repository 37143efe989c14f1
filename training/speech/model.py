"""The speech model: samples float32 [B, n] at 16 kHz -> CTC log-probabilities [B, n / 640, V], one frame 40 ms.

Log-mel front end, convolutional subsampling by 4, pre-norm Transformer blocks with rotary positions and an optional
convolution module (arXiv:2005.08100), a CTC head, and a small attention decoder for the hybrid loss
(arXiv:1609.06773) and for rescoring. `keras.ops` only.
"""
from dataclasses import asdict, dataclass

import keras
import numpy as np
from keras import ops

from robot_ai.errors import ConfigurationError
from training.layers.attention import DecoderBlock, EncoderBlock
from training.layers.recurrent import RecurrentBlock
from training.speech.features import HOP, PARAMETERS, LogMel, htk_hz, htk_mel

SUBSAMPLING = 4
FRAME_SAMPLES = HOP * SUBSAMPLING  # 640: 40 ms
LETTERS = 'abcdefghijklmnopqrstuvwxyzáéíóúüñ'
WORD_BOUNDARY = '▁'
END = 0  # the decoder's start and end share the CTC blank's index


class Characters:
    """Vocabulary of letters: index 0 is the blank, 1 the word boundary."""

    labels = ('', WORD_BOUNDARY, *LETTERS)

    def __init__(self):
        """Index the labels."""
        self._index = {label: i for i, label in enumerate(self.labels)} | {' ': 1}

    def __len__(self):
        return len(self.labels)

    def encode(self, text: str) -> list[int]:
        """Return the indices of a normalised text; ValueError names a character that has none."""
        try:
            return [self._index[character] for character in text]
        except KeyError as error:
            raise ValueError(f'{text!r}: no label for {error}; normalise the text first') from None

    def decode(self, indices) -> str:
        """Return the text of label indices (blanks left out)."""
        return ''.join(self.labels[i] for i in indices).replace(WORD_BOUNDARY, ' ').strip()


@dataclass(frozen=True)
class Size:
    """The model's shape; `kernel` 0 leaves the convolution module out, `decoder_blocks` 0 the decoder."""

    width: int = 160
    heads: int = 4
    blocks: int = 8
    kernel: int = 9
    expansion: int = 4
    channels: int = 32
    decoder_blocks: int = 2
    dropout: float = 0.1
    recurrent: bool = False  # LSTM blocks in place of Transformer blocks: the baseline
    mels: int = 64
    masking: float = 1.0  # scales SpecAugment's widths; less for models that do not fit their data yet
    warping: float = 0.0  # how far a vocal tract is stretched or shrunk in training, a share of its length
    labels: int = len(Characters.labels)

    def __post_init__(self):
        if self.width % self.heads or self.width // self.heads % 2:
            raise ConfigurationError(f'width {self.width} cannot be cut into {self.heads} heads of even width')


class SpeechModel(keras.Model):
    """Encoder with CTC head, and decoder; see `encode`, `decode` and `call`."""

    def __init__(self, size: Size | None = None, **kwargs):
        """Make the layers; weights come with the first call or `build_all`."""
        # Samples must reach the features unrounded under a bfloat16 policy, too: 8 bits are no sound.
        super().__init__(**{'name': 'speech', 'autocast': False, **kwargs})
        self.size = size = size or Size()
        self.features = LogMel(mels=size.mels, name='features', dtype='float32')
        self.vocal_tract = VocalTractWarp(size.warping, name='vocal_tract', dtype='float32')
        self.spectral_mask = SpectralMask(band=round(12 * size.masking), stretch=0.08 * size.masking, name='mask',
                                          dtype='float32')
        self.subsample = [keras.layers.Conv2D(size.channels, 3, strides=2, padding='same', activation='relu',
                                              name=f'subsample{i}') for i in range(2)]
        self.enter = keras.layers.Dense(size.width, name='enter')
        self.drop = keras.layers.Dropout(size.dropout)
        self.blocks = [RecurrentBlock(size.dropout, name=f'block{i}') if size.recurrent else
                       EncoderBlock(size.heads, size.kernel, size.expansion, size.dropout, name=f'block{i}')
                       for i in range(size.blocks)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name='norm')
        self.head = keras.layers.Dense(size.labels, name='head')
        self.embedding = keras.layers.Embedding(size.labels, size.width, name='embedding')
        self.decoder = [DecoderBlock(size.heads, 2, size.dropout, name=f'decoder{i}')
                        for i in range(size.decoder_blocks)]
        self.decoder_norm = keras.layers.LayerNormalization(epsilon=1e-5, name='decoder_norm')
        self.decoder_head = keras.layers.Dense(size.labels, name='decoder_head')

    def build_all(self):
        """Create every weight by one tiny call; returns self."""
        self({'samples': np.zeros((1, 4 * FRAME_SAMPLES), np.float32),
              'length': np.full(1, 4 * FRAME_SAMPLES, np.int32), 'tokens': np.zeros((1, 4), np.int32)})
        return self

    def begin_as_identity(self, missing: list[str]) -> list[str]:
        """Let the blocks all of whose weights are in `missing` add nothing at first; return their names.

        So a deeper model begins as the one that it grows from (Net2Net, arXiv:1511.05641).
        """
        new = [block for i, block in enumerate(self.blocks) if isinstance(block, EncoderBlock)
               and sum(path.startswith(f'block{i}/') for path in missing) == len(block.trainable_variables)]
        for block in new:
            block.begin_as_identity()
        return [block.name for block in new]

    def encode(self, samples, length, training=False):
        """Return memory float32 [B, T, D] and CTC log-probabilities float32 [B, T, V]; T = n / 640."""
        x = self.features(samples, length)
        x = self.spectral_mask(self.vocal_tract(x, training=training), length, training=training)[..., None]
        for layer in self.subsample:
            x = layer(x)
        batch, frames = x.shape[0] or -1, x.shape[1]
        x = self.drop(self.enter(ops.reshape(x, (batch, frames, x.shape[2] * x.shape[3]))), training=training)
        valid = valid_frames(frame_count(length), frames)
        allowed = valid[:, None, None, :]
        for block in self.blocks:
            x = block(x, allowed, valid[..., None], training=training)
        memory = self.norm(x)
        return memory, ops.log_softmax(ops.cast(self.head(memory), 'float32'), axis=-1)

    def decode(self, memory, frames, tokens, training=False):
        """Return the next label's log-probabilities float32 [B, U + 1, V] after each prefix of tokens int32 [B, U]."""
        inputs = ops.pad(tokens, [[0, 0], [1, 0]], constant_values=END)
        x = self.embedding(inputs) * self.size.width ** 0.5
        allowed = valid_frames(frames, memory.shape[1])[:, None, None, :]
        for block in self.decoder:
            x = block(x, memory, allowed, training=training)
        return ops.log_softmax(ops.cast(self.decoder_head(self.decoder_norm(x)), 'float32'), axis=-1)

    def call(self, inputs, training=False):
        """inputs: samples, length, tokens (see Batches.batch) -> CTC and decoder log-probabilities (or None)."""
        memory, log_probs = self.encode(inputs['samples'], inputs['length'], training=training)
        if not self.decoder:
            return log_probs, None
        return log_probs, self.decode(memory, frame_count(inputs['length']), inputs['tokens'], training=training)

    def get_config(self):
        """Return the constructor's arguments."""
        return {'size': asdict(self.size)}


def frame_count(length):
    """Return how many frames of 40 ms hold `length` samples (rounded up)."""
    return (length + FRAME_SAMPLES - 1) // FRAME_SAMPLES


def valid_frames(count, frames: int):
    """Return float32 [B, frames]: 1 in each row's first `count` places."""
    return ops.cast(ops.expand_dims(ops.arange(frames), 0) < ops.expand_dims(count, 1), 'float32')


class VocalTractWarp(keras.layers.Layer):
    """Vocal tract length perturbation (Jaitly and Hinton, 2013): each row's frequencies scaled by a random factor.

    Another throat says the same: formants move, the tempo stays. Above the paper's knee of 4.8 kHz the scale bends, so
    that the band's upper end stays where it is.
    """

    knee_hz = 4800.0

    def __init__(self, most: float = 0.15, **kwargs):
        """Factors lie between 1 - `most` and 1 + `most`; 0 changes nothing."""
        super().__init__(**kwargs)
        self.most, self.seeds = most, keras.random.SeedGenerator(11)

    def call(self, x, training=False):
        """Log-mel features float32 [B, T, M] of `features.LogMel` -> the same shape, warped if `training`."""
        if not training or not self.most:
            return x
        factor = 1 + self.most * (2 * keras.random.uniform((x.shape[0], 1), seed=self.seeds) - 1)
        return ops.matmul(x, self.matrix(factor, x.shape[2]))

    def matrix(self, factor, mels: int):
        """Return float32 [B, M, M] that interpolates mels at `factor` float32 [B, 1] times their frequencies."""
        low, high = PARAMETERS['low_hz'], PARAMETERS['high_hz']
        edges = np.linspace(htk_mel(low), htk_mel(high), mels + 2)
        hz = htk_hz(edges[1:-1])[None].astype(np.float32)
        bent = self.knee_hz * ops.minimum(factor, 1.0)
        above = high - (high - bent) / (high - bent / factor) * (high - hz)
        scaled = ops.where(hz <= bent / factor, hz * factor, above)
        # Fractions of a mel index; HTK's scale, in floats that every backend has.
        at = (2595 / np.log(10) * ops.log(1 + scaled / 700) - edges[1]) / (edges[1] - edges[0])
        at = ops.clip(at, 0, mels - 1)[:, None, :]
        return ops.maximum(0.0, 1 - ops.abs(at - ops.arange(mels, dtype='float32')[None, :, None]))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'most': self.most}


class SpectralMask(keras.layers.Layer):
    """SpecAugment (arXiv:1904.08779): random bands of mels and stretches of time set to zero, the features' mean."""

    def __init__(self, bands: int = 2, band: int = 12, stretches: int = 3, stretch: float = 0.08, **kwargs):
        """`band` mels at most a band; `stretch` of the valid length at most a stretch."""
        super().__init__(**kwargs)
        self.settings = {'bands': bands, 'band': band, 'stretches': stretches, 'stretch': stretch}
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, x, length, training=False):
        """X [B, T, M], length int32 [B] of samples -> [B, T, M]."""
        if not training:
            return x
        s, batch = self.settings, x.shape[0]
        keep = ops.ones_like(x[:, :1, :1])
        mels = ops.cast(ops.arange(x.shape[2]), 'float32')[None]
        times = ops.cast(ops.arange(x.shape[1]), 'float32')[None]
        spoken = ops.cast(length, 'float32')[:, None] / HOP
        for _ in range(s['bands']):
            start, width = self._draw(batch), self._draw(batch) * s['band']
            start = start * (x.shape[2] - width)
            keep = keep * (1 - ops.cast((mels >= start) & (mels < start + width), 'float32'))[:, None, :]
        for _ in range(s['stretches']):
            start, width = self._draw(batch), self._draw(batch) * s['stretch'] * spoken
            start = start * (spoken - width)
            keep = keep * (1 - ops.cast((times >= start) & (times < start + width), 'float32'))[:, :, None]
        return x * ops.cast(keep, x.dtype)

    def _draw(self, batch):
        return keras.random.uniform((batch, 1), seed=self.seeds)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.settings}
