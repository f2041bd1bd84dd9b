"""The benchmark's own arithmetic, table and picture; under e2e, a quick run of the whole."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.blocks import Ratio, Way, measured, ratio, ratios
from benchmarks.picture import svg
from benchmarks.report import Results, markdown
from tests.processes import ROOT, run


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


# --- what the pages tell is what the last run found ---------------------------------------------


def found(table: str) -> dict[str, float]:
    """The first number of each line of a table of results.md."""
    text = (ROOT / "benchmarks/results/results.md").read_text().partition(f"| {table} ")[2]
    lines = [line.split("|") for line in text.partition("\n\n")[0].splitlines()[2:]]
    return {cells[1].strip(): float(cells[2]) for cells in lines}


@pytest.mark.parametrize(
    ("page", "head"), [("README.md", "### What it costs"), ("README.zh-CN.md", "### 开销")]
)
def test_the_readme_tells_what_the_last_run_found(page: str, head: str) -> None:
    section = (ROOT / page).read_text().partition(head)[2]
    rows = re.findall(r"^\| .* \| (.*) \|$", section, re.MULTILINE)
    alone, served = found("in one process"), found("under gunicorn")
    ours, theirs = "our exchange", "a good engineer's view"
    others = (
        "the document's shell lines",
        "requests.post, no session",
        "key file loaded at each step",
    )
    expected = [alone[ours], served[ours], alone[theirs], served[theirs], *map(alone.get, others)]
    told = [number for row in rows for number in re.findall(r"[\d.]+", row)]
    for said, figure in zip(told, expected, strict=True):
        assert figure is not None
        assert float(said) == round(figure, len(said.partition(".")[2]))


@pytest.mark.parametrize("page", ["docs/en/scale.md", "docs/zh/scale.md"])
def test_scale_starts_from_what_the_last_run_found(page: str) -> None:
    text, results = (ROOT / page).read_text(), (ROOT / "benchmarks/results/results.md").read_text()
    floor = re.search(r"the floor \(([\d.]+) ms\)", results)
    assert floor and f" {floor[1]} " in text
    ours = found("in one process")["our exchange"]
    assert f" {ours:.2f} " in text
    assert f" {ours * float(floor[1]):.1f} " in text
    served = max(float(row) for row in re.findall(r"0 ms \| +(\d+) \|", results))
    assert f" {served:.0f}" in text


@pytest.mark.long
@pytest.mark.e2e
def test_a_quick_run_measures_everything(tmp_path: Path) -> None:
    options = ("--quick", "--blocks=2", "--output", str(tmp_path))
    run(sys.executable, "-m", "benchmarks", *options)
    table = (tmp_path / "results.md").read_text()
    for words in ("our exchange", "the floor", "300 ms", "clients at once", "audit event"):
        assert words in table
    assert (tmp_path / "exchange.svg").read_text().startswith("<svg")
