"""Serves from a command line until a signal: for `python -m`, and for the management command."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from .access_tokens import LIFETIME
from .faults.profiles import KIND, PROFILES
from .faults.trouble import LARGEST_SEED, Trouble
from .merchants import WAYS, Merchant
from .sandbox import Sandbox
from .tls import prepare

PORT = 8089
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_OPTIONS = ("host", "port", "token_lifetime", "profile", "seed", "rate", "tls", "without")


def add_sandbox_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that both commands have."""
    _add_listening_options(parser)
    _add_fault_options(parser)


def sandbox_from(merchants: Iterable[Merchant], options: Mapping[str, Any]) -> Sandbox:
    """The sandbox of those options; raises as `Sandbox` does."""
    given = {name: options[name] for name in _OPTIONS}
    shut: dict[str, Any] = dict.fromkeys(given.pop("without"), False)
    return Sandbox((replace(merchant, **shut) for merchant in merchants), **given)


def refuse_wrong(options: Mapping[str, Any]) -> None:
    """Raise as `Sandbox` does for those options, whatever the merchants are."""
    Trouble(options["profile"], options["seed"], options["rate"])
    if options["tls"] is not None:
        prepare(options["tls"], options["host"])


def as_arguments(options: Mapping[str, Any]) -> Iterator[str]:
    """Those options that aren't the defaults, as words of a command line."""
    parser = argparse.ArgumentParser()
    add_sandbox_options(parser)
    for name in _OPTIONS:
        if options[name] != parser.get_default(name):
            values = options[name] if isinstance(options[name], list) else [options[name]]
            for value in values:
                yield from (f"--{name.replace('_', '-')}", str(value))


def _add_listening_options(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument(
        "--tls",
        type=lambda text: Path(text).absolute(),
        metavar="DIR",
        help="speak TLS, with a CA and a certificate of its own, made in DIR or found there",
    )
    parser.add_argument(
        "--without",
        action="append",
        choices=WAYS,
        default=[],
        help="a method that WeChat hasn't opened to the appid; can be repeated",
    )


def _add_fault_options(parser: argparse.ArgumentParser) -> None:
    profiles = "; ".join(f"{each.name}: {each.description}" for each in PROFILES.values())
    parser.add_argument(
        "--profile",
        choices=tuple(PROFILES),
        default=KIND.name,
        help=f"how it misbehaves ({profiles.replace('%', '%%')}; default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=_seed, help="with the same seed and order of calls, the faults are the same"
    )
    parser.add_argument(
        "--rate", type=_rate, help="the share of calls that meet a fault, from 0 to 1"
    )


def serve_until_signal(sandbox: Sandbox, say: Callable[[str], None]) -> None:
    """Run the sandbox until SIGINT or SIGTERM; `say` gets the line with its address once it is up.

    The lines before it name the profile, unless it is kind, and the CA of TLS. Raises `CannotListen`.
    Only the main thread may call this: Python handles signals in no other.
    """
    with _stop_signals() as seen, sandbox:
        ready = f"WeChat sandbox ready at {sandbox.url} (control: {sandbox.url}/sandbox/)"
        say(
            "\n".join([*_remarks(sandbox), ready])
        )  # the last line: a program that waits for it has read all
        while not seen:
            time.sleep(0.1)  # an Event set by a signal handler could deadlock with its own wait


def _remarks(sandbox: Sandbox) -> Iterator[str]:
    """The lines about profile, seed and CA."""
    trouble = sandbox.trouble
    if trouble.rate:
        yield (
            f"# profile {trouble.profile}: {trouble.rate * 100:g}% of the calls meet a fault; "
            f"the same again by --seed {trouble.seed}"
        )
    if sandbox.speaks_tls:
        yield f"# its clients must trust its CA: REQUESTS_CA_BUNDLE={sandbox.ca_file}"


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


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {LARGEST_SEED}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError("must be a number from 0 to 1")
    return rate
