"""A client that asks the sandbox as the document says, and what these tests have in common."""

from __future__ import annotations

import base64
import hashlib
import time
from functools import cache
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from wx_realname.sandbox import Citizen, MerchantKey, Sandbox

APP, OTHER_APP, SHUT_APP = "wx0123456789abcdef", "wxfedcba9876543210", "wx5555555555555555"
SECRET = "0123456789abcdef0123456789abcdef"
MCH, SECOND_MCH, OTHER_MCH, SHUT_MCH = "1900006511", "1900006512", "1900006513", "1900006514"
NAME, NUMBER = "欧阳娜", "440524188001010014"
NA = Citizen(NAME, NUMBER)
REALNAME = "/cgi-bin/wxopen/getrealnameinfo"
CHECK = "/intp/realname/checkrealnameinfo"
STABLE = "/cgi-bin/stable_token"
FACE = "/cityservice/face/identify/"
OPENID = "oCitizen"
Json = dict[str, Any]
PERSON: Json = {"real_name": NAME, "credential_id": NUMBER, "app_id": APP}


class Clock:
    """Unix seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = float(int(time.time()))

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class WeChatClient:
    """Asks the sandbox as the document says; what is to be wrong is handed in."""

    def __init__(self, sandbox: Sandbox, clock: Clock, key: MerchantKey) -> None:
        self.sandbox, self.clock, self.key = sandbox, clock, key
        self.session = requests.Session()
        self.session.trust_env = False

    def send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.session.request(method, self.sandbox.url + path, timeout=10, **kwargs)

    def control(self, path: str, body: object = None, method: str = "POST") -> requests.Response:
        return self.send(method, f"/sandbox/{path}", json=body)

    def stable_token(self, **changes: Any) -> Json:
        body = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, **changes}
        return parsed(self.send("POST", STABLE, json=without_none(body)))

    def old_token(self, **changes: Any) -> Json:
        query = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, **changes}
        return parsed(self.send("GET", "/cgi-bin/token", params=query))

    def access_token(self, app_id: str = APP) -> str:
        return str(self.stable_token(appid=app_id)["access_token"])

    def categories(self, access_token: str | None) -> Json:
        query = {"access_token": access_token}
        return parsed(self.send("GET", "/wxa/get_category", params=query))

    def session_of(self, code: str | None, **changes: Any) -> Json:
        query = {"appid": APP, "secret": SECRET, "js_code": code}
        query |= {"grant_type": "authorization_code", **changes}
        return parsed(self.send("GET", "/sns/jscode2session", params=query))

    def typed(self, **changes: Any) -> Json:
        """What a citizen typed, with a code for it."""
        person, openid = Citizen(NAME, NUMBER), "oCitizen"
        code = self.sandbox.issue_check_code(person, openid, APP)
        typed = {"openid": openid, "real_name": NAME, "cred_id": NUMBER, "cred_type": "1"}
        return without_none({**typed, "code": code, **changes})

    def check(self, **changes: Any) -> Json:
        query = {"access_token": self.access_token()}
        return parsed(self.send("POST", CHECK, params=query, json=self.typed(**changes)))

    def face(self, call: str, body: Json, app_id: str = APP) -> Json:
        query = {"access_token": self.access_token(app_id)}
        return parsed(self.send("POST", FACE + call, params=query, json=body))

    def begin(self, app_id: str = APP, **changes: Any) -> Json:
        return self.face("getverifyid", self.begin_body(**changes), app_id)

    def begin_body(self, **changes: Any) -> Json:
        self.seq = getattr(self, "seq", 0) + 1
        body = {"out_seq_no": f"face-{self.seq}", "cert_info": cert_info(), "openid": OPENID}
        return without_none({**body, **changes})

    def query(self, verify_id: object, app_id: str = APP, **changes: Any) -> Json:
        return self.face("queryverifyinfo", self.query_body(verify_id, **changes), app_id)

    def query_body(self, verify_id: object, **changes: Any) -> Json:
        """What goes with the verify_id that was begun last, of NA unless `cert_hash` is given."""
        body = {"verify_id": verify_id, "out_seq_no": f"face-{self.seq}"}
        body |= {"cert_hash": cert_hash(**cert_info()), "openid": OPENID}
        return without_none({**body, **changes})

    def body(self, auth_token: object, key: MerchantKey | None = None, **changes: Any) -> Json:
        key = key or self.key
        timestamp = int(self.clock())
        body = {"auth_token": auth_token, "mch_id": MCH, "cert_serialno": key.serial}
        body |= {"timestamp": timestamp, "sign": sign(key, key.serial, timestamp), **changes}
        return without_none(body)

    def ask(self, auth_token: object, key: MerchantKey | None = None, **changes: Any) -> Json:
        query = {"access_token": changes.pop("access_token", None) or self.access_token()}
        body = self.body(auth_token, key, **changes)
        return parsed(self.send("POST", REALNAME, params=query, json=body))


def cert_info(**changes: object) -> Json:
    info = {"cert_type": "IDENTITY_CARD", "cert_name": NAME, "cert_no": NUMBER}
    return without_none({**info, **changes})


def cert_hash(cert_type: str, cert_name: str, cert_no: str) -> str:
    values = (base64.b64encode(v.encode()).decode() for v in (cert_type, cert_name, cert_no))
    text = "cert_type={}&cert_name={}&cert_no={}".format(*values)
    return hashlib.sha256(text.encode()).hexdigest()


def without_none(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}


def parsed(response: requests.Response) -> Json:
    assert response.status_code == 200
    document = response.json()
    assert isinstance(document, dict)
    return document


@cache  # reading a key takes 50 ms, for it is checked
def private_key(key: MerchantKey) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(key.private_key_pem, None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def sign(key: MerchantKey, serial: str, timestamp: object) -> str:
    text = f"cert_serialno={serial}&timestamp={timestamp}".encode()
    signature = private_key(key).sign(text, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def decrypted(key: MerchantKey, answer: Json) -> tuple[str, str]:
    assert answer["errcode"] == 0, answer
    name, number = (
        private_key(key).decrypt(base64.b64decode(answer[field]), padding.PKCS1v15())
        for field in ("encryted_real_name", "encryted_credential_id")
    )
    return name.decode("gb18030"), number.decode("ascii")
