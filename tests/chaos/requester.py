"""A requester under siege: publishes small batches, extends, pauses, closes, decides, tops up, rewards and pays out."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.chaos.talking import Line

PAUSE_SECONDS = 0.05
OPEN_BATCHES = 4
REASON = "This is not what was asked for."
DONE_BEFORE = httpx.codes.CONFLICT


@dataclass
class Requester:
    """One requester's client; `batches` and `decide` are shared with the workers."""

    line: Line
    slug: str
    budget_id: int
    items: list[int]
    workers: list[int]
    random: Random
    batches: list[int]
    decide: list[int] = field(default_factory=list)
    numbers: int = 0

    async def manage(self) -> None:
        """Go on until it is over."""
        deeds = {
            self._extend: 2,
            self._pause: 2,
            self._close: 1,
            self._decide: 12,
            self._top_up: 1,
            self._reward: 2,
            self._pay_out: 1,
        }
        while not self.line.exchange.is_over:
            if len(self.batches) < OPEN_BATCHES:
                await self._publish()
            (deed,) = self.random.choices(list(deeds), list(deeds.values()))
            await deed()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _publish(self) -> None:
        name = self._name("batch")
        body = {
            "name": name,
            "budget_id": self.budget_id,
            "price": self.random.choice(("0.05", "0.033333")),
            "overlap_min": self.random.randint(1, 3),
            "overlap_max": 4,
            "lease_seconds": 5,
            "items": self.random.sample(self.items, self.random.randint(10, 40)),
            "approval": self.random.choice(("auto", "manual")),
        }
        reply = await self._ask("POST", f"/projects/{self.slug}/batches", body, key=name)
        if reply is not None and reply.is_success:
            self.line.exchange.record.batches[name] = reply.json()["id"]
            self.batches.append(reply.json()["id"])

    async def _extend(self) -> None:
        if self.batches:
            body = {"items": self.random.sample(self.items, 3)}
            await self._ask("POST", f"/batches/{self.random.choice(self.batches)}/extend", body, key=self._name("more"))

    async def _pause(self) -> None:
        if self.batches:
            batch_id = self.random.choice(self.batches)
            await self._ask("POST", f"/batches/{batch_id}/pause")
            await asyncio.sleep(0.2)
            await self._ask("POST", f"/batches/{batch_id}/resume")

    async def _close(self) -> None:
        # often enough that new ones are published; workers go on with what they hold
        if len(self.batches) == OPEN_BATCHES:
            batch_id = self.batches.pop(0)
            await self._ask("POST", f"/batches/{batch_id}/close")

    async def _decide(self) -> None:
        if not self.decide:
            return
        answer_id = self.decide.pop(self.random.randrange(len(self.decide)))
        record = self.line.exchange.record
        if self.random.random() < 0.8:
            reply = await self._ask("POST", f"/answers/{answer_id}/approve")
            decision = "approved"
        else:
            reply = await self._ask("POST", f"/answers/{answer_id}/reject", {"reason": REASON})
            decision = "rejected"
        if reply is not None and reply.is_success:
            await record.decide(answer_id, decision)

    async def _top_up(self) -> None:
        key = self._name("money")
        await self._pay(f"/budgets/{self.budget_id}/top-ups", {"amount": "1.5"}, key, f"top-up:{self.budget_id}:{key}")

    async def _reward(self) -> None:
        key = self._name("thanks")
        body = {"worker_id": self.random.choice(self.workers), "amount": "0.07", "reason": "Well done"}
        await self._pay(f"/budgets/{self.budget_id}/bonuses", body, key, f"bonus:{self.budget_id}:{key}")

    async def _pay(self, path: str, body: Any, key: str, business_key: str) -> None:
        reply = await self._ask("POST", path, body, key=key)
        if reply is not None and reply.is_success:
            await self.line.exchange.record.note("paid", key=business_key)
            self.line.exchange.record.keys[business_key] = 1

    async def _pay_out(self) -> None:
        record = self.line.exchange.record
        run = await self._ask("POST", "/payouts/runs", key=self._name("run"))
        if run is None or not run.is_success:
            return
        run_id = run.json()["run_id"]
        exported = await self._ask("POST", f"/payouts/runs/{run_id}/export")
        if exported is None or not exported.is_success:
            return
        for payout in run.json()["payouts"][:5]:
            reference = payout["reference"]
            done = await self._ask("POST", f"/payouts/{reference}/paid", {"paid_as": f"bank {reference}"})
            if done is not None and done.is_success:
                await record.note("paid out", reference=reference)
                record.paid.add(reference)

    def _name(self, what: str) -> str:
        self.numbers += 1
        return f"{what}-{self.numbers}"

    async def _ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response | None:
        reply = await self.line.ask(method, path, body, key=key, hang_up=self.random.random() < 0.05)
        self.line.exchange.operations["manage"] += 1
        return reply
