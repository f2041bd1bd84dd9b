"""Ratios that hold on a busy machine: the ways take turns call by call, block by block.

Times vary by 25% with whatever else the machine does; within a block all ways suffer alike, so the
ratios vary by 2 to 4%. The median of the blocks' ratios is told, with its quartiles.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Measure = Callable[[], float]


@dataclass(frozen=True)
class Ratio:
    """How many times the floor; `low` and `high` are the quartiles over the blocks."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Ratio:
        low, median, high = statistics.quantiles(values, n=4)
        return cls(median, low, high)


def shown(value: float) -> str:
    """A ratio as it is printed."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


@dataclass(frozen=True)
class Way:
    """How to measure one, and how often in a block."""

    measure: Measure
    calls: int


def block(ways: Mapping[str, Way]) -> dict[str, float]:
    """The mean of each way's calls, shuffled among one another."""
    turns = [name for name, way in ways.items() for _ in range(way.calls)]
    random.shuffle(turns)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for name in turns:
        taken[name].append(ways[name].measure())
    return {name: statistics.mean(values) for name, values in taken.items()}


def measured(
    ways: Mapping[str, Way], blocks: int, say: Callable[[str], None]
) -> list[dict[str, float]]:
    """The ways' means, block by block."""
    means = []
    for number in range(blocks):
        means.append(block(ways))
        say(f"block {number + 1} of {blocks}")
    return means


def ratio(means: list[dict[str, float]], way: str, to: str) -> Ratio:
    """What one way costs as a multiple of another, in the same blocks."""
    return Ratio.of([mean[way] / mean[to] for mean in means])


def ratios(means: list[dict[str, float]], to: str) -> dict[str, Ratio]:
    """Every way as a multiple of the way `to`, the cheapest first."""
    found = {way: ratio(means, way, to) for way in means[0]}
    return dict(sorted(found.items(), key=lambda item: item[1].median))
