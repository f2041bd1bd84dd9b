"""The exchange: an auth_token for the citizen's name and ID number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...exceptions import ConfigurationError
from ...models import Verification
from ...personal_data import PersonalData, Secret
from ...wechat.client import WeChatClient
from ...wechat.merchant_key import MerchantKey
from ...wechat.reading import Deadline
from . import attempt, job

NO_BUTTON = 'MERCHANTS["%s"] has no MCH_ID: without the button no auth_token can be exchanged.'


def exchange(
    *,
    user: Any,
    auth_token: str | Secret,
    merchant: str = "default",
    notice: Any = None,
    request: Any = None,
) -> Verification:
    """Exchange an auth_token for the citizen's name and ID number, and store them.

    `notice` is the id of the notice that the citizen was shown and agreed to.
    The same token posted again by the same user gives the same record, or the same error, without
    asking WeChat; see the status table of the interface. `.newly_verified` is True the first time.

    Raises a `RealNameError` subclass for each code of the interface; `ConfigurationError` for wrong
    settings, and inside the host's own `atomic()`.
    """
    # under the same name, so that no secret stands in this function's frame
    auth_token = Secret.of(auth_token)
    prepared = job.prepare(
        user=user,
        alias=merchant,
        notice=notice,
        request=request,
        token=("auth_token", auth_token, "wx_realname.token_digest"),
    )
    return attempt.run(_Exchange(**prepared, typed=None, auth_token=auth_token))


@dataclass(frozen=True)
class _Exchange(job.Job):
    auth_token: Secret

    method = Verification.Method.AUTHORIZE

    def key(self, client: WeChatClient) -> MerchantKey:
        if not self.merchant.has_button:
            raise ConfigurationError(NO_BUTTON % self.merchant.alias)
        return client.keys.now()

    def ask(
        self, client: WeChatClient, key: MerchantKey | None, deadline: Deadline
    ) -> PersonalData:
        if key is None:
            raise TypeError("an exchange needs the merchant's key")
        return client.getrealnameinfo(self.auth_token, key, deadline)
