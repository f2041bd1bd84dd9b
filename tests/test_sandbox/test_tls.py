"""TLS with a CA of the sandbox's own."""

from __future__ import annotations

import ssl
import stat
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from cryptography import x509

from tests.test_sandbox.client import APP, NAME, NUMBER, Clock, WeChatClient
from tests.test_sandbox.wire import Patience, connect, read, request_for
from wx_realname.sandbox import Citizen, Merchant, MerchantKey, Sandbox, tls


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls") / "made"


@pytest.fixture
def wechat(
    folder: Path, merchants: list[Merchant], clock: Clock, key: MerchantKey
) -> Iterator[WeChatClient]:
    with Sandbox(merchants, clock=clock, tls=folder) as sandbox:
        client = WeChatClient(sandbox, clock, key)
        client.session.verify = str(sandbox.ca_file)
        with client.session:
            yield client


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_certificate_holds_for_this_machines_names(wechat: WeChatClient, host: str) -> None:
    assert wechat.sandbox.url.startswith("https://127.0.0.1:")
    url = wechat.sandbox.url.replace("127.0.0.1", host)
    assert wechat.session.get(f"{url}/sandbox/", timeout=10).status_code == 200


def test_who_does_not_trust_it_gets_nothing(wechat: WeChatClient) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(wechat.sandbox.url, timeout=10)
    assert wechat.sandbox.ledger == ()


def test_a_strict_client_takes_the_chain(wechat: WeChatClient) -> None:
    """As Python 3.13 does by default."""
    context = ssl.create_default_context(cafile=str(wechat.sandbox.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    with context.wrap_socket(connect(wechat.sandbox.url), server_hostname="localhost") as secured:
        secured.sendall(b"GET /sandbox/ HTTP/1.1\r\n\r\n")
        assert secured.recv(15) == b"HTTP/1.1 200 OK"


def test_who_never_shakes_hands_holds_up_nobody(wechat: WeChatClient) -> None:
    with connect(wechat.sandbox.url), connect(wechat.sandbox.url) as rude:
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert "access_token" in wechat.stable_token()


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("timeout_after_consumption", "silence"),
        ("reset_after_consumption", "reset"),
        ("close_before_consumption", "closed"),
        ("cut_body", "closed"),
        ("stalled_body", "silence"),
        ("huge_body", "enough"),
        ("keep_alive_broken", "closed"),
        ("answer_twice", "silence"),
    ],
)
def test_faults_end_as_they_do_without_tls(wechat: WeChatClient, name: str, ending: str) -> None:
    wechat.sandbox.fault(name)
    auth_token = wechat.sandbox.issue_auth_token(Citizen(NAME, NUMBER), APP)
    request = request_for("getrealnameinfo", wechat, auth_token)
    context = ssl.create_default_context(cafile=str(wechat.sandbox.ca_file))
    with context.wrap_socket(connect(wechat.sandbox.url), server_hostname="localhost") as secured:
        secured.sendall(request)
        came = read(secured, Patience(0.5, 0.5, 0.5))
        if ending == "reset":  # which OpenSSL tells as an end; the socket knows better
            with pytest.raises(OSError, match="not connected"):
                secured.getpeername()
    assert came.ending in {ending, "closed" if ending == "reset" else ending}
    assert wechat.sandbox.ledger[-1].fault == name


def test_a_stop_waits_for_nobody_over_tls_either(
    folder: Path, merchants: list[Merchant], clock: Clock, key: MerchantKey
) -> None:
    with Sandbox(merchants, clock=clock, tls=folder) as sandbox:
        wechat = WeChatClient(sandbox, clock, key)
        wechat.session.verify = str(sandbox.ca_file)
        sandbox.fault("timeout_before_consumption", "stable_token")
        silent = connect(sandbox.url)
        with pytest.raises(requests.Timeout):
            wechat.session.post(f"{sandbox.url}/cgi-bin/stable_token", json={}, timeout=0.2)
        wechat.access_token()
        start = time.perf_counter()
    assert time.perf_counter() - start < 10
    silent.close()
    wechat.session.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(wechat: WeChatClient, version: ssl.TLSVersion) -> None:
    """Clients open a connection for each call about a citizen: only the first shakes hands in full."""
    context = ssl.create_default_context(cafile=str(wechat.sandbox.ca_file))
    context.minimum_version = context.maximum_version = version
    session, resumed = None, []
    for _ in range(3):
        plain = connect(wechat.sandbox.url)
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as secured:
            secured.sendall(b"GET /wxa/get_category HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert b'"errcode":41001' in read(secured).data
            session = secured.session
            resumed.append(secured.session_reused)
    assert resumed == [False, True, True]


# --- The files --------------------------------------------------------------------------------


def test_keys_are_private_and_the_files_are_taken_again(folder: Path) -> None:
    first = tls.prepare(folder, "127.0.0.1")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "ca.pem": 0o644,
        "authority.pem": 0o600,
        "server.pem": 0o600,
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"PRIVATE" not in first.ca_file.read_bytes()
    assert tls.prepare(folder, "127.0.0.1").ca_file == first.ca_file
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def served(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def test_another_host_gets_a_certificate_under_the_same_ca(tmp_path: Path) -> None:
    ca = tls.prepare(tmp_path, "127.0.0.1").ca_file.read_bytes()
    assert tls.prepare(tmp_path, "sandbox.test").ca_file.read_bytes() == ca
    names = served(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost", "sandbox.test"]
    assert [str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)] == [
        "127.0.0.1",
        "::1",
    ]


def test_what_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "SERVER_LIVES", timedelta(days=3))
    ca = tls.prepare(tmp_path, "::1").ca_file.read_bytes()
    monkeypatch.undo()
    assert tls.prepare(tmp_path, "::1").ca_file.read_bytes() == ca
    assert served(tmp_path).not_valid_after_utc > datetime.now(timezone.utc) + timedelta(days=300)
    monkeypatch.setattr(tls, "CA_LIVES", timedelta(days=3))
    (tmp_path / "authority.pem").unlink()
    ca = tls.prepare(tmp_path, "::1").ca_file.read_bytes()
    monkeypatch.undo()
    assert tls.prepare(tmp_path, "::1").ca_file.read_bytes() != ca
    served(tmp_path).verify_directly_issued_by(
        x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    )


def test_files_of_somebody_else_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("my own certificate")
    with pytest.raises(ValueError, match=r"^tls: .*server\.pem isn't what the sandbox wrote"):
        tls.prepare(tmp_path, "127.0.0.1")
    assert (tmp_path / "server.pem").read_text() == "my own certificate"
    with pytest.raises(OSError, match="afile"):
        (tmp_path / "afile").write_text("")
        tls.prepare(tmp_path / "afile", "127.0.0.1")


def test_without_tls_there_is_no_ca(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="tls="):
        _ = sandbox.ca_file
