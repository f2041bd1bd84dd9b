"""Notices: files in the host's repository, published once; the database keeps their text and its hash.

A file is `<purpose>/<version>.<language>.md`: front matter between two lines `---`, then the text. Each
line of the front matter is `name: value`, or `- item` for an item of a list. The names are `title`,
`handler`, `recipients` and `retention_days`; others are ignored.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ... import audit, statements
from ...exceptions import ConfigurationError, InvalidRequest, NotFound
from ...models import Notice

NOT_PUBLISHED = _("There is no such notice, or a newer version is in force.")

MAX_LINE = 255  # characters

_NAME = re.compile(
    r"(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{0,31})\.(?P<language>[A-Za-z-]{2,16})\.md"
)
_PURPOSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FRONT = re.compile(r"---\r?\n(?P<front>.*?)\r?\n---\r?\n(?P<text>.*)", re.DOTALL)
_ITEM = re.compile(r"-\s+(?P<value>.*)")
_LINE = re.compile(r"(?P<name>[a-z_]+)\s*:\s*(?P<value>.*)")


@dataclass(frozen=True)
class Published:
    """The notice of a file, and whether it is new."""

    notice: Notice
    is_new: bool


def published(notice: Any) -> Notice:
    """The notice with that id, if its version is in force. Raises `InvalidRequest`."""
    with suppress(ValueError, Notice.DoesNotExist):
        found = _known(UUID(str(notice)), router.db_for_write(Notice))
        if found.version == _version_in_force(found.purpose):
            return found
    raise InvalidRequest(errors={"notice": [str(NOT_PUBLISHED)]})


@lru_cache(maxsize=256)
def _known(id_: UUID, using: str) -> Notice:
    """The notice, read once in each process: it never changes. Raises `Notice.DoesNotExist`."""
    return Notice.objects.using(using).get(pk=id_)


def notice_for(purpose: str) -> Notice:
    """The notice of the purpose that is in force, in the request's language. Raises `NotFound`."""
    if not _PURPOSE.fullmatch(purpose):
        raise NotFound
    notices = list(_stored().filter(purpose=purpose, version=_version_in_force(purpose)))
    if not notices:
        raise NotFound
    wanted = [(get_language() or "").lower(), settings.LANGUAGE_CODE.lower()]
    return min(
        notices, key=lambda notice: (_rank(notice.language.lower(), wanted), notice.language)
    )


def _rank(language: str, wanted: list[str]) -> int:
    """Lower is better: the first wanted language, then the same language of another region."""
    for place, want in enumerate(wanted):
        if language == want:
            return 2 * place
        if language.partition("-")[0] == want.partition("-")[0]:
            return 2 * place + 1
    return 2 * len(wanted)


def _stored() -> QuerySet[Notice]:
    return Notice.objects.using(router.db_for_write(Notice))


def _version_in_force(purpose: str) -> str:
    """The version that was published last; empty where there is none."""
    using, newest_by = router.db_for_write(Notice), ("published_at", "id")
    same = {"purpose": purpose}
    return statements.first(Notice, "version", same, using, newest_by=newest_by) or ""


def publish(folder: Path, *, dry_run: bool = False) -> Iterator[Published]:
    """Publish the notices of the folder's files that aren't published yet, in one transaction.

    Raises `ConfigurationError`, which names the file, for a file that can't be read, and for a published
    version whose text differs (with the diff). Safe to run twice at once.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder} is not a folder: name the one that has <purpose>/ in it."
        )
    files = sorted((path for path in folder.glob("*/*") if path.is_file()), key=_natural)
    if not files:
        raise ConfigurationError(f"{folder} has no <purpose>/<version>.<language>.md.")
    notices = [_read(path) for path in files]
    using = router.db_for_write(Notice)
    with transaction.atomic(using=using):
        for notice, path in zip(notices, files, strict=True):
            yield _published(notice, path, using, dry_run)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts version 10 after version 9: the last version of a purpose is in force."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def _published(notice: Notice, path: Path, using: str, dry_run: bool) -> Published:
    same = {name: getattr(notice, name) for name in ("purpose", "version", "language")}
    known = _stored().filter(**same).first()
    if known is None and not dry_run:
        try:
            add(notice, using=using)
            return Published(notice, True)
        except IntegrityError:  # another process was faster
            known = _stored().get(**same)
    if known is None:
        return Published(notice, True)
    _refuse_changed(known, notice, path)
    return Published(known, False)


def add(notice: Notice, *, using: str) -> None:
    """Store the notice, with its event. Raises `IntegrityError` where its version is known."""
    with transaction.atomic(using=using):
        notice.save(force_insert=True, using=using)
        audit.append_notice(notice, using=using)


def _refuse_changed(known: Notice, notice: Notice, path: Path) -> None:
    names = ("title", "text", "handler", "recipients", "retention_days")
    if all(getattr(known, name) == getattr(notice, name) for name in names):
        return
    before, after = (
        [f"{name}: {getattr(each, name)}" for name in names if name != "text"]
        + each.text.splitlines()
        for each in (known, notice)
    )
    lines = difflib.unified_diff(before, after, "published", str(path), lineterm="", n=1)
    raise ConfigurationError(
        f"{path}: version {notice.version} was published with another text, which citizens agreed to. "
        f"Give the new text a new version.\n" + "\n".join(lines)
    )


def _read(path: Path) -> Notice:
    name, purpose = _NAME.fullmatch(path.name), path.parent.name
    if name is None or not _PURPOSE.fullmatch(purpose):
        raise ConfigurationError(f"{path}: its name isn't <purpose>/<version>.<language>.md.")
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read ({type(error).__name__}).") from None
    front, text = _split(path, content)
    text = text.strip()
    title = front.get("title") or _heading(text) or purpose
    for what, value in (("handler", front.get("handler")), ("text", text)):
        if not value:
            raise ConfigurationError(f"{path}: it has no {what}.")
    for what, value in (("handler", front["handler"]), ("title", title)):
        if len(value) > MAX_LINE:
            raise ConfigurationError(f"{path}: its {what} is longer than {MAX_LINE} characters.")
    return Notice(
        purpose=purpose,
        version=name["version"],
        language=name["language"],
        title=title,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        handler=front["handler"],
        recipients=front.get("recipients", ""),
        retention_days=_days(path, front.get("retention_days") or front.get("retention", "")),
        published_at=timezone.now(),
    )


def _split(path: Path, content: str) -> tuple[dict[str, str], str]:
    found = _FRONT.fullmatch(content.lstrip("\ufeff"))
    if found is None:
        raise ConfigurationError(
            f"{path}: it doesn't begin with front matter between two lines ---."
        )
    front: dict[str, str] = {}
    name = ""
    for line in filter(str.strip, found["front"].splitlines()):
        item, parts = _ITEM.fullmatch(line.strip()), _LINE.fullmatch(line.strip())
        if item and name:
            front[name] = "; ".join(filter(None, [front[name], _unquoted(item["value"])]))
        elif parts:
            name = parts["name"]
            front[name] = _unquoted(parts["value"])
        else:
            raise ConfigurationError(f"{path}: {line.strip()!r} isn't `name: value`.")
    return front, found["text"]


def _unquoted(value: str) -> str:
    return value.strip().strip("[]").strip().strip("\"'")


def _heading(text: str) -> str:
    found = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _days(path: Path, value: str) -> int | None:
    if not value:
        return None
    if not value.isdecimal() or not 0 < int(value) < 40_000:
        raise ConfigurationError(f"{path}: retention_days must be a positive number of days.")
    return int(value)
