"""Lists the records that an account reached in a period: for the notice after a leak."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wx_realname.management.base import RealnameCommand
from wx_realname.moments import in_utc, midnight
from wx_realname.services.rights.accesses import account_id, reached


class Command(RealnameCommand):
    help = (
        "List the records that an account reached by searching, revealing, exporting or copying, and count "
        "the persons: one record id per line, the counts on stderr. It is for the notice after a leak."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--actor", required=True, help="the account's name or id")
        parser.add_argument(
            "--from", required=True, dest="begin", help="a day or a time, inclusive"
        )
        parser.add_argument("--to", required=True, dest="end", help="a day, inclusive, or a time")

    def handle(self, *args: Any, actor: str, begin: str, end: str, **options: Any) -> None:
        first, last = _moment("--from", begin, False), _moment("--to", end, True)
        if first >= last:
            raise CommandError(_("--from must be before --to."))
        found = reached(actor=_account(actor), begin=first, end=last)
        for record in found.records:
            self.stdout.write(str(record))
        self.stderr.write(_counted(found.count, found.persons))


def _counted(records: int, persons: int) -> str:
    of_records = ngettext("%(count)d record", "%(count)d records", records) % {"count": records}
    of_persons = ngettext("%(count)d person", "%(count)d persons", persons) % {"count": persons}
    return _("%(records)s of %(persons)s.") % {"records": of_records, "persons": of_persons}


def _account(text: str) -> str:
    """The id of the account with that name, or the id itself: the account may be gone."""
    found = account_id(text)
    if found is None:
        raise CommandError(_('--actor: there is no account "%(name)s".') % {"name": text})
    return found


def _moment(option: str, text: str, is_end: bool) -> datetime:
    try:
        moment, day = parse_datetime(text), parse_date(text)
        if day is not None:
            return midnight(day + timedelta(days=1) if is_end else day)
        if moment is not None:
            return in_utc(moment)
    except (ValueError, OverflowError):
        pass
    words = _('%(option)s must be like "2026-11-29" or "2026-11-29T08:00:00+08:00".')
    raise CommandError(words % {"option": option})
