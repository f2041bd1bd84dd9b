"""The envelope of format versions 1 and 2. Its bytes were computed with hashlib and a GCM written by hand:
when one of them changes, what lies in databases can no longer be read."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.cases import each
from wx_realname.conf import EncryptionKey
from wx_realname.exceptions import DecryptionError
from wx_realname.vault.ciphers import AEAD, SM4GCM
from wx_realname.vault.keyring import (
    ColumnCipher,
    Header,
    derive,
    has_key_for,
    header_of,
    headers_of,
)

COLUMN = "wx_realname_verification.real_name_encrypted"
ROW, OTHER_ROW = bytes.fromhex("0190a1b2c3d47e5f8a9b0c1d2e3f4a5b"), bytes(16)
NAME = "欧阳娜"
AES = EncryptionKey("2026a", "AES-256-GCM", bytes(range(32)))
SM4 = EncryptionKey("2026s", "SM4-GCM", bytes(range(16)))
NONCE = "000102030405060708090a0b"
HEADER = {AES: "0101053230323661", SM4: "0102053230323673"}
#: What is written now: SM4-GCM under a key that HKDF-SM3 derives.
WRITTEN = {AES: HEADER[AES], SM4: "0202053230323673"}
SEALED = {
    AES: "059805970736b520446fc2cc197befc3c60136106451920de1",
    SM4: "eb9e098b59d572c90b34f71de4b682713bf3aac1b6bb393e7f",
}
COLUMN_KEY = {
    AES: "10848aa8b0c84a414211b2b8fbcec6255487aaa19d66bfe5ade74605f5597e53",
    SM4: "75f71c86c977dd6aefcc87f8cd55ad70",
}
#: The lengths (2 bytes) with header, column and row.
COLUMN_AND_ROW = (
    "002c77785f7265616c6e616d655f766572696669636174696f6e2e7265616c5f6e616d655f656e63727970746564"
    "00100190a1b2c3d47e5f8a9b0c1d2e3f4a5b"
)
KEYS = [pytest.param(AES, id="AES-256-GCM"), pytest.param(SM4, id="SM4-GCM")]


def cipher(*keys: EncryptionKey, column: str = COLUMN) -> ColumnCipher:
    return ColumnCipher(keys, column)


def known_envelope(key: EncryptionKey) -> bytes:
    return bytes.fromhex(HEADER[key] + NONCE + SEALED[key])


def refused(envelope: bytes, *keys: EncryptionKey, column: str = COLUMN, row: bytes = ROW) -> str:
    with pytest.raises(DecryptionError) as caught:
        cipher(*keys or (AES, SM4), column=column).decrypt(envelope, row)
    return str(caught.value)


def test_a_derived_key_is_that_of_rfc_5869() -> None:
    """Test case 3: no salt, no info."""
    derived = derive(bytes.fromhex("0b" * 22), 42, "")
    assert derived.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@pytest.mark.parametrize("key", KEYS)
def test_an_envelope_of_version_1_is_opened(key: EncryptionKey) -> None:
    assert cipher(key).decrypt(known_envelope(key), ROW) == NAME


@pytest.mark.parametrize("key", KEYS)
def test_an_envelope_is_written(key: EncryptionKey) -> None:
    envelope = cipher(key).encrypt(NAME, ROW)
    header, nonce, sealed = envelope[:8], envelope[8:20], envelope[20:]
    assert header.hex() == WRITTEN[key]
    column_key, data = bytes.fromhex(COLUMN_KEY[key]), bytes.fromhex("0008" + WRITTEN[key])
    aead: AEAD = AESGCM(column_key) if key is AES else SM4GCM(column_key)
    assert aead.decrypt(nonce, sealed, data + bytes.fromhex(COLUMN_AND_ROW)) == NAME.encode()


@hypothesis_settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(max_size=64))
def test_every_text_of_every_row_comes_back(text: str, row: bytes) -> None:
    for key in (AES, SM4):
        assert cipher(key).decrypt(cipher(key).encrypt(text, row), row) == text


@pytest.mark.parametrize("key", KEYS)
@each(
    ("column", "row"),
    [
        (COLUMN, OTHER_ROW),
        ("wx_realname_verification.credential_id_encrypted", ROW),
        ("other_table.real_name_encrypted", ROW),
        ("cache.access_token", ROW),
        ("", ROW),
    ],
)
def test_a_ciphertext_moved_to_another_row_or_column_is_refused(
    key: EncryptionKey, column: str, row: bytes
) -> None:
    refused(known_envelope(key), column=column, row=row)


@pytest.mark.parametrize("key", KEYS)
def test_each_flipped_bit_is_refused(key: EncryptionKey) -> None:
    for bit in range(8 * len(known_envelope(key))):
        flipped = bytearray(known_envelope(key))
        flipped[bit // 8] ^= 1 << bit % 8
        refused(bytes(flipped))


@pytest.mark.parametrize("key", KEYS)
def test_each_cut_is_refused(key: EncryptionKey) -> None:
    envelope = known_envelope(key)
    for length in range(len(envelope)):
        refused(envelope[:length])
        refused(envelope[len(envelope) - length :])
    refused(envelope + b"\0")


@each(
    "plain",
    [
        b"",
        NAME.encode(),
        NAME.encode("gb18030"),
        b"440524198001010013",
        b"\x01",
        b"\x01\x01\x05",
        b"\x01\x01\xff" + b"x" * 40,
        b"\x01\x01\x02\xff\xfe" + b"x" * 40,
        b"\x00" * 60,
        b"\x01" * 60,
        b"\x02" + bytes.fromhex(HEADER[AES] + NONCE + SEALED[AES])[1:],
    ],
)
def test_what_is_no_envelope_is_refused_and_not_quoted(plain: bytes) -> None:
    message = refused(plain)
    assert "440524" not in message
    assert NAME not in message


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_there_for_each_version_of_its_envelopes(key: EncryptionKey) -> None:
    other = SM4 if key is AES else AES
    for envelope in (known_envelope(key), cipher(key).encrypt(NAME, ROW)):
        assert has_key_for(envelope, [other, key]) and not has_key_for(envelope, [other])
    assert has_key_for(NAME.encode(), [key])  # no ciphertext: decrypting it says so


def test_a_key_id_from_the_database_writes_no_line_of_its_own() -> None:
    """Messages are logged, and who can write the column must not write the log."""
    forged = b"\x01\x01\x06a\nFAKE" + bytes(40)
    assert refused(forged).isprintable()


def test_a_missing_key_is_named() -> None:
    said = refused(known_envelope(AES), SM4)
    assert said == "ENCRYPTION_KEYS has no key '2026a' of that algorithm"


@each(
    "other",
    [
        EncryptionKey(AES.key_id, "SM4-GCM", SM4.material),
        EncryptionKey(AES.key_id, "SM4-GCM", AES.material[:16]),
        EncryptionKey(AES.key_id, AES.algorithm, b"\xff" * 32),
    ],
)
def test_the_same_key_id_with_another_algorithm_or_material_is_refused(
    other: EncryptionKey,
) -> None:
    refused(known_envelope(AES), other)


def test_the_first_key_writes() -> None:
    assert cipher(AES, SM4).encrypt(NAME, ROW)[:8].hex() == WRITTEN[AES]
    assert cipher(SM4, AES).encrypt(NAME, ROW)[:8].hex() == WRITTEN[SM4]


@pytest.mark.parametrize("key", KEYS)
def test_decryption_takes_the_key_that_the_envelope_names(key: EncryptionKey) -> None:
    newer = EncryptionKey("2027", "AES-256-GCM", b"\x09" * 32)
    assert cipher(newer, SM4, AES).decrypt(known_envelope(key), ROW) == NAME


@pytest.mark.parametrize("key", KEYS)
def test_no_key_material_is_shown(key: EncryptionKey) -> None:
    shown = repr(key) + repr(cipher(key)) + repr(vars(cipher(key)))
    assert repr(key.material)[2:-1] not in shown
    assert key.key_id in shown


# --- the header, which names the key without any being there ----------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_the_header_names_the_key(key: EncryptionKey) -> None:
    header = Header.of(known_envelope(key))
    assert header in headers_of(key)
    assert bytes(header) == bytes.fromhex(HEADER[key])
    assert bytes(header_of(key)) == bytes.fromhex(WRITTEN[key])
    assert Header.of(bytes(header)) == header


@each("start", [*(bytes.fromhex(HEADER[AES])[:n] for n in range(8)), b"\x02\x01\x05" + b"2026a"])
def test_a_cut_header_or_one_of_another_version_is_none(start: bytes) -> None:
    with pytest.raises(DecryptionError, match="not a ciphertext of wx_realname"):
        Header.of(start)


@each("code", [0, 3, 255])
def test_a_header_of_an_unknown_algorithm_is_none(code: int) -> None:
    with pytest.raises(DecryptionError, match="not a ciphertext of wx_realname"):
        Header.of(bytes((1, code, 1)) + b"a")


def test_the_shortest_header_is_one() -> None:
    assert Header.of(bytes((1, 1, 1)) + b"a") == Header(1, "a")
