"""The benchmark's own arithmetic, table and picture; under e2e, a quick run of the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.blocks import Ratio, Way, measured, ratio, ratios
from benchmarks.picture import svg
from benchmarks.report import Results, markdown

ROOT = Path(__file__).resolve().parent.parent


def test_a_machine_that_slows_down_changes_no_ratio() -> None:
    def taking(seconds: float) -> Way:
        return Way(lambda: seconds, 3)

    ways = ({"floor": taking(n), "ours": taking(1.5 * n), "theirs": taking(2 * n)} for n in (1, 9))
    means = [mean for each in ways for mean in measured(each, 2, print)]
    assert {name: each.median for name, each in ratios(means, "floor").items()} == {
        "floor": 1,
        "ours": 1.5,
        "theirs": 2,
    }
    assert ratio(means, "ours", "theirs") == Ratio(0.75, 0.75, 0.75)


def test_table_and_picture_show_every_way() -> None:
    found = {
        "the floor": Ratio(1, 1, 1),
        "our exchange": Ratio(1.6, 1.5, 1.7),
        "<slow>": Ratio(115, 110, 120),
    }
    table = markdown(Results("a machine", 40, 0.001, found))
    cells = [cell.strip() for line in table.splitlines() for cell in line.split("|")]
    assert {"our exchange", "1.60", "1.50 to 1.70", "115"} <= set(cells)
    picture = ElementTree.fromstring(svg(found, "a caption"))  # noqa: S314 - our own
    texts = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"the floor", "our exchange", "<slow>", "1.60", "115", "a caption"} <= texts


@pytest.mark.e2e
def test_a_quick_run_measures_everything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "results.md").read_text()
    for words in ("our exchange", "the floor", "300 ms", "clients at once", "audit event"):
        assert words in table
    assert (tmp_path / "exchange.svg").read_text().startswith("<svg")
