"""The node state_machine over real DDS: what it publishes, what it refuses, what it remembers; never a crash."""
import json
import os
import stat
import time

import pytest
from small_dialogue import SMALL

pytestmark = pytest.mark.ros


class Bench:
    """The node, and an observer that keeps what it publishes, in one executor."""

    def __init__(self, rclpy, folder, **parameters):
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.parameter import Parameter
        from std_msgs.msg import Bool, String
        from std_srvs.srv import Trigger

        from robot_ai.nodes.common import RESULT_QOS, STATE_QOS
        from robot_ai.nodes.state_machine import StateMachineNode

        self.file = folder / 'small.yaml'
        if not self.file.exists():
            self.file.write_text(SMALL, 'utf-8')
        parameters = {'dialogue': str(self.file), 'memory_file': str(folder / 'memory.json'), **parameters}
        self.seen = {'state': [], 'say': [], 'action': [], 'recognition_context': []}
        self.observer = rclpy.create_node('observer')
        for topic, kept in self.seen.items():
            qos = RESULT_QOS if topic in ('say', 'action') else STATE_QOS
            self.observer.create_subscription(String, topic, lambda m, kept=kept: kept.append(m.data), qos)
        publish = {t: self.observer.create_publisher(String, t, RESULT_QOS)
                   for t in ('transcript/detail', 'dialogue/event')}
        speaking = self.observer.create_publisher(Bool, 'robot_speaking', RESULT_QOS)
        self.send = lambda topic, data: publish[topic].publish(String(data=data))
        self.speak = lambda on: speaking.publish(Bool(data=on))
        self.silence_for_ever = lambda: self.observer.destroy_publisher(speaking)
        self.clients = {n: self.observer.create_client(Trigger, n) for n in ('dialogue/reload', 'dialogue/reset')}
        self.node = StateMachineNode(parameter_overrides=[Parameter(k, value=v) for k, v in parameters.items()])
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.observer)
        self.until(lambda: publish['dialogue/event'].get_subscription_count() and publish[
            'transcript/detail'].get_subscription_count() and speaking.get_subscription_count() and self.seen['state'])

    def until(self, condition, seconds=60.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f'{self.state}: {self.seen}'
            self.executor.spin_once(0.1)

    def rest(self):
        """Let the node look at its timers a few times."""
        ticks = []
        timer = self.observer.create_timer(0.1, lambda: ticks.append(1))
        self.until(lambda: len(ticks) > 4)
        self.observer.destroy_timer(timer)

    @property
    def state(self):
        return json.loads(self.seen['state'][-1])['state'] if self.seen['state'] else ''

    def hear(self, text):
        self.send('transcript/detail', json.dumps({'stamp': {}, 'text': text}))

    def call(self, name):
        from std_srvs.srv import Trigger
        future = self.clients[name].call_async(Trigger.Request())
        self.until(future.done)
        return future.result()

    def close(self):
        self.executor.shutdown(timeout_sec=0)
        self.node.destroy_node()
        self.observer.destroy_node()


@pytest.fixture
def bench(ros, tmp_path):
    made = []

    def make(**parameters):
        made.append(Bench(ros, tmp_path, **parameters))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_it_greets_hears_acts_and_takes_the_answer(bench):
    robot = bench()
    robot.until(lambda: robot.seen['say'] and robot.seen['recognition_context'])
    assert robot.seen['say'] == ['Hola. ¿Está bien?']
    assert 'socorro' in json.loads(robot.seen['recognition_context'][-1])['phrases']
    for text in ('{', '[]', '{"text": 3}', 'x' * 300_000):
        robot.send('transcript/detail', text)
    robot.send('dialogue/event', '{"id": "x", "status": "perhaps"}')
    robot.hear('socorro')
    robot.until(lambda: robot.seen['action'])
    assert robot.node.health.counted('malformed messages') == 5
    action = json.loads(robot.seen['action'][0])
    assert action['name'] == 'notify' and robot.state == 'call'
    robot.send('dialogue/event', json.dumps({'id': action['id'], 'status': 'done'}))
    robot.until(lambda: robot.state == 'waiting')


def test_a_call_for_help_reaches_a_performer_that_comes_late(bench, ros):
    from std_msgs.msg import String

    from robot_ai.nodes.common import RESULT_QOS
    robot, late = bench(), []
    robot.hear('socorro')
    robot.until(lambda: robot.seen['action'])
    robot.rest()
    assert len(robot.seen['action']) == 1  # who was there from the beginning gets it once
    performer = ros.create_node('late')
    performer.create_subscription(String, 'action', lambda m: late.append(m.data), RESULT_QOS)
    robot.executor.add_node(performer)
    robot.until(lambda: late)
    assert late[0] == robot.seen['action'][0]  # under the same id: whoever has it already need not begin twice
    robot.send('dialogue/event', json.dumps({'id': json.loads(late[0])['id'], 'status': 'done'}))
    robot.until(lambda: robot.state == 'waiting')
    another = ros.create_node('another')
    another.create_subscription(String, 'action', lambda m: late.append('again'), RESULT_QOS)
    robot.until(lambda: robot.node._performers == 3)
    assert 'again' not in late  # what has ended is not begun again
    another.destroy_node()
    performer.destroy_node()


def test_a_bad_file_is_refused_with_its_place_and_the_old_one_kept(bench, tmp_path):
    from rclpy.parameter import Parameter
    robot = bench()
    bad = tmp_path / 'bad.yaml'
    bad.write_text(SMALL.replace('rest: true', 'rset: true'), 'utf-8')
    result = robot.node.set_parameters([Parameter('dialogue', value=str(bad))])[0]
    assert not result.successful and 'bad.yaml:11:13' in result.reason
    robot.file.write_text(SMALL.replace('waiting', 'wating', 1), 'utf-8')
    answer = robot.call('dialogue/reload')
    assert not answer.success and ':4:7:' in answer.message
    robot.file.write_text(SMALL.replace('Hola.', 'Buenas.'), 'utf-8')
    answer = robot.call('dialogue/reload')
    assert answer.success and 'still in hello' in answer.message
    assert robot.call('dialogue/reset').success
    robot.until(lambda: robot.seen['say'][-1].startswith('Buenas.'))
    robot.until(lambda: any(json.loads(a)['name'] == 'cancel' for a in robot.seen['action']))  # sounds stop


def test_a_reload_goes_on_waiting_and_another_dialogue_ends_what_is_at_work(bench, tmp_path):
    from rclpy.parameter import Parameter
    robot = bench()
    robot.hear('socorro')
    robot.until(lambda: robot.seen['action'])
    identity = json.loads(robot.seen['action'][0])['id']
    assert 'still in call' in robot.call('dialogue/reload').message
    other = tmp_path / 'other.yaml'
    other.write_text(SMALL.replace('name: small', 'name: other'), 'utf-8')
    assert robot.node.set_parameters([Parameter('dialogue', value=str(other))])[0].successful
    robot.until(lambda: len(robot.seen['action']) >= 2)
    actions = [json.loads(a) for a in robot.seen['action']]
    assert [a['name'] for a in actions] == ['notify', 'cancel'] and actions[1]['arguments'] == {'id': identity}
    robot.until(lambda: robot.state == 'hello')


def test_the_state_survives_a_restart_in_a_private_file(bench, tmp_path):
    first = bench()
    first.hear('ayuda')
    first.until(lambda: first.state == 'call')
    memory = tmp_path / 'memory.json'
    assert stat.S_IMODE(os.stat(memory).st_mode) == 0o600 and 'ayuda' not in memory.read_text('utf-8')
    first.close()
    second = bench()
    second.until(lambda: second.seen['action'])
    assert second.state == 'call' and json.loads(second.seen['state'][-1])['last_event'] == 'restart'


def test_an_action_that_a_restart_begins_again_is_sent_once(bench):
    robot = bench()
    robot.hear('socorro')
    robot.until(lambda: robot.seen['action'])
    robot.close()
    again = bench()
    again.until(lambda: again.seen['action'])
    again.rest()
    assert len(again.seen['action']) == 1 and again.state == 'call'


def test_it_does_not_hear_itself(bench):
    robot = bench()
    robot.speak(True)
    robot.until(lambda: robot.node._gate.speaking)
    robot.hear('ayuda')
    robot.until(lambda: robot.node.health.counted('own voice left out') == 1)
    assert robot.state == 'hello'
    robot.silence_for_ever()
    robot.until(lambda: not robot.node._gate.speaking)
