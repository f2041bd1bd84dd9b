"""Opening connections to WeChat: DNS, proxy, TCP and TLS, within the call's deadline."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from ..waiting import within
from .reading import Fault, Patience, Wire, read_head

try:
    import socks
except ImportError:  # PySocks is optional, as it is for requests
    socks = None

_PORTS = {"http": 80, "https": 443}
_SOCKS = {"socks4": 1, "socks4a": 1, "socks5": 2, "socks5h": 2}  # as PySocks numbers them
_SOCKS_PORT = 1080
_REMOTE_DNS = ("socks4a", "socks5h")


class Route:
    """Opens connections to one host, by the proxy and with the CA bundle of the environment.

    `prefix` precedes the path in a request line, `headers` are those of every request. The TLS
    session of the last connection is resumed by the next. Raises `Fault` for an environment that
    can't be used.
    """

    def __init__(self, base_url: str, environment: Mapping[str, Any]) -> None:
        """`environment` is what `requests.Session.merge_environment_settings` returns."""
        target = urlsplit(base_url)
        self._host, self._port = target.hostname or "", target.port or _PORTS[target.scheme]
        self._target = _place(self._host, self._port)
        proxy = _parse_proxy(select_proxy(base_url, environment["proxies"]))
        self._socks = proxy if proxy and proxy.scheme in _SOCKS else None
        self._proxy = None if self._socks else proxy
        self._tls = _make_context(environment["verify"]) if target.scheme == "https" else None
        self._tls_session: ssl.SSLSession | None = None
        self.prefix = target.path.rstrip("/")
        self.headers = {"Host": target.netloc}
        if self._proxy and not self._tls:
            self.prefix = f"http://{target.netloc}{self.prefix}"
            self.headers |= _authorization(self._proxy)

    def open(self, patience: Patience) -> socket.socket:
        """A new connection. Raises `Fault`, or what ssl and sockets raise."""
        socks_proxy = self._socks
        sock = self._through(socks_proxy, patience) if socks_proxy else self._connect(patience)
        try:
            if self._proxy and self._tls:
                self._tunnel(sock, self._proxy, patience)
            return self._secure(sock, patience)
        except TimeoutError:
            sock.close()
            raise Fault(f"{self._target} doesn't answer") from None
        except BaseException:
            sock.close()
            raise

    def remember(self, sock: socket.socket | None) -> None:
        """Resume this connection's TLS session from now on: TLS 1.3 sends it with the answer.

        A resumed connection's session isn't read (that costs 0.2 ms): the known one serves until refused.
        """
        if isinstance(sock, ssl.SSLSocket) and not sock.session_reused:
            self._tls_session = sock.session

    def _connect(self, patience: Patience) -> socket.socket:
        host, port = self._host, self._port
        if self._proxy:
            host, port = self._proxy.hostname or "", self._proxy.port or _PORTS["http"]
        fault = f"the name {host} can't be resolved"
        for address in _resolve(host, port, patience):
            try:
                return _connect_to(address, patience)
            except OSError as error:  # a kernel without IPv6, too: the next address may do
                fault = _unreachable(_place(host, port), error)
        raise Fault(fault)

    def _through(self, proxy: SplitResult, patience: Patience) -> socket.socket:
        """A connection through a SOCKS proxy."""
        place = _place(proxy.hostname or "", proxy.port or _SOCKS_PORT)

        def connect() -> socket.socket:
            sock: socket.socket = socks.create_connection(
                (self._host, self._port),
                timeout=patience.connecting(),
                proxy_type=_SOCKS[proxy.scheme],
                proxy_addr=proxy.hostname,
                proxy_port=proxy.port or _SOCKS_PORT,
                proxy_rdns=proxy.scheme in _REMOTE_DNS,
                proxy_username=unquote(proxy.username or "") or None,
                proxy_password=unquote(proxy.password or "") or None,
            )
            return sock

        try:
            return within(patience.connecting(), connect)
        except OSError as error:
            cause = getattr(error, "socket_err", None) or error  # PySocks wraps even its own errors
            if isinstance(cause, socks.SOCKS5AuthError):
                fault = f"the proxy {place} refused the user or password"
            elif isinstance(error, socks.ProxyConnectionError):
                fault = _unreachable(place, cause)
            else:
                fault = _unreachable(f"{self._target} through {place}", cause)
        raise Fault(fault)

    def _tunnel(self, sock: socket.socket, proxy: SplitResult, patience: Patience) -> None:
        """CONNECT (RFC 9110 §9.3.6)."""
        headers = {"Host": self._target, **_authorization(proxy)}
        lines = [f"CONNECT {self._target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        sock.settimeout(patience.connecting())
        sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = read_head(Wire(sock, patience), "CONNECT")
        if not 200 <= answer.status < 300:
            raise Fault(f"the proxy answered {answer.status}")

    def _secure(self, sock: socket.socket, patience: Patience) -> socket.socket:
        if self._tls is None:
            return sock
        sock.settimeout(patience.connecting())
        return self._tls.wrap_socket(sock, server_hostname=self._host, session=self._tls_session)


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_proxy(url: str | None) -> SplitResult | None:
    """Raises `Fault` for a proxy that can't be used; its user and password are never quoted."""
    if not url:
        return None
    proxy = _split(url if "://" in url else f"http://{url}")
    if proxy is None:
        raise Fault("the proxy's address is not valid: escape special characters of its password")
    if proxy.scheme in _SOCKS and socks is None:
        raise Fault("a SOCKS proxy needs PySocks, which is not installed")
    if proxy.scheme not in ("http", *_SOCKS):
        raise Fault(f"a proxy of the kind {proxy.scheme}:// is not supported")
    return proxy


def _split(url: str) -> SplitResult | None:
    """The proxy's address in its parts; None where it is none: urlsplit's own errors quote the password."""
    try:
        proxy = urlsplit(url)
        whole = proxy.hostname and proxy.port != 0  # reading either may raise
    except ValueError:
        return None
    return proxy if whole and not (proxy.path.strip("/") or proxy.query or proxy.fragment) else None


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}


def _make_context(verify: Any) -> ssl.SSLContext:
    """Trusts REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, a file or a folder; else certifi's, as requests does."""
    bundle = Path(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
    try:
        if bundle.is_dir():
            context = ssl.create_default_context(capath=str(bundle))
        else:
            context = ssl.create_default_context(cafile=str(bundle))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "no certificate in it"
        raise Fault(f"the CA bundle {bundle} can't be used: {reason}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _connect_to(address: Any, patience: Patience) -> socket.socket:
    """A connection to one of getaddrinfo's addresses."""
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(patience.connecting())
        sock.connect(place)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    except BaseException:
        sock.close()
        raise


def _resolve(host: str, port: int, patience: Patience) -> list[Any]:
    """The host's addresses. Raises `Fault`."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass  # a name
    try:
        return within(
            patience.connecting(),
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
        )
    except TimeoutError:
        fault = f"the name {host} wasn't resolved in time"
    except (OSError, UnicodeError):
        fault = f"the name {host} can't be resolved"
    raise Fault(fault)


def _unreachable(place: str, error: Exception | None) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {place}"
    if isinstance(error, TimeoutError):
        return f"{place} doesn't answer"
    number = getattr(error, "errno", None)
    return f"{place} can't be reached" + (f" ({os.strerror(number)})" if number else "")
