"""A mirror on the loopback interface with one release, and with whatever faults a test asks for."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = b"".join(b"block %06d\n" % number for number in range(60_000))
PATH = "/releases/amd64/amd64/14.1-RELEASE"
ETAG = '"abc-1"'


class Server(http.server.ThreadingHTTPServer):
    """A server whose clients may go away whenever they like."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the test that it happens in may be over."""


class Mirror:
    """A server in a thread. A context manager.

    ``script`` holds what becomes of the next requests for the archive: a name of a fault, or a function that answers.
    Each is used once; then all goes well.
    """

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.digest = hashlib.sha256(data).hexdigest()
        self.etag = ETAG
        self.script: list[str | Callable[[Any], None]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.server = Server(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.stalled = threading.Event()

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.server.server_address[1]}"

    @property
    def url(self) -> str:
        """What --mirror takes."""
        return f"http://{self.host}/releases"

    def __enter__(self) -> Mirror:
        self.thread.start()
        return self

    def speak_tls(self, certificate: Path) -> None:
        """From now on a client has to speak TLS, and gets this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    def __exit__(self, *_: object) -> None:
        self.stalled.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def archive_requests(self) -> list[dict[str, str]]:
        """The headers of each request for base.txz."""
        return [headers for path, headers in self.requests if path.endswith("base.txz")]

    def manifest(self) -> bytes:
        """What the release's MANIFEST holds."""
        lines = [f'kernel.txz\t{"0" * 64}\t5\tkernel\t"Kernel"\ton']
        lines.append(f'base.txz\t{self.digest}\t{len(self.data)}\tbase\t"Base system"\ton')
        return "\n".join(lines).encode()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                mirror.requests.append((self.path, dict(self.headers.items())))
                if self.path == f"{PATH}/MANIFEST":
                    send(self, 200, mirror.manifest())
                elif self.path == f"{PATH}/base.txz":
                    fault = mirror.script.pop(0) if mirror.script else "well"
                    if callable(fault):
                        fault(self)
                    else:
                        mirror.answer(self, fault)
                else:
                    send(self, 404, b"not here")

        return Handler

    def answer(self, request: http.server.BaseHTTPRequestHandler, fault: str) -> None:
        """The archive, or the part of it that was asked for."""
        start = self._start(request)
        if start is not None and start >= len(self.data):
            send(request, 416, b"", {"Content-Range": f"bytes */{len(self.data)}"})
            return
        body = self.data[start or 0 :]
        headers = {"ETag": self.etag, "Content-Length": str(len(body))}
        if start is not None:
            headers["Content-Range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
        if fault == "chunked":
            del headers["Content-Length"]
        if fault == "long":
            headers["Content-Length"] = str(len(body) - 1000)
        if fault == "short":
            headers["Content-Length"] = str(len(body) + 1000)
        begin(request, 200 if start is None else 206, headers)
        if fault in ("cut", "stall"):
            body = body[: len(body) // 2]
        request.wfile.write(body)
        request.wfile.flush()
        if fault == "stall":
            self.stalled.wait()
        request.close_connection = True

    def _start(self, request: http.server.BaseHTTPRequestHandler) -> int | None:
        wanted = request.headers.get("Range")
        if wanted is None or request.headers.get("If-Range") not in (None, self.etag):
            return None
        return int(wanted.removeprefix("bytes=").removesuffix("-"))


def begin(request: http.server.BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    """Status and headers."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()


def send(
    request: http.server.BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
) -> None:
    """A whole answer."""
    begin(request, status, {"Content-Length": str(len(body)), **(headers or {})})
    request.wfile.write(body)


def redirect(target: str) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """An answer that leads elsewhere."""
    return lambda request: send(request, 302, b"", {"Location": target})
