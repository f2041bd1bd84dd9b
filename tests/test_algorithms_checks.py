"""Which parts of an installation are SM: one line of `check --deploy`, the same as the doctor's (I001)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.checks import run_checks

from tests import sm_keys
from wx_realname.services.operation import algorithms

Configure = Callable[..., None]


def infos() -> list[str]:
    found = run_checks(include_deployment_checks=True)
    return [each.msg for each in found if each.id == "wx_realname.I001"]


@pytest.mark.django_db
def test_what_is_sm_is_said_in_one_line(configure: Configure) -> None:
    assert infos() == []
    configure(**sm_keys.ALONE)
    (line,) = infos()
    assert line == algorithms.line()
    assert "Not SM: nothing." in line
    assert "\n" not in line
    configure(INDEX_KEYS=sm_keys.FIRST["INDEX_KEYS"])
    assert "Not SM: indexes and token digests (HMAC-SM3, HMAC-SHA256)." in algorithms.line()
