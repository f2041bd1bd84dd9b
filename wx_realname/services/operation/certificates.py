"""The merchants' certificates and their validity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from ... import conf
from ...exceptions import ConfigurationError
from ...wechat.merchant_key import MerchantKey
from ..clients import client_for

WARNING = timedelta(days=60)


@dataclass(frozen=True)
class Certificate:
    """One certificate of a merchant. `ends` is None where only its serial number is known."""

    merchant: str
    serialno: str
    is_next: bool
    ends: datetime | None
    relieved: bool  # the next certificate takes over before this one ends

    @property
    def days_left(self) -> int | None:
        """Whole days; negative after the end."""
        return None if self.ends is None else (self.ends - timezone.now()).days

    @property
    def has_ended(self) -> bool:
        return bool(self.ends and not self.relieved and self.ends <= timezone.now())

    @property
    def needs_care(self) -> bool:
        """Whether it ends soon, or has ended, and no other replaces it."""
        return bool(self.ends and not self.relieved and self.ends - timezone.now() < WARNING)


@dataclass(frozen=True)
class Unusable:
    """A merchant whose keys can't be used, and why."""

    merchant: str
    fault: str


def certificates() -> Iterator[Certificate | Unusable]:
    """Every merchant's certificates: the current one and, where NEXT is set, the next."""
    for merchant in conf.current().merchants.values():
        try:
            yield from certificates_of(merchant)
        except ConfigurationError as error:
            yield Unusable(merchant.alias, str(error))


def certificates_of(merchant: conf.Merchant) -> Iterator[Certificate]:
    """The merchant's certificates; none without the button. Raises `ConfigurationError` for a bad key."""
    keys = client_for(merchant).keys.all() if merchant.has_button else ()
    return certificates_among(merchant, keys)


def certificates_among(
    merchant: conf.Merchant, keys: Iterable[MerchantKey]
) -> Iterator[Certificate]:
    """The certificates of the merchant's loaded keys, in the order of `key_sources`."""
    for number, key in enumerate(keys):
        ends = key.certificate.not_valid_after_utc if key.certificate else None
        since = merchant.next_from
        yield Certificate(
            merchant=merchant.alias,
            serialno=key.serialno,
            is_next=number > 0,
            ends=ends,
            relieved=bool(number == 0 and since and ends and since < ends),
        )
