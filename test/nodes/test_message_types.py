"""Names of message types come from anybody in the network: only packages that hold messages are imported."""
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from std_msgs.msg import Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_input import AudioInput  # noqa: E402
from robot_ai.nodes.message_types import message_class, message_class_or_none  # noqa: E402

pytestmark = pytest.mark.ros


def test_an_installed_type_is_found():
    assert message_class('std_msgs/msg/String') is String


@pytest.mark.parametrize('name', [
    'audio_of_nobody_msgs/msg/Sound', 'std_msgs/msg/Nothing', 'std_msgs/msg/__name__', 'std_msgs/String', '',
    'std_msgs.msg/msg/String', '../../tmp/msg/String', 'os/msg/Path', 'email/msg/String', 'std_msgs/msg/String/msg/S'])
def test_what_is_no_installed_message_is_refused(name):
    with pytest.raises(ImportError):
        message_class(name)
    assert message_class_or_none(name) is None


def test_a_package_without_messages_is_not_even_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ('trap', 'trap_package/__init__'):
        path = tmp_path / f'{name}.py'
        path.parent.mkdir(exist_ok=True)
        path.write_text('raise SystemExit("run")\n')
    for name in ('trap', 'trap_package'):
        with pytest.raises(ImportError, match='no package'):
            message_class(f'{name}/msg/Sound')
        assert name not in sys.modules


def test_two_publishers_of_one_type_are_named(graph):
    from rclpy.node import Node

    told, node = [], graph.node
    node.health = SimpleNamespace(event=told.append, value=lambda *_: None, count=lambda *_: None)
    node.setting = {'reliable': False}.get
    others = [graph.add(Node(name)) for name in ('left_ear', 'right_ear')]
    for other in others:
        other.close = lambda: None
        other.create_publisher(Int16MultiArray, 'audio', 10)
    sound = AudioInput(node, lambda block: None)
    graph.wait(lambda: told, 'a word about two publishers')
    sound.destroy()
    assert len(told) == 1 and '/left_ear, /right_ear' in told[0] and 'stop or remap' in told[0]
