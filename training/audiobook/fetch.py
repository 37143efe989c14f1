"""`audiobook fetch`: what a catalogue lists, downloaded into a folder a book; broken downloads go on where they broke.

One file at a time, with a pause between requests, a user agent that says who asks, and Retry-After obeyed: the
archives are charities. Every file gets a line in downloads.json with its size and SHA-256. A dead address is named
and the rest is fetched; a host that could not be reached is not asked again in the same run.
"""
import email.utils
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests
import yaml
from tqdm import tqdm

from robot_ai import __version__
from robot_ai.errors import ConfigurationError
from robot_ai.model_store import sha256_of
from training.audiobook.catalogue import EXAMPLE, Entry, Source, read_catalogue
from training.audiobook.files import read_json, write_json, write_text
from training.audiobook.jobs import report

USER_AGENT = f'robot_ai/{__version__} (audiobook corpus builder; one connection)'
PAUSE_S = 1.0  # between two requests to a host
ATTEMPTS = 6  # in a row that brought nothing
FIRST_WAIT_S = 2.0  # after a failed attempt; doubles
LONGEST_WAIT_S = 600.0
TIMEOUT_S = (20, 60)  # connect, read
BLOCK = 1 << 13  # bytes; what is read of a block when the connection breaks is lost
PAGES = ('.html', '.htm', '.xhtml')
RETRIED = (408, 425, 429, 500, 502, 503, 504)


class Fetcher:
    """Downloads politely; `pause_s` and `sleep` may be replaced (tests wait for nothing)."""

    def __init__(self, pause_s: float = PAUSE_S, sleep=time.sleep):
        """Open a session."""
        self._session = requests.Session()
        self._session.headers.update({'User-Agent': USER_AGENT, 'Accept-Encoding': 'identity'})
        self._pause_s, self._sleep = pause_s, sleep
        self._last = {}  # host -> time of the last request
        self._silent = {}  # host -> why it was given up

    def fetch(self, source: Source, path: Path, bar=None) -> str:
        """Download into `path`, going on from `path.part` if there is one; returns the SHA-256.

        Raises ConfigurationError, which names the file, where it cannot be had or is not what was announced.
        """
        part, host = path.with_name(path.name + '.part'), urlsplit(source.url).netloc
        if host in self._silent:
            raise ConfigurationError(f'{path}: {source.url}: not tried, for {host} did not answer before '
                                     f'({self._silent[host]})')
        path.parent.mkdir(parents=True, exist_ok=True)
        failures, wait, silent = 0, FIRST_WAIT_S, ''
        while failures < ATTEMPTS:
            before = part.stat().st_size if part.exists() else 0
            try:
                if self._attempt(source, part, bar):
                    break
                delay, why = wait, 'the connection broke off'
            except _RetryLaterError as later:
                delay, why = max(wait, later.seconds), str(later)
            except requests.ConnectionError as error:
                delay, why = wait, _plain(error)
                silent = why if not part.exists() else ''
            except requests.RequestException as error:
                delay, why = wait, str(error)
            except OSError as error:
                raise ConfigurationError(f'{path}: cannot be written: {error}; {before} bytes are kept') from None
            if part.exists() and part.stat().st_size > before:
                failures, wait = 0, FIRST_WAIT_S
                continue
            failures, wait = failures + 1, min(2 * wait, LONGEST_WAIT_S)
            if failures < ATTEMPTS:
                self._sleep(min(delay, LONGEST_WAIT_S))
        else:
            if silent:
                self._silent[host] = silent
            raise ConfigurationError(f'{path}: {source.url}: gave up after {ATTEMPTS} attempts: {why}')
        return self._finish(source, part, path)

    def _attempt(self, source, part, bar):
        """One request; True when the file is whole."""
        have = part.stat().st_size if part.exists() else 0
        validator = part.with_name(part.name + '.etag')
        headers = {}
        if have and validator.exists():
            headers = {'Range': f'bytes={have}-', 'If-Range': validator.read_text()}
        self._be_polite(source.url)
        with self._session.get(source.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == 416:  # the part is not of this file: begin anew
                part.unlink()
                return False
            if answer.status_code in RETRIED:
                raise _RetryLaterError(answer)
            if answer.status_code not in (200, 206):
                raise ConfigurationError(f'{source.url}: dead address: answered {answer.status_code} '
                                         f'{answer.reason}; mend it in the catalogue')
            if _is_page(answer) and Path(source.name).suffix.lower() not in PAGES:
                raise ConfigurationError(f'{source.url}: dead address: answered a web page, not {source.name}; '
                                         'mend it in the catalogue')
            have = _range_start(answer, have)
            total = have + int(answer.headers['Content-Length']) if 'Content-Length' in answer.headers else None
            tag = answer.headers.get('ETag') or answer.headers.get('Last-Modified')
            if tag and not tag.startswith('W/'):
                write_text(validator, tag)
            else:
                validator.unlink(missing_ok=True)
            if bar is not None:
                bar.reset(total)
                bar.update(have)
            with open(part, 'r+b' if have else 'wb') as stream:
                stream.seek(have)
                stream.truncate()
                for block in answer.iter_content(BLOCK):
                    stream.write(block)
                    if bar is not None:
                        bar.update(len(block))
        return total is None or part.stat().st_size == total

    def _be_polite(self, url):
        host = urlsplit(url).netloc
        rest = self._last.get(host, -1e9) + self._pause_s - time.monotonic()
        if rest > 0:
            self._sleep(rest)
        self._last[host] = time.monotonic()

    @staticmethod
    def _finish(source, part, path):
        size, digest = part.stat().st_size, sha256_of(part)
        wrong = (f'{size} bytes, the catalogue says {source.size}' if source.size and size != source.size else
                 f'SHA-256 {digest[:16]}..., the catalogue says {source.sha256[:16]}...'
                 if source.sha256 and digest != source.sha256 else '')
        part.with_name(part.name + '.etag').unlink(missing_ok=True)
        if wrong:
            part.unlink()
            raise ConfigurationError(f'{path}: {source.url}: {wrong}; it was thrown away')
        part.replace(path)
        return digest


class _RetryLaterError(Exception):
    """The server asked to wait."""

    def __init__(self, answer):
        super().__init__(f'answered {answer.status_code} {answer.reason}')
        text = answer.headers.get('Retry-After', '')
        if text.isdigit():
            self.seconds = float(text)
        else:
            date = email.utils.parsedate_to_datetime(text) if text else None
            self.seconds = max(0.0, date.timestamp() - time.time()) if date else 0.0


def _plain(error):
    """Return the innermost reason: what requests wraps is a line of class names."""
    while getattr(error, 'reason', None) is not None and isinstance(error.reason, Exception):
        error = error.reason
    inner = error.args[0] if error.args else error
    reason = getattr(inner, 'reason', None)
    return str(reason if reason is not None else error)


def _is_page(answer):
    kind = answer.headers.get('Content-Type', '').split(';')[0].strip().lower()
    return kind in ('text/html', 'application/xhtml+xml')


def _range_start(answer, have):
    if answer.status_code != 206:
        return 0
    begin = answer.headers.get('Content-Range', '').removeprefix('bytes ').split('-')[0]
    return int(begin) if begin.isdigit() and int(begin) <= have else 0


def fetch_book(entry: Entry, folder: Path, fetcher: Fetcher) -> list[str]:
    """Download one book into `folder` and describe it in book.yaml; returns the faults."""
    wanted = [(source, folder / 'recordings' / source.name) for source in entry.recordings]
    wanted += [(source, folder / 'text' / source.name) for source in entry.texts]
    log = folder / 'downloads.json'
    done, faults = read_json(log) if log.is_file() else {}, []
    for source, path in wanted:
        key = path.relative_to(folder).as_posix()
        known = done.get(key, {})
        if path.is_file() and known.get('url') == source.url and known.get('bytes') == path.stat().st_size:
            continue
        with tqdm(desc=path.name, unit='B', unit_scale=True, disable=None) as bar:
            try:
                digest = fetcher.fetch(source, path, bar)
            except ConfigurationError as error:
                faults.append(str(error))
                continue
        done[key] = {'url': source.url, 'bytes': path.stat().st_size, 'sha256': digest}
        write_json(log, done)
    document = {**entry.facts, 'recordings': [f'recordings/{source.name}' for source in entry.recordings],
                'text': [f'text/{source.name}' for source in entry.texts]}
    write_text(folder / 'book.yaml', yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    return faults


def add_arguments(parser) -> None:
    """Declare the options."""
    parser.add_argument('--catalogue', type=Path, default=EXAMPLE, help='YAML or JSON file; default: an example list')
    parser.add_argument('--out', type=Path, default=Path('audiobooks'), help='folder that gets a folder a book')
    parser.add_argument('--book', action='append', default=[], metavar='ID', help='only this book; may be repeated')
    parser.add_argument('--pause', type=float, default=PAUSE_S, help='seconds between requests to a host')
    parser.add_argument('--list', action='store_true', help='only list the books')


def run(options) -> int:
    """Download what is not there yet; returns 1 where a file failed."""
    entries = read_catalogue(options.catalogue)
    unknown = set(options.book) - {entry.id for entry in entries}
    if unknown:
        raise ConfigurationError(f'{options.catalogue}: has no book {", ".join(sorted(unknown))}')
    entries = [entry for entry in entries if not options.book or entry.id in options.book]
    if options.list:
        for entry in entries:
            doubt = '' if entry.verified else '  (addresses not verified)'
            print(f'{entry.id:<40}{len(entry.recordings):4} recordings  {entry.facts["title"]}{doubt}')
        return 0
    doubtful = [entry.id for entry in entries if not entry.verified]
    if doubtful:
        print(f'{options.catalogue}: {len(doubtful)} of {len(entries)} books are marked `verified: false`: nobody has '
              'tried their addresses; some may be dead', file=sys.stderr)
    fetcher, faults = Fetcher(options.pause), []
    for entry in entries:
        try:
            faults += fetch_book(entry, options.out / entry.id, fetcher)
        except OSError as error:  # of the book's list or description
            faults.append(f'{options.out / entry.id}: {error}')
    return report(faults, 'fetch')
