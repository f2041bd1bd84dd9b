"""The way to WeChat's host: what the environment names is used, in time, or refused with words."""

from __future__ import annotations

import base64
import logging
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tests.conftest import frames
from tests.stand_ins import StandIn, hangs, http, sends, speaks_socks, tunnels
from tests.test_transport.conftest import OK, PATH, QUERY_SECRETS, SECRETS, Serve, call, fault, to
from wx_realname.wechat import route
from wx_realname.wechat.transport import environment_fault

UNSENT = {
    "refused": "nothing listens at localhost:{port}",
    "no such host": "the name wechat.invalid can't be resolved",
    "no host": "the name ......... can't be resolved",
    "unknown CA": "TLS: certificate verify failed (",
    "another host": "TLS: certificate verify failed (Hostname mismatch",
    "no TLS": "TLS: ",
    "silence": "localhost:{port} doesn't answer",
}


def unreachable(how: str, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes it so, and tells the address."""
    if how == "refused":
        server.__exit__()
    if how == "unknown CA":
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    if how == "silence":
        server.greetings.append(hangs)
    if how == "another host":
        resolve(monkeypatch, ("127.0.0.1", server.port))
    names = {"no such host": "wechat.invalid", "no host": "." * 9, "another host": "wechat.test"}
    return f"https://{names.get(how, 'localhost')}:{server.port}"


@pytest.mark.parametrize("how", UNSENT)
def test_without_a_connection_nothing_was_sent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(tls=how not in ("no TLS", "silence"))
    error = fault(to(unreachable(how, server, monkeypatch), connect=0.2))
    assert not error.sent
    assert str(error).startswith(UNSENT[how].format(port=server.port))
    assert server.requests == []
    shown = caplog.text + "".join(frames(error))
    assert not [text for text in SECRETS if text in shown]


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    real = socket.getaddrinfo

    def lookup(host: str, *args: Any, **kwargs: Any) -> Any:
        return found if host == "wechat.test" else real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def test_all_addresses_of_a_host_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # its queue is full from now on: it neither answers nor refuses
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        resolve(monkeypatch, *[deaf.getsockname()] * 10)
        began = time.monotonic()
        url = f"http://wechat.test:{deaf.getsockname()[1]}"
        assert not fault(to(url, connect=0.4), 0.6).sent
        assert 0.5 < time.monotonic() - began < 3.5


def test_another_address_of_the_host_serves(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first one refuses, or is of a family that the kernel doesn't have, such as IPv6."""
    server = serve()
    server.always(OK)
    for first in ((socket.AF_INET, "127.0.0.2"), (255, "127.0.0.1")):
        found = [
            (family, socket.SOCK_STREAM, 6, "", (address, server.port))
            for family, address in (first, (socket.AF_INET, "127.0.0.1"))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, found=found, **kwargs: found)
        assert call(to(f"http://wechat.test:{server.port}")).get("errcode") == 0


def test_the_environments_proxies_are_read_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    proxy.always(OK)
    monkeypatch.setenv("http_proxy", proxy.url)
    transport = to("http://wechat.invalid")
    call(transport)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    call(transport)
    assert proxy.requests[0].target.startswith(f"http://wechat.invalid{PATH}?access_token=")
    assert proxy.requests[1].query == QUERY_SECRETS
    assert not fault(to("http://wechat.invalid")).sent


def test_no_proxy_names_hosts_that_are_reached_directly(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    server.always(OK)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert call(to(server.url)).get("errcode") == 0


# --- proxies that ask for a password ----------------------------------------------------------

PASSWORD = "pa:ss/w@rd"
LOGIN = "citizen-proxy:pa%3Ass%2Fw%40rd@"
BASIC = base64.b64encode(f"citizen-proxy:{PASSWORD}".encode()).decode()
HIDDEN = (*SECRETS, PASSWORD, "pa%3Ass", BASIC)


def assert_hidden(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    shown = caplog.text + "".join(frames(error))
    assert not [text for text in HIDDEN if text in shown]


def test_a_tunnel_by_a_proxy_with_password(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server, proxy = serve(tls=True), serve()
    server.always(OK)
    proxy.always(tunnels(server.port))
    monkeypatch.setenv("https_proxy", proxy.url.replace("http://", f"http://{LOGIN}"))
    assert call(to("https://localhost")).get("errcode") == 0
    (seen,) = proxy.requests
    assert (seen.method, seen.target) == ("CONNECT", "localhost:443")
    assert seen.headers["proxy-authorization"] == f"Basic {BASIC}"
    assert "proxy-authorization" not in server.requests[0].headers


def test_a_plain_request_by_a_proxy_with_password(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    proxy.always(OK)
    monkeypatch.setenv("http_proxy", proxy.url.replace("http://", f"http://{LOGIN}"))
    assert call(to("http://wechat.invalid")).get("errcode") == 0
    assert proxy.requests[0].headers["proxy-authorization"] == f"Basic {BASIC}"


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_a_proxy_that_refuses_a_tunnel_is_named_and_sees_no_secret(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = serve()
    proxy.play(sends(http(b"no", status=status), close=True))
    monkeypatch.setenv("https_proxy", proxy.url.replace("http://", f"http://{LOGIN}"))
    error = fault(to("https://wechat.invalid"))
    assert not error.sent
    assert str(error) == f"the proxy answered {status[:3]}"
    assert_hidden(error, caplog)
    assert [(seen.method, seen.target) for seen in proxy.requests] == [
        ("CONNECT", "wechat.invalid:443")
    ]


def test_a_proxy_that_is_not_there_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = serve()
    proxy.__exit__()
    monkeypatch.setenv("https_proxy", f"http://{LOGIN}127.0.0.1:{proxy.port}")
    error = fault(to("https://wechat.invalid"))
    assert str(error) == f"nothing listens at 127.0.0.1:{proxy.port}"
    assert_hidden(error, caplog)


# --- SOCKS ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("login", ["", LOGIN])
def test_socks_is_spoken_where_pysocks_is_there(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, scheme: str, login: str
) -> None:
    server, proxy = serve(tls=True), serve()
    server.always(OK)
    credentials = (b"citizen-proxy", PASSWORD.encode()) if login else ()
    proxy.greetings.append(speaks_socks(server.port, *credentials))
    monkeypatch.setenv("https_proxy", f"{scheme}://{login}127.0.0.1:{proxy.port}")
    assert call(to("https://localhost")).get("errcode") == 0
    assert proxy.requests == []


def test_a_socks_proxy_that_fails_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = serve()
    place = f"127.0.0.1:{proxy.port}"
    monkeypatch.setenv("https_proxy", f"socks5h://{LOGIN}{place}")
    proxy.greetings.append(speaks_socks(1, b"another", b"password"))
    errors = [fault(to("https://wechat.invalid"))]
    proxy.greetings.append(hangs)
    began = time.monotonic()
    errors.append(fault(to("https://wechat.invalid"), 0.3))
    assert time.monotonic() - began < 10
    proxy.__exit__()
    errors.append(fault(to("https://wechat.invalid")))
    assert [str(error) for error in errors] == [
        f"the proxy {place} refused the user or password",
        f"wechat.invalid:443 through {place} doesn't answer",
        f"nothing listens at {place}",
    ]
    for error in errors:
        assert not error.sent
        assert_hidden(error, caplog)


# --- an environment that can't be used --------------------------------------------------------


BROKEN = [
    "http://u:s3/cret@proxy:8080",
    "http://u:12#34@proxy",
    "http://u:pa\N{ACCOUNT OF}ss@proxy:8080",
]
BROKEN += ["http://u:pass[word@proxy:8080", "http://[::1", "http://u:p@", "http://u:p@proxy:abc"]
BROKEN += ["http://u:p@proxy:99999", "socks5://u:p@proxy:http", "http://u:p@proxy/path?a=1"]
NOT_VALID = "the proxy's address is not valid: escape special characters of its password"


@each(
    ("name", "value", "reason"),
    [
        ("https_proxy", "http://127.0.0.1:1", ""),
        ("https_proxy", "127.0.0.1:1", ""),
        ("https_proxy", "socks5h://127.0.0.1:1", ""),
        ("https_proxy", f"https://{LOGIN}proxy", "a proxy of the kind https:// is not supported"),
        *(("https_proxy", proxy, NOT_VALID) for proxy in BROKEN),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "the CA bundle /nowhere.pem can't be used: "),
        ("CURL_CA_BUNDLE", "/nowhere.pem", "the CA bundle /nowhere.pem can't be used: "),
        ("REQUESTS_CA_BUNDLE", __file__, f"the CA bundle {__file__} can't be used: "),
    ],
)
def test_what_cannot_be_used_is_said_before_any_call_without_a_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    said = environment_fault("https://wechat.test")
    assert said.startswith(reason) if reason else said == ""
    if name == "https_proxy" and reason:
        assert said == str(fault(to("https://wechat.test"))) == reason


def test_socks_without_pysocks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "socks", None)
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    words = "a SOCKS proxy needs PySocks, which is not installed"
    assert environment_fault("https://wechat.test") == words
    assert str(fault(to("https://wechat.test"))) == words


def test_a_folder_of_certificates_serves(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert "certificate verify failed" in str(fault(to(serve(tls=True).url)))


# --- DNS --------------------------------------------------------------------------------------


def test_dns_counts_against_the_deadline_and_nothing_is_sent_afterwards(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    real = socket.getaddrinfo

    def slow(host: str, *args: Any, flags: int = 0, **kwargs: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            return real(host, *args, flags=flags, **kwargs)
        time.sleep(2)
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    error = fault(to(f"http://wechat.test:{server.port}", connect=9), 0.2)
    assert time.monotonic() - began < 1.9
    assert str(error) == "the name wechat.test wasn't resolved in time"
    assert not error.sent
    time.sleep(2)
    assert server.connections == 0
