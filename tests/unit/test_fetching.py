"""Fetching from an address that a stranger chose."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import Event, Thread
from time import monotonic

import pytest

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.plugins.fetching.addresses import Address, is_public
from crowd_hitl.plugins.fetching.http import FetchLimits, HttpFetcher, plugin

LIMITS = FetchLimits(seconds=5, size_bytes=1_000, redirects=3)


class Pages(BaseHTTPRequestHandler):
    """A small site with every trick."""

    asked: Sequence[str] = ()
    finished = Event()

    def do_GET(self) -> None:
        type(self).asked = [*self.asked, f"{self.headers['Host']}{self.path}"]
        name, _, argument = self.path.strip("/").partition("?")
        getattr(self, f"page_{name}")(argument)

    def page_image(self, _: str) -> None:
        self._send(200, b"\x89PNG")

    def page_large(self, _: str) -> None:
        self._send(200, b"x" * 5_000)

    def page_packed(self, _: str) -> None:
        self._send(200, b"x", ("Content-Encoding", "gzip"))

    def page_gone(self, _: str) -> None:
        self._send(404, b"no")

    def page_onward(self, target: str) -> None:
        self._send(302, b"", ("Location", target))

    def page_nowhere(self, _: str) -> None:
        self._send(302, b"")

    def page_loop(self, _: str) -> None:
        self._send(302, b"", ("Location", "/loop"))

    def page_drip(self, _: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not self.finished.wait(0.05):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def _send(self, status: int, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def serving() -> Iterator[int]:
    Pages.asked = ()
    Pages.finished.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        Pages.finished.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def port() -> Iterator[int]:
    with serving() as port:
        yield port


def names(host: str, _port: int) -> Sequence[str]:
    """Resolve the hosts of these tests: `public` is our server, played to be on the internet."""
    known = {
        "public.example": ["127.0.0.1"],
        "inside.example": ["10.0.0.7"],
        "both.example": ["127.0.0.1", "10.0.0.7"],
    }
    if host not in known:
        raise socket.gaierror("unknown")
    return known[host]


def only_our_server(address: Address) -> bool:
    return address == ip_address("127.0.0.1")


def a_fetcher(limits: FetchLimits = LIMITS) -> HttpFetcher:
    return HttpFetcher(limits=limits, is_allowed=only_our_server, resolve=names)


def test_a_file_is_fetched_from_the_host_that_was_named(port: int) -> None:
    assert a_fetcher()(f"http://public.example:{port}/image") == b"\x89PNG"
    assert Pages.asked == [f"public.example:{port}/image"]


def test_a_redirect_is_followed(port: int) -> None:
    assert a_fetcher()(f"http://public.example:{port}/onward?/image") == b"\x89PNG"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("gone", "answered with status 404"),
        ("large", "more than 1,000 bytes"),
        ("packed", "packed content"),
        ("nowhere", "redirects to nowhere"),
        ("onward?file:///etc/passwd", "Only http and https"),
        ("onward?http://inside.example/", "inside.example is not on the public internet"),
        ("onward?http://both.example/", "both.example is not on the public internet"),
        ("onward?http://[::1", "no address"),
    ],
)
def test_what_is_no_file_within_the_limits_is_unusable(port: int, page: str, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        a_fetcher()(f"http://public.example:{port}/{page}")


def test_redirects_have_an_end(port: int) -> None:
    with pytest.raises(Unusable, match="redirects more than 3 times"):
        a_fetcher()(f"http://public.example:{port}/loop")


def test_a_host_with_one_address_inside_is_never_connected_to(port: int) -> None:
    with pytest.raises(Unusable, match="not on the public internet"):
        a_fetcher()(f"http://both.example:{port}/image")

    assert not Pages.asked


def test_a_name_is_asked_for_once_so_it_cannot_change_after_the_check(port: int) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.7"]])
    fetcher = HttpFetcher(limits=LIMITS, is_allowed=only_our_server, resolve=lambda _host, _port: next(answers))

    assert fetcher(f"http://rebinding.example:{port}/image") == b"\x89PNG"
    assert next(answers) == ["10.0.0.7"]


def test_a_server_that_drips_is_left_when_the_time_is_up(port: int) -> None:
    started = monotonic()
    with pytest.raises(Unusable, match="took too long"):
        a_fetcher(FetchLimits(seconds=0.4))(f"http://public.example:{port}/drip")

    assert monotonic() - started < 3


@pytest.mark.parametrize("url", ["ftp://public.example/a", "file:///etc/passwd", "http://", "image.png", "http://[::1"])
def test_only_web_addresses_are_fetched(url: str) -> None:
    with pytest.raises(Unusable, match=r"http and https|not an address"):
        a_fetcher()(url)


def test_an_unknown_host_is_said() -> None:
    with pytest.raises(Unusable, match=r"The host unknown\.example is not known"):
        a_fetcher()("https://unknown.example/a.png")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_the_fetcher_that_ships_never_asks_this_machine(port: int, host: str) -> None:
    with pytest.raises(Unusable, match=r"not on the public internet|not known"):
        plugin(f"http://{host}:{port}/image")

    assert not Pages.asked


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::"),
    ],
)
def test_what_is_not_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_the_open_internet_is_allowed(address: str) -> None:
    assert is_public(ip_address(address))
