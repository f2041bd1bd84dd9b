"""Our texts compare exactly on every database, MariaDB among them: `A` isn't `a`, and `a ` isn't `a`."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from tests.conftest import AUTH_TOKEN
from tests.console import page, records, staff
from tests.lying_wechat import LyingWeChat
from wx_realname import statements
from wx_realname.exact_text import ExactCharField
from wx_realname.exceptions import OtherMerchant
from wx_realname.models import ServiceUse, Verification
from wx_realname.services import exchange

pytestmark = pytest.mark.django_db


def test_every_short_text_of_ours_is_exact() -> None:
    fields = [
        field
        for model in apps.get_app_config("wx_realname").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField)
    ]
    assert len(fields) > 40
    assert [field for field in fields if type(field) is not ExactCharField] == []


def test_merchants_whose_aliases_differ_in_case_only_are_two(
    liar: LyingWeChat, user: Any, settings: Any
) -> None:
    one = settings.WX_REALNAME["MERCHANTS"]["default"]
    both = {"MERCHANTS": {"default": one, "Default": one}}
    settings.WX_REALNAME = settings.WX_REALNAME | both
    row = exchange(user=user, auth_token=AUTH_TOKEN, merchant="Default")
    assert Verification.objects.filter(merchant="Default").get() == row
    assert not Verification.objects.filter(merchant__in=["default", "Default "]).exists()
    with pytest.raises(OtherMerchant):
        exchange(user=user, auth_token=AUTH_TOKEN, merchant="default")
    listed = staff("view_verification").get(page("verification") + "?merchant=default")
    assert str(row.pk) not in listed.content.decode()


def test_a_conditional_write_meets_no_row_that_is_spelt_otherwise() -> None:
    (row,) = records(1, merchant="Default")
    same = {"id": row.pk, "merchant": "default"}
    assert not statements.update(Verification, same, {"errcode": 1}, connection.alias)
    same["merchant"] = "Default"
    assert statements.update(Verification, same, {"errcode": 1}, connection.alias)


def test_what_is_unique_differs_in_case_and_in_blanks_at_the_end(user: Any) -> None:
    day = "2026-11-22"
    for user_id in ("oA", "oa", "oa "):
        ServiceUse.objects.create(user_id=user_id, purpose="pension", day=day)
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceUse.objects.create(user_id="oa", purpose="pension", day=day)
    assert ServiceUse.objects.filter(user_id="oa").count() == 1
