"""Serving: the page on this machine alone, rendered anew for each request."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock
from typing import Any, cast

from gradx.report.errors import PortError, ReportError
from gradx.report.page import trouble
from gradx.report.style import POLICY

__all__ = ["HOST", "PageServer"]

HOST = "127.0.0.1"
"""Nothing outside this machine can reach it."""
_PATIENCE = 10.0
"""Seconds after which a browser that says nothing is let go."""

_HEADERS = (
    ("Content-Security-Policy", f"{POLICY}; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class PageServer(ThreadingHTTPServer):
    """Serves one page under the path `/`.

    Args:
        port: where to; 0 lets the system choose.
        render: makes the page.

    Raises:
        PortError: the port cannot be used; says why.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let two programs share the port

    def __init__(self, port: int, render: Callable[[], bytes]) -> None:
        self._render = render
        self._one_at_a_time = Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "another program uses it" if taken else error.strerror or str(error)
            raise PortError(
                f"port {port}: cannot be served on ({reason}); name another, or 0 for any"
            ) from None

    def server_bind(self) -> None:
        """Take the port, without looking a name up in the network, as an HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which a browser on this machine asks for it."""
        return tuple(f"{name}:{self.server_port}" for name in (HOST, "localhost"))

    def page(self) -> tuple[HTTPStatus, bytes]:
        """The page as it is now, or one that says what is in its way."""
        with self._one_at_a_time:
            try:
                return HTTPStatus.OK, self._render()
            except ReportError as error:
                return HTTPStatus.INTERNAL_SERVER_ERROR, trouble(str(error))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no fault; everything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    timeout = _PATIENCE
    default_request_version = "HTTP/1.0"  # the answer to a request of no version has headers too

    @property
    def _of(self) -> PageServer:
        return cast(PageServer, self.server)

    def do_GET(self) -> None:
        """The page, for who asks this machine for it by its name.

        Another name in `Host` is that of a site whose address was turned to this machine, so that
        its scripts could read the answer.
        """
        if self.headers.get_all("Host") is None or self.headers["Host"] not in self._of.hosts:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, f"ask for {self._of.address}")
        elif self.path != "/":
            self.send_error(HTTPStatus.NOT_FOUND, f"there is only {self._of.address}")
        else:
            self._answer(*self._of.page(), kind="text/html")

    do_HEAD = do_GET

    def parse_request(self) -> bool:
        """As of any request, if it is one to read."""
        if not super().parse_request():
            return False
        if self.command in ("GET", "HEAD"):
            return True
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """One line of text instead of a page."""
        status = HTTPStatus(code)
        self._answer(status, f"{status.phrase}: {message or status.description}\n".encode())

    def _answer(self, status: HTTPStatus, content: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        for name, value in _HEADERS:
            self.send_header(name, value)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def version_string(self) -> str:
        """What it says of itself."""
        return "gradx"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal has the address, and that is enough."""
