"""`python -m benchmarks`: one run, a table, a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .surroundings import surroundings

if TYPE_CHECKING:
    from .report import Results

CAPTION = "CPU time of one exchange, as a multiple of the floor"


def main() -> int:
    """Measure, print and write; 0."""
    options = _parser().parse_args()
    with surroundings(options.database, sm=options.sm) as upstream:
        from .run import run  # with Django ready

        blocks = options.blocks or (6 if options.quick else 40)
        results = run(upstream, blocks, quick=options.quick)
    _write(results, Path(options.output))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--blocks", type=int, help="blocks of calls (40, or six when it is quick)")
    parser.add_argument("--quick", action="store_true", help="a look, in a minute")
    parser.add_argument("--database", metavar="URL", help="beside it one is made (SQLite, a file)")
    parser.add_argument("--sm", action="store_true", help="under SM4-GCM and HMAC-SM3 keys")
    parser.add_argument("--output", default="benchmarks/results", metavar="DIR")
    return parser


def _write(results: Results, folder: Path) -> None:
    from . import picture, report

    table = report.markdown(results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(table)
    (folder / "exchange.svg").write_text(picture.svg(results.in_process, CAPTION))
    print(table)
    print(f"{folder / 'results.md'}\n{folder / 'exchange.svg'}")


if __name__ == "__main__":
    sys.exit(main())
