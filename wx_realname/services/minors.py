"""Whether a record is about somebody under 18; the event of each access has the answer."""

from __future__ import annotations

from .. import resident_id
from ..exceptions import DecryptionError
from ..models import Verification

ADULT = 18  # years: Civil Code, article 17


def is_minor(row: Verification) -> bool | None:
    """None where there is no birth date."""
    try:
        data = row.personal_data()
    except DecryptionError:
        return None
    age = resident_id.age_of(data.credential_id) if data else None
    return None if age is None else age < ADULT
