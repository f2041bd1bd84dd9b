"""The HTTP server: a thread a connection, HTTP/1.1 with keep-alive."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from . import control_api, wechat_api
from .state import State
from .wire import Answer, Request, parse_target, render

logger = logging.getLogger("wx_realname.sandbox")

LARGEST_BODY = 1 << 20  # bytes
IDLE_TIMEOUT = 60.0  # seconds
_LENGTH = re.compile(r"[0-9]{1,12}")
_HARMLESS = re.compile(r"[a-z_.-]{0,32}")


class CannotListen(Exception):
    """The address can't be listened on: most often the port is taken."""


class Handler(BaseHTTPRequestHandler):
    """Reads requests, has them answered, delivers the answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_TIMEOUT
    server: SandboxServer

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, query = parse_target(self.path)
        request = Request(self.command, path, query, body, str(self.client_address[0]))
        answer = _answer(self.server.state, request)
        _log(request, answer)
        self._deliver(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _read_body(self) -> bytes | None:
        """The body; None when the request was turned away instead."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self.send_error(412)  # what api.weixin.qq.com answers to a chunked body
        elif not _LENGTH.fullmatch(length):
            self.send_error(400)
        elif int(length) > LARGEST_BODY:
            self.send_error(413)
        else:
            return self._read_exactly(int(length))
        return None

    def _read_exactly(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client went away in the middle of its request")
        return body

    def _deliver(self, answer: Answer) -> None:
        """The one way onto the wire: whatever is to go wrong with an answer goes wrong here."""
        rendered = render(
            answer,
            now=self.server.state.now(),
            close=self.close_connection,
            body_wanted=self.command != "HEAD",
        )
        self.wfile.write(rendered)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Turn a request away that isn't HTTP as we speak it; `message` may quote it: not sent."""
        self.close_connection = True
        self._deliver(Answer({"error": "this HTTP request can't be served"}, int(code)))

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: what the base class logs carries the query, and so the tokens."""


class SandboxServer(ThreadingHTTPServer):
    """Serves one `State`; closes what is open when it is closed. Raises `CannotListen`."""

    daemon_threads = True
    allow_reuse_port = False  # else two could listen on one port, and take turns
    request_queue_size = 128

    def __init__(self, host: str, port: int, state: State) -> None:
        self.state = state
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise CannotListen(
                f"can't listen on {host}:{port}: {error.strerror or error}"
            ) from error

    def server_bind(self) -> None:
        """Bind without asking the DNS for this machine's name, which HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be closed."""
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection as it ends."""
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End the kept-alive connections, which would go on being served after a stop."""
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault by its kind and place; its text could quote what was being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):  # the client went away
            return
        place = traceback.extract_tb(error.__traceback__)[-1] if error else None
        logger.error("unforeseen %s at %s", type(error).__name__, place)


def _answer(state: State, request: Request) -> Answer:
    if control_api.is_control(request.path):
        return control_api.answer(state, request)
    return wechat_api.answer(state, request)


def _log(request: Request, answer: Answer) -> None:
    said = f"HTTP {answer.status}" if answer.errcode is None else f"errcode {answer.errcode}"
    logger.info("%s %s %s", request.method, _loggable(request.path), said)


def _loggable(path: str) -> str:
    """The path, less any part that could be a token or a number put where it doesn't belong."""
    if path in wechat_api.ROUTES:
        return path
    parts = path[:200].split("/")
    return "/".join(part if _HARMLESS.fullmatch(part) else "..." for part in parts)
