"""axe-core in a page: what it finds serious or critical.

`npm ci --prefix tests/browser` comes first; the tox environment py3-browser does it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RUN = """
const [rules, done] = arguments;
const options = { resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) };
axe.run(document, options).then(
    ({ violations }) => done(violations.map(({ id, impact, nodes }) => [
        id, impact, nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`),
    ])),
    (error) => done([["axe", "critical", [String(error)]]]),
);
"""


@cache
def _source() -> str:
    assert AXE.exists(), "run npm ci --prefix tests/browser"
    return AXE.read_text(encoding="utf-8")


def violations(driver: Any, *rules: str) -> list[str]:
    """What the open page has against it, an element a line: by these rules, or by all."""
    driver.execute_script(_source())
    found = driver.execute_async_script(RUN, rules)
    return [
        f"{impact} {rule}: {element}"
        for rule, impact, elements in found
        if impact in ("serious", "critical")
        for element in elements
    ]
