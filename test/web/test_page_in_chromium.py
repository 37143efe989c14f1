"""The page as a person uses it, in a real browser: write, correct, listen, come back, on a phone."""
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest

sync_api = pytest.importorskip('playwright.sync_api')

from robot_ai.dialogue.document import load_dialogue
from robot_ai.paths import find_file
from robot_ai.web.graph import dialogue_graph
from robot_ai.web.hub import Hub
from robot_ai.web.security import make_access
from robot_ai.web.server import Backend, PageServer
from robot_ai.web.writing import Writer

WAIT_MS = 60_000  # generous, since the machine may be busy


class StraightOrNot:
    """Reads one straight stroke as 1 and everything else as 7: enough to see that ink reaches the recogniser."""

    @property
    def characters(self):
        return self

    def recognize_strokes(self, strokes):
        best, other = ('1', '7') if len(strokes) == 1 and len(strokes[0]) < 6 else ('7', '1')
        candidates = (SimpleNamespace(latex=best, score=0.9), SimpleNamespace(latex=other, score=0.1))
        return SimpleNamespace(candidates=candidates, symbols=(1,), theta=np.eye(2, 3))


class Robot(Backend):
    """Answers as a robot would: what is written or said comes back as state and speech."""

    def __init__(self, hub):
        self.hub, self.sound, self.events = hub, [], []

    def audio(self, samples):
        self.sound.append(samples)

    def utterance(self, text):
        self.hub.publish('say', f'Ha dicho: {text}')

    def written(self, detail):
        self.hub.publish('state', {'state': 'sumas.bien', 'since': {'sec': 1, 'nanosec': 0}, 'why': 'page',
                                   'last_event': detail.latex, 'dialogue': 'd'})

    def event(self, event):
        self.events.append(event.event)

    def listening(self, on):
        self.hub.publish('listening', on)


@pytest.fixture
def robot(tmp_path):
    hub = Hub()
    backend = Robot(hub)
    server = PageServer(backend, hub, make_access(port=0), Writer(StraightOrNot(), str(tmp_path)))
    server.start()
    yield SimpleNamespace(hub=hub, backend=backend, server=server, folder=tmp_path,
                          address=f'http://127.0.0.1:{server.port}/')
    server.stop()


def open_page(browser, robot, **options):
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(WAIT_MS)
    page.faults = []
    page.on('pageerror', lambda error: page.faults.append(str(error)))
    page.on('console', lambda message: page.faults.append(message.text) if message.type == 'error' else None)
    page.goto(robot.address)
    page.wait_for_selector('#connection.good')
    return page


def draw(page, *points, steps=6):
    """Draw one stroke through points given as fractions of the canvas."""
    page.locator('#canvas').scroll_into_view_if_needed()
    box = page.locator('#canvas').bounding_box()
    places = [(box['x'] + x * box['width'], box['y'] + y * box['height']) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def shows(page, selector, text):
    """Wait until an element contains a text."""
    sync_api.expect(page.locator(selector)).to_contain_text(text, timeout=WAIT_MS)


def until(condition):
    deadline = time.monotonic() + WAIT_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen'
        time.sleep(0.05)


def test_seven_is_drawn_read_and_sent_to_the_robot(chromium, robot):
    page = open_page(chromium, robot)
    assert 'Escribe algo' in page.inner_text('#write-hint')
    draw(page, (.2, .2), (.5, .2), (.3, .8))
    page.wait_for_selector('#result:not([hidden])')
    assert page.inner_text('#latex') == '7'
    assert page.locator('#rendered .katex').count() == 1
    assert page.locator('#rectified').is_visible()
    assert page.locator('#candidates button').all_inner_texts()[1].startswith('1')
    page.click('#send')
    shows(page, '#state-name', 'sumas.bien')
    with page.expect_download() as download:
        page.click('#download')
    source = download.value.path().read_text()
    assert source.startswith('\\documentclass') and '7' in source
    page.fill('#correct', r'\pi')
    page.click('#correction button')
    shows(page, '#write-hint', 'guardada')
    assert json.loads((robot.folder / 'symbols-page.jsonl').read_text())['label'] == r'\pi'
    assert page.faults == []


def test_undo_eraser_and_clear(chromium, robot):
    page = open_page(chromium, robot)
    draw(page, (.3, .2), (.3, .8), steps=3)
    shows(page, '#latex', '1')
    draw(page, (.1, .5), (.6, .5))
    shows(page, '#latex', '7')
    page.click('#undo')
    shows(page, '#latex', '1')
    page.click('#eraser')
    draw(page, (.3, .2), (.3, .25))
    page.wait_for_selector('#result', state='hidden')
    assert 'Escribe algo' in page.inner_text('#write-hint')
    page.focus('#canvas')
    page.keyboard.press('Control+z')
    page.wait_for_selector('#result:not([hidden])')
    page.click('#clear')
    page.wait_for_selector('#result', state='hidden')
    page.click('#send')  # nothing is written: a hint, and nothing reaches the robot
    assert page.inner_text('#state-name') == '–'


def test_fake_microphone_reaches_the_robot_and_one_page_holds_it(chromium, robot):
    page, other = open_page(chromium, robot), open_page(chromium, robot)
    page.click('#microphone')
    page.wait_for_selector('#microphone[aria-pressed=true]')
    until(lambda: sum(map(len, robot.backend.sound)) > 16_000)
    sound = np.concatenate(robot.backend.sound)
    assert sound.dtype == np.int16 and np.abs(sound).max() > 100  # Chromium's fake device beeps
    other.click('#microphone')
    shows(other, '#microphone-hint', 'Otra página')
    page.click('#microphone')
    page.wait_for_selector('#microphone[aria-pressed=false]')
    other.click('#microphone')
    other.wait_for_selector('#microphone[aria-pressed=true]')
    assert page.faults == []


def test_what_is_heard_thought_and_said_is_shown(chromium, robot):
    page = open_page(chromium, robot)
    robot.hub.publish('transcript/partial', 'qué hora')
    shows(page, '#partial', 'qué hora')
    robot.hub.publish('transcript/detail', {
        'stamp': {'sec': 0, 'nanosec': 0}, 'text': 'qué hora es', 'confidence': .7, 'latency': .25, 'words': [
            {'text': 'qué', 'start': 0, 'end': 1, 'confidence': .9},
            {'text': 'hora', 'start': 0, 'end': 1, 'confidence': .2}]})
    page.wait_for_selector('#transcripts li')
    assert page.inner_text('#partial') == ''
    assert page.locator('#transcripts .word-low').inner_text() == 'hora'
    assert '0,25 s' in page.inner_text('#transcripts')
    robot.hub.publish('say', '<img src=x onerror=alert(1)>')  # text is text
    shows(page, '#says', '<img')
    robot.hub.publish('diagnostics', {'name': '/camera', 'level': 2, 'message': 'no hay cámara', 'values': {}})
    page.wait_for_selector('#health .bad')
    page.fill('#utterance', 'hola')
    page.press('#utterance', 'Enter')
    shows(page, '#says', 'Ha dicho: hola')
    page.fill('#event', 'timbre')
    page.press('#event', 'Enter')
    until(lambda: robot.backend.events == ['timbre'])
    dialogue = find_file('acompanante.yaml', 'config/dialogues')
    robot.hub.publish('graph', dialogue_graph(dialogue))
    state = load_dialogue(dialogue).safe
    robot.hub.publish('state', {'state': state, 'since': {'sec': 1, 'nanosec': 0}, 'dialogue': 'acompanante'})
    page.click('#graph-box summary')
    page.wait_for_selector('#graph [data-current]')
    lit = page.locator('#graph [data-current] rect').evaluate('r => getComputedStyle(r).fill')
    assert lit == 'rgb(255, 216, 107)' and page.locator('#graph [data-current]').count() == 1
    page.click('#pause')
    page.wait_for_selector('#pause[aria-pressed=true]')
    robot.hub.publish('show', {'words': 'Buenos días', 'picture': '', 'alt': ''})
    page.click('#robot-view-open')
    page.wait_for_selector('#robot-view[open]')
    assert page.inner_text('#show-text') == 'Buenos días'
    page.click('#robot-view-close')
    page.select_option('#language', 'en')
    assert page.inner_text('#listen-title') == 'Listen' and page.get_attribute('html', 'lang') == 'en'
    assert page.faults == []


def test_page_comes_back_after_a_restart_of_the_server(chromium, robot):
    page = open_page(chromium, robot)
    port = robot.server.port
    robot.server.stop()
    page.wait_for_selector('#connection.warn')
    again = PageServer(robot.backend, robot.hub, make_access(port=port), None)
    again.start()
    try:
        page.wait_for_selector('#connection.good')
        robot.hub.publish('say', 'he vuelto')
        shows(page, '#says', 'he vuelto')
    finally:
        again.stop()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_phone_fits_and_nothing_serious_for_axe(chromium, robot, scheme, artefacts):
    axe = pytest.importorskip('axe_playwright_python.sync_playwright').Axe()
    page = open_page(chromium, robot, viewport={'width': 390, 'height': 844}, has_touch=True, color_scheme=scheme)
    draw(page, (.2, .2), (.5, .2), (.3, .8))
    page.wait_for_selector('#result:not([hidden])')
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert page.locator('#canvas').evaluate('c => getComputedStyle(c).touchAction') == 'none'
    robot.hub.publish('say', 'hola')
    shows(page, '#says', 'hola')
    page.screenshot(path=str(artefacts / f'phone-{scheme}.png'), full_page=True)
    found = axe.run(page).response['violations']
    assert [(v['id'], v['impact'], [n['html'] for n in v['nodes']]) for v in found
            if v['impact'] in ('serious', 'critical')] == []


def test_keyboard_alone_reaches_everything(chromium, robot):
    page = open_page(chromium, robot)
    reached = set()
    for _ in range(60):
        page.keyboard.press('Tab')
        reached.add(page.evaluate('document.activeElement.id'))
    assert {'microphone', 'pause', 'pen', 'canvas', 'send', 'utterance', 'event', 'language',
            'robot-view-open'} <= reached


def test_https_under_another_name_has_the_microphone_and_plain_http_says_why_not(launch_chromium, tmp_path):
    hub = Hub()
    backend = Robot(hub)
    access = make_access('0.0.0.0', 0, folder=str(tmp_path))
    secure = PageServer(backend, hub, access, None)
    plain = PageServer(Robot(hub), hub, make_access(port=0, token='a' * 20), None)
    secure.start(), plain.start()
    browser = launch_chromium('--host-resolver-rules=MAP robot.test 127.0.0.1')
    try:
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f'https://robot.test:{secure.port}/?token={access.token}')
        page.wait_for_selector('#connection.good')
        assert 'token' not in page.url
        page.click('#microphone')
        until(lambda: sum(map(len, backend.sound)) > 8_000)
        page = browser.new_context().new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f'http://robot.test:{plain.port}/?token={"a" * 20}')
        shows(page, '#microphone-hint', 'HTTPS')
    finally:
        secure.stop(), plain.stop()
