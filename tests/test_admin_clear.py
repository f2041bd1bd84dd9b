"""What a clerk reads in the console: sentences, human titles, times with their clock, facts told as facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from tests.cases import each
from tests.conftest import brought_to, outcome, verify
from tests.console import EVERY, page, records, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname import audit
from wx_realname.admin.sentences import sentence
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import erase, export, find_person
from wx_realname.services.operation.verified import last_verified

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
CHINESE = {"Accept-Language": "zh-hans"}
TRAIL = page("auditevent")


@pytest.fixture
def officer() -> Client:
    return staff(*EVERY)


def words_of(client: Client, address: str, **headers: str) -> str:
    """The page's text, tags gone, blanks joined."""
    text = client.get(address, headers=headers).content.decode()
    return " ".join(re.sub(r"<[^>]*>", " ", text[text.index("<main") :]).split())


def of(row: Verification) -> str:
    return page("verification", row.pk, "change")


# --- the record -------------------------------------------------------------------------------


def test_a_record_is_called_by_person_and_status_never_by_its_id(
    officer: Client, row: Verification
) -> None:
    text = officer.get(of(row)).content.decode()
    for tag in ("h1", "title"):
        (heading,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.DOTALL)
        assert "**娜 · verified" in heading and str(row.pk) not in heading
    crumbs = text[text.index("wx-breadcrumbs") : text.index("</ol>")]
    assert "**娜" in crumbs and str(row.pk) not in crumbs
    reveal = officer.get(page("verification", row.pk, "reveal")).content.decode()
    crumbs = reveal[reveal.index("wx-breadcrumbs") : reveal.index("</ol>")]
    assert "**娜" in crumbs and f">{row.pk}<" not in crumbs


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("pending", "正在向微信查询。"),
        ("erased", "姓名和身份证号已删除"),
        ("rejected", "用户无实名信息 请用户先在微信支付中完成实名认证"),
        ("failed", ""),
        ("unknown", "请重新授权"),
    ],
)
def test_every_status_says_what_it_means_and_what_to_do(
    officer: Client, liar: LyingWeChat, user: Any, stranger: Any, status: str, said: str
) -> None:
    row = brought_to(status, liar, user)
    outcome(stranger)  # who tries the same token
    events = [page("auditevent", event.pk, "change") for event in AuditEvent.objects.all()]
    for address in (page("verification"), of(row), *events):
        assert officer.get(address).status_code == 200
    found = officer.get(of(row), headers=CHINESE).content.decode()
    assert said in words_of(officer, of(row), **CHINESE)
    meaning = re.search(r'class="wx-words">(.*?)</span>', found, re.DOTALL)
    assert meaning and len(re.sub(r"<[^>]*>", "", meaning[1]).strip()) > 4


@pytest.mark.parametrize(
    ("method", "said", "unsaid"),
    [("face", "行业能力 → 人脸核身", "实名授权"), ("authorize", "实名授权", "人脸核身”中申请")],
)
def test_a_return_code_means_what_it_does_for_the_records_own_method(
    officer: Client, row: Verification, method: str, said: str, unsaid: str
) -> None:
    Verification.objects.filter(pk=row.pk).update(
        method=method, status="failed", error_code="misconfigured", errcode=48001
    )
    words = words_of(officer, of(row), **CHINESE)
    assert said in words and unsaid not in words


def test_times_are_to_the_second_and_name_their_clock(
    officer: Client, row: Verification, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.search(f"{stamp} 北京时间", words_of(officer, of(row), **CHINESE))
    assert re.search(f"{stamp} Beijing time", words_of(officer, of(row)))
    settings.TIME_ZONE = "Europe/Berlin"
    assert re.search(f"{stamp} Europe/Berlin", words_of(officer, of(row)))


def test_no_doubt_is_a_plain_no_and_doubt_is_explained_at_the_top(
    officer: Client, row: Verification
) -> None:
    text = officer.get(of(row)).content.decode()
    assert "icon-no" not in text and "may have consumed" not in text
    Verification.objects.filter(pk=row.pk).update(in_doubt=True)
    text = officer.get(of(row)).content.decode()
    assert text.index("may have consumed") < text.index("<details")


def test_technical_fields_are_folded_and_the_rest_is_not(
    officer: Client, row: Verification
) -> None:
    text = officer.get(of(row)).content.decode()
    main, technical = text[: text.index("<details")], text[text.index("<details") :]
    assert "**娜" in main and "authorize button" in main and row.app_id not in main
    assert str(row.pk) in technical and row.app_id in technical


def test_the_trail_of_a_record_is_a_timeline(officer: Client, row: Verification) -> None:
    officer.post(page("verification", row.pk, "reveal"), {"reason": "case 4711"})
    text = officer.get(of(row)).content.decode()
    timeline = text[text.index('<ol class="wx-timeline">') :]
    assert timeline.index("exchange ended") < timeline.index("case 4711")
    assert "history" not in text


# --- sentences --------------------------------------------------------------------------------


def test_what_the_machine_writes_is_told_in_the_readers_language(
    officer: Client, row: Verification, user: Any, configure: Configure
) -> None:
    find_person(actor=user, credential_id=NUMBER)
    find_person(actor=user, real_name=NAME, credential_id=NUMBER)
    rows = Verification.objects.all()
    list(export(rows, actor=user, plain=True, reason="case 9", filters={"status": "verified"}))
    list(export(rows, actor=user, plain=False))
    erase(row, actor=None, reason="RETENTION_DAYS")
    staff("view_auditevent", username="other").get(page("verification", row.pk, "reveal"))
    chinese, english = words_of(officer, TRAIL, **CHINESE), words_of(officer, TRAIL)
    for said in (
        "按身份证号查找，找到 1 条。",
        "按姓名和身份证号查找，找到 1 条。",
        "明文；状态：已核验；case 9",
        "脱敏；全部记录",
        "1 行；全部导出",
        "保存期限已满。",
        "缺少权限：可查看姓名和身份证号明文。",
    ):
        assert said in chinese
    for said in (
        "Searched by ID number: 1 found.",
        "in plain text; status: verified; case 9",
        "1 row; all of them",
        "Lacks the permission: Can reveal name and ID number.",
    ):
        assert said in english
    for machine in ("found: 1", "plain; ", "rows: 1", "RETENTION_DAYS"):
        assert machine not in chinese + english


@each(
    ("event", "reason", "said"),
    [
        ("reveal", "by name; found: 44", "by name; found: 44"),
        ("search", "by name; found: 44444+", "Searched by name: more than 44,444 found."),
        ("export", "plain; all; a; b", "in plain text; all records; a; b"),
        ("export_ended", f"rows: 12345, cut short; export {UUID(int=1)}", "12,345 rows; cut short"),
        ("export_requested", f"request {UUID(int=1)}; all; why", "all records; why"),
        ("rotation", "begun: to e2 and i2", "Begun: to the keys e2 and i2."),
        ("expiry", "events of seal 7", "Events of seal 7."),
        ("erase", "the user was deleted", "The user was deleted."),
        ("erase", "the citizen asked", "the citizen asked"),
        ("search", "written by hand", "written by hand"),
    ],
)
def test_officers_words_and_unknown_forms_stay_as_they_are(
    event: str, reason: str, said: str
) -> None:
    assert sentence(AuditEvent(event=event, reason=reason)) == said


# --- the list of the trail ----------------------------------------------------------------------


def test_an_id_is_short_in_the_list_with_the_whole_at_hand(
    officer: Client, row: Verification
) -> None:
    text = officer.get(TRAIL).content.decode()
    assert f'title="{row.pk}"' in text and f'data-copy="{row.pk}"' in text
    assert f"…{str(row.pk)[-8:]}</a>" in text and f">{row.pk}<" not in text


def test_seals_in_a_row_are_one_line_that_opens(officer: Client) -> None:
    records(1)
    for _ in range(3):
        list(audit.seal())
    text = officer.get(TRAIL).content.decode()
    assert text.count("trail sealed</strong>") == 0 and "3 seals, since" in text
    events = AuditEvent.objects.filter(event="seal")
    assert all(f"/{event.pk}/change/" in text for event in events)
    text = officer.get(f"{TRAIL}?event=seal").content.decode()
    assert text.count("trail sealed</strong>") == 3


def test_each_cell_names_its_column_for_narrow_windows(officer: Client, row: Verification) -> None:
    for address in (TRAIL, page("verification")):
        text = officer.get(address).content.decode()
        body = text[text.index("<tbody>") : text.index("</tbody>")]
        cells = re.findall(r"<t[dh]\b[^>]*>", body)
        assert cells and all("data-label=" in cell for cell in cells)


# --- integrity ----------------------------------------------------------------------------------


def test_integrity_is_unknown_until_a_verification_ran(officer: Client, row: Verification) -> None:
    cache.clear()
    words = words_of(officer, TRAIL)
    assert "Not known: this site has no result of realname_verify_audit." in words
    assert "none yet" in words and "1 event is not sealed yet, since" in words
    list(audit.seal())
    audit.append(AuditEvent.Event.SEARCH, audit.Origin(), using="default")
    words = words_of(officer, TRAIL)
    assert "none yet" not in words and "Last seal: number 1, made at" in words
    assert "1 event is not sealed yet, since" in words


@pytest.fixture
def _cache_in_memory(settings: Any) -> None:
    """A result isn't kept in a cache that is a table of the database: verifying writes nothing there."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "integrity"}}


@pytest.mark.usefixtures("_cache_in_memory")
def test_integrity_says_when_up_to_which_seal_and_by_which_checkpoint(
    officer: Client, row: Verification
) -> None:
    seal = list(audit.seal())[-1]
    assert verify()[0] == 0
    assert "compared with no checkpoint" in words_of(officer, TRAIL)
    assert verify(str(audit.Checkpoint.of(seal)))[0] == 0
    for address in (TRAIL, page("hourlystatistic")):
        words = words_of(officer, address)
        assert "The trail was intact up to seal 1 when it was verified at" in words
        assert "compared with the checkpoint of seal 1." in words
    assert "审计日志完整：截至第 1 次封存，校验于" in words_of(officer, TRAIL, **CHINESE)


@pytest.mark.usefixtures("_cache_in_memory")
def test_integrity_says_that_the_trail_is_not_intact(officer: Client, row: Verification) -> None:
    list(audit.seal())
    AuditEvent.objects.filter(event="exchange").update(actor_id="7")
    assert verify()[0] == 1
    assert "NOT intact" in words_of(officer, TRAIL)


@pytest.mark.usefixtures("_cache_in_memory")
def test_a_result_that_the_trails_keys_did_not_sign_is_no_result(row: Verification) -> None:
    list(audit.seal())
    verify()
    assert last_verified() is not None
    key = "wx_realname:verified"
    text, key_id, hex_ = cache.get(key)
    for planted in ([text.replace("1", "2"), key_id, hex_], [text, "x", hex_], "intact", None, 7):
        cache.set(key, planted)
        assert last_verified() is None


def test_a_run_that_did_not_end_reports_nothing(row: Verification) -> None:
    cache.clear()
    with pytest.raises(CommandError):
        verify("nonsense")
    call_command("realname_verify_audit", "--dry-run")
    assert last_verified() is None
