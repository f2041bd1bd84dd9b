"""Nothing secret gets out: not by logs, error reports, the debug page, answers, cache or database.

Names, numbers, tokens and keys that occur nowhere else are planted, and then looked for, in every
form that they could take, wherever something is shown or stored. The frames of the tests are exempt.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import serializers
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection, transaction
from django.test import RequestFactory
from django.utils import timezone
from django.views.debug import technical_500_response

from tests import lying_wechat
from tests import settings as test_settings
from tests.cases import each
from tests.conftest import Reporter, frames, make_stuck
from tests.lying_wechat import FAULTS, TOKEN, Fault, LyingWeChat, doing, identity, says
from wx_realname.exceptions import Misconfigured
from wx_realname.models import AuditEvent, Verification
from wx_realname.personal_data import Secret
from wx_realname.services import erase, exchange, reveal
from wx_realname.services.cache import forget_failures
from wx_realname.wechat.merchant_key import PemKey

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
LIST = "/api/realname/verifications/"

NAME, NUMBER = "司马相龘", "440524198001010013"
AUTH_TOKEN, ACCESS_TOKEN = "planted-auth-token-7c1e5f", "88_planted-access-token-b2d9"
APP_SECRET = "planted-app-secret-0f4a6e"
PEM = test_settings.merchant_key.private_key_pem.decode()
KEYS = [f"planted-{name}-key-".ljust(32, "*") for name in ("encryption", "index", "audit")]
PLANTED = {
    "name": NAME,
    "most of the name": NAME[:3],
    "number": NUMBER,
    "most of the number": NUMBER[:12],
    "the liar's name": lying_wechat.NAME,
    "auth_token": AUTH_TOKEN,
    "access_token": ACCESS_TOKEN,
    "app secret": APP_SECRET,
    "private key": PEM.splitlines()[5],
    **{f"key {key[8:13]}": key for key in KEYS},
}


def forms(text: str) -> set[bytes]:
    """The text as it could be shown or stored."""
    encoded = {text.encode(), text.encode("gb18030"), text.encode("utf-16-le")}
    shown = {ascii(text)[1:-1], quote(text), json.dumps(text)[1:-1]}
    shown |= {form for data in encoded for form in (data.hex(), repr(data)[2:-1])}
    shown |= {base64.b64encode(data).decode().rstrip("=")[:-1] for data in encoded}
    return encoded | {form.encode() for form in shown}


NEEDLES = [(name, form) for name, text in PLANTED.items() for form in forms(text)]


def found_in(hay: Any) -> set[str]:
    """What was planted and is in there."""
    is_binary = isinstance(hay, (bytes, memoryview))
    data = bytes(hay) if is_binary else str(hay).encode("utf-8", "surrogatepass")
    return {name for name, needle in NEEDLES if needle in data}


def leaks(reporter: Reporter) -> list[str]:
    return [told[:200] for told in reporter.told if found_in(told)]


@pytest.fixture(autouse=True)
def _planted(liar: LyingWeChat, configure: Configure, settings: Any) -> None:
    encoded = [base64.b64encode(key.encode()).decode() for key in KEYS]
    configure(
        merchant={"APP_SECRET": APP_SECRET, "PRIVATE_KEY_FILE": None, "PRIVATE_KEY": PEM},
        ENCRYPTION_KEYS=[f"p1:AES-256-GCM:{encoded[0]}"],
        INDEX_KEYS=[f"p1:{encoded[1]}"],
        AUDIT_KEYS=[f"p1:{encoded[2]}"],
    )
    settings.DEBUG = True
    liar.play(says({"access_token": ACCESS_TOKEN, "expires_in": 7200}), path=TOKEN)
    liar.play(identity(NAME, NUMBER))


def leaving(user: Any, **kwargs: Any) -> Exception | None:
    """What leaves services.exchange; no variable here holds anything planted."""
    try:
        exchange(user=user, auth_token=Secret(PLANTED["auth_token"]), **kwargs)
    except Exception as error:
        return error
    return None


def assert_shows_nothing(error: Exception | None) -> None:
    """Neither to an error reporter nor on Django's debug page."""
    told = "\n".join(frames(error))
    assert found_in(told) == set(), told
    if error is not None:
        body = {"auth_token": AUTH_TOKEN}
        request = RequestFactory().post("/", body, "application/json", HTTP_ACCEPT="text/html")
        request.user = AnonymousUser()
        page = technical_500_response(request, type(error), error, error.__traceback__)
        assert page["Content-Type"].startswith("text/html")
        assert found_in(page.content) == set()


def assert_stored_nowhere() -> None:
    """Neither in a column of any table, nor in a cache, nor in the repr of a record."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            for values in cursor.fetchall():
                for value in values:
                    assert found_in(value) == set(), table
    for alias in caches:
        for entry in everything_in(caches[alias]):
            assert found_in(entry) == set(), alias
    rows = [*Verification.objects.all(), *AuditEvent.objects.all()]
    assert rows
    for row in rows:
        assert found_in(f"{row!r} {row} {vars(row)!r}") == set()
        assert found_in(serializers.serialize("json", [row])) == set()


def everything_in(cache: Any) -> list[Any]:
    """Keys and values as they lie in the cache."""
    if isinstance(cache, DatabaseCache):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT cache_key, value FROM {cache._table}")  # noqa: S608
            pairs = cursor.fetchall()
        return [item for key, value in pairs for item in (key, base64.b64decode(value))]
    if isinstance(cache, LocMemCache):
        return [item for pair in cache._cache.items() for item in pair]  # type: ignore[attr-defined]
    client = cache._cache.get_client()
    keys = list(client.scan_iter())
    return keys + [client.dump(key) for key in keys]


# --- the search itself works ------------------------------------------------------------------


@each("name", PLANTED)
def test_what_is_planted_is_found_in_every_form(name: str) -> None:
    text = PLANTED[name]
    shown = (f"<{text}>", repr([text.encode("gb18030")]), json.dumps(text), quote(f"?{text}"))
    for form in (*shown, text.encode("utf-16"), base64.b64encode(text.encode())):
        assert name in found_in(form), form


def test_the_reporter_sees_what_a_careless_library_would_show(reporter: Reporter) -> None:
    try:
        json.loads(f'{{"auth_token": "{AUTH_TOKEN}')
    except ValueError as error:
        assert found_in("\n".join(frames(error))) == {"auth_token"}
        logging.getLogger("any").debug("oops", exc_info=True)
    assert leaks(reporter)


# --- every end of an exchange -----------------------------------------------------------------


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault.name if fault else "ok")
def test_no_end_of_an_exchange_shows_or_stores_anything(
    liar: LyingWeChat, user: Any, api: Any, configure: Any, reporter: Reporter, fault: Fault | None
) -> None:
    if fault:
        configure(**fault.timeouts)
        liar.play(*fault.scripts, path=fault.path)
    first = leaving(user)
    assert (first is None) == (fault is None)
    for error in (first, leaving(user), leaving(user, merchant="unknown")):
        assert_shows_nothing(error)
    answer = api().post(LIST, {"auth_token": f"{AUTH_TOKEN}-again"})
    assert found_in(answer.content) | found_in(answer.headers) == set()
    assert_stored_nowhere()
    assert leaks(reporter) == []


def test_refusals_without_wechat_show_nothing(
    liar: LyingWeChat, user: Any, stranger: Any, reporter: Reporter
) -> None:
    leaving(user)
    errors = [leaving(stranger), leaving(user, notice="x" * 65), leaving(object())]
    make_stuck()
    Verification.objects.update(started_at=timezone.now())
    errors.append(leaving(user))
    assert len({type(error) for error in errors}) == 4
    for error in errors:
        assert_shows_nothing(error)
    assert leaks(reporter) == []


@each(
    "body",
    [
        f'{{"auth_token": "{AUTH_TOKEN}',
        f'{{"auth_token": "{AUTH_TOKEN}", "more": NaN}}',
        f'{{"auth_token": ["{AUTH_TOKEN}"]}}',
        f'{{"auth_token": "{AUTH_TOKEN * 30}"}}',
        f'{{"auth_token": "{AUTH_TOKEN}\\u0000"}}',
        f'{{"auth_token": "{AUTH_TOKEN}", "merchant": "{NUMBER}"}}',
        f'{{"{AUTH_TOKEN}": "{NAME}"}}',
    ],
)
@each("kind", ["application/json", "text/plain"])
def test_a_wrong_body_is_repeated_nowhere(
    api: Any, reporter: Reporter, body: str, kind: str
) -> None:
    answer = api().generic("POST", LIST, body.encode(), content_type=kind)
    assert answer.status_code in (400, 415)
    assert found_in(answer.content) | found_in(answer.headers) == set()
    assert leaks(reporter) == []


# --- what others raise ------------------------------------------------------------------------


class LeakyBytes(bytes):
    def decode(self, *args: str) -> str:
        raise ValueError(bytes(self))


class LeakyDevice(PemKey):
    """A key backend whose errors quote what it was working on, when nobody expects one any more."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        return LeakyBytes(super().decrypt(ciphertext))


class DeafDevice(PemKey):
    def sign(self, message: bytes) -> bytes:
        raise ValueError(PEM)


class StillbornDevice(PemKey):
    def __init__(self, source: Any, mch_id: str) -> None:
        raise RuntimeError(f"{source.private_key.reveal()}")


class LeakyCache(LocMemCache):
    """A cache whose errors quote what it was to keep."""

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        raise ValueError(f"{key} {value!r}")


def leaky_provider(app_id: str) -> str:
    raise RuntimeError(ACCESS_TOKEN)


@pytest.mark.parametrize(
    ("merchant", "code"),
    [
        ({"KEY_BACKEND": f"{__name__}.LeakyDevice"}, "outcome_unknown"),
        ({"KEY_BACKEND": f"{__name__}.DeafDevice"}, "misconfigured"),
        ({"KEY_BACKEND": f"{__name__}.StillbornDevice"}, "misconfigured"),
        ({"PRIVATE_KEY": PEM.replace("E", "F")}, "misconfigured"),
        ({"PRIVATE_KEY": PEM, "CERT_SERIALNO": "7"}, "misconfigured"),
        ({"ACCESS_TOKEN_PROVIDER": f"{__name__}.leaky_provider"}, "wechat_unreachable"),
    ],
)
def test_what_a_hosts_own_parts_raise_goes_no_further(
    user: Any, configure: Configure, reporter: Reporter, merchant: dict[str, Any], code: str
) -> None:
    configure(merchant=merchant)
    error = leaving(user)
    assert getattr(error, "code", None) == code
    assert_shows_nothing(error)
    assert_stored_nowhere()
    assert reporter.told and leaks(reporter) == []


def test_a_cache_that_quotes_what_it_was_given_quotes_no_token(
    user: Any, settings: Any, reporter: Reporter
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.LeakyCache"}}
    forget_failures()
    assert leaving(user) is None
    assert "the cache failed" in "".join(reporter.told) and leaks(reporter) == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_shows_nothing(
    liar: LyingWeChat, user: Any, reporter: Reporter
) -> None:
    def rename(column: str, to: str) -> None:
        table = Verification._meta.db_table
        connection.cursor().execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO {to}")

    lose_a_column = partial(rename, "credential_id_masked", "lost")
    liar.play(doing(lose_a_column, identity(NAME, NUMBER)))
    try:
        during, before = leaving(user), leaving(user)
    finally:
        rename("lost", "credential_id_masked")
    assert getattr(during, "code", None) == "outcome_unknown"
    with transaction.atomic():
        inside = leaving(user)
    for error in (during, before, inside):
        assert error is not None
        assert_shows_nothing(error)
    assert_stored_nowhere()
    assert leaks(reporter) == []


# --- at rest ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_database_file_holds_nothing_plain(
    liar: LyingWeChat, user: Any, stranger: Any, reporter: Reporter
) -> None:
    assert leaving(user) is None
    leaving(stranger)
    row = Verification.objects.get()
    plain = reveal(row, actor=user, reason="a test")
    assert found_in(f"{plain!r} {plain} {[plain]}") == set()
    assert_stored_nowhere()
    erase(row, actor=user, reason="a test")
    assert_stored_nowhere()
    assert leaks(reporter) == []
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        for each in (file, *file.parent.glob(f"{file.name}-*")):
            assert found_in(each.read_bytes()) == set(), each.name


def test_a_ciphertext_that_does_not_open_shows_nothing(
    user: Any, api: Any, configure: Configure, reporter: Reporter
) -> None:
    leaving(user)
    configure(ENCRYPTION_KEYS=["p9:AES-256-GCM:" + "B" * 43 + "="], RESPONSE="plain")
    row = Verification.objects.get()
    with pytest.raises(Misconfigured) as fault:
        reveal(row, actor=user, reason="a test")
    assert_shows_nothing(fault.value)
    answer = api().get(f"{LIST}{row.pk}/")
    assert (answer.status_code, found_in(answer.content)) == (200, set())
    assert answer.json()["real_name"] is answer.json()["credential_id"] is None
    assert leaks(reporter) == []
