"""The calls to WeChat that this package makes, as the interface document names them.

They raise the errors of `wx_realname.exceptions`, never one of another library, and none that
carries a secret. Only safe requests are repeated: a connection never made, -1 (three tries in all),
and a refused access_token (once, with a fresh one).
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..conf import Merchant
from ..exceptions import (
    BY_CODE,
    OutcomeUnknown,
    RealNameError,
    UnreadableAnswer,
    WeChatReply,
    WeChatUnreachable,
)
from ..personal_data import PersonalData, Secret
from . import answers, errcodes, errmsg
from .access_token import AccessTokens, ProvidedTokens, is_token
from .merchant_key import MerchantKey, MerchantKeys
from .reading import Answer, Deadline
from .transport import NoAnswer, Payload, Query, Transport

logger = logging.getLogger(__name__)

BACK_OFF = 0.2  # seconds before the second try, doubled before the third, with jitter

_CATEGORY_NAMES = (
    "first_class",
    "second_class",
    "third_class",
    "first_id",
    "second_id",
    "third_id",
)
_OPENID = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9_-]{1,128}")  # a phone number isn't one


def is_openid(text: Any) -> bool:
    """Whether this can be an openid: WeChat's have 28 characters, which isn't documented."""
    return isinstance(text, str) and bool(_OPENID.fullmatch(text))


class Refused(Exception):
    """WeChat answered with a return code other than 0. `reply` holds no secret."""

    sent = True  # as `NoAnswer.sent`

    def __init__(self, reply: WeChatReply) -> None:
        super().__init__(reply["errcode"])
        self.reply = reply
        self.errcode = reply["errcode"]


class Credentials:
    """Calls with appid and secret: fetches access tokens, and logs mini-program users in."""

    def __init__(self, merchant: Merchant, transport: Transport) -> None:
        self._app_id = merchant.app_id
        self._secret = merchant.app_secret or Secret("")
        self._transport = transport

    def fetch_access_token(self, force: bool, deadline: Deadline) -> tuple[Secret, int]:
        """The token and the seconds that it lives (POST /cgi-bin/stable_token)."""
        payload: Payload = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": force,
        }
        path = "/cgi-bin/stable_token"
        answer = self._ask("token", "POST", path, deadline, payload=payload, fresh=False)
        token, expires_in = Secret(answer.get("access_token")), answer.get("expires_in")
        if not is_token(token) or type(expires_in) is not int or not 0 < expires_in < 10**6:
            raise WeChatUnreachable
        return token, expires_in

    def jscode2session(self, js_code: Secret, deadline: Deadline) -> str:
        """The openid of the caller of wx.login (GET /sns/jscode2session). The session_key isn't kept."""
        query: Query = {
            "appid": self._app_id,
            "secret": self._secret,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        answer = self._ask("login", "GET", "/sns/jscode2session", deadline, query=query)
        openid = answer.get("openid")
        if not is_openid(openid):
            logger.warning("/sns/jscode2session: the openid in the answer is invalid")
            raise WeChatUnreachable
        return str(openid)

    def _ask(
        self, call: errcodes.Call, method: str, path: str, deadline: Deadline, **parts: Any
    ) -> Answer:
        """No data of the citizen is sent here: every failure of the connection is `wechat_unreachable`."""
        secrets = _secrets({**parts.get("query", {}), **parts.get("payload", {})})

        def once() -> Answer:
            return _require_success(self._transport.call(method, path, deadline, **parts), secrets)

        tries = _Tries(deadline)
        try:
            return tries.patiently(once)
        except NoAnswer as no_answer:
            error: RealNameError = WeChatUnreachable(reason=str(no_answer))
        except Refused as refused:
            error = _error(call, refused)
        raise error


class WeChatClient:
    """One merchant's calls with an access_token. Shared by the threads of a process."""

    def __init__(
        self,
        merchant: Merchant,
        transport: Transport,
        credentials: Credentials,
        tokens: AccessTokens,
        keys: MerchantKeys,
    ) -> None:
        self._mch_id = merchant.mch_id or ""
        self._transport = transport
        self._tokens = tokens
        self.jscode2session = credentials.jscode2session
        self.server_time = transport.server_time
        self._credentials = credentials
        self.keys = keys

    def fetch_access_token(self, deadline: Deadline) -> None:
        """Ask for an access_token without the cache. Raises the error of WeChat's refusal."""
        if isinstance(self._tokens, ProvidedTokens):
            self._tokens.current(deadline)
        else:
            self._credentials.fetch_access_token(False, deadline)

    def getrealnameinfo(
        self, auth_token: Secret, key: MerchantKey, deadline: Deadline
    ) -> PersonalData:
        """The citizen's name and number (interface document §4.3), decrypted with the merchant's key.

        Raises a `RealNameError` whose `outcome` is the record's new status. `InvalidAuthToken` with
        `.in_doubt` means that a try before may have consumed the token.
        """

        def post(access_token: Secret) -> Answer:
            timestamp, sign = key.sign_now()
            payload: Payload = {
                "auth_token": auth_token,
                "mch_id": self._mch_id,
                "cert_serialno": key.serialno,
                "timestamp": timestamp,
                "sign": sign,
            }
            query = {"access_token": access_token}
            path = "/cgi-bin/wxopen/getrealnameinfo"
            answer = self._transport.call("POST", path, deadline, query=query, payload=payload)
            return _require_success(answer, [access_token, auth_token])

        answer = self._ask(post, deadline, lost=OutcomeUnknown)
        personal_data = answers.decrypt(answer, key)
        if personal_data is None:
            # Without a return code and without the fields it is no answer; anything else is one.
            raise UnreadableAnswer if answers.means_success(answer) else OutcomeUnknown
        return personal_data

    def checkrealnameinfo(
        self, openid: str, code: Secret, typed: PersonalData, deadline: Deadline
    ) -> None:
        """Return when WeChat says that name and number are those of the openid; raise otherwise.

        `Mismatch`, `NoRealName` and `InvalidCode` are WeChat's verdicts; an unknown verdict raises
        `UnreadableAnswer`, a missing answer `OutcomeUnknown`.
        """
        payload: Payload = {
            "openid": Secret(openid),
            "real_name": Secret(typed.real_name),
            "cred_id": Secret(typed.credential_id),
            "cred_type": "1",
            "code": code,
        }
        path = "/intp/realname/checkrealnameinfo"
        answers.judge(self.post("check", path, payload, deadline, lost=OutcomeUnknown))

    def post(
        self,
        call: errcodes.Call,
        path: str,
        payload: Payload,
        deadline: Deadline,
        *,
        lost: type[RealNameError],
        secrets: Iterable[Secret] = (),
    ) -> Answer:
        """POST with an access_token. `lost` is raised when no answer came of what was sent.

        Raises what the table of return codes says, without the secrets of the payload and of `secrets`.
        """

        def send(access_token: Secret) -> Answer:
            query = {"access_token": access_token}
            answer = self._transport.call("POST", path, deadline, query=query, payload=payload)
            return _require_success(answer, [access_token, *_secrets(payload), *secrets])

        return self._ask(send, deadline, lost=lost, call=call)

    def get_category(self, deadline: Deadline) -> list[dict[str, Any]]:
        """The mini-program's categories (interface document §4.2), each with the fields it names."""

        def get(access_token: Secret) -> Answer:
            query = {"access_token": access_token}
            path = "/wxa/get_category"
            answer = self._transport.call("GET", path, deadline, query=query, fresh=False)
            return _require_success(answer, [access_token])

        categories = self._ask(get, deadline, lost=WeChatUnreachable).get("category_list")
        if not isinstance(categories, list) or not all(isinstance(c, dict) for c in categories):
            raise WeChatUnreachable
        return [
            {name: _plain(c[name]) for name in _CATEGORY_NAMES if name in c} for c in categories
        ]

    def _ask(
        self,
        send: Callable[[Secret], Answer],
        deadline: Deadline,
        *,
        lost: type[RealNameError],
        call: errcodes.Call = "api",
    ) -> Answer:
        tries = _Tries(deadline)
        try:
            return tries.patiently(lambda: self._with_access_token(send, tries))
        except NoAnswer as no_answer:
            kind = lost if no_answer.sent else WeChatUnreachable
            error = kind(reason=str(no_answer))
        except Refused as refused:
            error = _error(call, refused)
        except RealNameError as no_token:
            error = no_token
        error.reached = tries.reached
        error.in_doubt = error.in_doubt or tries.in_doubt
        raise error

    def _with_access_token(self, send: Callable[[Secret], Answer], tries: _Tries) -> Answer:
        token = self._tokens.current(tries.deadline)
        try:
            return tries.send(send, token)
        except Refused as refused:
            if refused.errcode not in errcodes.DEAD_ACCESS_TOKEN or tries.refreshed:
                raise
            tries.refreshed = True
            fresh = self._tokens.replace(token, tries.deadline)
            if fresh == token:
                raise
        return tries.send(send, fresh)


def _plain(value: Any) -> Any:
    """A number, or text that a terminal shows as it is; None for anything else."""
    if isinstance(value, str):
        return "".join(sign for sign in value if sign.isprintable())
    return value if type(value) is int else None


class _Tries:
    """The state shared by the tries of one call."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.refreshed = False  # the access_token, once
        self.in_doubt = False  # -1 came: it isn't known whether the auth_token was consumed
        self.reached = False  # one of them, at least, came to WeChat
        self._pauses = [BACK_OFF, 2 * BACK_OFF]

    def send(self, send: Callable[[Secret], Answer], token: Secret) -> Answer:
        """Send the request, and note whether it came to WeChat."""
        try:
            return send(token)
        except (NoAnswer, Refused) as failed:
            self.reached = self.reached or failed.sent
            raise

    def patiently(self, once: Callable[[], Answer]) -> Answer:
        """Repeat a request that was never sent, and one that was answered with -1."""
        while True:
            try:
                return once()
            except NoAnswer as no_answer:
                if no_answer.sent or not self._rest():
                    raise
            except Refused as refused:
                if refused.errcode != errcodes.BUSY:
                    raise
                self.in_doubt = True
                if not self._rest():
                    raise

    def _rest(self) -> bool:
        """Wait before the next try. Return False when there is none, or no time for it."""
        if not self._pauses:
            return False
        pause = self._pauses.pop(0) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter
        if self.deadline.remaining() <= pause:
            return False
        time.sleep(pause)
        return True


def _secrets(values: Mapping[str, Any]) -> list[Secret]:
    """The opaque values, including those of nested objects."""
    found: list[Secret] = []
    for value in values.values():
        if isinstance(value, Mapping):
            found += _secrets(value)
        elif isinstance(value, Secret):
            found.append(value)
    return found


def _require_success(answer: Answer, secrets: list[Secret]) -> Answer:
    """The answer, unless it carries a return code other than 0. An absent one means success."""
    errcode = answer.get("errcode")
    if errcode is None or (errcode == 0 and type(errcode) is int):
        return answer
    if type(errcode) is not int or not -(2**31) <= errcode < 2**31:
        raise NoAnswer("errcode is not a return code", sent=True)
    raise Refused(errmsg.reply(errcode, answer.get("errmsg"), secrets))


def _error(call: errcodes.Call, refused: Refused) -> RealNameError:
    row = errcodes.find(call, refused.errcode)
    if row is None or row.who in ("operator", "developer"):
        logger.error(
            "WeChat refused a call: %d %s. %s",
            refused.errcode,
            refused.reply["errmsg"],
            row.remedy_en if row else "This return code is not documented for that call.",
        )
    return BY_CODE[errcodes.code_for(call, refused.errcode)](wechat=refused.reply)
