"""Who may talk to the page: where it listens, token, certificate, Host and Origin checks.

On 127.0.0.1 the page is this machine's alone: no token, but the Host header must name this machine, or a
foreign web page could reach it by DNS rebinding. Bound elsewhere it needs a token and TLS: browsers give the
microphone only to HTTPS or localhost, and what people say must not cross a network in the clear.
"""
import datetime
import hmac
import ipaddress
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from robot_ai.errors import ConfigurationError

LOOPBACK_NAMES = ('localhost', '127.0.0.1', '::1')
COOKIE = 'robot_ai_token'
CERTIFICATE_DAYS = 800  # browsers refuse longer-lived ones
RENEW_DAYS = 7
MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True)
class Access:
    """Where the page listens and what a client must show."""

    host: str
    port: int
    token: str = ''  # '' on loopback only
    certificate: Path | None = None
    key: Path | None = None

    @property
    def secure(self) -> bool:
        """Whether it is served over TLS."""
        return self.certificate is not None

    def host_allowed(self, host_header: str) -> bool:
        """Whether a request's Host header names this server (always, where a token guards it)."""
        return bool(self.token) or _host_name(host_header) in LOOPBACK_NAMES

    def origin_allowed(self, origin: str, host_header: str) -> bool:
        """Whether a WebSocket's or a POST's Origin header is this server's own page.

        A missing Origin is refused: every browser sends one there.
        """
        parts = urlsplit(origin)
        return parts.scheme == ('https' if self.secure else 'http') and parts.netloc.lower() == host_header.lower()

    def token_valid(self, given: str) -> bool:
        """Whether the token given is the right one (in constant time); no token is needed on loopback."""
        return not self.token or hmac.compare_digest(self.token.encode(), given.encode())

    def address(self, port: int) -> str:
        """Return the address to open, token included."""
        name = _reachable_name(self.host)
        shown = f'[{name}]' if ':' in name else name
        query = f'?token={self.token}' if self.token else ''
        return f'{"https" if self.secure else "http"}://{shown}:{port}/{query}'


def make_access(host: str = '127.0.0.1', port: int = 8080, token: str = '', certificate: str = '',
                key: str = '', folder: str = '') -> Access:
    """Return the access rules for an address; elsewhere than on loopback, makes what is missing.

    `certificate` and `key` are PEM files, given together; `folder` is where a self-signed pair is kept
    (default: `robot_ai/tls` in the user's data folder). Raises ConfigurationError for what cannot be used.
    """
    if bool(certificate) != bool(key):
        raise ConfigurationError('certificate and key go together: give both PEM files, or neither')
    if token and (len(token) < MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable()
                  or any(c in ' ;,"&#%+' for c in token)):
        raise ConfigurationError(f'the token must be at least {MIN_TOKEN_LENGTH} letters and digits')
    local = is_loopback(host)
    if certificate:
        for path in (certificate, key):
            if not Path(path).is_file():
                raise ConfigurationError(f'{path}: no such file; give a certificate and its key in PEM form')
        token = token or ('' if local else secrets.token_urlsafe(24))
        return Access(host, port, token, Path(certificate), Path(key))
    if local:
        return Access(host, port, token)
    made = self_signed(Path(folder).expanduser() if folder else data_folder() / 'tls', host)
    return Access(host, port, token or secrets.token_urlsafe(24), *made)


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def data_folder() -> Path:
    """Return this user's folder for robot_ai's own files (XDG_DATA_HOME)."""
    return Path(os.environ.get('XDG_DATA_HOME') or '~/.local/share').expanduser() / 'robot_ai'


def self_signed(folder: Path, host: str) -> tuple[Path, Path]:
    """Return (certificate, key), made in `folder` on first use and again when it expires or lacks `host`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    certificate, key = folder / 'certificate.pem', folder / 'key.pem'
    names = _certificate_names(host)
    if certificate.is_file() and key.is_file():
        try:
            old = x509.load_pem_x509_certificate(certificate.read_bytes())
            covered = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            left = old.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
            if left.days > RENEW_DAYS and set(names) <= set(covered):
                return certificate, key
        except (ValueError, x509.ExtensionNotFound):
            pass  # damaged: made anew below
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'robot_ai')])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(private, hashes.SHA256()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(pem)
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    except OSError as error:
        raise ConfigurationError(f'{folder}: the certificate cannot be kept there: {error}; '
                                 'name another folder, or give certificate and key') from None
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """Return a PEM certificate's SHA-256 as browsers show it: AA:BB:..."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    try:
        digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f'{certificate}: not a certificate in PEM form: {error}') from None
    return ':'.join(f'{byte:02X}' for byte in digest)


def announcement(access: Access, port: int) -> str:
    """Return what to print when the page is up: address, and for a network its QR code and fingerprint."""
    address = access.address(port)
    if not access.secure:
        return f'page: {address}'
    import io

    import segno
    code = io.StringIO()
    segno.make(address, error='l').terminal(out=code, compact=True)
    return (f'page: {address}\n{code.getvalue()}'
            f'certificate SHA-256: {fingerprint(access.certificate)}\n'
            'The browser warns of an unknown certificate: compare the fingerprint, then go on.')


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; ConfigurationError where the address is taken or not ours (0: any port)."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigurationError(f'the page cannot listen on {host} port {port}: {error}; '
                                 'choose another port, or end the program that holds it') from None
    return listener


def _host_name(host_header):
    try:
        return urlsplit(f'//{host_header}').hostname or ''
    except ValueError:
        return ''


def _reachable_name(host):
    if host not in ('0.0.0.0', '::', ''):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # picks the outgoing address; sends nothing
        try:
            probe.connect(('192.0.2.1', 9))
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()


def _certificate_names(host):
    from cryptography import x509
    names = {'localhost', '127.0.0.1', '::1', socket.gethostname(), _reachable_name(host)}
    out = []
    for name in sorted(names):
        try:
            out.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            out.append(x509.DNSName(name))
    return out
