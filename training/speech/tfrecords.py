"""TFRecord files of tf.train.Example without TensorFlow: written by the shards, read by whoever has no TensorFlow.

A record is its length, a masked CRC-32C of the length, the bytes, a masked CRC-32C of the bytes; an Example is a
protobuf map from name to a list of bytes, floats or integers. Both forms are fixed since 2015 and fit on a page.
"""
import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c
import numpy as np

from robot_ai.errors import AudioError

MASK = 0xA282EAD8


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of the bytes as TFRecord stores it: rotated and shifted."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    """Return one TFRecord record with these bytes."""
    length = struct.pack('<Q', len(data))
    return length + struct.pack('<I', masked_crc(length)) + data + struct.pack('<I', masked_crc(data))


def read_records(file: BinaryIO, name: str = 'TFRecord') -> Iterator[bytes]:
    """Yield the bytes of each record; AudioError, with the place, where a checksum or the file's end is wrong."""
    place = 0
    while head := file.read(12):
        if len(head) < 12:
            raise AudioError(f'{name}: ends inside a record at byte {place}: written only in part')
        length, crc = struct.unpack('<QI', head)
        if crc != masked_crc(head[:8]):
            raise AudioError(f'{name}: wrong checksum of the length at byte {place}: the file is damaged')
        data, tail = file.read(length), file.read(4)
        if len(data) < length or len(tail) < 4:
            raise AudioError(f'{name}: ends inside a record at byte {place}: written only in part')
        if struct.unpack('<I', tail)[0] != masked_crc(data):
            raise AudioError(f'{name}: wrong checksum of the record at byte {place}: the file is damaged')
        yield data
        place += 16 + length


def _varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def _field(number, payload):
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def encode_example(features: dict[str, bytes | str | int | float]) -> bytes:
    """Return the serialized tf.train.Example; text is UTF-8."""
    entries = b''
    for name in sorted(features):
        value = features[name]
        if isinstance(value, (bytes, str)):
            data = value.encode() if isinstance(value, str) else value
            feature = _field(1, _field(1, data))
        elif isinstance(value, float):
            feature = _field(2, _field(1, struct.pack('<f', value)))
        else:
            feature = _field(3, _field(1, _varint(value)))
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, entries)


def _fields(data):
    """Yield (number, value) of a protobuf message: bytes for length-delimited fields, int for varints and fixed."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        if key & 7 == 2:
            length, place = _read_varint(data, place)
            yield key >> 3, data[place:place + length]
            place += length
        elif key & 7 == 5:
            yield key >> 3, data[place:place + 4]
            place += 4
        else:
            value, place = _read_varint(data, place)
            yield key >> 3, value


def _read_varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        shift, place = shift + 7, place + 1
        if byte < 128:
            return value, place


def decode_example(data: bytes) -> dict[str, bytes | int | float]:
    """Return the features of a serialized tf.train.Example whose lists have one value each."""
    features = {}
    for _, entries in _fields(data):
        for _, entry in _fields(entries):
            parts = dict(_fields(entry))
            (kind, values), = _fields(parts[2])
            (_, value), = _fields(values)
            if kind == 2:
                value = struct.unpack('<f', value)[0]
            elif kind == 3:
                value = _read_varint(value, 0)[0] if isinstance(value, bytes) else value  # packed or not
                value -= (value >> 63) << 64
            features[parts[1].decode()] = value
    return features


def read_examples(path) -> Iterator[dict]:
    """Yield the utterances of a shard: samples float32 [n] in -1..1 at 16 kHz, text, speaker and the other fields."""
    with open(path, 'rb') as file:
        for data in read_records(file, str(path)):
            features = decode_example(data)
            samples = np.frombuffer(features.pop('pcm'), '<i2').astype(np.float32) / 32768
            yield {name: value.decode() if isinstance(value, bytes) else value for name, value in features.items()
                   } | {'samples': samples}
