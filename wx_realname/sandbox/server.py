"""The HTTP server: one thread for each connection, HTTP/1.1 with keep-alive."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import ssl
import struct
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from . import control_api, wechat_api
from .delivery import Delivery
from .reply import Reply
from .stand_in import StandIn
from .wire import Answer, Request, parse_target

logger = logging.getLogger("wx_realname.sandbox")

LARGEST_BODY = 1 << 20  # bytes
IDLE_TIMEOUT = 60.0  # seconds
_LENGTH = re.compile(r"[0-9]{1,12}")
_HARMLESS = re.compile(r"[a-z_.-]{0,32}")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: RST instead of FIN


class CannotListen(Exception):
    """The server can't listen on the address: most often the port is taken."""


class Handler(BaseHTTPRequestHandler):
    """Reads requests, has them answered, delivers the answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_TIMEOUT
    server: SandboxServer

    def setup(self) -> None:
        """Do TLS's handshake, if any, in this connection's thread: a slow client delays nobody else."""
        super().setup()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.do_handshake()

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, query = parse_target(self.path)
        request = Request(self.command, path, query, body, str(self.client_address[0]))
        reply = _answer(self.server.stand_in, request)
        _log(request, reply)
        self._deliver(reply)

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

    def _deliver(self, reply: Reply) -> None:
        """Send a reply. Every answer is sent here, with its faults."""
        self.close_connection = self.close_connection or reply.ends != "keep"
        head = reply.head(self.server.stand_in.state.now(), close=self.close_connection)
        body = b"" if self.command == "HEAD" else reply.body
        Delivery(self.connection, self.wfile.write, self.server.stopping).send(reply, head, body)
        if reply.ends == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.server.resets(self.connection)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request that isn't supported HTTP; `message` may quote it, and isn't sent."""
        self.close_connection = True
        self._deliver(Reply.of(Answer({"error": "this HTTP request can't be served"}, int(code))))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the base class would log the query, and so the tokens."""


class SandboxServer(ThreadingHTTPServer):
    """Serves one `StandIn`, over TLS if given; closing it closes its connections.

    Raises `CannotListen`.
    """

    daemon_threads = True
    allow_reuse_port = False  # else two servers could share one port
    request_queue_size = 128

    def __init__(
        self, host: str, port: int, stand_in: StandIn, tls: ssl.SSLContext | None = None
    ) -> None:
        self.stand_in = stand_in
        self.stopping = threading.Event()
        self._tls = tls
        self._connections: set[socket.socket] = set()
        self._to_reset: set[socket.socket] = set()
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

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection. Its own thread does TLS's handshake."""
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        try:
            secured = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:  # the client has gone already
            connection.close()
            raise ConnectionAbortedError from error
        return secured, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be closed."""
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def resets(self, connection: socket.socket) -> None:
        """Let the connection end with RST, without FIN and without TLS's close_notify."""
        with self._connections_lock:
            self._to_reset.add(connection)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection as it ends."""
        with self._connections_lock:
            self._connections.discard(request)
            reset = request in self._to_reset
            self._to_reset.discard(request)
        if reset:
            self.close_request(request)
            return
        _send_close_notify(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End the open connections, which would be served even after a stop: kept-alive ones, and those in a
        time-out or an endless body.

        On the bare socket: only a connection's own thread may use TLS's shutdown.
        """
        self.stopping.set()
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error by its type and place; its message could quote the request."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):  # the client went away
            return
        place = traceback.extract_tb(error.__traceback__)[-1] if error else None
        logger.error("unexpected %s at %s", type(error).__name__, place)


def _send_close_notify(connection: socket.socket) -> None:
    """Send a TLS client close_notify, without waiting for its answer."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(0)
            connection.unwrap()


def _answer(stand_in: StandIn, request: Request) -> Reply:
    if control_api.is_control(request.path):
        return Reply.of(control_api.answer(stand_in, request))
    return wechat_api.answer(stand_in, request)


def _log(request: Request, reply: Reply) -> None:
    said = f"HTTP {reply.status}" if reply.errcode is None else f"errcode {reply.errcode}"
    if reply.fault:
        said = f"met {reply.fault}" if reply.errcode is None else f"{said}, met {reply.fault}"
    logger.info("%s %s %s", request.method, _loggable(request.path), said)


def _loggable(path: str) -> str:
    """The path without any part that could be a token or a number in the wrong place."""
    if path in wechat_api.ROUTES:
        return path
    parts = path[:200].split("/")
    return "/".join(part if _HARMLESS.fullmatch(part) else "..." for part in parts)
