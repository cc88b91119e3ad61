"""Concurrent annotators on a server's HTTP API: some repeat themselves, some vanish, all outlive a dead server."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.crowded import LABELS, Crowded

REPEATED = 7
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 40.0
VANISHED_HOLD = 3


@dataclass(frozen=True)
class Receipt:
    """One answer that the server said it has."""

    answer_id: int
    assignment_id: int
    task_id: int
    worker_id: int
    label: str


@dataclass
class Drain:
    """A run of all clients over one batch until `places` answers have been acknowledged."""

    address: str
    crowded: Crowded
    places: int
    vanishing: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    repeats: int = 0
    late: list[int] = field(default_factory=list)
    owed: int = 0
    faults: list[str] = field(default_factory=list)
    abandoned: dict[int, list[Any]] = field(default_factory=dict)
    broken_connections: int = 0

    def run(self) -> None:
        """Play until every place is filled; what went wrong is in `faults`."""
        # In a thread of its own: Playwright's synchronous API leaves a loop running in the one that tests run in.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(self._run())).result()

    @property
    def done(self) -> bool:
        """Say whether every place has its answer."""
        return len(self.receipts) >= self.places

    async def _run(self) -> None:
        workers = list(self.crowded.tokens.items())
        limits = httpx.Limits(max_connections=len(workers) * 2)
        async with httpx.AsyncClient(
            base_url=f"{self.address}/api/v1", timeout=30, trust_env=False, limits=limits
        ) as http:
            gone, staying = workers[: self.vanishing], workers[self.vanishing :]
            await asyncio.gather(*[self._vanish(http, *worker) for worker in gone])
            await asyncio.gather(*[self._work(http, *worker) for worker in staying])
            await asyncio.gather(*[self._come_back(http, *worker) for worker in gone])

    async def _work(self, http: httpx.AsyncClient, worker_id: int, token: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        held: list[Any] = []
        while not self.done:
            if not held:
                held = await self._claim(http, token, count=1)
            if held:
                held = await self._submit(http, worker_id, token, held[0])
            elif time.monotonic() > until:
                self.faults.append(f"worker {worker_id} was told 'nothing' while places are open")
                return
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _vanish(self, http: httpx.AsyncClient, worker_id: int, token: str) -> None:
        self.abandoned[worker_id] = await self._claim(http, token, count=VANISHED_HOLD)

    async def _come_back(self, http: httpx.AsyncClient, worker_id: int, token: str) -> None:
        """Answer after the lease has lapsed and the place was filled by somebody else: kept and paid, or owed."""
        for assignment in self.abandoned[worker_id]:
            reply = await self._post(http, token, f"/assignments/{assignment['id']}/submit", _body(assignment, 0, 0))
            receipt = reply.json()
            if not reply.is_success or not receipt["late"]:
                self.faults.append(f"a late answer got {reply.status_code}: {reply.text[:200]}")
                continue
            self.late.append(receipt["answer"]["id"])
            self.owed += receipt["owed"]

    async def _claim(self, http: httpx.AsyncClient, token: str, *, count: int) -> list[Any]:
        reply = await self._post(http, token, f"/batches/{self.crowded.batch_id}/claim", {"count": count})
        if not reply.is_success:
            self.faults.append(f"claim got {reply.status_code}: {reply.text[:200]}")
            return []
        found: list[Any] = reply.json()
        return found

    async def _submit(self, http: httpx.AsyncClient, worker_id: int, token: str, assignment: Any) -> list[Any]:
        path = f"/assignments/{assignment['id']}/submit"
        body = _body(assignment, worker_id, 1)
        again = assignment["id"] % REPEATED == 0
        replies = await asyncio.gather(*[self._post(http, token, path, body) for _ in range(2 if again else 1)])
        first = replies[0]
        if not all(reply.is_success for reply in replies):
            refused = next(reply for reply in replies if not reply.is_success)
            self.faults.append(f"submit got {refused.status_code}: {refused.text[:200]}")
            return []
        if again:
            self.repeats += 1
            if replies[1].json()["answer"]["id"] != first.json()["answer"]["id"]:
                self.faults.append(f"assignment {assignment['id']} was answered twice")
        receipt = first.json()
        self.receipts.append(
            Receipt(
                answer_id=receipt["answer"]["id"],
                assignment_id=assignment["id"],
                task_id=assignment["task_id"],
                worker_id=worker_id,
                label=body["value"]["label"],
            )
        )
        following: list[Any] = receipt["next"]
        return following

    async def _post(self, http: httpx.AsyncClient, token: str, path: str, body: Any) -> httpx.Response:
        """Send until something answers: a killed server is back soon, and a repeat is harmless."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
            except httpx.TransportError:
                self.broken_connections += 1
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)


def _body(assignment: Any, worker_id: int, following: int) -> dict[str, Any]:
    label = LABELS[(assignment["task_id"] + worker_id) % len(LABELS)]
    return {
        "value": {assignment["question"]["field"]: label},
        "client_key": f"key-{assignment['id']}",
        "seconds": 0.1,
        "next": following,
    }
