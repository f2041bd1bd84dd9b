"""Reasons and case numbers go into the trail for good: no number of a person, and no name, goes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cases import each
from tests.lying_wechat import NAME, NUMBER
from wx_realname.exceptions import InvalidRequest
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import copy, erase, export, find_person, reveal
from wx_realname.services.reasons import require_case_number, require_reason

FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
MOBILE = "13812345678"

#: Each is personal data, however it is typed.
PERSONAL = [
    NUMBER,
    NUMBER.translate(FULL_WIDTH),
    f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
    f"{NUMBER[:6]}－{NUMBER[6:14]}–{NUMBER[14:]}",
    f"{NUMBER[:6]}.{NUMBER[6:14]}_{NUMBER[14:]}",
    " ".join(NUMBER),
    "\u200b".join(NUMBER),
    f"身份证{NUMBER}号",
    "11010519491231002x",
    "110105194912310021",  # its check digit is wrong
    "110105491231002",
    MOBILE,
    MOBILE.translate(FULL_WIDTH),
    "138 1234 5678",
    "138-1234-5678",
    f"+86{MOBILE}",
    f"+86 {MOBILE}",
    f"0086-{MOBILE}",
    f"0{MOBILE}",
    f"电话{MOBILE}。",
]

#: What an office writes every day.
HARMLESS = [
    "case 4711",
    "4711-2026/12",
    "(2026)粤0106民初12345号",
    "20261129123456",  # a moment
    "2026-11-29 12:30:45, desk 3",
    "between 2026-11-01 and 2026-11-29",
    "2026112900001234",  # 16 digits
    "20261129000000123456",  # 20 digits
    "020-83126666",
    "12345",
    "ticket 98765432109",  # 11 digits, no mobile number
    "办理社保卡补办，案件编号见另栏",
]


@each("text", PERSONAL)
def test_a_number_of_a_person_is_refused_however_it_is_typed(text: str) -> None:
    for reason in (text, f"asked for {text} at the counter", f"（{text}）"):
        with pytest.raises(InvalidRequest) as refused:
            require_reason(reason, 255)
        assert refused.value.errors and list(refused.value.errors) == ["reason"]
        assert text not in str(refused.value.errors)
    with pytest.raises(InvalidRequest) as refused:
        require_case_number(text)
    assert refused.value.errors and list(refused.value.errors) == ["case_number"]


@each("text", HARMLESS)
def test_what_an_office_writes_is_taken(text: str) -> None:
    require_reason(text, 255, case_number=text)
    require_case_number(text)


@each("case_number", ["x" * 65, "a\nb", "\x00", "\ud800", None, 7])
def test_a_case_number_is_a_short_clean_string(case_number: Any) -> None:
    with pytest.raises(InvalidRequest):
        require_case_number(case_number)


# --- the services check it: a script, which has no form, is held to it too --------------------


@pytest.mark.django_db
def test_no_service_takes_a_number_of_a_person(row: Verification, stranger: Any) -> None:
    calls: list[Callable[[str], Any]] = [
        lambda text: reveal(row, actor=stranger, reason=text),
        lambda text: reveal(row, actor=stranger, reason="x", case_number=text),
        lambda text: erase(row, actor=stranger, reason=text),
        lambda text: copy(row, actor=stranger, reason=text),
        lambda text: export(Verification.objects.all(), actor=stranger, plain=True, reason=text),
        lambda text: find_person(actor=stranger, credential_id=NUMBER, case_number=text),
    ]
    for call in calls:
        with pytest.raises(InvalidRequest) as refused:
            call(f"for {NUMBER}")
        assert NUMBER not in str(refused.value.errors)
    assert [event.event for event in AuditEvent.objects.all()] == ["exchange"]


@pytest.mark.django_db
@each("name", [NAME, " ".join(NAME), f"为{NAME}本人"])
def test_the_records_own_name_is_refused(row: Verification, stranger: Any, name: str) -> None:
    for service in (reveal, erase):
        with pytest.raises(InvalidRequest) as refused:
            service(row, actor=stranger, reason=f"asked by {name}")
        assert NAME not in str(refused.value.errors)
    assert [event.event for event in AuditEvent.objects.all()] == ["exchange"]


@pytest.mark.django_db
def test_the_case_number_stands_beside_the_reason(row: Verification, stranger: Any) -> None:
    find_person(actor=stranger, credential_id=NUMBER, case_number="A-1")
    reveal(row, actor=stranger, reason="first", case_number="A-2")
    erase(row, actor=stranger, reason="second", case_number="A-3")
    kept = AuditEvent.objects.exclude(event="exchange").order_by("created_at")
    assert [(event.event, event.case_number) for event in kept] == [
        ("search", "A-1"),
        ("reveal", "A-2"),
        ("erase", "A-3"),
    ]
