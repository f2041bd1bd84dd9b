"""A gate on the way to the sandbox: a call can be held before WeChat sees it, or after it answered."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import requests

PATIENCE = 120  # seconds


class Gate:
    """`hold("before", path)` or `hold("after", path)`, wait for `reached`, then `open()`.

    What was held before WeChat saw it never gets there; what was held after is answered.
    """

    def __init__(self, wechat: str) -> None:
        self.reached = threading.Event()
        self._opened = threading.Event()
        self._held = ("", "")
        self._wechat = wechat
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hold(self, when: str, path: str) -> None:
        self._held = (when, path)
        self.reached.clear()
        self._opened.clear()

    def open(self) -> None:
        self._held = ("", "")
        self._opened.set()

    def close(self) -> None:
        self.open()
        self._server.shutdown()
        self._server.server_close()

    def _stopped(self, when: str, path: str) -> bool:
        """Whether the call was held here; once opened, it goes no further."""
        if self._held != (when, path):
            return False
        self.reached.set()
        self._opened.wait(PATIENCE)
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._forward(b"")

            def do_POST(self) -> None:
                self._forward(self.rfile.read(int(self.headers["Content-Length"])))

            def _forward(self, body: bytes) -> None:
                path = urlsplit(self.path).path
                if gate._stopped("before", path):
                    self.close_connection = True
                    return
                address = gate._wechat + self.path
                answer = requests.request(self.command, address, data=body, timeout=PATIENCE)
                gate._stopped("after", path)
                try:
                    self.send_response(answer.status_code)
                    self.send_header("Content-Length", str(len(answer.content)))
                    self.end_headers()
                    self.wfile.write(answer.content)
                except OSError:
                    self.close_connection = True  # who asked is dead

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
