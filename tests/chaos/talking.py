"""A client's line to the servers: another port when one is dead, the same request until something answers."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any

import httpx

from tests.chaos.recorded import Record

PAUSE_SECONDS = 0.5
REQUEST_SECONDS = 10.0
# What a server may say of a request that it did not do, and that can be tried again.
AGAIN = frozenset({503})
HANG_UP_SECONDS = 0.02
# After the end, so that as many as possible learn what became of their last request.
AFTERWARDS_SECONDS = 15.0


@dataclass
class Exchange:
    """All lines: which ports there are, what was counted, and when something last went well."""

    ports: Sequence[int]
    record: Record
    random: Random
    until: float
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    hung_up: int = 0
    # when somebody was last served, by any port and by each
    answered_at: float = 0.0
    answered_by: dict[int, float] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Say whether clients should end."""
        return monotonic() > self.until


@dataclass
class Line:
    """One client's way to ask; its token says who it is."""

    exchange: Exchange
    http: httpx.AsyncClient
    token: str
    patience_seconds: float = 40.0

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, hang_up: bool = False
    ) -> httpx.Response | None:
        """Send until something answers that is no "try again"; None when patience ends first."""
        until, headers = monotonic() + self.patience_seconds, {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        while monotonic() < min(until, self.exchange.until + AFTERWARDS_SECONDS):
            try:
                reply = await self._send(method, path, body, headers=headers, hang_up=hang_up)
            except httpx.TransportError:
                self.exchange.broken += 1
            except TimeoutError:
                self.exchange.hung_up += 1
            else:
                self._count(reply, path)
                if reply.status_code not in AGAIN:
                    return reply
            hang_up = False
            await asyncio.sleep(self.exchange.random.uniform(0, PAUSE_SECONDS))
        return None

    async def _send(
        self, method: str, path: str, body: Any, *, headers: Mapping[str, str], hang_up: bool
    ) -> httpx.Response:
        port = self.exchange.random.choice(self.exchange.ports)
        sending = self.http.request(method, f"http://127.0.0.1:{port}/api/v1{path}", json=body, headers=headers)
        if not hang_up:
            return await sending
        # in the middle of the request: it closes the socket, and nobody knows whether it was done
        async with asyncio.timeout(self.exchange.random.uniform(0, HANG_UP_SECONDS)):
            return await sending

    def _count(self, reply: httpx.Response, path: str) -> None:
        self.exchange.statuses[reply.status_code] += 1
        if reply.is_success:
            self.exchange.answered_at = monotonic()
            self.exchange.answered_by[reply.url.port or 0] = self.exchange.answered_at
        elif reply.status_code >= 500 and reply.status_code not in AGAIN:
            self.exchange.record.violate(f"{path} got {reply.status_code}: {reply.text[:200]}")
