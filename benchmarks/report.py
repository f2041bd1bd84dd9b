"""The results as a table: for the terminal, and in Markdown for the README."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field

from .blocks import Ratio, shown
from .served import Load


@dataclass
class Results:
    """All that one run found out. The floor is 1, and took `floor` seconds of CPU."""

    machine: str
    blocks: int
    floor: float = 0.0
    in_process: dict[str, Ratio] = field(default_factory=dict)  # by the way's title, at 0 ms
    #: ours by WeChat's latency, beside the floor
    waiting: dict[str, Ratio] = field(default_factory=dict)
    #: ours with a consent, as a multiple of the floor with one
    consented: dict[str, Ratio] = field(default_factory=dict)
    #: ours as a part of the good engineer's view, by how both were run
    beside_engineer: dict[str, Ratio] = field(default_factory=dict)
    served: dict[str, Ratio] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    bytes_per_record: dict[str, float] = field(default_factory=dict)


def machine(database: str) -> str:
    """On what it ran."""
    return f"Python {platform.python_version()}, {platform.machine()}, {database}"


def markdown(results: Results) -> str:
    """Every table of the run."""
    floor = f"{results.floor * 1000:.2f} ms"
    parts = [
        f"CPU time of one exchange as a multiple of the floor ({floor}): the median of "
        f"{results.blocks} blocks, with its quartiles. {results.machine}.",
        _table(("in one process", "× the floor", "quartiles"), _ratios(results.in_process)),
        _table(
            ("while WeChat takes", "× the floor", "quartiles"),
            _ratios(results.waiting),
        ),
        _table(
            ("with consent", "× the floor with consent", "quartiles"), _ratios(results.consented)
        ),
        _table(("under gunicorn", "× the floor", "quartiles"), _ratios(results.served)),
        _table(
            ("our exchange", "× a good engineer's view", "quartiles"),
            _ratios(results.beside_engineer),
        ),
        _table(
            ("clients at once", "WeChat takes", "exchanges a second", "p50", "p99"),
            [_load(load) for load in results.loads],
        ),
        f"Statements of an exchange: {', '.join(results.statements)}.",
        "Bytes left by an exchange, indexes included: "
        + ", ".join(f"{name} {size:,.0f}" for name, size in results.bytes_per_record.items())
        + ".",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _ratios(ratios: dict[str, Ratio]) -> list[tuple[str, ...]]:
    return [
        (title, shown(ratio.median), f"{shown(ratio.low)} to {shown(ratio.high)}")
        for title, ratio in ratios.items()
    ]


def _load(load: Load) -> tuple[str, ...]:
    milliseconds = (f"{value * 1000:.0f} ms" for value in (load.latency, load.p50, load.p99))
    waits, p50, p99 = milliseconds
    return str(load.clients), waits, f"{load.per_second:.0f}", p50, p99


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [head, rule, *rows]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    padded = [first.ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"
