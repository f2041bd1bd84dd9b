"""A site set to SM throughout, from its first day or from some day on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests import sm_keys
from tests.conftest import verify
from tests.trail import call, sealed
from wx_realname import conf, services
from wx_realname.models import AuditEvent, AuditSeal, Verification, encrypted_field
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services.upkeep.key_use import key_use
from wx_realname.vault import ciphers
from wx_realname.vault.fields import Sealed
from wx_realname.vault.keyring import derive, headers_of

NAME, NUMBER = "欧阳娜", "440524198001010013"
CITIZEN = Citizen(NAME, NUMBER)

Configure = Callable[..., None]
pytestmark = pytest.mark.django_db


def exchange(sandbox: Sandbox, user: Any) -> Verification:
    return services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))


def begin(user: Any) -> Verification:
    return services.begin_face(user=user, openid="oCitizen-1", real_name=NAME, credential_id=NUMBER)


def verified_by_face(sandbox: Sandbox, user: Any) -> Verification:
    row = begin(user)
    assert row.face_encrypted and row.face_encrypted.envelope[:5] == b"\x02\x02\x02e7"
    sandbox.show_face(str(row.verify_id))
    assert call("realname_settle", "--all").strip() == "1 ended (1 verified), 0 still waiting."
    return Verification.objects.get(pk=row.pk)


def find(user: Any, number: str = NUMBER) -> int:
    return len(services.find_person(actor=user, credential_id=number).matches)


@pytest.mark.parametrize("verified", [exchange, verified_by_face])
def test_from_the_first_day(
    sandbox: Sandbox, user: Any, configure: Configure, verified: Callable[..., Verification]
) -> None:
    configure(**sm_keys.ALONE)
    row = verified(sandbox, user)
    assert row.real_name_encrypted.envelope[:5] == b"\x02\x02\x02e7"
    assert services.reveal(row, actor=user, reason="case 1").real_name == NAME
    assert find(user) == 1
    checkpoint = sealed()
    assert checkpoint.startswith("1:sm3:")
    assert list(AuditSeal.objects.values_list("format", "key_id")) == [(2, "a7")]
    assert verify(checkpoint)[0] == 0
    assert verify(checkpoint.replace("sm3:", ""))[0] == 1, "a checkpoint of the other hash"
    AuditEvent.objects.filter(event="reveal").update(reason="case 2")
    assert verify(checkpoint)[0] == 1


def test_from_some_day_on(sandbox: Sandbox, user: Any, configure: Configure) -> None:
    old = exchange(sandbox, user)
    before = sealed()
    assert before.count(":") == 1
    configure(**sm_keys.FIRST)
    other = get_user_model().objects.create(username="other")
    exchange(sandbox, other)
    assert find(user) == 2
    between = sealed()
    assert "1 record re-encrypted, 1 re-indexed." in call("realname_rotate_keys")
    after = sealed()
    assert find(user) == 2
    assert verify(before, between, after)[0] == 0
    assert list(AuditSeal.objects.order_by("number").values_list("format", flat=True)) == [1, 2, 2]
    old.refresh_from_db()
    assert old.index_key_id == "i7"
    use = key_use()
    assert [(key.key_id, key.records) for key in use.encryption] == [("e7", 2), ("e1", 0)]
    assert (use.stale, use.strays) == (0, 0)
    configure(ENCRYPTION_KEYS=sm_keys.ALONE["ENCRYPTION_KEYS"])
    assert services.reveal(old, actor=user, reason="case 1").credential_id == NUMBER


def test_a_face_that_waits_moves_to_sm_keys(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    row = begin(user)
    configure(**sm_keys.FIRST)
    assert "1 record re-encrypted, 0 re-indexed." in call("realname_rotate_keys")
    assert key_use().stale == 0
    configure(**sm_keys.ALONE)
    sandbox.show_face(str(row.verify_id))
    done = services.finish_face(row)
    assert (done.status, done.index_key_id) == ("verified", "i7")
    assert services.reveal(done, actor=user, reason="case 1").credential_id == NUMBER
    assert verify(sealed())[0] == 0


def test_back_to_sha_256_the_chain_still_verifies(
    sandbox: Sandbox, user: Any, configure: Configure, settings: Any
) -> None:
    ours = settings.WX_REALNAME["AUDIT_KEYS"]
    configure(AUDIT_KEYS=sm_keys.FIRST["AUDIT_KEYS"])
    exchange(sandbox, user)
    first = sealed()
    configure(AUDIT_KEYS=[*ours, *sm_keys.ALONE["AUDIT_KEYS"]])
    second = sealed()
    assert (":sm3:" in first, ":sm3:" in second) == (True, False)
    assert verify(first, second)[0] == 0


def test_a_ciphertext_of_the_old_derivation_is_read_and_stale(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    configure(**sm_keys.ALONE)
    row = exchange(sandbox, user)
    texts = {"real_name_encrypted": NAME, "credential_id_encrypted": NUMBER}
    old = {name: of_version_1(name, row, text) for name, text in texts.items()}
    Verification.objects.filter(pk=row.pk).update(**old)
    row.refresh_from_db()
    assert services.reveal(row, actor=user, reason="case 1").real_name == NAME
    assert (key_use().stale, key_use().strays) == (1, 0)
    assert "1 record re-encrypted, 0 re-indexed." in call("realname_rotate_keys")
    row.refresh_from_db()
    assert row.real_name_encrypted.envelope[0] == 2
    assert services.reveal(row, actor=user, reason="case 1").real_name == NAME


def of_version_1(name: str, row: Verification, text: str) -> Sealed:
    """As it was written before HKDF-SM3."""
    key = conf.current().encryption_keys[0]
    place, header = encrypted_field(name).place, bytes(headers_of(key)[1])
    derived = derive(key.material, 16, f"wx_realname/1/encrypt/SM4-GCM/{place}")
    parts = (header, place.encode(), row.pk.bytes)
    bound = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return Sealed(header + ciphers.encrypt(ciphers.SM4GCM(derived), text.encode(), bound))
