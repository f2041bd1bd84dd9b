"""The categories for which WeChat opens the real-name interface (interface document, section two)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Open(NamedTuple):
    """One line of the open list, as the document words it."""

    first: str
    second: str
    #: What the class names of `get_category` contain: WeChat words them a little differently.
    first_like: tuple[str, ...]
    second_like: tuple[str, ...] = ()  # empty: every second class


OPEN = (
    Open("政务", "政府机构或事业单位", ("政务", "政府")),
    Open("金融", "银行、保险", ("金融",), ("银行", "保险")),
    Open("医疗", "公立医疗机构", ("医疗",), ("公立",)),
    Open("运营商", "运营商", ("运营商", "电信", "通讯", "IT"), ("运营商", "电信")),
    Open("教育", "公立教育机构", ("教育",), ("公立", "学校", "学历")),
    Open(
        "交通",
        "航空、客运、网约车、交通卡、共享交通、轨道交通、租车",
        ("交通",),
        ("航空", "客运", "网约车", "交通卡", "共享", "轨道", "地铁", "公交", "租车"),
    ),
    Open("旅游", "酒店", ("旅游", "酒店"), ("酒店",)),
    Open("物流", "快递、邮政、物流", ("物流", "快递", "邮政")),
)


def is_open(category: Mapping[str, Any]) -> bool:
    """Whether a category of `get_category` is in the open list, by its names."""
    first, second = str(category.get("first_class")), str(category.get("second_class"))
    return any(_has(first, row.first_like) and _has(second, row.second_like) for row in OPEN)


def _has(text: str, words: tuple[str, ...]) -> bool:
    return not words or any(word in text for word in words)
