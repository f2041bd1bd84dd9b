"""How the database of TEST_DATABASE_URL would answer: what the tests of query plans ask it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

SORTED_AT_WILL = 3_000  # rows: where no more are left, PostgreSQL may read them all and sort them
RECORDS, EVENTS, ACCESSES, SEALS, STATISTICS = (
    f"wx_realname_{name}"
    for name in ("verification", "auditevent", "auditaccess", "auditseal", "hourlystatistic")
)


@dataclass
class Plan:
    """How the database would answer: the indexes it enters, what it reads whole, whether it sorts."""

    sql: str
    told: str
    indexes: set[str] = field(default_factory=set)
    read_whole: set[str] = field(default_factory=set)
    sorts: bool = False


def plan(sql: str) -> Plan:
    return {"sqlite": _of_sqlite, "postgresql": _of_postgresql, "mysql": _of_mariadb}[
        connection.vendor
    ](sql)


def _rows(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _of_sqlite(sql: str) -> Plan:
    lines = [row[3] for row in _rows(f"EXPLAIN QUERY PLAN {sql}")]
    found = Plan(sql, "\n".join(lines))
    for line in lines:
        index = re.search(r"USING (?:COVERING )?INDEX (\w+)", line)
        if index:
            found.indexes.add(index[1])
        elif scanned := re.match(r"SCAN (\w+)", line):
            found.read_whole.add(scanned[1])
        found.sorts |= "TEMP B-TREE" in line
    return found


def _of_postgresql(sql: str) -> Plan:
    (answer,) = _rows(f"EXPLAIN (FORMAT JSON) {sql}")[0]
    answer = json.loads(answer) if isinstance(answer, str) else answer
    found, nodes = Plan(sql, json.dumps(answer, indent=1)), [answer[0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if "Index Name" in node:
            found.indexes.add(node["Index Name"])
        if node["Node Type"] == "Seq Scan":
            found.read_whole.add(node["Relation Name"])
        if node["Node Type"] == "Sort":
            found.sorts |= node["Plans"][0]["Plan Rows"] > SORTED_AT_WILL
    return found


def _of_mariadb(sql: str) -> Plan:
    rows = _rows(f"EXPLAIN {sql}")
    found = Plan(sql, "\n".join(map(str, rows)))
    for _, _, table, type_, _, key, *_, extra in rows:
        found.indexes |= set(re.findall(r"\w+", key or ""))
        if type_ == "ALL" and table:
            found.read_whole.add(table)
        found.sorts |= "filesort" in (extra or "")
    return found


def plans(work: Callable[[], Any], *tables: str) -> list[Plan]:
    """Of each query that the work makes of one of the tables."""
    with CaptureQueriesContext(connection) as captured:
        work()
    quoted = [connection.ops.quote_name(table) for table in tables]
    asked = [query["sql"] for query in captured if query["sql"].lstrip().startswith("SELECT")]
    found = [plan(sql) for sql in asked if any(f"FROM {table}" in sql for table in quoted)]
    assert found, "nothing was asked"
    return found


def check(found: Plan, indexes: set[str], *, may_sort: bool = False) -> None:
    said = f"{found.sql}\n{found.told}"
    assert not found.read_whole & {RECORDS, EVENTS, ACCESSES, SEALS, STATISTICS}, said
    assert found.indexes & indexes, said
    assert may_sort or not found.sorts, said
