"""The yearly pack: each figure that an auditor asks for, in JSON and CSV, and nothing of a citizen's."""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, code, number_of, sign_anew
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, identity
from tests.trail import call
from wx_realname.models import AuditEvent, AuditSeal, Consent, Notice, Verification
from wx_realname.services import copy, erase, exchange, find_person, reveal, withdraw

pytestmark = pytest.mark.django_db(transaction=True)
Configure = Callable[..., None]
CHILD, YOUTH = number_of(10), number_of(16)


def pack_of(year: int, folder: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    """The JSON, and each table."""
    call_command("realname_evidence", "--year", str(year), str(folder), stdout=StringIO())
    tables = {
        path.stem: list(csv.DictReader(StringIO(path.read_text("utf-8-sig"), newline="")))
        for path in folder.glob("*.csv")
    }
    return json.loads((folder / "evidence.json").read_text()), tables


@pytest.fixture
def year(liar: LyingWeChat, user: Any, stranger: Any, notice: Notice, configure: Configure) -> int:
    """A year with one of everything; the stranger is the officer."""
    configure(MINORS="refuse", RETENTION_DAYS=30)
    rows = [exchange(user=user, auth_token=f"{AUTH_TOKEN}-{n}", notice=notice.pk) for n in range(3)]
    reveal(rows[0], actor=stranger, reason="with a case", case_number="1")
    reveal(rows[1], actor=stranger, reason="without one")
    find_person(actor=stranger, credential_id=NUMBER)
    copy(rows[0], actor=user)
    erase(rows[0], actor=user, reason="I ask for it")
    withdraw(Consent.objects.select_related("notice").earliest("given_at"), user=user)
    liar.play(identity("赵小宝", CHILD))
    assert code(user, "a-child") == "minor"
    liar.play(identity("赵大宝", YOUTH))
    youth = exchange(user=stranger, auth_token="a-youth", notice=notice.pk)
    copy(youth, actor=user, reason="at the counter")
    Verification.objects.filter(pk=youth.pk).update(verified_at=timezone.now() - timedelta(days=31))
    sign_anew(youth)
    call_command("realname_seal_audit", stdout=StringIO())
    return timezone.localdate().year


def test_every_figure_of_the_year_is_there(
    year: int, tmp_path: Path, user: Any, stranger: Any, settings: Any
) -> None:
    pack, tables = pack_of(year, tmp_path)
    officer, other = str(stranger.pk), str(user.pk)
    names = ("actor_id", "event", "times", "records_reached", "minors", "without_case_number")
    assert [tuple(row[name] for name in names) for row in pack["accesses"]] == sorted(
        [
            (officer, "reveal", 2, 2, 0, 1),
            (officer, "search", 1, 3, 0, 1),
            (other, "copy", 1, 1, 1, 1),
        ]
    )
    assert pack["own_copies"] == {"times": 1}
    (consents,) = pack["consents"]
    assert (consents["purpose"], consents["version"]) == ("real-name", "2026-11")
    assert (consents["given"], consents["withdrawn"]) == (4, 3)
    assert pack["erasures"] == [{"reason": "asked for", "times": 3}]
    assert pack["retention"]["RETENTION_DAYS"] == 30
    assert pack["retention"]["real-name 2026-11 (zh-hans)"] is None
    assert pack["retention"]["overdue_records"] == 1
    assert pack["minors"] == {"looks_under_18": 1, "refused_under_14": 1}
    assert {key["setting"]: key["days"] for key in pack["keys"]} == {
        "ENCRYPTION_KEYS": 0,
        "INDEX_KEYS": 0,
        "AUDIT_KEYS": 0,
    }
    assert pack["certificates"][0]["days_left"] > 0
    seals = AuditSeal.objects.all()
    assert pack["seals"]["last"] == str(seals.latest("number"))
    assert (pack["seals"]["made"], pack["seals"]["verified"]) == (seals.count(), True)
    assert pack["faults"] == [] and pack["seals"]["unsealed"] == 0
    assert all(each["id"].startswith("wx_realname.") for each in pack["checks"])
    assert pack["settings"]["MINORS"] == "refuse" and pack["settings"]["MERCHANTS"] == ["default"]
    rows = {(row["actor_id"], row["event"]): row["times"] for row in tables["accesses"]}
    assert rows == {(officer, "reveal"): "2", (officer, "search"): "1", (other, "copy"): "1"}
    assert {"name": "looks_under_18", "value": "1"} in tables["minors"]
    assert {*tables} == {
        name for name, part in pack.items() if isinstance(part, (list, dict)) and part
    }


def test_no_citizen_and_no_secret_is_in_any_file(year: int, tmp_path: Path, settings: Any) -> None:
    pack_of(year, tmp_path)
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    keys = ("INDEX_KEYS", "AUDIT_KEYS", "ENCRYPTION_KEYS")
    secrets = [key.split(":")[-1] for name in keys for key in settings.WX_REALNAME.get(name, ())]
    merchant = settings.WX_REALNAME["MERCHANTS"]["default"]
    planted = [NAME, NUMBER, CHILD, AUTH_TOKEN, "with a case", merchant["APP_SECRET"], *secrets]
    assert len(secrets) >= 3 and [each for each in planted if each in text] == []


def test_a_dry_run_names_the_files_and_writes_none(year: int, tmp_path: Path) -> None:
    said = call("realname_evidence", "--year", str(year), str(tmp_path / "pack"), "--dry-run")
    assert "evidence.json" in said and not [*tmp_path.iterdir()]


def test_a_trail_that_is_not_intact_is_said(year: int, tmp_path: Path) -> None:
    AuditEvent.objects.filter(event="reveal")[:1].get().delete()
    pack, tables = pack_of(year, tmp_path)
    assert pack["seals"]["verified"] is False
    assert "was removed" in pack["faults"][0]["fault"] == tables["faults"][0]["fault"]


def test_another_year_has_no_figures_of_this_one(year: int, tmp_path: Path) -> None:
    pack, _tables = pack_of(year - 1, tmp_path)
    assert pack["accesses"] == [] and pack["own_copies"] == {"times": 0}
    assert (pack["consents"][0]["given"], pack["consents"][0]["withdrawn"]) == (0, 0)
    assert pack["minors"] == {"looks_under_18": 0, "refused_under_14": 0}


def test_a_keys_age_is_counted_from_its_rotation(year: int, tmp_path: Path, settings: Any) -> None:
    """Records of an older key are under it, too: the oldest record says nothing of its age."""
    old = settings.WX_REALNAME["ENCRYPTION_KEYS"]
    settings.WX_REALNAME = settings.WX_REALNAME | {
        "ENCRYPTION_KEYS": [f"new:AES-256-GCM:{b64encode(bytes(range(32))).decode()}", *old]
    }
    Verification.objects.update(created_at=timezone.now() - timedelta(days=300))
    call_command("realname_rotate_keys", stdout=StringIO(), stderr=StringIO())
    pack, _tables = pack_of(year, tmp_path)
    ages = {key["key_id"]: key["days"] for key in pack["keys"]}
    assert ages["new"] == 0
