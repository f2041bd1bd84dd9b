"""What can be made to go wrong: the simulator's own few, and whatever the sandbox offers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .citizens import Citizen
from .control import Control, Refused
from .fault_words import BY_NUMBER, GROUPS, describe
from .ways import AUTHORIZE, BEGIN_FACE, CHECK, FACE, WAYS, Way

#: Before the names of the sandbox's faults, lest one of them be called like one of ours.
OF_THE_SANDBOX = "wechat:"
#: Before those that getverifyid meets, by the ID number that is typed.
OF_THE_BEGIN = "begin:"
Text = str | Promise


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. `fields` go to the sandbox's call for a token, over the citizen's.

    `number` is the ID number whose face verifications meet it as they begin.

    What the phone itself does wrong (loses its network, posts twice) is known to the page by name.
    """

    name: str
    label: Text
    explanation: Text
    group: Text = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    expires_access_tokens: bool = False
    forges: bool = False
    ways: tuple[Way, ...] = (FACE, AUTHORIZE, CHECK)
    number: str = field(default="", repr=False)

    def on_the_page(self) -> dict[str, object]:
        shown = {name: getattr(self, name) for name in ("name", "label", "explanation", "group")}
        return {**shown, "ways": [way.name for way in self.ways]}

    def token(self, way: Way, citizen: Citizen, control: Control, **more: str) -> str:
        """What WeChat gives the mini-program on this way. Raises `Refused`."""
        if self.expires_access_tokens:
            control.post("expire_access_tokens", {})
        if self.forges:
            return secrets.token_urlsafe(48)
        fields = {**citizen.for_the_sandbox(), **more, **self.fields}
        return str(control.post(way.control, fields)[way.token])

    def face(self, verify_id: str, verdict: object, control: Control) -> dict[str, Any]:
        """The citizen before the camera: the verify_ret, and what the phone receives. Raises `Refused`."""
        if self.expires_access_tokens:
            control.post("expire_access_tokens", {})
        return control.post("faces", {"verify_id": verify_id, "verify_ret": verdict, **self.fields})


_WECHAT, _PHONE = _("WeChat"), _("The phone")
_OWN = (
    Fault("", _("Nothing"), _("Everything works, as it does on most days.")),
    Fault(
        "busy-once",
        _("WeChat is busy once"),
        _("The first try is answered with -1. The server tries again, and nobody notices."),
        _WECHAT,
        {"fault": "busy", "fault_times": 1},
    ),
    Fault(
        "busy",
        _("WeChat stays busy"),
        _("Three tries are answered with -1. The same authorization may be sent again later."),
        _WECHAT,
        {"fault": "busy", "fault_times": 3},
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
        ways=(AUTHORIZE,),
    ),
    Fault(
        "forged",
        _("WeChat doesn't know the authorization"),
        _("It was used before, is too old, or was made up: WeChat answers 94005, or 80111."),
        _WECHAT,
        forges=True,
        ways=(AUTHORIZE, CHECK),
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
    Fault(
        "code-again",
        _("The last code is sent again"),
        _("WeChat may hand the mini-program an old code once more. One code is for one check."),
        _PHONE,
        ways=(CHECK,),
    ),
    Fault(
        "phone-success",
        _("The phone says success, whatever happened"),
        _("Choose a verdict that is no pass: the phone is glad, and our server says no."),
        _PHONE,
        ways=(FACE,),
    ),
    Fault(
        "phone-fail",
        _("The phone says fail, whatever happened"),
        _(
            "The citizen passed, and the phone never heard of it. Our server asks WeChat, and knows."
        ),
        _PHONE,
        ways=(FACE,),
    ),
    Fault(
        "closed",
        _("The mini-program is closed in the middle"),
        _("Before it asked how it ended. The record waits, and is found again or settled later."),
        _PHONE,
        ways=(FACE,),
    ),
)
#: Those of the sandbox's faults that teach most, in words of ours.
_CURATED: Mapping[str, tuple[Text, Text]] = MappingProxyType(
    {
        "reset_after_consumption": (
            _("WeChat hangs up after the deed"),
            _(
                "What the citizen gave is consumed, and the answer lost. Nobody can know, so nobody guesses."
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
        "verdicts_contradict": (
            _("The verdict contradicts itself"),
            _("The name matches, and doesn't: what makes no sense isn't believed."),
        ),
        "errcode_80113": (
            _("The code was used before"),
            _("WeChat answers a code once only, and says 80113 from then on."),
        ),
        "errcode_80112": (
            _("The code is in use at this moment"),
            _("WeChat says 80112. The same code may be sent again later."),
        ),
        "errcode_45009": (
            _("The day's quota is used up"),
            _(
                "WeChat answers this service no more until tomorrow. Nothing that was given is lost."
            ),
        ),
        "encrypted_for_another_key": (
            _("Encrypted for another key"),
            _("What comes decrypts to noise, and noise isn't taken for a name."),
        ),
    }
)
#: What WeChat says on one way alone: a check isn't signed, and an exchange has no code.
_ERRCODES = (
    (AUTHORIZE, re.compile(r"errcode_94\d{3}")),
    (CHECK, re.compile(r"errcode_(1005|8011\d)")),
    (FACE, re.compile(r"errcode_(40003|840\d\d)")),
)
#: What getverifyid meets, of all that the sandbox offers.
_AT_THE_BEGIN = (
    *("errcode_48001", "errcode_40003", "errcode_84014", "errcode_84015", "errcode_84019"),
    *("errcode_45009", "reset_before_consumption", "html_before_consumption", "without_verify_id"),
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
        if ways := _ways(row):
            yield _theirs(row, ways)
        if row["name"] in _AT_THE_BEGIN and BEGIN_FACE in row.get("calls", ()):
            yield _at_the_begin(row)


def _ways(row: Mapping[str, Any]) -> tuple[Way, ...]:
    """The ways on which it can be met."""
    only = next((way for way, own in _ERRCODES if own.fullmatch(row["name"])), None)
    calls = row.get("calls", (AUTHORIZE.call,))
    return tuple(way for way in WAYS.values() if way.call in calls and only in (None, way))


def _theirs(row: Mapping[str, Any], ways: tuple[Way, ...]) -> Fault:
    name = str(row["name"])
    group: Text = _WECHAT
    if name in _CURATED:
        label, explanation = _CURATED[name]
    else:
        label, explanation = describe(name, str(row["description"]), ways[0], str(row["group"]))
        kind = str(row["group"])
        group = _("More: {group}").format(
            group=GROUPS[kind][0] if kind in GROUPS else kind.replace("_", " ")
        )
    return Fault(
        OF_THE_SANDBOX + name, label, explanation, group, fields={"fault": name}, ways=ways
    )


def _at_the_begin(row: Mapping[str, Any]) -> Fault:
    """The same trouble, met by getverifyid: whoever types this number meets it."""
    name = str(row["name"])
    label, _explanation = describe(
        name, str(row["description"]), FACE, str(row["group"]), BEGIN_FACE
    )
    number = str(row.get("credential_id", ""))
    return Fault(
        OF_THE_BEGIN + name, label, BY_NUMBER, _("When it begins"), ways=(FACE,), number=number
    )
