"""E-books in three formats give what is read aloud: no notes, no page numbers, no licence; whole sentences."""
import zipfile

import pytest

from robot_ai.errors import ConfigurationError
from training.audiobook.ebook import read_paragraphs
from training.audiobook.sentences import MAX_CHARACTERS, Segmenter, segment

CHAPTER = '''<html xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title><style>p {}</style></head><body>
<h2>Capítulo I</h2>
<p>En un lugar de la Mancha,<sup><a href="#fn1">1</a></sup> de cuyo nombre[2] no quiero
acordarme.</p><span class="pagenum">[Pág. 12]</span><p>12</p>
<p>Vivía un hidalgo.<a epub:type="noteref" href="n.html#n3">3</a></p>
<aside epub:type="footnote"><p>Una nota que nadie lee.</p></aside>
<div class="footnotes"><p>[1] Otra nota.</p></div></body></html>'''
READ = ['Capítulo I', 'En un lugar de la Mancha, de cuyo nombre no quiero acordarme.', 'Vivía un hidalgo.']


def _epub(path):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('META-INF/container.xml', '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
                         '<rootfiles><rootfile full-path="OEBPS/libro.opf"/></rootfiles></container>')
        archive.writestr('OEBPS/libro.opf', '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
                         '<item id="b" href="dos.xhtml"/><item id="a" href="uno%20.xhtml"/>'
                         '<item id="t" href="toc.xhtml" properties="nav"/></manifest>'
                         '<spine><itemref idref="t"/><itemref idref="a"/><itemref idref="b"/></spine></package>')
        archive.writestr('OEBPS/toc.xhtml', '<html><body><p>Capítulo I, que no se lee</p></body></html>')
        archive.writestr('OEBPS/uno .xhtml', CHAPTER)
        archive.writestr('OEBPS/dos.xhtml', '<html><body><p>Fin del cuento.</p></body></html>')


def test_html_without_notes_and_page_numbers(tmp_path):
    (tmp_path / 'libro.html').write_text(CHAPTER, encoding='utf-8')
    assert read_paragraphs(tmp_path / 'libro.html') == READ


def test_epub_follows_its_spine(tmp_path):
    _epub(tmp_path / 'libro.epub')
    assert read_paragraphs(tmp_path / 'libro.epub') == [*READ, 'Fin del cuento.']


def test_plain_text_of_gutenberg(tmp_path):
    text = ('Title: Niebla\n\n*** START OF THE PROJECT GUTENBERG EBOOK ***\n\nProduced by somebody\n\nÍNDICE\n\n'
            'Capítulo I ........ 5\n\nAl aparecer Augusto a la puer-\nta de su casa\nextendió el brazo.\n\n'
            '— 17 —\n\n[Ilustración: la puerta]\n\n[1] Nota del editor.\n\n'
            '*** END OF THE PROJECT GUTENBERG EBOOK ***\n\nLicence')
    (tmp_path / 'niebla.txt').write_bytes(text.encode('cp1252'))
    assert read_paragraphs(tmp_path / 'niebla.txt') == ['Al aparecer Augusto a la puerta de su casa extendió el brazo.']


@pytest.mark.parametrize('name, data', [('a.epub', b'PK no zip'), ('a.pdf', b'%PDF'), ('a.txt', b' \n'),
                                        ('a.html', b'<html></html>')])
def test_a_book_that_cannot_be_read_is_named(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigurationError, match=name):
        read_paragraphs(tmp_path / name)


def test_abbreviations_do_not_end_sentences():
    paragraphs = ['El Sr. García llegó a las ocho. ¿Quién lo esperaba? La Sra. Ruiz, p. ej., no.',
                  '—¡Alto! —gritó D. Luis—. Nadie sale de aquí.']
    assert segment(paragraphs[:1]) == ['El Sr. García llegó a las ocho.', '¿Quién lo esperaba?',
                                       'La Sra. Ruiz, p. ej., no.']
    assert ' '.join(segment(paragraphs)) == ' '.join(paragraphs)


def test_long_sentences_are_cut_between_clauses_and_nothing_is_lost():
    sentence = ', '.join(f'y después de la puerta número {k} había otra más' for k in range(12)) + '.'
    pieces = Segmenter([sentence]).sentences(sentence)
    assert len(pieces) > 1 and all(len(piece) <= MAX_CHARACTERS for piece in pieces)
    assert ' '.join(pieces) == sentence


def test_a_title_is_no_end_of_a_sentence_even_before_a_word_that_begins_others():
    paragraphs = ['Había un gato.', 'Gato y molinero salieron.', 'El Sr. Gato pidió un par de botas.', 'Vio a D. Gato.']
    assert segment(paragraphs) == paragraphs
