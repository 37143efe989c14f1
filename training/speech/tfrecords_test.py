"""What is written is what TensorFlow reads, what is read is what was written, and damage is noticed."""
import io

import numpy as np
import pytest

from robot_ai.errors import AudioError
from training.speech.tfrecords import decode_example, encode_example, frame, masked_crc, read_examples, read_records

FEATURES = {'pcm': bytes(range(256)) * 3, 'samples': 384, 'text': 'año nuevo', 'low': -7, 'gain': 0.5, 'none': ''}


def test_crc_of_the_standard():
    """CRC-32C of 32 zero bytes is 0x8a9136aa (RFC 3720, B.4); the mask rotates right by 15 and adds a constant."""
    assert masked_crc(bytes(32)) == ((0x8A9136AA >> 15 | (0x8A9136AA << 17) & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def test_examples_come_back():
    back = decode_example(encode_example(FEATURES))
    assert back == {name: value.encode() if isinstance(value, str) else value for name, value in FEATURES.items()}


def test_damage_is_noticed_with_its_place():
    records = [b'first', b'', b'third' * 100]
    whole = b''.join(map(frame, records))
    assert list(read_records(io.BytesIO(whole))) == records
    for place in (0, 9, 14, 18, len(whole) - 2, len(whole) - 300):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        with pytest.raises(AudioError, match='checksum|ends inside'):
            list(read_records(io.BytesIO(bytes(damaged)), 'x.tfrecord'))
    with pytest.raises(AudioError, match='x.tfrecord: ends inside a record at byte 37'):
        list(read_records(io.BytesIO(whole[:-9]), 'x.tfrecord'))


def test_tensorflow_reads_the_same(tmp_path):
    tf = pytest.importorskip('tensorflow')
    path = tmp_path / 'a.tfrecord'
    path.write_bytes(frame(encode_example(FEATURES)) + frame(encode_example({'samples': 1 << 40})))
    first, second = (record.numpy() for record in tf.data.TFRecordDataset(str(path)))
    example = tf.train.Example.FromString(first).features.feature
    assert example['pcm'].bytes_list.value[0] == FEATURES['pcm']
    assert example['text'].bytes_list.value[0].decode() == FEATURES['text']
    assert (example['low'].int64_list.value[0], example['gain'].float_list.value[0]) == (-7, 0.5)
    assert tf.train.Example.FromString(second).features.feature['samples'].int64_list.value[0] == 1 << 40
    assert decode_example(tf.train.Example.FromString(first).SerializeToString()) == decode_example(first)
    # How a training graph gets one static shape a bucket: zeros fill up the clip.
    features = tf.io.parse_single_example(first, {'pcm': tf.io.FixedLenFeature([], tf.string)})
    padded = tf.io.decode_raw(features['pcm'], tf.int16, fixed_length=1000)
    assert padded.shape == (500,) and not padded[384:].numpy().any()


def test_reader_returns_sound_and_text(tmp_path):
    pcm = np.array([0, 16384, -32768], '<i2')
    path = tmp_path / 'a.tfrecord'
    path.write_bytes(frame(encode_example({'pcm': pcm.tobytes(), 'samples': 3, 'text': 'sí'})))
    (utterance,) = read_examples(path)
    np.testing.assert_array_equal(utterance['samples'], np.float32([0, 0.5, -1]))
    assert (utterance['text'], utterance['samples'].dtype) == ('sí', np.float32)
