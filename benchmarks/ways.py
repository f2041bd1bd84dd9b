"""Other ways to write an exchange, from the floor to the document's own shell lines: one view each."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import time
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import requests
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.cache import cache as site_cache
from django.http import HttpRequest, JsonResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .floor import Replay
from .models import Citizen
from .upstream import ACCESS_TOKEN, CERTIFICATE, encrypt, load_public_key

MERCHANT = settings.WX_REALNAME["MERCHANTS"]["default"]
KEY_FILE = Path(MERCHANT["PRIVATE_KEY_FILE"])
SERIALNO = "0123456789ABCDEF0123456789ABCDEF01234567"
PATH = "/cgi-bin/wxopen/getrealnameinfo"
URL = settings.WX_REALNAME["API_BASE_URL"] + PATH
ADDRESS = settings.WX_REALNAME["API_BASE_URL"].removeprefix("https://")
REPLAY, REPLAY_WITH_CONSENT = "floor.statements", "floor-with-consent.statements"
TIMEOUT = (3.05, 10)  # seconds
FERNET = Fernet(Fernet.generate_key())


class Body(serializers.Serializer[Any]):
    auth_token = serializers.CharField(max_length=512)


class Way(APIView):
    """A view with one serializer. What differs: how it signs, asks, decrypts and stores."""

    name: ClassVar[str]
    title: ClassVar[str]
    permission_classes: Any = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        token = body.validated_data["auth_token"]
        row = self.reserve(request, token)
        name, number = self.citizen(token)
        self.store(row, name, number)
        return Response({"real_name": "*" * (len(name) - 1) + name[-1]}, status=201)

    def reserve(self, request: Request, auth_token: str) -> Any:
        """A row before WeChat is asked: a token that was posted twice is found by it."""
        digest = hashlib.sha256(auth_token.encode()).hexdigest()
        return Citizen._default_manager.create(user_id=request.user.pk, token_digest=digest)

    def citizen(self, auth_token: str) -> tuple[str, str]:
        """Sign, ask, decrypt."""
        now = int(time.time())
        payload = {
            "auth_token": auth_token,
            "mch_id": MERCHANT["MCH_ID"],
            "cert_serialno": SERIALNO,
            "timestamp": now,
            "sign": self.sign(f"cert_serialno={SERIALNO}&timestamp={now}".encode()),
        }
        answer = self.ask(payload)
        name, number = answer["encryted_real_name"], answer["encryted_credential_id"]
        return self.decrypt(name).decode("gb18030"), self.decrypt(number).decode()

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self.key.sign(message, padding.PKCS1v15(), SHA256())).decode()

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def decrypt(self, encoded: str) -> bytes:
        return self.key.decrypt(base64.b64decode(encoded), padding.PKCS1v15())

    def store(self, row: Any, name: str, number: str) -> None:
        row.real_name = FERNET.encrypt(name.encode())
        row.credential_id = FERNET.encrypt(number.encode())
        row.status = "verified"
        row.save(update_fields=["real_name", "credential_id", "status"])

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return _kept.key


class _Kept:
    """What a process keeps: loaded when it is first needed, after the fork."""

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return load_key()

    @cached_property
    def session(self) -> requests.Session:
        return requests.Session()

    @cached_property
    def answer(self) -> dict[str, str]:
        name, number = encrypt(load_public_key((KEY_FILE.parent / CERTIFICATE).read_bytes()))
        return {"encryted_real_name": name, "encryted_credential_id": number}

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])

    tls_session: ssl.SSLSession | None = None


_kept = _Kept()


@cache
def replay(name: str) -> Replay:
    return Replay.load(KEY_FILE.parent / name)


def load_key() -> rsa.RSAPrivateKey:
    key = load_pem_private_key(KEY_FILE.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


class Floor(Way):
    """No login, no signature: one serializer, a call, two decryptions, three statements in two commits.

    The call is one by http.client alone, on a connection of its own with the TLS session resumed.
    """

    name, title = "floor", "the floor"
    statements: ClassVar[str] = REPLAY
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def sign(self, message: bytes) -> str:
        return "A" * 344  # as long as a signature

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(ADDRESS)
        connection.connect()
        sock = _kept.tls.wrap_socket(
            connection.sock, server_hostname=connection.host, session=_kept.tls_session
        )
        connection.sock = sock
        headers = {"Content-Type": "application/json", "Connection": "close"}
        target = f"{PATH}?access_token={ACCESS_TOKEN}"
        connection.request("POST", target, json.dumps(payload), headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        if not sock.session_reused:
            _kept.tls_session = sock.session
        sock.close()
        return answer

    def reserve(self, request: Request, auth_token: str) -> Any:
        return replay(self.statements).reserve()

    def store(self, row: Any, name: str, number: str) -> None:
        replay(self.statements).record(row)


class ConsentedFloor(Floor):
    """The floor with the two INSERTs more of a consent and its event."""

    name, title = "floor-with-consent", "the floor with consent"
    statements = REPLAY_WITH_CONSENT


class Silent(Floor):
    """The floor without its call, which older figures are multiples of."""

    name, title = "silent-floor", "the floor without a call"

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        return _kept.answer


class HTTPClient(Floor):
    """The floor with a signature for each call."""

    name, title = "http-client", "http.client and raw SQL"
    sign = Way.sign


class Engineer(Way):
    """requests.Session, key loaded once, Fernet, ORM; neither audit nor throttle nor blind index."""

    name, title = "engineer", "a good engineer's view"

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        query = {"access_token": site_cache.get_or_set("benchmark-token", ACCESS_TOKEN)}
        answer = _kept.session.post(URL, params=query, json=payload, timeout=TIMEOUT)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document


class Sessionless(Engineer):
    """The same without a session: TCP, TLS and the CA bundle anew for each citizen."""

    name, title = "requests-post", "requests.post, no session"

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        query = {"access_token": site_cache.get_or_set("benchmark-token", ACCESS_TOKEN)}
        answer = requests.post(URL, params=query, json=payload, timeout=TIMEOUT)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document


class Shell(Engineer):
    """The interface document's own lines: an openssl for each step."""

    name, title = "shell", "the document's shell lines"

    def sign(self, message: bytes) -> str:
        signed = self._openssl(message, "dgst", "-sha256", "-binary", "-sign", str(KEY_FILE))
        return base64.b64encode(signed).decode()

    def decrypt(self, encoded: str) -> bytes:
        data = base64.b64decode(encoded)
        return self._openssl(data, "pkeyutl", "-decrypt", "-inkey", str(KEY_FILE))

    def _openssl(self, data: bytes, *arguments: str) -> bytes:
        return subprocess.run(
            ["openssl", *arguments], input=data, capture_output=True, check=True
        ).stdout


class Blog(Sessionless):
    """The way of every blog: the key file is loaded at each step, and OpenSSL validates it."""

    name, title = "blog", "key file loaded at each step"

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return load_key()


OTHERS: tuple[type[Way], ...] = (Floor, Silent, HTTPClient, Engineer, Sessionless, Shell, Blog)
ALL: tuple[type[Way], ...] = (*OTHERS, ConsentedFloor)


def cpu(request: HttpRequest) -> JsonResponse:
    """What this worker has used so far, in seconds."""
    return JsonResponse({"seconds": time.process_time()})
