"""Evidence for the yearly audit: one year's figures as JSON and CSV, without citizens or secrets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.core import checks
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils import timezone

from ... import __version__, audit, conf
from ...cells import BOM, as_csv
from ...exceptions import Minor
from ...models import AuditEvent, AuditSeal, Consent, Notice, Verification
from ...vault.keyring import headers_of
from .. import facts
from ..missing_keys import under
from ..upkeep.purge import outlived
from .certificates import Certificate, certificates

Event = AuditEvent.Event

LOOKS = (Event.REVEAL, Event.SEARCH, Event.EXPORT, Event.EXPORT_PART, Event.COPY)


#: Settings whose values are keys, or hold some.
SECRET = ("merchants", "encryption_keys", "index_keys", "audit_keys")


def evidence(
    year: int, progress: Callable[[str, int], None], *, batch_size: int = audit.RECORD_BATCH
) -> dict[str, Any]:
    """What the yearly audit asks for: accesses, consents, erasures, retention, keys, seals, settings.

    Verifies the whole trail, `batch_size` records at once, with a call of `progress` now and then.
    """
    begin = timezone.make_aware(datetime(year, 1, 1))
    end = timezone.make_aware(datetime(year + 1, 1, 1))
    within = Q(created_at__gte=begin, created_at__lt=end)
    faults = list(audit.faults([], progress, batch_size=batch_size))
    return {
        "year": year,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "version": __version__,
        "accesses": _accesses(within),
        "own_copies": {"times": _looks(within).filter(actor_id=F("user_id")).count()},
        "consents": _consents(begin, end),
        "erasures": _erasures(within),
        "attempts": _attempts(within),
        "minors": _minors(within),
        "retention": _retention(),
        "keys": _keys(),
        "certificates": _certificates(),
        "seals": _seals(within) | {"verified": not faults},
        "faults": [{"fault": fault} for fault in faults],
        "checks": _checks(),
        "settings": _settings(),
    }


def tables(pack: Mapping[str, Any]) -> dict[str, str]:
    """Each part of the pack as CSV, by file name: a row for each entry of a list, or for each name."""
    lists = {name: rows for name, rows in pack.items() if isinstance(rows, list) and rows}
    for name, values in pack.items():
        if isinstance(values, dict):
            lists[name] = [{"name": key, "value": value} for key, value in values.items()]
    return {f"{name}.csv": _csv(rows) for name, rows in lists.items()}


def as_json(pack: Mapping[str, Any]) -> str:
    """The whole pack as JSON."""
    return json.dumps(pack, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    text.write(BOM)
    csv.writer(text).writerows([list(rows[0]), *(map(as_csv, row.values()) for row in rows)])
    return text.getvalue()


def _accesses(within: Q) -> list[dict[str, Any]]:
    """By officer and kind: how often, how many records, how many without a case number.

    Citizens' copies of their own data aren't among them.
    """
    looks = _looks(within).exclude(actor_id=F("user_id"))
    counted = looks.values("actor_id", "event").annotate(
        times=Count("pk"),
        records_reached=Sum("records"),
        minors=Count("pk", filter=Q(minor=True)),
        without_case_number=Count("pk", filter=Q(case_number="")),
    )
    return [dict(row) for row in counted.order_by("actor_id", "event")]


def _looks(within: Q) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(within, event__in=LOOKS)


def _consents(begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """By notice: how many were given and withdrawn."""
    names = ("notice__purpose", "notice__version", "notice__language", "notice__sha256")
    counted = Consent.objects.values(*names).annotate(
        given=Count("pk", filter=Q(given_at__gte=begin, given_at__lt=end)),
        withdrawn=Count("pk", filter=Q(withdrawn_at__gte=begin, withdrawn_at__lt=end)),
    )
    return [
        {name.removeprefix("notice__"): value for name, value in row.items()}
        for row in counted.order_by(*names)
    ]


def _erasures(within: Q) -> list[dict[str, Any]]:
    """By reason: each reason that the code gives, and all reasons of officers together."""
    erased = AuditEvent.objects.filter(within, event=Event.ERASE)
    system = erased.filter(actor_id="").values("reason").annotate(times=Count("pk"))
    asked = erased.exclude(actor_id="").count()
    return [*map(dict, system.order_by("reason")), {"reason": "asked for", "times": asked}]


def _attempts(within: Q) -> list[dict[str, Any]]:
    ended = AuditEvent.objects.filter(within, event=Event.EXCHANGE)
    counted = ended.values("merchant", "method", "status").annotate(times=Count("pk"))
    return [dict(row) for row in counted.order_by("merchant", "method", "status")]


def _minors(within: Q) -> dict[str, int]:
    """Looks at people under 18, and people under 14 who were refused (MINORS)."""
    events = AuditEvent.objects.filter(within)
    return {
        "looks_under_18": events.filter(minor=True).count(),
        "refused_under_14": events.filter(error_code=Minor.code).count(),
    }


def _retention() -> dict[str, int | None]:
    """The days of each notice and of the rest; how many records are overdue for `realname_purge`."""
    notices = Notice.objects.order_by("purpose", "version", "language")
    return {
        "RETENTION_DAYS": conf.current().retention_days,
        **{str(notice): notice.retention_days for notice in notices},
        "overdue_records": outlived().count(),
    }


def _keys() -> list[dict[str, Any]]:
    """By key id: its setting, since when it is in use, and for how many days."""
    settings = conf.current()
    records, seals = Verification.objects.all(), AuditSeal.objects.all()
    return [
        *(
            _key(
                "ENCRYPTION_KEYS",
                key,
                _rotated(key) or _since(records.filter(under(headers_of(key)))),
            )
            for key in settings.encryption_keys
        ),
        *(
            _key("INDEX_KEYS", key, _since(records.filter(token_key_id=key.key_id)))
            for key in settings.index_keys
        ),
        *(
            _key("AUDIT_KEYS", key, _since(seals.filter(key_id=key.key_id)))
            for key in settings.audit_keys
        ),
    ]


def _key(
    setting: str, key: conf.EncryptionKey | conf.HashKey, since: datetime | None
) -> dict[str, Any]:
    days = None if since is None else (timezone.now() - since).days
    return {"setting": setting, "key_id": key.key_id, "since": since, "days": days}


def _certificates() -> list[dict[str, Any]]:
    """The merchants' certificates, and how long they last."""
    found = (each for each in certificates() if isinstance(each, Certificate))
    return [
        {
            "merchant": each.merchant,
            "serialno": each.serialno,
            "ends": each.ends,
            "days_left": each.days_left,
        }
        for each in found
    ]


def _rotated(key: conf.EncryptionKey) -> datetime | None:
    """When a rotation to the key began: older records are under it since then."""
    rotations = AuditEvent.objects.filter(event=Event.ROTATION)
    return _since(rotations.filter(reason__startswith=facts.rotation_begun(key.key_id, "")))


def _since(rows: QuerySet[Any]) -> datetime | None:
    since: datetime | None = rows.aggregate(since=Min("created_at"))["since"]
    return since


def _seals(within: Q) -> dict[str, Any]:
    made = AuditSeal.objects.filter(within)
    last = AuditSeal.objects.order_by("-number").first()
    unsealed = AuditEvent.objects.filter(seal=None)
    return {
        "made": made.count(),
        "events": made.aggregate(events=Sum("count"))["events"] or 0,
        "last": str(last) if last else None,
        "unsealed": unsealed.count(),
    }


def _checks() -> list[dict[str, Any]]:
    """What `check --deploy` finds of this app."""
    found = checks.run_checks(include_deployment_checks=True)
    ours = (each for each in found if str(each.id).startswith("wx_realname."))
    return [{"id": each.id, "level": each.level, "says": str(each.msg)} for each in ours]


def _settings() -> dict[str, Any]:
    """The settings without keys and secrets."""
    settings = conf.current()
    names = (field.name for field in fields(settings) if field.name not in SECRET)
    return {
        **{name.upper(): getattr(settings, name) for name in names},
        "MERCHANTS": sorted(settings.merchants),
    }
