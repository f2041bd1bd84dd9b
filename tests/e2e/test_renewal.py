"""A certificate is renewed while citizens come: NEXT takes over at its second, and nobody notices."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.e2e.conftest import APP_ID, APP_SECRET, MCH_ID
from tests.e2e.databases import rows_in
from tests.e2e.site import Citizen, Site
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Merchant, MerchantKey, Sandbox, make_merchant_key

CITIZENS, AFTER = 8, 3  # seconds


@pytest.mark.long
def test_a_certificate_is_switched_under_load_without_a_failure(
    make_site: Callable[..., Site], key: MerchantKey, tmp_path: Path
) -> None:
    renewed = make_merchant_key()
    for name, pem in {"key": renewed.private_key_pem, "cert": renewed.certificate_pem}.items():
        (tmp_path / f"next_{name}.pem").write_bytes(pem)
    both = Merchant(APP_ID, APP_SECRET, MCH_ID, (key.certificate_pem, renewed.certificate_pem))
    with Sandbox([both]) as wechat:
        since = datetime.now(timezone.utc) + timedelta(seconds=20)
        upcoming = {
            "PRIVATE_KEY_FILE": str(tmp_path / "next_key.pem"),
            "CERTIFICATE_FILE": str(tmp_path / "next_cert.pem"),
            "FROM": since.isoformat(),
        }
        site = make_site(wechat.url, WX_REALNAME_NEXT=json.dumps(upcoming))
        site.start(workers=2, threads=8)
        until = since + timedelta(seconds=AFTER)

        def come(_number: int) -> Counter[int]:
            citizen = Citizen(site, wechat.issue_login_code())
            answers: Counter[int] = Counter()
            while datetime.now(timezone.utc) < until:
                token = wechat.issue_auth_token(Person("张三", "440524198001010013"))
                answers[citizen.post(token).status_code] += 1
                time.sleep(0.05)
            return answers

        with ThreadPoolExecutor(CITIZENS) as pool:
            answers = sum(pool.map(come, range(CITIZENS)), Counter())
    counted = "SELECT cert_serialno, COUNT(*) FROM wx_realname_verification GROUP BY cert_serialno"
    used = dict(rows_in(tmp_path, counted))
    assert set(answers) == {201}
    assert set(used) == {key.serial, renewed.serial} and sum(used.values()) == answers[201]
