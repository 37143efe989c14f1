"""The review page: what is decided is written at once and whole; two thousand fragments stay fluent in Chromium."""
import json
import shutil
import socket
import threading
import time

import numpy as np
import pytest
import soundfile
import uvicorn
from starlette.testclient import TestClient

from training.audiobook import align, syncmap
from training.audiobook.files import read_book
from training.audiobook.fragments import Alignment, Fragment
from training.audiobook.review import Review, make_app


def _make_book(folder, count=20):
    """A book of one recording: `count` fragments of 1 s, 0.5 s apart; fragment 7 (f000008) scores worst."""
    (folder / 'audio').mkdir(parents=True)
    seconds = count * 1.5 + 1
    tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(int(seconds * 16000)) / 16000)
    soundfile.write(folder / 'audio' / 'uno.flac', tone * (np.arange(len(tone)) % 24000 < 16000), 16000)
    fragments = [Fragment(f'f{k + 1:06d}', f'Esta es la frase número {k + 1}.', k * 1.5, k * 1.5 + 1,
                          -1.0 if k == 7 else k / count) for k in range(count)]
    book = read_book(folder)
    align.save(book, 'uno', Alignment(fragments, [], 'dtw', seconds))
    return book


@pytest.fixture
def book(tmp_path):
    return _make_book(tmp_path / 'libro')


@pytest.fixture
def client(book):
    return TestClient(make_app(Review(book)), base_url='http://127.0.0.1')


def test_worst_score_comes_first(client):
    rows = client.get('/api/fragments').json()['fragments']
    assert rows[0]['id'] == 'f000008'
    assert [row['score'] for row in rows] == sorted(row['score'] for row in rows)


def test_a_decision_is_on_disk_when_the_answer_comes(client, book):
    answer = client.put('/api/fragments/uno/f000003', json={'state': 'accepted', 'begin': 3.1, 'end': 3.9,
                                                            'text': 'Otra  frase.'})
    assert answer.json() == {'state': 'accepted', 'begin': 3.1, 'end': 3.9, 'text': 'Otra frase.'}
    assert json.loads(book.path('decisions', 'uno').read_text())['fragments']['f000003']['begin'] == 3.1
    third = next(f for f in syncmap.read(book.path('maps', 'uno')) if f.id == 'f000003')
    assert (third.begin, third.end, third.text) == (3.1, 3.9, 'Otra frase.')
    again = Review(read_book(book.folder)).fragments()
    assert next(row for row in again if row['id'] == 'f000003')['decision']['state'] == 'accepted'


def test_rejected_leaves_the_map_and_undo_brings_it_back(client, book):
    client.put('/api/fragments/uno/f000003', json={'state': 'rejected'})
    assert 'f000003' not in {f.id for f in syncmap.read(book.path('maps', 'uno'))}
    client.put('/api/fragments/uno/f000003', json={'state': 'open'})
    assert 'f000003' in {f.id for f in syncmap.read(book.path('maps', 'uno'))}


@pytest.mark.parametrize('decision, said', [
    ({'state': 'maybe'}, 'expected open'), ({'begin': 5, 'end': 4}, 'begin < end'),
    ({'begin': 1, 'end': 1e9}, 'end <='),
    ({'begin': True, 'end': 4}, 'borders'), ({'text': ' '}, 'a sentence'), ([1], 'an object')])
def test_wrong_decisions_are_refused_and_nothing_is_written(client, book, decision, said):
    answer = client.put('/api/fragments/uno/f000003', json=decision)
    assert answer.status_code == 400 and said in answer.json()['error']
    assert not book.path('decisions', 'uno').exists()


def test_unknown_names_and_foreign_hosts_are_refused(client):
    assert client.put('/api/fragments/uno/f999999', json={'state': 'open'}).status_code == 400
    assert client.get('/api/sound/dos?begin=0&end=1').status_code == 400
    assert client.get('/api/sound/uno?begin=x&end=1').status_code == 400
    assert client.get('/api/fragments', headers={'Host': 'evil.example'}).status_code == 400


def test_sound_is_the_stretch_asked_for(client, book, tmp_path):
    (tmp_path / 'part.wav').write_bytes(client.get('/api/sound/uno?begin=1.25&end=2.0').content)
    part, rate = soundfile.read(tmp_path / 'part.wav', dtype='int16')
    whole, _ = soundfile.read(book.path('audio', 'uno'), dtype='int16')
    assert rate == 16000 and np.array_equal(part, whole[20000:32000])


@pytest.fixture
def page(tmp_path):
    """Chromium on the page of a book of 2,000 fragments; skipped where there is none."""
    playwright = pytest.importorskip('playwright.sync_api')
    browser_path = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if browser_path is None:
        pytest.skip('needs Chromium')
    review = Review(_make_book(tmp_path / 'libro', 2000))
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        server = uvicorn.Server(uvicorn.Config(make_app(review), log_level='warning'))
        thread = threading.Thread(target=server.run, kwargs={'sockets': [listener]}, daemon=True)
        thread.start()
        with playwright.sync_playwright() as running:
            browser = running.chromium.launch(executable_path=browser_path, args=[
                '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
                '--autoplay-policy=no-user-gesture-required'])
            opened = browser.new_page(viewport={'width': 1200, 'height': 760})
            opened.set_default_timeout(60_000)
            opened.faults = []
            opened.on('pageerror', lambda error: opened.faults.append(str(error)))
            opened.goto(f'http://127.0.0.1:{listener.getsockname()[1]}/')
            opened.wait_for_selector('.row[aria-selected=true]')
            opened.wait_for_function("document.getElementById('times').textContent.includes('s (')")
            opened.book = review.book
            yield opened
            browser.close()
        server.should_exit = True
        thread.join(30)


def _decisions(page, ready):
    """Return the decisions on disk once `ready` holds of them."""
    path = page.book.path('decisions', 'uno')
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = json.loads(path.read_text())['fragments'] if path.exists() else {}
        if ready(found):
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f'on disk: {found}')


def test_the_keyboard_alone_reviews_a_book(page):
    assert page.locator('.row').count() < 60  # of 2,000: only what can be seen is drawn
    page.keyboard.press('a')  # the worst one, f000008
    _decisions(page, lambda d: d.get('f000008', {}).get('state') == 'accepted')
    page.keyboard.press('r')
    _decisions(page, lambda d: d.get('f000001', {}).get('state') == 'rejected')
    page.keyboard.press('u')
    _decisions(page, lambda d: 'f000001' not in d)
    page.keyboard.press('Home')
    page.wait_for_function("document.getElementById('times').textContent.startsWith('10.500')")
    page.keyboard.press(',')
    _decisions(page, lambda d: d.get('f000008', {}).get('begin') == 10.48)
    page.keyboard.press('e')
    page.keyboard.press('Control+a')
    page.keyboard.type('Texto corregido.')
    page.keyboard.press('Escape')
    _decisions(page, lambda d: d['f000008'].get('text') == 'Texto corregido.')
    page.keyboard.press(' ')
    page.wait_for_function("document.getElementById('wave') && wave.isPlaying()")
    page.keyboard.press('End')
    page.wait_for_function("document.getElementById('place').textContent.includes('f002000')")
    assert page.locator('.row').count() < 60
    assert page.faults == []


def test_a_border_can_be_dragged(page):
    handle = page.locator('[part~="region-handle-right"]').bounding_box()
    page.mouse.move(handle['x'] + handle['width'] / 2, handle['y'] + 60)
    page.mouse.down()
    page.mouse.move(handle['x'] + 60, handle['y'] + 60, steps=5)
    page.mouse.up()
    moved = _decisions(page, lambda d: 'f000008' in d)['f000008']
    assert moved['begin'] == 10.5 and moved['end'] > 11.6
