"""Nodes over real DDS: an executor in a thread, and waiting for conditions instead of sleeping."""
import threading
import time

import pytest

DEADLINE = 60.0  # s; generous, since the machine may be busy: it bounds a failure, it measures nothing


class Graph:
    """Nodes spinning in a thread of this process; everything received by `listen` is kept in order."""

    def __init__(self):
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        self.executor = SingleThreadedExecutor()
        self.nodes = []
        self.node = Node('tester')
        self.executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        while not self._stop.is_set():
            self.executor.spin_once(timeout_sec=0.05)

    def add(self, node, activate=True):
        """Spin `node` too; a lifecycle node is brought to active, unless `activate` is false."""
        self.nodes.append(node)
        if activate and hasattr(node, 'trigger_activate'):
            assert node.trigger_configure().name == 'SUCCESS', node.health.last_error
            assert node.trigger_activate().name == 'SUCCESS', node.health.last_error
        self.executor.add_node(node)
        return node

    def listen(self, kind, topic, qos=50):
        """Return the list that fills with the messages of a topic."""
        received = []
        self.node.create_subscription(kind, topic, received.append, qos)
        return received

    def publisher(self, kind, topic, qos=50, subscribers=1):
        """Return a publisher that has `subscribers` matched subscriptions already."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.wait(lambda: publisher.get_subscription_count() >= subscribers, f'a subscriber of {topic}')
        return publisher

    @staticmethod
    def wait(condition, what='the condition', deadline=DEADLINE):
        """Wait until `condition()` holds; the test fails where it does not within the deadline."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.01)
        pytest.fail(f'waited {deadline:.0f} s in vain for {what}')

    def close(self):
        self._stop.set()
        self._thread.join(DEADLINE)
        for node in self.nodes:
            node.close()
            node.destroy_node()
        self.node.destroy_node()
        self.executor.shutdown(timeout_sec=0)


@pytest.fixture
def graph(ros):
    """Return a Graph; its nodes are closed after the test."""
    graph = Graph()
    yield graph
    graph.close()
