"""The ciphers by themselves: published vectors, nonces and refusals. What is altered: test_keyring."""

from __future__ import annotations

import pytest

from wx_realname.conf import KEY_BYTES
from wx_realname.exceptions import DecryptionError
from wx_realname.vault.ciphers import NONCE_BYTES, aead, decrypt, encrypt

#: (algorithm, key, nonce, associated data, plaintext, ciphertext and tag)
PUBLISHED = [
    pytest.param(
        "AES-256-GCM",
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b",
        id="AES-256-GCM, test case 16 of the GCM submission to NIST",
    ),
    pytest.param(
        "SM4-GCM",
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec",
        id="SM4-GCM, RFC 8998 appendix A.1",
    ),
]
ALGORITHMS = sorted(KEY_BYTES)


def key_of(algorithm: str) -> bytes:
    return bytes(range(KEY_BYTES[algorithm]))


@pytest.mark.parametrize(("algorithm", "key", "nonce", "data", "plain", "sealed"), PUBLISHED)
def test_the_published_vector_holds(
    algorithm: str, key: str, nonce: str, data: str, plain: str, sealed: str
) -> None:
    cipher = aead(algorithm, bytes.fromhex(key))
    parts = bytes.fromhex(nonce), bytes.fromhex(plain), bytes.fromhex(data)
    assert cipher.encrypt(*parts).hex() == sealed
    assert decrypt(cipher, bytes.fromhex(nonce + sealed), parts[2]) == parts[1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_encryption_takes_another_nonce(algorithm: str) -> None:
    cipher = aead(algorithm, key_of(algorithm))
    nonces = {encrypt(cipher, b"plain", b"data")[:NONCE_BYTES] for _ in range(1_000)}
    assert len(nonces) == 1_000


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_refusal_carries_no_other_error_with_it(algorithm: str) -> None:
    """What the library raises may hold what it worked on."""
    with pytest.raises(DecryptionError) as caught:
        decrypt(aead(algorithm, key_of(algorithm)), bytes(60), b"data")
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
