"""A real Chromium for the page's tests; they are skipped, and say so, where none is installed."""
import shutil
from pathlib import Path

import pytest

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
