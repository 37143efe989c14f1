"""The page with the shipped models and dialogue behind it: a spoken question and a written sum get their answers."""
import re
import wave

import pytest

sync_api = pytest.importorskip('playwright.sync_api')

from robot_ai.dialogue.document import load_dialogue
from robot_ai.model_store import find_model
from robot_ai.paths import find_file
from robot_ai.speech.recognizer import SpeechRecognizer
from robot_ai.web.graph import dialogue_graph
from robot_ai.web.hub import Hub
from robot_ai.web.local import LocalBackend
from robot_ai.web.security import make_access
from robot_ai.web.server import PageServer
from robot_ai.web.writing import make_writer

WAIT_MS = 120_000
FIRST_QUESTION_S = 7  # of the demo's bag: somebody asks what time it is, and is silent


@pytest.fixture
def address():
    hub = Hub()
    path = find_file('acompanante.yaml', 'config/dialogues')
    backend = LocalBackend(hub, SpeechRecognizer(find_model('speech')), load_dialogue(path), path.parent)
    server = PageServer(backend, hub, make_access(port=0), make_writer())
    server.start()
    hub.publish('graph', dialogue_graph(path))
    yield f'http://127.0.0.1:{server.port}/'
    server.stop()
    backend.close()


@pytest.fixture(scope='module')
def question(tmp_path_factory, demo_sound):
    """Return a WAV file of the demo's first question, at its own rate."""
    path = tmp_path_factory.mktemp('sound') / 'question.wav'
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(demo_sound[:FIRST_QUESTION_S * 16_000].tobytes())
    return path


def shows(page, selector, text):
    sync_api.expect(page.locator(selector)).to_contain_text(text, timeout=WAIT_MS)


def draw(page, *points):
    box = page.locator('#canvas').bounding_box()
    places = [(box['x'] + x * box['width'], box['y'] + y * box['height']) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_a_question_into_the_microphone_is_heard_and_answered(launch_chromium, address, question):
    browser = launch_chromium(f'--use-file-for-fake-audio-capture={question}')
    page = browser.new_context().new_page()
    page.goto(address)
    page.wait_for_selector('#connection.good')
    page.click('#microphone')
    shows(page, '#transcripts', 'qué hora es')
    shows(page, '#events', re.compile('(Son las|Es la una)', re.IGNORECASE))
    page.click('#microphone')


def test_a_sum_is_asked_written_and_praised(launch_chromium, address, artefacts):
    page = launch_chromium().new_context(viewport={'width': 1280, 'height': 1000}).new_page()
    page.goto(address)
    page.wait_for_selector('#connection.good')
    page.fill('#utterance', 'quiero hacer sumas')
    page.press('#utterance', 'Enter')
    shows(page, '#state-name', 'sumas')
    shows(page, '#show-text', '+')  # the page is the robot's screen
    asked = page.locator('#show-text').text_content()
    first, second = (int(word) for word in asked.replace('=', '').split('+'))
    page.locator('#canvas').scroll_into_view_if_needed()
    for offset, digit in zip((.25, .5), str(first + second)):
        for stroke in DIGITS[digit]:
            draw(page, *((offset + .18 * x, .2 + .6 * y) for x, y in stroke))
    shows(page, '#latex', str(first + second)[0])
    page.screenshot(path=str(artefacts / 'page.png'), full_page=True)
    page.click('#send')
    shows(page, '#state-name', 'sumas.bien')


def test_an_expression_is_read_as_latex(launch_chromium, address):
    page = launch_chromium().new_context(viewport={'width': 1280, 'height': 1000}).new_page()
    page.goto(address)
    page.wait_for_selector('#connection.good')
    page.locator('#canvas').scroll_into_view_if_needed()
    for offset, digit in ((.1, '7'), (.7, '3')):
        for stroke in DIGITS[digit]:
            draw(page, *((offset + .12 * x, .25 + .5 * y) for x, y in stroke))
        if digit == '7':
            draw(page, (.4, .5), (.52, .5))
            draw(page, (.46, .35), (.46, .65))
    sync_api.expect(page.locator('#latex')).to_have_text('7 + 3', timeout=WAIT_MS)
    assert page.locator('#rendered .katex').count() == 1


DIGITS = {  # strokes in a unit square, y down, as one draws them with a mouse
    '0': [[(.5, 0), (.15, .2), (.05, .5), (.15, .8), (.5, 1), (.85, .8), (.95, .5), (.85, .2), (.5, 0)]],
    '1': [[(.2, .25), (.5, 0), (.5, 1)]],
    '2': [[(.1, .25), (.3, .03), (.7, .03), (.85, .25), (.7, .5), (.1, 1), (.9, 1)]],
    '3': [[(.1, .08), (.5, 0), (.85, .2), (.75, .42), (.4, .48), (.8, .58), (.9, .8), (.6, 1), (.1, .92)]],
    '4': [[(.6, 0), (.05, .65), (.95, .65)], [(.7, .35), (.7, 1)]],
    '5': [[(.85, 0), (.2, 0), (.15, .45), (.6, .4), (.9, .65), (.7, .95), (.1, .95)]],
    '6': [[(.75, 0), (.3, .3), (.1, .65), (.25, .95), (.65, .98), (.85, .75), (.6, .55), (.2, .65)]],
    '7': [[(.05, 0), (.95, 0), (.35, 1)]],
    '8': [[(.8, .15), (.5, 0), (.2, .15), (.3, .4), (.75, .6), (.85, .85), (.5, 1), (.15, .85), (.25, .6), (.7, .4),
           (.8, .15)]],
    '9': [[(.85, .2), (.5, 0), (.15, .2), (.25, .45), (.65, .45), (.85, .2), (.8, .6), (.6, 1)]],
}
