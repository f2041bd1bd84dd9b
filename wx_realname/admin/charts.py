"""The geometry of the overview's pictures: drawn by the template as SVG, coloured by the style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

WIDTH, HEIGHT = 560, 190
LEFT, RIGHT, BOTTOM, TOP = 48, 544, 164, 12  # of the plot
MOST_LABELS = 6


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
class Mark:
    """A number or name beside an axis, in the middle of its place."""

    at: float
    text: Any


@dataclass(frozen=True)
class Chart:
    """Stacked bars, the first kind at the bottom."""

    slots: Sequence[Slot]
    kinds: Sequence[tuple[str, Any]]  # class in the style sheet, and name

    width, height, left, right = WIDTH, HEIGHT, LEFT, RIGHT

    @property
    def boxes(self) -> list[Box]:
        step = (RIGHT - LEFT) / max(len(self.slots), 1)
        boxes = []
        for place, slot in enumerate(self.slots):
            top = float(BOTTOM)
            for kind, _name in self.kinds:
                height = slot.counts.get(kind, 0) * (BOTTOM - TOP) / self.top_value
                top -= height
                x = LEFT + (place + 0.12) * step
                if height:
                    boxes.append(
                        Box(_round(x), _round(top), _round(step * 0.76), _round(height), kind)
                    )
        return boxes

    @cached_property
    def top_value(self) -> int:
        """The round number at which the vertical axis ends."""
        most = max((slot.total for slot in self.slots), default=0)
        unit = 1
        while True:
            for factor in (2, 4, 10):  # even: half of it is a whole number
                if most <= factor * unit:
                    return factor * unit
            unit *= 10

    @property
    def table(self) -> list[tuple[str, list[int]]]:
        """The same in numbers, less the places where there is nothing."""
        return [
            (slot.label, [slot.counts.get(kind, 0) for kind, _name in self.kinds])
            for slot in self.slots
            if slot.total
        ]

    @property
    def rows(self) -> list[Mark]:
        return [
            Mark(_round(BOTTOM - share * (BOTTOM - TOP)), int(share * self.top_value))
            for share in (0, 0.5, 1)
        ]

    @property
    def columns(self) -> list[Mark]:
        step = (RIGHT - LEFT) / max(len(self.slots), 1)
        every = -(-len(self.slots) // MOST_LABELS)
        return [
            Mark(_round(LEFT + (place + 0.5) * step), slot.label)
            for place, slot in enumerate(self.slots)
            if place % max(every, 1) == 0
        ]


def _round(number: float) -> float:
    return round(number, 1)
