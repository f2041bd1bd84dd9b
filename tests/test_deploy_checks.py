"""What only matters in production, and what only the database knows: each check fires on its fault alone."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection

from tests.cases import each
from tests.test_apps import run
from tests.test_checks import (
    FILES,
    IN_PRODUCTION,
    ISSUED,
    MERCHANT,
    PAIR,
    PEM,
    SHARED,
    WHOLE,
    checked,
    ids,
    of_either_key,
)
from wx_realname import checks, database_checks

# --- what only matters in production ------------------------------------------------------------


LOOPBACK = ["http://127.0.0.1:8089", "https://127.0.0.2:8089", "https://LOCALHOST", "https://[::1]"]


@each(
    ("changes", "django", "found"),
    [
        ({"AUDIT_KEYS": None}, {}, ["W003"]),
        *(({"API_BASE_URL": url}, {}, ["W005"]) for url in LOOPBACK),
        ({"RESPONSE": "plain"}, {}, ["W008"]),
        ({"RESPONSE": "plain"}, {"SECURE_SSL_REDIRECT": True}, []),
        ({"RESPONSE": "plain"}, {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_PROTO", "https")}, []),
        ({}, {"DEBUG": True}, ["W009"]),
        ({"NAME_INDEX": "exact"}, {}, ["W022"]),
        ({"CONSENT": "optional"}, {}, ["W023"]),
    ],
)
def test_what_matters_in_production_is_warned_of_there_alone(
    changes: dict[str, Any], django: dict[str, Any], found: list[str]
) -> None:
    assert ids(checked(IN_PRODUCTION | changes, **django)) == []
    messages = checked(IN_PRODUCTION | changes, deploy=True, **django)
    assert ids(messages) == found
    assert all(f'WX_REALNAME["{name}"]' in each.msg for name in changes for each in messages)


@each(
    ("alias", "backend", "found"),
    [
        ("default", "locmem.LocMemCache", ["W010"]),
        ("realname", "locmem.LocMemCache", ["W010"]),
        ("realname", "dummy.DummyCache", ["W010"]),
        ("realname", "filebased.FileBasedCache", []),
        ("realname", "db.DatabaseCache", []),
    ],
)
def test_w010_warns_of_a_cache_that_no_other_process_sees(
    alias: str, backend: str, found: list[str], tmp_path: Path
) -> None:
    own = FILES | {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": str(tmp_path)}
    raw, caches = IN_PRODUCTION | {"CACHE_ALIAS": alias}, SHARED | {alias: own}
    assert ids(checked(raw, CACHES=caches)) == []
    messages = checked(raw, deploy=True, CACHES=caches)
    assert ids(messages) == found
    assert all(f'CACHES["{alias}"]' in message.msg for message in messages)


@each(("mode", "found"), [(0o600, []), (0o640, ["W011"]), (0o604, ["W011"])])
@each("upcoming", [False, True])
def test_w011_names_a_key_file_that_others_can_read(
    mode: int, found: list[str], upcoming: bool, tmp_path: Path
) -> None:
    file = tmp_path / "apiclient_key.pem"
    file.write_text(PEM)
    file.chmod(mode)
    names = {"PRIVATE_KEY_FILE": file, "CERTIFICATE": ISSUED["CERTIFICATE"]}
    names, place = of_either_key(names, upcoming)
    raw = IN_PRODUCTION | {"MERCHANTS": {"default": MERCHANT | names}}
    assert ids(checked(raw)) == []
    messages = checked(raw, deploy=True)
    assert ids(messages) == found
    assert all(message.msg.startswith(f'{place}["PRIVATE_KEY_FILE"]') for message in messages)


def test_a_key_file_that_is_missing_is_e002_alone() -> None:
    names = ISSUED | {"PRIVATE_KEY": None, "PRIVATE_KEY_FILE": "/nowhere"}
    raw = IN_PRODUCTION | {"MERCHANTS": {"default": MERCHANT | names}}
    assert ids(checked(raw, deploy=True)) == ["E002"]


FIRST = WHOLE["INDEX_KEYS"][0].partition(":")[2]


@each(
    ("keys", "texts"),
    [
        ({"AUDIT_KEYS": [f"a1:{FIRST}"]}, ["AUDIT_KEYS.*INDEX_KEYS"]),
        ({"ENCRYPTION_KEYS": [f"e1:AES-256-GCM:{FIRST}"]}, ["INDEX_KEYS.*ENCRYPTION_KEYS"]),
        ({"INDEX_KEYS": [f"i1:{FIRST}", f"i2:{FIRST}"]}, [r"INDEX_KEYS.*\[1\].*INDEX_KEYS.*\[0\]"]),
        (
            {"ENCRYPTION_KEYS": [f"e1:AES-256-GCM:{FIRST}"], "AUDIT_KEYS": [f"a1:{FIRST}"]},
            [
                "INDEX_KEYS.*ENCRYPTION_KEYS",
                "AUDIT_KEYS.*ENCRYPTION_KEYS",
                "AUDIT_KEYS.*INDEX_KEYS",
            ],
        ),
    ],
)
def test_w012_names_the_two_places_of_one_key(keys: dict[str, Any], texts: list[str]) -> None:
    messages = checked(IN_PRODUCTION | keys, deploy=True)
    assert ids(messages) == ["W012"] * len(texts)
    assert all(re.search(text, each.msg) for text, each in zip(texts, messages, strict=True))
    assert FIRST not in str(messages)
    assert checked(IN_PRODUCTION | keys) == []


@each("name", ["ENCRYPTION_KEYS", "INDEX_KEYS", "AUDIT_KEYS"])
def test_a_key_id_that_stands_for_two_keys_is_an_error_at_any_time(name: str) -> None:
    other = base64.b64encode(bytes(32)).decode()
    first = WHOLE[name][0]
    messages = checked(WHOLE | {name: [first, f"{first.rpartition(':')[0]}:{other}"]})
    assert ids(messages) == ["E001"]
    assert f'WX_REALNAME["{name}"][1] repeats the key id' in messages[0].msg


@each("deploy", [True, False])
@each("upcoming", [False, True])
def test_w013_knows_the_sandboxs_certificates(deploy: bool, upcoming: bool) -> None:
    names, place = of_either_key(PAIR, upcoming)
    raw = IN_PRODUCTION | {"MERCHANTS": {"default": MERCHANT | names}}
    messages = checked(raw, deploy=deploy)
    assert ids(messages) == (["W013"] if deploy else [])
    assert all(message.msg.startswith(f"{place}: ") for message in messages)


# --- what only the database knows ---------------------------------------------------------------


def of_database() -> list[CheckMessage]:
    messages = run_checks(tags=["database"], databases=["default"])
    return [each for each in messages if str(each.id).startswith("wx_realname.")]


NAME_COLUMN = "wx_realname_verification.real_name_masked"


@each(
    ("spoken", "default", "columns", "found"),
    [
        ("utf8mb4", "utf8mb4", [], []),
        ("utf8mb4", "latin1", [(NAME_COLUMN, "utf8mb4")], []),
        ("utf8mb4", "utf8mb3", [], ["default character set is utf8mb3"]),
        ("utf8mb3", "utf8mb4", [], ["connection's character set is utf8mb3"]),
        ("utf8mb4", "utf8mb4", [(NAME_COLUMN, "gbk")], [f"{NAME_COLUMN} is gbk"]),
    ],
)
def test_e005_names_what_has_no_room_for_rare_characters(
    spoken: str, default: str, columns: Any, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mysql = MagicMock(vendor="mysql")
    cursor = mysql.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value, cursor.fetchall.return_value = (spoken, default), columns
    monkeypatch.setattr(database_checks, "connections", {"default": mysql})
    messages = list(database_checks.every_name_fits(["default"]))
    assert ids(messages) == ["E005"] * len(found)
    assert all(text in each.msg for text, each in zip(found, messages, strict=True))


@pytest.mark.django_db
def test_the_database_of_the_tests_takes_every_name() -> None:
    assert of_database() == []


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_e005_finds_a_narrow_column_of_a_real_database() -> None:
    alter = (
        "ALTER TABLE wx_realname_verification MODIFY real_name_masked varchar(255) CHARACTER SET {}"
    )
    with connection.cursor() as cursor:
        cursor.execute(alter.format("utf8mb3"))
        try:
            assert [each.msg.split()[2:5] for each in of_database()] == [
                [NAME_COLUMN, "is", "utf8mb3,"]
            ]
        finally:
            cursor.execute(alter.format("utf8mb4"))


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_e010_finds_the_ids_of_a_mariadb_that_was_upgraded() -> None:
    assert connection.features.has_native_uuid_field
    column = "wx_realname_auditevent.verification_id"
    alter = "ALTER TABLE wx_realname_auditevent MODIFY verification_id {} NULL"
    with connection.cursor() as cursor:
        cursor.execute(alter.format("char(32)"))
        try:
            (found,) = of_database()
        finally:
            cursor.execute(alter.format("uuid"))
    assert (ids([found]), found.msg.split()[2:5]) == (["E010"], [column, "is", "char(32),"])
    assert "Django 5.0's release notes" in str(found.hint)


def test_no_check_asks_a_database_that_was_not_named() -> None:
    """pytest-django refuses every query here; a cache in the database must not be asked either."""
    cache = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    assert checked(IN_PRODUCTION, deploy=True, CACHES={"default": cache}) == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_CN"])
def test_a_postgresql_database_that_lacks_characters_is_refused(
    encoding: str, tmp_path: Path
) -> None:
    """By `check`, `migrate` and the doctor: before a token is spent."""
    name = f"{connection.settings_dict['NAME']}_{encoding.lower()}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(
            f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' TEMPLATE template0 "
            "LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    narrow = connection.copy()
    narrow.settings_dict["NAME"] = name
    try:
        ((what, hint),) = database_checks._too_narrow(narrow)
        assert encoding in what and "UTF8" in hint
        assert not list(database_checks._too_narrow(connection))
        own = {name: narrow.settings_dict[name] for name in ("ENGINE", "HOST", "PORT", "NAME")}
        own |= {name: narrow.settings_dict[name] for name in ("USER", "PASSWORD")}
        commands = (("check", "--database", "default"), ("migrate",), ("realname_doctor",))
        for command in commands:
            ended = run(tmp_path, f"DATABASES = {{'default': {own}}}", "-m", "django", *command)
            assert ended.returncode, command
            said = " ".join((ended.stdout + ended.stderr).split())
            assert f"its encoding is {encoding}, which has no room for every name" in said, said
    finally:
        narrow.close()
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}"')


def test_merchants_without_a_default_are_named(settings: Any, configure: Any) -> None:
    ours = settings.WX_REALNAME["MERCHANTS"]["default"]
    configure(MERCHANTS={"clinic": ours, "school": ours})
    (warning,) = checks.a_merchant_is_chosen()
    assert warning.id == "wx_realname.W024" and "clinic, school" in warning.msg
    configure(MERCHANT_RESOLVER="project.resolver")
    assert not list(checks.a_merchant_is_chosen())
