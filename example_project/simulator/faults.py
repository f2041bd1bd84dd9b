"""What can be made to go wrong: the simulator's own few, and whatever the sandbox offers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .citizens import Citizen
from .control import Control, Refused

EXCHANGE = (
    "getrealnameinfo"  # the only call that has a citizen, and so a fault of the citizen's own
)
#: Before the names of the sandbox's faults, lest one of them be called like one of ours.
OF_THE_SANDBOX = "wechat:"
Text = str | Promise


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. `fields` go to the sandbox's auth_tokens call, over the citizen's.

    What the phone itself does wrong (loses its network, posts twice) is known to the page by name.
    """

    name: str
    label: Text
    explanation: Text
    group: Text = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    expires_access_tokens: bool = False
    forges: bool = False

    def on_the_page(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("name", "label", "explanation", "group")}

    def auth_token(self, citizen: Citizen, control: Control) -> str:
        """What the button's event carries. Raises `Refused`."""
        if self.expires_access_tokens:
            control.post("expire_access_tokens", {})
        if self.forges:
            return secrets.token_urlsafe(48)
        fields = {**citizen.for_the_sandbox(), **self.fields}
        return str(control.post("auth_tokens", fields)["auth_token"])


_WECHAT, _PHONE = _("WeChat"), _("The phone")
_OWN = (
    Fault("", _("Nothing"), _("Everything works, as it does on most days.")),
    Fault(
        "busy-once",
        _("WeChat is busy once"),
        _("The first try is answered with -1. The server tries again, and nobody notices."),
        _WECHAT,
        {"busy": 1},
    ),
    Fault(
        "busy",
        _("WeChat stays busy"),
        _("Three tries are answered with -1. The same authorization may be sent again later."),
        _WECHAT,
        {"busy": 3},
    ),
    Fault(
        "expired",
        _("The access_token died"),
        _("WeChat no longer knows the server's access_token. It fetches a new one and repeats."),
        _WECHAT,
        expires_access_tokens=True,
    ),
    Fault(
        "unreadable",
        _("The answer can't be read"),
        _("What comes back decrypts to something that is no ID number, so it isn't believed."),
        _WECHAT,
        {"credential_id": "not-a-number"},
    ),
    Fault(
        "forged",
        _("WeChat doesn't know the auth_token"),
        _("It was used before, is too old, or was made up: WeChat answers 94005."),
        _WECHAT,
        forges=True,
    ),
    Fault(
        "offline",
        _("No network, once"),
        _("The mini-program's message never leaves the phone."),
        _PHONE,
    ),
    Fault(
        "answer-lost",
        _("The answer gets lost"),
        _("All goes well, but the answer doesn't reach the phone, which then asks again."),
        _PHONE,
    ),
    Fault(
        "twice",
        _("It is sent twice"),
        _("The same authorization is sent twice at the same moment. WeChat is asked once."),
        _PHONE,
    ),
)
#: Those of the sandbox's faults that teach most, in words of ours.
_CURATED: Mapping[str, tuple[Text, Text]] = MappingProxyType(
    {
        "reset_after_consumption": (
            _("WeChat hangs up after the deed"),
            _(
                "The auth_token is consumed, and the answer lost. Nobody can know, so nobody guesses."
            ),
        ),
        "html_before_consumption": (
            _("An error page for an answer"),
            _("Something between us and WeChat answers in HTML."),
        ),
        "timeout_before_consumption": (
            _("WeChat never answers"),
            _("The server waits as long as READ_TIMEOUT says, then gives up."),
        ),
        "errcode_94003": (
            _("Our signature is refused"),
            _("The private key isn't the certificate's: only the operator can mend it."),
        ),
        "errcode_45009": (
            _("The day's quota is used up"),
            _("WeChat lets nobody through until tomorrow."),
        ),
        "encrypted_for_another_key": (
            _("Encrypted for another key"),
            _("What comes decrypts to noise, and noise isn't taken for a name."),
        ),
    }
)
OWN: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _OWN})


def offered(control: Control) -> Mapping[str, Fault]:
    """Every fault by its name: ours first, then the sandbox's, where it has any; curated ones before."""
    theirs = sorted(_of_the_sandbox(control), key=lambda fault: fault.group != _WECHAT)
    return {**OWN, **{fault.name: fault for fault in theirs}}


def find(name: object, control: Control) -> Fault | None:
    """The fault of that name; None when there is none."""
    if not isinstance(name, str):
        return None
    return OWN[name] if name in OWN else offered(control).get(name)


def _of_the_sandbox(control: Control) -> Iterator[Fault]:
    try:
        listed: Any = control.get("faults")["faults"]
    except (Refused, KeyError):  # a sandbox that only ever succeeds
        return
    for row in listed:
        if EXCHANGE in row.get("calls", (EXCHANGE,)):
            yield _theirs(row)


def _theirs(row: Mapping[str, Any]) -> Fault:
    name = str(row["name"])
    fields = {"fault": name}
    if name in _CURATED:
        return Fault(OF_THE_SANDBOX + name, *_CURATED[name], _WECHAT, fields)
    group = _("More: {group}").format(group=str(row["group"]).replace("_", " "))
    return Fault(OF_THE_SANDBOX + name, name, str(row["description"]), group, fields)
