"""What officers can't do: guess, search without end, export alone, put a number into the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import AUTH_TOKEN
from tests.console import FIND, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname.exceptions import InvalidRequest, NotFound, PermissionDenied, Throttled
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import copy, erase, exchange, export, find_person, reveal
from wx_realname.services.disclosure import approval
from wx_realname.services.disclosure.approval import NotReleased

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]


@pytest.fixture
def row(liar: LyingWeChat, user: Any, configure: Configure) -> Verification:
    configure(NAME_INDEX="none")
    return exchange(user=user, auth_token=AUTH_TOKEN)


def events() -> list[str]:
    return list(AuditEvent.objects.order_by("created_at").values_list("event", flat=True))


# --- finding ----------------------------------------------------------------------------------


def test_by_default_no_index_of_names_is_kept(row: Verification, stranger: Any) -> None:
    assert (row.real_name_index, bool(row.credential_id_index)) == (None, True)
    with pytest.raises(InvalidRequest) as refused:
        find_person(actor=stranger, real_name=NAME)
    assert "NAME_INDEX" in str(refused.value.errors)
    assert find_person(actor=stranger, credential_id=NUMBER).matches
    assert find_person(actor=stranger, real_name=f" {NAME} ", credential_id=NUMBER).matches
    assert not find_person(actor=stranger, real_name="张三", credential_id=NUMBER).matches


def test_where_no_name_is_kept_the_number_alone_is_taken(
    liar: LyingWeChat, user: Any, stranger: Any, configure: Configure
) -> None:
    configure(NAME_INDEX="none", STORAGE="masked")
    exchange(user=user, auth_token=AUTH_TOKEN)
    for name in (NAME, "张三"):
        with pytest.raises(InvalidRequest) as refused:
            find_person(actor=stranger, real_name=name, credential_id=NUMBER)
        assert "STORAGE" in str(refused.value.errors)
    assert find_person(actor=stranger, credential_id=NUMBER).matches
    client = staff("view_verification")
    assert 'name="real_name"' not in client.get(FIND).content.decode()
    assert "1 record found" in client.post(FIND, {"credential_id": NUMBER}).content.decode()
    configure(STORAGE="encrypted")  # the record of before still has no name to compare
    found = find_person(actor=stranger, real_name="张三", credential_id=NUMBER)
    assert (found.matches, found.unreadable) == ([], 1)


def test_searches_that_find_nothing_are_limited(
    row: Verification, stranger: Any, user: Any, configure: Configure, caplog: Any
) -> None:
    configure(SEARCH_RATE="3/hour")
    for _ in range(5):  # what finds somebody isn't counted
        assert find_person(actor=stranger, credential_id=NUMBER).matches
    for _ in range(3):
        assert not find_person(actor=stranger, credential_id="110105194912310021").matches
    with pytest.raises(Throttled) as throttled:
        find_person(actor=stranger, credential_id=NUMBER)
    assert throttled.value.retry_after and "reached the rate 3/hour" in caplog.text
    assert find_person(actor=user, credential_id=NUMBER).matches  # another officer


def test_no_character_of_a_name_is_shown_where_mask_name_says_so(
    row: Verification, configure: Configure
) -> None:
    assert row.real_name_shown == "**娜"
    configure(MASK_NAME="none")
    assert row.real_name_shown == "***"


# --- reasons ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "personal",
    [NUMBER, "４４０５２４１９８００１０１００１３", "440524 800101 001", "13812345678", NAME],
)
def test_no_service_takes_a_reason_with_personal_data(
    row: Verification, stranger: Any, personal: str
) -> None:
    calls: list[Callable[[str], Any]] = [
        lambda reason: reveal(row, actor=stranger, reason=reason),
        lambda reason: erase(row, actor=stranger, reason=reason),
    ]
    if personal != NAME:
        calls.append(lambda reason: copy(row, actor=stranger, reason=reason))
        rows = Verification.objects.all()
        calls.append(lambda reason: export(rows, actor=stranger, plain=True, reason=reason))
        calls.append(
            lambda reason: reveal(row, actor=stranger, reason="x", case_number=reason[:60])
        )
    for call in calls:
        with pytest.raises(InvalidRequest) as refused:
            call(f"for {personal}, asked today")
        assert personal not in str(refused.value.errors)
    assert events() == ["exchange"]
    reveal(row, actor=stranger, reason="case of 2026-11-29", case_number="4711-2026/12")
    assert AuditEvent.objects.get(event="reveal").case_number == "4711-2026/12"


def test_a_look_at_a_minor_is_marked(liar: LyingWeChat, user: Any, row: Verification) -> None:
    reveal(row, actor=user, reason="a test")
    assert AuditEvent.objects.get(event="reveal").minor is False


# --- four eyes --------------------------------------------------------------------------------


def run(actor: Any, chosen: str = "all") -> int:
    filters = {} if chosen == "all" else {"status": chosen}
    rows = Verification.objects.all()
    return len(list(export(rows, actor=actor, plain=True, reason="a test", filters=filters)))


def test_a_plain_export_is_released_by_another_and_run_once(
    row: Verification, user: Any, stranger: Any, configure: Configure
) -> None:
    configure(FOUR_EYES=True)
    with pytest.raises(NotReleased):
        run(user)
    asked = approval.ask(actor=user, reason="a test", chosen="all")
    with pytest.raises(PermissionDenied):
        approval.release(asked.pk, actor=user)
    with pytest.raises(NotReleased):
        run(user)
    approval.release(asked.pk, actor=stranger)
    for again in (lambda: approval.release(asked.pk, actor=stranger),):
        with pytest.raises(NotFound):
            again()
    for wrong in (lambda: run(stranger), lambda: run(user, "verified")):
        with pytest.raises(NotReleased):
            wrong()
    assert run(user) == 1
    with pytest.raises(NotReleased):
        run(user)
    assert [name for name in events() if name.startswith("export")] == [
        "export_requested",
        "export_released",
        "export",
        "export_part",
        "export_ended",
    ]


def test_a_masked_export_waits_for_nobody(
    row: Verification, user: Any, configure: Configure
) -> None:
    configure(FOUR_EYES=True)
    assert len(list(export(Verification.objects.all(), actor=user, plain=False))) == 1


def test_an_export_has_its_limit(
    row: Verification, user: Any, stranger: Any, configure: Configure
) -> None:
    exchange(user=stranger, auth_token="another-token")
    configure(EXPORT_LIMIT=1)
    with pytest.raises(InvalidRequest) as refused:
        run(user)
    assert "EXPORT_LIMIT" in str(refused.value.errors)
    configure(EXPORT_LIMIT=2)
    assert run(user) == 2
