"""The three ways to prove a real name, and what WeChat calls the things on each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Way:
    """`token` is what WeChat gives the mini-program, `control` the sandbox's call for one.

    `call` is what our server asks WeChat then: the only call that has a citizen, and so faults of
    the citizen's own.
    """

    name: str
    token: str
    control: str
    call: str

    def on_the_page(self) -> dict[str, str]:
        return {"token": self.token, "call": self.call}


FACE = Way("face", "verify_id", "faces", "queryverifyinfo")
AUTHORIZE = Way("authorize", "auth_token", "auth_tokens", "getrealnameinfo")
CHECK = Way("check", "code", "check_codes", "checkrealnameinfo")
WAYS: Mapping[str, Way] = MappingProxyType({way.name: way for way in (FACE, AUTHORIZE, CHECK)})
#: The call that begins a face: it names the citizen, too.
BEGIN_FACE = "getverifyid"
