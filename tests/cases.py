"""One test over many cases: for cases that share a set-up and leave nothing behind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def each(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Any], Any]:
    """Like `parametrize`, within one test: its fixtures are set up once, and every case that fails is shown.

    `monkeypatch` is undone after each case.
    """
    one, cases = isinstance(names, str), list(cases)
    assert cases, "no cases"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **fixtures: Any) -> None:
            failures: list[tuple[str, Exception]] = []
            for case in cases:
                values = {names: case} if one else dict(zip(names, case, strict=True))
                try:
                    _run(test, *args, **fixtures, **values)
                except Exception as error:
                    shown = repr(values)[:200]
                    failures.append((f"{shown}: {type(error).__name__}: {error}", error))
            if failures:
                shown = "\n".join(text for text, _ in failures)
                raise AssertionError(
                    f"{len(failures)} of {len(cases)} cases failed:\n{shown}"
                ) from failures[0][1]

        signature = inspect.signature(test)
        given = {names} if one else {*names}
        left = [parameter for name, parameter in signature.parameters.items() if name not in given]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate


def _run(test: Callable[..., None], *args: Any, **values: Any) -> None:
    if "monkeypatch" not in values:
        return test(*args, **values)
    with values["monkeypatch"].context() as monkeypatch:
        return test(*args, **values | {"monkeypatch": monkeypatch})
