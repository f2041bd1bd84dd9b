"""The application for the interface (document, section three): the form's ten rows, and the second step.

The operator's data come from the merchant's APPLICATION, the number of calls from the records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from django.template.loader import render_to_string
from django.utils import timezone

from ... import conf
from ...exceptions import ConfigurationError, RealNameError
from ...wechat.categories import OPEN
from .. import clients
from .usage import usage

#: What APPLICATION may hold: the texts of the form, and three numbers.
TEXTS = (
    "APPLICANT",
    "SCENE",
    "MINI_PROGRAM_NAME",
    "PRODUCT_CONTACT",
    "DEVELOPER_CONTACT",
    "TENCENT_CONTACT",
)
NUMBERS = ("DAILY_CALLS", "DAILY_USERS", "PEAK_CALLS_PER_MINUTE", "MEAN_CALLS_PER_MINUTE")
NAMES = TEXTS + NUMBERS

DAYS = 30  # over which the records are counted
MISSING = "【待填写】"
NOT_NEEDED = "不适用（人脸核身无需商户号）"
EMAIL = "wx_city@tencent.com"
TITLE = "微信支付实名信息授权接口内测申请表"
FACE_TITLE = "微信人脸核身接口申请表"


@dataclass(frozen=True)
class Row:
    """One row of the form: its number, the document's own heading, and what is filled in."""

    number: int
    heading: str
    content: str


def form(merchant: conf.Merchant) -> list[Row]:
    """The ten rows; `MISSING` where APPLICATION lacks a value."""
    given, measured = merchant.application, _measure(merchant)
    rows = (
        ("业务方名称", _text(given, "APPLICANT")),
        ("使用该接口的场景和用途", _text(given, "SCENE")),
        (
            "使用该接口的小程序名称及对应appid",
            f"{_text(given, 'MINI_PROGRAM_NAME')}，{merchant.app_id}",
        ),
        ("商户号", merchant.mch_id or NOT_NEEDED),
        ("日均调用量预估", _daily(given, measured)),
        ("最高并发调用量预估", _estimate(given, measured, "PEAK_CALLS_PER_MINUTE", "次/分钟")),
        ("日并发调用量均值预估", _estimate(given, measured, "MEAN_CALLS_PER_MINUTE", "次/分钟")),
        ("业务方产品联系人姓名、手机、邮箱", _text(given, "PRODUCT_CONTACT")),
        ("业务方开发联系人姓名、手机、邮箱", _text(given, "DEVELOPER_CONTACT")),
        ("腾讯公司接口人姓名、邮箱", str(given.get("TENCENT_CONTACT") or "无")),
    )
    return [Row(number, *row) for number, row in enumerate(rows, start=1)]


def missing(merchant: conf.Merchant) -> list[str]:
    """The names of APPLICATION that the form still lacks."""
    measured = _measure(merchant)
    optional = {"TENCENT_CONTACT", *(NUMBERS if measured else ("DAILY_USERS",))}
    return [name for name in NAMES if name not in optional and not merchant.application.get(name)]


def _measure(merchant: conf.Merchant) -> dict[str, str]:
    """The numbers of the button's calls, or else of faces, in the last days; empty without a call."""
    found = usage(timezone.now() - timedelta(days=DAYS), merchant.alias)
    method = "authorize" if merchant.has_button else "face"
    for one in found:
        if one.method == method:
            return {
                "DAILY_CALLS": f"{one.daily:.0f}",
                "PEAK_CALLS_PER_MINUTE": f"{one.peak}",
                "MEAN_CALLS_PER_MINUTE": f"{one.mean_a_minute:.2f}",
            }
    return {}


def _text(given: Mapping[str, Any], name: str) -> str:
    return str(given.get(name) or MISSING)


def _daily(given: Mapping[str, Any], measured: Mapping[str, str]) -> str:
    calls = _estimate(given, measured, "DAILY_CALLS", "次/日")
    users = given.get("DAILY_USERS")
    return f"{calls}；{users} 用户/日" if users else calls


def _estimate(given: Mapping[str, Any], measured: Mapping[str, str], name: str, unit: str) -> str:
    parts = [f"{given[name]} {unit}"] if given.get(name) else []
    if name in measured:
        parts.append(f"近 {DAYS} 日实测 {measured[name]} {unit}")
    return "，".join(parts) or MISSING


def document(merchant: conf.Merchant, kind: Literal["md", "html"]) -> str:
    """The form and the second, online step: as Markdown, or as a page to print."""
    rows = form(merchant)
    if kind == "md":
        rows = [replace(row, content=_cell(row.content)) for row in rows]
    context = {
        "title": TITLE if merchant.has_button else FACE_TITLE,
        "email": EMAIL,
        "rows": rows,
        "open": OPEN if merchant.has_button else (),
        "category": _category(merchant) if merchant.has_button else "",
        "has_button": merchant.has_button,
    }
    return render_to_string(f"wx_realname/application.{kind}", context)


def _category(merchant: conf.Merchant) -> str:
    """The category's name, which WeChat alone knows, and its ids."""
    declared = merchant.category_id
    if declared is None:
        return "未设置 CATEGORY_ID"
    ids = f"{list(declared)}"
    try:
        known = clients.client_for(merchant).get_category(clients.deadline())
    except (ConfigurationError, RealNameError):  # the form is needed before everything works
        return f"{ids}（未能从微信取得类目名称）"
    names = [
        f"{each.get('first_class')} → {each.get('second_class')} {ids}"
        for each in known
        if (each.get("first_id"), each.get("second_id")) == declared
    ]
    return names[0] if names else f"{ids}（小程序没有这个类目）"


def _cell(text: str) -> str:
    """The text as one cell of a Markdown table."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
