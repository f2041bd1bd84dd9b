"""What a run needs: a folder with keys and certificates, the upstream, Django with a database of its own."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

from wx_realname.sandbox.new_merchant import CERTIFICATE_FILE, KEY_FILE, make_new_merchant
from wx_realname.sandbox.tls import prepare

from .upstream import HOST, Upstream

BUNDLE = "bundle.pem"


@contextmanager
def surroundings(database: str | None, *, sm: bool = False) -> Iterator[Upstream]:
    """Everything made and Django ready; the database is made anew, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wx_realname-benchmarks-") as name:
        folder = Path(name)
        _vouch(folder)
        merchant = make_new_merchant(folder).merchant
        with Upstream(folder) as upstream:
            _environment(folder, upstream.url, database, sm=sm)
            os.environ["WX_REALNAME_APP_ID"] = merchant.app_id
            os.environ["WX_REALNAME_APP_SECRET"] = merchant.app_secret
            os.environ["WX_REALNAME_MCH_ID"] = merchant.mch_id
            with _database():
                yield upstream


def _vouch(folder: Path) -> None:
    """The upstream's certificate, and the usual bundle with its CA: it takes as long to load as any."""
    tls = prepare(folder, HOST)
    usual = Path(certifi.where()).read_bytes()
    (folder / BUNDLE).write_bytes(usual + b"\n" + tls.ca_file.read_bytes())


def _environment(folder: Path, wechat: str, database: str | None, *, sm: bool) -> None:
    for name in [name for name in os.environ if name.startswith("WX_REALNAME_")]:
        del os.environ[name]
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": database or f"sqlite:///{folder / 'db.sqlite3'}",
            "REQUESTS_CA_BUNDLE": str(folder / BUNDLE),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "WX_REALNAME_API_BASE_URL": wechat,
            "WX_REALNAME_PRIVATE_KEY_FILE": str(folder / KEY_FILE),
            "WX_REALNAME_CERTIFICATE_FILE": str(folder / CERTIFICATE_FILE),
            "WX_REALNAME_THROTTLE_RATE": "1000000/min",  # counted, and never reached
            "WX_REALNAME_ENCRYPTION_KEYS": f"b1:{_cipher(sm)}",
            "WX_REALNAME_INDEX_KEYS": f"b1:{_hash(sm)}:{_key()}",
            "WX_REALNAME_AUDIT_KEYS": f"b1:{_hash(sm)}:{_key()}",
        }
    )


def _cipher(sm: bool) -> str:
    return f"SM4-GCM:{_key(16)}" if sm else f"AES-256-GCM:{_key()}"


def _hash(sm: bool) -> str:
    return "HMAC-SM3" if sm else "HMAC-SHA256"


def _key(length: int = 32) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode()


@contextmanager
def _database() -> Iterator[None]:
    """A database beside the one of the URL, as Django's tests make one."""
    import django
    from django.db import connection, connections

    django.setup()
    before = connection.settings_dict["NAME"]
    made = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    os.environ["BENCHMARK_DATABASE"] = str(made)
    _make_citizens()
    try:
        yield
    finally:
        connections.close_all()
        connection.creation.destroy_test_db(before, verbosity=0)


def _make_citizens() -> None:
    from django.db import connection

    from .models import Citizen

    with connection.schema_editor() as editor:
        editor.create_model(Citizen)
