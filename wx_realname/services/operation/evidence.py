"""Evidence for the yearly audit: one year's figures as JSON and CSV, without citizens or secrets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core import checks
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from ... import __version__, conf
from ...cells import BOM, as_csv
from ...models import AuditEvent, AuditSeal, Consent, Verification

Event = AuditEvent.Event

LOOKS = (Event.REVEAL, Event.SEARCH, Event.EXPORT, Event.EXPORT_PART, Event.COPY)


def evidence(year: int) -> dict[str, Any]:
    """What the yearly audit asks for: accesses, consents, erasures, retention, keys, seals, settings."""
    begin = timezone.make_aware(datetime(year, 1, 1))
    end = timezone.make_aware(datetime(year + 1, 1, 1))
    within = Q(created_at__gte=begin, created_at__lt=end)
    return {
        "year": year,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "version": __version__,
        "accesses": _accesses(within),
        "consents": _consents(begin, end),
        "erasures": _erasures(within),
        "attempts": _attempts(within),
        "minors": AuditEvent.objects.filter(within, minor=True).count(),
        "retention_days": conf.current().retention_days,
        "keys": _keys(),
        "seals": _seals(within),
        "checks": _checks(),
        "settings": _settings(),
    }


def tables(pack: Mapping[str, Any]) -> dict[str, str]:
    """Each list of the pack as CSV, by file name."""
    lists = {name: rows for name, rows in pack.items() if isinstance(rows, list) and rows}
    return {f"{name}.csv": _csv(rows) for name, rows in lists.items()}


def as_json(pack: Mapping[str, Any]) -> str:
    """The whole pack as JSON."""
    return json.dumps(pack, ensure_ascii=False, indent=2, default=str) + "\n"


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    text.write(BOM)
    csv.writer(text).writerows([list(rows[0]), *(map(as_csv, row.values()) for row in rows)])
    return text.getvalue()


def _accesses(within: Q) -> list[dict[str, Any]]:
    """By officer and kind: how often, how many records, how many without a case number."""
    events = AuditEvent.objects.filter(within, event__in=LOOKS).values("actor_id", "event")
    counted = events.annotate(
        times=Count("pk"),
        records_reached=Sum("records"),
        minors=Count("pk", filter=Q(minor=True)),
        without_case_number=Count("pk", filter=Q(case_number="")),
    )
    return [dict(row) for row in counted.order_by("actor_id", "event")]


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


def _keys() -> list[dict[str, Any]]:
    """By key id: its purpose, and when it first signed or indexed."""
    settings = conf.current()
    digests, seals = Verification.objects.all(), AuditSeal.objects.all()
    found = [
        *(
            (key.key_id, "INDEX_KEYS", _since(digests.filter(token_key_id=key.key_id)))
            for key in settings.index_keys
        ),
        *(
            (key.key_id, "AUDIT_KEYS", _since(seals.filter(key_id=key.key_id)))
            for key in settings.audit_keys
        ),
        *((key.key_id, "ENCRYPTION_KEYS", None) for key in settings.encryption_keys),
    ]
    return [dict(zip(("key_id", "setting", "since"), each, strict=True)) for each in found]


def _since(rows: QuerySet[Any]) -> Any:
    return rows.aggregate(since=Min("created_at"))["since"]


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
    names = (
        "storage",
        "response",
        "retention_days",
        "throttle_rate",
        "face_rate",
        "search_rate",
        "consent",
        "minors",
        "four_eyes",
        "name_index",
        "mask_name",
        "export_limit",
        "api_base_url",
    )
    return {
        **{name.upper(): getattr(settings, name) for name in names},
        "MERCHANTS": sorted(settings.merchants),
    }
