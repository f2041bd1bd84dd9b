"""The pytest plugin: fixtures by which a site tests its integration. See “Testing your integration”."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

# Django and the package are imported by the fixtures: the plugin is loaded before the site's settings.
if TYPE_CHECKING:
    from .models import Verification
    from .sandbox import Citizen, Sandbox


@pytest.fixture(scope="session")
def _wechat_running() -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    from .testing import running_sandbox

    with running_sandbox() as running:
        yield running


@pytest.fixture
def realname_settings(_wechat_running: tuple[Sandbox, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The current WX_REALNAME, which points to the local WeChat. Change it in place:

    `realname_settings["RESPONSE"] = "plain"`.
    """
    from django.test import override_settings

    whole = deepcopy(_wechat_running[1])
    with override_settings(WX_REALNAME=whole):
        yield whole


@pytest.fixture
def wechat_sandbox(
    _wechat_running: tuple[Sandbox, dict[str, Any]], realname_settings: dict[str, Any]
) -> Sandbox:
    """A local WeChat over real HTTP, kind and with an empty ledger, and WX_REALNAME leading to it."""
    from .testing import begin_anew

    sandbox = _wechat_running[0]
    begin_anew(sandbox)
    return sandbox


@pytest.fixture
def citizen() -> Citizen:
    """Somebody who doesn't exist, with WeChat Pay and a real name."""
    from .testing import CITIZEN

    return CITIZEN


@pytest.fixture
def verified_face(wechat_sandbox: Sandbox) -> Callable[..., Verification]:
    """Brings a verified face in one line, `verified_face(user)`: see `testing.verify_by_face`."""
    from .testing import verify_by_face

    return partial(verify_by_face, wechat_sandbox)
