"""The campaigns as pages of the documentation, in both languages."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.campaign import figures

EXCHANGES = {
    "en": {
        "title": "The campaign",
        "what": (
            "{count} exchanges over real HTTP: two gunicorn workers of 16 threads, PostgreSQL and Redis, "
            "and a local WeChat that meets one call in five with a fault. Meanwhile workers are killed, "
            "the database crashes and Redis goes away. "
            "Then the sandbox's own ledger is held against the database. "
            "Written by the run: `make tox ENVS=campaign`, with `CAMPAIGN_DOCS=docs`."
        ),
        "fault": "what must not be",
        "often": "how often it was",
        "blow": "what befell the site",
        "times": "times",
        "met": "calls of WeChat that met a fault",
        "became": "what became of the records",
        "many": "how many",
        "heard": "what the mini-program heard",
        "wechat": "fault of WeChat's",
    },
    "zh": {
        "title": "全程演练",
        "what": (
            "通过真实 HTTP 完成 {count} 次获取：两个 gunicorn 进程、各 16 线程，PostgreSQL 与 Redis，"
            "以及每五次调用就有一次故障的本地微信。"
            "其间工作进程被杀死，数据库崩溃，Redis 中断。最后以本地微信自己的账目核对数据库。"
            "本页由该次运行写成：`make tox ENVS=campaign`，并设 `CAMPAIGN_DOCS=docs`。"
        ),
        "fault": "绝不应发生的事",
        "often": "发生次数",
        "blow": "站点遭遇",
        "times": "次数",
        "met": "遇到故障的微信调用",
        "became": "记录的结果",
        "many": "数量",
        "heard": "小程序收到的答复",
        "wechat": "微信的故障",
    },
}
TWIN = {"en": "[简体中文](../zh/%s)", "zh": "[English](../en/%s)"}
FACES = {
    "en": EXCHANGES["en"]
    | {
        "title": "The campaign of faces",
        "what": (
            "{count} citizens verify their faces over real HTTP, in the same surroundings: one call in "
            "five meets a fault, workers are killed, the database crashes, Redis goes away. One citizen in "
            "seven closes the mini-program before the result is asked for, one in twenty never looks into "
            "the camera: `realname_settle` ends their records, in the hour and after it. Then what each "
            "citizen came to before the camera is held against the database, and every name, number, openid "
            "and verify_id is looked for in logs, URLs, cache and columns. "
            "Written by the run: `make tox ENVS=campaign`, with `CAMPAIGN_DOCS=docs`."
        ),
    },
    "zh": EXCHANGES["zh"]
    | {
        "title": "人脸核身全程演练",
        "what": (
            "{count} 名用户通过真实 HTTP 完成人脸核身，环境相同：每五次调用就有一次故障，"
            "工作进程被杀死，数据库崩溃，Redis 中断。七分之一的用户在查询结果前关闭小程序，"
            "二十分之一的用户没有面对镜头：由 `realname_settle` 在一小时内及其后了结其记录。"
            "最后以每名用户在镜头前的实际结果核对数据库，并在日志、URL、缓存和各列中"
            "查找每个姓名、身份证号码、openid 和 verify_id。"
            "本页由该次运行写成：`make tox ENVS=campaign`，并设 `CAMPAIGN_DOCS=docs`。"
        ),
    },
}
CHINESE = {
    "tokens consumed and not accounted for": "凭证已消耗而无记录",
    "verified, and not by WeChat, or as somebody else": "未经微信核验，或核验成了别人",
    "calls repeated that must not be": "不应重复的调用被重复",
    "rows pending after the sweep": "清理后仍为处理中的记录",
    "attempts without their one event": "没有唯一对应事件的尝试",
    "answers that the database contradicts": "与数据库矛盾的答复",
    "secrets in a log": "日志中的机密",
    "passed, and lost": "核验通过却丢失",
    "rows waiting after the settle": "settle 之后仍在等待的记录",
    "rows that keep what was sealed": "仍留有密封内容的记录",
    "planted words in a log, the cache or a column": "日志、缓存或某列中的个人信息",
    "kill_worker": "工作进程被杀死",
    "restart_database": "数据库崩溃后重启",
    "stop_redis_for_a_second": "Redis 中断一秒",
}


def write(
    name: str, about: dict[str, dict[str, str]], books: Any, faults: dict[str, int], struck: Any
) -> None:
    """Write the page into the folder CAMPAIGN_DOCS, if that is set."""
    if folder := os.environ.get("CAMPAIGN_DOCS"):
        for language, words in about.items():
            page = Path(folder) / language / name
            twin = TWIN[language] % name
            page.write_text(f"{twin}\n\n{_table(books, faults, struck, words)}", encoding="utf-8")


def _table(books: Any, faults: dict[str, int], struck: Counter[str], words: dict[str, str]) -> str:
    """The run's summary, as the documentation shows it."""

    def said(text: str) -> str:
        is_chinese = words["fault"] == EXCHANGES["zh"]["fault"]
        return CHINESE.get(text, text) if is_chinese else text.replace("_", " ")

    happened = figures(books)
    blows = [(said(what), count) for what, count in sorted(struck.items())]
    sections = [
        (
            words["fault"],
            words["often"],
            [(said(w), f"**{n}**") for w, n in faults.items()],
        ),
        (words["blow"], words["times"], [*blows, (words["met"], happened["fault"].total())]),
        (words["became"], words["many"], happened["status"].most_common()),
        (words["heard"], words["times"], _coded(happened["heard"])),
        (words["wechat"], words["times"], _coded(happened["fault"])),
    ]
    lines = [f"# {words['title']}", "", words["what"].format(count=len(books.tickets)), ""]
    for first, second, rows in sections:
        lines += [f"| {first} | {second} |", "|---|---:|"]
        lines += [f"| {what} | {count} |" for what, count in rows] + [""]
    return "\n".join(lines)


def _coded(counted: Counter[Any]) -> list[tuple[str, int]]:
    return [(f"`{what}`", count) for what, count in counted.most_common()]
