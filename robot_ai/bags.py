"""A rosbag file in, messages in the order of their times out; and back: messages into a new mcap bag.

Reading and writing is `rosbags`' (mcap and sqlite3, no ROS needed). A path is a bag's folder or one storage file
of it. Whatever is wrong with a file, BagError names it: a bag cut off by a power failure is a common sight.
"""
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from robot_ai.errors import BagError

FORMATS = '.mcap, .db3 or the folder with metadata.yaml'
NO_HASH = 'RIHS01_' + '0' * 64  # of a type whose definition is not at hand
FOREVER = QosTime(0x7FFFFFFF, 0xFFFFFFFF)

# What the assistant itself publishes: a recording of a running assistant holds it, a replay makes it anew.
OUTPUTS = frozenset((
    'transcript', 'transcript/partial', 'transcript/detail', 'voice_activity', 'audio/progress', 'characters',
    'characters/detail', 'characters/detections', 'state', 'say', 'action', 'recognition_context', 'speech',
    'diagnostics', 'rosout', 'parameter_events', 'clock'))
# Of these topics, what came from a person at the page is input all the same.
PARTLY_INPUT = {'transcript/detail': 'microphone', 'characters/detail': 'camera'}


@dataclass(frozen=True)
class BagTopic:
    """A topic of a bag; `type` as 'package/msg/Name', `latched`: it was transient local."""

    name: str
    type: str
    count: int
    latched: bool


@dataclass(frozen=True)
class BagMessage:
    """One message: its topic, type, time of recording (ns) and serialised form (CDR)."""

    topic: str
    type: str
    time_ns: int
    data: bytes


class Bag:
    """A bag opened for reading; use it as a context manager. BagError where it cannot be read."""

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        if not self.path.exists():
            raise BagError(f'{self.path}: no such bag; expected {FORMATS}')
        try:
            self._reader = Reader(self.path)
            self._reader.open()
        except Exception as error:  # the library raises many classes over a damaged file
            raise self._broken(error) from None
        self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time
        self.count = self._reader.message_count
        self.topics = tuple(BagTopic(c.topic, c.msgtype, c.msgcount, _latched(c))
                            for c in self._reader.connections)
        if not self.count:
            self.close()
            raise BagError(f'{self.path}: the bag holds no message')

    @property
    def duration(self) -> float:
        """Seconds from the first message to the last."""
        return max(0, self.end_ns - self.start_ns) / 1e9

    def messages(self, topics=None) -> Iterator[BagMessage]:
        """Yield the messages in order; of the topics whose names are in `topics` only, where given."""
        chosen = [c for c in self._reader.connections if topics is None or c.topic in topics]
        if not chosen:
            return
        try:
            for connection, time_ns, data in self._reader.messages(chosen):
                yield BagMessage(connection.topic, connection.msgtype, time_ns, bytes(data))
        except GeneratorExit:
            raise
        except Exception as error:
            raise self._broken(error) from None

    def close(self):
        """Close the files."""
        if self._reader.is_open:
            self._reader.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _broken(self, error):
        return BagError(f'{self.path}: cannot be read as a rosbag2 ({FORMATS}): {error or type(error).__name__}; '
                        'a recording that was cut off may be mended with `mcap recover` or `ros2 bag reindex`')


def _latched(connection) -> bool:
    return any(qos.durability == QosDurability.TRANSIENT_LOCAL for qos in connection.ext.offered_qos_profiles)


def relative_name(topic: str, namespace: str = '') -> str:
    """Return a bag's topic as a relative name: without the leading slash, and without `namespace`."""
    name, space = topic.lstrip('/'), namespace.strip('/')
    return name[len(space) + 1:] if space and name.startswith(space + '/') else name


def input_topics(bag: Bag, namespace: str = '') -> list[BagTopic]:
    """Return what of a bag goes into the assistant: all but what the assistant publishes itself."""
    names = {topic: relative_name(topic.name, namespace) for topic in bag.topics}
    return [topic for topic, name in names.items()
            if name in PARTLY_INPUT or not (name in OUTPUTS or name.startswith('humans/voices/'))]


class BagWriter:
    """A new mcap bag (a folder); use it as a context manager. BagError where it exists or cannot be written."""

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        if self.path.exists():
            raise BagError(f'{self.path}: exists already; name a bag that does not')
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._writer = Writer(self.path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._connections = {}
        self.count = 0
        try:
            self._writer.open()
        except Exception as error:
            raise BagError(f'{self.path}: cannot be written: {error}') from None

    def add(self, topic: str, kind: str, latched: bool = False, definition: str = ''):
        """Declare a topic. `definition` is the .msg text of a type that rosbags does not know."""
        if (topic, kind) in self._connections:
            return
        qos = Qos(QosHistory.KEEP_LAST, 1 if latched else 10, QosReliability.RELIABLE,
                  QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
                  FOREVER, FOREVER, QosLiveliness.AUTOMATIC, FOREVER, False)
        described = {'typestore': self._store}
        if kind not in self._store.fielddefs:
            described = self._describe(kind, definition)
        self._connections[topic, kind] = self._writer.add_connection(
            topic, kind, offered_qos_profiles=[qos], **described)

    def _describe(self, kind, definition):
        try:
            self._store.register(get_types_from_msg(definition, kind))
            return {'typestore': self._store}
        except Exception:  # needs further definitions, or none is at hand: the bag plays all the same
            return {'msgdef': definition, 'rihs01': NO_HASH}

    def write(self, topic: str, kind: str, time_ns: int, data: bytes):
        """Append a serialised message; the topic is declared where it is new."""
        if (topic, kind) not in self._connections:
            self.add(topic, kind)
        try:
            self._writer.write(self._connections[topic, kind], time_ns, data)
        except Exception as error:  # disk full, mostly
            raise self._unwritten(error) from None
        self.count += 1

    def serialize(self, kind: str, message) -> bytes:
        """Return the CDR form of a `rosbags` message, made with `message_type(kind)`."""
        return bytes(self._store.serialize_cdr(message, kind))

    def message_type(self, kind: str):
        """Return rosbags' dataclass of a ROS type such as 'std_msgs/msg/String'."""
        return self._store.types[kind]

    def close(self):
        """Write the index, without which most readers refuse the bag. May be called twice."""
        if self._writer.storage is None:
            return
        try:
            self._writer.close()
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error):
        return BagError(f'{self.path}: cannot be written: {error}; free the disk, or record elsewhere; what was '
                        'recorded so far lacks its index: `mcap recover` makes one')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def single_file(bag: Path, file: Path) -> Path:
    """Move the one storage file of a bag just written to `file` and remove the bag's folder; return `file`."""
    shutil.move(next(bag.glob('*.mcap')), file)
    shutil.rmtree(bag)
    return file
