"""Strategies and the TPU plan: what is missing is said in one sentence, and soon; no hang, no traceback."""
import socket
import threading

import pytest
import tensorflow as tf

from robot_ai.errors import ConfigurationError
from training import strategies
from training.tpu import TYPES, plan


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """A machine without cluster or TPU."""
    for name in ('TF_CONFIG', 'TPU_NAME'):
        monkeypatch.delenv(name, raising=False)


def test_auto_is_one_device_here():
    assert strategies.open_strategy('auto').name == 'one'


@pytest.mark.parametrize(('name', 'said'), [
    ('tpu', 'no TPU here'), ('multiworker', 'needs TF_CONFIG'), ('parameter-server', 'needs TF_CONFIG'),
    ('horovod', 'expected one of auto, one')])
def test_what_is_missing_is_said(name, said):
    with pytest.raises(ConfigurationError, match=said):
        strategies.open_strategy(name)


def test_a_dead_address_is_no_hang():
    with socket.socket() as held:  # bound, not listening: refused at once
        held.bind(('127.0.0.1', 0))
        with pytest.raises(ConfigurationError, match='no TPU answers'):
            strategies.open_strategy('tpu', f'grpc://127.0.0.1:{held.getsockname()[1]}')


@pytest.mark.parametrize('said', [b'', b'HTTP/1.1 400 Bad Request\r\n\r\n'])
def test_an_address_of_something_else_is_no_hang(said, monkeypatch):
    monkeypatch.setattr(strategies, 'PATIENCE_S', 0.5)
    with socket.create_server(('127.0.0.1', 0)) as server:  # silent, or a web server
        threading.Thread(target=lambda: server.accept()[0].sendall(said), daemon=True).start()
        with pytest.raises(ConfigurationError, match='no TPU answers'):
            strategies.open_strategy('tpu', f'grpc://127.0.0.1:{server.getsockname()[1]}')


def test_a_server_that_never_serves_is_no_hang(monkeypatch):
    monkeypatch.setattr(strategies, 'CONNECT_S', 1)
    monkeypatch.setattr(strategies, '_answers', lambda address: True)
    with socket.create_server(('127.0.0.1', 0)) as server, pytest.raises(ConfigurationError, match='no TPU answers'):
        strategies.open_strategy('tpu', f'grpc://127.0.0.1:{server.getsockname()[1]}')


def test_what_speaks_grpc_is_told_from_it():
    server = tf.distribute.Server.create_local_server()
    assert strategies._answers(server.target)


def test_a_name_that_nobody_knows_is_refused(monkeypatch):
    monkeypatch.setenv('GCE_METADATA_IP', '127.0.0.1:9')  # as on a machine that is not Google's: nobody to ask
    with pytest.raises(ConfigurationError, match='no usable TPU nobody: (URL|HTTP)Error'):
        strategies.open_strategy('tpu', 'nobody')
    monkeypatch.setenv('TPU_NAME', 'somebody')
    with pytest.raises(ConfigurationError, match='no usable TPU somebody'):
        strategies.open_strategy('auto')


def test_chips_on_the_bus_are_a_tpu(tmp_path):
    google, v5e = '0x1ae0', '0x0063'
    for device, vendor, chip in (('nic', google, '0x0042'), ('other', '0x10de', v5e), ('tpu', google, v5e)):
        assert not strategies._tpu_on_board(tmp_path)
        (tmp_path / device).mkdir()
        (tmp_path / device / 'vendor').write_text(f'{vendor}\n')
        (tmp_path / device / 'device').write_text(f'{chip}\n')
    assert strategies._tpu_on_board(tmp_path)


def test_a_name_that_is_no_tpu_is_refused():
    with pytest.raises(ConfigurationError, match='no usable TPU'):
        strategies.open_strategy('tpu', 'local')


@pytest.mark.parametrize('value', ['{', '[]', '{"cluster": {}}'])
def test_a_broken_tf_config_is_named(monkeypatch, value):
    monkeypatch.setenv('TF_CONFIG', value)
    with pytest.raises(ConfigurationError, match='TF_CONFIG'):
        strategies.open_strategy('auto')


def test_rows_that_replicas_cannot_share_are_refused():
    replicated = strategies.Replicated.__new__(strategies.Replicated)
    replicated.replicas, replicated.workers, replicated.worker = 4, 1, 0
    with pytest.raises(ConfigurationError, match='cannot be shared by 4'):
        replicated.run(None, {'x': [1, 2, 3]})


@pytest.mark.parametrize('kind', TYPES)
def test_the_plan_names_what_was_asked(kind):
    text = plan('robot-1', 'us-central1-a', kind, 'gs://my-bucket/robot/')
    assert text.count('robot-1 --zone us-central1-a') >= 5 and f'--accelerator-type {kind}' in text
    assert '--folder gs://my-bucket/robot/runs/small' in text and '{' not in text


@pytest.mark.parametrize('wrong', [('Robot', 'us-central1-a', 'v2-8', 'gs://abc'), ('r', 'us-central1', 'v2-8', 'gs://abc'),
                                   ('r', 'us-central1-a', 'v9', 'gs://abc'), ('r', 'us-central1-a', 'v2-8', '/tmp/x'),
                                   ('r', 'us-central1-a', 'v2-8', "gs://abc/'; rm")])
def test_the_plan_refuses_what_cannot_be(wrong):
    with pytest.raises(ConfigurationError, match='--(name|zone|type|bucket)'):
        plan(*wrong)
