"""Successes of an unusual form: a good client accepts them all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from ..reply import Part, Reply
from .fault import (
    CALLS,
    FACE_CALLS,
    REALNAME,
    Changed,
    Encounter,
    Fault,
    changed,
    reply_with,
    respelt,
    sends,
    with_fields,
)
from .unreadable import without

LINE = 76  # characters of a base64 line, as MIME folds it
IDLE = 0.05  # seconds until an idle connection is closed


def _spelt_right(encounter: Encounter, document: Changed) -> Changed:
    return {name.replace("encryted", "encrypted"): value for name, value in document.items()}


def _folded(value: str) -> str:
    return "".join(f"{value[at : at + LINE]}\r\n" for at in range(0, len(value), LINE))


def _more(encounter: Encounter, document: Changed) -> Changed:
    return {"extra": {"list": [1, None]}, **document, "": "", "名": "字"}


def _twice_each(body: bytes) -> bytes:
    return body[:-1] + b"," + body[1:]


def _indented(body: bytes) -> bytes:
    return b"\r\n\t" + json.dumps(json.loads(body), indent=4).encode() + b"\r\n"


def _escaped(body: bytes) -> bytes:
    """The name errcode as \\uXXXX, which is JSON all the same."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in "errcode")
    return body.replace(b"errcode", escaped.encode(), 1)


def _chunks(head: bytes, body: bytes) -> Iterable[Part]:
    yield head
    for at in range(0, len(body), 100):
        chunk = body[at : at + 100]
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def _twice(head: bytes, body: bytes) -> Iterable[Part]:
    return (head + body + head + body,)


def _continues(head: bytes, body: bytes) -> Iterable[Part]:
    return (b"HTTP/1.1 100 Continue\r\n\r\n" + head + body,)


def _in_two(head: bytes, body: bytes) -> Iterable[Part]:
    return (head, body)


def _closes_when_idle(encounter: Encounter, reply: Reply) -> Reply:
    """It says keep-alive, and closes once the client has put the connection into its pool."""
    promise = {"Connection": "keep-alive"}
    return replace(reply, headers=promise, ends="close", ends_after=IDLE)


_OF_JSON: tuple[Fault, ...] = (
    Fault(
        "spelt_encrypted",
        "encrypted_..., as the sister interface spells it",
        changed(_spelt_right),
        calls=(REALNAME,),
    ),
    Fault(
        "base64_with_newlines",
        f"the base64 folded at {LINE}",
        with_fields(_folded),
        calls=(REALNAME,),
    ),
    Fault(
        "without_errcode",
        "no errcode, as the document lists none",
        without("errcode"),
        calls=tuple(call for call in CALLS if call not in FACE_CALLS),  # they document it
    ),
    Fault("without_errmsg", "no errmsg", without("errmsg")),
    Fault("extra_fields", "fields that nobody asked for", changed(_more)),
    Fault("duplicate_keys", "every field twice, with one value", respelt(_twice_each)),
    Fault("json_indented", "the JSON over many lines, blanks around it", respelt(_indented)),
    Fault("json_escaped", "a field's name in \\u escapes", respelt(_escaped)),
)
_OF_HTTP: tuple[Fault, ...] = (
    Fault(
        "content_type_text",
        "Content-Type: text/plain",
        sends(_in_two, whole=True, Content_Type="text/plain"),
    ),
    Fault("without_date", "no Date header", sends(_in_two, whole=True, Date=None)),
    Fault(
        "chunked_answer",
        "in chunks, without a length",
        sends(_chunks, whole=True, Content_Length=None, Transfer_Encoding="chunked"),
    ),
    Fault(
        "without_content_length",
        "no length: the end of the connection is the end",
        reply_with(headers={"Content-Length": None}, ends="close"),
    ),
    Fault("http_1_0", "HTTP/1.0", reply_with(version="HTTP/1.0", ends="close")),
    Fault("continue_first", "100 Continue before the answer", sends(_continues, whole=True)),
    Fault("connection_close", "closes the connection, and says so", reply_with(ends="close")),
    Fault("keep_alive_broken", "says keep-alive, and closes when idle", _closes_when_idle),
    Fault("answer_twice", "the answer twice, in one segment", sends(_twice, whole=True)),
)
FAULTS: tuple[Fault, ...] = _OF_JSON + _OF_HTTP
