"""The setting WX_REALNAME: its defaults, its rules, and that no error of it gives a secret away."""

from __future__ import annotations

import base64
import copy
import pprint
import traceback
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from tests.cases import each
from wx_realname import conf
from wx_realname.exceptions import ConfigurationError
from wx_realname.personal_data import Secret

ABSENT = object()


def key(length: int, text: str = "planted-key-material") -> str:
    return base64.b64encode(text[:length].ljust(length, "!").encode()).decode()


AES, SM4, HASH = f"2026a:AES-256-GCM:{key(32)}", f"2026s:SM4-GCM:{key(16)}", f"i1:{key(32)}"
HEX = b"planted-key-mate".hex()
PEM = "-----BEGIN PRIVATE KEY-----\nplanted-private-key\n-----END PRIVATE KEY-----"
#: Every planted secret has one of these: as it stands, in base64, in hex.
PLANTED = ("planted-", key(32)[:10], HEX[:10])
NEXT = {"PRIVATE_KEY": PEM, "PRIVATE_KEY_PASSPHRASE": "planted-passphrase", "CERT_SERIALNO": "1a"}
MERCHANT = {
    "APP_ID": "wx0123456789abcdef",
    "APP_SECRET": "planted-app-secret",
    "MCH_ID": "1900006511",
    "PRIVATE_KEY": PEM,
    "PRIVATE_KEY_PASSPHRASE": "planted-passphrase",
    "CERTIFICATE": PEM,  # some files hold both
    "NEXT": NEXT | {"FROM": "2027-01-01T08:00:00+08:00"},
}
RIGHT = {
    "MERCHANTS": {"default": MERCHANT},
    "ENCRYPTION_KEYS": [AES, SM4],
    "INDEX_KEYS": [HASH, f"i0:{key(32)}"],
    "AUDIT_KEYS": [f"a1:{key(32)}"],
}
M = ("MERCHANTS", "default")
SECONDS = [("CONNECT_TIMEOUT",), ("READ_TIMEOUT",), ("TOTAL_TIMEOUT",), ("PENDING_TIMEOUT",)]
ENCRYPTION, INDEX, AUDIT = ("ENCRYPTION_KEYS",), ("INDEX_KEYS",), ("AUDIT_KEYS",)
TEXTS: list[tuple[str, ...]] = [(name,) for name in ("CACHE_ALIAS", *conf.NAMES[1:4])]
TEXTS += [(*M, name) for name in ("KEY_BACKEND", "ACCESS_TOKEN_PROVIDER", "CERT_SERIALNO")]
TEXTS += [(*M, name) for name in ("PRIVATE_KEY", "PRIVATE_KEY_PASSPHRASE", "CERTIFICATE")]
REQUIRED = [(*M, "APP_ID"), (*M, "APP_SECRET"), (*M, "MCH_ID")]
NEXT_FROM, URL, RATE = (*M, "NEXT", "FROM"), ("API_BASE_URL",), ("THROTTLE_RATE",)
TEXT = "must be a string that isn't empty."
SHAPE = "must be an http(s) address without user, query or fragment."


def put(inner: Any, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    if value is ABSENT:
        del inner[path[-1]]


def changed(path: tuple[str, ...], value: Any) -> Any:
    """RIGHT with another value at that path, or without one."""
    whole = copy.deepcopy(RIGHT)
    if path:
        put(whole, path, value)
    return whole if path else value


#: Where, wrong values, and what the message says after the place.
RULES: list[tuple[list[tuple[str, ...]], list[Any], str]] = [
    ([()], [[], "planted-", 1], "must be a dict."),
    ([("MERCHANT",)], [{}], 'is unknown. Did you mean "MERCHANTS"?'),
    ([("storage",)], ["masked"], 'is unknown. Did you mean "STORAGE"?'),
    ([("PENDING_TIMOUT",)], [1], 'is unknown. Did you mean "PENDING_TIMEOUT"?'),
    ([("ZZZ",)], [1], "is unknown. Known are: MERCHANTS, MERCHANT_RESOLVER"),
    ([(*M, "APPSECRET")], ["planted-"], 'is unknown. Did you mean "APP_SECRET"?'),
    ([(*M, "NEXT", "APP_ID")], ["x"], "is unknown."),
    ([("MERCHANTS",)], [ABSENT, None, {}, []], "is missing"),
    (
        [("MERCHANTS",), M, (*M, "NEXT"), (*M, "APPLICATION")],
        ["planted-", 1, [1]],
        "must be a dict.",
    ),
    ([(*M, "NEXT"), (*M, "APPLICATION")], ["", 0, []], "must be a dict."),
    ([M], [None, []], "must be a dict."),
    ([("MERCHANTS",)], [{alias: MERCHANT} for alias in (1, "", "a b", "x" * 65)], "has an alias"),
    ([*REQUIRED, NEXT_FROM], [ABSENT, None], "is missing: set it."),
    ([*REQUIRED, *TEXTS, URL, RATE], [1, True, b"planted-", "", " ", ["planted-"]], TEXT),
    ([(*M, "APP_ID")], ["planted-" * 9], "is longer than 64 characters."),
    ([(*M, "APP_SECRET")], ["planted-" * 99], "is longer than 512 characters."),
    ([(*M, "MCH_ID")], ["1" * 33], "is longer than 32 characters."),
    (
        REQUIRED,
        ["planted- 1", "planted-\n1", "planted-\u200b1", "１９００"],
        "must have visible ASCII",
    ),
    ([(*M, "PRIVATE_KEY"), (*M, "NEXT", "PRIVATE_KEY")], [ABSENT], "is missing: set it, or"),
    ([(*M, "CERT_SERIALNO")], ["G1", "1" * 41, "٣"], "must be up to 40 hexadecimal digits."),
    ([NEXT_FROM], ["2027-01-01", "2027-01-01T00:00:00", "soon"], "must be a time with its zone"),
    ([NEXT_FROM], ["9999-12-31T23:59:59-12:00"], "must be a time with its zone"),
    ([NEXT_FROM], [datetime(2027, 1, 1, tzinfo=timezone.utc)], TEXT),
    (
        [(*M, "CATEGORY_ID")],
        [[99], [9, 9, 1], "99", ["99", "9"], [9, True], 9],
        "must be two numbers",
    ),
    (
        SECONDS,
        [0, -1, "3", None, True, [1], float("nan"), float("inf"), 10**9],
        "must be a positive",
    ),
    ([("PENDING_TIMEOUT",)], [40], "must be more than twice TOTAL_TIMEOUT."),
    ([("CACHE_ALIAS",)], ["nowhere"], '"nowhere" is not in CACHES.'),
    ([("STORAGE",), ("RESPONSE",)], ["Plain", "", None, 1, ["plain"]], "must be one of"),
    ([("RETENTION_DAYS",)], [0, -1, 1.5, "30", True, 40_000], "must be a positive number of days"),
    ([RATE], ["10", "0/min", "1/year", "-1/min", "1 /min"], 'must be like "10/min"'),
    ([URL], ["api.weixin.qq.com", "ftp://a.cn", "https://", "https:///x", "https://a:0"], SHAPE),
    ([URL], ["https://u:p@a.cn", "https://a.cn?q", "https://a.cn#f"], SHAPE),
    ([URL], ["https://[::1", "https://a:x"], "isn't a URL."),
    ([URL], ["https://微信.cn", "https://a.cn/网关", "https://a.cn/a b"], "must be visible ASCII"),
    ([URL], [f"http://{host}" for host in ("a.cn", "10.0.0.1", "0.0.0.0", "[::2]")], "https://"),
    ([URL], ["http://localhost.a.cn", "http://127.0.0.1.a.cn"], "must begin with https://"),
    ([ENCRYPTION, INDEX, AUDIT], [AES, [], {}, {"2026a": AES}, {AES}], "must be a list"),
    ([ENCRYPTION, INDEX, AUDIT], [[AES.encode()], [1], (AES for _ in "x")], "must be a list"),
    ([ENCRYPTION, INDEX], [ABSENT, None], "must be a list"),
]
#: The second key of a list, and what the message says after its place. Some have their parts swapped.
KEY_RULES: list[tuple[list[tuple[str, ...]], list[str], str]] = [
    ([ENCRYPTION], ["b:AES-256-GCM", key(32), HASH, f"a:b:c:{key(32)}"], "must have the form"),
    ([ENCRYPTION], [f"b:AES:{key(32)}", f"b:{key(32)}:AES-256-GCM"], "must name one of"),
    ([ENCRYPTION], [f"b:AES-256-GCM:{key(n)}" for n in (0, 16, 31, 33)], "must end with 32 bytes"),
    ([ENCRYPTION], [f"{key(32)}:AES-256-GCM:b", "b:AES-256-GCM:密"], "must end with 32 bytes"),
    ([ENCRYPTION], [f"{HEX}:SM4-GCM:b", f"b:SM4-GCM:{HEX}"], "must end with 16 bytes in base64."),
    ([ENCRYPTION], [f"b:SM4-GCM:{key(32)}"], "must end with 16 bytes"),
    ([ENCRYPTION], [f"{b}:SM4-GCM:{key(16)}" for b in ("", "b" * 33, "b b")], "must begin with"),
    ([ENCRYPTION], [f"2026a:SM4-GCM:{key(16)}", AES], 'repeats the key id "2026a"'),
    ([INDEX, AUDIT], [key(32), f"i2:HMAC-SM3:open:{key(32)}"], "must have the form"),
    ([INDEX, AUDIT], [AES, f"i2:SM3:{key(32)}"], "must name one of the algorithms: HMAC-SHA256"),
    ([INDEX, AUDIT], [f"i2:HMAC-SM3:{key(16)}"], "must end with 32 bytes in base64."),
    ([INDEX, AUDIT], [f"i2:HMAC-SM3:wrapped:{key(48)}"], "is wrapped: set DATA_KEY_BACKEND"),
    ([ENCRYPTION], [f"b:SM4-GCM:wrapped:{key(48)}"], "is wrapped: set DATA_KEY_BACKEND"),
    ([INDEX, AUDIT], [f"{key(32)}:i2", f"i2:{key(16)}"], "must end with 32 bytes in base64."),
    ([INDEX, AUDIT], [f"i 2:{key(32)}"], "must begin with a key id"),
    ([INDEX, AUDIT], [HASH], 'repeats the key id "i1"'),
]
FAULTS = [
    (path, wrong, message) for paths, wrongs, message in RULES for path in paths for wrong in wrongs
] + [
    (path, [AES if path == ENCRYPTION else HASH, wrong], f"[1] {message}")
    for paths, wrongs, message in KEY_RULES
    for path in paths
    for wrong in wrongs
]


def shown(error: BaseException | None) -> Iterator[str]:
    """All that an error report may print of it: texts, and the variables of our frames."""
    if error is None:
        return
    yield from (str(error), repr(error), pprint.pformat(vars(error)))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if Path(frame.f_code.co_filename) != Path(__file__):
            for value in frame.f_locals.values():
                yield from (repr(value), pprint.pformat(value))
    yield from shown(error.__cause__)
    yield from shown(error.__context__)


def leaked(error: BaseException) -> list[str]:
    return [text for text in shown(error) if any(secret in text for secret in PLANTED)]


def refused(raw: Any, **others: Any) -> ConfigurationError:
    with override_settings(WX_REALNAME=raw, **others), pytest.raises(ConfigurationError) as caught:
        conf.current()
    return caught.value


def place(*path: str) -> str:
    return "WX_REALNAME" + "".join(f'["{name}"]' for name in path)


@each(("path", "wrong", "message"), FAULTS)
def test_a_wrong_value_names_its_setting_and_gives_no_secret_away(
    path: tuple[str, ...], wrong: Any, message: str
) -> None:
    error = refused(changed(path, wrong))
    assert str(error).startswith(place(*path))
    assert message in str(error)
    assert leaked(error) == []


@each(
    ("names", "of_merchant", "others", "message"),
    [
        ({}, {"PRIVATE_KEY_FILE": "k"}, {}, f'{place(*M, "PRIVATE_KEY")} and "PRIVATE_KEY_FILE"'),
        ({}, {"CERTIFICATE_FILE": "c"}, {}, f'{place(*M, "CERTIFICATE")} and "CERTIFICATE_FILE"'),
        ({}, {"NEXT": MERCHANT["NEXT"] | {"PRIVATE_KEY_FILE": "k"}}, {}, place(*M, "NEXT")),
        ({"TOTAL_TIMEOUT": 60}, {}, {}, f"{place('PENDING_TIMEOUT')} must be more than twice"),
        ({"RESPONSE": "plain", "STORAGE": "masked"}, {}, {}, f'{place("RESPONSE")} "plain" needs'),
        ({}, {}, {"USE_TZ": False}, "USE_TZ must be True"),
    ],
)
def test_a_contradiction_is_refused_and_gives_no_secret_away(
    names: Any, of_merchant: Any, others: Any, message: str
) -> None:
    error = refused(RIGHT | {"MERCHANTS": {"default": MERCHANT | of_merchant}} | names, **others)
    assert str(error).startswith(message)
    assert leaked(error) == []


@each(
    ("missing", "says"),
    [
        ({}, "WX_REALNAME is missing"),
        ({"WX_REALNAME": None}, "WX_REALNAME is missing"),
        ({"WX_REALNAME": {}}, "WX_REALNAME is empty"),
    ],
)
def test_a_missing_setting_is_told_apart_from_a_wrong_one(
    missing: dict[str, Any], says: str
) -> None:
    with override_settings(**missing):
        if not missing:
            del settings.WX_REALNAME
        assert not conf.is_set()
        with pytest.raises(ConfigurationError, match=says):
            conf.current()


def test_the_defaults_are_those_of_the_interface() -> None:
    least = {"APP_ID": "wx1", "APP_SECRET": "s", "MCH_ID": "1", "PRIVATE_KEY": "k"}
    raw = {"MERCHANTS": {"default": least}, "ENCRYPTION_KEYS": [AES], "INDEX_KEYS": [HASH]}
    with override_settings(WX_REALNAME=raw):
        current = conf.current()
    merchant = current.merchants["default"]
    unset = ("merchant_resolver", "openid_resolver", "client_ip_resolver", "retention_days")
    assert [getattr(current, name) for name in unset] == [None] * 4
    assert current.api_base_url == "https://api.weixin.qq.com"
    times = (current.connect_timeout, current.read_timeout, current.total_timeout)
    assert (*times, current.pending_timeout) == (3.05, 10, 20, 120)
    assert (current.cache_alias, current.throttle_rate) == ("default", "10/min")
    assert (current.storage, current.response, current.audit_keys) == ("encrypted", "masked", ())
    assert merchant.key_backend == "wx_realname.wechat.merchant_key.PemKey"
    assert (merchant.access_token_provider, merchant.category_id) == (None, None)
    assert (merchant.next_keys, merchant.application) == (None, {})


@override_settings(WX_REALNAME=RIGHT)
def test_what_is_given_is_read() -> None:
    current, merchant = conf.current(), conf.current().merchants["default"]
    assert [key.key_id for key in current.encryption_keys] == ["2026a", "2026s"]
    assert current.encryption_keys[1].material == b"planted-key-mate"
    assert [key.key_id for key in current.index_keys] == ["i1", "i0"]
    assert merchant.keys.private_key == Secret(PEM)
    assert merchant.next_keys is not None
    assert merchant.next_keys.cert_serialno == "1A".zfill(40)
    assert merchant.next_from == datetime(2027, 1, 1, tzinfo=timezone.utc)


@each(
    ("path", "value"),
    [
        *((URL, f"http://{host}") for host in ("127.0.0.1", "localhost:8", "[::1]", "127.9.9.9:1")),
        (URL, "https://api2.weixin.qq.com:8443/a"),
        (RATE, None),
        (RATE, "100/day"),
        (("RETENTION_DAYS",), 1),
        (("PENDING_TIMEOUT",), 40.5),
        (("STORAGE",), "masked"),
        (("RESPONSE",), "plain"),
    ],
)
def test_a_right_value_is_taken(path: tuple[str, ...], value: Any) -> None:
    with override_settings(WX_REALNAME=changed(path, value)):
        assert getattr(conf.current(), path[0].lower()) == value


def test_without_an_app_secret_the_tokens_come_from_elsewhere() -> None:
    raw = changed((*M, "APP_SECRET"), ABSENT)
    put(raw, (*M, "ACCESS_TOKEN_PROVIDER"), "project.tokens.current")
    with override_settings(WX_REALNAME=raw):
        assert conf.current().merchants["default"].app_secret is None


def test_override_settings_works() -> None:
    before = conf.current()
    with override_settings(WX_REALNAME=RIGHT):
        assert conf.current().merchants["default"].app_id == MERCHANT["APP_ID"]
        assert conf.current() is conf.current()
    assert conf.current() == before


@each(
    ("path", "value"),
    [(("STORAGE",), "masked"), (ENCRYPTION, [SM4]), ((*M, "MCH_ID"), "1"), ((*M, "NEXT"), None)],
)
def test_a_dict_changed_in_place_is_noticed(path: tuple[str, ...], value: Any) -> None:
    with override_settings(WX_REALNAME=copy.deepcopy(RIGHT)):
        before = conf.current()
        put(settings.WX_REALNAME, path, value)
        assert conf.current() != before
        put(settings.WX_REALNAME, path, "")
        with pytest.raises(ConfigurationError):
            conf.current()


def test_an_override_that_equals_the_one_before_is_read_anew() -> None:
    with override_settings(WX_REALNAME=RIGHT | {"RETENTION_DAYS": 1}):
        assert conf.current().retention_days == 1
    with (
        override_settings(WX_REALNAME=RIGHT | {"RETENTION_DAYS": True}),
        pytest.raises(ConfigurationError, match="RETENTION_DAYS"),
    ):
        conf.current()


@override_settings(WX_REALNAME=RIGHT)
def test_use_tz_turned_off_later_is_noticed() -> None:
    assert conf.current()
    with override_settings(USE_TZ=False), pytest.raises(ConfigurationError, match="USE_TZ"):
        conf.current()


def test_a_key_added_in_place_is_noticed() -> None:
    with override_settings(WX_REALNAME=copy.deepcopy(RIGHT)):
        assert conf.current().encryption_keys[0].key_id == "2026a"
        settings.WX_REALNAME["ENCRYPTION_KEYS"].insert(0, f"2027:SM4-GCM:{key(16)}")
        assert conf.current().encryption_keys[0].key_id == "2027"


@override_settings(WX_REALNAME=RIGHT)
def test_the_settings_themselves_show_no_secret() -> None:
    shown = repr(conf.current()) + pprint.pformat(conf.current()) + str(conf.current())
    assert [secret for secret in PLANTED if secret in shown] == []
    assert "wx0123456789abcdef" in shown


@each(("before", "after"), [("", " \n"), ("\ufeff", "\r\n"), ("\u200b", "\u200b\u2060 ")])
def test_what_is_invisible_at_the_ends_of_a_value_is_trimmed(before: str, after: str) -> None:
    """Files and stores of secrets end with a line break, or begin with a BOM."""

    def padded(text: str) -> str:
        return f"{before}{text}{after}"

    plain, raw = conf.current(), copy.deepcopy(settings.WX_REALNAME)
    merchant = raw["MERCHANTS"]["default"]
    merchant |= {name: padded(merchant[name]) for name in ("APP_ID", "APP_SECRET", "MCH_ID")}
    raw |= {name: [*map(padded, raw[name])] for name in ("ENCRYPTION_KEYS", "INDEX_KEYS")}
    raw["API_BASE_URL"] = padded(raw["API_BASE_URL"])
    with override_settings(WX_REALNAME=raw):
        assert conf.current() == plain


@each("end", ["\n", " ", "\u200b"])
def test_a_passphrase_that_ends_with_a_line_break_is_refused(end: str) -> None:
    padded = copy.deepcopy(settings.WX_REALNAME)
    padded["MERCHANTS"]["default"]["PRIVATE_KEY_PASSPHRASE"] = f"open sesame{end}"
    with (
        override_settings(WX_REALNAME=padded),
        pytest.raises(ConfigurationError, match=r"PRIVATE_KEY_PASSPHRASE.*line break") as caught,
    ):
        conf.current()
    assert "sesame" not in str(caught.value)
