"""The real-name check: name and ID number, as the citizen typed them, against WeChat Pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...exceptions import InvalidCode
from ...models import Verification
from ...personal_data import PersonalData, Secret
from ...vault import blind_index
from ...wechat.client import WeChatClient
from ...wechat.merchant_key import MerchantKey
from ...wechat.reading import Deadline
from . import attempt, job, typed


def check(
    *,
    user: Any,
    openid: str,
    code: str | Secret,
    real_name: str | Secret,
    credential_id: str | Secret,
    merchant: str = "default",
    notice: Any = None,
    request: Any = None,
) -> Verification:
    """Check a name and an ID number against WeChat Pay (checkrealnameinfo), and store them if they match.

    `openid` is the citizen's in this mini-program; `code` is what WeChat's city service gave the
    mini-program, and is good for one check. The same code posted again by the same user gives the
    same record, or the same error, without asking WeChat; with another name or number, `InvalidCode`.

    Raises a `RealNameError` subclass for each code of the interface, `Mismatch` among them;
    `ConfigurationError` for wrong settings, and inside the host's own `atomic()`.
    """
    # under the same names, so that no secret stands in this function's frame
    code, real_name, credential_id = map(Secret.of, (code, real_name, credential_id))
    prepared = job.prepare(
        user=user,
        alias=merchant,
        notice=notice,
        request=request,
        token=("code", code, "wx_realname.check_code_digest"),
        **typed.faults(Secret(openid), real_name, credential_id),
    )
    data = typed.normalize(real_name, credential_id)
    return attempt.run(_Check(**prepared, openid=openid, code=code, typed=data))


@dataclass(frozen=True)
class _Check(job.Job):
    openid: str
    code: Secret
    typed: PersonalData

    method = Verification.Method.CHECK

    def ask(
        self, client: WeChatClient, key: MerchantKey | None, deadline: Deadline
    ) -> PersonalData:
        client.checkrealnameinfo(self.openid, self.code, self.typed, deadline)
        return self.typed

    def changes(self, row: Verification, answer: PersonalData) -> dict[str, Any]:
        digest = blind_index.typed_digests(self.settings.index_keys, row.id, self.typed)[0]
        return super().changes(row, answer) | {"typed_digest": digest.hex}

    def confirm(self, row: Verification) -> None:
        """Raise `InvalidCode` unless the record was made for the same name and number."""
        digests = blind_index.typed_digests(self.settings.index_keys, row.id, self.typed)
        known = {digest.hex for digest in digests}
        if row.status == Verification.Status.VERIFIED and row.typed_digest not in known:
            raise InvalidCode(verification_id=row.pk)
