"""The ratios as bars, in SVG: on a scale of powers of ten, readable on a light page and on a dark one."""

from __future__ import annotations

import math
from html import escape

from .blocks import Ratio, shown

LEFT, BAR, ROW, TOP = 230, 430, 30, 34  # pixels
OURS = "our exchange"
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .faint { fill: #59636e } .line { stroke: #d1d9e0 }
  .bar { fill: #8c959f } .ours { fill: #1a7f37 } .spread { stroke: #1f2328 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .faint { fill: #9198a1 } .line { stroke: #3d444d }
    .bar { fill: #656c76 } .ours { fill: #3fb950 } .spread { stroke: #f0f6fc }
  }
"""


def svg(ratios: dict[str, Ratio], caption: str) -> str:
    """One bar a way, its quartiles as a line on it."""
    most = max(ratio.high for ratio in ratios.values())
    height, width = TOP + ROW * len(ratios) + 30, LEFT + BAR + 70
    bars = [
        _bar(title, ratio, TOP + ROW * row, most)
        for row, (title, ratio) in enumerate(ratios.items())
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(caption)}</title><style>{STYLE}</style>",
            f'<text x="0" y="16">{escape(caption)}</text>',
            *_scale(most, height),
            *bars,
            "</svg>\n",
        ]
    )


def _x(value: float, most: float) -> float:
    """From 0.5 times the floor, so that the floor has a bar too."""
    return LEFT + BAR * math.log(value / 0.5) / math.log(most / 0.5)


def _scale(most: float, height: int) -> list[str]:
    lines = []
    for value in (1, 2, 5, 10, 20, 50, 100, 200):
        if value <= most:
            x = _x(value, most)
            lines.append(f'<path class="line" d="M{x:.1f} {TOP - 6}V{height - 26}"/>')
            lines.append(
                f'<text class="faint" x="{x:.1f}" y="{height - 10}" text-anchor="middle">{value}×</text>'
            )
    return lines


def _bar(title: str, ratio: Ratio, y: int, most: float) -> str:
    end, low, high = (_x(value, most) for value in (ratio.median, ratio.low, ratio.high))
    kind = "bar ours" if title.startswith(OURS) else "bar"
    return (
        f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(title)}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{y + 2}" width="{end - LEFT:.1f}" height="20" rx="3"/>'
        f'<path class="spread" d="M{low:.1f} {y + 12}H{high:.1f}"/>'
        f'<text x="{max(end, high) + 8:.1f}" y="{y + 17}">{shown(ratio.median)}</text>'
    )
