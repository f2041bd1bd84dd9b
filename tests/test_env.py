"""WX_REALNAME from the environment: every name, read raw, and no value in a complaint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
import pytest
from django.test import override_settings
from environ.fileaware_mapping import FileAwareMapping

from tests import settings as test_settings
from tests.cases import each
from tests.conftest import frames
from wx_realname import conf
from wx_realname.env import settings as from_env
from wx_realname.exceptions import ConfigurationError

PEM = "-----BEGIN PRIVATE KEY-----\\nAA==\\n-----END PRIVATE KEY-----"
KEYS = test_settings.WX_REALNAME["INDEX_KEYS"][0]  # type: ignore[index]
AES = test_settings.WX_REALNAME["ENCRYPTION_KEYS"][0]  # type: ignore[index]
LEAST = {
    "APP_ID": "wx0123456789abcdef",
    "APP_SECRET": "$ecret,with=$IGNS",
    "MCH_ID": "1900006511",
    "PRIVATE_KEY": PEM,
    "ENCRYPTION_KEYS": AES,
    "INDEX_KEYS": KEYS,
}


def read(variables: dict[str, str]) -> dict[str, Any]:
    env = environ.Env()
    env.ENVIRON = {f"WX_REALNAME_{name}": value for name, value in variables.items()}
    return from_env(env)


def failed(call: Callable[[], Any]) -> str:
    """The message; nothing that an error report prints of it quotes a planted value."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    assert [text for text in frames(caught.value) if "planted" in text] == []
    return str(caught.value)


def refused(variables: dict[str, str]) -> str:
    return failed(lambda: read({"APP_SECRET": "planted-secret"} | variables))


def wrong(raw: Any) -> str:
    with override_settings(WX_REALNAME=raw):
        return failed(conf.current)


#: A name, its text, and the value that it becomes.
OF_MERCHANT = [
    ("APP_ID", "wx0123456789abcdef", "wx0123456789abcdef"),
    ("APP_SECRET", "secret", "secret"),
    ("MCH_ID", "0190000651", "0190000651"),
    ("PRIVATE_KEY", PEM, PEM),
    ("PRIVATE_KEY_FILE", "/run/secrets/key.pem", "/run/secrets/key.pem"),
    ("PRIVATE_KEY_PASSPHRASE", "1900006511", "1900006511"),
    ("CERTIFICATE", "-----BEGIN", "-----BEGIN"),
    ("CERTIFICATE_FILE", "cert.pem", "cert.pem"),
    ("CERT_SERIALNO", "0012", "0012"),
    ("CATEGORY_ID", "99,904", [99, 904]),
    ("NEXT", '{"FROM": "2027-01-01T00:00:00Z"}', {"FROM": "2027-01-01T00:00:00Z"}),
    ("KEY_BACKEND", "project.hsm.Key", "project.hsm.Key"),
    ("ACCESS_TOKEN_PROVIDER", "project.tokens.current", "project.tokens.current"),
    ("APPLICATION", '{"公司": ["a", 1]}', {"公司": ["a", 1]}),
]
OF_SITE = [
    ("MERCHANTS", '{"a": {"APP_ID": "$x"}}', {"a": {"APP_ID": "$x"}}),
    ("MERCHANT_RESOLVER", "project.merchant", "project.merchant"),
    ("OPENID_RESOLVER", "project.openid", "project.openid"),
    ("CLIENT_IP_RESOLVER", "project.ip", "project.ip"),
    ("API_BASE_URL", "https://api2.weixin.qq.com", "https://api2.weixin.qq.com"),
    ("CONNECT_TIMEOUT", "1.5", 1.5),
    ("READ_TIMEOUT", "5", 5.0),
    ("TOTAL_TIMEOUT", "15", 15.0),
    ("PENDING_TIMEOUT", "90", 90.0),
    ("CACHE_ALIAS", "sessions", "sessions"),
    ("ENCRYPTION_KEYS", f"{AES}, b:SM4-GCM:$x==", [AES, "b:SM4-GCM:$x=="]),
    ("INDEX_KEYS", f" {KEYS} ,", [KEYS]),
    ("AUDIT_KEYS", f"{KEYS},{KEYS}", [KEYS, KEYS]),
    ("STORAGE", "masked", "masked"),
    ("RESPONSE", "plain", "plain"),
    ("RETENTION_DAYS", "30", 30),
    ("THROTTLE_RATE", "5/min", "5/min"),
    ("THROTTLE_RATE", "none", None),
    ("FACE_RATE", "20/day", "20/day"),
    ("SEARCH_RATE", "none", None),
    ("DATA_KEY_BACKEND", "site.keys.Device", "site.keys.Device"),
    ("CONSENT", "required", "required"),
    ("MINORS", "refuse", "refuse"),
    ("FOUR_EYES", "true", True),
    ("SUBJECT_COPY", "site.views.is_fresh", "site.views.is_fresh"),
    ("NAME_INDEX", "exact", "exact"),
    ("MASK_NAME", "none", "none"),
    ("EXPORT_LIMIT", "5000", 5000),
]


@each(("name", "text", "value"), OF_MERCHANT)
def test_a_variable_of_a_merchant_makes_the_default_one(name: str, text: str, value: Any) -> None:
    assert read({name: text}) == {"MERCHANTS": {"default": {name: value}}}


@each(("name", "text", "value"), OF_SITE)
def test_a_variable_of_the_site_stands_beside_the_merchants(
    name: str, text: str, value: Any
) -> None:
    assert read({name: text}) == {name: value}
    assert type(read({name: text})[name]) is type(value)


def test_every_name_of_the_dict_can_be_given() -> None:
    assert {name for name, *_ in OF_MERCHANT} == set(conf.MERCHANT_NAMES)
    assert {name for name, *_ in OF_SITE} == set(conf.NAMES)


def test_what_is_read_is_a_setting_that_holds() -> None:
    with override_settings(WX_REALNAME=read(LEAST | {"CATEGORY_ID": "99,904"})):
        merchant = conf.current().merchants["default"]
    assert merchant.category_id == (99, 904)
    assert merchant.app_secret is not None
    assert merchant.app_secret.reveal() == "$ecret,with=$IGNS"


@each("secret", ["$HOME", "$", "$$", "a$b", r"\$a", "a#b", '"a"', "a b", "密"])
@each("name", ["APP_SECRET", "PRIVATE_KEY_PASSPHRASE", "PRIVATE_KEY"])
def test_a_secret_is_read_as_it_stands(
    name: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv(f"WX_REALNAME_{name}", secret)
    assert from_env(environ.Env()) == {"MERCHANTS": {"default": {name: secret}}}


@each("name", [*conf.NAMES, *conf.MERCHANT_NAMES])
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert read({name: ""}) == {}


def test_variables_of_others_are_left_alone() -> None:
    env = environ.Env()
    env.ENVIRON = {"WX_REAL": "1", "REALNAME_APP_ID": "1", "XWX_REALNAME_APP_ID": "1"}
    assert from_env(env) == {}


def test_several_merchants_come_as_json() -> None:
    of_one = {name: LEAST[name] for name in ("APP_ID", "APP_SECRET", "MCH_ID", "PRIVATE_KEY")}
    merchants = {"north": of_one, "south": of_one | {"APP_ID": "wx2"}}
    names = {"MERCHANTS": json.dumps(merchants), "INDEX_KEYS": KEYS, "ENCRYPTION_KEYS": AES}
    with override_settings(WX_REALNAME=read(names)):
        assert list(conf.current().merchants) == ["north", "south"]


@each(
    ("variables", "named"),
    [
        (LEAST | {"APP_ID": ""}, "WX_REALNAME_APP_ID"),
        (LEAST | {"STORAGE": "planted"}, "WX_REALNAME_STORAGE"),
        (LEAST | {"INDEX_KEYS": f"{KEYS},planted"}, "WX_REALNAME_INDEX_KEYS"),
        (LEAST | {"NEXT": '{"FROM": "planted"}'}, "WX_REALNAME_NEXT"),
        ({"MERCHANTS": '{"default": {"MCH_ID": "planted"}}'}, "WX_REALNAME_MERCHANTS"),
        ({"MERCHANTS": '{"north": {"MCH_ID": "planted"}}'}, "WX_REALNAME_MERCHANTS"),
        ({"INDEX_KEYS": KEYS}, "WX_REALNAME_APP_ID and the merchant's others"),
    ],
)
def test_a_wrong_setting_that_came_from_a_variable_names_the_variable(
    variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(f"WX_REALNAME_{name}", text)
    assert wrong(from_env(environ.Env())).endswith(f" In the environment: {named}.")


def test_who_sets_no_variables_is_told_of_none() -> None:
    assert wrong(read(LEAST | {"APP_ID": ""})) == (
        'WX_REALNAME["MERCHANTS"]["default"]["APP_ID"] is missing: set it.'
    )


@each(
    ("name", "nearest"),
    [
        ("APPID", "WX_REALNAME_APP_ID"),
        ("APP_SECRETS", "WX_REALNAME_APP_SECRET"),
        ("PRIVATEKEY_FILE", "WX_REALNAME_PRIVATE_KEY_FILE"),
        ("app_id", "WX_REALNAME_APP_ID"),
        ("ENCRYPTION_KEY", "WX_REALNAME_ENCRYPTION_KEYS"),
        ("NEXT_FROM", "WX_REALNAME_NEXT"),
    ],
)
@each("value", ["planted-value", ""])
def test_an_unknown_variable_is_refused_with_the_nearest(
    name: str, nearest: str, value: str
) -> None:
    assert refused({name: value}) == f"WX_REALNAME_{name} is unknown. Did you mean {nearest}?"


SERVICES = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "WEB_SERVICE_HOST"]
SERVICES += ["PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR"]


@each("name", SERVICES)
def test_what_looks_like_a_service_of_kubernetes_is_refused_with_the_way_out(name: str) -> None:
    message = refused({name: "tcp://planted:80"})
    assert message.startswith(f"WX_REALNAME_{name} is unknown. Kubernetes")
    assert "enableServiceLinks: false" in message


@each("name", ["IMPORT", "PORTS", "SERVICE", "SERVICE_HOSTS", "port"])
def test_what_does_not_look_so_has_nothing_to_do_with_kubernetes(name: str) -> None:
    assert "Kubernetes" not in refused({name: "planted"})


@each(
    ("name", "value", "form"),
    [
        *(
            (f"{name}_TIMEOUT", value, "a number of seconds")
            for name in ("CONNECT", "READ", "TOTAL", "PENDING")
            for value in ("planted", "1,5-planted", "10s-planted")
        ),
        ("RETENTION_DAYS", "planted", "a number of days"),
        ("CATEGORY_ID", "99,planted", "numbers with commas, such as 99,904"),
        ("MERCHANTS", '{"planted"}', "a JSON object"),
        ("NEXT", '{"PRIVATE_KEY": "planted', "a JSON object"),
        ("APPLICATION", "planted", "a JSON object"),
    ],
)
def test_a_bad_value_names_the_variable_and_not_the_value(name: str, value: str, form: str) -> None:
    variables = {name: value} | ({"APP_SECRET": ""} if name == "MERCHANTS" else {})
    assert refused(variables) == f"WX_REALNAME_{name} can't be read: it must be {form}."


@each("name", ["APP_SECRET", "CATEGORY_ID", "NEXT"])
def test_one_merchant_and_several_cannot_stand_together(name: str) -> None:
    message = refused({"MERCHANTS": '{"a": {"APP_SECRET": "planted"}}', name: "planted"})
    assert message.startswith("WX_REALNAME_MERCHANTS stands beside WX_REALNAME_")


def file_aware() -> environ.FileAwareEnv:
    """Without what the class has read before and keeps."""
    env = environ.FileAwareEnv()
    env.ENVIRON = FileAwareMapping()
    return env


@each("name", ["APP_SECRET", "PRIVATE_KEY", "INDEX_KEYS"])
def test_file_aware_env_reads_what_a_file_holds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's secrets: django-environ reads NAME from the file that NAME_FILE names."""
    for other, value in LEAST.items():
        if other != name:
            monkeypatch.setenv(f"WX_REALNAME_{other}", value)
    (tmp_path / "secret").write_text(LEAST[name] + "\n")
    monkeypatch.setenv(f"WX_REALNAME_{name}_FILE", str(tmp_path / "secret"))
    with override_settings(WX_REALNAME=from_env(file_aware())):
        merchant = conf.current().merchants["default"]
        if name == "PRIVATE_KEY":  # the name of a file is a setting of ours
            assert merchant.keys.private_key_file == str(tmp_path / "secret")
        assert merchant.app_secret is not None
        assert merchant.app_secret.reveal() == LEAST["APP_SECRET"]


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WX_REALNAME_APP_SECRET_FILE", "/nowhere/secret")
    with pytest.raises(ConfigurationError, match=r"^WX_REALNAME_APP_SECRET_FILE can't be read"):
        from_env(file_aware())
    with pytest.raises(ConfigurationError, match="FileAwareEnv"):
        from_env(environ.Env())
