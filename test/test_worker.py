"""A worker loses the oldest or makes its caller wait, as told, and outlives what its function raises."""
import threading
import time

from robot_ai.worker import Worker


def test_a_worker_drops_the_oldest_or_makes_the_caller_wait():
    gate, done, dropped = threading.Event(), [], []

    def handle(item):
        gate.wait()
        done.append(item)
    worker = Worker(handle, 2, on_drop=dropped.append)
    worker.put(0)
    while worker.waiting:
        time.sleep(0.001)
    for item in (1, 2, 3):
        worker.put(item)
    assert dropped == [1]
    gate.set()
    waiting = Worker(done.append, 1, wait=True)
    for item in range(10, 60):
        waiting.put(item)
    while not done or done[-1] != 59:
        time.sleep(0.001)
    assert worker.stop() and waiting.stop()
    assert [item for item in done if item < 10] == [0, 2, 3] and done.count(10) == 1


def test_a_worker_survives_what_its_function_raises():
    errors, done = [], threading.Event()

    def handle(item):
        if item == 'bad':
            raise ValueError('what a bad item')
        done.set()
    worker = Worker(handle, 5, on_error=errors.append)
    worker.put('bad')
    worker.put('good')
    assert done.wait(60)
    assert 'what a bad item' in errors[0]
    worker.stop()
