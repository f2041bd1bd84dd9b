"""What is kept, and for how long: erasures after a restore, the trail's end."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from tests.cases import each
from tests.conftest import AUTH_TOKEN
from tests.lying_wechat import NAME, LyingWeChat
from tests.trail import call, faults
from wx_realname import audit
from wx_realname.audit import sealing
from wx_realname.models import AuditAccess, AuditEvent, AuditSeal, Verification
from wx_realname.services import erase, exchange, reveal

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(liar: LyingWeChat, user: Any) -> list[Verification]:
    return [exchange(user=user, auth_token=f"{AUTH_TOKEN}-{n}") for n in range(4)]


def test_fifty_erasures_are_named_and_erased_again_after_a_restore(
    rows: list[Verification], user: Any, tmp_path: Path
) -> None:
    rows += [exchange(user=user, auth_token=f"{AUTH_TOKEN}-more-{n}") for n in range(48)]
    backup = list(Verification.objects.values())
    trail = list(AuditEvent.objects.values())
    for row in rows[:50]:
        erase(row, actor=user, reason="asked")
    kept = tmp_path / "erasures.jsonl"
    kept.write_text(call("realname_erasures"))
    assert NAME not in kept.read_text() and len(kept.read_text().splitlines()) == 50
    Verification.objects.all().delete()
    AuditEvent.objects.all().delete()
    for values in backup:
        Verification.objects.create(**values)
    for values in trail:
        AuditEvent.objects.create(**values)
    assert faults() == []  # the backup alone can't know
    with pytest.raises(SystemExit):
        call("realname_verify_audit", "--erasures", str(kept))
    named = call("realname_replay_erasures", str(kept), "--dry-run")
    assert all(f"{row.pk}, erased at" in named for row in rows[:50])
    assert "Erased again: 50 of 50." in call(
        "realname_replay_erasures", str(kept), "--batch-size", "7"
    )
    assert "Erased again: 0 of 50." in call("realname_replay_erasures", str(kept))
    alive = Verification.objects.filter(status="verified").values_list("pk", flat=True)
    assert set(alive) == {row.pk for row in rows[50:]}
    assert "intact" in call("realname_verify_audit", "--erasures", str(kept))


def test_a_list_that_was_changed_is_refused(
    rows: list[Verification], user: Any, tmp_path: Path
) -> None:
    erase(rows[0], actor=user, reason="asked")
    kept = tmp_path / "erasures.jsonl"
    kept.write_text(call("realname_erasures").replace(str(rows[0].pk), str(rows[1].pk)))
    with pytest.raises(CommandError, match="line 1"):
        call("realname_replay_erasures", str(kept))
    assert Verification.objects.filter(status="verified").count() == 3


@each(
    "line",
    ['{"id": 5, "erased_at": "x", "key_id": "a", "hmac": "b"}', '{"id": ["a"]}', "[" * 10**5],
)
def test_a_line_of_another_shape_is_refused(tmp_path: Path, line: str) -> None:
    kept = tmp_path / "erasures.jsonl"
    kept.write_text(line)
    for command in (["realname_replay_erasures"], ["realname_verify_audit", "--erasures"]):
        with pytest.raises(CommandError, match="line 1") as refused:
            call(*command, str(kept))
        assert refused.value.returncode == 2


def test_a_list_that_index_keys_signed_is_refused_once_audit_keys_are_set(
    rows: list[Verification], tmp_path: Path, settings: Any
) -> None:
    own = settings.WX_REALNAME
    text = f"erasure {rows[0].pk} 2026-11-29T00:00:00+00:00"
    settings.WX_REALNAME = own | {"AUDIT_KEYS": None}
    signature = audit.sign(text)
    assert audit.signed_by(text, signature.key_id, signature.hex)
    settings.WX_REALNAME = own
    fields = {"id": str(rows[0].pk), "erased_at": "2026-11-29T00:00:00+00:00"}
    kept = tmp_path / "erasures.jsonl"
    kept.write_text(json.dumps(fields | {"key_id": signature.key_id, "hmac": signature.hex}))
    with pytest.raises(CommandError, match="before AUDIT_KEYS were set"):
        call("realname_replay_erasures", str(kept))
    assert Verification.objects.filter(status="verified").count() == 4


def aged(years: float) -> None:
    """All that there is, as if it had been sealed that long ago."""
    past = timezone.now() - timedelta(days=365 * years)
    AuditEvent.objects.update(created_at=past)
    AuditAccess.objects.update(created_at=past)
    Verification.objects.exclude(erased_at=None).update(erased_at=past)
    last = AuditSeal.objects.get()
    events = list(AuditEvent.objects.filter(seal=last.number))
    last.created_at = past
    members = sealing.members_of(events, last.format)
    last.root = sealing.root_of(members, last.format)
    last.members = b"".join(id_ + leaf for id_, leaf in members)
    last.hash = sealing.hash_of(last)
    signature = sealing.signatures(last.hash)[0]
    last.hmac, last.key_id = signature.hex, signature.key_id
    last.save()


def test_old_events_go_and_the_trail_still_verifies(rows: list[Verification], user: Any) -> None:
    reveal(rows[0], actor=user, reason="long ago")
    erase(rows[1], actor=user, reason="asked")
    call("realname_seal_audit")
    aged(4)
    assert faults() == []
    before = f"{timezone.localdate() - timedelta(days=1_200):%Y-%m-%d}"
    assert "4 events would be removed" in call(
        "realname_expire_audit", "--before", before, "--dry-run"
    )
    assert "4 events were removed" in call("realname_expire_audit", "--before", before)
    call("realname_seal_audit")
    assert faults() == []
    assert not AuditEvent.objects.filter(event="reveal").exists()
    left = AuditEvent.objects.filter(event="exchange").values_list("verification_id", flat=True)
    assert set(left) == {rows[0].pk, rows[2].pk, rows[3].pk}
    AuditEvent.objects.filter(event="expiry").delete()
    assert any("was removed" in fault for fault in faults())


def test_three_years_are_the_least(rows: list[Verification]) -> None:
    call("realname_seal_audit")
    with pytest.raises(CommandError, match="three years"):
        call("realname_expire_audit", "--before", f"{timezone.localdate():%Y-%m-%d}")
