"""A citizen as WeChat Pay knows one. Only invented people belong here."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST = 245  # bytes that RSA-2048 with PKCS#1 v1.5 padding can carry (section 4.4)


@dataclass(frozen=True)
class Citizen:
    """A citizen; the repr shows neither name nor number.

    The first `fault_times` tries (default: all) meet `fault`, a name of `faults.table`; by default the
    one that the ID number selects, if that table has the number. Whether the call can meet it is
    checked when the citizen acts.

    Without `wechat_pay` the exchange answers 94002, without `real_name_info` 94004, both without
    consuming the auth_token; the first `busy` tries answer -1 (system busy). Raises `ValueError`
    for a name that GB18030 or a number that ASCII can't write, or either empty or over 245 bytes.
    The number's form isn't checked, so that a wrong one can be tried.
    """

    real_name: str = field(repr=False)
    credential_id: str = field(repr=False)
    wechat_pay: bool = True
    real_name_info: bool = True
    busy: int = 0
    fault: str | None = None
    fault_times: int | None = None

    def __post_init__(self) -> None:
        self.real_name_bytes()
        self.credential_id_bytes()
        if self.busy < 0:
            raise ValueError("busy: must not be negative")
        if self.fault_times is not None and self.fault_times < 1:
            raise ValueError("fault_times: must be 1 or more; leave it out for always")

    def real_name_bytes(self) -> bytes:
        """The name in GB18030, of which the document's GBK is a part (section 4.3)."""
        return _encode("real_name", self.real_name, "gb18030")

    def credential_id_bytes(self) -> bytes:
        """The number of the identity card in ASCII."""
        return _encode("credential_id", self.credential_id, "ascii")


def _encode(name: str, text: str, encoding: str) -> bytes:
    try:
        encoded = text.encode(encoding)
    except UnicodeEncodeError:  # its message and its repr contain the value
        raise ValueError(f"{name}: can't be written in {encoding.upper()}") from None
    if not 0 < len(encoded) <= LONGEST:
        raise ValueError(f"{name}: must have 1 to {LONGEST} bytes in {encoding.upper()}")
    return encoded
