"""Sends a reply piece by piece, and reports how much of it was sent."""

from __future__ import annotations

import math
import selectors
import socket
import ssl
import threading
from collections.abc import Callable

from .reply import Delivered, Pause, Reply

Write = Callable[[bytes], object]
_SHORT = 0.25  # seconds: in a shorter pause a hang-up isn't watched for


class Delivery:
    """Sends replies on one connection; `stopping` ends every pause."""

    def __init__(self, connection: socket.socket, write: Write, stopping: threading.Event) -> None:
        self._connection = connection
        self._write = write
        self._stopping = stopping

    def send(self, reply: Reply, head: bytes, body: bytes) -> None:
        """Send all of it; raises `OSError` when the client has gone or the server stops."""
        held = b""  # one part is held back until it is known whether it is the last
        for part in reply.pieces(head, body):
            self._hand_over(held, reply, "part")
            held = b"" if isinstance(part, Pause) else part
            if isinstance(part, Pause):
                self._pause(part.seconds)
        self._hand_over(held, reply, "whole" if reply.whole else "part")
        self._pause(reply.ends_after)

    def _hand_over(self, data: bytes, reply: Reply, delivered: Delivered) -> None:
        """Send the bytes; the ledger is written first, so that a reader of the bytes finds it there."""
        if not data:
            return
        reply.tell(delivered)
        try:
            self._write(data)
        except OSError:
            reply.tell("part")  # how much was sent isn't known
            raise

    def _pause(self, seconds: float) -> None:
        if seconds > _SHORT and self._hangs_up_within(seconds):
            raise ConnectionAbortedError("the client went away while it was kept waiting")
        if seconds <= _SHORT and seconds and self._stopping.wait(seconds):
            raise ConnectionAbortedError("the sandbox stops")

    def _hangs_up_within(self, seconds: float) -> bool:
        """Wait. Return whether the client hung up meanwhile, or the server closed its side."""
        patience = None if math.isinf(seconds) else seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            if not selector.select(patience):
                return False
        if self._says_more():
            return self._stopping.wait(patience)  # unread data hides a hang-up
        return True

    def _says_more(self) -> bool:
        """Whether the next request waits. TLS has no peek: data there is taken for the connection's end."""
        if isinstance(self._connection, ssl.SSLSocket):
            return False
        return bool(self._connection.recv(1, socket.MSG_PEEK))
