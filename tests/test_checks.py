"""Each check fires on its fault, names the setting and a way out, and is silent otherwise."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.core.checks import CheckMessage, run_checks
from django.db import connections
from django.test import override_settings

from tests import settings as test_settings
from tests.cases import each
from tests.lying_wechat import LyingWeChat, says
from wx_realname import checks
from wx_realname.api import permissions
from wx_realname.models import Verification
from wx_realname.sandbox import MerchantKey, Sandbox, make_merchant_key
from wx_realname.services import categories

PLACE = 'WX_REALNAME["MERCHANTS"]["default"]'
KEY, OTHER = test_settings.merchant_key, make_merchant_key()
PEM, CERTIFICATE = KEY.private_key_pem.decode(), KEY.certificate_pem.decode()
WHOLE: dict[str, Any] = test_settings.WX_REALNAME  # type: ignore[assignment]
REAL = {name: value for name, value in WHOLE.items() if name not in ("API_BASE_URL", "NAME_INDEX")}
MERCHANT = {"APP_ID": "wx1", "APP_SECRET": "planted-secret", "MCH_ID": "1900000001"}
PAIR = {"PRIVATE_KEY": PEM, "CERTIFICATE": CERTIFICATE}


#: As a certificate of Tenpay's: somebody else vouches for it.
ISSUER = rsa.generate_private_key(65537, 2048)


def issued(to: MerchantKey) -> str:
    """The merchant's certificate, signed by somebody else."""
    own = x509.load_pem_x509_certificate(to.certificate_pem)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com Root CA")])
    certificate = x509.CertificateBuilder(
        issuer,
        own.subject,
        own.public_key(),
        own.serial_number,
        own.not_valid_before_utc,
        own.not_valid_after_utc,
    ).sign(ISSUER, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


ISSUED = {"PRIVATE_KEY": PEM, "CERTIFICATE": issued(KEY)}
IN_PRODUCTION = REAL | {
    "MERCHANTS": {"default": MERCHANT | ISSUED},
    "CONSENT": "required",
    "NAME_INDEX": "none",
}
FILES = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/nowhere"}
SHARED = {"default": FILES}


def at_start(deploy: bool = False) -> list[CheckMessage]:
    """`manage.py check` names no database; from Django 6.1 on, None with a tag means all of them."""
    return run_checks(tags=["wx_realname"], include_deployment_checks=deploy, databases=[])


def checked(raw: Any = None, *, deploy: bool = False, **others: Any) -> list[CheckMessage]:
    raw = WHOLE if raw is None else raw
    with override_settings(WX_REALNAME=raw, **{"CACHES": SHARED, **others}):
        messages = at_start(deploy)
    assert all(message.hint for message in messages)
    assert not [message for message in messages if "planted" in str(message)]
    told = [message for message in messages if message.id == "wx_realname.I001"]
    assert len(told) <= deploy  # no fault: see test_algorithms_checks
    return [message for message in messages if message not in told]


def of_merchant(**names: Any) -> list[CheckMessage]:
    return checked(WHOLE | {"MERCHANTS": {"default": MERCHANT | names}})


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("wx_realname.") for message in messages]


@pytest.mark.parametrize("deploy", [True, False])
def test_right_settings_are_passed_in_silence(deploy: bool) -> None:
    assert checked(IN_PRODUCTION, deploy=deploy) == []
    assert of_merchant(**PAIR, CERT_SERIALNO=KEY.serial.lstrip("0").lower()) == []


@pytest.mark.parametrize("deploy", [False, True])
def test_a_mini_program_for_faces_alone_needs_two_settings(deploy: bool) -> None:
    least = {name: WHOLE["MERCHANTS"]["default"][name] for name in ("APP_ID", "APP_SECRET")}
    before = [each.id for each in checked(deploy=deploy)]
    after = [each.id for each in checked(WHOLE | {"MERCHANTS": {"default": least}}, deploy=deploy)]
    assert not {"wx_realname.E001", "wx_realname.E002", "wx_realname.W013"} & set(after)
    assert set(after) <= set(before)


@each(
    ("raw", "text"),
    [
        (WHOLE | {"STORAGE": "nowhere"}, 'WX_REALNAME["STORAGE"] must be one of'),
        (WHOLE | {"STORAGES": "masked"}, 'WX_REALNAME["STORAGES"] is unknown.'),
        ({}, "WX_REALNAME is empty. If wx_realname.env.settings() made it"),
        ({"STORAGE": "masked"}, 'WX_REALNAME["MERCHANTS"] is missing'),
    ],
)
def test_e001_says_what_is_wrong_and_no_other_check_stumbles_over_it(raw: Any, text: str) -> None:
    messages = checked(raw, deploy=True)
    assert ids(messages) == ["E001"]
    assert messages[0].msg.startswith(text)


def of_either_key(names: dict[str, Any], upcoming: bool) -> tuple[dict[str, Any], str]:
    """A merchant whose key, or whose next one, is this; and the place that a message names."""
    if not upcoming:
        return names, PLACE
    return ISSUED | {"NEXT": names | {"FROM": "2099-01-01T00:00:00Z"}}, f'{PLACE}["NEXT"]'


@each(
    ("names", "text"),
    [
        (
            {"PRIVATE_KEY": PEM, "CERTIFICATE": OTHER.certificate_pem.decode()},
            ": the private key does not belong to the certificate.",
        ),
        (PAIR | {"CERT_SERIALNO": "1" * 40}, '["CERT_SERIALNO"] is 1111'),
        ({"PRIVATE_KEY": PEM}, '["CERTIFICATE_FILE"] is missing'),
        ({"PRIVATE_KEY": "planted"}, '["PRIVATE_KEY"] is not a PEM private key'),
        ({"PRIVATE_KEY_FILE": "/"}, '["PRIVATE_KEY_FILE"] can\'t be read: /: Is a directory'),
        (PAIR | {"CERTIFICATE": "planted"}, '["CERTIFICATE"] is not an X.509 certificate'),
    ],
)
@each("upcoming", [False, True])
def test_e002_names_the_key_that_cannot_be_used(
    names: dict[str, Any], text: str, upcoming: bool
) -> None:
    """`test_merchant_key` has all that can be wrong with one."""
    names, place = of_either_key(names, upcoming)
    messages = of_merchant(**names)
    assert ids(messages) == ["E002"]
    assert messages[0].msg.startswith(place + text)


@each(
    ("error", "hint"),
    [
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), "chmod 600"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "Correct the path"),
        (IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)), "apiclient_key.pem"),
    ],
)
@each("name", ["PRIVATE_KEY_FILE", "CERTIFICATE_FILE"])
def test_e002_hints_at_what_mends_the_reason(
    name: str, error: OSError, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path) -> bytes:
        raise error

    monkeypatch.setattr(Path, "read_bytes", fails)
    key = {} if name == "PRIVATE_KEY_FILE" else {"PRIVATE_KEY": PEM}
    (message,) = of_merchant(**key, **{name: "/etc/wechat/apiclient.pem"})
    assert (
        message.msg
        == f'{PLACE}["{name}"] can\'t be read: /etc/wechat/apiclient.pem: {error.strerror}.'
    )
    assert hint in str(message.hint)


@each("text", [PEM, PEM.replace("\n", "\\n"), "planted" * 40, "a\nplanted"])
def test_e002_never_shows_what_stands_in_place_of_a_path(text: str) -> None:
    (message,) = of_merchant(PRIVATE_KEY_FILE=text)
    assert "can't be read: " in message.msg
    assert "planted" not in message.msg and "BEGIN" not in message.msg


def test_e002_tells_the_merchants_apart() -> None:
    broken = MERCHANT | {"PRIVATE_KEY": "planted"}
    merchants = {"north": broken, "default": MERCHANT | PAIR, "south": broken}
    messages = checked(WHOLE | {"MERCHANTS": merchants})
    assert ids(messages) == ["E002", "E002"]
    assert ['["north"]' in messages[0].msg, '["south"]' in messages[1].msg] == [True, True]


def pair(key: MerchantKey, **names: str) -> dict[str, str]:
    texts = {"PRIVATE_KEY": key.private_key_pem, "CERTIFICATE": key.certificate_pem}
    return {name: text.decode() for name, text in texts.items()} | names


def key_for(days: float) -> MerchantKey:
    return make_merchant_key(valid_for=timedelta(days=days))


def in_days(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).isoformat()


@each(
    ("days", "found", "text"),
    [
        (-1, ["W004"], "the certificate ended on"),
        (-0.001, ["W004"], "the certificate ended on"),
        (0.5, ["W001"], "the certificate ends in 0 days"),
        (59.5, ["W001"], "the certificate ends in 59 days"),
        (60.5, [], ""),
    ],
)
@each("upcoming", [False, True])
def test_a_certificate_is_renewed_in_time(
    days: float, found: list[str], text: str, upcoming: bool
) -> None:
    names, place = of_either_key(pair(key_for(days)), upcoming)
    messages = of_merchant(**names)
    assert ids(messages) == found
    assert all(message.msg.startswith(f"{place}: {text}") for message in messages)


@each(
    ("ends_in", "next_from", "found"),
    [
        (-1, -2, []),  # relieved before its end: the old one may stay in the settings
        (20, 10, []),  # will be relieved in time
        (20, 30, ["W001"]),  # ten days without a certificate
        (-1, 1, ["W004"]),
    ],
)
def test_a_certificate_that_is_relieved_in_time_may_end(
    ends_in: int, next_from: int, found: list[str]
) -> None:
    upcoming = PAIR | {"FROM": in_days(next_from)}
    assert ids(of_merchant(**pair(key_for(ends_in)), NEXT=upcoming)) == found


RESOLVERS = ("MERCHANT_RESOLVER", "OPENID_RESOLVER", "CLIENT_IP_RESOLVER")
OF_A_MERCHANT = ("ACCESS_TOKEN_PROVIDER", "KEY_BACKEND")


@each(
    ("name", "path", "fault"),
    [
        *((name, "os.sep", "can't be called.") for name in (*RESOLVERS, *OF_A_MERCHANT)),
        *((name, "os.sep", "can't be called.") for name in ("SUBJECT_COPY", "DATA_KEY_BACKEND")),
        ("SUBJECT_COPY", "nowhere.it", '"nowhere.it" could not be imported (ModuleNotFoundError).'),
        ("SUBJECT_COPY", "os.no_name", '"os.no_name" could not be imported (ImportError).'),
        ("SUBJECT_COPY", "nodots", '"nodots" could not be imported (ImportError).'),
        ("SUBJECT_COPY", "its_module.fails", '"its_module.fails" could not be imported (RuntimeE'),
        ("KEY_BACKEND", "nowhere.it", '"nowhere.it" could not be imported (ModuleNotFoundError).'),
        ("SUBJECT_COPY", "os.getcwd", ""),
    ],
)
def test_e004_names_the_import_string_that_leads_nowhere(
    name: str, path: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "its_module.py").write_text("raise RuntimeError('planted')")
    monkeypatch.syspath_prepend(tmp_path)
    if name in OF_A_MERCHANT:
        place, messages = PLACE, of_merchant(**PAIR, **{name: path})
    else:
        place, messages = "WX_REALNAME", checked(WHOLE | {name: path})
    messages = [message for message in messages if message.id != "wx_realname.E002"]
    assert ids(messages) == (["E004"] if fault else [])
    assert all(message.msg.startswith(f'{place}["{name}"] {fault}') for message in messages)


@pytest.mark.parametrize(
    ("storage", "permission", "found"),
    [
        ("masked", "MinimumAge(18)", ["W002"]),
        ("masked", "RealNameVerified", []),
        ("encrypted", "MinimumAge(18)", []),
    ],
)
def test_w002_says_that_an_age_cannot_be_told(
    storage: str, permission: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "ages_in_use", set())  # no other test has asked for an age
    monkeypatch.syspath_prepend(tmp_path)
    name = f"urls_{storage}_{permission[:3]}".lower()  # each is imported once
    lines = f"from wx_realname.api.permissions import *\nasked = {permission}\nurlpatterns = []"
    (tmp_path / f"{name}.py").write_text(lines)
    messages = checked(WHOLE | {"STORAGE": storage}, ROOT_URLCONF=name)
    assert ids(messages) == found
    assert all('WX_REALNAME["STORAGE"] is "masked"' in message.msg for message in messages)


@each(
    ("name", "value", "said"),
    [
        ("DAILY_CALL", 5, "is unknown"),
        ("DAILY_CALLS", "many", "is not a number"),
        ("PEAK_CALLS_PER_MINUTE", 0, "is not a number"),
        ("APPLICANT", "某市", None),
        ("DAILY_CALLS", 5, None),
    ],
)
def test_w006_names_what_no_form_asks(name: str, value: Any, said: str | None) -> None:
    messages = of_merchant(**PAIR, APPLICATION={name: value})
    assert ids(messages) == ([] if said is None else ["W006"])
    assert all(name in message.msg and str(said) in message.msg for message in messages)


@pytest.fixture
def shared_cache(settings: Any, tmp_path: Path) -> None:
    """Not in the database: a check at start doesn't ask one."""
    settings.CACHES = {"default": FILES | {"LOCATION": str(tmp_path)}}


@pytest.mark.parametrize(
    ("category", "found"), [([99, 904], []), ([1, 2], ["W007"]), ([98, 1], ["W007"]), (None, [])]
)
def test_w007_warns_of_a_category_that_is_not_open(
    shared_cache: None,
    sandbox: Sandbox,
    configure: Callable[..., None],
    category: Any,
    found: list[str],
) -> None:
    configure(merchant={"CATEGORY_ID": category})
    assert ids(at_start()) == []  # nobody asked WeChat yet
    categories()
    assert ids(at_start()) == found


@pytest.mark.parametrize("id_", [[99], {}, None, "99"])
def test_categories_that_make_no_sense_do_not_keep_the_site_from_starting(
    shared_cache: None, liar: LyingWeChat, configure: Callable[..., None], id_: Any
) -> None:
    odd = {"first_class": "政务", "first_id": id_, "second_id": id_}
    liar.play(says({"category_list": [odd]}), path="/wxa/get_category")
    configure(merchant={"CATEGORY_ID": [99, 904]})
    categories()
    assert ids(at_start()) == ["W007"]


class RecordsApart:
    """A router that keeps records away from their users."""

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "citizens" if model is Verification else None


@pytest.mark.parametrize(("name", "found"), [("elsewhere", ["E006"]), (None, [])])
def test_e006_names_the_databases_that_no_foreign_key_joins(
    name: str | None, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two aliases may lead to one database, with other rights for instance."""
    own = connections["default"].settings_dict
    other = SimpleNamespace(settings_dict=own | ({"NAME": name} if name else {}))
    known = {"default": connections["default"], "citizens": other}
    monkeypatch.setattr(checks, "connections", known)
    messages = checked(DATABASE_ROUTERS=[f"{__name__}.RecordsApart"])
    assert ids(messages) == found
    assert all('"citizens"' in each.msg and '"default"' in each.msg for each in messages)


def test_e009_names_the_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy, found in (("http://127.0.0.1:1", []), ("ftp://citizen:pass@proxy", ["E009"])):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        messages = checked()
        assert ids(messages) == found
        assert "pass" not in "".join(m.msg for m in messages)
