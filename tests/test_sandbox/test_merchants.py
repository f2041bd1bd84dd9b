"""Merchants, keys and citizens; and the sandbox stands apart."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import wx_realname.sandbox
from tests.test_sandbox.client import APP, MCH, NA, NAME, NUMBER, SECOND_MCH, SECRET, private_key
from wx_realname.sandbox import Citizen, Merchant, MerchantKey, Sandbox, make_merchant_key


def test_a_merchant_key_has_a_serial_of_forty_digits_that_fits_its_certificate() -> None:
    made = make_merchant_key()
    certificate = x509.load_pem_x509_certificate(made.certificate_pem)
    assert made.serial == format(certificate.serial_number, "040X")
    assert certificate.public_key() == private_key(made).public_key()
    assert private_key(made).key_size == 2048
    assert certificate.not_valid_after_utc > datetime.now(timezone.utc) + timedelta(days=1000)


def test_a_serial_may_begin_with_zeros(renewed_key: MerchantKey) -> None:
    assert renewed_key.serial == "00AB" + "3" * 36
    with pytest.raises(ValueError, match="serial"):
        make_merchant_key(serial="F" * 40)
    with pytest.raises(ValueError, match="serial"):
        make_merchant_key(serial="0")


def test_merchants_that_contradict_one_another_are_refused(key: MerchantKey) -> None:
    pem = (key.certificate_pem,)
    one = Merchant(APP, SECRET, MCH, pem)
    with pytest.raises(ValueError, match="at least one"):
        Sandbox([])
    with pytest.raises(ValueError, match="twice"):
        Sandbox([one, one])
    with pytest.raises(ValueError, match="two different secrets"):
        Sandbox([one, Merchant(APP, "other", SECOND_MCH, pem)])
    with pytest.raises(ValueError, match="app_id: not known"):
        Sandbox([one]).issue_auth_token(NA, "wx-unknown")


def test_a_certificate_must_be_readable_and_rsa(key: MerchantKey) -> None:
    with pytest.raises(ValueError, match="PEM"):
        Merchant(APP, SECRET, MCH, (b"nonsense",))
    with pytest.raises(ValueError, match="RSA"):
        Merchant(APP, SECRET, MCH, (elliptic_certificate(),))
    with pytest.raises(ValueError, match="app_secret"):
        Merchant(APP, "", MCH, (key.certificate_pem,))


def elliptic_certificate() -> bytes:
    private, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    start = datetime.now(timezone.utc)
    end = start + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 7, start, end)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_citizen_that_cannot_be_encrypted_is_refused_without_being_quoted() -> None:
    for name, number in (("", NUMBER), ("长" * 123, NUMBER), (NAME, "四四"), ("\ud800", NUMBER)):
        with pytest.raises(ValueError, match=r"^(real_name|credential_id): ") as caught:
            Citizen(name, number)
        assert caught.value.__cause__ is None
        assert "长" not in str(caught.value)
    with pytest.raises(ValueError, match="busy"):
        Citizen(NAME, NUMBER, busy=-1)


def test_the_sandbox_stands_apart() -> None:
    """It imports the standard library, `cryptography` and (by import-linter's contracts) itself."""
    assert wx_realname.sandbox.__file__ is not None
    root = Path(wx_realname.sandbox.__file__).parent
    for path in root.rglob("*.py"):
        imported = re.findall(r"^\s*(?:import|from) (\w+)", path.read_text("utf-8"), re.MULTILINE)
        assert set(imported) <= sys.stdlib_module_names | {"cryptography"}, path
