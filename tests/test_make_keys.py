"""realname_make_keys: what it prints can be a site's environment as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

import environ
import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from tests.test_opening import BACKEND, Mask
from wx_realname import conf, env
from wx_realname.vault import opening


def printed(*arguments: str) -> dict[str, str]:
    out = StringIO()
    call_command("realname_make_keys", *arguments, stdout=out)
    lines = [line for line in out.getvalue().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def read(lines: Mapping[str, str], settings: Any, **more: Any) -> conf.Settings:
    source = environ.Env()
    source.ENVIRON = dict(lines)
    settings.WX_REALNAME = settings.WX_REALNAME | env.settings(source) | more
    return conf.current()


@pytest.mark.parametrize(
    ("arguments", "algorithms"),
    [((), ("AES-256-GCM", "HMAC-SHA256")), (("--sm",), ("SM4-GCM", "HMAC-SM3"))],
)
def test_the_lines_are_settings_and_differ_each_time(
    arguments: tuple[str, ...], algorithms: tuple[str, str], settings: Any
) -> None:
    lines = printed(*arguments)
    assert set(lines.values()).isdisjoint(printed(*arguments).values())
    found = read(lines, settings)
    assert found.encryption_keys[0].algorithm == algorithms[0]
    assert {found.index_keys[0].algorithm, found.audit_keys[0].algorithm} == {algorithms[1]}
    keys = (found.encryption_keys[0], found.index_keys[0], found.audit_keys[0])
    assert len({key.material for key in keys}) == 3


@pytest.mark.parametrize("given", [None, {}, {"MERCHANTS": {}}])
def test_it_works_before_the_settings_do(given: Any, settings: Any) -> None:
    settings.WX_REALNAME = given
    assert len(printed()) == 3


@pytest.mark.parametrize("backend", [None, BACKEND])
def test_what_is_said_beside_them_is_in_the_sites_language(
    configure: Callable[..., None], backend: str | None
) -> None:
    configure(DATA_KEY_BACKEND=backend)
    out = StringIO()
    with translation.override("zh-hans"):
        call_command("realname_make_keys", stdout=out)
    lines = out.getvalue().splitlines()
    comments = [line for line in lines if line.startswith("# ")]
    assert len(comments) == len(lines) - 3
    assert all(re.search("[\u4e00-\u9fff]", line) for line in comments)
    assert "审计日志" in out.getvalue() and (backend or "版本库") in out.getvalue()


def test_with_a_backend_they_are_wrapped(settings: Any, configure: Callable[..., None]) -> None:
    configure(DATA_KEY_BACKEND=BACKEND)
    lines = printed("--sm")
    assert all(":wrapped:" in line for line in lines.values())
    found = read(lines, settings, DATA_KEY_BACKEND=BACKEND)
    assert len(opening.material(found.encryption_keys[0])) == 16
    assert len(opening.material(found.audit_keys[0])) == 32


def test_a_backend_that_fails_prints_no_key(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mask, "fault", RuntimeError("planted"))
    configure(DATA_KEY_BACKEND=BACKEND)
    with pytest.raises(CommandError, match="A key could not be opened") as caught:
        printed()
    assert caught.value.returncode == 2


def test_a_variable_that_cannot_be_read_prints_no_key(settings: Any) -> None:
    """It may stand beside a DATA_KEY_BACKEND, which was to wrap the keys."""
    settings.WX_REALNAME = {conf.UNREADABLE: "WX_REALNAME_APPID is unknown."}
    with pytest.raises(CommandError, match=r"^WX_REALNAME_APPID is unknown\.$"):
        printed()
