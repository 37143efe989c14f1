"""A catalogue file (YAML or JSON) of audiobooks in, checked entries out."""
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from robot_ai.errors import ConfigurationError
from robot_ai.yaml_files import read_yaml_file

EXAMPLE = Path(__file__).parent / 'librivox_es.yaml'
REQUIRED = ('id', 'title', 'reader', 'author', 'language', 'licence', 'recordings', 'text')


@dataclass(frozen=True)
class Source:
    """One file to download; `sha256` and `size` (bytes) where the catalogue tells them."""

    url: str
    name: str  # file name in the book's folder
    sha256: str = ''
    size: int = 0


@dataclass(frozen=True)
class Entry:
    """One audiobook."""

    id: str
    facts: dict  # title, reader, author, language, licence
    recordings: tuple[Source, ...]
    texts: tuple[Source, ...]
    verified: bool = True  # False: nobody has tried the addresses


def read_catalogue(path: Path) -> list[Entry]:
    """Return the catalogue's books; ConfigurationError names the book and the field that is wrong."""
    document = read_yaml_file(path)  # JSON is YAML
    books = document.get('books') if isinstance(document, dict) else None
    if not isinstance(books, list) or not books:
        raise ConfigurationError(f'{path}: expected a mapping with a list "books"')
    entries = [_entry(path, number, book) for number, book in enumerate(books)]
    seen = set()
    for entry in entries:
        if entry.id in seen:
            raise ConfigurationError(f'{path}: two books have the id {entry.id!r}')
        seen.add(entry.id)
    return entries


def _entry(path, number, book):
    where = f'{path}: book {number + 1}'
    if not isinstance(book, dict):
        raise ConfigurationError(f'{where}: expected a mapping')
    where += f' ({book.get("id", "no id")})'
    absent = [key for key in REQUIRED if not book.get(key)]
    if absent:
        raise ConfigurationError(f'{where}: lacks {", ".join(absent)}')
    name = str(book['id'])
    if Path(name).name != name or name.startswith('.'):
        raise ConfigurationError(f'{where}: the id becomes a folder: letters, digits, _ and - only')
    facts = {key: str(book[key]) for key in REQUIRED[1:6]}
    verified = book.get('verified', True)
    if not isinstance(verified, bool):
        raise ConfigurationError(f'{where}: verified: expected true or false, not {verified!r}')
    return Entry(name, facts, _sources(where, book['recordings'], 'recordings'),
                 _sources(where, book['text'], 'text'), verified)


def _sources(where, items, kind):
    found = []
    if not isinstance(items, (str, dict, list)):
        raise ConfigurationError(f'{where}: {kind}: expected addresses, not {items!r}')
    for item in [items] if isinstance(items, (str, dict)) else items:
        item = {'url': item} if isinstance(item, str) else item
        url = item.get('url') if isinstance(item, dict) else None
        try:
            parts = urlsplit(url) if isinstance(url, str) else None
        except ValueError:  # half a bracket of an IPv6 address
            parts = None
        if parts is None or parts.scheme not in ('http', 'https') or not parts.netloc:
            raise ConfigurationError(f'{where}: {kind}: expected http or https addresses, not {item!r}')
        name = str(item.get('name') or unquote(parts.path).rsplit('/', 1)[-1])
        if name.endswith('.txt.utf-8'):  # Gutenberg's way of naming plain text
            name = name[:-len('.utf-8')]
        if not name or Path(name).name != name or name.startswith('.'):
            raise ConfigurationError(f'{where}: {kind}: {url} names no file; give it as {{url, name}}')
        if any(name == other.name for other in found):
            raise ConfigurationError(f'{where}: {kind}: two files are named {name}; give one a name')
        sha256, size = str(item.get('sha256', '')).lower(), item.get('bytes', 0)
        if sha256 and (len(sha256) != 64 or set(sha256) - set('0123456789abcdef')):
            raise ConfigurationError(f'{where}: {name}: sha256 is not 64 hexadecimal digits')
        if not isinstance(size, int) or size < 0:
            raise ConfigurationError(f'{where}: {name}: bytes is not a count')
        found.append(Source(url, name, sha256, size))
    return tuple(found)
