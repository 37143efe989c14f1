"""A message of any audio type in, a block of PCM samples [frames, channels] with rate and stamp out.

Types are told apart by their fields, never by name: two packages called audio_common_msgs exist whose messages
share names but not fields. Known forms: audio_common_msgs/AudioData with the latched `audio_info`,
AudioDataStamped, mgonzs13's Audio and AudioStamped, naoqi_bridge_msgs/AudioBuffer, std_msgs/Int16MultiArray.
Payloads stay views of the message's own buffer: no copy, no Python list.
"""
import re
from array import array
from dataclasses import dataclass

import numpy as np
from std_msgs.msg import Int16MultiArray, MultiArrayDimension, MultiArrayLayout

from robot_ai.errors import AudioError

MIN_RATE, MAX_RATE = 8_000, 48_000  # Hz
MAX_CHANNELS = 8
MAX_BLOCK = 30.0  # s of sound in one message; more is a mistake, not a stream

# Forms, as `form_of` tells them.
DATA, DATA_STAMPED, SAMPLES, SAMPLES_STAMPED, BUFFER, ARRAY = (
    'AudioData', 'AudioDataStamped', 'Audio', 'AudioStamped', 'AudioBuffer', 'Int16MultiArray')
PREFERENCE = (BUFFER, SAMPLES_STAMPED, DATA_STAMPED, SAMPLES, DATA, ARRAY)  # the more a message says, the sooner
NEEDS_INFO = (DATA, DATA_STAMPED)  # the message itself says neither rate nor channels
UNSTAMPED = (DATA, SAMPLES, ARRAY)

_PCM_CODINGS = ('', 'wave', 'wav', 'pcm', 'raw', 'audio/x-raw')
_SAMPLE_FORMATS = {'S16LE': '<i2', 'S16BE': '>i2', 'S32LE': '<i4', 'S32BE': '>i4', 'F32LE': '<f4', 'F32BE': '>f4',
                   'S8': 'i1', 'U8': 'u1'}
_PORTAUDIO_FIELDS = {1: 'float32_data', 2: 'int32_data', 8: 'int16_data', 16: 'int8_data', 32: 'uint8_data'}
_RATE_LABEL = re.compile(r'rate\s*=?\s*(\d+)')


@dataclass(frozen=True)
class Block:
    """Sound of one message: `samples` [frames, channels] of any PCM dtype, interleaved as they came."""

    samples: np.ndarray
    rate: int  # Hz
    stamp_ns: int | None  # of the first sample; None where the type has no stamp or it is zero
    frame_id: str = ''

    @property
    def duration_ns(self) -> int:
        """The length of the block in ns, rounded down."""
        return len(self.samples) * 1_000_000_000 // self.rate


@dataclass(frozen=True)
class PcmFormat:
    """What unlabelled bytes hold: from `audio_info`, or from the node's parameters."""

    rate: int
    channels: int
    dtype: str = '<i2'


def form_of(message_type) -> str:
    """Return the form of an audio message class, told by its fields; AudioError where it is none."""
    fields = message_type.get_fields_and_field_types()
    nested = {name: _nested_fields(message_type, name) for name in ('audio', 'info', 'layout', 'header')}
    if fields == {'data': 'sequence<uint8>'}:
        return DATA
    if fields.get('data') == 'sequence<int16>' and {'frequency', 'channel_map'} <= set(fields):
        return BUFFER
    if fields.get('data') == 'sequence<int16>' and 'dim' in nested['layout']:
        return ARRAY
    if 'int16_data' in _nested_fields(message_type, 'audio_data') and 'rate' in nested['info']:
        return SAMPLES
    if nested['header'] and nested['audio'] == {'data': 'sequence<uint8>'}:
        return DATA_STAMPED
    if nested['header'] and {'audio_data', 'info'} <= set(nested['audio']):
        return SAMPLES_STAMPED
    listed = ', '.join(f'{kind} {name}' for name, kind in fields.items())
    raise AudioError(f'{message_type.__module__}.{message_type.__name__} is no audio message known here (fields: '
                     f'{listed}); publish std_msgs/Int16MultiArray, or one of the types in docs/topics.md')


def _nested_fields(message_type, name):
    if name not in message_type.get_fields_and_field_types():
        return {}
    inner = getattr(message_type(), name)
    return inner.get_fields_and_field_types() if hasattr(inner, 'get_fields_and_field_types') else {}


def is_info(message_type) -> bool:
    """Return whether a message class is the `audio_info` that goes with AudioData."""
    return {'channels', 'sample_rate', 'sample_format', 'coding_format'} <= set(
        message_type.get_fields_and_field_types())


def format_from_info(info) -> PcmFormat:
    """Return the PCM format that an AudioInfo describes; AudioError where it is compressed or unknown."""
    if info.coding_format.strip().lower() not in _PCM_CODINGS:
        raise AudioError(
            f'the sound is {info.coding_format}, expected PCM; publish PCM, with audio_capture: '
            'ros2 run audio_capture audio_capture_node --ros-args -p format:=wave -p sample_format:=S16LE')
    name = info.sample_format.strip().upper() or 'S16LE'
    if name not in _SAMPLE_FORMATS:
        raise AudioError(f'sample_format {info.sample_format!r} is none of {", ".join(_SAMPLE_FORMATS)}; '
                         'publish S16LE')
    return PcmFormat(_checked_rate(info.sample_rate), _checked_channels(info.channels), _SAMPLE_FORMATS[name])


def to_block(message, form: str, given: PcmFormat | None = None) -> Block:
    """Return the sound of `message`, which is of `form`.

    `given` says what unlabelled data hold (AudioData, an Int16MultiArray without labels). Raises AudioError
    where the message does not fit its own labels, or rate or channel count are out of range.
    """
    if form in NEEDS_INFO:
        if given is None:
            raise AudioError('the sound comes without audio_info: publish it (transient local), or set the '
                             'parameters input_rate and input_channels')
        raw = message.data if form == DATA else message.audio.data
        buffer = np.asarray(memoryview(raw)).view(np.uint8)
        if len(buffer) % np.dtype(given.dtype).itemsize:
            raise AudioError(f'{len(buffer)} bytes are no whole number of {given.dtype} samples')
        return _block(buffer.view(given.dtype), given.channels, given.rate, message)
    if form in (SAMPLES, SAMPLES_STAMPED):
        audio = message if form == SAMPLES else message.audio
        field = _PORTAUDIO_FIELDS.get(audio.info.format)
        if field is None:
            raise AudioError(f'PortAudio sample format {audio.info.format} is none of '
                             f'{", ".join(map(str, _PORTAUDIO_FIELDS))}; set the publisher to 8 (int16)')
        return _block(np.asarray(getattr(audio.audio_data, field)), audio.info.channels, audio.info.rate, message)
    if form == BUFFER:
        return _block(np.asarray(message.data), len(message.channel_map), message.frequency, message)
    return _from_array(message, given)


def _from_array(message, given):
    data = np.asarray(message.data)[message.layout.data_offset:]
    rate = channels = None
    planar = False
    for index, dimension in enumerate(message.layout.dim):
        label = dimension.label.strip().lower()
        found = _RATE_LABEL.search(label)
        if found:
            rate = int(found.group(1))
        if label.startswith('channel'):
            channels, planar = dimension.size, index == 0 and len(message.layout.dim) > 1
    if rate is None and given is not None:
        rate = given.rate
    if channels is None:
        channels = given.channels if given is not None else 1
    if rate is None:
        raise AudioError('the Int16MultiArray does not say its rate: label a dimension "samples rate=16000", or '
                         'set the parameters input_rate and input_channels')
    channels = _checked_channels(channels)
    if planar and len(data) % channels == 0:
        data = np.ascontiguousarray(data.reshape(channels, -1).T).reshape(-1)
    return _block(data, channels, rate, message)


def _block(flat, channels, rate, message):
    rate, channels = _checked_rate(rate), _checked_channels(channels)
    if len(flat) % channels:
        raise AudioError(f'{len(flat)} samples cannot be shared among {channels} channels')
    if len(flat) // channels > MAX_BLOCK * rate:
        raise AudioError(f'{len(flat) // channels / rate:.0f} s of sound in one message, '
                         f'at most {MAX_BLOCK:.0f} s')
    header = getattr(message, 'header', None)
    stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec if header is not None else 0
    return Block(flat.reshape(-1, channels), rate, stamp or None, header.frame_id if header is not None else '')


def _checked_rate(rate):
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(f'a rate of {rate} Hz, expected {MIN_RATE} to {MAX_RATE} Hz')
    return int(rate)


def _checked_channels(channels):
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f'{channels} channels, expected 1 to {MAX_CHANNELS}')
    return int(channels)


def to_array_message(samples: np.ndarray, rate: int) -> Int16MultiArray:
    """Return int16 samples [frames] or [frames, channels] as the message that `microphone` publishes."""
    samples = np.ascontiguousarray(samples, np.int16)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    frames = len(samples)
    layout = MultiArrayLayout(dim=[
        MultiArrayDimension(label=f'samples rate={rate}', size=frames, stride=frames * channels),
        MultiArrayDimension(label='channels', size=channels, stride=channels)])
    data = array('h')
    data.frombytes(samples.tobytes())
    return Int16MultiArray(layout=layout, data=data)


