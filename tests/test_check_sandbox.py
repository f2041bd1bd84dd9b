"""services.check against the local WeChat, code and all: the verdict is the citizen's, whatever the fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.lying_wechat import NAME, NUMBER
from tests.test_check import OPENID, OTHER_NUMBER, came
from wx_realname.models import Verification
from wx_realname.sandbox import FAULTS, Citizen, Sandbox

pytestmark = pytest.mark.django_db
CHECK_CALL = "checkrealnameinfo"


class TestWithTheSandbox:
    """Over real HTTP to the local WeChat, code and all."""

    @pytest.mark.parametrize(
        ("person", "expected"),
        [
            (Citizen(NAME, NUMBER), "verified"),
            (Citizen("王二", NUMBER), "mismatch"),
            (Citizen(NAME, OTHER_NUMBER), "mismatch"),
            (Citizen(NAME, NUMBER, real_name_info=False), "no_real_name"),
            (Citizen(NAME, NUMBER, wechat_pay=False), "no_real_name"),
        ],
    )
    def test_the_verdict_is_the_citizens(
        self, sandbox: Sandbox, user: Any, person: Citizen, expected: str
    ) -> None:
        code = sandbox.issue_check_code(person, OPENID)
        assert came(user, code) == came(user, code) == expected
        assert sandbox.totals["checkrealnameinfo"] == 1

    def test_a_code_is_good_for_one_openid_and_once(
        self, sandbox: Sandbox, user: Any, stranger: Any
    ) -> None:
        code = sandbox.issue_check_code(Citizen(NAME, NUMBER), "o-somebody-else")
        assert came(user, code) == "invalid_code"
        assert came(user, "never-issued") == "invalid_code"

    @pytest.mark.parametrize("name", [f.name for f in FAULTS.values() if CHECK_CALL in f.calls])
    def test_no_fault_makes_a_false_match(
        self, sandbox: Sandbox, user: Any, configure: Callable[..., None], name: str
    ) -> None:
        configure(READ_TIMEOUT=0.8, TOTAL_TIMEOUT=2)
        code = sandbox.issue_check_code(Citizen(NAME, NUMBER), OPENID)
        sandbox.fault(name, call=CHECK_CALL, times=3)
        outcome = came(user, code)
        if outcome == "wechat_unreachable":  # a connection that the fault before had closed
            outcome = came(user, code)
        sandbox.clear_faults()
        kind = FAULTS[name].group in ("quirk", "slow", "clock", "token")
        assert (outcome == "verified") is kind, outcome
        if outcome == "outcome_unknown":
            assert Verification.objects.get().in_doubt
