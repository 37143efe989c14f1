"""robot-ai devices: sensible with devices that work, that do not, and with none; nothing on stderr but our own."""
import json
import sys
import types

import numpy as np
import pytest

from robot_ai.cli import main
from robot_ai.commands import devices


class Audio:
    """A PyAudio with a loudspeaker, a loud microphone at 44.1 kHz, a silent one and one in use."""

    INFOS = [('speaker', 0), ('loud', 1), ('silent', 2), ('busy', 1)]

    def get_device_count(self):
        return len(self.INFOS)

    def get_device_info_by_index(self, index):
        name, channels = self.INFOS[index]
        return {'name': name, 'maxInputChannels': channels, 'defaultSampleRate': 44_100.0}

    def open(self, input_device_index, channels, format, rate, input):
        if self.INFOS[input_device_index][0] == 'busy':
            raise OSError('Device unavailable')
        wave = np.full(rate, 3277 if input_device_index == 1 else 0, np.int16)  # 3277 is -20 dB of full scale
        return types.SimpleNamespace(read=lambda frames, exception_on_overflow: wave[:frames].tobytes(),
                                     close=lambda: None)

    def terminate(self):
        pass


@pytest.fixture
def pyaudio(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyaudio', types.SimpleNamespace(PyAudio=Audio, paInt16=8))
    monkeypatch.setattr(devices.glob, 'glob', lambda _: [])


def test_microphones_are_tested_and_a_busy_one_sets_the_status(pyaudio, capfd):
    assert main(['devices', '--json']) == 1
    out, err = capfd.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get('name') for line in lines] == ['loud', 'silent', 'busy', None]
    loud, silent, busy, camera = lines
    assert (loud['index'], loud['rate'], loud['works']) == (1, 44_100, True)
    assert loud['level_dbfs'] == pytest.approx(-20, abs=0.1)
    assert 'muted?' in silent['note'] and busy['works'] is False and 'Device unavailable' in busy['note']
    assert camera == {'kind': 'camera', 'index': None, 'note': 'no camera found'}
    assert err == ''


def test_no_test_opens_nothing(pyaudio, capfd, monkeypatch):
    monkeypatch.setattr(Audio, 'open', lambda *_, **__: pytest.fail('opened'))
    assert main(['devices', '--no-test']) == 0
    assert '  3  busy  44100 Hz' in capfd.readouterr().out


def test_without_pyaudio_it_says_what_to_install_and_goes_on_to_the_cameras(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyaudio', None)
    monkeypatch.setattr(devices.glob, 'glob', lambda _: [])
    assert main(['devices']) == 0
    out = capfd.readouterr().out
    assert 'portaudio19-dev' in out and 'no camera found' in out


def test_a_video_node_without_pictures_is_listed_as_such(capfd, monkeypatch):
    monkeypatch.setattr(devices.glob, 'glob', lambda _: ['/dev/video987', '/dev/video-dec'])
    monkeypatch.setitem(sys.modules, 'pyaudio', None)
    assert main(['devices']) == 0
    out = capfd.readouterr().out
    assert '987  /dev/video987' in out and 'gives no picture' in out and 'video-dec' not in out
