"""Who may be put in front of the phone. All are invented: no place has the area code 990101."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wx_realname import masking


@dataclass(frozen=True)
class Citizen:
    """An invented citizen; what isn't said of WeChat Pay is as it is with most people."""

    key: str
    real_name: str
    credential_id: str = field(repr=False)
    note: str | Promise
    wechat_pay: bool = True
    real_name_info: bool = True

    def on_the_page(self) -> dict[str, object]:
        """For the page: the whole number stays here."""
        return {
            "key": self.key,
            "name": self.real_name,
            "note": self.note,
            "maskedName": masking.mask_name(self.real_name),
            "maskedNumber": masking.mask_credential_id(self.credential_id),
        }

    def id_card(self) -> dict[str, str]:
        """What the citizen reads off it, to type it into the phone."""
        return {"real_name": self.real_name, "credential_id": self.credential_id}

    def for_the_sandbox(self) -> dict[str, object]:
        """As the sandbox's calls for a token or a code take a citizen."""
        return {
            **self.id_card(),
            "wechat_pay": self.wechat_pay,
            "real_name_info": self.real_name_info,
        }


_ALL = (
    Citizen("ordinary", "欧阳娜", "990101198603120210", _("everyone's case")),
    Citizen("two", "李明", "990101199107040048", _("two characters")),
    Citizen("dragon", "王䶮", "990101197809210030", _("rare character, GBK")),
    Citizen("yoshi", "𠮷田华", "990101196505180069", _("rarer, GB18030")),
    Citizen("dot", "阿依古丽·买买提", "990101199902030172", _("middle dot")),
    Citizen("x", "陈晓", "99010120011130008X", _("number ends in X")),
    Citizen("no-pay", "赵德福", "990101195208100021", _("no WeChat Pay"), wechat_pay=False),
    Citizen("no-name", "孙月", "990101200306150069", _("no real name there"), real_name_info=False),
)
CITIZENS: Mapping[str, Citizen] = MappingProxyType({citizen.key: citizen for citizen in _ALL})
