"""Wrapped keys: opened once a process, by this process's backend, or not at all."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.cases import each
from tests.conftest import at_once
from tests.console import page, staff
from wx_realname import conf, services
from wx_realname.exceptions import ConfigurationError, Misconfigured
from wx_realname.models import AuditEvent, Verification
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services.operation import doctor
from wx_realname.vault import opening

Configure = Callable[..., None]
BACKEND = "tests.test_opening.Mask"
PLANTED = b"planted-key-material-of-32-bytes"


class Mask:
    """Wraps with a mask; `calls` are the unwraps of all instances, `fault` is raised instead."""

    made = 0
    calls: list[bytes] = []
    fault: BaseException | None = None

    def __init__(self) -> None:
        type(self).made += 1

    def wrap(self, key: bytes) -> bytes:
        return bytes(byte ^ 0x5A for byte in key)

    def unwrap(self, wrapped: bytes) -> bytearray:
        self.calls.append(wrapped)
        if self.fault:
            raise self.fault
        return bytearray(byte ^ 0x5A for byte in wrapped)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"made": 0, "calls": [], "fault": None}.items():
        monkeypatch.setattr(Mask, name, value)  # other modules use it, too
    opening.forget()
    yield
    opening.forget()


def wrapped(key_id: str, algorithm: str, material: bytes) -> str:
    text = base64.b64encode(Mask().wrap(material)).decode()
    Mask.made = 0
    return f"{key_id}:{algorithm}:wrapped:{text}"


def all_wrapped(byte: int) -> dict[str, Any]:
    """Keys of a test's own: what was derived from another's is cached."""
    return {
        "DATA_KEY_BACKEND": BACKEND,
        "ENCRYPTION_KEYS": [wrapped("w1", "AES-256-GCM", bytes([byte]) * 32)],
        "INDEX_KEYS": [wrapped("w2", "HMAC-SHA256", bytes([byte + 1]) * 32)],
        "AUDIT_KEYS": [wrapped("w3", "HMAC-SM3", bytes([byte + 2]) * 32)],
    }


def first_key(configure: Configure, material: bytes = PLANTED) -> conf.EncryptionKey:
    key = wrapped("w1", "AES-256-GCM", material)
    configure(DATA_KEY_BACKEND=BACKEND, ENCRYPTION_KEYS=[key])
    return conf.current().encryption_keys[0]


@pytest.fixture
def key(configure: Configure) -> conf.EncryptionKey:
    return first_key(configure)


def test_a_key_is_opened_when_it_is_used_once_by_many_threads(key: conf.EncryptionKey) -> None:
    assert (Mask.made, Mask.calls) == (0, [])
    assert at_once(*[lambda: opening.material(key)] * 8) == [PLANTED] * 8
    assert (Mask.made, len(Mask.calls)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_an_exchange_with_wrapped_keys_opens_each_once(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    configure(**all_wrapped(101))
    citizen = Citizen("欧阳娜", "440524198001010013")
    row = services.exchange(user=user, auth_token=sandbox.issue_auth_token(citizen))
    assert row.status == "verified"
    assert services.reveal(row, actor=user, reason="case 1").real_name == "欧阳娜"
    assert len(Mask.calls) == 3


@pytest.mark.django_db(transaction=True)
def test_a_dead_device_is_misconfigured_before_anything_is_reserved(
    sandbox: Sandbox, auth_token: str, api: Any, configure: Configure, caplog: Any
) -> None:
    configure(**all_wrapped(111))
    Mask.fault = RuntimeError("planted words of the device")
    answer = api().post("/api/realname/verifications/", {"auth_token": auth_token})
    assert (answer.status_code, answer.json()["code"]) == (503, "misconfigured")
    assert not Verification.objects.exists()
    assert "DATA_KEY_BACKEND could not open key w1 (RuntimeError)" in caplog.text
    assert "planted words" not in caplog.text
    made, Mask.fault = Mask.made, None  # back again: nothing of the failure is remembered
    answer = api().post("/api/realname/verifications/", {"auth_token": auth_token})
    assert (answer.status_code, Mask.made) == (201, made + 1)


@pytest.mark.django_db
@pytest.mark.parametrize("content", ["masked", "plain"])
def test_the_console_says_that_the_device_is_gone(
    row: Verification, configure: Configure, content: str
) -> None:
    configure(**all_wrapped(121))
    Mask.fault = RuntimeError()
    officer = staff("view_verification", "export_plaintext")
    events = AuditEvent.objects.count()
    for address, typed in (
        (page("verification", "find"), {"credential_id": "440524198001010013"}),
        (page("verification", "export"), {"content": content, "reason": "case 4711"}),
    ):
        answer = officer.post(address, typed)
        assert (answer.status_code, answer.streaming) == (200, False)
        assert str(Misconfigured.words) in answer.content.decode()
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db
def test_the_doctor_asks_the_device(sandbox: Sandbox, configure: Configure) -> None:
    def found() -> list[tuple[str, str]]:
        lines = [each for each in doctor.examine() if each.topic == "data_keys"]
        return [(each.level, each.says) for each in lines]

    assert found() == []
    configure(**all_wrapped(131))
    Mask.fault = RuntimeError()
    assert [level for level, _ in found()] == ["fault"]
    Mask.fault = None
    assert found() == [("ok", "DATA_KEY_BACKEND opens every wrapped key (3).")]


@pytest.mark.django_db
def test_settling_without_the_device_is_one_clear_line(
    sandbox: Sandbox, configure: Configure
) -> None:
    configure(**all_wrapped(141))
    Mask.fault = RuntimeError()
    with pytest.raises(CommandError, match="which backend failed") as refused:
        call_command("realname_settle", "--all")
    assert refused.value.returncode == 2
    call_command("realname_settle", "--all", "--dry-run", stdout=StringIO())


@each("answer", [32, [1] * 32, None, "1" * 32, True])
def test_only_bytes_are_a_key(
    key: conf.EncryptionKey, caplog: Any, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """`bytes(32)` would be 32 zeros."""
    caplog.clear()
    monkeypatch.setattr(Mask, "unwrap", lambda self, data: answer)
    with pytest.raises(Misconfigured):
        opening.material(key)
    assert "could not open key w1 (TypeError)" in caplog.text


def test_a_key_of_another_length_is_refused_and_no_frame_holds_it(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    with pytest.raises(Misconfigured):
        opening.material(first_key(configure, PLANTED[:16]))
    assert "key w1 with a wrong length" in caplog.text
    with pytest.raises(Misconfigured) as wrong_length:
        opening.material(first_key(configure, PLANTED * 2))
    monkeypatch.setattr(Mask, "unwrap", lambda self, data: PLANTED[:16])
    with pytest.raises(Misconfigured) as not_wrapped:
        opening.wrap(BACKEND, PLANTED)
    for refused in (wrong_length, not_wrapped):
        ours = [each for each in refused.traceback if each.path == Path(opening.__file__)]
        assert ours
        assert PLANTED.decode() not in str([each.frame.f_locals for each in ours])


@each("path", ["tests.test_opening.Missing", "no.such.module.Backend", "bare"])
def test_a_backend_that_is_not_there_is_misconfigured(path: str, configure: Configure) -> None:
    key = wrapped("w1", "AES-256-GCM", PLANTED)
    configure(DATA_KEY_BACKEND=path, ENCRYPTION_KEYS=[key])
    with pytest.raises(Misconfigured):
        opening.material(conf.current().encryption_keys[0])


def test_without_a_backend_a_wrapped_key_is_no_setting(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[wrapped("w1", "AES-256-GCM", PLANTED)])
    with pytest.raises(ConfigurationError, match="DATA_KEY_BACKEND"):
        conf.current()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_the_key_is_there_and_the_backend_another(key: conf.EncryptionKey) -> None:
    opening.material(key)
    child = os.fork()
    if child == 0:
        same = opening.material(key) == PLANTED and len(Mask.calls) == 1
        opening.wrap(BACKEND, PLANTED)
        os._exit(0 if same and Mask.made == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_backends_own_copy_is_overwritten(
    key: conf.EncryptionKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = bytearray(PLANTED)
    monkeypatch.setattr(Mask, "unwrap", lambda self, data: given)
    assert opening.material(key) == PLANTED
    assert given == bytes(32)


def test_no_opened_key_is_shown(key: conf.EncryptionKey, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    opening.material(key)
    shown = repr(key) + repr(conf.current()) + repr(opening._state) + caplog.text
    assert PLANTED.decode() not in shown
