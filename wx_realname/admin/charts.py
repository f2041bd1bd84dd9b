"""The geometry of the overview's charts. The template draws them as SVG; the style sheet colours them.

No library is used: pygal puts a <style> and a <script> into its SVG, which a strict policy refuses; Vega's
converter is a JavaScript engine of 33 MB; plotly needs a browser. None supports light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

WIDTH, HEIGHT = 560, 204
LEFT, RIGHT, BOTTOM, TOP = 48, 544, 178, 26  # of the plot
MOST_LABELS = 6
MOST_ROWS = 5


@dataclass(frozen=True)
class Slot:
    """One place on the horizontal axis: its name, and how many of each kind."""

    label: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Box:
    """One box of a bar; `kind` is its class in the style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Bar:
    """All boxes of one place, their tooltip, and the area that shows it."""

    title: str
    boxes: list[Box]
    x: float
    width: float


@dataclass(frozen=True)
class Mark:
    """A number or name beside an axis, in the middle of its place."""

    at: float
    text: Any


@dataclass(frozen=True)
class Chart:
    """Stacked bars, the first kind at the bottom."""

    slots: Sequence[Slot]
    kinds: Sequence[tuple[str, Any]]  # class in the style sheet, and name

    width, height, left, right, top, plot = WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM - TOP

    @property
    def bars(self) -> list[Bar]:
        """The bars of the places that aren't empty."""
        return [
            Bar(self._title(slot), self._boxes(place, slot), _round(self._at(place)), self._step)
            for place, slot in enumerate(self.slots)
            if slot.total
        ]

    @property
    def _step(self) -> float:
        return _round((RIGHT - LEFT) / max(len(self.slots), 1))

    def _at(self, place: float) -> float:
        return LEFT + place * (RIGHT - LEFT) / max(len(self.slots), 1)

    def _boxes(self, place: int, slot: Slot) -> list[Box]:
        top, boxes = float(BOTTOM), []
        for kind, _name in self.kinds:
            if height := slot.counts.get(kind, 0) * (BOTTOM - TOP) / self.top_value:
                top -= height
                x, width = _round(self._at(place + 0.12)), _round(self._step * 0.76)
                boxes.append(Box(x, _round(top), width, _round(height), kind))
        return boxes

    def _title(self, slot: Slot) -> str:
        """“11-05: verified 64, failed 1”."""
        counts = [(name, slot.counts.get(kind, 0)) for kind, name in self.kinds]
        return f"{slot.label}: " + ", ".join(f"{name} {many}" for name, many in counts if many)

    @cached_property
    def _unit(self) -> int:
        """The least of 1, 2, 5, 10, 20, ... that leaves no more than five rows above the axis."""
        most = max((slot.total for slot in self.slots), default=0)
        unit = 1
        while True:
            for factor in (1, 2, 5):
                if most <= MOST_ROWS * factor * unit:
                    return factor * unit
            unit *= 10

    @cached_property
    def top_value(self) -> int:
        """The round number at which the vertical axis ends: the first above the highest bar."""
        most = max((slot.total for slot in self.slots), default=0)
        return max(-(-most // self._unit), 1) * self._unit

    @property
    def table(self) -> list[tuple[str, list[int]]]:
        """The same as numbers, without empty places."""
        return [
            (slot.label, [slot.counts.get(kind, 0) for kind, _name in self.kinds])
            for slot in self.slots
            if slot.total
        ]

    @property
    def rows(self) -> list[Mark]:
        return [
            Mark(_round(BOTTOM - value * (BOTTOM - TOP) / self.top_value), value)
            for value in range(0, self.top_value + 1, self._unit)
        ]

    @property
    def columns(self) -> list[Mark]:
        every = max(-(-len(self.slots) // MOST_LABELS), 1)
        return [
            Mark(_round(self._at(place + 0.5)), slot.label)
            for place, slot in enumerate(self.slots)
            if place % every == 0
        ]


def _round(number: float) -> float:
    return round(number, 1)
