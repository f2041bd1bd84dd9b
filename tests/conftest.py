"""Fixtures: a real local WeChat, and settings that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests import settings as test_settings
from wx_realname.sandbox import Citizen, Merchant, Sandbox

NAME, NUMBER = "欧阳娜", "440524198001010013"


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    configured = test_settings.WX_REALNAME["MERCHANTS"]["default"]  # type: ignore[index]
    merchant = Merchant(
        configured["APP_ID"],
        configured["APP_SECRET"],
        configured["MCH_ID"],
        (test_settings.merchant_key.certificate_pem,),
    )
    with Sandbox([merchant]) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_server: Sandbox, settings: Any) -> Sandbox:
    """The local WeChat, its ledger empty, and WX_REALNAME pointing to it; the cache is empty."""
    settings.WX_REALNAME = settings.WX_REALNAME | {"API_BASE_URL": sandbox_server.url}
    sandbox_server.reset_ledger()
    cache.clear()
    return sandbox_server


@pytest.fixture
def auth_token(sandbox: Sandbox) -> str:
    return sandbox.issue_auth_token(Citizen(NAME, NUMBER))


@pytest.fixture
def api() -> Callable[[str], APIClient]:
    """A client of the REST interface, logged in as the user of that name."""

    def client(username: str = "citizen") -> APIClient:
        return APIClient(headers={"X-User": username} if username else None)

    return client
