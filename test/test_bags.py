"""Bags: what is written is read back in order, inputs are told from outputs, and damage is named."""
import pytest

from robot_ai.bags import Bag, BagWriter, input_topics, relative_name, single_file
from robot_ai.errors import BagError

STRING = 'std_msgs/msg/String'


def write(path, *items):
    """Write (topic, second, text) items."""
    with BagWriter(path) as writer:
        kind = writer.message_type(STRING)
        for topic, second, text in items:
            writer.write(topic, STRING, round(second * 1e9), writer.serialize(STRING, kind(data=text)))
    return path


@pytest.fixture
def bag(tmp_path):
    return write(tmp_path / 'bag', ('/say', 2.0, 'no'), ('/audio_info', 1.0, 'a'),
                 ('/lia/dialogue/event', 3.5, 'b'))


def test_messages_come_back_in_the_order_of_their_times(bag, tmp_path):
    with Bag(bag) as read:
        assert [(m.topic, m.time_ns) for m in read.messages()] == [
            ('/audio_info', 10**9), ('/say', 2 * 10**9), ('/lia/dialogue/event', 3_500_000_000)]
        assert [m.topic for m in read.messages({'/say'})] == ['/say']
        assert read.duration == pytest.approx(2.5)
    with Bag(single_file(bag, tmp_path / 'one.mcap')) as read:
        assert read.count == 3
    assert not bag.exists()


def test_what_the_assistant_publishes_is_no_input(bag):
    with Bag(bag) as read:
        assert {topic.name for topic in input_topics(read, '/lia')} == {'/audio_info', '/lia/dialogue/event'}
    assert relative_name('/lia/audio', 'lia') == 'audio'
    assert relative_name('/liana/audio', '/lia') == 'liana/audio'


def test_latched_topics_and_types_without_a_definition_survive(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add('/audio_info', 'unknown_msgs/msg/Info', latched=True)
        writer.write('/audio_info', 'unknown_msgs/msg/Info', 7, b'\0\1\0\0\7\0\0\0')
    with Bag(tmp_path / 'bag') as read:
        assert read.topics[0].latched and next(read.messages()).data == b'\0\1\0\0\7\0\0\0'


@pytest.mark.parametrize('damage', ['empty', 'cut', 'text', 'no metadata', 'absent', 'flipped'])
def test_a_damaged_bag_is_named(bag, tmp_path, damage):
    path = single_file(bag, tmp_path / 'one.mcap')
    raw = path.read_bytes()
    if damage == 'no metadata':
        path = tmp_path
    elif damage == 'absent':
        path.unlink()
    elif damage == 'flipped':  # inside the compressed chunk: found only when read
        middle = raw.index(b'\x28\xb5\x2f\xfd') + 12
        path.write_bytes(raw[:middle] + bytes(255 - b for b in raw[middle:middle + 8]) + raw[middle + 8:])
    else:
        path.write_bytes({'empty': b'', 'cut': raw[:len(raw) // 2], 'text': b'hello ' * 100}[damage])
    with pytest.raises(BagError, match=path.name), Bag(path) as read:
        list(read.messages())


def test_an_existing_bag_is_not_overwritten(bag):
    with pytest.raises(BagError, match='exists already'):
        BagWriter(bag)


def test_an_empty_bag_is_refused(tmp_path):
    write(tmp_path / 'bag')
    with pytest.raises(BagError, match='holds no message'):
        Bag(tmp_path / 'bag')


def test_sqlite3_bags_are_read_too(tmp_path):
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore
    store = get_typestore(Stores.ROS2_HUMBLE)
    with Writer(tmp_path / 'old', version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        topic = writer.add_connection('/dialogue/event', STRING, typestore=store)
        writer.write(topic, 5, store.serialize_cdr(store.types[STRING](data='x'), STRING))
    for path in (tmp_path / 'old', next((tmp_path / 'old').glob('*.db3'))):
        with Bag(path) as read:
            assert [(m.topic, m.type, m.time_ns) for m in read.messages()] == [('/dialogue/event', STRING, 5)]
    file = next((tmp_path / 'old').glob('*.db3'))
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(BagError, match='old'), Bag(tmp_path / 'old') as read:
        list(read.messages())
