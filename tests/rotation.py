"""What the tests of the key rotation share: keys, records under them, and a run's words."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from wx_realname import conf, masking
from wx_realname.models import AuditEvent, Verification
from wx_realname.personal_data import PersonalData
from wx_realname.sandbox import Citizen
from wx_realname.services.upkeep.rotation import Rotated, rotate_keys
from wx_realname.uuid7 import uuid7
from wx_realname.vault import blind_index

Configure = Callable[..., None]

PERSON = PersonalData("欧阳娜", "440524198001010013")
CITIZEN = Citizen(PERSON.real_name, PERSON.credential_id)


def key(key_id: str, byte: int, algorithm: str = "AES-256-GCM") -> str:
    length = conf.KEY_BYTES[algorithm]
    return f"{key_id}:{algorithm}:{base64.b64encode(bytes([byte]) * length).decode()}"


E1, E2, S3 = key("e1", 1), key("e2", 2), key("s3", 3, "SM4-GCM")
I1, I2 = (f"i{n}:{base64.b64encode(bytes([byte]) * 32).decode()}" for n, byte in ((1, 2), (2, 9)))


def made(count: int = 1, **changes: Any) -> list[Verification]:
    """Verified records under the keys of now, without the exchanges."""
    now, settings = timezone.now(), conf.current()
    rows = []
    for _ in range(count):
        pk = uuid7()
        name, number = Verification.sealed(pk, PERSON)
        values = {
            "id": pk,
            "merchant": "default",
            "method": "authorize",
            "status": "verified",
            "real_name_encrypted": name,
            "credential_id_encrypted": number,
            "real_name_masked": masking.mask_name(PERSON.real_name),
            "credential_id_masked": masking.mask_credential_id(PERSON.credential_id),
            "real_name_index": index(blind_index.names, blind_index.name_form(PERSON.real_name)),
            "credential_id_index": index(blind_index.numbers, PERSON.credential_id),
            "index_key_id": settings.index_keys[0].key_id,
            "created_at": now,
            "started_at": now,
            "token_digest": pk.hex,
            "token_key_id": settings.index_keys[0].key_id,
        }
        rows.append(Verification(**values | changes))
    return Verification.objects.bulk_create(rows, batch_size=500)


def index(purpose: Callable[..., blind_index.BlindIndex], value: str) -> str:
    """As the first key makes it."""
    return purpose(conf.current().index_keys).digest(value).hex


def rotated(**options: Any) -> Rotated:
    """All batches together."""
    batches = list(rotate_keys(**options))
    return Rotated(
        sum(batch.encrypted for batch in batches),
        sum(batch.indexed for batch in batches),
        sum(batch.busy for batch in batches),
        tuple(each for batch in batches for each in batch.unreadable),
    )


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("realname_rotate_keys", *arguments, stdout=out, stderr=out)
    except SystemExit as exit_:
        return int(str(exit_.code)), out.getvalue()
    return 0, out.getvalue()


def plain(row: Verification) -> tuple[str, str]:
    data = Verification.objects.get(pk=row.pk).personal_data()
    assert data is not None
    return data.real_name, data.credential_id


def all_read() -> bool:
    rows = [row.personal_data() for row in Verification.objects.all()]
    return all(row and row.credential_id == PERSON.credential_id for row in rows)


def begun() -> list[AuditEvent]:
    """The events that went before each run."""
    events = AuditEvent.objects.filter(event="rotation", reason__startswith="begun")
    return list(events.order_by("created_at", "id"))


def reasons() -> list[str]:
    """What each run that ended told, one after another."""
    events = AuditEvent.objects.filter(event="rotation").exclude(reason__startswith="begun")
    told = events.order_by("created_at", "id").values_list("reason", flat=True)
    ends, names = zip(*[text.split("; begun ") for text in told], strict=True) if told else ((), ())
    assert set(names) <= {str(event.pk) for event in begun()}
    return list(ends)


CHILD = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.WX_REALNAME |= {"ENCRYPTION_KEYS": sys.argv[3:5], "INDEX_KEYS": sys.argv[5:]}
django.setup()
from wx_realname.services.upkeep.rotation import rotate_keys
for batch in rotate_keys(batch_size=int(sys.argv[2])):
    print(batch.encrypted, flush=True)
    sys.stdin.readline()
"""


def child(batch_size: int, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """A process that rotates too, to E2 and I2; each batch that it commits is a line.

    With a pipe for its stdin it waits after each batch for a line.
    """
    arguments = [str(connection.settings_dict["NAME"]), str(batch_size), E2, E1, I2, I1]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
