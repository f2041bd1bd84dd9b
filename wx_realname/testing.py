"""Test your own integration: a local WeChat over real HTTP, and a WX_REALNAME that leads to it.

pytest finds the fixtures `wechat_sandbox`, `citizen`, `verified_face` and `realname_settings` by
itself; for Django's test runner there is `RealNameTestMixin`. Where the settings of the tests have no
WX_REALNAME, or one without secrets: `WX_REALNAME = wx_realname.testing.made_up_settings()`. Nothing
here is for production.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .sandbox import Citizen, Merchant, MerchantKey, Sandbox, make_merchant_key

if TYPE_CHECKING:
    from .models import Verification

__all__ = ["CITIZEN", "RealNameTestMixin", "made_up_settings", "running_sandbox", "verify_by_face"]

#: An invented citizen. Make others: `Citizen(real_name, credential_id)`.
CITIZEN = Citizen("张三", "110101199003070038")


NOBODY_LISTENS = "http://127.0.0.1:9"


def made_up_settings(*aliases: str) -> dict[str, Any]:
    """A complete WX_REALNAME with invented secrets, and a WeChat that can't be reached.

    With a merchant for each alias ("default" unless given). The system checks find it right.
    """
    key = make_merchant_key()
    merchants = _merchants(key, aliases or ("default",))
    return _settings(key, merchants, NOBODY_LISTENS)


@contextmanager
def running_sandbox() -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """A local WeChat that knows a merchant for each alias of the site's WX_REALNAME.

    With it comes the whole WX_REALNAME for it: the site's own, where merchants, keys, address and
    throttle are the test's. Put it in force by `override_settings(WX_REALNAME=...)`.
    """
    from django.conf import settings

    site = getattr(settings, "WX_REALNAME", None) or {}
    key = make_merchant_key()
    merchants = _merchants(key, site.get("MERCHANTS") or ("default",))
    with Sandbox(merchants.values()) as sandbox:
        yield sandbox, site | _settings(key, merchants, sandbox.url)


def verify_by_face(
    sandbox: Sandbox,
    user: Any,
    citizen: Citizen = CITIZEN,
    *,
    openid: str = "oCitizenOfTheSandbox",
    verify_ret: int | None = None,
    **more: Any,
) -> Verification:
    """Let the user's face be verified; returns the record.

    `verify_ret` is what WeChat comes to: by default the ID number's, else 10000, passed. `more`
    (`merchant`, `notice`) goes to `services.begin_face`. Raises `RealNameError` as the two services do.
    """
    services: Any = import_module("wx_realname.services")  # with Django set up, no sooner
    begun = services.begin_face(
        user=user,
        openid=openid,
        real_name=citizen.real_name,
        credential_id=citizen.credential_id,
        **more,
    )
    sandbox.show_face(str(begun.verify_id), verify_ret)
    verification: Verification = services.finish_face(begun)
    return verification


def _merchants(key: MerchantKey, aliases: Iterable[str]) -> dict[str, Merchant]:
    return {
        alias: Merchant(
            f"wx{number:016x}", secrets.token_hex(16), f"19{number:08}", (key.certificate_pem,)
        )
        for number, alias in enumerate(aliases)
    }


def begin_anew(sandbox: Sandbox) -> None:
    """Leave nothing of another test: no fault that waits for a call, no unkind profile, an empty ledger."""
    sandbox.clear_faults()
    sandbox.use_profile("kind")
    sandbox.reset_ledger()


def _settings(key: MerchantKey, merchants: dict[str, Merchant], url: str) -> dict[str, Any]:
    return {
        "MERCHANTS": {
            alias: {
                "APP_ID": merchant.app_id,
                "APP_SECRET": merchant.app_secret,
                "MCH_ID": merchant.mch_id,
                "PRIVATE_KEY": key.private_key_pem.decode(),
                "CERTIFICATE": key.certificate_pem.decode(),
                "CATEGORY_ID": [99, 904],
            }
            for alias, merchant in merchants.items()
        },
        "API_BASE_URL": url,
        "ENCRYPTION_KEYS": [f"test:AES-256-GCM:{_key()}"],
        "INDEX_KEYS": [f"test:{_key()}"],
        "AUDIT_KEYS": [f"test:{_key()}"],
        "THROTTLE_RATE": None,
        "FACE_RATE": None,
    }


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


class RealNameTestMixin:
    """Beside Django's `TestCase`: `self.wechat_sandbox`, `self.citizen` and `self.realname_settings`.

    `self.verified_face(user)` brings a verified face: see `verify_by_face`.

    `realname_settings` is the WX_REALNAME in force; change it in place, each test begins with its own.
    """

    wechat_sandbox: Sandbox
    realname_settings: dict[str, Any]
    citizen = CITIZEN

    @classmethod
    def setUpClass(cls) -> None:
        from django.test import override_settings

        running = running_sandbox()
        cls.wechat_sandbox, cls._whole = running.__enter__()
        cls.addClassCleanup(running.__exit__, None, None, None)  # type: ignore[attr-defined]
        override = override_settings(WX_REALNAME=deepcopy(cls._whole))  # for setUpTestData
        override.enable()
        cls.addClassCleanup(override.disable)  # type: ignore[attr-defined]
        super().setUpClass()  # type: ignore[misc]

    def setUp(self) -> None:
        from django.test import override_settings

        super().setUp()  # type: ignore[misc]
        self.realname_settings = deepcopy(self._whole)
        override = override_settings(WX_REALNAME=self.realname_settings)
        override.enable()
        self.addCleanup(override.disable)  # type: ignore[attr-defined]
        begin_anew(self.wechat_sandbox)

    def verified_face(self, user: Any, citizen: Citizen = CITIZEN, **more: Any) -> Verification:
        """Let the user's face be verified; returns the record."""
        return verify_by_face(self.wechat_sandbox, user, citizen, **more)

    _whole: dict[str, Any]
