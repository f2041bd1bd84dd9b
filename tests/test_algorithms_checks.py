"""Which parts of an installation are SM: one line of `check --deploy` (I001), and one of the doctor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from tests import settings, sm_keys
from tests.conftest import AUTH_TOKEN
from tests.lying_wechat import LyingWeChat
from wx_realname.services import exchange
from wx_realname.services.operation import algorithms
from wx_realname.vault import keyring

Configure = Callable[..., None]
NOTICES = "digests of notices (SHA-256)"


def infos() -> list[str]:
    found = run_checks(include_deployment_checks=True)
    return [each.msg for each in found if each.id == "wx_realname.I001"]


@pytest.mark.django_db
def test_what_is_sm_is_said_in_one_line(configure: Configure) -> None:
    assert infos() == [algorithms.line()]
    assert algorithms.line().startswith("SM: nothing. Not SM: data at rest (AES-256-GCM); ")
    configure(**sm_keys.ALONE)
    (line,) = infos()
    assert line == algorithms.line() == algorithms.line_of_stored_data()
    assert f"Not SM: {NOTICES}." in line
    assert "\n" not in line
    configure(INDEX_KEYS=sm_keys.FIRST["INDEX_KEYS"])
    assert (
        f"Not SM: indexes and token digests (HMAC-SM3, HMAC-SHA256); {NOTICES}."
        in algorithms.line()
    )


@pytest.mark.django_db(transaction=True)
def test_the_doctor_sees_a_derivation_of_before(
    liar: LyingWeChat, user: Any, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(**sm_keys.ALONE)
    with monkeypatch.context() as before:  # what wrote envelope version 1
        before.setitem(keyring._VERSIONS, "SM4-GCM", (1, 2))
        keyring.column_cipher.cache_clear()
        exchange(user=user, auth_token=AUTH_TOKEN)
    keyring.column_cipher.cache_clear()
    assert "data at rest (SM4-GCM);" in algorithms.line()
    assert "Not SM: data at rest (SM4-GCM, HKDF-SHA256); " in algorithms.line_of_stored_data()
    call_command("realname_rotate_keys", verbosity=0)
    assert algorithms.line_of_stored_data() == algorithms.line()


@pytest.mark.django_db(transaction=True)
def test_the_doctor_sees_what_derived_keys_signed(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    old = settings.WX_REALNAME["INDEX_KEYS"]
    configure(**{**sm_keys.ALONE, "INDEX_KEYS": old, "AUDIT_KEYS": None})
    exchange(user=user, auth_token=AUTH_TOKEN)
    call_command("realname_seal_audit", verbosity=0)
    configure(**{**sm_keys.ALONE, "INDEX_KEYS": [*sm_keys.ALONE["INDEX_KEYS"], *old]})
    assert "; audit trail (HMAC-SM3). Not SM" in algorithms.line()
    assert "; audit trail (HMAC-SM3, HMAC-SHA256); " in algorithms.line_of_stored_data()
