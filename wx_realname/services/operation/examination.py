"""What the doctor finds of one merchant: keys, certificates, clock, and WeChat's answers.

No citizen's data is needed or sent: the exchange is tried with an invented auth_token. WeChat refuses that
(94005) only when all that it checks before is correct: certificate, clock, signature, merchant number
and appid. An invented verify_id and an invented code show which other methods are open.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import padding
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from ... import conf
from ...exceptions import (
    ConfigurationError,
    InvalidAuthToken,
    InvalidCode,
    Misconfigured,
    Mismatch,
    NoRealName,
    RealNameError,
)
from ...personal_data import PersonalData, Secret
from ...wechat import face
from ...wechat.categories import is_open
from ...wechat.errcodes import Call
from ...wechat.face_errcodes import NOT_GRANTED
from ...wechat.merchant_key import MerchantKey
from ...wechat.transport import NoAnswer
from .. import clients
from . import remedies
from .certificates import certificates_of
from .usage import usage

CLOCK_TOLERANCE = 60  # seconds; WeChat refuses a signature that is too old (94008)
USAGE = timedelta(days=30)
#: The sample of WeChat's documentation; nobody has this name and number.
NOBODY = PersonalData("张三", "310101199801011234")
OPENID = "realname_doctor"

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """One finding; `remedy` is what to do, who does it, and where."""

    merchant: str
    topic: str
    level: Level
    says: str
    remedy: str = ""


class Examination:
    """The findings of one merchant. A step whose precondition is missing is skipped."""

    def __init__(self, merchant: conf.Merchant) -> None:
        self._merchant = merchant

    def findings(self) -> Iterator[Finding]:
        try:
            self._client = clients.client_for(self._merchant)
            self._keys = self._client.keys.all() if self._merchant.has_button else ()
        except ConfigurationError as error:
            yield self._finding("key", "fault", str(error), _("Correct the named setting."))
            return
        yield from self._key_works()
        yield from self._certificates()
        yield from self._clock()
        if (yield from self._access_token()):
            yield from self._button()
            yield from self._face()
            yield from self._check()
        yield from self._usage()

    def _finding(self, topic: str, level: Level, says: str, remedy: str = "") -> Finding:
        return Finding(self._merchant.alias, topic, level, says, remedy)

    def _refusal(self, topic: str, error: RealNameError, call: Call) -> Finding:
        """What WeChat's refusal means, with its own words: they name the IP address of 40164."""
        reply = error.wechat
        words = remedies.words(error.code, reply["errcode"] if reply else None, call)
        why = f"{reply['errcode']} {reply['errmsg']}" if reply else error.reason
        return self._finding(topic, "fault", _sentence(words.meaning, why), words.remedy)

    def _key_works(self) -> Iterator[Finding]:
        for key in self._keys:
            if _decrypts(key):
                says = _("Signs and decrypts, and belongs to certificate %(serial)s.")
                yield self._finding("key", "ok", says % {"serial": key.serialno})
            else:
                says = _("The key of certificate %(serial)s can't sign, or can't decrypt.")
                remedy = _("Check KEY_BACKEND and its device.")
                yield self._finding("key", "fault", says % {"serial": key.serialno}, remedy)

    def _certificates(self) -> Iterator[Finding]:
        for certificate in certificates_of(self._merchant):
            if certificate.ends is None:
                says = _("Only the serial number is known, not the end date.")
                remedy = _("Set CERTIFICATE or CERTIFICATE_FILE.")
                yield self._finding("certificate", "warning", says, remedy)
                continue
            says = _("%(serial)s ends on %(date)s: %(days)d days left.") % {
                "serial": certificate.serialno,
                "date": f"{certificate.ends:%Y-%m-%d}",
                "days": certificate.days_left,
            }
            level: Level = "warning" if certificate.needs_care else "ok"
            if certificate.has_ended:
                level = "fault"
            remedy = _(
                "Renew it at pay.weixin.qq.com, account settings, API security; "
                "NEXT lets the new one take over without downtime."
            )
            yield self._finding("certificate", level, says, remedy if level != "ok" else "")

    def _clock(self) -> Iterator[Finding]:
        try:
            theirs = self._client.server_time(clients.deadline())
        except NoAnswer as no_answer:
            says = _("WeChat can't be reached, or its answer has no date.")
            remedy = _("Check this server's connection to WeChat: DNS, proxy, firewall.")
            yield self._finding("clock", "warning", _sentence(says, str(no_answer)), remedy)
            return
        ahead = round((timezone.now() - theirs).total_seconds())
        says = _("This server's clock is %(seconds)d seconds ahead of WeChat's.") % {
            "seconds": ahead
        }
        if abs(ahead) <= CLOCK_TOLERANCE:
            yield self._finding("clock", "ok", says)
        else:
            remedy = _("Synchronize the clock by NTP: WeChat refuses such signatures (94008).")
            yield self._finding("clock", "fault", says, remedy)

    def _access_token(self) -> Any:
        try:
            self._client.fetch_access_token(clients.deadline())
        except RealNameError as error:
            if self._merchant.access_token_provider and error.wechat is None:
                says = _("ACCESS_TOKEN_PROVIDER returned no token.")
                remedy = _("The log has the error; check the central service.")
                yield self._finding("access_token", "fault", says, remedy)
            else:
                yield self._refusal("access_token", error, "token")
            return False
        says = _("WeChat issued a token: appid, secret and IP address are correct.")
        yield self._finding("access_token", "ok", says)
        return True

    def _button(self) -> Iterator[Finding]:
        if self._merchant.has_button:
            yield from self._categories()
            yield from self._exchange()
        else:
            says = _("The button isn't configured (no MCH_ID): no auth_token can be exchanged.")
            yield self._finding("exchange", "ok", says)

    def _face(self) -> Iterator[Finding]:
        """Without the button, faces are the only method: then a closed interface is a fault."""
        level: Level = "warning" if self._merchant.has_button else "fault"
        try:
            refusal = face.refusal_of_appid(self._client, clients.deadline())
        except RealNameError as error:
            yield replace(self._refusal("face", error, "queryverifyinfo"), level=level)
            return
        if refusal is None:
            says = _("This appid may verify faces: WeChat refused only the invented verify_id.")
            yield self._finding("face", "ok", says)
            return
        words = remedies.words("misconfigured", refusal, "queryverifyinfo")
        yield self._finding("face", level, _sentence(words.meaning, str(refusal)), words.remedy)

    def _check(self) -> Iterator[Finding]:
        """A closed interface is no fault: nobody can apply for it any more."""
        invented = Secret(f"realname_doctor_{secrets.token_urlsafe(24)}")
        try:
            self._client.checkrealnameinfo(OPENID, invented, NOBODY, clients.deadline())
        except (InvalidCode, Mismatch, NoRealName):
            says = _("This appid may check names: WeChat refused only the invented code.")
        except Misconfigured as error:
            if not error.wechat or error.wechat["errcode"] not in (NOT_GRANTED, 1005):
                yield replace(self._refusal("check", error, "check"), level="warning")
                return
            says = _(
                "This appid may not check names (%(errcode)d): closed to new ones since 2021-11-10."
            ) % {"errcode": error.wechat["errcode"]}
        except RealNameError as error:
            yield replace(self._refusal("check", error, "check"), level="warning")
            return
        else:
            says = _("WeChat answered an invented code with a match: this is not WeChat.")
            yield self._finding("check", "fault", says, _("Check API_BASE_URL."))
            return
        yield self._finding("check", "ok", says)

    def _categories(self) -> Iterator[Finding]:
        try:
            known = self._client.get_category(clients.deadline())
        except RealNameError as error:
            yield self._refusal("category", error, "api")
            return
        declared = self._merchant.category_id
        if declared is None:
            says = _("CATEGORY_ID isn't set: the button needs it.")
            yield self._finding("category", "warning", says, _offer(known))
            return
        chosen = [c for c in known if (c.get("first_id"), c.get("second_id")) == declared]
        name = f"{list(declared)}" + "".join(
            f" {c.get('first_class')}/{c.get('second_class')}" for c in chosen[:1]
        )
        if not chosen:
            says = _("The mini-program doesn't have category %(name)s.") % {"name": name}
            yield self._finding("category", "fault", says, _offer(known))
        elif not is_open(chosen[0]):
            says = _("Category %(name)s isn't on the open list of the interface.") % {"name": name}
            remedy = _(
                "Choose one that is, at mp.weixin.qq.com, settings, basic settings, categories."
            )
            yield self._finding("category", "fault", says, remedy)
        else:
            says = _("%(name)s is on the open list.") % {"name": name}
            yield self._finding("category", "ok", says)

    def _exchange(self) -> Iterator[Finding]:
        invented = Secret(f"realname_doctor_{secrets.token_urlsafe(24)}")
        try:
            key = self._client.keys.now()
            self._client.getrealnameinfo(invented, key, clients.deadline())
        except InvalidAuthToken:
            says = _(
                "WeChat accepts certificate, signature, merchant number and appid: "
                "of an invented exchange it refused only the auth_token."
            )
            yield self._finding("exchange", "ok", says)
        except RealNameError as error:
            yield self._refusal("exchange", error, "api")
        else:
            says = _("WeChat answered an invented auth_token with a name: this is not WeChat.")
            yield self._finding("exchange", "fault", says, _("Check API_BASE_URL."))

    def _usage(self) -> Iterator[Finding]:
        try:
            found = usage(timezone.now() - USAGE, self._merchant.alias)
        except DatabaseError:
            says = _(
                "The calls can't be counted: the database doesn't answer, or the tables are missing."
            )
            yield self._finding("usage", "warning", says, _("Run manage.py migrate."))
            return
        for one in found:
            if one.is_over:
                says = _("More calls than declared: peak %(peak)d a minute, %(daily).1f a day.")
                remedy = _(
                    "Report it to WeChat before it limits the calls; see manage.py realname_usage."
                )
                numbers = {"peak": one.peak, "daily": one.daily}
                yield self._finding("usage", "warning", says % numbers, remedy)


def _sentence(meaning: str, why: str) -> str:
    """The meaning with its reason, if any, and one full stop: a remedy may follow."""
    meaning = meaning.rstrip(".。")
    if not why:
        return _("%(meaning)s.") % {"meaning": meaning}
    return _("%(meaning)s (%(why)s).") % {"meaning": meaning, "why": why}


def _decrypts(key: MerchantKey) -> bool:
    """Whether the key signs, and decrypts what its public key (if known) encrypted."""
    probe = b"realname_doctor"
    try:
        key.sign_now()
        if key.public_key is None:
            return True
        return key.decrypt(key.public_key.encrypt(probe, padding.PKCS1v15())) == probe
    except Exception:
        return False


def _offer(known: list[dict[str, Any]]) -> str:
    lines = [
        f"[{c.get('first_id')}, {c.get('second_id')}] {c.get('first_class')}/{c.get('second_class')}"
        for c in known
        if is_open(c)
    ]
    if not lines:
        return _(
            "Add a category of the open list at mp.weixin.qq.com, settings, basic settings, categories."
        )
    listed = _("; ").join(lines)
    return _("Of those it has, these are on the open list: %(list)s.") % {"list": listed}
