"""List and test the microphones and cameras of this computer.

Each microphone is opened for half a second and its level shown; each camera gives one picture. Without a
microphone, a camera or PyAudio it says so and what to install.

For example:
  robot-ai devices
  robot-ai devices --json --no-test
"""
import contextlib
import glob
import json
import math
from pathlib import Path

import numpy as np

from robot_ai.errors import DeviceError
from robot_ai.quiet import without_chatter

TEST_SECONDS = 0.5  # of sound recorded from each microphone
SILENT_DBFS = -80.0  # a microphone below it is muted or not connected
MAX_CAMERAS = 16


def add_arguments(parser):
    """Add the options of `robot-ai devices`."""
    parser.add_argument('--json', action='store_true', help='one JSON object a line for each device')
    parser.add_argument('--no-test', action='store_true', help='list only, open nothing')


def run(options) -> int:
    """Print the devices; 0 where all that were tested work, 1 where one does not."""
    found = []
    for kind, listing in (('microphone', microphones), ('camera', cameras)):
        try:
            devices = listing(not options.no_test)
            note = '' if devices else f'no {kind} found'
        except DeviceError as error:
            devices, note = [], str(error)
        found += devices
        if options.json:
            for device in devices or [{'kind': kind, 'index': None, 'note': note}]:
                print(json.dumps(device, ensure_ascii=False))
        else:
            print(f'{kind}s:')
            for device in devices:
                print(f'  {device["index"]:>3}  {device["name"]}  {device["note"]}')
            if note:
                print(f'  {note}')
    return 1 if any(device['works'] is False for device in found) else 0


def microphones(test: bool = True) -> list[dict]:
    """Return the input devices that PyAudio knows; DeviceError where PyAudio is not installed."""
    try:
        import pyaudio
    except ImportError:
        raise DeviceError('PyAudio is not installed, so microphones cannot be listed: sudo apt install '
                          "portaudio19-dev gcc && pip install 'robot_ai[microphone]'") from None
    with without_chatter():
        audio = pyaudio.PyAudio()
    try:
        devices = []
        for index in range(audio.get_device_count()):
            info = audio.get_device_info_by_index(index)
            if info['maxInputChannels'] < 1:
                continue
            device = {'kind': 'microphone', 'index': index, 'name': info['name'],
                      'channels': info['maxInputChannels'], 'rate': int(info['defaultSampleRate']),
                      'works': None, 'note': f'{int(info["defaultSampleRate"])} Hz'}
            if test:
                _listen(audio, pyaudio.paInt16, device)
            devices.append(device)
        return devices
    finally:
        audio.terminate()


def _listen(audio, sample_format, device):
    try:
        with without_chatter():
            stream = audio.open(input_device_index=device['index'], channels=1, format=sample_format,
                                rate=device['rate'], input=True)
            try:
                data = stream.read(round(device['rate'] * TEST_SECONDS), exception_on_overflow=False)
            finally:
                stream.close()
    except (OSError, ValueError) as error:
        device.update(works=False, note=f'cannot be opened: {error}')
        return
    level = level_dbfs(np.frombuffer(data, np.int16))
    device.update(works=True, level_dbfs=round(level, 1))
    hint = ', silent: muted?' if level < SILENT_DBFS else ''
    device['note'] += f', works, level {level:.0f} dBFS{hint}'


def level_dbfs(samples: np.ndarray) -> float:
    """Return the root-mean-square level of int16 samples [n] in dB below full scale; -120 at least."""
    if not len(samples):
        return -120.0
    rms = math.sqrt(float(np.mean(np.square(samples.astype(np.float64)))))
    return max(-120.0, 20 * math.log10(max(rms, 1e-9) / 32768))


def cameras(test: bool = True) -> list[dict]:
    """Return the video devices of Linux (/dev/video*), each with the size of the picture that it gave."""
    devices = []
    for path in sorted(glob.glob('/dev/video*'))[:MAX_CAMERAS]:
        number = path.removeprefix('/dev/video')
        if not number.isdigit():
            continue
        device = {'kind': 'camera', 'index': int(number), 'name': _camera_name(number) or path, 'works': None,
                  'note': path}
        if test:
            _look(device, path)
        devices.append(device)
    return devices


def _camera_name(number):
    with contextlib.suppress(OSError):
        return Path(f'/sys/class/video4linux/video{number}/name').read_text(encoding='utf-8').strip()
    return ''


def _look(device, path):
    import cv2
    with without_chatter():
        capture = cv2.VideoCapture(device['index'])
        try:
            good, image = capture.read() if capture.isOpened() else (False, None)
        finally:
            capture.release()
    if good:
        height, width = image.shape[:2]
        device.update(works=True, width=width, height=height, note=f'{path}, works, {width}x{height}')
    else:  # a camera has further nodes for its metadata, which never give pictures: no failure
        device.update(note=f'{path}, gives no picture')
