"""The merchant's key and certificate: whatever form they come in, and nothing of them is shown."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from tests.cases import each
from tests.conftest import at_once, frames
from tests.stand_ins import StandIn, says
from wx_realname import conf
from wx_realname.conf import KeySource, Merchant
from wx_realname.exceptions import ConfigurationError, Misconfigured, UnreadableAnswer
from wx_realname.personal_data import PersonalData, Secret
from wx_realname.sandbox import make_merchant_key
from wx_realname.sandbox.tls import prepare
from wx_realname.services import clients
from wx_realname.wechat.access_token import ProvidedTokens
from wx_realname.wechat.client import Credentials, WeChatClient
from wx_realname.wechat.merchant_key import MerchantKey, MerchantKeys, PemKey
from wx_realname.wechat.transport import Deadline, Transport

SETTING = 'WX_REALNAME["MERCHANTS"]["default"]'
SERIAL = "000ABCDEF0123456789ABCDEF0123456789ABCDE"
MCH_ID, PASSPHRASE = "1900000001", "a passphrase of the tests, ä"
OURS, ANOTHERS = make_merchant_key(SERIAL), make_merchant_key()
CERTIFICATE_PEM = OURS.certificate_pem.decode()
KEY: Any = load_pem_private_key(OURS.private_key_pem, None)
CERTIFICATE = x509.load_pem_x509_certificate(OURS.certificate_pem)
KEY_LINE = OURS.private_key_pem.decode().splitlines()[7]
HIDDEN = (KEY_LINE, PASSPHRASE, "wrong-guess")
P_256, SM2 = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a811ccf5501822d")


def pem(key: Any = KEY, form: Any = PrivateFormat.PKCS8, passphrase: str = "") -> str:
    encryption: Any = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, form, encryption).decode())


PKCS1, PKCS8 = pem(form=PrivateFormat.TraditionalOpenSSL), pem()
LOCKED = pem(passphrase=PASSPHRASE)
LOCKED_PKCS1 = pem(form=PrivateFormat.TraditionalOpenSSL, passphrase=PASSPHRASE)


def p12(passphrase: str, *, legacy: bool = False) -> bytes:
    encryption: Any = BestAvailableEncryption(passphrase.encode())
    if legacy:
        builder = PrivateFormat.PKCS12.encryption_builder().hmac_hash(hashes.SHA1())  # noqa: S303
        algorithm = pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC
        encryption = builder.key_cert_algorithm(algorithm).build(passphrase.encode())
    return pkcs12.serialize_key_and_certificates(None, KEY, CERTIFICATE, None, encryption)


def source(key: str = "", *, passphrase: str = "", **changes: Any) -> KeySource:
    """A source with our certificate, unless told otherwise."""
    private_key, secret = (Secret(text) if text else None for text in (key, passphrase))
    base = KeySource(SETTING, private_key, None, secret, CERTIFICATE_PEM, None, None)
    return replace(base, **changes)


def loaded(keys: KeySource, backend: Callable[..., Any] = PemKey) -> MerchantKey:
    return MerchantKey(keys, MCH_ID, backend)


def refusal(keys: KeySource, backend: Callable[..., Any] = PemKey) -> str:
    """The message; neither it nor a traceback tells key or passphrase."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(keys, backend)
    assert not [text for text in HIDDEN if text in "".join(frames(caught.value))]
    return str(caught.value)


def works(key: MerchantKey) -> bool:
    timestamp, sign = key.sign_now()
    signed = f"cert_serialno={key.serialno}&timestamp={timestamp}".encode()
    public: Any = CERTIFICATE.public_key()
    public.verify(base64.b64decode(sign), signed, padding.PKCS1v15(), hashes.SHA256())
    return key.decrypt(public.encrypt(b"\xb0\xa2", padding.PKCS1v15())) == b"\xb0\xa2"


FORMS = {
    "PKCS#8": (PKCS8, ""),
    "PKCS#1": (PKCS1, ""),
    "PKCS#8 with a passphrase": (LOCKED, PASSPHRASE),
    "PKCS#1 with a passphrase": (LOCKED_PKCS1, PASSPHRASE),
    "a passphrase that isn't needed": (PKCS8, PASSPHRASE),
}
DAMAGES: dict[str, Callable[[str], str]] = {
    "whole": str,
    "literal \\n": lambda text: text.replace("\n", "\\n"),
    "literal \\r\\n": lambda text: text.replace("\n", "\\r\\n"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "BOM": lambda text: "\ufeff" + text,
    "no line end": str.strip,
    "blanks": lambda text: "\n  " + text.replace("\n", "  \n  "),
    "words before it": lambda text: "Bag Attributes\n    friendlyName: 证书\n" + text,
}


#: A key with headers, and one without, in every way; each other form whole.
ARRIVALS = [(form, damage) for form in ("PKCS#8", "PKCS#1 with a passphrase") for damage in DAMAGES]
ARRIVALS += [(form, "whole") for form in FORMS]


@each(("form", "damage"), ARRIVALS)
def test_pem_is_read_from_text_and_file_however_it_arrives(
    tmp_path: Path, form: str, damage: str
) -> None:
    text, passphrase = FORMS[form]
    text = DAMAGES[damage](text)
    file, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    file.write_bytes(text.encode())
    damaged = DAMAGES[damage](CERTIFICATE_PEM)
    certificate.write_text(damaged, "utf-8")
    assert works(loaded(source(text, passphrase=passphrase, certificate=damaged)))
    files = {"private_key_file": str(file), "certificate_file": str(certificate)}
    assert works(loaded(source(passphrase=passphrase, certificate=None, **files)))


@each("legacy", [False, True])
@each("passphrase", ["", PASSPHRASE])
def test_a_p12_brings_its_certificate(tmp_path: Path, passphrase: str, legacy: bool) -> None:
    file = tmp_path / "apiclient_cert.p12"
    file.write_bytes(p12(passphrase or MCH_ID, legacy=legacy))
    key = loaded(source(private_key_file=str(file), passphrase=passphrase, certificate=None))
    assert works(key)
    assert (key.serialno, key.certificate) == (SERIAL, CERTIFICATE)


@each(
    ("serial", "expected"), [(SERIAL, SERIAL), ("7F", "7F".zfill(40)), ("a" * 38, "00" + "A" * 38)]
)
def test_a_serial_number_is_40_upper_case_digits(serial: str, expected: str) -> None:
    made = make_merchant_key(serial)
    certificate = made.certificate_pem.decode()
    key = loaded(source(made.private_key_pem.decode(), certificate=certificate))
    assert key.serialno == expected


@pytest.mark.parametrize("certificate", [None, CERTIFICATE_PEM])
def test_a_given_serial_number_serves_alone_or_agreeing(certificate: str | None) -> None:
    assert works(loaded(source(PKCS8, certificate=certificate, cert_serialno=SERIAL)))


@pytest.mark.parametrize(("certificate", "serial"), [(CERTIFICATE_PEM, "F" * 40), (None, None)])
def test_no_serial_number_or_two_are_refused(certificate: Any, serial: Any) -> None:
    message = refusal(source(PKCS8, certificate=certificate, cert_serialno=serial))
    assert message.startswith(f"{SETTING}[")
    assert "CERT_SERIALNO" in message
    assert (SERIAL in message) is (serial is not None)


WRONG_KEYS: dict[str, Callable[[], KeySource]] = {
    "junk": lambda: source(f"junk {KEY_LINE}"),
    "cut": lambda: source(PKCS8[:900]),
    "without its end": lambda: source(PKCS8[:-30]),
    "a certificate": lambda: source(CERTIFICATE_PEM),
    "lone surrogates": lambda: source(PKCS8 + "\udc80"),
    "an EC key": lambda: source(pem(ec.generate_private_key(ec.SECP256R1()))),
    "1024 bits": lambda: source(pem(rsa.generate_private_key(65537, 1024))),  # noqa: S505
    "a wrong passphrase": lambda: source(LOCKED, passphrase="wrong-guess"),
    "a wrong old passphrase": lambda: source(LOCKED_PKCS1, passphrase="wrong-guess"),
    "no passphrase": lambda: source(LOCKED),
}
WRONG_FILES: dict[str, bytes] = {
    "empty": b"",
    "junk": KEY_LINE.encode(),
    "a p12 of another passphrase": p12("another"),
    "a cut p12": p12(MCH_ID)[:-99],
}


@each("name", WRONG_KEYS)
def test_a_key_that_cannot_be_used_is_named(name: str) -> None:
    sizes = {"an EC key": "must be an RSA key", "1024 bits": "must be an RSA key of at least 2048"}
    words = sizes.get(name, "is not a PEM private key")
    assert refusal(WRONG_KEYS[name]()).startswith(f'{SETTING}["PRIVATE_KEY"] {words}')


@each("name", [*WRONG_FILES, "missing", "a folder", "a NUL"])
def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    file: Any = {"a folder": tmp_path, "a NUL": "\0"}.get(name, tmp_path / "key")
    if name in WRONG_FILES:
        file.write_bytes(WRONG_FILES[name])
    assert f'{SETTING}["PRIVATE_KEY_FILE"]' in refusal(source(private_key_file=str(file)))


@each("text", ["junk", PKCS8, CERTIFICATE_PEM[:400]])
def test_a_certificate_that_cannot_be_used_is_named(text: str) -> None:
    message = refusal(source(PKCS8, certificate=text))
    assert message.startswith(f'{SETTING}["CERTIFICATE"] is not an X.509 certificate')


@pytest.mark.parametrize("kind", ["missing", "SM2"])
def test_a_certificate_file_that_cannot_be_used_is_named(tmp_path: Path, kind: str) -> None:
    elliptic = x509.load_pem_x509_certificate(prepare(tmp_path, "localhost").ca_file.read_bytes())
    file = tmp_path / "cert.cer"
    if kind == "SM2":
        file.write_bytes(elliptic.public_bytes(Encoding.DER).replace(P_256, SM2))
    keys = source(PKCS8, certificate=None, certificate_file=str(file))
    assert f'{SETTING}["CERTIFICATE_FILE"]' in refusal(keys)


def test_a_key_of_another_certificate_is_refused() -> None:
    message = refusal(source(PKCS8, certificate=ANOTHERS.certificate_pem.decode()))
    assert message.startswith(f"{SETTING}: the private key does not belong to the certificate")


class Counted(PemKey):
    made = signed = 0

    def __init__(self, *args: Any) -> None:
        Counted.made += 1
        time.sleep(0.05)
        super().__init__(*args)

    def sign(self, message: bytes) -> bytes:
        Counted.signed += 1
        return super().sign(message)


@pytest.fixture(autouse=True)
def reset() -> None:
    Counted.made = Counted.signed = 0


def merchant(**changes: Any) -> Merchant:
    return replace(conf.current().merchants["default"], keys=source(PKCS8), **changes)


def test_a_key_is_loaded_once_by_many_threads() -> None:
    keys = MerchantKeys(merchant(), Counted)
    assert len(set(map(id, at_once(*[keys.now] * 16)))) == 1
    assert keys.all() == [keys.now()]
    assert Counted.made == 1


def test_a_signature_serves_its_second(monkeypatch: pytest.MonkeyPatch) -> None:
    key = loaded(source(PKCS8), Counted)
    monkeypatch.setattr(time, "time", lambda: 1_600_000_000.1)
    first = key.sign_now()
    monkeypatch.setattr(time, "time", lambda: 1_600_000_000.9)
    assert key.sign_now() == first
    monkeypatch.setattr(time, "time", lambda: 1_600_000_001.0)
    assert key.sign_now()[0] == first[0] + 1 == 1_600_000_001
    assert works(key)
    assert Counted.signed == 2
    assert "\n" not in first[1]


def test_the_next_key_takes_over_at_its_date() -> None:
    upcoming = source(
        ANOTHERS.private_key_pem.decode(), certificate=None, cert_serialno=ANOTHERS.serial
    )
    begins = datetime.now(timezone.utc) + timedelta(seconds=0.5)
    keys = MerchantKeys(merchant(next_keys=upcoming, next_from=begins), PemKey)
    assert keys.now().serialno == SERIAL
    assert [key.serialno for key in keys.all()] == [SERIAL, ANOTHERS.serial]
    time.sleep(0.55)
    assert keys.now().serialno == ANOTHERS.serial


def client(wechat: StandIn) -> WeChatClient:
    transport = Transport(wechat.url, connect_timeout=2, read_timeout=5)
    tokens = ProvidedTokens(lambda app_id: "70_token", "app")
    keys = MerchantKeys(merchant(), PemKey)
    return WeChatClient(merchant(), transport, Credentials(merchant(), transport), tokens, keys)


def answers(public: Any, name: str = "欧阳娜", number: str = "440524198001010013") -> Any:
    name_, number_ = (
        base64.b64encode(public.encrypt(text.encode("gb18030"), padding.PKCS1v15())).decode()
        for text in (name, number)
    )
    return says({"errcode": 0, "encryted_real_name": name_, "encryted_credential_id": number_})


def test_a_wrong_key_never_yields_personal_data() -> None:
    wrong = [rsa.generate_private_key(65537, 2048).public_key() for _ in range(8)]
    with StandIn() as wechat:
        wechat.play(*[answers(public) for public in wrong for _ in range(50)])
        asking, key = client(wechat), loaded(source(PKCS8))
        for _ in range(8 * 50):
            with pytest.raises(UnreadableAnswer):
                asking.getrealnameinfo(Secret("auth-token"), key, Deadline(5))
        wechat.play(answers(KEY.public_key()))
        right = asking.getrealnameinfo(Secret("auth-token"), key, Deadline(5))
        assert isinstance(right, PersonalData)


def device(fails: str, with_: Any = None) -> Any:
    """A KEY_BACKEND; that part of it raises, or gives junk."""

    def fail(*args: Any) -> Any:
        if with_ is not None:
            return with_
        raise RuntimeError(f"device error: {PASSPHRASE} {args}")

    parts = {"certificate": CERTIFICATE, "public_key": KEY.public_key(), "sign": lambda *_: b"s"}
    parts |= {"decrypt": lambda *_: b"", "__init__": lambda *_: None}
    attribute = fails in ("certificate", "public_key")
    return type("Device", (), {**parts, fails: property(fail) if attribute else fail})


@each("part", ["__init__", "certificate", "public_key"])
def test_a_device_that_cannot_be_used_is_named(part: str) -> None:
    message = refusal(source(), device(part))
    assert message == f"{SETTING}: KEY_BACKEND could not be used (RuntimeError)."


@each(
    ("part", "junk", "error"),
    [("sign", None, Misconfigured), ("sign", "text", Misconfigured)]
    + [("decrypt", junk, UnreadableAnswer) for junk in (None, "440524198001010013", 7, [b"a"])],
)
def test_a_device_that_fails_at_work_shows_nothing(
    caplog: pytest.LogCaptureFixture, part: str, junk: Any, error: type[Exception]
) -> None:
    key = loaded(source(), device(part, junk))
    with StandIn() as wechat:
        wechat.play(answers(KEY.public_key()))
        with pytest.raises(error) as caught:
            client(wechat).getrealnameinfo(Secret("auth-token"), key, Deadline(5))
        assert len(wechat.requests) == (0 if part == "sign" else 1)
    shown = caplog.text + "".join(frames(caught.value))
    assert PASSPHRASE not in shown
    assert "440524198001010013" not in shown


def test_key_backend_is_an_import_string(configure: Callable[..., None]) -> None:
    configure(merchant={"KEY_BACKEND": f"{__name__}.Counted"})
    clients.client_for(clients.find("default")).keys.now()
    assert Counted.made == 1
    configure(merchant={"KEY_BACKEND": "tests.nowhere.Device"})
    with pytest.raises(ConfigurationError, match=r"KEY_BACKEND.*nowhere"):
        clients.client_for(clients.find("default"))
