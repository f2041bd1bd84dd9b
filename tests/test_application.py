"""realname_application: the form's ten rows, filled from APPLICATION and from the records."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.console import ended
from wx_realname.sandbox import Sandbox
from wx_realname.services.operation.application import MISSING, NAMES

pytestmark = pytest.mark.django_db

WHOLE = {
    "APPLICANT": "某市人力资源和社会保障局",
    "SCENE": "社保查询 | 待遇资格认证",
    "MINI_PROGRAM_NAME": "某市社保",
    "PRODUCT_CONTACT": "甲 13800000000 a@example.com",
    "DEVELOPER_CONTACT": "乙 13900000000 b@example.com",
    "DAILY_CALLS": 20_000,
    "DAILY_USERS": 18_000,
    "PEAK_CALLS_PER_MINUTE": 120,
    "MEAN_CALLS_PER_MINUTE": 14,
}


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    call_command("realname_application", *arguments)
    captured = capsys.readouterr()
    return captured.out, captured.err


def cells(text: str) -> list[list[str]]:
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines()]
    return [
        [cell.strip().replace("\\|", "|") for cell in row]
        for row in rows
        if row and row[0].strip().isdigit()
    ]


def test_the_ten_rows_are_the_documents_and_filled(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(merchant={"APPLICATION": WHOLE})
    out, err = printed(capsys)
    rows = cells(out)
    assert [row[0] for row in rows] == [str(number) for number in range(1, 11)]
    assert [row[2] for row in rows] == [
        "某市人力资源和社会保障局",
        "社保查询 | 待遇资格认证",
        "某市社保，wx0000000000000001",
        "1900000001",
        "20000 次/日；18000 用户/日",
        "120 次/分钟",
        "14 次/分钟",
        "甲 13800000000 a@example.com",
        "乙 13900000000 b@example.com",
        "无",
    ]
    assert err == "" and "| 政务 |" in out and "[99, 904]" in out and "wx_city@tencent.com" in out


@pytest.mark.parametrize(
    ("merchant", "said"),
    [
        ({}, "政务民生 → 社会保障 [99, 904]"),
        ({"CATEGORY_ID": (7, 7)}, "[7, 7]（小程序没有这个类目）"),
        ({"APP_SECRET": "wrong"}, "[99, 904]（未能从微信取得类目名称）"),
    ],
)
def test_the_category_is_named_as_wechat_names_it(
    sandbox: Sandbox, configure: Any, capsys: Any, merchant: dict[str, Any], said: str
) -> None:
    configure(merchant=merchant)
    assert f"使用类目：{said}" in printed(capsys)[0]


def test_what_is_missing_is_marked_and_named(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = printed(capsys)
    assert out.count(MISSING) == 8
    for name in set(NAMES) - {"TENCENT_CONTACT", "DAILY_USERS"}:
        assert name in err
    assert settings.WX_REALNAME["MERCHANTS"]["default"]["APP_SECRET"] not in out + err


def test_an_unknown_merchant_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(CommandError, match="known are: default"):
        call_command("realname_application", "--merchant", "nobody")


def test_the_calls_are_taken_from_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    yesterday = timezone.localtime().replace(hour=0, minute=0, second=1) - timedelta(days=1)
    ended(yesterday, 30)
    ended(yesterday, 5, merchant="clinic")
    out, err = printed(capsys)
    rows = cells(out)
    assert rows[4][2] == "近 30 日实测 15 次/日"
    assert rows[5][2] == "近 30 日实测 30 次/分钟"
    assert rows[6][2] == "近 30 日实测 0.01 次/分钟"
    assert "CALLS" not in err


@pytest.mark.parametrize("options", [[], ["--html"]])
def test_without_the_button_the_form_asks_for_faces(
    settings: Any, configure: Any, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    merchant = settings.WX_REALNAME["MERCHANTS"]["default"]
    configure(MERCHANTS={"default": {name: merchant[name] for name in ("APP_ID", "APP_SECRET")}})
    form = printed(capsys, *options)[0]
    assert "人脸核身" in form and "行业能力" in form and "不适用" in form
    assert "CATEGORY_ID" not in form and "设置-接口设置" not in form


def test_the_page_to_print_escapes_what_it_is_given(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(merchant={"APPLICATION": WHOLE | {"APPLICANT": "<b>A&B</b>"}})
    out, _err = printed(capsys, "--html")
    assert "&lt;b&gt;A&amp;B&lt;/b&gt;" in out and out.count("<tr>") == 20
    assert out.startswith("<!DOCTYPE html>") and "http" not in out
