"""A real Chromium for the page's tests, skipped where none is installed, and the sound of the demo's bag."""
import shutil
from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from robot_ai.paths import share_directory

CHROMIUM_FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
                  '--disable-sync', '--no-first-run', '--use-fake-ui-for-media-stream',
                  '--use-fake-device-for-media-stream']


@pytest.fixture(scope='module')
def launch_chromium():
    """Return a function (extra flags) -> browser; closed after the module: Playwright holds the event loop."""
    playwright = pytest.importorskip('playwright.sync_api')
    path = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if path is None:
        pytest.skip('needs Chromium (sudo apt install chromium)')
    with playwright.sync_playwright() as running:
        browsers = []

        def launch(*flags):
            browsers.append(running.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *flags]))
            return browsers[-1]
        yield launch
        for browser in browsers:
            browser.close()


@pytest.fixture(scope='module')
def chromium(launch_chromium):
    """Return a browser with a fake microphone."""
    return launch_chromium()


@pytest.fixture(scope='session')
def artefacts():
    """Return the folder that screenshots are kept in (git ignores it)."""
    folder = Path(__file__).resolve().parents[2] / 'build' / 'screenshots'
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope='session')
def demo_sound():
    """Return what is spoken in the demo's bag: int16 [n] at 16 kHz, the first question within 7 s."""
    bag = share_directory() / 'config' / 'demo' / 'demo.mcap'
    with AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        chosen = [c for c in reader.connections if c.topic.endswith('audio')]
        return np.concatenate([np.asarray(reader.deserialize(raw, connection.msgtype).data, '<i2')
                               for connection, _, raw in reader.messages(connections=chosen)])
