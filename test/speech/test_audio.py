"""Any PCM becomes the same 16 kHz mono, in blocks as in whole; a bad file or block is refused with its name."""
import subprocess

import numpy as np
import pytest
import soundfile

from robot_ai.errors import AudioError
from robot_ai.speech.audio import RingBuffer, SampleClock, StreamingResampler, read_audio, to_mono_16k

SECOND_NS = 1_000_000_000


def sine(rate, seconds=0.5, hz=440, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize('rate', [8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
def test_a_sine_stays_that_sine(rate):
    out = to_mono_16k(sine(rate), rate)
    assert out.dtype == np.float32 and len(out) == pytest.approx(8000, abs=1)
    inner = slice(1000, 7000)  # away from the edges
    assert np.abs(out[inner] - sine(16000)[inner]).max() < 2e-3


@pytest.mark.parametrize('pcm', [
    lambda x: (x * 32767).astype(np.int16),
    lambda x: (x * (2**31 - 1)).astype(np.int32),
    lambda x: np.rint(x * 127 + 128).astype(np.uint8),
    lambda x: np.rint(x * 127).astype(np.int8),
    lambda x: x.astype(np.float32),
    lambda x: x.astype(np.float64),
    lambda x: (x * 32767).astype('>i2'),
])
def test_every_pcm_means_the_same(pcm):
    wave = sine(16000)
    assert np.abs(to_mono_16k(pcm(wave), 16000) - wave).max() < 0.01


def test_channels_are_averaged():
    left, right = sine(16000), np.zeros(8000)
    assert np.abs(to_mono_16k(np.stack([left, right], 1), 16000) - left / 2).max() < 1e-6
    interleaved = StreamingResampler(16000, 2).push(np.stack([left, right], 1).reshape(-1))
    assert np.abs(interleaved - left / 2).max() < 1e-6


@pytest.mark.parametrize('rate, channels', [(48000, 4), (44100, 1), (8000, 2), (11025, 8), (16000, 1)])
def test_stream_in_blocks_equals_the_whole(rate, channels):
    rng = np.random.default_rng(3)
    wave = (rng.standard_normal((rate, channels)) * 3000).astype(np.int16)
    whole = to_mono_16k(wave, rate)
    stream, parts, start = StreamingResampler(rate, channels), [], 0
    while start < rate:
        size = int(rng.integers(0, 3000))
        parts.append(stream.push(wave[start:start + size]))
        start += size
    assert np.array_equal(np.concatenate([*parts, stream.flush()]), whole)
    assert np.array_equal(np.concatenate([stream.push(wave), stream.flush()]), whole)  # fresh after a flush


def test_what_is_no_number_is_silence_and_what_is_too_loud_is_clipped():
    out = to_mono_16k(np.array([np.nan, np.inf, -np.inf, 7.0, -7.0, 0.25]), 16000)
    assert out.tolist() == [0, 0, 0, 1, -1, 0.25]
    assert len(to_mono_16k(np.zeros(0, np.int16), 48000)) == 0


@pytest.mark.parametrize('samples, rate, message', [
    (np.zeros(10, np.int16), 7999, 'sample rate 7999'),
    (np.zeros(10, np.int16), 16000.5, 'sample rate'),
    (np.zeros((10, 9), np.int16), 16000, '9 channels'),
    (np.zeros((10, 0), np.int16), 16000, '0 channels'),
    (np.zeros((2, 2, 2), np.int16), 16000, 'shape'),
    (np.zeros(10, np.uint16), 16000, 'PCM of uint16'),
    (np.zeros(10, complex), 16000, 'PCM of complex128'),
    (np.array(['a']), 16000, 'PCM of'),
])
def test_bad_pcm_is_refused(samples, rate, message):
    with pytest.raises(AudioError, match=message):
        to_mono_16k(samples, rate)


def test_part_of_a_channel_group_is_refused():
    with pytest.raises(AudioError, match='interleaved'):
        StreamingResampler(16000, 2).push(np.zeros(3, np.int16))


@pytest.mark.parametrize('name, rate, options', [
    ('a.wav', 22050, {'subtype': 'PCM_16'}), ('b.wav', 8000, {'subtype': 'PCM_U8'}),
    ('c.wav', 48000, {'subtype': 'FLOAT'}), ('d.flac', 44100, {'subtype': 'PCM_24'}),
    ('e.ogg', 32000, {'format': 'OGG', 'subtype': 'VORBIS'}),
    ('f.opus', 48000, {'format': 'OGG', 'subtype': 'OPUS'}),
    ('g.mp3', 44100, {'format': 'MP3'})])
def test_files_are_read(tmp_path, name, rate, options):
    wave = np.stack([sine(rate, 1.0)] * 2, 1)
    soundfile.write(tmp_path / name, wave, rate, **options)
    out = read_audio(tmp_path / name)
    assert len(out) == pytest.approx(16000, abs=2500)  # mp3 pads
    assert np.sqrt(np.square(out[3000:13000]).mean()) == pytest.approx(0.5 / 2**0.5, rel=0.1)


def test_m4a_is_read(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'voice.m4a'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('aac', rate=44100, layout='mono')
        frame = av.AudioFrame.from_ndarray(sine(44100, 1.0).astype(np.float32)[None], format='fltp', layout='mono')
        frame.sample_rate = 44100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    out = read_audio(path)
    assert np.sqrt(np.square(out[3000:13000]).mean()) == pytest.approx(0.5 / 2**0.5, rel=0.1)


@pytest.mark.parametrize('name, content, message', [
    ('empty.wav', b'', 'is empty'), ('text.wav', b'no sound at all here', 'not a sound file'),
    ('text.m4a', b'no sound at all here', 'text.m4a'), ('head.wav', b'RIFF\x24\x00\x00\x00WAVEfmt ', 'head.wav')])
def test_a_bad_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError, match=message):
        read_audio(tmp_path / name)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(AudioError, match='nothing.wav: no such file'):
        read_audio(tmp_path / 'nothing.wav')


def test_a_file_with_no_frames_is_named(tmp_path):
    soundfile.write(tmp_path / 'none.wav', np.zeros(0), 16000)
    with pytest.raises(AudioError, match='holds no sound'):
        read_audio(tmp_path / 'none.wav')


def test_clock_counts_from_the_first_receipt():
    clock = SampleClock(16000)
    assert clock.push(1600, 5 * SECOND_NS) == 0
    assert clock.time_of(0) == 4_900_000_000  # the block was recorded in the 100 ms before its receipt
    assert clock.push(1600, 5 * SECOND_NS + 130_000_000) == 0  # 30 ms late: counting goes on
    assert clock.time_of(1600) == 5 * SECOND_NS
    assert clock.time_of(3200) == 5 * SECOND_NS + 100_000_000


def test_clock_forgives_one_late_block_but_not_lost_sound():
    clock = SampleClock(16000)
    for i in range(10):
        assert clock.push(1600, i * 100_000_000) == 0
    assert clock.push(1600, 10 * 100_000_000 + 200_000_000) == 0  # jitter: the next ones are on time again
    for i in range(11, 20):
        assert clock.push(1600, i * 100_000_000) == 0
    drifts = [clock.push(1600, i * 100_000_000 + 300_000_000) for i in range(20, 30)]  # 300 ms were lost
    assert [drift for drift in drifts if drift] == [300_000_000]
    assert clock.time_of(clock.count) == 29 * 100_000_000 + 300_000_000
    assert clock.time_of(1600) == 0  # samples before the loss keep their times


def test_clock_follows_stamps_and_tells_of_a_jump():
    clock = SampleClock(48000)
    assert clock.push(480, 7 * SECOND_NS, stamped=True) == 0
    assert clock.push(480, 7 * SECOND_NS + 10_000_000, stamped=True) == 0
    assert clock.push(480, 8 * SECOND_NS, stamped=True) == 980_000_000
    assert clock.push(480, 6 * SECOND_NS, stamped=True) == -2_010_000_000  # a bag that starts again
    assert clock.time_of(960) == 8 * SECOND_NS


def test_ring_keeps_the_latest():
    ring = RingBuffer(100)
    for i in range(0, 1000, 7):
        ring.append(np.arange(i, i + 7, dtype=np.float32))
    assert (ring.start, ring.end) == (901, 1001)
    assert ring.read(950, 953).tolist() == [950, 951, 952]
    assert ring.read(0, 903).tolist() == [901, 902]
    ring.append(np.arange(1001, 1501, dtype=np.float32))
    assert ring.read(1400).tolist() == list(range(1401, 1501))
    ring.clear()
    assert len(ring.read(0)) == 0


@pytest.mark.long
def test_ffmpeg_made_files_are_read(tmp_path):
    for name in ('x.m4a', 'x.aac', 'x.mp3', 'x.opus', 'x.flac', 'x.wav', 'x.ogg'):
        made = subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'sine=440:d=2', '-ac', '2',
                               str(tmp_path / name)], capture_output=True)
        if made.returncode:
            pytest.skip(f'ffmpeg cannot make {name}')
        assert len(read_audio(tmp_path / name)) == pytest.approx(32000, rel=0.06)
