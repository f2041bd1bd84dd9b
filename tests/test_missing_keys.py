"""Keys that records stand under and the settings lack are named (W025), with how many records need each."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core.management import call_command
from django.db import router
from django.utils import timezone

from tests import settings as test_settings
from tests.console import FIND, staff
from tests.rotation import CITIZEN, E1, E2, I1, I2, PERSON, S3, Configure, made
from tests.test_doctor import doctor
from tests.trail import call, change, is_reported
from wx_realname import database_checks, services
from wx_realname.exceptions import InvalidAuthToken
from wx_realname.models import Verification
from wx_realname.sandbox import Sandbox
from wx_realname.services import missing_keys
from wx_realname.vault.fields import Sealed

pytestmark = pytest.mark.django_db
AUDIT_KEY = test_settings.WX_REALNAME["AUDIT_KEYS"][0]  # type: ignore[index]


@pytest.fixture
def without_three(configure: Configure) -> None:
    """Records under two encryption keys and one index key that are gone."""
    configure(ENCRYPTION_KEYS=[E2], INDEX_KEYS=[I2])
    made(1)
    waiting = {"face_encrypted": Sealed(b"\x01\x01\x02e2" + bytes(28))}
    made(1, **waiting, real_name_encrypted=None, credential_id_encrypted=None)
    configure(ENCRYPTION_KEYS=[S3], INDEX_KEYS=[I2])
    made(1)
    configure(ENCRYPTION_KEYS=[E1], INDEX_KEYS=[I1])
    made(1)


def warnings() -> list[str]:
    alias = router.db_for_write(Verification)
    return [found.msg for found in database_checks.no_key_is_missing([alias])]


def both_say(capsys: Any) -> list[str]:
    """What the doctor says of keys; W025 says the same, and names the settings by WX_REALNAME."""
    capsys.readouterr()
    with pytest.raises(SystemExit):
        call_command("realname_doctor", no_color=True)
    faults = re.findall("(?m)^fault   - keys: (.* lacks[.])", capsys.readouterr().out)
    checked = [re.sub(r"(\w+_KEYS)", r'WX_REALNAME["\1"]', fault) for fault in faults]
    assert sorted(warnings()) == sorted(checked)
    return sorted(faults)


@pytest.mark.usefixtures("without_three")
def test_the_records_of_each_key_that_is_missing_are_counted(sandbox: Sandbox, capsys: Any) -> None:
    assert both_say(capsys) == [
        "1 record is under key 's3' (SM4-GCM), which ENCRYPTION_KEYS lacks.",
        "2 records are under key 'e2' (AES-256-GCM), which ENCRYPTION_KEYS lacks.",
        "3 records are under key 'i2', which INDEX_KEYS lacks.",
    ]
    assert list(database_checks.no_key_is_missing(None)) == []


def test_nothing_is_said_where_every_key_is_there(sandbox: Sandbox, configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[S3, E1], INDEX_KEYS=[I2, I1])
    made(2)
    configure(ENCRYPTION_KEYS=[E1, S3], INDEX_KEYS=[I1, I2])
    made(2)
    assert warnings() == [] and "keys" not in doctor()[1]


def test_the_same_id_with_another_algorithm_is_another_key(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[S3.replace("s3", "e1")])
    made(1)
    configure(ENCRYPTION_KEYS=[E1])
    assert [each.key for each in missing_keys.of_ciphertexts(Verification.objects.all())] == [
        "'e1' (SM4-GCM)"
    ]


def test_what_is_no_ciphertext_hides_no_missing_key(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[E2])
    spoilt, _ = made(2)
    change(spoilt, real_name_encrypted=b"?", credential_id_encrypted=b"?")
    configure(ENCRYPTION_KEYS=[E1])
    (missing,) = missing_keys.of_ciphertexts(Verification.objects.all())
    assert missing == missing_keys.MissingKey("ENCRYPTION_KEYS", "'e2' (AES-256-GCM)", 1)


def test_a_key_of_token_digests_alone_is_counted(
    sandbox: Sandbox, configure: Configure, user: Any, capsys: Any
) -> None:
    """Without it, a token that was refused is taken for a new one."""
    configure(INDEX_KEYS=[I1])
    with pytest.raises(InvalidAuthToken):
        services.exchange(user=user, auth_token="refused")
    configure(INDEX_KEYS=[I2])
    assert both_say(capsys) == ["1 record is under key 'i1', which INDEX_KEYS lacks."]


def test_a_face_has_no_token_to_be_recognized(configure: Configure, capsys: Any) -> None:
    """Its digest is of its own id: the key may go."""
    now, method = timezone.now(), Verification.Method.FACE
    moments = {"created_at": now, "started_at": now}
    Verification.objects.create(method=method, token_digest="d", token_key_id="i1", **moments)
    configure(INDEX_KEYS=[I2, I1])
    assert "INDEX_KEYS i1: can be removed" in call("realname_rotate_keys")
    configure(INDEX_KEYS=[I2])
    assert both_say(capsys) == []


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("before", [["a7" + AUDIT_KEY.removeprefix("a1")], None])
def test_a_key_of_the_trail_is_counted(
    before: list[str] | None,
    sealed: bool,
    sandbox: Sandbox,
    configure: Configure,
    user: Any,
    capsys: Any,
) -> None:
    """Without it, everything that asks for the record is misconfigured. None: it is derived."""
    configure(AUDIT_KEYS=before, INDEX_KEYS=[I1])
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))
    if sealed:
        call("realname_seal_audit")
    configure(AUDIT_KEYS=[AUDIT_KEY], INDEX_KEYS=[I2 if before is None else I1])
    setting, key = ("AUDIT_KEYS", "a7") if before else ("INDEX_KEYS", "i1")
    signed = "2 outcome codes and seals" if sealed else "1 outcome code or seal"
    says = f"{signed} of the audit trail {'are' if sealed else 'is'} under key '{key}', which"
    said = both_say(capsys)
    assert f"{says} {setting} lacks." in said
    if sealed:
        is_reported(f"{setting} lacks {key}, which signed 1 seal, number 1: it can't be verified")
    assert len(said) == (1 if before else 2)


def find(**typed: str) -> str:
    client = staff("view_verification")
    return unescape(client.post(FIND, typed).content.decode())


def test_find_says_what_it_cannot_search(configure: Configure) -> None:
    configure(INDEX_KEYS=[I2])
    made(3)
    configure(INDEX_KEYS=[I1])
    told = find(credential_id=PERSON.credential_id)
    assert "Nobody was found" in told
    assert "3 records can't be found: INDEX_KEYS lacks their keys" in told


def test_find_says_whose_name_it_cannot_compare(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[E2], INDEX_KEYS=[I1])
    made(1)
    configure(ENCRYPTION_KEYS=[E1], NAME_INDEX="none")
    told = find(credential_id=PERSON.credential_id, real_name=PERSON.real_name)
    assert "1 record has this number, but its name" in told and "can't be found" not in told


def test_find_warns_of_nothing_where_every_key_is_there(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[E1], INDEX_KEYS=[I1])
    made(1)
    assert 'role="alert"' not in find(credential_id=PERSON.credential_id)
