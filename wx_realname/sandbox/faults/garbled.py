"""What comes isn't an answer: another server's page, broken JSON, broken HTTP, floods."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from itertools import chain, repeat

from ..reply import Part, Reply, as_json
from .fault import (
    REALNAME,
    Act,
    Changed,
    Encounter,
    Fault,
    before_and_after,
    changed,
    reply_with,
    respelt,
    says,
    sends,
)

GIB = 1 << 30  # bytes
_BLOCK = b" " * 65536
_OPENING = b'{"errcode":0,"errmsg":"ok'
_DEPTH = 30_000


def _page(title: str) -> bytes:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def _says_page(title: str, status: int = 200) -> Act:
    return says(_page(title), status, Content_Type="text/html")


def _redirects(status: int) -> Act:
    return says(b"", status, Location="/elsewhere", Content_Type="text/html")


def _length(shift: int) -> Act:
    """A wrong Content-Length; the connection is kept, as if the length were right."""

    def act(encounter: Encounter, reply: Reply) -> Reply:
        return replace(reply, headers={"Content-Length": str(len(reply.body) + shift)})

    return act


def flood(head: bytes, body: bytes) -> Iterable[bytes]:
    """The head, and 1 GiB of unfinished JSON: the same block again and again, to save memory."""
    blocks = repeat(_BLOCK, GIB // len(_BLOCK) - 1)
    return chain((head + _OPENING + _BLOCK[len(_OPENING) :],), blocks)


def _endless(head: bytes, body: bytes) -> Iterable[Part]:
    return chain((head,), repeat(b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK)))


def _endless_head(head: bytes, body: bytes) -> Iterable[Part]:
    return chain((head[:-2],), repeat(b"X-More: of the same\r\n" * 500))


@cache
def _bomb() -> bytes:
    """1 GiB of JSON in 1 MiB: gzip members can be repeated, so it is made fast."""
    mebibyte = gzip.compress(b" " * (1 << 20))
    return gzip.compress(_OPENING) + mebibyte * 1024 + gzip.compress(b'"}')


def _explodes(encounter: Encounter, reply: Reply) -> Reply:
    return replace(reply, body=_bomb(), headers={"Content-Encoding": "gzip"})


def _zipped(encounter: Encounter, reply: Reply) -> Reply:
    zipped = gzip.compress(reply.body)
    return replace(reply, body=zipped, headers={"Content-Encoding": "gzip"})


def _other_head(change: Callable[[bytes], bytes]) -> Act:
    return sends(lambda head, body: (change(head) + body,), whole=True, ends="close")


def _errcode(value: object) -> Act:
    def change(encounter: Encounter, document: Changed) -> Changed:
        return document | {"errcode": value}

    return changed(change)


def _contradicted(body: bytes) -> bytes:
    """One answer that is a success and a refusal; most parsers take the last value."""
    return body[:-1] + b',"errcode":94004,"errmsg":"user has no realname info"}'


BUSY_500 = says(as_json({"errcode": -1, "errmsg": "system error"}), 500)

FAULTS: tuple[Fault, ...] = (
    *before_and_after("html", "answers 200 with a page", _says_page("Welcome to nginx!")),
    *before_and_after("http_500", "answers 500; the JSON says -1", BUSY_500),
    *before_and_after("http_502", "answers 502 with a page", _says_page("502 Bad Gateway", 502)),
    *before_and_after(
        "http_503",
        "answers 503 with a page",
        _says_page("503 Service Temporarily Unavailable", 503),
    ),
    *before_and_after(
        "http_504", "answers 504 with a page", _says_page("504 Gateway Time-out", 504)
    ),
    Fault(
        "http_500_with_answer",
        "answers 500, with the true answer",
        reply_with(status=500),
    ),
    Fault("http_403", "a firewall's 403 page", _says_page("403 Forbidden", 403), consumes=False),
    Fault(
        "http_429",
        "a gateway's 429 page",
        _says_page("429 Too Many Requests", 429),
        consumes=False,
    ),
    Fault("http_204", "answers 204, without a body", says(b"", 204)),
    *before_and_after("redirect_302", "redirects with 302 to another place", _redirects(302)),
    Fault(
        "redirect_307",
        "redirects with 307, which asks to send all of it again",
        _redirects(307),
        consumes=False,
    ),
    Fault("empty_body", "answers 200 with an empty body", says(b"")),
    Fault("cut_json", "ends the JSON in the middle; all else is right", respelt(lambda b: b[:-9])),
    Fault("json_list", "wraps the answer into a list", respelt(lambda body: b"[" + body + b"]")),
    Fault(
        "json_string",
        "answers with a JSON string that holds the answer",
        respelt(lambda body: b'"' + body.replace(b'"', b'\\"') + b'"'),
    ),
    Fault("json_number", "answers with the JSON number 0", says(b"0")),
    Fault("json_null", "answers null", says(b"null")),
    Fault("json_empty_object", "answers {}", says(b"{}")),
    Fault("json_deep", f"answers {_DEPTH} nested lists", says(b"[" * _DEPTH + b"]" * _DEPTH)),
    Fault("json_not_utf8", "a byte in the JSON that no UTF-8 has", respelt(lambda b: b + b" \xff")),
    Fault("bom", "a byte order mark before the JSON", respelt(lambda body: b"\xef\xbb\xbf" + body)),
    Fault("trailing_garbage", "rubbish after the JSON", respelt(lambda body: body + b"\n<!-- -->")),
    Fault(
        "duplicate_errcode",
        "errcode is there twice, 0 and 94004",
        respelt(_contradicted),
        calls=(REALNAME,),
    ),
    Fault("errcode_text", 'errcode is "0"', _errcode("0")),
    Fault("errcode_fraction", "errcode is 0.5", _errcode(0.5)),
    Fault("errcode_true", "errcode is true", _errcode(True)),
    Fault("errcode_beyond_32_bits", "errcode is 10**12", _errcode(10**12)),
    Fault("content_length_too_long", "promises 100 bytes more than it sends", _length(100)),
    Fault("content_length_too_short", "sends 9 bytes more than it says", _length(-9)),
    Fault(
        "content_length_twice",
        "two Content-Length, which differ",
        _other_head(lambda head: head[:-2] + b"Content-Length: 9\r\n\r\n"),
    ),
    Fault(
        "garbage_status_line",
        "the status line is none",
        _other_head(lambda head: b"HTTP/1.1 two hundred" + head[head.index(b"\r\n") :]),
    ),
    Fault(
        "header_without_colon",
        "a header line without a colon",
        _other_head(lambda head: head[:-2] + b"this is no header\r\n\r\n"),
    ),
    Fault(
        "huge_header",
        "a header line of 100,000 bytes",
        _other_head(lambda head: head[:-2] + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n"),
    ),
    Fault("endless_head", "header lines without an end", sends(_endless_head, ends="close")),
    Fault(
        "huge_body",
        "a body of 1 GiB",
        sends(flood, whole=True, ends="close", Content_Length=str(GIB)),
    ),
    Fault(
        "endless_body",
        "a body in chunks without an end",
        sends(_endless, ends="close", Content_Length=None, Transfer_Encoding="chunked"),
    ),
    Fault("gzip_bomb", "1 MiB that gzip turns into 1 GiB, though none was asked for", _explodes),
    Fault("gzip_unasked", "the true answer by gzip, though none was asked for", _zipped),
)
