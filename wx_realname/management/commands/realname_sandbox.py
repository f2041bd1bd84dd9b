"""Serves a local WeChat for the merchants of WX_REALNAME, until Ctrl-C."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from django.core.management.base import CommandError, CommandParser

from wx_realname import conf
from wx_realname.management.base import RealnameCommand
from wx_realname.sandbox import CannotListen, Merchant, Sandbox
from wx_realname.sandbox.serving import add_sandbox_options, sandbox_from, serve_until_signal
from wx_realname.services.clients import client_for


class Command(RealnameCommand):
    help = "Serve a local WeChat for the merchants of WX_REALNAME, until Ctrl-C."
    requires_system_checks = ()  # it needs no database, and few settings

    def add_arguments(self, parser: CommandParser) -> None:
        add_sandbox_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sandbox = sandbox_from(_merchants(), options)
            serve_until_signal(sandbox, lambda ready: self._say(f"{_export(sandbox)}\n{ready}"))
        except ValueError as error:
            raise CommandError(str(error)) from error
        except CannotListen as error:
            raise CommandError(f"{error}. Choose another --port; 0 takes a free one.") from error
        except OSError as error:
            raise CommandError(f"--tls: {error}") from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _export(sandbox: Sandbox) -> str:
    return f"export WX_REALNAME_API_BASE_URL={sandbox.url}  # else the site asks the real WeChat"


def _merchants() -> list[Merchant]:
    """The merchants that can be played: with an app secret, and a certificate unless for faces alone."""
    playable = []
    for merchant in conf.current().merchants.values():
        keys = client_for(merchant).keys.all() if merchant.mch_id else ()
        pems = tuple(k.certificate.public_bytes(Encoding.PEM) for k in keys if k.certificate)
        if merchant.app_secret and bool(pems) == bool(merchant.mch_id):
            secret = merchant.app_secret.reveal()
            playable.append(Merchant(merchant.app_id, secret, merchant.mch_id or "", pems))
    if not playable:
        raise CommandError(
            "No merchant of WX_REALNAME has an APP_SECRET and, if it has an MCH_ID, a certificate: set "
            "CERTIFICATE or CERTIFICATE_FILE (python -m wx_realname.sandbox --new-merchant DIR makes "
            "one to try)."
        )
    return playable
