"""Opaque holders: nothing that prints, formats, copies or stores an object shows what it holds."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.template import Context, Template
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.cases import each
from wx_realname.personal_data import PersonalData, Secret

NAME, NUMBER, TOKEN = "欧阳娜", "440524198001010013", "plain-token-9f8e7d"
PLAIN = (NAME, NUMBER, TOKEN)
HOLDERS = [Secret(TOKEN), PersonalData(NAME, NUMBER)]


@dataclasses.dataclass
class Holding:
    thing: Any


SHOWN: dict[str, Callable[[Any], str]] = {
    "format with a width": lambda held: f"{held:>40}",
    "f-string": lambda held: f"{held} {held!s} {held!r} {held!a}",
    "percent": lambda held: "%s %r %a" % (held, held, held),  # noqa: UP031 - that is what is tested
    "str.format": lambda held: "{0} {0!r} {0:x}".format(held),  # noqa: UP032
    "pprint": pprint.pformat,
    "in a container": lambda held: repr([{"key": (held,)}]),
    "in a dataclass": lambda held: repr(Holding(held)) + pprint.pformat(Holding(held)),
    "in an exception": lambda held: "".join(traceback.format_exception(ValueError(held))),
    "Django's template": lambda held: Template("{{ held }}").render(Context({"held": held})),
    "json with default=str": lambda held: json.dumps({"held": held}, default=str),
    "logging": lambda held: logging.Formatter().format(
        logging.makeLogRecord({"msg": "%s and %r", "args": (held, held), "held": held})
    ),
}


@each("held", HOLDERS)
@each("show", SHOWN.values())
def test_what_is_shown_holds_no_plain_text(show: Callable[[Any], str], held: Any) -> None:
    shown = show(held)
    assert not [plain for plain in PLAIN if plain in shown or ascii(plain)[1:-1] in shown]
    assert type(held).__name__ in shown or "&lt;" in shown


@each("held", HOLDERS)
def test_a_traceback_with_its_local_variables_shows_nothing(held: Any) -> None:
    def fails(argument: Any) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        fails(held)
    report = traceback.TracebackException(caught.type, caught.value, caught.tb, capture_locals=True)
    shown = "".join(report.format())
    assert f"argument = {held!r}" in shown
    assert not [plain for plain in PLAIN if plain in shown]


REFUSED: dict[str, Callable[[Any], Any]] = {
    "json": json.dumps,
    "Django's json": lambda held: json.dumps(held, cls=DjangoJSONEncoder),
    **{
        f"pickle {protocol}": lambda held, protocol=protocol: pickle.dumps(held, protocol)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "pickle in a container": lambda held: pickle.Pickler(io.BytesIO()).dump({"key": [held]}),
    "vars": vars,
    "iteration": list,
    "length": len,
    "bytes": bytes,
    "concatenation": lambda held: held + "",
    "indexing": lambda held: held[0],
    "order": lambda held: held < held,
    "join": lambda held: "".join([held]),
}


@each("held", HOLDERS)
@each("way", REFUSED.values())
def test_what_would_give_it_away_is_refused_in_words_that_do_not(
    way: Callable[[Any], Any], held: Any
) -> None:
    with pytest.raises(TypeError) as caught:
        way(held)
    assert not [plain for plain in PLAIN if plain in str(caught.value)]


@each("held", HOLDERS)
def test_a_copy_is_the_same_object(held: Any) -> None:
    assert copy.copy(held) is held
    assert copy.deepcopy({"key": [held]})["key"][0] is held
    assert dataclasses.asdict(Holding(held))["thing"] is held


@each("name", ["real_name", "credential_id", "something_else"])
def test_personal_data_cannot_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(PersonalData(NAME, NUMBER), name, "x")


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("0")


@each("other", [TOKEN, TOKEN.encode(), None, 0])
def test_a_secret_equals_no_plain_value(other: object) -> None:
    assert Secret(TOKEN) != other


@hypothesis_settings(deadline=None)
@given(st.text(), st.text())
@example("\ud800", "\udfff")  # WeChat's JSON may hold lone surrogates
def test_secrets_are_equal_when_their_texts_are(one: str, other: str) -> None:
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))
    assert (Secret(one) == Secret(other)) is (one == other)


@hypothesis_settings(deadline=None)
@given(st.text(), st.text())
def test_every_text_comes_back_and_none_is_shown(name: str, number: str) -> None:
    held = PersonalData(name, number)
    assert (held.real_name, held.credential_id, Secret(name).reveal()) == (name, number, name)
    assert (repr(held), repr(Secret(name))) == ("<PersonalData>", "<Secret>")
