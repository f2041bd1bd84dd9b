"""The column that holds a ciphertext: on a real database, bound to its row, never plain."""

from __future__ import annotations

import pickle
from typing import Any
from uuid import UUID

import pytest
from django.core import serializers
from django.db import connection, models, transaction
from django.utils import timezone

from tests.cases import each
from tests.trail import RECORDS, change, key_of
from wx_realname.exceptions import DecryptionError
from wx_realname.models import Verification
from wx_realname.personal_data import PersonalData
from wx_realname.uuid7 import uuid7
from wx_realname.vault.fields import EncryptedField, Sealed

NAME, NUMBER = "欧阳娜", "440524198001010013"
COLUMNS = ("real_name_encrypted", "credential_id_encrypted")


def field(name: str = "real_name_encrypted") -> EncryptedField:
    found = Verification._meta.get_field(name)
    assert isinstance(found, EncryptedField)
    return found


def row(pk: UUID | None = None) -> Verification:
    pk, now = pk or uuid7(), timezone.now()
    name, number = Verification.sealed(pk, PersonalData(NAME, NUMBER))
    return Verification.objects.create(
        id=pk,
        merchant="default",
        method=Verification.Method.AUTHORIZE,
        status=Verification.Status.VERIFIED,
        real_name_encrypted=name,
        credential_id_encrypted=number,
        created_at=now,
        started_at=now,
        token_digest=pk.hex,
    )


def overwrite(pk: UUID, column: str, value: Any) -> None:
    """As somebody does who writes to the table past us."""
    change(Verification(pk=pk), **{column: value})


def stored(pk: UUID, column: str) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {RECORDS} WHERE id = %s", [key_of(pk)])  # noqa: S608
        return bytes(cursor.fetchone()[0])


def plain_of(pk: UUID) -> tuple[str, str]:
    data = Verification.objects.get(pk=pk).personal_data()
    assert data is not None
    return data.real_name, data.credential_id


@pytest.mark.parametrize("name", COLUMNS)
def test_a_value_is_bound_to_table_and_column(name: str) -> None:
    assert field(name).place == f"wx_realname_verification.{name}"


@pytest.mark.django_db
def test_what_is_stored_is_a_ciphertext_and_comes_back() -> None:
    pk = row().pk
    for column in COLUMNS:
        envelope = stored(pk, column)
        assert envelope[:1] == b"\x01"
        for plain in (NAME, NUMBER):
            assert plain.encode() not in envelope
            assert plain.encode("gb18030") not in envelope
    assert plain_of(pk) == (NAME, NUMBER)


@pytest.mark.django_db
@each("column", COLUMNS)
@each("source", COLUMNS)
def test_a_ciphertext_moved_to_another_row_or_column_is_refused(source: str, column: str) -> None:
    one, other = row().pk, row().pk
    for moved_from in (other, one)[: 1 + (source != column)]:
        overwrite(one, column, stored(moved_from, source))
        with pytest.raises(DecryptionError):
            plain_of(one)
    assert plain_of(other) == (NAME, NUMBER)


@pytest.mark.django_db
@each("plain", [NAME.encode(), NUMBER.encode(), b"", b"\x00" * 60])
def test_plain_bytes_in_the_column_can_be_listed_but_not_opened(plain: bytes) -> None:
    pk = row().pk
    overwrite(pk, COLUMNS[0], plain)
    assert Verification.objects.get(pk=pk).real_name_encrypted
    with pytest.raises(DecryptionError) as caught:
        plain_of(pk)
    assert NAME not in str(caught.value)


@each("plain", [NAME, NUMBER, "", int(NUMBER), 18, 1.5])
def test_a_text_or_number_in_the_column_can_be_listed_but_not_opened(plain: Any) -> None:
    """SQLite keeps what it is given, whatever the column's type."""
    sealed = field().from_db_value(plain, None, connection)
    assert repr(sealed) == "<Sealed>"
    assert isinstance(sealed, Sealed)
    with pytest.raises(DecryptionError):
        field().open(sealed, uuid7())


@pytest.mark.django_db
@each("plain", [NAME, NUMBER, NAME.encode(), b"", bytearray(b"x"), 7])
def test_a_plain_value_is_never_written(plain: Any) -> None:
    record = row()
    rows = Verification.objects.filter(pk=record.pk)
    record.real_name_encrypted = plain
    for write in (
        record.save,
        lambda: rows.update(real_name_encrypted=plain),
        lambda: Verification.objects.bulk_update([record], ["real_name_encrypted"]),
        lambda: rows.filter(real_name_encrypted=plain).exists(),
        lambda: field().get_db_prep_value(plain, connection),
    ):
        refusal = pytest.raises(TypeError, match="real_name_encrypted takes a ciphertext")
        with refusal as caught, transaction.atomic():
            write()
        assert str(caught.value).endswith("never a plain value.")
    assert plain_of(record.pk) == (NAME, NUMBER)


@pytest.mark.django_db
def test_a_row_is_read_written_and_copied_without_decrypting(settings: Any) -> None:
    pk = row().pk
    other = "e9:SM4-GCM:AQEBAQEBAQEBAQEBAQEBAQ=="
    settings.WX_REALNAME = settings.WX_REALNAME | {"ENCRYPTION_KEYS": [other]}
    record = Verification.objects.get(pk=pk)
    record.save()
    assert field().clean(record.real_name_encrypted, record) is record.real_name_encrypted
    assert Verification.objects.values_list("real_name_encrypted", flat=True).get() == Sealed(
        stored(pk, "real_name_encrypted")
    )
    assert pickle.loads(pickle.dumps(record.real_name_encrypted)) == record.real_name_encrypted  # noqa: S301
    with pytest.raises(DecryptionError, match="e1"):
        record.personal_data()


@pytest.mark.django_db
@each("form", ["json", "xml", "jsonl"])
def test_a_fixture_carries_the_ciphertext(form: str) -> None:
    pk, emptied = row().pk, row().pk
    Verification.objects.filter(pk=emptied).update(real_name_encrypted=None)
    dumped = serializers.serialize(form, Verification.objects.all())
    assert NAME not in dumped
    Verification.objects.all().delete()
    for loaded in serializers.deserialize(form, dumped):
        loaded.save()
    assert plain_of(pk) == (NAME, NUMBER)
    nothing = Verification.objects.get(pk=emptied)
    assert (nothing.real_name_encrypted, nothing.personal_data()) == (None, None)
    Verification.objects.all().delete()


def test_a_ciphertext_shows_nothing_and_compares_by_its_bytes() -> None:
    one, same, other = Sealed(b"\x01a"), Sealed(b"\x01a"), Sealed(b"\x01b")
    assert (repr(one), str(one), f"{one}") == ("<Sealed>",) * 3
    assert (one == same, one == other, one == b"\x01a") == (True, False, False)
    assert len({one, same, other}) == 2


def test_the_field_of_another_model_has_another_key() -> None:
    class Elsewhere(models.Model):  # noqa: DJ008
        real_name_encrypted = EncryptedField(null=True)

        class Meta:
            app_label = "elsewhere"

    there = Elsewhere._meta.get_field("real_name_encrypted")
    assert isinstance(there, EncryptedField)
    pk = uuid7()
    with pytest.raises(DecryptionError):
        there.open(field().seal(NAME, pk), pk)
    assert there.open(there.seal(NAME, pk), pk) == NAME
