"""Fixtures: a sandbox under a clock of its own, and a client that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.test_sandbox.client import (
    APP,
    MCH,
    NA,
    OTHER_APP,
    OTHER_MCH,
    SECOND_MCH,
    SECRET,
    SHUT_APP,
    SHUT_MCH,
    Clock,
    WeChatClient,
)
from wx_realname.sandbox import Merchant, MerchantKey, Sandbox, make_merchant_key


@pytest.fixture(scope="session")
def key() -> MerchantKey:
    return make_merchant_key()


@pytest.fixture(scope="session")
def renewed_key() -> MerchantKey:
    return make_merchant_key(serial="00AB" + "3" * 36)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def merchants(key: MerchantKey, renewed_key: MerchantKey) -> list[Merchant]:
    one, both = (key.certificate_pem,), (key.certificate_pem, renewed_key.certificate_pem)
    return [
        Merchant(APP, SECRET, MCH, both),
        Merchant(APP, SECRET, SECOND_MCH, one),
        Merchant(OTHER_APP, SECRET, OTHER_MCH, one),
        Merchant(SHUT_APP, SECRET, SHUT_MCH, one, button=False, check=False, face=False),
    ]


@pytest.fixture
def sandbox(merchants: list[Merchant], clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(merchants, clock=clock) as running:
        yield running


@pytest.fixture
def wechat(sandbox: Sandbox, clock: Clock, key: MerchantKey) -> Iterator[WeChatClient]:
    client = WeChatClient(sandbox, clock, key)
    with client.session:
        yield client


@pytest.fixture
def auth_token(sandbox: Sandbox) -> str:
    return sandbox.issue_auth_token(NA, APP)
