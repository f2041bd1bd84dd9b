"""SM2/SM3/SM4 as the standards have them: known answers, and OpenSSL's own in place of ours.

SM4-GCM is in test_ciphers, the trees of SM3 in test_audit_seal.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.hashes import SM3

from tests.cases import each
from wx_realname.audit import merkle
from wx_realname.conf import HashKey
from wx_realname.vault.blind_index import BlindIndex
from wx_realname.vault.keyring import derive

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here")


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True)
    return done.stdout


def test_sm3_is_that_of_gm_t_0004() -> None:
    """Appendix A.1 and A.2: "abc", and "abcd" sixteen times."""
    assert merkle.sm3(b"abc").hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    assert merkle.sm3(b"abcd" * 16).hex() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


@needs_openssl
@each("length", [0, 3, 55, 56, 64, 1000])
def test_sm3_is_openssls(length: int) -> None:
    data = bytes(n % 251 for n in range(length))
    assert merkle.sm3(data) == openssl("dgst", "-sm3", "-binary", given=data)


@needs_openssl
def test_hkdf_sm3_is_openssls() -> None:
    key, info = bytes(range(32)), "wx_realname/2/encrypt/SM4-GCM/a.b"
    options = ["digest:SM3", f"hexkey:{key.hex()}", f"hexinfo:{info.encode().hex()}"]
    flags = [part for option in options for part in ("-kdfopt", option)]
    said = openssl("kdf", "-keylen", "16", *flags, "HKDF").decode()
    assert derive(key, 16, info, SM3()).hex() == said.strip().replace(":", "").lower()


@needs_openssl
def test_an_hmac_sm3_index_is_openssls_under_the_derived_key() -> None:
    key = HashKey("i2", bytes(range(32)), "HMAC-SM3")
    derived = derive(key.material, 32, "wx_realname/1/hmac/p", SM3())
    options = ["-macopt", f"hexkey:{derived.hex()}"]
    said = openssl("dgst", "-sm3", "-mac", "HMAC", *options, "-binary", given="张三".encode())
    assert BlindIndex((key,), "p").digest("张三").hex == said.hex()
