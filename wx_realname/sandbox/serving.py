"""Serving from a command line, until a signal: for `python -m` and for the management command."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from .access_tokens import LIFETIME
from .sandbox import Sandbox

PORT = 8089
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def add_listening_options(parser: argparse.ArgumentParser) -> None:
    """Add --host, --port and --token-lifetime."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=PORT, help="port, or 0 for a free one (%(default)s)"
    )
    parser.add_argument(
        "--token-lifetime",
        type=_lifetime,
        default=LIFETIME,
        metavar="SECONDS",
        help="how long access tokens live (%(default)s)",
    )


def serve_until_signal(sandbox: Sandbox, say: Callable[[str], None]) -> None:
    """Run the sandbox until SIGINT or SIGTERM; `say` gets the line with its address once it is up.

    Raises `CannotListen`. Only the main thread may call this: Python gives signals to no other.
    """
    with _stop_signals() as seen, sandbox:
        say(f"WeChat sandbox ready at {sandbox.url} (control: {sandbox.url}/sandbox/)")
        while not seen:
            time.sleep(0.1)  # an Event set by a signal handler could deadlock with its own wait


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that is empty until one of the signals comes."""
    seen: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        seen.append(signum)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _lifetime(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError("must be a number of seconds, more than 0")
    return seconds
