"""Fetching a file by its http(s) address, when the address came from a stranger.

Such an address may point at this machine, its neighbours or a cloud's metadata service (SSRF). So every host is
resolved here, refused unless all its addresses are public, and connected to at the very address that was checked:
a second look-up could give another. Redirects go the same way.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import httpcore
import httpx

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.plugins.fetching.addresses import Address, Resolve, is_public, parsed, resolved

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NETWORK_FAULTS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class FetchLimits:
    """How much one fetch may take, redirects and all."""

    seconds: float = 20.0
    size_bytes: int = 20_000_000
    redirects: int = 5


@dataclass(frozen=True)
class HttpFetcher:
    """Gets one file: `fetcher(url)` returns its bytes; Unusable says why not."""

    limits: FetchLimits = FetchLimits()
    is_allowed: Callable[[Address], bool] = is_public
    resolve: Resolve = resolved
    tls: ssl.SSLContext | None = None  # None: the usual certificate authorities
    name: str = "http"

    def __call__(self, url: str) -> bytes:
        """Fetch the bytes at this address; Unusable for anything but a 200 within all limits."""
        backend = _GuardedBackend(self, ends_at=time.monotonic() + self.limits.seconds)
        target = _checked_url(url)
        try:
            with httpcore.ConnectionPool(ssl_context=self.tls, network_backend=backend) as pool:
                for _ in range(self.limits.redirects + 1):
                    content, onward = self._get(pool, target)
                    if onward is None:
                        return content
                    target = _checked_url(onward)
        except NETWORK_FAULTS as error:
            raise Unusable(f"{target.host} could not be read: {_reason(error)}.") from error
        raise Unusable(f"{target.host} redirects more than {self.limits.redirects} times.")

    def _get(self, pool: httpcore.ConnectionPool, url: httpx.URL) -> tuple[bytes, str | None]:
        """Return the content, or where to ask instead."""
        address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers: Headers = [
            (b"Host", url.netloc),
            (b"User-Agent", b"crowd_hitl"),
            (b"Accept", b"image/*"),
            # Packed content could unpack to any size.
            (b"Accept-Encoding", b"identity"),
        ]
        with pool.stream("GET", address, headers=headers) as response:
            if response.status in REDIRECTS:
                return b"", _onward(url, response)
            if response.status != 200:
                raise Unusable(f"{url.host} answered with status {response.status}.")
            return self._body(url, response), None

    def _body(self, url: httpx.URL, response: httpcore.Response) -> bytes:
        if _header(response, b"content-encoding") not in ("", "identity"):
            raise Unusable(f"{url.host} sent packed content that was not asked for.")
        pieces, size = [], 0
        for piece in response.iter_stream():
            size += len(piece)
            if size > self.limits.size_bytes:
                raise Unusable(f"{url.host} sent more than {self.limits.size_bytes:,} bytes.")
            pieces.append(piece)
        return b"".join(pieces)


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects only where it is allowed, and gives all reads and writes together one time limit."""

    def __init__(self, fetcher: HttpFetcher, *, ends_at: float) -> None:
        self._fetcher = fetcher
        self._ends_at = ends_at
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, and connect to a checked address; Unusable if any of the host's addresses is not public."""
        faults: list[Exception] = []
        for address in self._checked_addresses(host, port):
            try:
                remaining = _remaining(self._ends_at)
                stream = self._plain.connect_tcp(address, port, remaining, local_address, socket_options)
                return _TimedStream(stream, ends_at=self._ends_at)
            except (httpcore.NetworkError, httpcore.ConnectTimeout) as error:
                faults.append(error)
        raise faults[-1] if faults else httpcore.ConnectError("the host has no address")

    def _checked_addresses(self, host: str, port: int) -> list[str]:
        try:
            found = [parsed(address) for address in self._fetcher.resolve(host.strip("[]"), port)]
        except (OSError, ValueError) as error:
            raise Unusable(f"The host {host} is not known.") from error
        if not all(map(self._fetcher.is_allowed, found)):
            # Which address it was is not told: that would map a network for a stranger.
            raise Unusable(f"The host {host} is not on the public internet; it is not asked.")
        return list(dict.fromkeys(str(address) for address in found))


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step shares one end: a server that drips bytes gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, *, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within what time is left."""
        return self._stream.read(max_bytes, _remaining(self._ends_at))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within what time is left."""
        self._stream.write(buffer, _remaining(self._ends_at))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Turn to TLS; the certificate is checked against the host's name, not the address."""
        secure = self._stream.start_tls(ssl_context, server_hostname, _remaining(self._ends_at))
        return _TimedStream(secure, ends_at=self._ends_at)

    def get_extra_info(self, info: str) -> object:
        """Pass on what is known of the connection."""
        return self._stream.get_extra_info(info)


def _remaining(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("it took too long")
    return left


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Unusable(f"This is not an address: {text[:80]}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise Unusable(f"Only http and https addresses are fetched, not {text[:80]}")
    return url


def _onward(url: httpx.URL, response: httpcore.Response) -> str:
    target = _header(response, b"location")
    if not target:
        raise Unusable(f"{url.host} redirects to nowhere.")
    try:
        return str(url.join(target))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Unusable(f"{url.host} redirects to something that is no address.") from error


def _header(response: httpcore.Response, name: bytes) -> str:
    found = next((value for key, value in response.headers if key.lower() == name), b"")
    return found.decode("latin-1").strip()


def _reason(error: Exception) -> str:
    return "it took too long" if isinstance(error, httpcore.TimeoutException) else str(error) or type(error).__name__


plugin = HttpFetcher()
