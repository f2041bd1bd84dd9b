"""What officers can't do: guess, search without end, export without a limit, read names that are hidden."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import AUTH_TOKEN
from tests.console import FIND, page, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname import resident_id
from wx_realname.exceptions import InvalidRequest, Throttled
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import exchange, export, find_person

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
OTHER = "110105194912310021"  # nobody's


@pytest.fixture
def row(liar: LyingWeChat, user: Any, configure: Configure) -> Verification:
    configure(NAME_INDEX="none")
    return exchange(user=user, auth_token=AUTH_TOKEN)


# --- names ------------------------------------------------------------------------------------


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


def test_no_character_of_a_name_is_shown_where_mask_name_says_so(
    row: Verification, configure: Configure
) -> None:
    assert row.real_name_shown == "**娜"
    configure(MASK_NAME="none")
    assert row.real_name_shown == "***"


# --- searches ---------------------------------------------------------------------------------


def test_searches_that_find_nothing_are_limited(
    row: Verification, stranger: Any, user: Any, configure: Configure, caplog: Any
) -> None:
    """What is refused is recorded, and logged without the number."""
    configure(SEARCH_RATE="3/hour")
    for _ in range(5):  # what finds somebody isn't counted
        assert find_person(actor=stranger, credential_id=NUMBER).matches
    for _ in range(3):
        assert not find_person(actor=stranger, credential_id=OTHER).matches
    with caplog.at_level(logging.WARNING), pytest.raises(Throttled) as throttled:
        find_person(actor=stranger, credential_id=NUMBER, case_number="A-1")
    assert 3590 <= (throttled.value.retry_after or 0) <= 3600
    event = AuditEvent.objects.filter(event="search").latest("created_at")
    assert (event.actor_id, event.error_code) == (str(stranger.pk), "throttled")
    assert (event.reason, event.records) == ("by number; refused: SEARCH_RATE", 0)
    assert event.case_number == "A-1"
    assert f"officer {stranger.pk} reached the rate 3/hour" in caplog.text
    assert NUMBER not in caplog.text
    assert find_person(actor=user, credential_id=NUMBER).matches  # another officer


def test_a_clerk_cannot_try_the_numbers_of_a_birthday(
    row: Verification, stranger: Any, configure: Configure
) -> None:
    """The red team's attack: district and birthday known, three digits to try."""
    configure(SEARCH_RATE="10/hour")
    tries = 0
    with pytest.raises(Throttled):
        for sequence in range(1000):
            number = f"{NUMBER[:14]}{sequence:03}"
            full = number + resident_id.check_character(number)
            if full != NUMBER:
                tries += 1
                assert not find_person(actor=stranger, credential_id=full).matches
    assert tries == 11  # the eleventh was refused


def test_a_script_has_no_limit(no_access_tokens: None, configure: Configure) -> None:
    configure(SEARCH_RATE="1/hour")
    for _ in range(3):
        assert not find_person(actor=None, credential_id=OTHER).matches


def test_the_find_form_says_so_and_the_overview_shows_the_officer(
    row: Verification, configure: Configure
) -> None:
    configure(SEARCH_RATE="2/hour")
    clerk = staff("view_verification", "view_hourlystatistic")
    overview = page("hourlystatistic")
    for _ in range(2):
        assert "Nobody" in clerk.post(FIND, {"credential_id": OTHER}).content.decode()
    assert "SEARCH_RATE" not in clerk.get(overview).content.decode()
    for _ in range(3):
        answer = clerk.post(FIND, {"credential_id": NUMBER})
        text = answer.content.decode()
        assert answer.status_code == 200 and str(row.pk) not in text
        assert "Search again in 60 min" in text
    text = clerk.get(overview).content.decode()
    assert "SEARCH_RATE was reached" in text and "clerk" in text and ">3</td>" in text
    clerk.cookies["django_language"] = "zh-hans"
    assert "试猜身份证号" in clerk.get(overview).content.decode()


# --- exports ----------------------------------------------------------------------------------


def test_an_export_has_its_limit(
    row: Verification, user: Any, stranger: Any, configure: Configure
) -> None:
    def exported() -> int:
        rows = Verification.objects.all()
        return len(list(export(rows, actor=user, plain=True, reason="a test")))

    exchange(user=stranger, auth_token="another-token")
    configure(EXPORT_LIMIT=1)
    with pytest.raises(InvalidRequest) as refused:
        exported()
    assert "EXPORT_LIMIT" in str(refused.value.errors)
    configure(EXPORT_LIMIT=2)
    assert exported() == 2
