"""How a page looks: in light and in dark, and as a picture for whoever asks for one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SHOTS = os.environ.get("BROWSER_SHOTS", "")  # a folder


def colours(driver: Any, scheme: str) -> None:
    """Show the page in its light or dark colours, and nothing in motion."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def take(driver: Any, name: str) -> None:
    """A picture of the window into BROWSER_SHOTS; nothing where that isn't set."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        assert driver.save_screenshot(str(Path(SHOTS) / f"{name}.png"))
