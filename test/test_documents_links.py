"""Every link of a document to a file or heading of this repository leads somewhere."""
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*CHECKOUT.glob('*.md'), *CHECKOUT.glob('docs/**/*.md'), *CHECKOUT.glob('training/*.md'),
                    *CHECKOUT.glob('test/**/*.md'), *CHECKOUT.glob('models/*/*.md')])
LINK = re.compile(r'\]\(([^)\s]+)\)')
FENCE = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    text = FENCE.sub('', document.read_text('utf-8'))
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
            for heading in re.findall(r'^#+ (.*)$', text, re.MULTILINE)}


def broken_links(document: Path) -> list[str]:
    """Return the links of a document that lead nowhere; those to other sites are not tried."""
    broken = []
    for link in LINK.findall(FENCE.sub('', document.read_text('utf-8'))):
        name, _, anchor = link.partition('#')
        target = (document.parent / name).resolve() if name else document
        if '://' not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            broken.append(link)
    return broken


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_every_link_leads_somewhere(document):
    assert broken_links(document) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / 'a.md').write_text('# One `two`\n[here](#one-two) [there](b.md) [away](https://a.org) [no](#three)')
    assert broken_links(tmp_path / 'a.md') == ['b.md', '#three']
