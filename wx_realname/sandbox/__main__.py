"""`python -m wx_realname.sandbox`: a local WeChat, until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from . import verify_rets
from .faults.table import listing
from .merchants import Merchant
from .new_merchant import NewMerchant, make_new_merchant
from .sandbox import Sandbox
from .server import CannotListen
from .serving import (
    add_sandbox_options,
    as_arguments,
    refuse_wrong,
    sandbox_from,
    serve_until_signal,
)

SECRET_VARIABLE = "WX_REALNAME_APP_SECRET"


class Unusable(Exception):
    """The options don't suffice for a merchant; the text says which to give."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal. Return the exit code: 0, or 1 if it can't listen; argparse exits with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.list_faults:
        return _list_faults()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        with _naming_the_option():
            refuse_wrong(vars(options))  # before a merchant is made, which is there from then on
        new = _new_merchant(options)
        sandbox = _sandbox(new.merchant if new else _merchant(options), options)
    except Unusable as error:
        parser.error(str(error))
    exports = partial(_exports, sandbox, new, options)
    try:
        serve_until_signal(sandbox, lambda ready: _say(*exports(sandbox.url), ready))
    except CannotListen as error:
        _say(*exports(sandbox.url_asked_for))
        print(f"{error}. Choose another --port; 0 takes a free one.", file=sys.stderr)
        return 1
    return 0


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


def _list_faults() -> int:
    try:
        _say(*listing(), *verify_rets.listing())
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
    return 0


def _exports(
    sandbox: Sandbox, new: NewMerchant | None, options: argparse.Namespace, url: str
) -> Iterator[str]:
    """Shell lines that point the app at the new merchant, and the command to serve it again."""
    if new is None:
        return
    yield from new.exports(url)
    if sandbox.speaks_tls:
        yield f"export REQUESTS_CA_BUNDLE={shlex.quote(str(sandbox.ca_file))}"
    taken = vars(options) | {"port": urlsplit(url).port}  # with --port 0 it was a free one
    yield f"# to serve it again: {new.again(*as_arguments(taken))}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m wx_realname.sandbox", description="A local WeChat over HTTP, until Ctrl-C."
    )
    parser.add_argument("--app-id", help="the mini-program's appid")
    parser.add_argument("--mch-id", help="the merchant number bound to it")
    parser.add_argument(
        "--certificate",
        action="append",
        metavar="FILE",
        help="the merchant's certificate, PEM; give it twice to try a renewal",
    )
    parser.add_argument(
        "--app-secret-file", metavar="FILE", help=f"holds the app secret (else ${SECRET_VARIABLE})"
    )
    parser.add_argument(
        "--new-merchant",
        metavar="DIR",
        help="make key, certificate and secret in DIR, print the lines to export, and serve",
    )
    add_sandbox_options(parser)
    parser.add_argument(
        "--list-faults",
        action="store_true",
        help="list the faults, and the ID numbers that select them; serve nothing",
    )
    return parser


def _sandbox(merchant: Merchant, options: argparse.Namespace) -> Sandbox:
    with _naming_the_option():
        return sandbox_from([merchant], vars(options))


@contextmanager
def _naming_the_option() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unusable(f"--tls: {error}") from error
    except ValueError as error:
        raise Unusable(f"--{error}") from error


def _new_merchant(options: argparse.Namespace) -> NewMerchant | None:
    if options.new_merchant is None:
        return None
    if options.certificate or options.app_secret_file:
        raise Unusable("--new-merchant makes its own certificate and secret: give none")
    try:
        return make_new_merchant(Path(options.new_merchant), options.app_id, options.mch_id)
    except OSError as error:
        raise Unusable(f"--new-merchant: {error}") from error


def _merchant(options: argparse.Namespace) -> Merchant:
    if not options.app_id:
        raise Unusable("give --app-id, or --new-merchant DIR to make a merchant for a try")
    if bool(options.mch_id) != bool(options.certificate):
        raise Unusable("give both --mch-id and --certificate, or neither: faces need neither")
    certificates = tuple(_read("--certificate", name) for name in options.certificate or ())
    try:
        return Merchant(options.app_id, _app_secret(options), options.mch_id or "", certificates)
    except ValueError as error:
        raise Unusable(str(error)) from error


def _app_secret(options: argparse.Namespace) -> str:
    if options.app_secret_file:
        secret = _read("--app-secret-file", options.app_secret_file).decode("utf-8", "replace")
    else:
        secret = os.environ.get(SECRET_VARIABLE, "")
    if not secret.strip():
        raise Unusable(f"the app secret is missing: set {SECRET_VARIABLE}, or --app-secret-file")
    return secret.strip()


def _read(option: str, name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Unusable(f"{option}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
