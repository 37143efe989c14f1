"""What was said and shown stays in memory: no file and no log line holds it, at the default level."""
import json
import os
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from small_dialogue import SMALL  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from robot_ai.nodes.common import RESULT_QOS  # noqa: E402

pytestmark = pytest.mark.ros
SECRETS = ('xilofonista', 'Pido ayuda', '73219')  # said by a person, said by the robot, written


def test_neither_files_nor_logs_hold_what_was_said_or_written(observer, start, tmp_path):
    (tmp_path / 'small.yaml').write_text(SMALL, 'utf-8')
    home = tmp_path / 'home'
    home.mkdir()
    private = {'HOME': str(home), 'ROS_LOG_DIR': str(home / 'log'), 'XDG_STATE_HOME': str(home / 'state'),
               'XDG_DATA_HOME': str(home / 'data'), 'TMPDIR': str(home)}
    # barge_in: what is heard while the robot still greets shall count.
    programs = [start('state_machine', environment=private, dialogue=tmp_path / 'small.yaml', barge_in=True),
                start('speaker', environment=private, backend='external'),
                start('web', environment=private, autostart=True, port=0)]
    observer.listen(String, 'say', 'speech', 'action', qos=RESULT_QOS)
    observer.until(lambda: all(observer.reports(n) for n in ('state_machine', 'speaker', 'web')), 'all', programs)
    heard = observer.publisher(String, 'transcript/detail', RESULT_QOS, subscribers=2)
    seen = observer.publisher(String, 'characters/detail', RESULT_QOS, subscribers=2)
    observer.until(lambda: observer.heard['say'], 'the greeting', programs)
    seen.publish(String(data=json.dumps({'stamp': {}, 'latex': '73219'})))
    heard.publish(String(data=json.dumps({'stamp': {}, 'text': 'soy xilofonista'})))

    def called():
        # Nothing here shows whether `say` and `speech` have found each other yet: so help is called for until it comes.
        if time.monotonic() > called.again:
            heard.publish(String(data=json.dumps({'stamp': {}, 'text': 'ayuda'})))
            called.again = time.monotonic() + 3.0
        return any('Pido' in m.data for m in observer.heard['speech'])
    called.again = 0.0
    observer.until(called, 'the call for help', programs)
    observer.until_all_report('state_machine', 'speaker', 'web', programs=programs)
    for program in programs:
        program.end()
    files = [os.path.join(folder, name) for folder, _, names in os.walk(home) for name in names]
    kept = sorted(name for name in files if not name.startswith(str(home / 'log')))
    assert [os.path.basename(name) for name in kept] == ['dialogue.json'], kept  # the memory, and nothing else
    for name in [*files, *(str(program.log) for program in programs)]:
        text = Path(name).read_text('utf-8', 'replace')
        assert not [secret for secret in SECRETS if secret in text], (name, text)
