"""A book as epub, html or txt in, its paragraphs as a reader would read them aloud out.

Epubs are opened with zipfile and their reading order taken from the spine (ebooklib would put its AGPL on whoever
passes this on); html is read by BeautifulSoup. Left out: licence texts, tables of contents, notes and their
marks, page numbers, illustrations' captions in brackets.
"""
import posixpath
import re
import zipfile
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from bs4 import BeautifulSoup

from robot_ai.errors import ConfigurationError

MAX_BYTES = 64_000_000  # of a text or of one chapter of an epub
BLOCKS = ('p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'li', 'blockquote', 'div', 'td', 'dd', 'dt', 'pre')
DROPPED = ('script', 'style', 'nav', 'table', 'header', 'footer', 'aside', 'sup', 'figure', 'img', 'svg',
           'head')
NOTE_CLASS = re.compile(r'foot_?notes?|end_?notes?|\bnotes?\b|\bnotas?\b|page_?num|pagenum|'
                        r'pgheader|pg-?boilerplate|\btoc\b|copyright|colophon', re.I)
NOTE_TYPE = re.compile(r'note|pagebreak|\btoc\b|copyright|colophon|index|bibliography', re.I)
START = re.compile(r'\*\*\*\s*(START OF|COMIENZO DE)[^*]*\*\*\*', re.I)
END = re.compile(r'\*\*\*\s*(END OF|FIN DE)[^*]*\*\*\*|^End of (the )?Project Gutenberg', re.I | re.M)
PAGE_NUMBER = re.compile(r'^[\[({]?\s*(?:p[áa]g(?:ina)?\.?\s*)?[-–—]?\s*\d{1,4}\s*[-–—]?\s*[\])}]?$', re.I)
NOTE_MARK = re.compile(r'\s?\[(?:\d{1,4}|[a-z]|nota[^\]]*|\*+)\]|\s?\{\d{1,4}\}|[¹²³⁰⁴-⁹]+', re.I)
NOTE_PARAGRAPH = re.compile(r'^(?:\[(?:\d{1,4}|\*+)\]|\(\d{1,4}\)\s+\D|\*+\s|nota (?:\d|del|de la))', re.I)
BRACKETED = re.compile(r'\[(?:ilustraci[óo]n|illustration|grabado|imagen|figura)[^\]]*\]', re.I)
FRONT = re.compile(r'^(?:[íi]ndice|tabla de contenidos?|contents|es propiedad|derechos reservados|imprenta|isbn|'
                   r'imp\. de|copyright|©|produced by|nota del? transcript?or|transcriber|editorial|'
                   r'todos los derechos|primera edici[óo]n|impreso en)', re.I)
CONTENTS_LINE = re.compile(r'(?:\.\s?){4,}\s*\d+$|\s{3,}\d+$')


def read_paragraphs(path: str | Path) -> list[str]:
    """Return the paragraphs of a book; ConfigurationError names a file that cannot be read or holds no text."""
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        if suffix == '.epub':
            raw = _epub(path)
        elif suffix in ('.html', '.htm', '.xhtml'):
            raw = _html(_decode(path.read_bytes()[:MAX_BYTES]))
        elif suffix == '.txt':
            raw = _plain(_decode(path.read_bytes()[:MAX_BYTES]))
        else:
            raise ConfigurationError(f'{path}: expected an e-book in epub, html or txt')
    except (OSError, zipfile.BadZipFile, ElementTree.ParseError, KeyError, EOFError, NotImplementedError,
            RuntimeError) as error:
        raise ConfigurationError(f'{path}: the e-book cannot be read: {error}') from None
    paragraphs = clean(raw)
    if not paragraphs:
        raise ConfigurationError(f'{path}: holds no text to read; expected paragraphs of a book')
    return paragraphs


def _decode(data):
    for encoding in ('utf-8-sig', 'cp1252'):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode('latin-1')


def _plain(text):
    begin, end = START.search(text), END.search(text)
    text = text[begin.end() if begin else 0:end.start() if end else None]
    text = re.sub(r'-\n(?=[a-záéíóúñü])', '', text.replace('\r\n', '\n'))  # words cut at a line's end
    return [block for block in re.split(r'\n\s*\n', text) if block.strip()]


def _html(text):
    soup = BeautifulSoup(text, 'html.parser')
    for tag in soup(DROPPED):
        tag.decompose()
    for tag in soup.find_all(True):
        if tag.decomposed:
            continue
        names = ' '.join([*(tag.get('class') or ()), tag.get('id') or ''])
        kind = ' '.join(filter(None, (tag.get('epub:type'), tag.get('role'))))
        link = tag.name == 'a' and re.search(r'#(fn|note|nota|foot)', tag.get('href') or '', re.I)
        if NOTE_CLASS.search(names) or NOTE_TYPE.search(kind) or link:
            tag.decompose()
    for line_break in soup('br'):
        line_break.replace_with('\n')
    blocks = [tag for tag in soup(BLOCKS) if not tag.find(BLOCKS)]
    paragraphs = [tag.get_text() for tag in blocks] or [soup.get_text()]
    return _between_marks(paragraphs)


def _between_marks(paragraphs):
    begin = next((k + 1 for k, text in enumerate(paragraphs) if START.search(text)), 0)
    end = next((k for k, text in enumerate(paragraphs) if k >= begin and END.search(text)), len(paragraphs))
    return paragraphs[begin:end]


def _epub(path):
    with zipfile.ZipFile(path) as archive:
        container = ElementTree.fromstring(_member(archive, 'META-INF/container.xml'))
        package = container.find('.//{*}rootfile').get('full-path')
        root = ElementTree.fromstring(_member(archive, package))
        items = {item.get('id'): item for item in root.iterfind('.//{*}manifest/{*}item')}
        paragraphs = []
        for reference in root.iterfind('.//{*}spine/{*}itemref'):
            item = items.get(reference.get('idref'))
            if item is None or reference.get('linear') == 'no' or 'nav' in (item.get('properties') or '').split():
                continue
            name = posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(item.get('href'))))
            paragraphs += _html(_decode(_member(archive, name)))
        return _between_marks(paragraphs)


def _member(archive, name):
    if archive.getinfo(name).file_size > MAX_BYTES:
        raise ConfigurationError(f'{archive.filename}: {name} is larger than {MAX_BYTES} bytes')
    return archive.read(name)


def clean(paragraphs: list[str]) -> list[str]:
    """Return the paragraphs to be read aloud, white space made single, notes and page numbers out."""
    kept = []
    for raw in paragraphs:
        lines = [line for line in raw.split('\n') if not PAGE_NUMBER.match(line.strip() or 'x')]
        if any(CONTENTS_LINE.search(line) for line in lines):
            continue
        text = ' '.join(' '.join(lines).replace('\u00ad', '').split())
        if NOTE_PARAGRAPH.match(text) or PAGE_NUMBER.match(text) or FRONT.match(text):
            continue
        text = BRACKETED.sub(' ', text)
        text = ' '.join(NOTE_MARK.sub('', text).replace('_', '').split())
        if any(character.isalpha() for character in text):
            kept.append(text)
    return kept
