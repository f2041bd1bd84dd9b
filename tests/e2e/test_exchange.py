"""The whole road over real HTTP: login, exchange, service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import translation

from tests.e2e.databases import rows_in
from tests.e2e.site import Citizen, Site, at_once
from wx_realname.exceptions import RealNameRequired
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Sandbox

TOKENS, POSTS = 300, 12


def test_a_citizen_logs_in_authorises_and_opens_the_service(site: Site, wechat: Sandbox) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    refused = citizen.get("social-security/")
    with translation.override("zh-hans"):
        assert (refused.status_code, refused.json()) == (403, RealNameRequired().detail)

    answer = citizen.post(wechat.issue_auth_token(Person("欧阳娜", "440524198001010013")))
    assert answer.status_code == 201
    assert answer.json()["real_name"] == "**娜"
    assert answer.headers["Location"].endswith(f"/verifications/{answer.json()['id']}/")
    assert citizen.get("social-security/").json()["insured"] == "**娜"

    gone = citizen.call("DELETE", f"realname/verifications/{answer.json()['id']}/")
    assert gone.status_code == 204
    assert citizen.get("social-security/").status_code == 403


def test_names_and_numbers_arrive_whole_with_response_plain(
    make_site: Callable[..., Site], wechat: Sandbox
) -> None:
    site = make_site(wechat.url, WX_REALNAME_RESPONSE="plain")
    site.start()
    for name, number in (
        ("阿卜杜拉·买买提", "110105491231002"),
        ("龚䶮", "11010519491231002X"),
        ("𠮷野", "11010519491231002x"),
    ):
        citizen = Citizen(site, wechat.issue_login_code())
        answer = citizen.post(wechat.issue_auth_token(Person(name, number))).json()
        assert (answer["real_name"], answer["credential_id"]) == (name, number.upper())


@pytest.mark.long
def test_every_token_is_exchanged_once_however_often_it_is_posted_at_once(
    make_site: Callable[..., Site], wechat: Sandbox, tmp_path: Path
) -> None:
    site = make_site(wechat.url)
    site.start(workers=2, threads=16)
    citizens = [Citizen(site, wechat.issue_login_code()) for _ in range(20)]
    tokens = [wechat.issue_auth_token(Person("张三", "440524198001010013")) for _ in range(TOKENS)]
    jobs = [(citizens[n % 20], token) for _ in range(POSTS) for n, token in enumerate(tokens)]
    jobs.sort(key=lambda job: job[1])  # the twelve posts of a token next to one another

    answers = at_once(32, lambda job: job[0].post(job[1]), jobs)

    outcomes = Counter(answer.status_code for answer in answers)
    assert set(outcomes) <= {200, 201, 409}
    assert outcomes[201] == TOKENS
    assert wechat.totals["getrealnameinfo"] == TOKENS
    assert wechat.totals["stable_token"] <= 2
    counted = "SELECT COUNT(*) FROM wx_realname_"
    for rows in ("verification WHERE status = 'verified'", "auditevent"):
        assert rows_in(tmp_path, counted + rows) == [(TOKENS,)]
