"""The page shows the dialogue's pictures, and no other file can be made to leave the machine that way."""
import pytest

from robot_ai.web.hub import Hub
from robot_ai.web.showing import MAX_PICTURE_BYTES, Screen


class OpenPage(Hub):
    """A hub with one page, noting what it is shown."""

    client_count = 1

    def __init__(self):
        super().__init__()
        self.shown = []

    def publish(self, topic, data):
        self.shown.append((topic, data))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'secret.png').write_bytes(b'secret')
    inner = tmp_path / 'dialogues'
    inner.mkdir()
    (inner / 'sol.svg').write_text('<svg/>')
    (inner / 'notes.txt').write_text('private')
    (inner / 'huge.png').write_bytes(b'0' * (MAX_PICTURE_BYTES + 1))
    return inner


def test_picture_and_text_are_shown(folder):
    page = OpenPage()
    screen = Screen(page, folder)
    assert screen.perform('show_picture', {'file': 'sol.svg', 'alt': 'el sol'}) == ''
    assert screen.perform('show_text', {'text': '3 + 4 ='}) == ''
    assert page.shown == [('show', {'words': '', 'picture': 'data:image/svg+xml;base64,PHN2Zy8+', 'alt': 'el sol'}),
                          ('show', {'words': '3 + 4 =', 'picture': '', 'alt': ''})]


@pytest.mark.parametrize('name, reason', [
    ('../secret.png', 'folder of the dialogue'), ('/etc/passwd', 'folder of the dialogue'),
    ('notes.txt', 'expected svg'), ('huge.png', 'at most'), ('none.png', 'No such file'), ('', 'expected svg'),
    ('a\0.png', 'null')])
def test_other_files_are_refused_with_the_reason(folder, name, reason):
    page = OpenPage()
    assert reason in Screen(page, folder).perform('show_picture', {'file': name})
    assert page.shown == []


def test_without_a_page_or_folder_it_fails(folder):
    assert Screen(Hub(), folder).perform('show_text', {'text': 'x'}) == 'no page is open'
    assert 'folder' in Screen(OpenPage()).perform('show_picture', {'file': 'sol.svg'})
