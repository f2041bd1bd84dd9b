"""Options of long commands: batch sizes, and progress on a terminal."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

EVERY = 0.5  # seconds between two lines of progress


def add_batch_size(parser: CommandParser, default: int, *, most: int) -> None:
    """Add --batch-size."""

    def size(text: str) -> int:
        if not (text.isdigit() and 1 <= int(text) <= most):
            raise ArgumentTypeError(f"must be a number from 1 to {most}")
        return int(text)

    parser.add_argument(
        "--batch-size", type=size, default=default, help=f"rows at once ({default})"
    )


def progress(stream: Any) -> Callable[[str, int], None]:
    """A function that prints progress on a terminal, and nothing elsewhere."""
    said_at = 0.0

    def say(what: str, count: int) -> None:
        nonlocal said_at
        now = time.monotonic()
        if stream.isatty() and now - said_at >= EVERY:
            said_at = now
            # the next line overwrites it
            stream.write(f"{count} {what}  \r", style_func=str, ending="")
            stream.flush()

    return say
