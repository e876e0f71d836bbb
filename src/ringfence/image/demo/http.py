"""One request to a mirror, redirects followed as far as they may lead.

http.client, because every step is decided here: urllib would follow a redirect before anybody has looked at it.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urljoin, urlsplit

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE = 30.0
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
PORTS = {"http": 80, "https": 443}
CHUNK = 2**18


class RefusedError(RingfenceError):
    """The mirror leads where nothing may be fetched from; another try would change nothing."""


class BrokenError(RingfenceError):
    """The connection did not hold; another try may."""


class Answer:
    """What a mirror has answered: status and headers, and the body as it comes. A context manager."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, url: str) -> None:
        self.connection = connection
        self.response = response
        self.url = url
        self.status = response.status

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def header(self, name: str) -> str:
        """A header, "" for none."""
        return self.response.getheader(name) or ""

    def length(self) -> int:
        """How long the body is said to be, -1 for unknown."""
        text = self.header("Content-Length")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1

    def chunks(self) -> Iterator[bytes]:
        """The body.

        Raises:
            BrokenError: it is cut off, or nothing comes any more.
        """
        try:
            while chunk := self.response.read1(CHUNK):
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise BrokenError(f"{self.url}: {words(error)}") from None


def words(error: Exception) -> str:
    """An error of the network in one line."""
    text = str(error).splitlines()[0] if str(error) else ""
    return text or type(error).__name__


def is_loopback_name(host: str) -> bool:
    """Whether a host's name says that it is this machine."""
    if host == "localhost":
        return True
    try:
        return is_loopback(host)
    except ValueError:
        return False


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's, also one of IPv4 in the form of IPv6, which ipaddress answers no for.

    Raises:
        ValueError: it is no address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (inner or found).is_loopback


def split_url(url: str) -> SplitResult:
    """The parts of an address, whose port is a number.

    Raises:
        RefusedError: it is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedError(f"{url}: not an address: {words(error)}") from None
    if port == 0:
        raise RefusedError(f"{url}: not an address: port 0")
    return parts


def checked_url(url: str, loopback: bool, before: str = "") -> SplitResult:
    """An address that may be fetched from.

    Args:
        url: the address.
        loopback: whether the mirror that was asked first is this machine.
        before: the address that has redirected to it, "" for none.

    Raises:
        RefusedError: it may not.
    """
    parts = split_url(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None:
        raise RefusedError(f"{url}: only https addresses are fetched from")
    if parts.scheme == "http" and (before.startswith("https:") or not (loopback and is_loopback_name(parts.hostname))):
        raise RefusedError(f"{url}: only https addresses are fetched from, plain http at most from this machine")
    if is_loopback_name(parts.hostname) and not loopback:
        raise RefusedError(f"{url}: a mirror may not lead to this machine")
    return parts


def request(url: str, headers: Mapping[str, str], patience: float = PATIENCE) -> Answer:
    """Ask for an address, and for what it redirects to.

    Args:
        url: the address.
        headers: further headers.
        patience: seconds without a byte after which the connection counts as broken.

    Raises:
        RefusedError: an address on the way is not one to fetch from, or there are too many.
        BrokenError: there is no answer.
    """
    loopback, before = is_loopback_name(split_url(url).hostname or ""), ""
    for _ in range(MOST_REDIRECTS + 1):
        answer = _ask(checked_url(url, loopback, before), url, headers, loopback, patience)
        if answer.status not in REDIRECTS:
            return answer
        with answer:
            target = answer.header("Location")
        if not target:
            raise RefusedError(f"{url}: a redirect that leads nowhere")
        before, url = url, joined(url, target)
    raise RefusedError(f"{url}: more than {MOST_REDIRECTS} redirects")


def joined(url: str, target: str) -> str:
    """Where a redirect leads.

    Raises:
        RefusedError: to what is no address.
    """
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise RefusedError(f"{url}: a redirect to {target!r}: {words(error)}") from None


def _ask(parts: SplitResult, url: str, headers: Mapping[str, str], loopback: bool, patience: float) -> Answer:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port, timeout=patience)
    try:
        connection.sock = connect(parts.scheme, host, port, loopback, patience)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"User-Agent": "ringfence", "Accept-Encoding": "identity", **headers})
        return Answer(connection, connection.getresponse(), url)
    except BaseException as error:
        connection.close()
        raise told(error, url) from None


def told(error: BaseException, url: str) -> BaseException:
    """An error of a request as the caller gets it: one that another try may not meet, one that it would, or itself."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return RefusedError(
            f"{url}: {error.verify_message or words(error)}", hint="the certificate is not trusted here"
        )
    if isinstance(error, (OSError, http.client.HTTPException)):
        return BrokenError(f"{url}: {words(error)}")
    if isinstance(error, ValueError):  # a host or a path that no encoding has letters for
        return RefusedError(f"{url}: not an address: {words(error)}")
    return error


def check_peer(raw: socket.socket, scheme: str, host: str, loopback: bool) -> None:
    """See that a connection has reached what its name promises.

    Raises:
        RefusedError: the address is this machine's and the mirror was not, or the other way round for plain http.
    """
    here = is_loopback(raw.getpeername()[0])
    if here != loopback and (here or scheme == "http"):
        raise RefusedError(f"{host}: the name does not lead where a mirror may be")


def connect(scheme: str, host: str, port: int, loopback: bool, patience: float) -> socket.socket:
    """A connection to a host, whose certificate is checked for https.

    A name may resolve to anything: what counts is the address that the connection has reached.

    Raises:
        RefusedError: that address is none for a mirror.
        OSError: there is no connection.
    """
    raw = socket.create_connection((host, port), timeout=patience)
    try:
        check_peer(raw, scheme, host, loopback)
        if scheme == "http":
            return raw
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise
