"""Any PCM in, 16 kHz mono float32 [n] in -1..1 out: arrays, streams and files; and which time a sample is of.

Resampling is soxr's (HQ), whose streams give bit for bit what one call on the whole gives, so that nothing
downstream depends on how a publisher cuts its blocks. Files are read by libsndfile, m4a by PyAV.
"""
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

from robot_ai.errors import AudioError

SAMPLE_RATE = 16000  # Hz, of everything behind this module
MIN_RATE, MAX_RATE = 8000, 192000  # Hz, taken in
MAX_CHANNELS = 8
MAX_DRIFT_NS = 50_000_000  # above this, counted time starts anew
JITTER_WINDOW_NS = 500_000_000  # late blocks are forgiven when one block of this span was on time
FULL_SCALE = {'i1': 2.0**7, 'i2': 2.0**15, 'i4': 2.0**31}  # dtype -> the value that is 1.0
READ_FRAMES = 1 << 16
PYAV_SUFFIXES = ('.m4a', '.mp4', '.aac', '.mka', '.webm')


def to_mono_16k(samples: np.ndarray, rate: int) -> np.ndarray:
    """Convert PCM [n] or [n, channels] at `rate` Hz to float32 [m], 16 kHz, mono, -1..1.

    Taken: uint8 (128 is silence), int8, int16, int32, float16/32/64 (-1..1; beyond is clipped, NaN and
    infinity become 0). Raises AudioError for any other dtype, rate or channel count.
    """
    samples = np.asarray(samples)
    channels = samples.shape[1] if samples.ndim == 2 else 1
    resampler = StreamingResampler(rate, channels)
    return np.concatenate([resampler.push(samples), resampler.flush()])


class StreamingResampler:
    """`to_mono_16k` for a stream: the blocks' outputs joined equal the output for the joined blocks."""

    def __init__(self, rate: int, channels: int = 1):
        """Take blocks of `channels` channels at `rate` Hz; AudioError where either is out of range."""
        if not isinstance(rate, (int, np.integer)) or not MIN_RATE <= rate <= MAX_RATE:
            raise AudioError(f'sample rate {rate!r}: expected {MIN_RATE} to {MAX_RATE} Hz')
        if not isinstance(channels, (int, np.integer)) or not 1 <= channels <= MAX_CHANNELS:
            raise AudioError(f'{channels!r} channels: expected 1 to {MAX_CHANNELS}')
        self.rate, self.channels = int(rate), int(channels)
        self._stream = self._new_stream()

    def _new_stream(self):
        if self.rate == SAMPLE_RATE:
            return None
        return soxr.ResampleStream(self.rate, SAMPLE_RATE, 1, dtype='float32', quality='HQ')

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take PCM [n, channels], or interleaved [n * channels]; return what is ready, float32 [m]."""
        mono = _to_mono(np.asarray(block), self.channels)
        return mono if self._stream is None or not len(mono) else self._stream.resample_chunk(mono)

    def flush(self) -> np.ndarray:
        """Return the rest, float32 [m], and be ready for another stream."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        rest = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self._stream = self._new_stream()
        return rest


def _to_mono(block, channels):
    """Check and scale PCM, mix its channels: float32 [n] in -1..1, always a copy."""
    kind = block.dtype.kind + str(block.dtype.itemsize)
    if kind not in ('u1', *FULL_SCALE) and block.dtype.kind != 'f':
        raise AudioError(f'PCM of {block.dtype}: expected uint8, int8, int16, int32 or float')
    if block.ndim == 1 and block.size % channels == 0:
        block = block.reshape(-1, channels)
    if block.ndim != 2 or block.shape[1] != channels:
        raise AudioError(f'PCM of shape {list(block.shape)}: expected [n, {channels}], or interleaved')
    if block.dtype.kind == 'f':
        clean = np.nan_to_num(block, copy=True, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(clean, -1, 1).mean(axis=1, dtype=np.float32)
    if kind == 'u1':
        return ((block.astype(np.float32) - 128) / 128).mean(axis=1, dtype=np.float32)
    return (block.astype(np.float64) / FULL_SCALE[kind]).mean(axis=1).astype(np.float32)


def read_audio(path: str | Path) -> np.ndarray:
    """Read a sound file (wav, flac, mp3, ogg, opus, m4a; any rate) as float32 [n], 16 kHz, mono.

    Raises AudioError where the file is missing, empty, truncated at its head or of no known format.
    """
    path = Path(path)
    if not path.is_file():
        raise AudioError(f'{path}: {"a folder, not a sound file" if path.is_dir() else "no such file"}')
    if path.stat().st_size == 0:
        raise AudioError(f'{path}: the file is empty')
    blocks = _pyav_blocks(path) if path.suffix.lower() in PYAV_SUFFIXES else _sndfile_blocks(path)
    resampler, parts = None, []
    for block, rate in blocks:
        if resampler is None:
            resampler = _named(path, StreamingResampler, rate, block.shape[1])
        elif (rate, block.shape[1]) != (resampler.rate, resampler.channels):
            raise AudioError(f'{path}: rate or channels change in the middle; convert it to wav first')
        parts.append(_named(path, resampler.push, block))
    if resampler is None:
        raise AudioError(f'{path}: holds no sound')
    return np.concatenate([*parts, resampler.flush()])


def _named(path, function, *arguments):
    try:
        return function(*arguments)
    except AudioError as error:
        raise AudioError(f'{path}: {error}') from None


def _sndfile_blocks(path) -> Iterator[tuple[np.ndarray, int]]:
    import soundfile

    class InOrder(soundfile.SoundFile):
        """Never seeks: else it does after each block, at which libmpg123 complains of every mp3 on stderr."""

        def seekable(self):
            return False

    try:
        with InOrder(str(path)) as file:
            while len(block := file.read(READ_FRAMES, dtype='float32', always_2d=True)):
                yield block, file.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioError(f'{path}: not a sound file that can be read (wav, flac, mp3, ogg, opus, m4a): '
                         f'{str(error).split(": ", 1)[-1]}') from None


def _pyav_blocks(path) -> Iterator[tuple[np.ndarray, int]]:
    try:
        import av
    except ImportError:
        raise AudioError(f'{path}: {path.suffix} needs PyAV: pip install av; or convert the file to wav') from None
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise AudioError(f'{path}: holds no sound')
            for frame in container.decode(audio=0):
                block = frame.to_ndarray()  # [channels, n] where planar, else [1, n * channels]
                block = block.T if frame.format.is_planar else block.reshape(-1, frame.layout.nb_channels)
                yield block, frame.sample_rate
    except (av.FFmpegError, ValueError) as error:
        raise AudioError(f'{path}: cannot be read: {error}') from None


class SampleClock:
    """Which time a sample is of: by the publisher's stamps, else by receipt and then by counting samples.

    Receipt only ever delays: a block is taken to be late until a whole window of blocks agrees, so that
    one slow delivery does not move time, but lost sound and a drifting sound card do. Times are int ns.
    """

    def __init__(self, rate: int = SAMPLE_RATE):
        """Count samples of `rate` Hz."""
        self.rate = rate
        self.reset()

    def reset(self):
        """Forget everything: the next block starts at sample 0 and is stamped anew."""
        self.count = 0  # samples so far
        self._anchors: list[tuple[int, int]] = []  # (sample index, its time), by index
        self._late: deque = deque()  # (samples, lateness in ns) of the latest blocks

    def push(self, samples: int, time_ns: int, stamped: bool = False) -> int:
        """Count a block of `samples`; return the drift (ns) that made time start anew, else 0.

        `time_ns` is the stamp of its first sample where `stamped`, else the time of its receipt, which is
        that of its last sample.
        """
        start_ns = time_ns if stamped else time_ns - self._span(samples)
        drift = 0
        if not self._anchors:
            self._anchors.append((0, start_ns))
        else:
            drift = self._drift(samples, start_ns - self.time_of(self.count), stamped)
        if drift:
            self._late.clear()
            self._anchors = [*self._anchors[-63:], (self.count, start_ns)]
        self.count += samples
        return drift

    def _drift(self, samples, late, stamped):
        self._late.append((samples, late))
        span = sum(self._span(n) for n, _ in self._late)
        while len(self._late) > 1 and span - self._span(self._late[0][0]) >= JITTER_WINDOW_NS:
            span -= self._span(self._late.popleft()[0])
        if abs(late) <= MAX_DRIFT_NS:
            return 0
        if stamped or late < 0:
            return late
        least = min(value for _, value in self._late)
        return least if span >= JITTER_WINDOW_NS and least > MAX_DRIFT_NS else 0

    def time_of(self, sample: int) -> int:
        """Return the time (ns) of a sample by its index since the last reset; 0 before the first block."""
        if not self._anchors:
            return 0
        index, time_ns = next((a for a in reversed(self._anchors) if a[0] <= sample), self._anchors[0])
        return time_ns + self._span(sample - index)

    def _span(self, samples):
        return samples * 1_000_000_000 // self.rate


class RingBuffer:
    """The latest `capacity` samples of a stream, addressed by their index since its start."""

    def __init__(self, capacity: int):
        """Hold up to `capacity` samples (float32)."""
        self.capacity = capacity
        self._data = np.zeros(2 * capacity, np.float32)
        self._fill = 0  # valid samples in _data
        self.end = 0  # index one past the newest sample

    @property
    def start(self) -> int:
        """Index of the oldest sample held."""
        return self.end - min(self._fill, self.capacity)

    def append(self, samples: np.ndarray):
        """Add float32 [n]; the oldest are forgotten."""
        self.end += len(samples)
        samples = samples[-self.capacity:]
        if self._fill + len(samples) > len(self._data):
            keep = min(self._fill, self.capacity)
            self._data[:keep] = self._data[self._fill - keep:self._fill].copy()
            self._fill = keep
        self._data[self._fill:self._fill + len(samples)] = samples
        self._fill += len(samples)

    def read(self, start: int, end: int | None = None) -> np.ndarray:
        """Return a copy of the samples [start, end); what is no longer (or not yet) held is left out."""
        end = self.end if end is None else min(end, self.end)
        start = max(start, self.start)
        offset = self._fill - self.end
        return self._data[start + offset:max(start, end) + offset].copy()

    def clear(self):
        """Forget all samples and count from 0 again."""
        self._fill = self.end = 0
